"""What the sketch of a spectrum says in plain words: green, dry plants, water, mineral, dark or bright.

Thresholds are on reflectance averaged over windows of the known features: the red edge, liquid water, the cellulose
and lignin of dry plants near 2100 and 2300 nm, Al-OH of clay near 2200 nm, carbonate near 2340 nm (Clark 1999, in
"Remote Sensing for the Earth Sciences", chapter 1).
"""

from __future__ import annotations

import numpy as np

from special.landcover.concepts import Concept

GREEN = 2.5  # ratio of near infrared to red from which leaves are seen
DARK, BRIGHT = 0.08, 0.30  # mean reflectance between 450 and 1300 nm
WET, SHADE = 0.25, 0.04  # short-wave infrared against the visible; reflectance of the visible
RED = 2.2  # ratio of red to blue and green
DEEP = 0.9  # of an absorption, against the line between its shoulders
_LEAST = 1e-6  # reflectance: what is darker is as black
DRY_PLANTS = 0.92  # dip at 2050-2100 nm against its shoulders, in ground that is not green


def is_green(concept: Concept, wavelengths: np.ndarray) -> bool:
    """Whether a concept's plants, without the ground between them, have chlorophyll; ``wavelengths`` (bands,), nm."""
    first = concept.variants[0]
    return _greenness(first.reflectance if first.canopy is None else first.canopy, wavelengths) >= GREEN


def is_crop(concept: Concept) -> bool:
    """Whether a concept's plants grow to cover the ground."""
    return concept.variants[0].cover is not None


def brightness(reflectance: np.ndarray, wavelengths: np.ndarray) -> str:
    """Return "dark", "medium" or "bright" of ``reflectance`` (bands,), a fraction, at ``wavelengths`` (bands,), nm."""
    level = _mean(reflectance, wavelengths, 450, 1300)
    return "dark" if level < DARK else "bright" if level > BRIGHT else "medium"


def attributes(reflectance: np.ndarray, wavelengths: np.ndarray, made: bool) -> str:
    """Return what a spectrum looks like, but for its brightness.

    Args:
        reflectance: (bands,), as a fraction.
        wavelengths: (bands,), nm.
        made: what to call it where it is neither plants, water nor snow: made by people, or mineral.
    """
    red, infrared = _mean(reflectance, wavelengths, 640, 690), _mean(reflectance, wavelengths, 780, 900)
    visible, shortwave = _mean(reflectance, wavelengths, 450, 700), _mean(reflectance, wavelengths, 1500, 1750)
    if made:
        return "made"
    if infrared / red >= GREEN:
        return "green"
    if shortwave < WET * visible:
        return "snow or ice" if visible > BRIGHT else "water"
    if infrared < visible and visible < SHADE:
        return "shade"
    if infrared / red >= 1.3 and _dip(reflectance, wavelengths, 2050, (1650, 2200)) < DRY_PLANTS:
        return "dry plants"
    words = "red mineral" if red / _mean(reflectance, wavelengths, 450, 540) >= RED else "mineral"
    if _dip(reflectance, wavelengths, 2200, (2050, 2300)) < DEEP:
        return f"{words}, clay at 2200 nm"
    if _dip(reflectance, wavelengths, 2300, (2200, 2400)) < DEEP:
        return f"{words}, carbonate at 2300 nm"
    return words


def _greenness(reflectance: np.ndarray, wavelengths: np.ndarray) -> float:
    return _mean(reflectance, wavelengths, 780, 900) / _mean(reflectance, wavelengths, 640, 690)


def _mean(reflectance: np.ndarray, wavelengths: np.ndarray, low: float, high: float) -> float:
    return max(float(np.interp(np.linspace(low, high, 12), wavelengths, reflectance).mean()), _LEAST)


def _dip(reflectance: np.ndarray, wavelengths: np.ndarray, at: float, shoulders: tuple[float, float]) -> float:
    """Reflectance at ``at`` against the straight line between the shoulders."""
    left, middle, right = np.interp((shoulders[0], at, shoulders[1]), wavelengths, reflectance)
    share = (at - shoulders[0]) / (shoulders[1] - shoulders[0])
    return float(middle / max(left + share * (right - left), _LEAST))
