"""What differs between users, drawn for each world: factors, their levels, and a draw that covers them evenly."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from worlds_of.pools import HALVES

# A level that is listed twice is drawn twice as often.
FACTORS: dict[str, tuple[str, ...]] = {
    "landscape": ("town", "farmland", "forest", "wetland", "coast", "desert", "mine", "mixed"),
    "sensor": ("airborne", "airborne", "airborne", "satellite", "satellite", "satellite", "VNIR", "VNIR", "SWIR"),
    "numbers": (
        "fraction", "percent", "x 10000", "x 10000", "radiance", "radiance", "apparent reflectance", "raw counts",
        "min-max", "min-max per band", "offset", "haze",
    ),
    "bands": ("as they are", "as they are", "as they are", "shifted", "smoothed", "noisy, striped"),
    "edges": ("sharp", "mixed", "blurred"),
    "shade": ("none", "slopes", "cast"),
    "moisture": ("dry", "dry", "damp", "wet"),
    "season": ("spring", "summer", "autumn", "dry season"),
    "names": ("plain", "plain", "plain", "synonyms", "synonyms", "German", "French", "Spanish"),
    "classes": ("4 to 6", "7 to 9", "10 to 15"),
    "twins": ("none", "none", "described", "numbered"),
    "unnamed": ("none", "some", "rest class"),
    "absent": ("none", "one", "two or three"),
}  # fmt: skip
COUNTS = {"4 to 6": (4, 6), "7 to 9": (7, 9), "10 to 15": (10, 15)}
GEOLOGICAL = ("mine", "desert")  # where sensors without the visible are flown


@dataclass(frozen=True)
class Draw:
    """A world's number and its level of every factor."""

    seed: int
    levels: dict[str, str]

    @property
    def half(self) -> str:
        """Even seeds are for development, odd ones are held out."""
        return HALVES[self.seed % 2]

    def __getitem__(self, factor: str) -> str:
        return self.levels[factor]

    def generator(self, purpose: str) -> np.random.Generator:
        """Randomness for one purpose: what another purpose draws does not change it."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])


def draw(seed: int, fixed: Mapping[str, str] | None = None) -> Draw:
    """Return the draw of a world. Any run of worlds of one half has every level of a factor about equally often.

    ``fixed`` gives the level of some factors instead; all that does not hang on them stays as it is.
    """
    levels = {}
    for factor, choices in FACTORS.items():
        block, place = divmod(seed // 2, len(choices))
        shuffled = np.random.default_rng([seed % 2, block, zlib.crc32(factor.encode())]).permutation(len(choices))
        levels[factor] = (fixed or {}).get(factor, choices[shuffled[place]])
    if levels["sensor"] == "SWIR" and levels["landscape"] not in GEOLOGICAL:
        levels["landscape"] = GEOLOGICAL[seed // 2 % 2]
    return Draw(seed, levels)
