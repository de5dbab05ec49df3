"""Where a scene's wavelengths come from: its file, ``--wavelengths`` or ``--sensor``. All are nm in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.sensors import SENSORS
from special.scene.source import Source

_SHORTEST_NM, _LONGEST_NM = 200.0, 30000.0
_SPAN = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*:\s*([0-9]*\.?[0-9]+)\s*(nm|[uµμ]m)?\s*", re.IGNORECASE)
_WIDTHS_APART = 20.0  # times as wide as they lie apart, or the other way about: beyond, the unit is another
_MOST_TURNS, _MOST_ALIKE = 8, 4  # of the wavelengths of a file; detectors that overlap turn twice each
_THREE_WAYS = (
    "give --wavelengths FILE (a CSV with one wavelength per band), --wavelengths 430:860 (evenly spaced over the "
    "bands), or --sensor NAME"
)

# Multiply by this to get nm; frequencies and wavenumbers divide into it.
_LENGTHS = {"nm": 1.0, "nano": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3, "micro": 1e3, "mm": 1e6, "milli": 1e6}
_LENGTHS |= {"cm": 1e7, "centi": 1e7, "ang": 0.1, "å": 0.1, "meter": 1e9, "metre": 1e9, "m": 1e9}
_RECIPROCALS = {
    "wavenumber": 1e7,
    "wave number": 1e7,
    "wave_number": 1e7,
    "cm-1": 1e7,
    "cm^-1": 1e7,
    "1/cm": 1e7,
    "ghz": 299792458.0,
    "mhz": 299792458e3,
}


def plausible_nm(values: np.ndarray, units: str | None) -> np.ndarray | None:
    """``values`` (bands,) in nm, or None when they cannot be wavelengths.

    ``units`` are believed when they lead to 200-30000 nm; else the size of the numbers decides between nm and
    micrometres. Band indices (0, 1, 2...), flags (0 and 1) and one number for all bands are no wavelengths. A band at 0
    or NaN has none: it comes back as NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    known = np.isfinite(values) & (values > 0)
    if not known.any() or _is_index(values) or _is_one_number(values, known):
        return None
    name = " ".join((units or "").lower().split())
    if name == "index":
        return None
    guesses = [1.0, 1e3]
    if factor := _factor(name, _RECIPROCALS):
        with np.errstate(divide="ignore"):
            values = np.where(known, factor / np.where(known, values, 1.0), np.nan)
        guesses = [1.0]
    elif factor := _factor(name, _LENGTHS):
        guesses.insert(0, factor)
    for guess in guesses:
        nm = np.where(known, values * guess, np.nan)
        if nm[known].min() >= _SHORTEST_NM and nm[known].max() <= _LONGEST_NM:
            return nm
    return None


def plausible_widths(widths: np.ndarray, nm: np.ndarray, listed: np.ndarray | None = None) -> np.ndarray | None:
    """``widths`` of bands (bands,) in nm, whose wavelengths are ``nm`` (bands,); None where they cannot be any.

    They are in the unit of the wavelengths, ``listed`` (bands,) as the file has them, unless that makes them far wider
    or narrower than bands lie apart: some files have one in nm and the other in micrometres.
    """
    known = np.isfinite(nm)
    centres = np.unique(nm[known])
    if not (np.isfinite(widths) & (widths > 0)).all() or len(centres) < 2:
        return None
    same = 1.0 if listed is None else float(np.median(nm[known] / listed[known]))
    ratio = float(np.median(widths)) / float(np.median(np.diff(centres)))
    off = {factor: abs(np.log(factor * ratio)) for factor in (same, 1.0, 1e3, 1e-3)}
    best = min(off, key=lambda factor: off[factor])
    return widths * (best if off[best] < np.log(_WIDTHS_APART) < off[same] else same)


def _factor(name: str, table: Mapping[str, float]) -> float | None:
    if name in table:
        return table[name]
    return next((value for start, value in table.items() if len(start) > 2 and name.startswith(start)), None)


def _is_index(values: np.ndarray) -> bool:
    return len(values) > 1 and values[0] in (0, 1) and bool(np.all(np.diff(values) == 1))


def _is_one_number(values: np.ndarray, known: np.ndarray) -> bool:
    """Whether several bands share one wavelength, or these are flags."""
    several = known.sum() > 1 and np.ptp(values[known]) == 0
    return len(values) > 1 and bool(several or np.isin(values, (0, 1)).all())


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
    from special.scene.wavelength_files import read_wavelengths

    nm = read_wavelengths(path)
    return Given(str(path), {len(nm): nm})


def is_jumbled(nm: np.ndarray) -> bool:
    """Whether wavelengths (bands,), nm, NaN where there are none, go as those of no sensor do, or many are the same."""
    known = nm[np.isfinite(nm)]
    steps = np.sign(np.diff(known))
    turns = int((np.diff(steps[steps != 0]) != 0).sum())
    alike = len(known) - len(np.unique(known))
    return turns > max(_MOST_TURNS, len(known) // 10) or alike > max(_MOST_ALIKE, len(known) // 10)
