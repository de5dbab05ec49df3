"""Spectra of a world's materials: each world has its own kind of soil, of tree, of roof, which vary within it.

A world takes from each pool the spectra that are most like one drawn at random. What a material's parcels are made of
is drawn from these. The season mixes dry matter into what is green, water darkens what soaks it up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.simulate.materials import water_absorption
from worlds_of.libraries import DARKEST, GRID
from worlds_of.materials import MATERIALS, SHADE, WATER, Material, Recipe
from worlds_of.pools import POOLS, pool

NEAREST = 0.3  # share of a pool that is of one kind
FEWEST = 6  # spectra that are one kind, where a pool has as many
DRIED = {"spring": 0.0, "summer": 0.1, "autumn": 0.6, "dry season": 1.0}  # of the share of a material that fades
WETNESS = {"dry": (0.0, 0.0), "damp": (0.0, 0.45), "wet": (0.3, 0.95)}  # share of a surface that is wet
ALWAYS_WET = (0.6, 1.0)
INDEX = 1.33  # of refraction, of water
REACH = 25.0  # nm that a library has to go beyond a sensor's bands


def covered(low: float, high: float) -> np.ndarray:
    """Return bool (grid,): what a spectrum has to have for a sensor with bands from ``low`` to ``high`` nm."""
    return np.asarray((max(GRID[0], low - REACH) <= GRID) & (min(GRID[-1], high + REACH) >= GRID))


def usable(name: str, half: str, need: np.ndarray, folder: Path | None) -> np.ndarray:
    """Return the spectra of a pool, float32 (spectra, grid), reflectance, that cover ``need``, bool (grid,)."""
    if not POOLS[name][half]:
        return np.empty((0, len(GRID)), np.float32)
    spectra = pool(name, half, folder)
    whole = np.isfinite(spectra[:, need]).all(axis=1)
    return spectra if whole.all() else spectra[whole]


def recipe_of(material: Material, half: str, need: np.ndarray, folder: Path | None) -> Recipe | None:
    """Return the first recipe that can be mixed, None where none can."""
    for recipe in material.recipes:
        if all(name in (SHADE, WATER) or len(usable(name, half, need, folder)) for name, _, _ in recipe):
            return recipe
    return None


class Palette:
    """Draws spectra of materials for one world. ``season`` and ``moisture`` are levels of those factors."""

    def __init__(
        self,
        half: str,
        span: tuple[float, float],
        season: str,
        moisture: str,
        rng: np.random.Generator,
        folder: Path | None = None,
    ) -> None:
        self.half, self.season, self.moisture, self.rng, self.folder = half, season, moisture, rng, folder
        self.need = covered(*span)

    def has(self, name: str) -> bool:
        """Whether the material can be mixed from what there is in the bands that are seen."""
        return recipe_of(MATERIALS[name], self.half, self.need, self.folder) is not None

    def kind(self, name: str, unlike: Kind | None = None) -> Kind:
        """Choose what this material is in this world; ``unlike``: another kind of it, from which it differs."""
        material = MATERIALS[name]
        recipe = recipe_of(material, self.half, self.need, self.folder)
        assert recipe is not None, name
        parts = {}
        for pool_name, _, _ in recipe:
            if pool_name not in (SHADE, WATER):
                spectra = usable(pool_name, self.half, self.need, self.folder)
                limits = material.brightness if pool_name == recipe[0][0] else (0.0, 1.0)
                parts[pool_name] = self._alike(spectra, limits, unlike.parts.get(pool_name) if unlike else None)
        if material.fades and DRIED[self.season]:
            straw = usable("straw", self.half, self.need, self.folder)
            if len(straw):
                parts["straw"] = parts.get("straw", self._alike(straw, (0.0, 1.0), None))
        return Kind(material, recipe, parts, self)

    def _alike(self, spectra: np.ndarray, limits: tuple[float, float], unlike: np.ndarray | None) -> np.ndarray:
        """Return the part of ``spectra`` (n, grid), reflectance, that is like one of them."""
        brightness = spectra[:, self.need].mean(axis=1)
        low, high = np.quantile(brightness, limits)
        spectra = spectra[(brightness >= low) & (brightness <= high)]
        logs = np.log(np.maximum(spectra[:, self.need], DARKEST))
        candidates = self.rng.choice(len(spectra), min(8, len(spectra)), replace=False)
        centre = candidates[0]
        if unlike is not None:
            other = np.log(np.maximum(unlike[:, self.need], DARKEST)).mean(axis=0)
            centre = max(candidates, key=lambda index: float(((logs[index] - other) ** 2).sum()))
        order = np.argsort(((logs - logs[centre]) ** 2).sum(axis=1), kind="stable")
        return spectra[order[: max(FEWEST, int(NEAREST * len(spectra)))]]


class Kind:
    """A material as it is in one world."""

    def __init__(self, material: Material, recipe: Recipe, parts: dict[str, np.ndarray], palette: Palette) -> None:
        self.material, self.recipe, self.parts, self.palette = material, recipe, parts, palette
        rng = palette.rng
        turbid = material.water == "turbid"
        self.water = Water(
            chlorophyll=float(rng.lognormal(1.0, 0.9)),
            sediment=float(rng.uniform(25, 90) if turbid else rng.uniform(0.3, 5.0)),
            humic=float(rng.lognormal(-1.0, 0.7)),
            glint=float(rng.uniform(0.003, 0.015)),
        )

    def sample(self) -> np.ndarray:
        """Draw one spectrum, float32 (grid,), reflectance; NaN outside what the world's sensor sees."""
        rng = self.palette.rng
        shares = np.array([rng.uniform(low, high) for _, low, high in self.recipe])
        shares /= shares.sum()
        spectrum = np.zeros(len(GRID), np.float32)
        first: np.ndarray | None = None
        for (name, _, _), share in zip(self.recipe, shares, strict=True):
            if name == WATER:
                part = self._water()
            elif name == SHADE:  # a little light comes through the leaves around
                part = 0.006 + 0.07 * (first if first is not None else 0.1)
            else:
                part = self._one_of(name)
                first = part if first is None else first
            spectrum += np.float32(share) * np.asarray(part, np.float32)
        if "straw" in self.parts and self.material.fades:
            dead = self.material.fades * DRIED[self.palette.season] * rng.uniform(0.6, 1.3)
            spectrum = (1 - dead) * spectrum + dead * self._one_of("straw")
        if self.material.soaks:
            low, high = ALWAYS_WET if self.material.wet else WETNESS[self.palette.moisture]
            spectrum = wetted(spectrum, rng.uniform(low, high), rng.uniform(0.005, 0.05))
        return np.asarray(spectrum, np.float32)

    def _one_of(self, name: str) -> np.ndarray:
        """A blend of two of a pool's spectra; where it has only a few, as coarser or finer grains have it."""
        spectra, rng = self.parts[name], self.palette.rng
        two = spectra[rng.integers(0, len(spectra), 2)]
        blend = rng.uniform() * (two[0] - two[1]) + two[1]
        return grained(blend, rng.normal(0, 0.25)) if len(spectra) < FEWEST else blend

    def _water(self) -> np.ndarray:
        """Measured water where the half has some of this kind, otherwise the model's."""
        rng, palette = self.palette.rng, self.palette
        pool_name = "turbid water samples" if self.material.water == "turbid" else "water samples"
        samples = usable(pool_name, palette.half, palette.need, palette.folder)
        if len(samples):
            if pool_name not in self.parts:
                self.parts[pool_name] = palette._alike(samples, (0.0, 1.0), None)
            return self._one_of(pool_name)
        return self.water.reflectance(rng)


