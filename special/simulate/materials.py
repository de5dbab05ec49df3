"""Reflectance of a dozen materials from what absorbs and scatters in them, 400-2500 nm.

Nothing here is taken from the concept table of the spectrum-text teacher: the scenes made of these spectra test that
teacher, so the two must not share their numbers. Three forms are used: ``R = (1 - g) / (1 + g)`` with
``g = sqrt(1 - w)``, the reflectance of a deep medium of isotropic scatterers with single-scattering albedo ``w`` (Hapke
1981); for water ``R = 0.33 bb / (a + bb)`` (Gordon, Brown and Jacobs 1975); for mineral and made surfaces a smooth
continuum with absorption bands cut into it. Widths and depths are of textbook magnitude, not fitted to
measured samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from special.errors import SettingsError

Spectrum = NDArray[np.float64]

# Absorption of pure liquid water (1/cm), coarse, of the order of Pope and Fry 1997 and Kou et al. 1993.
# fmt: off
_WATER_NM = (
    400, 450, 500, 550, 600, 650, 700, 760, 820, 900, 970, 1040, 1090, 1200, 1270, 1320, 1400, 1450, 1500, 1570, 1660,
    1720, 1800, 1870, 1940, 2000, 2100, 2210, 2300, 2400, 2500,
)
_WATER_PER_CM = (
    7e-5, 9e-5, 2e-4, 6e-4, 2.2e-3, 3.4e-3, 6.2e-3, 0.026, 0.023, 0.068, 0.45, 0.15, 0.16, 1.2, 1.1, 2.0, 13.0, 29.0,
    18.0, 8.5, 5.2, 5.6, 8.0, 25.0, 118.0, 68.0, 26.0, 17.0, 22.0, 42.0, 85.0,
)
# fmt: on


def water_absorption(nm: Spectrum) -> Spectrum:
    """Absorption coefficient of liquid water in 1/cm at the wavelengths ``nm``."""
    return np.exp(np.interp(nm, _WATER_NM, np.log(_WATER_PER_CM)))


def _band(nm: Spectrum, centre: float, width: float) -> Spectrum:
    """A Gaussian absorption feature of depth 1; ``width`` is its standard deviation in nm."""
    return np.exp(-0.5 * ((nm - centre) / width) ** 2)


def _edge(nm: Spectrum, centre: float, width: float) -> Spectrum:
    """A smooth step from 0 to 1."""
    return 1.0 / (1.0 + np.exp(-(nm - centre) / width))


def _deep_medium(absorption: Spectrum) -> Spectrum:
    """Reflectance of a deep medium whose scatterers keep ``exp(-absorption)`` of the light at every encounter."""
    gamma = np.sqrt(1.0 - np.exp(-absorption))
    return (1.0 - gamma) / (1.0 + gamma)


def _leaves(nm: Spectrum, chlorophyll: float, water_cm: float, dry: float) -> Spectrum:
    """A closed layer of leaves; ``chlorophyll`` 0-1.5 and ``dry`` 0-2 are relative amounts, ``water_cm`` a depth."""
    pigment = (
        1.2 * _edge(-nm, -500, 12)
        + 0.40 * _band(nm, 550, 55)
        + 0.75 * _band(nm, 630, 30)
        + 1.2 * _band(nm, 676, 18)
        + 0.10 * _band(nm, 712, 12)
    )
    fibre = 0.02 * _band(nm, 1730, 40) + 0.07 * _band(nm, 2100, 60) + 0.10 * _band(nm, 2310, 60)
    brown = 0.30 * _edge(-nm, -540, 70)
    solid = 0.018 + 1.6 * chlorophyll * pigment + dry * (0.03 + fibre + brown)
    return _deep_medium(solid + water_cm * water_absorption(nm))


def _ground(nm: Spectrum, bright: float, iron: float, clay: float, moist: float) -> Spectrum:
    """Mineral ground: a rise that flattens, iron bands at 490 and 890 nm, hydroxyl at 2205 nm, water in its pores."""
    rise = 1.0 - np.exp(-(nm - 250.0) / 520.0)
    cut = 1.0 - iron * (0.45 * _band(nm, 490, 70) + 0.12 * _band(nm, 890, 80))
    cut *= 1.0 - clay * _band(nm, 2205, 22) - 0.6 * clay * _band(nm, 1412, 18)
    return bright * rise * cut * np.exp(-moist * (0.35 + 0.022 * np.minimum(water_absorption(nm), 60.0)))


def _trees(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    leaves = _leaves(nm, rng.uniform(0.8, 1.3), rng.uniform(0.012, 0.020), rng.uniform(0.25, 0.45))
    return rng.uniform(0.5, 0.66) * leaves  # crowns shade each other


def _grass(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    leaves = _leaves(nm, rng.uniform(0.6, 0.9), rng.uniform(0.007, 0.012), rng.uniform(0.45, 0.8))
    cover = rng.uniform(0.85, 0.97)
    return 0.72 * cover * leaves + (1 - cover) * _ground(nm, 0.35, 0.4, 0.05, 0.3)


def _dry_grass(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    leaves = _leaves(nm, rng.uniform(0.0, 0.04), rng.uniform(0.0005, 0.0015), rng.uniform(1.2, 1.8))
    return rng.uniform(0.6, 0.75) * leaves + 0.1 * _ground(nm, 0.35, 0.4, 0.05, 0.1)


def _bare_soil(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    return _ground(nm, rng.uniform(0.30, 0.42), rng.uniform(0.4, 0.7), rng.uniform(0.06, 0.12), rng.uniform(0.1, 0.4))


def _sand(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    return _ground(nm, rng.uniform(0.52, 0.64), rng.uniform(0.25, 0.4), rng.uniform(0.0, 0.03), rng.uniform(0.0, 0.06))


def _water(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    humic, particles = rng.uniform(0.001, 0.004), rng.uniform(0.0004, 0.0016)
    absorbs = water_absorption(nm) + humic * np.exp(-0.014 * (nm - 440.0)) + 0.0012 * _band(nm, 440, 40)
    scatters = 1.5e-5 * (500.0 / nm) ** 4.3 + particles * (550.0 / nm) * 0.3
    return 0.33 * scatters / (absorbs + scatters) + rng.uniform(0.008, 0.016)  # the rest is sky in the surface


def _asphalt(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    old = rng.uniform(0.0, 1.0)
    rise = 0.6 * (1.0 - np.exp(-(nm - 350.0) / 300.0)) + 0.4 * (nm - 400.0) / 2000.0
    return (0.045 + 0.04 * old) + (0.05 + 0.05 * old) * rise - 0.006 * _band(nm, 2310, 40)


def _concrete(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    rise = 1.0 - 0.55 * np.exp(-(nm - 380.0) / 160.0)
    cut = 1.0 - 0.04 * _band(nm, 1420, 30) - 0.10 * _band(nm, 1940, 50) - 0.08 * _band(nm, 2335, 35)
    return rng.uniform(0.28, 0.38) * rise * cut


def _tiled_roofs(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    red = 0.06 + rng.uniform(0.20, 0.27) * _edge(nm, 595, 24) + 0.10 * _edge(nm, 1050, 120)
    return red * (1.0 - 0.18 * _band(nm, 860, 70)) * (1.0 - 0.06 * _band(nm, 1930, 50) - 0.03 * _band(nm, 2205, 30))


def _metal_roofs(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    return rng.uniform(0.38, 0.50) * (
        1.0 - 0.10 * np.exp(-(nm - 400.0) / 150.0) - 0.07 * _band(nm, 850, 90)
    ) - 2.5e-5 * (nm - 400)


def _snow(nm: Spectrum, rng: np.random.Generator) -> Spectrum:
    grain_cm = rng.uniform(0.03, 0.08)
    return 0.97 * _deep_medium(
        0.0006 + grain_cm * water_absorption(nm - 25.0)
    )  # ice absorbs a little to the red of water


MATERIALS: dict[str, Callable[[Spectrum, np.random.Generator], Spectrum]] = {
    "trees": _trees,
    "grass": _grass,
    "bare soil": _bare_soil,
    "water": _water,
    "asphalt": _asphalt,
    "tiled roofs": _tiled_roofs,
    "sand": _sand,
    "concrete": _concrete,
    "dry grass": _dry_grass,
    "metal roofs": _metal_roofs,
    "snow": _snow,
}
"""What a scene can be made of, in the order in which ``simulate`` takes them when it is given a count."""


def spectrum(material: str, wavelengths: Spectrum, rng: np.random.Generator) -> Spectrum:
    """Draw one sample of a material.

    Args:
        material: a key of ``MATERIALS``.
        wavelengths: float64 (bands,), nm.
        rng: decides how green, bright, moist, old... this sample is.

    Returns:
        float64 (bands,), reflectance in [0.001, 1].

    Raises:
        SettingsError: no such material.
    """
    if material not in MATERIALS:
        raise SettingsError(f"cannot simulate {material!r}: choose from {', '.join(MATERIALS)}")
    return np.clip(MATERIALS[material](np.asarray(wavelengths, float), rng), 0.001, 1.0)
