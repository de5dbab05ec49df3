"""HISUI L1G (Japan, on the space station): a GeoTIFF of 185 bands beside ``NAME_B.csv`` and ``NAME.txt``.

Layout, from public readers of it: the table has a line a band with its wavelength in nm, the text the factors that make
radiance, W / (m2 sr um), of the numbers of each detector. VNIR are the bands 1-58; 0 is no data.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.geotiff import TIFF
from special.scene.readers.product_files import ARCHIVES, ProductFiles, first_name, product_files
from special.scene.readers.raster import raster_source
from special.scene.source import Source

_IMAGE = re.compile(r"(.*HSHL1G_[^/]*)\.tiff?", re.IGNORECASE)
_BANDS, _VNIR = 185, 58
_SHORTEST, _LONGEST = 350.0, 2600.0  # nm, of any of its bands
_MOST_TEXT = 1 << 20


class HisuiReader(Reader):
    """Reads HISUI L1G, named by its image, its folder or its archive."""

    name = "hisui"
    reads = "HISUI L1G (folder, archive or image)"
    understands = "wavelengths from the table of bands beside it, scaled to radiance"
    precedence = PRODUCT
    signatures = (*TIFF, *ARCHIVES)
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By the names that its files have."""
        if path.is_dir():
            return any(_IMAGE.fullmatch(item.name) for item in path.iterdir())
        return bool(_IMAGE.fullmatch(path.name)) or "HSHL1G_" in first_name(path, head).upper()

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube of radiance.

        Raises:
            SceneError: a part of the product is missing or damaged, or is of another product.
        """
        named = None if path.is_dir() else _IMAGE.fullmatch(path.name)
        files = product_files(path.parent if named else path)
        images = [path.name] if named else [name for name in files.names if _IMAGE.fullmatch(name)]
        if len(images) != 1:
            raise SceneError(f"{path} holds {len(images) or 'no'} HISUI scenes: name the image of one")
        start = images[0].rpartition(".")[0]
        table, text = f"{start}_B.csv", f"{start}.txt"
        for name in (table, text):
            if name not in files.names:
                raise SceneError(f"{path} lacks a part of its HISUI product, {Path(name).name}: fetch it as well")
        with files.opened(images[0]) as dataset:
            source = raster_source(dataset, path, "HISUI L1G", ())
        if source.shape[2] != _BANDS:
            raise SceneError(f"{path} has {source.shape[2]} bands, but HISUI L1G has {_BANDS}: name the whole image")
        nm, fwhm = _bands(files, table)
        fields = dict(re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", _text(files, text), re.MULTILINE))
        vnir = np.arange(_BANDS) < _VNIR
        return replace(
            source,
            files=files.parts([images[0], table, text]),
            wavelengths=nm,
            fwhm=fwhm,
            nodata=0.0,
            gains=np.where(vnir, *(_number(fields, f"RadianceMulti{one}", path) for one in ("VNIR", "SWIR"))),
            offsets=np.where(vnir, *(_number(fields, f"RadianceAdd{one}", path) for one in ("VNIR", "SWIR"))),
            sensor="HISUI",
            level="L1G",
            acquired=fields.get("SceneCenterTime"),
        )


HISUI = HisuiReader()


def _bands(files: ProductFiles, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Wavelengths (bands,), nm: the first column that can be some. Widths: the column that is headed so, if one is.

    Raises:
        SceneError: the table has none, or another number of lines.
    """
    heading, *lines = list(csv.reader(_text(files, name).splitlines())) or [[]]
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    columns = []
    for cells in zip(*lines, strict=False):
        try:
            columns.append(np.array([float(cell) for cell in cells]))
        except ValueError:
            columns.append(np.full(len(cells), np.nan))
    nm = next((one for one in columns if ((one > _SHORTEST) & (one < _LONGEST)).all()), None)
    if nm is None or len(nm) != _BANDS:
        raise SceneError(f"{files.path / name} has no wavelengths of {_BANDS} bands: fetch it again")
    width = next((one for title, one in zip(heading, columns, strict=False) if "fwhm" in title.lower()), None)
    return nm, width if width is not None and (width > 0).all() else None


def _text(files: ProductFiles, name: str) -> str:
    return files.read(name, _MOST_TEXT).decode("utf-8-sig", errors="replace")


def _number(fields: dict[str, str], name: str, path: Path) -> float:
    """A number of the text.

    Raises:
        SceneError: it is not there.
    """
    try:
        return float(fields[name])
    except (KeyError, ValueError):
        raise SceneError(f"the text beside {path} has no number {name}: fetch it again") from None