def wetted(spectrum: np.ndarray, share: float, film_cm: float) -> np.ndarray:
    """Wet a ``share`` of a surface of reflectance ``spectrum`` (grid,).

    Light that is scattered below a film of water is reflected back by its surface (Angstrom 1925, diffuse light), and
    the film absorbs on the way in and out (Bach and Mauser 1994).
    """
    below = spectrum / (INDEX**2 * (1 - spectrum) + spectrum)
    return (1 - share) * spectrum + share * below * np.exp(-2 * film_cm * water_absorption(GRID)).astype(np.float32)


def grained(spectrum: np.ndarray, log_size: float) -> np.ndarray:
    """Return reflectance (grid,) with grains ``exp(log_size)`` times as large.

    Reflectance of a deep medium of isotropic scatterers (Hapke 1981), whose single-scattering albedo falls with the way
    that light goes through a grain.
    """
    ratio = (1 - spectrum) / (1 + spectrum)
    albedo = np.clip(1 - ratio**2, 1e-4, 1 - 1e-6)
    gamma = np.sqrt(1 - albedo ** np.exp(log_size))
    return (1 - gamma) / (1 + gamma)


class Water:
    """Deep water by what is in it: ``chlorophyll`` mg/m3, ``sediment`` g/m3, ``humic`` absorption 1/m at 440 nm."""

    def __init__(self, chlorophyll: float, sediment: float, humic: float, glint: float) -> None:
        self.chlorophyll, self.sediment, self.humic, self.glint = chlorophyll, sediment, humic, glint

    def reflectance(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a spectrum (grid,), reflectance, by Gordon et al. 1988: ``0.0949 u + 0.0794 u2`` below the surface.

        Plankton absorbs at 440 and 675 nm (Bricaud et al. 1995, coarsely), humic matter falls exponentially, and
        sediment scatters half a square metre per gram, two hundredths of it back, nearly alike at all wavelengths.
        """
        chlorophyll, sediment, humic = (
            value * rng.lognormal(0, 0.15) for value in (self.chlorophyll, self.sediment, self.humic)
        )
        pigment = np.exp(-0.5 * ((GRID - 440) / 45) ** 2) + 0.5 * np.exp(-0.5 * ((GRID - 675) / 13) ** 2)
        absorbs = (
            100 * water_absorption(GRID)
            + 0.04 * chlorophyll**0.65 * pigment
            + humic * np.exp(-0.015 * (GRID - 440))
            + 0.03 * sediment * np.exp(-0.011 * (GRID - 440))
        )
        scatters = (
            0.0012 * (500 / GRID) ** 4.3
            + 0.5 * 0.02 * sediment * (550 / GRID) ** 0.6
            + 0.3 * chlorophyll**0.62 * 0.008 * (550 / GRID)
        )
        u = scatters / (absorbs + scatters)
        below = 0.0949 * u + 0.0794 * u**2
        above = 0.52 * below / (1 - 1.7 * below)
        return np.asarray(np.pi * above + self.glint * rng.uniform(0.7, 1.3), np.float32)
