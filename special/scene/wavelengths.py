"""Where a scene's wavelengths come from: its file, ``--wavelengths`` or ``--sensor``. All are nm in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import is_jumbled, plausible_nm
from special.scene.sensors import SENSORS
from special.scene.source import Source
from special.scene.wavelength_files import read_wavelengths

_SPAN = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*:\s*([0-9]*\.?[0-9]+)\s*(nm|[uµμ]m)?\s*", re.IGNORECASE)
_THREE_WAYS = (
    "give --wavelengths FILE (a CSV with one wavelength per band), --wavelengths 430:860 (evenly spaced over the "
    "bands), or --sensor NAME"
)


@dataclass(frozen=True)
class Given:
    """Wavelengths that the user gave: by number of bands, or a span to divide among them. ``origin`` names them."""

    origin: str
    lists: Mapping[int, np.ndarray] = field(default_factory=dict)
    span: tuple[float, float] | None = None
    note: str = ""

    def centres(self, bands: int, scene: str) -> np.ndarray:
        """Wavelengths float64 (bands,), nm.

        Raises:
            SceneError: they are for another number of bands.
        """
        if self.span:
            return np.linspace(*self.span, bands)
        if bands not in self.lists:
            counts = " or ".join(map(str, self.lists))
            raise SceneError(
                f"{self.origin} has {counts} wavelengths but {scene} has {bands} bands: give one wavelength per band"
            )
        return self.lists[bands]


def given_wavelengths(
    wavelengths: str | Path | Sequence[float] | np.ndarray | None, sensor: str | None
) -> Given | None:
    """What the user said, or None. ``wavelengths``: a file, ``"430:860"``, or numbers (bands,), nm or micrometres.

    Raises:
        SceneError: both are given, the file or the sensor is unknown, or the numbers are no wavelengths.
    """
    if wavelengths is not None and sensor is not None:
        raise SceneError("both --wavelengths and --sensor are given: give one of them")
    if sensor is not None:
        return _from_sensor(sensor)
    if wavelengths is None:
        return None
    if isinstance(wavelengths, str | Path):
        span = _SPAN.fullmatch(str(wavelengths))
        if span and not Path(wavelengths).exists():
            return _from_span(str(wavelengths), float(span[1]), float(span[2]), span[3])
        return _from_file(Path(wavelengths))
    nm = plausible_nm(np.asarray(wavelengths, dtype=np.float64).ravel(), None)
    if nm is None:
        raise SceneError("the given wavelengths are not plausible: give nm, one per band")
    return Given("the given list", {len(nm): nm})


def centres_of(source: Source, given: Given | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Wavelengths float64 (bands,), nm, NaN where a band has none, for every band of the file; and notes.

    What the user gave beats what the file says.

    Raises:
        SceneError: there are none, or not one per band.
    """
    rows, cols, bands = source.shape
    if given:
        return given.centres(bands, str(source.path or "the array")), (f"wavelengths from {given.origin}{given.note}",)
    if source.wavelengths is None:
        raise SceneError(
            f"{source.path or 'the array'} ({rows} x {cols} pixels, {bands} bands) has no wavelengths: {_THREE_WAYS}"
        )
    if len(source.wavelengths) != bands:
        listed = len(source.wavelengths)
        raise SceneError(
            f"{source.path or 'the array'} lists {listed} wavelengths for its {bands} bands: mend it, or {_THREE_WAYS}"
        )
    if is_jumbled(source.wavelengths):
        raise SceneError(
            f"the wavelengths in {source.path or 'the array'} go up and down, or repeat, as those of no sensor do: "
            f"mend them, or {_THREE_WAYS}"
        )
    return source.wavelengths, ("wavelengths from the file",)


def _from_sensor(name: str) -> Given:
    sensor = SENSORS.get(name.strip().lower())
    if sensor is None:
        known = ", ".join(f"{key} ({'/'.join(map(str, s.band_counts))} bands)" for key, s in SENSORS.items())
        raise SceneError(f"the sensor {name!r} is unknown: choose one of {known}, or give --wavelengths FILE")
    lists = {count: centres for count in sensor.band_counts if (centres := sensor.centres(count)) is not None}
    return Given(f"--sensor {name}", lists, note=f", nominal centres, good to {sensor.accuracy_nm:g} nm")


def _from_span(text: str, first: float, last: float, units: str | None) -> Given:
    nm = plausible_nm(np.array([first, last]), units)
    if nm is None or first == last:
        raise SceneError(f"--wavelengths {text} is no span of wavelengths: write it in nm, as in 430:860")
    return Given(f"--wavelengths {text}", span=(float(nm[0]), float(nm[1])), note=", evenly spaced")


def _from_file(path: Path) -> Given:
    nm = read_wavelengths(path)
    return Given(str(path), {len(nm): nm})
