"""BEAM-DIMAP, what SNAP writes: a ``.dim`` file that names an ENVI file for every band, in a folder ``NAME.data``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.coordinates import checked_wkt
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.envi import open_envi
from special.scene.readers.joined import JoinedBlockReader
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.source import Georeference, Source


class DimapReader(Reader):
    """Reads BEAM-DIMAP: its bands that have a wavelength are the cube, the others are flags, angles and the like."""

    name = "dimap"
    reads = "BEAM-DIMAP of SNAP (.dim)"
    understands = "the bands that have a wavelength, with factor, offset and no data"
    precedence = PRODUCT
    signatures = ((0, b"<"), (0, b"\xef\xbb\xbf<"))
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By its root and its profile: SPOT's DIMAP, which GDAL reads, has another one. The folder of data will do."""
        if path.is_dir():
            return path.suffix == ".data" and path.with_suffix(".dim").is_file()
        return b"<Dimap_Document" in head and b"BEAM-DATAMODEL" in head

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe its spectral bands as one cube.

        Raises:
            SceneError: there are none, a file of a band is missing, or the bands differ in size.
        """
        if path.is_dir():
            if not self.holds(path, b""):
                raise SceneError(f"{path} is a folder: name the .dim file")
            path = path.with_suffix(".dim")
        with path.open("rb") as stream:
            root = parse_xml(stream.read(MOST_BYTES + 1), str(path))
        files = {
            item.findtext("BAND_INDEX", ""): item.find("DATA_FILE_PATH")
            for item in root.iterfind("Data_Access/Data_File")
        }
        described = root.iterfind("Image_Interpretation/Spectral_Band_Info")
        bands = [band for band in described if _number(band, "BAND_WAVELEN")]
        bands = [band for band in bands if (band.findtext("VIRTUAL_BAND") or "").strip() != "true"]
        if not bands:
            raise SceneError(f"{path} has no band with a wavelength: write its spectral bands")
        sources = [_band(path, files.get(band.findtext("BAND_INDEX", ""))) for band in bands]
        first = sources[0]
        if any((source.shape, source.dtype) != (first.shape, first.dtype) for source in sources):
            raise SceneError(f"the spectral bands of {path} differ in size or type: resample them to one size in SNAP")
        if any((band.findtext("LOG10_SCALED") or "").strip() == "true" for band in bands):
            raise SceneError(f"{path} holds logarithms of its values: convert its bands in SNAP")
        nm, widths, gains, offsets = (
            np.array([_number(band, field) or default for band in bands])
            for field, default in (("BAND_WAVELEN", 0), ("BANDWIDTH", 0), ("SCALING_FACTOR", 1), ("SCALING_OFFSET", 0))
        )
        nodata = {_nodata(band) for band in bands}
        return Source(
            path=path,
            format="BEAM-DIMAP",
            shape=(*first.shape[:2], len(bands)),
            dtype=first.dtype,
            read_block=JoinedBlockReader(tuple((source.read_block, 1) for source in sources)),
            files=(path, *dict.fromkeys(file for source in sources for file in source.files)),
            wavelengths=nm,
            fwhm=widths if (widths > 0).all() else None,
            nodata=nodata.pop() if len(nodata) == 1 else None,
            gains=None if np.all(gains == 1) else gains,
            offsets=None if not offsets.any() else offsets,
            georeference=first.georeference or _place(root),
            sensor=root.findtext("Production/PRODUCT_TYPE") or None,
            acquired=root.findtext("Production/PRODUCT_SCENE_RASTER_START_TIME") or None,
        )


DIMAP = DimapReader()


def _band(path: Path, entry: Any) -> Source:
    """The ENVI image of a band.

    Raises:
        SceneError: its file is missing, or is not in a folder below the product.
    """
    href = "" if entry is None else entry.get("href", "")
    inside = PurePosixPath(href.replace("\\", "/"))
    if not href or inside.is_absolute() or ".." in inside.parts or ":" in href:
        raise SceneError(f"{path} names {href!r} as the file of a band: only those in its own folder are opened")
    header = path.parent / inside
    if not header.is_file():
        raise SceneError(f"{path} needs {href}, which is missing: fetch the folder {inside.parts[0]} as well")
    return open_envi(header, header)


def _number(band: Any, field: str) -> float | None:
    try:
        return float(band.findtext(field) or "")
    except ValueError:
        return None


def _nodata(band: Any) -> float | None:
    used = (band.findtext("NO_DATA_VALUE_USED") or "").strip() == "true"
    return _number(band, "NO_DATA_VALUE") if used else None


def _place(root: Any) -> Georeference | None:
    """By the projection and the affine transform, whose numbers go down the columns of its matrix."""
    wkt = checked_wkt((root.findtext("Coordinate_Reference_System/WKT") or "").strip() or None)
    words = root.findtext("Geoposition/IMAGE_TO_MODEL_TRANSFORM") or ""
    try:
        a, d, b, e, c, f = (float(word) for word in words.split(","))
    except ValueError:
        return Georeference(wkt, None) if wkt else None
    return Georeference(wkt, (a, b, c, d, e, f))
