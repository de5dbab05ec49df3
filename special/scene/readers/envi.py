"""ENVI: a text header beside a raw file, in any interleave and byte order. Either of the two names the scene."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import plausible_widths
from special.scene.quality import is_factor
from special.scene.readers.base import HEAD_BYTES, NEIGHBOUR, ArrayBlockReader, Reader, ReadOptions
from special.scene.readers.envi_header import (
    header_beside,
    is_header,
    lacks_first_line,
    number,
    numbers,
    read_header,
    wavelengths_in,
)
from special.scene.readers.mapped import MappedArray
from special.scene.readers.raster import georeference_of
from special.scene.source import Axes, Georeference, Source

_TYPES = {"1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8"}
_COMPLEX = ("6", "9")
_EXPOSURES = ("tint", "integration time", "exposure time", "exposure")
# How each interleave stores a cube, as the places of rows, columns and bands among its axes.
_AXES: dict[str, Axes] = {"bsq": (1, 2, 0), "bil": (0, 2, 1), "bip": (0, 1, 2)}
_PLACE = ("map info", "coordinate system string", "projection info", "pixel size")
_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".bin", ".envi", ".cube", ".rfl", ".rdn", ".sli")


class _RawFile(MappedArray):
    """The raw file."""

    def __init__(self, path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> None:
        self._path, self._offset = path, offset
        self.dtype, self.shape = dtype, shape

    def map(self) -> np.ndarray:
        return np.memmap(self._path, self.dtype, "r", self._offset, self.shape)


class EnviReader(Reader):
    """Reads ENVI scenes, named by their header or by their raw file."""

    name = "envi"
    reads = "ENVI (header and raw file)"
    understands = (
        "header or data file; any interleave and byte order; `bbl`, units, scale factor, ignore value, map info"
    )
    precedence = NEIGHBOUR

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the first word of a header, or the header beside a raw file."""
        return path.is_file() and (is_header(head) or lacks_first_line(head) or header_beside(path) is not None)

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Open the cube or image."""
        if path.is_dir():
            raise SceneError(f"{path} is a folder: name the header or the raw file in it")
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        header = path if is_header(head) or lacks_first_line(head) else header_beside(path)
        if header is None:
            raise SceneError(f"{path} is no ENVI header and has none beside it: put its .hdr file into its folder")
        return open_envi(path, header)

    def class_names(self, path: Path) -> Mapping[int, str]:
        """Return the list ``class names`` of an ENVI classification."""
        with path.open("rb") as stream:
            header = path if is_header(stream.read(HEAD_BYTES)) else header_beside(path)
        listed = "" if header is None else read_header(header).get("class names", "")
        return {number: name.strip() for number, name in enumerate(listed.split(","))} if listed else {}

    def class_colours(self, path: Path) -> Mapping[int, str]:
        """Return the list ``class lookup`` of an ENVI classification."""
        with path.open("rb") as stream:
            header = path if is_header(stream.read(HEAD_BYTES)) else header_beside(path)
        values = None if header is None else numbers(read_header(header), "class lookup", header)
        if values is None or len(values) % 3 or not ((values >= 0) & (values < 256)).all():
            return {}
        return {
            number: "#{:02x}{:02x}{:02x}".format(*rgb) for number, rgb in enumerate(values.reshape(-1, 3).astype(int))
        }


ENVI = EnviReader()


def open_envi(path: Path, header: Path) -> Source:
    """The cube that ``header`` describes; ``path`` is the header or the data file, as the user named it.

    Raises:
        SceneError: the header lacks something or contradicts itself, or the data file is missing or too short.
    """
    fields = read_header(header)
    rows, cols, bands = (_whole(fields, name, header) for name in ("lines", "samples", "bands"))
    dtype = _dtype(fields, header)
    offset = 0 if number(fields, "header offset", header) is None else _whole(fields, "header offset", header, 0)
    interleave = fields.get("interleave", "bsq").lower()
    if interleave not in _AXES:
        raise SceneError(f"{header}: interleave {interleave!r} is unknown: it must be bsq, bil or bip")
    if "librar" in fields.get("file type", "").lower():
        raise SceneError(f"{header} describes a spectral library, not a scene: name the header of a cube")
    if fields.get("file compression", "0").strip() not in ("", "0"):
        raise SceneError(f"{header} describes a compressed file: save it uncompressed")
    needed = offset + rows * cols * bands * dtype.itemsize
    data = _data_file(header, needed) if path == header else path
    if (size := data.stat().st_size) < needed:
        raise SceneError(f"{data} has {size} bytes but its header {header.name} describes {needed}: it is cut short")

    longer: tuple[str, ...] = ()
    if size > needed:
        longer = (
            f"{data.name} has {size - needed} bytes more than its header describes: if they stand in front of the "
            "cube, the header lacks its header offset and every pixel is shifted",
        )

    axes = _AXES[interleave]
    stored = tuple(size for _, size in sorted(zip(axes, (rows, cols, bands), strict=True)))
    scale, scale_note = _scale(fields, header)
    gains, offsets = (None, None) if scale else _gains(fields, bands, header)
    georeference, place_note = _georeference(fields)
    good, bbl_note = _good_bands(fields, bands, header)
    wavelengths = wavelengths_in(fields, header)
    return Source(
        path=path,
        format=f"ENVI {interleave}",
        shape=(rows, cols, bands),
        dtype=dtype,
        read_block=ArrayBlockReader(_RawFile(data, dtype, offset, stored), axes),
        files=(header, data),
        wavelengths=wavelengths,
        fwhm=_widths(fields, wavelengths, bands, header),
        good_bands=good,
        nodata=number(fields, "data ignore value", header),
        gains=gains,
        offsets=offsets,
        scale_factor=scale if scale != 1 else None,
        georeference=georeference,
        exposure=_exposure(fields),
        acquired=fields.get("acquisition time") or None,
        sensor=fields.get("sensor type") if fields.get("sensor type", "").lower() not in ("", "unknown") else None,
        notes=(*bbl_note, *scale_note),
        warnings=(*place_note, *longer),
    )


def spectral_fields(header: Path, bands: int) -> dict[str, Any] | None:
    """Return what a header beside another image says of its bands, as fields of a ``Source``: wavelengths in nm,
    good bands, gains, offsets, scale factor and nodata; None when it names no wavelengths for so many bands.

    Raises:
        SceneError: the header contradicts itself.
    """
    fields = read_header(header)
    nm = wavelengths_in(fields, header)
    if nm is None or len(nm) != bands:
        return None
    scale, _ = _scale(fields, header)
    gains, offsets = (None, None) if scale else _gains(fields, bands, header)
    return {
        "wavelengths": nm,
        "fwhm": _widths(fields, nm, bands, header),
        "good_bands": _good_bands(fields, bands, header)[0],
        "nodata": number(fields, "data ignore value", header),
        "gains": gains,
        "offsets": offsets,
        "scale_factor": scale if scale != 1 else None,
    }


def _data_file(header: Path, needed: int) -> Path:
    """The data file of a header: its name without ``.hdr``, with one of the customary suffixes, and large enough."""
    base = header.with_suffix("")
    names = {base.name + suffix for suffix in _SUFFIXES} | {base.name + suffix.upper() for suffix in _SUFFIXES}
    found = sorted(p for p in header.parent.iterdir() if p.name in names and p != header and p.is_file())
    if not found:  # cameras and programs have suffixes of their own, so any will do when its size is the right one
        same = (path for path in header.parent.iterdir() if path.name.startswith(f"{base.name}.") and path != header)
        found = sorted(path for path in same if path.is_file() and path.stat().st_size == needed)
    if not found:
        raise SceneError(
            f"{header} has no data file beside it: put {base.name}.img (or .dat, .bsq...) into its folder, or name the "
            "data file itself"
        )
    fitting = [path for path in found if path.stat().st_size == needed] or found
    if len(fitting) > 1:
        raise SceneError(f"{header} could belong to {' or '.join(p.name for p in fitting)}: name the data file instead")
    return fitting[0]


def _dtype(fields: Mapping[str, str], header: Path) -> np.dtype[Any]:
    code = fields.get("data type", "").strip()
    if code in _COMPLEX:
        raise SceneError(f"{header}: data type {code} is complex, but a scene holds real numbers")
    if code not in _TYPES:
        raise SceneError(f"{header}: data type {code or 'missing'!r} is unknown: it must be one of {', '.join(_TYPES)}")
    order = fields.get("byte order", "0").strip()
    if order not in ("0", "1"):
        raise SceneError(f"{header}: byte order {order!r} is unknown: it must be 0 (little) or 1 (big endian)")
    return np.dtype(_TYPES[code]).newbyteorder(">" if order == "1" else "<")


def _whole(fields: Mapping[str, str], name: str, header: Path, least: int = 1) -> int:
    value = number(fields, name, header)
    if value is None or value < least or not value.is_integer():
        said = fields.get(name, "missing")
        raise SceneError(f"{header}: {name} is {said}: it must be a whole number of at least {least}")
    return int(value)


def _widths(fields: Mapping[str, str], nm: np.ndarray | None, bands: int, header: Path) -> np.ndarray | None:
    """The widths of the bands (bands,), nm; ``nm`` are their wavelengths."""
    widths = numbers(fields, "fwhm", header)
    if widths is None or nm is None or len(widths) != bands or len(nm) != bands:
        return None
    listed = numbers(fields, "wavelength", header)
    return plausible_widths(widths, nm, listed if listed is not None and len(listed) == bands else None)


def _scale(fields: Mapping[str, str], header: Path) -> tuple[float | None, tuple[str, ...]]:
    """What divides the numbers to make reflectance of them, and a note where the header has what multiplies them."""
    scale = number(fields, "reflectance scale factor", header)
    if not scale:
        return None, ()
    if not 0 < scale < 1 or not is_factor(scale):  # what is no factor is told where the scene is opened
        return scale, ()
    # Numbers divided by less than 1 would exceed what reflectance can be.
    return 1 / scale, (f"its reflectance scale factor, {scale:g}, is what the numbers are multiplied by",)


def _exposure(fields: Mapping[str, str]) -> float | None:
    """How long the camera looked, by the first of the names that cameras write; their units do not matter."""
    for name in _EXPOSURES:
        try:
            value = float(fields.get(name, "").split()[0])
        except (ValueError, IndexError):
            continue
        if 0 < value < float("inf"):
            return value
    return None


def _good_bands(fields: Mapping[str, str], bands: int, header: Path) -> tuple[np.ndarray | None, tuple[str, ...]]:
    bbl = numbers(fields, "bbl", header)
    if bbl is None:
        return None, ()
    if len(bbl) != bands:
        return None, (f"the bad band list (bbl) has {len(bbl)} entries for {bands} bands and was ignored",)
    return bbl > 0, ()


def _gains(fields: Mapping[str, str], bands: int, header: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Gain and offset per band: those that lead to reflectance if there are any, else those that lead to radiance."""
    for kind in ("data reflectance", "data"):
        gains, offsets = (numbers(fields, f"{kind} {what} values", header) for what in ("gain", "offset"))
        if gains is not None or offsets is not None:
            for values in (gains, offsets):
                if values is not None and len(values) != bands:
                    raise SceneError(f"{header}: {len(values)} gains or offsets for {bands} bands: mend the header")
            return gains, offsets
    return None, None


def _georeference(fields: Mapping[str, str]) -> tuple[Georeference | None, tuple[str, ...]]:
    """What GDAL makes of ``map info`` and ``coordinate system string``: it knows ENVI's projections and datums."""
    if not fields.keys() & set(_PLACE):
        return None, ()
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    from special.scene.readers.raster import quiet_open

    # A header of two pixels with these fields alone: GDAL need not understand what else the file's own header says.
    kept = "".join(f"{name} = {{{fields[name]}}}\n" for name in _PLACE if name in fields)
    text = f"ENVI\nsamples = 2\nlines = 1\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n{kept}"
    folder = str(uuid.uuid4())
    try:
        with (
            MemoryFile(text.encode(), dirname=folder, filename="x.hdr"),
            MemoryFile(b"\0\0", dirname=folder, filename="x.img") as pixels,
            quiet_open(pixels.name, "ENVI") as dataset,
        ):
            return georeference_of(dataset), ()
    except (RasterioError, ValueError):
        return None, ("its map info could not be read: the map will carry no georeference",)
