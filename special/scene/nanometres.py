"""Numbers and texts that can be wavelengths of bands, in whatever unit, and what they are in nm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_SHORTEST_NM, _LONGEST_NM = 200.0, 30000.0
_WIDTHS_APART = 20.0  # times as wide as they lie apart, or the other way about: beyond, the unit is another
_MOST_TURNS, _MOST_ALIKE = 8, 4  # of the wavelengths of a file; detectors that overlap turn twice each
_LENGTH = re.compile(
    r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)\s*(nm|nanomet(?:er|re)s?|[uµμ]m|micromet(?:er|re)s?|microns?)(?![a-z])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:(?:band|b)[ _-]?)?([0-9]{3,4}(?:\.[0-9]+)?)", re.IGNORECASE)
_LEAST_NAMED_NM = 350.0

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


def lengths_in(texts: Any) -> np.ndarray | None:
    """Return (texts,) in nm of texts that each hold one length, as in ``450.0 nm`` or ``band 1 (0.45 um)``, or None."""
    matches = [_LENGTH.search(text or "") for text in texts]
    if not all(matches):
        return None
    values = [float(m[1]) * (1.0 if m[2].lower().startswith("n") else 1e3) for m in matches if m]
    return plausible_nm(np.array(values), "nm")


def named_by_nm(texts: Sequence[str | None]) -> np.ndarray | None:
    """Return names of bands, ``Band_503`` or ``503.2``, float64 (bands,), nm; None where they may be mere numbers."""
    matches = [_NAMED.fullmatch(text or "") for text in texts]
    if not all(matches) or len(texts) < 2:
        return None
    nm = np.array([float(match[1]) for match in matches if match])
    steps = np.diff(nm)
    return None if nm.min() < _LEAST_NAMED_NM or steps.min() <= 0 or np.all(steps == 1) else nm


def is_jumbled(nm: np.ndarray) -> bool:
    """Whether wavelengths (bands,), nm, NaN where there are none, go as those of no sensor do, or many are the same."""
    known = nm[np.isfinite(nm)]
    steps = np.sign(np.diff(known))
    turns = int((np.diff(steps[steps != 0]) != 0).sum())
    alike = len(known) - len(np.unique(known))
    return turns > max(_MOST_TURNS, len(known) // 10) or alike > max(_MOST_ALIKE, len(known) // 10)


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
