"""A probability sample of a map: points that tell of the whole map, because chance alone has chosen them.

Places that ``special ask`` chooses are where the map is doubtful: they make it better, and do not tell how good it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STRATIFIED, RANDOM = "stratified", "random"
FEWEST = 2
"""Points of a stratum, where it has so many pixels: fewer say nothing of its variance."""


@dataclass(frozen=True)
class Stratum:
    """A part of the scene that was sampled by itself: its name and its pixels."""

    name: str
    pixels: int


@dataclass(frozen=True)
class Sample:
    """Points drawn at random, without replacement, from each stratum.

    Attributes:
        design: ``stratified`` or ``random``.
        strata: the H parts of the scene.
        pixels: int (n, 2), row and column of each point, in an order that does not tell its stratum.
        stratum: int (n,), an index into ``strata``.
    """

    design: str
    strata: tuple[Stratum, ...]
    pixels: np.ndarray
    stratum: np.ndarray


def allocate(sizes: Sequence[int], *, per_stratum: int | None = None, total: int | None = None) -> list[int]:
    """Return how many points each stratum of ``sizes`` pixels gets: ``per_stratum``, or its part of ``total``.

    Half of a total is shared equally and half by area: the first serves the accuracies of rare classes, the second the
    overall accuracy and the areas, and good practice is between the two (Olofsson et al. 2014, section 5.1.2).
    """
    if per_stratum is not None:
        return [min(per_stratum, size) for size in sizes]
    assert total is not None
    whole = sum(sizes)
    wanted = np.array([(total / len(sizes) + total * size / whole) / 2 for size in sizes])
    most, counts = np.array(sizes), np.minimum(np.maximum(FEWEST, wanted.astype(int)), sizes)
    # Rounding, and strata that are too small for their part, leave the sum beside the total: mended point by point.
    while counts.sum() < min(total, whole):
        counts[np.argmax(np.where(counts < most, wanted - counts, -np.inf))] += 1
    while counts.sum() > total and (counts > FEWEST).any():
        counts[np.argmin(np.where(counts > FEWEST, wanted - counts, np.inf))] -= 1
    return [int(count) for count in counts]


def draw(
    labels: np.ndarray,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    design: str = STRATIFIED,
    per_stratum: int | None = None,
    total: int | None = None,
) -> Sample:
    """Draw a sample.

    Args:
        labels: int (rows, cols), what the map says: an index into ``names``; -1 where there is nothing to look at.
        names: what a stratum of a stratified sample is called.
        rng: chooses.
        design: ``stratified``, where every label that the map has is a stratum, or ``random``, where all is one.
        per_stratum: points of each stratum; all of it where it has fewer pixels.
        total: points of all strata together, where ``per_stratum`` is not given.
    """
    inside = labels.ravel() >= 0
    if design == RANDOM:
        members = [np.flatnonzero(inside)]
        strata = [Stratum("all", len(members[0]))]
    else:
        present = [k for k in range(len(names)) if (labels == k).any()]
        members = [np.flatnonzero(labels.ravel() == k) for k in present]
        strata = [Stratum(names[k], len(own)) for k, own in zip(present, members, strict=True)]
    counts = allocate([stratum.pixels for stratum in strata], per_stratum=per_stratum, total=total)
    points = np.concatenate([rng.choice(own, count, replace=False) for own, count in zip(members, counts, strict=True)])
    order = rng.permutation(len(points))
    rows, cols = np.divmod(points[order], labels.shape[1])
    return Sample(
        design,
        tuple(strata),
        np.stack([rows, cols], axis=1).astype(np.int32),
        np.repeat(np.arange(len(strata)), counts)[order],
    )
