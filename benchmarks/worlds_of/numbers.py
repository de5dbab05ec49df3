"""What is done to the numbers: light and air, calibration, units, and what goes wrong with bands.

Light and air come from ``air.npz``, a table that the radiative transfer code 6S computed (``air_table.py``): no formula
here is shared with the teachers, which have their own idea of the air.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from worlds_of.libraries import GRID
from worlds_of.sensors import Sensor

VAPOUR = ((1340.0, 1460.0), (1790.0, 1960.0))  # nm: nothing of the ground is seen through this much water vapour
SHIFT = (2.0, 8.0)  # nm
AS_REFLECTANCE = ("fraction", "percent", "x 10000", "min-max", "min-max per band", "offset", "haze")


@dataclass(frozen=True)
class Air:
    """In bands (bands,): ``sun`` W/(m2 um) on a level surface above the air; ``path`` reflectance of the air itself;
    ``through`` both ways; ``albedo`` of the air from below; ``sky`` its share of the light on the ground."""

    sun: np.ndarray
    path: np.ndarray
    through: np.ndarray
    albedo: np.ndarray
    sky: np.ndarray

    def apparent(self, reflectance: np.ndarray) -> np.ndarray:
        """Reflectance as seen from above the air, (..., bands), of a level ground of ``reflectance``."""
        return self.path + self.through * reflectance / (1 - self.albedo * reflectance)


@cache
def _table() -> tuple[tuple[str, ...], np.ndarray]:
    with np.load(Path(__file__).with_name("air.npz")) as held:
        at = held["wavelengths"]
        values = [[np.interp(GRID, at, column) for column in place.T] for place in held["values"]]
        return tuple(map(str, held["columns"])), np.array(values, np.float32)


def air(half: int, sensor: Sensor, shift: float, rng: np.random.Generator) -> Air:
    """Draw a place of one half (0 development, 1 held out) and how hazy its air is today, and see it in the bands."""
    columns, places = _table()
    mine = places[half::2]
    here = dict(zip(columns, mine[rng.integers(len(mine))], strict=True))
    here["path"] = here["path"] * np.float32(rng.uniform(0.6, 1.5))
    here["light"] = here["sun"] * here["through"]
    seen = {name: sensor.sees(values, shift=shift) for name, values in here.items()}
    return Air(seen["sun"], seen["path"], seen["light"] / seen["sun"], seen["albedo"], seen["sky"])


def clear(sensor: Sensor) -> np.ndarray:
    """Return bool (bands,): False where water vapour hides the ground."""
    return ~np.any([(sensor.centres > low) & (sensor.centres < high) for low, high in VAPOUR], axis=0)


def measured(kind: str, reflectance: np.ndarray, sensor: Sensor, light: Air, rng: np.random.Generator) -> np.ndarray:
    """Return a file's numbers, float32 (rows, cols, bands), own numbers of a level of the factor "numbers".

    Args:
        kind: the level.
        reflectance: float32 (rows, cols, bands), of the ground, with noise.
        sensor: whose bands they are. light: sun and air in them.
        rng: decides offsets, gains and dark currents.

    Raises:
        ValueError: no such level.
    """
    apparent = light.apparent(reflectance)
    radiance = light.sun * apparent / np.pi  # W / (m2 um sr)
    if kind == "fraction":
        return reflectance
    if kind == "percent":
        return 100 * reflectance
    if kind == "x 10000":
        return np.rint(10_000 * reflectance)
    if kind == "radiance":  # in one of the units that there are
        return np.float32(rng.choice([1.0, 0.1, 100.0])) * radiance
    if kind == "apparent reflectance":
        return apparent
    if kind == "raw counts":
        return _counts(radiance, sensor, rng)
    if kind == "min-max":
        return (reflectance - reflectance.min()) / np.ptp(reflectance)
    if kind == "min-max per band":
        low = reflectance.min(axis=(0, 1))
        return (reflectance - low) / (reflectance.max(axis=(0, 1)) - low)
    if kind == "offset":
        return reflectance + np.float32(rng.uniform(0.02, 0.12))
    if kind == "haze":  # the air was taken for clearer than it was
        return reflectance + np.float32(rng.uniform(0.4, 1.0)) * light.path
    raise ValueError(f"no numbers are called {kind!r}")


def _counts(radiance: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers of 12 to 16 bits with a dark current; each detector sees its middle better than its ends."""
    silicon = sensor.centres < 1000
    response = np.where(
        silicon,
        np.exp(-0.5 * ((sensor.centres - rng.uniform(620, 720)) / 190) ** 2),
        np.exp(-0.5 * ((sensor.centres - 1700) / 900) ** 2),
    )
    response = response * np.where(silicon, 1.0, rng.uniform(1.0, 4.0)) + 0.03
    electrons = radiance * response.astype(np.float32)
    top = 2.0 ** int(rng.integers(12, 17)) - 1
    dark = top * rng.uniform(0.01, 0.06)
    full = float(np.quantile(electrons.max(axis=-1), 0.995))
    return np.clip(np.rint(dark + rng.uniform(0.5, 0.9) * (top - dark) * electrons / full), 0, top)


def smoothed(cube: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Average neighbouring bands of ``cube`` (rows, cols, bands), any unit, as a user does against noise."""
    from scipy.ndimage import uniform_filter1d

    reach = int(rng.integers(3, 3 + max(1, cube.shape[-1] // 20)))
    return np.asarray(uniform_filter1d(cube, reach, axis=-1, mode="nearest"))


def noisy(reflectance: np.ndarray, sensor: Sensor, level: str, rng: np.random.Generator) -> np.ndarray:
    """Add a sensor's noise to ``reflectance`` (rows, cols, bands), more of it in dim bands.

    ``level`` of the factor "bands": where it is "noisy, striped", some bands are several times noisier, and columns of
    some bands are brighter or darker than they should be.
    """
    _, cols, bands = reflectance.shape
    spread = sensor.noise * (1 + 1.5 * np.exp(-(sensor.centres - 400) / 40) + 2.0 * (sensor.centres > 2350))
    if level == "noisy, striped":
        bad = rng.random(bands) < 0.12
        spread = spread * np.where(bad, rng.uniform(5, 15, bands), 2.0)
        stripes = rng.normal(0, 0.02, (cols, bands)) * (rng.random(bands) < 0.4)
        reflectance = reflectance * (1 + stripes).astype(np.float32)
    noise = rng.standard_normal(reflectance.shape, dtype=np.float32)
    return reflectance + spread.astype(np.float32) * (0.4 + np.sqrt(np.maximum(reflectance, 0))) * noise
