"""ENVI classification: a raw raster of class numbers, and a header with names, colours and map info."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from special.report.geotiff import printable
from special.scene import Georeference

NO_ENVI_COPY = (
    "map_envi is left out: the map is sheared, mirrored or turned, and an ENVI header cannot say so; map.tif can"
)
_MOST_OFF_PIXELS = 0.05
_DATA_TYPE = {1: 1, 2: 12}  # bytes of a pixel -> ENVI's code: byte, unsigned 16-bit


def write_envi(
    path: Path,
    labels: NDArray[Any],
    names: Sequence[str],
    colours: NDArray[np.uint8],
    georeference: Georeference | None,
) -> list[Path]:
    """Write the header ``path`` and, beside it with the suffix ``.img``, the labels (rows, cols), 0 = unclassified.

    Returns:
        What was written: nothing, where a header cannot hold the place. A map in the wrong place is worse than none.
    """
    rows, cols = labels.shape
    place = _place(georeference, rows, cols)
    if place is None:
        return []
    lookup = [255, 255, 255, *colours.ravel().tolist()]
    lines = [
        "ENVI",
        "description = {Land cover}",
        f"samples = {cols}",
        f"lines = {rows}",
        "bands = 1",
        "header offset = 0",
        "file type = ENVI Classification",
        f"data type = {_DATA_TYPE[labels.dtype.itemsize]}",
        "interleave = bsq",
        "byte order = 0",
        "data ignore value = 0",
        f"classes = {len(names) + 1}",
        f"class names = {{{', '.join(['Unclassified', *map(_in_a_list, names)])}}}",
        f"class lookup = {{{', '.join(map(str, lookup))}}}",
        "band names = {class}",
        *place,
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = path.with_suffix(".img")
    data.write_bytes(labels.astype(labels.dtype.newbyteorder("<")).tobytes())
    return [path, data]


def _in_a_list(name: str) -> str:
    """A header separates names by commas and ends them with a brace, so a name can have neither."""
    return printable(name).translate(str.maketrans(",{}", ";()"))


def _place(georeference: Georeference | None, rows: int, cols: int) -> list[str] | None:
    """The header lines that say where the map lies, or None when it would lie elsewhere by them.

    GDAL knows how ENVI names projections: it is asked, and what it reads back is looked at. A header holds a turn of
    the map, but no shear, no mirror image and no turn of pixels that are not square.
    """
    if georeference is None or not georeference.transform:
        return []
    import rasterio
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    with tempfile.TemporaryDirectory() as folder:
        pixel = Path(folder) / "pixel"
        with rasterio.open(
            pixel,
            "w",
            driver="ENVI",
            dtype="uint8",
            count=1,
            height=1,
            width=1,
            transform=Affine(*georeference.transform),
            crs=georeference.crs_wkt or None,
        ):
            pass
        header = pixel.with_suffix(".hdr").read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(pixel, driver="ENVI") as file:
                held = file.transform
    wanted = Affine(*georeference.transform)
    if wanted.determinant > 0:  # a mirror image, which GDAL writes in a way that only it reads
        return None
    pixel_size = max(abs(value) for value in (wanted.a, wanted.b, wanted.d, wanted.e))
    for corner in ((0, 0), (cols, 0), (0, rows), (cols, rows)):
        (x, y), (right_x, right_y) = held * corner, wanted * corner
        if max(abs(x - right_x), abs(y - right_y)) > _MOST_OFF_PIXELS * pixel_size:
            return None
    fields = dict(re.findall(r"^([a-z ]+?) *= *(\{.*?\})", header, flags=re.MULTILINE | re.DOTALL))
    kept = ("map info", "projection info", "coordinate system string")
    return [f"{name} = {fields[name]}" for name in kept if name in fields]
