"""GeoTIFF with colours and class names, as QGIS and GDAL read them: cloud-optimised, with overviews.

The colour table is in the file. Class names have no place in a TIFF: GDAL reads them from ``map.tif.aux.xml`` (category
names and an attribute table), QGIS from the style ``map.qml`` beside it. They are in the band's tags as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from special.report.areas import class_areas
from special.report.legend import Legend
from special.report.metrics import UNMAPPED, count_labels
from special.scene import Georeference
from special.storage.rasters import blocks

_BLOCK = 256
_CACHE_MB = 64  # of GDAL, which else takes a twentieth of the memory
# Of a raster attribute table. Type: whole number, real number, text. Usage: what GDAL knows a column to be.
_WHOLE, _REAL, _TEXT = 0, 1, 2
_GENERAL, _COUNT, _NAME, _VALUE, _RED, _GREEN, _BLUE = 0, 1, 2, 5, 6, 7, 8
_FIELDS = (
    ("Value", _WHOLE, _VALUE),
    ("Count", _WHOLE, _COUNT),
    ("Class", _TEXT, _NAME),
    ("Red", _WHOLE, _RED),
    ("Green", _WHOLE, _GREEN),
    ("Blue", _WHOLE, _BLUE),
    ("Concept", _TEXT, _GENERAL),
)
_AREA = ("Area_m2", _REAL, _GENERAL)


def write_geotiff(
    path: Path,
    labels: NDArray[Any],
    legend: Legend,
    georeference: Georeference | None,
    counts: Sequence[int] | NDArray[np.int64] | None = None,
) -> list[Path]:
    """Write a label map (rows, cols), 0 = nodata, and its companions.

    ``counts`` (1 + classes,) are the pixels of each value, 0 first, where they are not those of ``labels``.

    Returns:
        The GeoTIFF, its ``.aux.xml`` and its ``.qml``.
    """
    _write(path, labels.dtype, labels.shape, lambda rows: labels[rows], 0, georeference, legend)
    table = path.with_name(f"{path.name}.aux.xml")
    counted = count_labels(labels, len(legend)) if counts is None else counts
    _save(table, _attributes(counted, class_areas(labels, len(legend), georeference), legend))
    style = path.with_suffix(".qml")
    _save(style, _style(legend))
    return [path, table, style]


def write_confidence(
    path: Path, confidence: NDArray[np.float32], valid: NDArray[np.bool_], georeference: Georeference | None
) -> Path:
    """Write the confidence, float32 (rows, cols); pixels without data become NaN, which is its nodata value."""

    def read(rows: slice) -> NDArray[Any]:
        return np.where(valid[rows], confidence[rows], np.float32(np.nan))

    _write(path, confidence.dtype, confidence.shape, read, np.nan, georeference)
    return path


def printable(name: str) -> str:
    """Return a class name without the characters that XML and text headers cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in name)


def _write(
    path: Path,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    read: Callable[[slice], NDArray[Any]],
    nodata: float,
    georeference: Georeference | None,
    legend: Legend | None = None,
) -> None:
    """Write what ``read`` gives, by windows of rows. GDAL makes overviews of a file, so there is one before."""
    import rasterio
    import rasterio.shutil
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    options: dict[str, Any] = {"dtype": dtype.name, "count": 1, "height": shape[0], "width": shape[1], "nodata": nodata}
    if georeference is not None and georeference.crs_wkt:
        options["crs"] = georeference.crs_wkt
    if georeference is not None and georeference.transform:
        options["transform"] = Affine(*georeference.transform)
    # Classes have no mean: an overview shows the one that most of its pixels are of.
    layout = {"overview_resampling": "mode"} if legend else {"overview_resampling": "average", "predictor": "yes"}
    plain = path.with_name(f".{path.name}.plain")
    try:
        with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a scene need not be georeferenced
            with rasterio.open(plain, "w", driver="GTiff", bigtiff="if_safer", **options) as file:
                if legend is not None:
                    opaque = {k: (*map(int, rgb), 255) for k, rgb in enumerate(legend.colours, start=1)}
                    file.write_colormap(1, {0: (255, 255, 255, 0)} | opaque)
                for rows in blocks(shape, dtype.itemsize):
                    window = rasterio.windows.Window(0, rows.start, shape[1], rows.stop - rows.start)
                    file.write(read(rows), 1, window=window)
                file.set_band_description(1, "confidence" if legend is None else "class")
                names = () if legend is None else legend.names
                file.update_tags(1, **{f"class_{k}": name for k, name in enumerate(names, start=1)})
            rasterio.shutil.copy(
                plain, path, driver="COG", compress="lzw", blocksize=_BLOCK, bigtiff="if_safer", **layout
            )
    finally:
        plain.unlink(missing_ok=True)


def _attributes(counts: Any, areas: NDArray[np.float64] | None, legend: Legend) -> ElementTree.Element:
    """Category names and a raster attribute table, in GDAL's auxiliary format."""
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (title, kind, usage) in enumerate([*_FIELDS, *([] if areas is None else [_AREA])]):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for tag, text in (("Name", title), ("Type", kind), ("Usage", usage)):
            ElementTree.SubElement(field, tag).text = str(text)
    names, concepts = [UNMAPPED, *legend.names], ["", *legend.concepts]
    colours = np.vstack([[[255, 255, 255]], legend.colours]).tolist()
    for value, (name, count, rgb, concept) in enumerate(zip(names, counts, colours, concepts, strict=True)):
        ElementTree.SubElement(categories, "Category").text = printable(name)
        row = ElementTree.SubElement(table, "Row", index=str(value))
        area = [] if areas is None else [f"{areas[value]:.10g}"]
        for cell in (value, count, printable(name), *rgb, printable(concept), *area):
            ElementTree.SubElement(row, "F").text = str(cell)
    return root


def _style(legend: Legend) -> ElementTree.Element:
    """A QGIS layer style: one palette entry per class, labelled with its name."""
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1")
    entries = ElementTree.SubElement(renderer, "colorPalette")
    for value, (name, rgb) in enumerate(zip(legend.names, legend.colours, strict=True), start=1):
        colour = f"#{bytes(rgb).hex()}"
        label = printable(name)
        ElementTree.SubElement(entries, "paletteEntry", value=str(value), color=colour, label=label, alpha="255")
    return root


def _save(path: Path, root: ElementTree.Element) -> None:
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=path.suffix == ".qml")
