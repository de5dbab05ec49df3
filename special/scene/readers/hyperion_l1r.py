"""EO-1 Hyperion L1R (USGS): radiance in sensor geometry in HDF4, read by ``pyhdf``, which the extra ``hdf4`` brings.

``NAME.L1R`` holds one array (line, band, sample) of int16, radiance x 40 (VNIR) or x 80 (SWIR); ``NAME.AUX`` beside it
the wavelengths and widths of the bands for every sample (EO-1 User Guide 2.3; EO-1/Hyperion Science Data User's Guide).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import plausible_nm, plausible_widths
from special.scene.readers.base import PRODUCT, ArrayBlockReader, Reader, ReadOptions
from special.scene.readers.hdf5_guard import refuse_what_crashes
from special.scene.readers.hdf5_product import BANDS_BETWEEN
from special.scene.readers.hyperion import calibrated
from special.scene.sensors import SENSORS
from special.scene.source import Source

_BANDS, _VNIR = 242, 70
_FACTORS = 40.0, 80.0
_CENTRES, _WIDTHS = "Spectral Center Wavelengths", "Spectral Bandwidths"
_DATE = re.compile(r"EO1H\d{6}(\d{4})(\d{3})")


@dataclass(frozen=True)
class Hdf4Array:
    """An array of an HDF4 file, which is opened anew for every block."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Read a block."""
        return np.asarray(_read(self.path, lambda file: file.select(self.name)[slices]))


class HyperionL1rReader(Reader):
    """Reads ``EO1H*.L1R``."""

    name = "hyperion_l1r"
    reads = "Hyperion L1R (.L1R, HDF4)"
    understands = "scaled to radiance; wavelengths of the `.AUX` beside it; needs `pip install 'special-hsi[hdf4]'`"
    precedence = PRODUCT
    signatures = ((0, b"\x0e\x03\x13\x01"),)

    def holds(self, path: Path, head: bytes) -> bool:
        """By its suffix: HDF4 holds many other things."""
        return path.suffix.upper() == ".L1R"

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube of radiance, W / (m2 sr um).

        Raises:
            SceneError: it is damaged or no Hyperion scene, or ``pyhdf`` is not installed.
        """
        if find_spec("pyhdf") is None:
            raise SceneError(
                f"{path} is HDF4: pip install 'special-hsi[hdf4]' to read it, or fetch the L1T of the same scene"
            )
        refuse_what_crashes(path)
        cube = _cube(path)
        rows, bands, cols = cube.shape
        beside = next((one for one in (path.with_suffix(end) for end in (".AUX", ".aux")) if one.is_file()), None)
        nm, fwhm = (None, None) if beside is None else _bands(beside)
        said = f"its wavelengths are those of {beside.name}" if beside and nm is not None else ""
        vnir = np.arange(_BANDS) < _VNIR
        return Source(
            path=path,
            format="Hyperion L1R",
            shape=(rows, cols, bands),
            dtype=cube.dtype,
            read_block=ArrayBlockReader(cube, BANDS_BETWEEN),
            files=(path,) if beside is None else (path, beside),
            wavelengths=SENSORS["hyperion"].centres(_BANDS) if nm is None else nm,
            fwhm=fwhm,
            good_bands=calibrated(np.arange(1, _BANDS + 1)),
            good_bands_name="not calibrated",
            nodata=0.0,
            gains=1 / np.where(vnir, *_FACTORS),
            sensor="EO-1 Hyperion",
            level="L1R",
            acquired=_date(path.name),
            notes=(
                said or "its wavelengths are the nominal ones of the sensor",
                "in sensor geometry, and its file does not say where its pixels lie: no place on the map",
            ),
        )


HYPERION_L1R = HyperionL1rReader()


def _cube(path: Path) -> Hdf4Array:
    """The one array of 242 bands between lines and samples.

    Raises:
        SceneError: there is none.
    """
    listed = _read(path, lambda file: {name: (shape, kind) for name, (_, shape, kind, _) in file.datasets().items()})
    for name, (shape, _) in listed.items():
        if len(shape) == 3 and shape[1] == _BANDS and min(shape) > 0:
            first = np.asarray(_read(path, lambda file, name=name: file.select(name)[0:1, 0:1, 0:1]))
            if first.dtype.kind == "i":
                return Hdf4Array(path, name, tuple(map(int, shape)), first.dtype)
    raise SceneError(f"{path} holds no cube of lines x {_BANDS} bands x samples: it is no Hyperion L1R, or damaged")


def _bands(path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Wavelengths and widths (bands,), nm, the mean over the samples; None where the file does not have them."""
    refuse_what_crashes(path)
    found = []
    for name in (_CENTRES, _WIDTHS):
        try:
            values = np.asarray(_read(path, lambda file, name=name: file.select(name).get()), dtype=np.float64)
        except SceneError:
            return None, None
        if values.ndim != 2 or _BANDS not in values.shape:
            return None, None
        found.append(values.mean(axis=1 if values.shape[0] == _BANDS else 0))
    nm = plausible_nm(found[0], None)
    return nm, None if nm is None else plausible_widths(found[1], nm, found[0])


def _read(path: Path, ask: Any) -> Any:
    """What ``ask`` gets from an open file.

    Raises:
        SceneError: it cannot be read.
    """
    from pyhdf.error import HDF4Error
    from pyhdf.SD import SD, SDC

    try:
        file = SD(str(path), SDC.READ)
        try:
            return ask(file)
        finally:
            file.end()
    except (HDF4Error, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise SceneError(f"{path} cannot be read as HDF4 ({reason}): it may be damaged") from None


def _date(name: str) -> str | None:
    """The day, ISO 8601, by the year and the day of the year in a name."""
    found = _DATE.match(name)
    if found is None:
        return None
    day = datetime(int(found[1]), 1, 1) + timedelta(days=int(found[2]) - 1)
    return day.date().isoformat()
