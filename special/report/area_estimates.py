"""Accuracy and area from a probability sample, with standard errors.

Sources: Olofsson et al. 2014, Good practices for estimating area and assessing accuracy of land change, Remote Sensing
of Environment 148, 42-57, doi 10.1016/j.rse.2014.02.015; and, for strata that are not the classes of the map, Stehman
2014, Estimating area and map accuracy for stratified random sampling when the strata are different from the map
classes, International Journal of Remote Sensing 35, 4923-4939, doi 10.1080/01431161.2014.930207. The second holds the
first as a special case, so it is what is computed here, equations 1-3 and 25-28 of it. The finite population
correction, which both leave out or find negligible, is kept: a class of a small scene may be sampled to the last pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.96
"""Standard errors on either side of an estimate that make a 95 % confidence interval."""


@dataclass(frozen=True)
class Estimate:
    """An estimate and its standard error."""

    value: float
    error: float

    @property
    def margin(self) -> float:
        """Half of its 95 % confidence interval."""
        return Z95 * self.error


@dataclass(frozen=True)
class AreaEstimates:
    """What a sample tells of a map.

    Attributes:
        names: what pixels are labelled as, by the map or by who looked; one row and one column each.
        counts: int (C, C), points of the sample, map in rows and reference in columns.
        matrix: float (C, C), the same as shares of the area: they sum to 1.
        overall: the share of the area that is right.
        users: of each label, the share of its mapped area that is right; None where the sample has none.
        producers: of each label, the share of its true area that the map has; None where the sample has none.
        areas: of each label, its true share of the area.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    matrix: NDArray[np.float64]
    overall: Estimate
    users: tuple[Estimate | None, ...]
    producers: tuple[Estimate | None, ...]
    areas: tuple[Estimate, ...]


def estimate(
    strata: NDArray[np.integer],
    mapped: NDArray[np.integer],
    reference: NDArray[np.integer],
    sizes: NDArray[np.integer],
    names: Sequence[str],
) -> AreaEstimates:
    """Estimate accuracy and areas from a stratified, or with one stratum a simple, random sample without replacement.

    Args:
        strata: int (n,), the stratum of each point, from 0.
        mapped: int (n,), what the map says there, an index into ``names``; its classes need not be the strata.
        reference: int (n,), what is there, likewise.
        sizes: int (H,), the pixels of each stratum.
        names: the C labels.

    Raises:
        ValueError: a stratum has no point, or one and more pixels than that: nothing can be said of its variance.
    """
    sample = _Sample(strata, sizes)
    every = np.arange(len(names))
    is_mapped, is_reference = mapped[:, None] == every, reference[:, None] == every
    both = is_mapped & is_reference
    cells = is_mapped[:, :, None] & is_reference[:, None, :]
    return AreaEstimates(
        names=tuple(names),
        counts=cells.sum(axis=0),
        matrix=sample.mean(cells.reshape(len(strata), -1)).reshape(len(names), len(names)),
        overall=sample.share(mapped == reference),
        users=tuple(sample.ratio(both[:, k], is_mapped[:, k]) for k in every),
        producers=tuple(sample.ratio(both[:, k], is_reference[:, k]) for k in every),
        areas=tuple(sample.share(is_reference[:, k]) for k in every),
    )


class _Sample:
    """Points in strata: estimates means over all pixels, and ratios of such means."""

    def __init__(self, strata: NDArray[np.integer], sizes: NDArray[np.integer]) -> None:
        self._members = [np.flatnonzero(strata == h) for h in range(len(sizes))]
        self._sizes = np.asarray(sizes, np.float64)
        self._shares = self._sizes / self._sizes.sum()
        for points, size in zip(self._members, sizes, strict=True):
            if size and len(points) < min(2, size):
                raise ValueError(f"a stratum of {size} pixels has {len(points)} points: two are needed")

    def mean(self, values: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The mean over all pixels of ``values`` (n, m)."""
        means = [values[points].mean(axis=0) if len(points) else np.zeros(values.shape[1]) for points in self._members]
        return np.asarray(self._shares @ np.stack(means))

    def share(self, values: NDArray[np.bool_]) -> Estimate:
        """The share of all pixels that are true in ``values`` (n,)."""
        return Estimate(float(self.mean(values[:, None])[0]), float(np.sqrt(self._variance(values.astype(float)))))

    def ratio(self, part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Estimate | None:
        """The share of the pixels true in ``whole`` (n,) that are true in ``part`` (n,)."""
        total = float(self.mean(whole[:, None])[0])
        if not total:
            return None
        value = float(self.mean(part[:, None])[0]) / total
        return Estimate(value, float(np.sqrt(self._variance(part - value * whole))) / total)

    def _variance(self, values: NDArray[np.float64]) -> float:
        """The variance of the estimated mean of ``values`` (n,). Of a ratio, they are its residuals."""
        variance = 0.0
        for points, size, share in zip(self._members, self._sizes, self._shares, strict=True):
            if 1 < len(points) < size:
                variance += share**2 * (1 - len(points) / size) * values[points].var(ddof=1) / len(points)
        return variance
