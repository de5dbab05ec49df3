"""What the sketch of a spectrum says in plain words: green, dry plants, water, bright, with which absorptions.

Thresholds are on reflectance averaged over windows of the known features: the red edge, liquid water, the cellulose
and lignin of dry plants near 2100 and 2300 nm, Al-OH of clay near 2200 nm, carbonate near 2340 nm (Clark 1999, in
"Remote Sensing for the Earth Sciences", chapter 1).
"""

from __future__ import annotations

import numpy as np

from special.teachers.concepts import Concept

GREEN = 2.5  # ratio of near infrared to red from which leaves are seen
DARK, BRIGHT = 0.08, 0.30  # mean reflectance between 450 and 1300 nm
DRY_PLANTS = 0.92  # dip at 2050-2100 nm against its shoulders, in ground that is not green


def is_green(concept: Concept, wavelengths: np.ndarray) -> bool:
    """Whether a concept's plants, without the ground between them, have chlorophyll."""
    first = concept.variants[0]
    return _greenness(first.reflectance if first.canopy is None else first.canopy, wavelengths) >= GREEN


def is_crop(concept: Concept) -> bool:
    """Whether a concept's plants grow to cover the ground."""
    return concept.variants[0].cover is not None


def attributes(reflectance: np.ndarray, wavelengths: np.ndarray) -> list[str]:
    """Return what a spectrum looks like, the most telling first, its brightness last.

    Args:
        reflectance: (wavelengths,), as a fraction.
        wavelengths: nm.
    """
    red, infrared = _mean(reflectance, wavelengths, 640, 690), _mean(reflectance, wavelengths, 780, 900)
    visible, shortwave = _mean(reflectance, wavelengths, 450, 700), _mean(reflectance, wavelengths, 1500, 1750)
    brightness = _mean(reflectance, wavelengths, 450, 1300)
    words = []
    if infrared / red >= GREEN:
        words.append("green")
    elif shortwave < 0.25 * visible:
        words.append("snow or ice" if visible > 0.3 else "water")
    elif infrared < 1.15 * visible and brightness < 0.03:
        words.append("shade or water")
    elif _dip(reflectance, wavelengths, 2050, (1650, 2200)) < DRY_PLANTS and infrared / red >= 1.3:
        words.append("dry plants")
    else:
        words.append("mineral or made")
        if _dip(reflectance, wavelengths, 2200, (2050, 2300)) < 0.9:
            words.append("clay absorption")
        if _dip(reflectance, wavelengths, 2300, (2200, 2400)) < 0.9:
            words.append("absorption at 2300 nm")
        if red / _mean(reflectance, wavelengths, 450, 540) >= 1.9:
            words.append("red")
    words.append("dark" if brightness < DARK else "bright" if brightness > BRIGHT else "of middle brightness")
    return words


def _greenness(reflectance: np.ndarray, wavelengths: np.ndarray) -> float:
    return _mean(reflectance, wavelengths, 780, 900) / _mean(reflectance, wavelengths, 640, 690)


def _mean(reflectance: np.ndarray, wavelengths: np.ndarray, low: float, high: float) -> float:
    return float(np.interp(np.linspace(low, high, 12), wavelengths, reflectance).mean())


def _dip(reflectance: np.ndarray, wavelengths: np.ndarray, at: float, shoulders: tuple[float, float]) -> float:
    """Reflectance at ``at`` against the straight line between the shoulders."""
    left, middle, right = np.interp((shoulders[0], at, shoulders[1]), wavelengths, reflectance)
    share = (at - shoulders[0]) / (shoulders[1] - shoulders[0])
    return float(middle / (left + share * (right - left)))
