"""Teachers whose faults are known: what an image-text model might answer, made from the truth and from mistakes.

A simulated teacher knows the classes of some of the ground and takes the rest for something else, field by field: every
class is mistaken for one or two others of the list, where a smooth random field says so. It sees coarsely, as a window
of patches does, and is as sure as it is asked to be, rightly or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

FIELD = 4.0  # pixels: how far a mistake reaches
BLUR = 1.0  # pixels: how coarsely a teacher sees
SPREAD = 0.15  # standard deviation of the recalls of classes


@dataclass(frozen=True)
class Kind:
    """What a simulated teacher is like.

    Attributes:
        name: in the tables.
        use: "useful", "useless" or "between": which demand of the fusion it counts for.
        accuracy: share of the ground that it names rightly, before it sees coarsely.
        knows: of the classes, "all"; "half": some nearly always, others hardly; "one" alone.
        confidence: mean probability of its best class; None = its accuracy.
        shared: the share of the first teacher's mistakes that it makes as well.
        renamed: its names are those of other classes.
        blind: it follows the fields of the scene and knows no name; "noise" does not even follow fields.
    """

    name: str
    use: str
    accuracy: float = 0.6
    knows: str = "all"
    confidence: float | None = None
    shared: float = 0.0
    renamed: bool = False
    blind: str = ""


KINDS = (
    Kind("60 %", "useful"),
    Kind("80 %", "useful", 0.8),
    Kind("60 %, over-confident", "useful", confidence=0.97),
    Kind("60 %, under-confident", "useful", confidence=0.3),
    Kind("half the classes", "useful", knows="half"),
    Kind("40 %", "between", 0.4),
    Kind("shared errors", "between", shared=0.5),
    Kind("one class", "between", knows="one"),
    Kind("20 %", "useless", 0.2),
    Kind("20 %, over-confident", "useless", 0.2, confidence=0.97),
    Kind("permuted names", "useless", renamed=True, confidence=0.6),
    Kind("permuted, over-confident", "useless", renamed=True, confidence=0.97),
    Kind("fields without names", "useless", blind="fields", confidence=0.6),
    Kind("noise", "useless", blind="noise", confidence=0.6),
)


def ground(cube: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the class of every pixel, int (rows, cols) from 0: where there is no truth, that of the nearest spectra.

    Args:
        cube: float (rows, cols, bands), finite at valid pixels.
        truth: int (rows, cols), 1..K, 0 = not labelled.
        valid: bool (rows, cols).
    """
    known = (truth > 0) & valid
    spectra = cube[valid].astype(np.float64)
    spectra = (spectra - spectra.mean(axis=0)) / np.maximum(spectra.std(axis=0), 1e-9)
    found = np.zeros((*truth.shape, min(10, cube.shape[2])))
    found[valid] = PCA(found.shape[-1], whiten=True, random_state=0).fit_transform(spectra)
    nearest = KNeighborsClassifier(5).fit(found[known], truth[known])
    labels = np.zeros(truth.shape, dtype=np.int64)
    labels[known] = truth[known] - 1
    others = valid & ~known
    if others.any():
        labels[others] = nearest.predict(found[others]) - 1
    return labels


def simulate_teacher(
    kind: Kind, labels: np.ndarray, count: int, first: np.ndarray, valid: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what such a teacher answers: float32 (rows, cols, count), sums to 1 at valid pixels, 0 at others.

    Args:
        kind: what it is like.
        labels: int (rows, cols), the ground, from 0.
        count: how many classes the list has.
        first: int (rows, cols), the labels of the teacher whose mistakes may be shared.
        valid: bool (rows, cols).
        rng: decides all of it.
    """
    if kind.blind == "noise":
        said = rng.integers(0, count, labels.shape)
        return _sure(np.eye(count)[said], valid, kind.confidence or 1 / count)
    said = _mistaken(labels, _recalls(kind, labels[valid], count, rng), count, rng)
    if kind.blind:
        said = _fields(labels.shape, count, rng)
    if kind.shared:
        wrong = first != labels
        follows = _field(labels.shape, rng) < np.quantile(_field(labels.shape, rng), kind.shared)
        said = np.where(wrong & follows, first, said)
    if kind.renamed:
        said = _derangement(count, rng)[said]
    seen = gaussian_filter(np.eye(count)[said], (BLUR, BLUR, 0))
    right = float((said == labels)[valid].mean())
    return _sure(seen, valid, right if kind.confidence is None else kind.confidence)


def _recalls(kind: Kind, labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The share of each class that is named rightly, (count,), so that the whole has the accuracy asked for."""
    if kind.knows == "one":
        common = np.bincount(labels, minlength=count).argsort()[::-1]
        recalls = np.full(count, 0.05)
        recalls[common[rng.integers(0, min(2, (np.bincount(labels) > 0).sum()))]] = 0.95
        return recalls
    if kind.knows == "half":
        present = np.flatnonzero(np.bincount(labels, minlength=count))
        recalls = np.full(count, 0.15)
        recalls[rng.permutation(present)[: -(-len(present) // 2)]] = 0.95
        return recalls
    recalls = kind.accuracy + SPREAD * rng.standard_normal(count)
    shares = np.bincount(labels, minlength=count) / len(labels)
    for _ in range(20):
        recalls = np.clip(recalls, 0.02, 0.98)
        recalls += kind.accuracy - shares @ recalls
    return np.clip(recalls, 0.0, 1.0)


def _mistaken(labels: np.ndarray, recalls: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Take a part of every class for two others, where smooth fields say so."""
    said = labels.copy()
    for k in np.unique(labels):
        others = rng.permutation(np.delete(np.arange(count), k))[:2]
        here = labels == k
        where, which = _field(labels.shape, rng), _field(labels.shape, rng)
        wrong = here & (where > np.quantile(where[here], recalls[k]))
        said[wrong] = np.where(which[wrong] > 0, others[0], others[-1])
    return said


def _fields(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """Labels that are fields of their own: the largest of as many smooth random fields."""
    return np.stack([_field(shape, rng) for _ in range(count)]).argmax(axis=0)


def _field(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(rng.standard_normal(shape), FIELD)


def _derangement(count: int, rng: np.random.Generator) -> np.ndarray:
    while True:
        names = rng.permutation(count)
        if count == 1 or not (names == np.arange(count)).any():
            return names


def _sure(seen: np.ndarray, valid: np.ndarray, confidence: float) -> np.ndarray:
    """Probabilities exp(gain * seen), with the gain at which their mean confidence over valid pixels is as asked."""
    low, high = 1e-3, 1e3
    for _ in range(40):
        gain = (low * high) ** 0.5
        shares = np.exp(gain * (seen - seen.max(axis=-1, keepdims=True)))
        shares /= shares.sum(axis=-1, keepdims=True)
        low, high = (gain, high) if shares[valid].max(axis=-1).mean() < confidence else (low, gain)
    return np.where(valid[..., None], shares, 0).astype(np.float32)
