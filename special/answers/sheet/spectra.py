"""The spectrum of a place beside those of the classes that it may be, as lines of a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_GAP = 4.0  # of the usual distance of bands: what is farther apart has no line between
_WIDEST_GAP_NM = 90.0
_HIGH, _WIDE = 300.0, 1000.0  # of the figure, in its own units
_MOST_TICKS = 7


@dataclass(frozen=True)
class Spectrum:
    """A spectrum with its spread: ``wavelengths`` (n,), nm; ``middle``, ``low`` and ``high`` (n,), any unit."""

    wavelengths: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of_pixels(cls, wavelengths: np.ndarray, spectra: np.ndarray) -> Spectrum:
        """Return mean and the 10 % and 90 % quantiles of ``spectra`` (pixels, n) at ``wavelengths`` (n,), nm."""
        low, high = np.quantile(spectra, (0.1, 0.9), axis=0)
        return cls(wavelengths, spectra.mean(axis=0), low, high)


@dataclass(frozen=True)
class Reference:
    """What a class looks like. ``name``: of the class; ``made_of``: what it is, in a word or two."""

    name: str
    made_of: str
    spectrum: Spectrum


@dataclass(frozen=True)
class Tick:
    """A mark at an axis: where, as a share of the axis from its start, and what it says."""

    share: float
    text: str


@dataclass(frozen=True)
class Line:
    """A spectrum in the figure, as paths of SVG: the line, and the band of its spread."""

    line: str
    band: str


@dataclass(frozen=True)
class Figure:
    """Lines over two axes: ``area`` is that of the place, ``references`` are in the order of the classes given."""

    wide: float
    high: float
    area: Line
    references: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def figure(area: Spectrum, references: Sequence[Reference]) -> Figure:
    """Draw the spectrum of a place over those of the classes that it may be; all in one unit."""
    spectra = [area, *(reference.spectrum for reference in references)]
    left, right = float(min(s.wavelengths[0] for s in spectra)), float(max(s.wavelengths[-1] for s in spectra))
    right = max(right, left + 1)
    # A band of uncertainty may go far beyond what is seen: the lines decide how much is shown.
    lowest = min(0.0, *(float(s.middle.min()) for s in spectra), float(area.low.min()))
    highest = max(*(float(s.middle.max()) for s in spectra), float(area.high.max()), lowest + 1e-9)
    highest += 0.06 * (highest - lowest)

    def line(spectrum: Spectrum) -> Line:
        x = (spectrum.wavelengths - left) / (right - left) * _WIDE
        runs = _runs(spectrum.wavelengths)

        def y(values: np.ndarray) -> np.ndarray:
            return np.clip((highest - values) / (highest - lowest), 0, 1) * _HIGH

        middle, low, high = y(spectrum.middle), y(spectrum.low), y(spectrum.high)
        return Line(
            "".join("M" + _points(x[run], middle[run]) for run in runs),
            "".join(f"M{_points(x[run], low[run])}L{_points(x[run][::-1], high[run][::-1])}Z" for run in runs),
        )

    return Figure(
        _WIDE,
        _HIGH,
        line(area),
        tuple(line(reference.spectrum) for reference in references),
        _ticks(left, right),
        _ticks(lowest, highest),
    )


def _runs(wavelengths: np.ndarray) -> list[slice]:
    """The stretches of bands that lie close together."""
    steps = np.diff(wavelengths)
    if not len(steps):
        return [slice(0, 1)]
    breaks = np.flatnonzero(steps > max(_GAP * float(np.median(steps)), _WIDEST_GAP_NM)) + 1
    ends = [0, *breaks.tolist(), len(wavelengths)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return "L".join(f"{across:.1f} {down:.1f}" for across, down in zip(x, y, strict=True))


def _ticks(start: float, stop: float) -> tuple[Tick, ...]:
    """Round values from ``start`` to ``stop``, as few as can be read."""
    least = (stop - start) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    first, last = math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9)
    return tuple(
        Tick((number * step - start) / (stop - start), f"{number * step:.10g}") for number in range(first, last + 1)
    )
