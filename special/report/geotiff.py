"""GeoTIFF with colours and class names, as QGIS and GDAL read them.

The colour table is in the file. Class names have no place in a TIFF: GDAL reads them from ``map.tif.aux.xml`` (category
names and an attribute table), QGIS from the style ``map.qml`` beside it. They are in the band's tags as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from special.report.metrics import UNMAPPED, count_labels
from special.scene import Georeference

_BLOCK = 256


def write_geotiff(
    path: Path,
    labels: NDArray[Any],
    names: Sequence[str],
    colours: NDArray[np.uint8],
    georeference: Georeference | None,
    counts: Sequence[int] | NDArray[np.int64] | None = None,
) -> list[Path]:
    """Write a label map (rows, cols), 0 = nodata, and its companions.

    ``counts`` (1 + classes,) are the pixels of each value, 0 first, where they are not those of ``labels``.

    Returns:
        The GeoTIFF, its ``.aux.xml`` and its ``.qml``.
    """
    _write(path, labels, 0, georeference, names=names, colours=colours)
    table = path.with_name(f"{path.name}.aux.xml")
    _save(table, _attributes(count_labels(labels, len(names)) if counts is None else counts, names, colours))
    style = path.with_suffix(".qml")
    _save(style, _style(names, colours))
    return [path, table, style]


def write_confidence(
    path: Path, confidence: NDArray[np.float32], valid: NDArray[np.bool_], georeference: Georeference | None
) -> Path:
    """Write the confidence, float32 (rows, cols); pixels without data become NaN, which is its nodata value."""
    _write(path, np.where(valid, confidence, np.float32(np.nan)), np.nan, georeference)
    return path


def printable(name: str) -> str:
    """Return a class name without the characters that XML and text headers cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in name)


def _write(
    path: Path,
    array: NDArray[Any],
    nodata: float,
    georeference: Georeference | None,
    *,
    names: Sequence[str] = (),
    colours: NDArray[np.uint8] | None = None,
) -> None:
    import rasterio
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    rows, cols = array.shape
    options: dict[str, Any] = {"driver": "GTiff", "dtype": array.dtype.name, "count": 1, "height": rows, "width": cols}
    options |= {"nodata": nodata, "compress": "lzw"}
    if min(rows, cols) > _BLOCK:
        options |= {"tiled": True, "blockxsize": _BLOCK, "blockysize": _BLOCK}
    if georeference is not None and georeference.crs_wkt:
        options["crs"] = georeference.crs_wkt
    if georeference is not None and georeference.transform:
        options["transform"] = Affine(*georeference.transform)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a scene need not be georeferenced
        with rasterio.open(path, "w", **options) as file:
            if colours is not None:
                file.write_colormap(
                    1, {0: (255, 255, 255, 0)} | {k: (*map(int, rgb), 255) for k, rgb in enumerate(colours, start=1)}
                )
            file.write(array, 1)
            file.set_band_description(1, "class" if names else "confidence")
            file.update_tags(1, **{f"class_{k}": name for k, name in enumerate(names, start=1)})


def _attributes(counts: Any, names: Sequence[str], colours: NDArray[np.uint8]) -> ElementTree.Element:
    """Category names and a raster attribute table, in GDAL's auxiliary format."""
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    # Type: 0 whole number, 2 text. Usage: 5 value, 1 pixel count, 2 name, 6 to 8 red, green, blue.
    fields = (("Value", 0, 5), ("Count", 0, 1), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
    for index, (title, kind, usage) in enumerate(fields):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for tag, text in (("Name", title), ("Type", kind), ("Usage", usage)):
            ElementTree.SubElement(field, tag).text = str(text)
    everything = zip([UNMAPPED, *names], counts, np.vstack([[[255, 255, 255]], colours]), strict=True)
    for value, (name, count, rgb) in enumerate(everything):
        ElementTree.SubElement(categories, "Category").text = printable(name)
        row = ElementTree.SubElement(table, "Row", index=str(value))
        for cell in (value, count, printable(name), *rgb):
            ElementTree.SubElement(row, "F").text = str(cell)
    return root


def _style(names: Sequence[str], colours: NDArray[np.uint8]) -> ElementTree.Element:
    """A QGIS layer style: one palette entry per class, labelled with its name."""
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1")
    entries = ElementTree.SubElement(renderer, "colorPalette")
    for value, (name, rgb) in enumerate(zip(names, colours, strict=True), start=1):
        colour = f"#{bytes(rgb).hex()}"
        label = printable(name)
        ElementTree.SubElement(entries, "paletteEntry", value=str(value), color=colour, label=label, alpha="255")
    return root


def _save(path: Path, root: ElementTree.Element) -> None:
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=path.suffix == ".qml")
