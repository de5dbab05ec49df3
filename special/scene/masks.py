"""What hides the ground: the quality masks of a product, and which of them are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from special.errors import SceneError
from special.scene.source import MaskReader, QualityMask, Source

NODATA = "nodata"
NONE = "none"


@dataclass(frozen=True)
class Masked:
    """How many pixels a mask marks, and whether they were left out."""

    name: str
    layer: str
    pixels: int
    used: bool

    def __str__(self) -> str:
        """As ``special info`` shows it."""
        return f"{self.name} ({self.layer}): {self.pixels} pixels"


@dataclass(frozen=True)
class AnyOf:
    """Reads several layers as one mask: masked is what any of them masks."""

    layers: tuple[MaskReader, ...]

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols)."""
        masked = self.layers[0](rows)
        for layer in self.layers[1:]:
            masked = masked | layer(rows)
        return masked


def names_of(masks: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names in ``--mask cloud,shadow``; None where nothing is said, () for "none"."""
    if masks is None:
        return None
    words = masks.split(",") if isinstance(masks, str) else masks
    names = tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    return () if names == (NONE,) else names


def mask_pixels(
    source: Source, names: Sequence[str] | None, blocks: Sequence[slice], valid: np.ndarray
) -> tuple[Masked, ...]:
    """Clear the pixels that are masked in ``valid``, bool (rows, cols), and say what was masked.

    Args:
        source: the cube with its masks.
        names: those that the user wants; None for clouds and what else is used by default.
        blocks: slices of whole rows that cover the scene.
        valid: is changed.

    Raises:
        SceneError: one of the names is no mask of this product.
    """
    offered = [mask.name for mask in source.masks]
    for name in names or ():
        if name not in (NODATA, *offered):
            there = f"its masks are {', '.join(offered)}" if offered else "it has no masks"
            raise SceneError(f"{source.path or 'the array'} has no mask {name!r}: {there}; or give --mask none")
    own = () if source.mask is None else (QualityMask(NODATA, "mask band", source.mask),)
    found = []
    for mask in (*own, *source.masks):
        used = mask.name == NODATA or (mask.by_default if names is None else mask.name in names)
        pixels = 0
        for rows in blocks:
            marked = mask.read(rows)
            pixels += int(marked.sum())
            if used:
                valid[rows] &= ~marked
        found.append(Masked(mask.name, mask.layer, pixels, used))
    return tuple(found)
