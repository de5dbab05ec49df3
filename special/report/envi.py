"""ENVI classification: a raw raster of class numbers, and a header with names, colours and map info."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from special.report.geotiff import printable
from special.scene import Georeference

_DATA_TYPE = {1: 1, 2: 12}  # bytes of a pixel -> ENVI's code: byte, unsigned 16-bit


def write_envi(
    path: Path,
    labels: NDArray[Any],
    names: Sequence[str],
    colours: NDArray[np.uint8],
    georeference: Georeference | None,
) -> list[Path]:
    """Write the header ``path`` and, beside it with the suffix ``.img``, the labels (rows, cols), 0 = unclassified."""
    rows, cols = labels.shape
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
        *_place(georeference),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = path.with_suffix(".img")
    data.write_bytes(labels.astype(labels.dtype.newbyteorder("<")).tobytes())
    return [path, data]


def _in_a_list(name: str) -> str:
    """A header separates names by commas and ends them with a brace, so a name can have neither."""
    return printable(name).translate(str.maketrans(",{}", ";()"))


def _place(georeference: Georeference | None) -> list[str]:
    """The header lines that say where the map lies. GDAL knows how ENVI names projections: it is asked."""
    if georeference is None or not georeference.transform:
        return []
    import rasterio
    from affine import Affine

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
    fields = dict(re.findall(r"^([a-z ]+?) *= *(\{.*?\})", header, flags=re.MULTILINE | re.DOTALL))
    kept = ("map info", "projection info", "coordinate system string")
    return [f"{name} = {fields[name]}" for name in kept if name in fields]
