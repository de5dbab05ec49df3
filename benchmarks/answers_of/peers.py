"""What others make of as many labels: support-vector machines, breaking ties, and MambaHSI."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from answers_of.cases import Case, Figures, recall


class Machine:
    """A support-vector machine on the bands of a scene's labelled pixels."""

    def __init__(self, case: Case) -> None:
        from sklearn.preprocessing import StandardScaler

        spectra = case.scene.read()
        scaler = StandardScaler().fit(spectra[case.scene.valid])
        self.known = case.truth > 0
        self.spectra, self.truth = scaler.transform(spectra[self.known]), case.truth[self.known]
        self.places = np.cumsum(self.known.ravel()).reshape(self.known.shape) - 1

    def fit(self, chosen: np.ndarray, said: np.ndarray) -> Any:
        """Return the machine that has learned what was ``said`` of the pixels ``chosen``; None of one class alone."""
        from sklearn.svm import SVC

        return SVC(C=100).fit(self.spectra[chosen], said) if len(np.unique(said)) > 1 else None

    def score(self, chosen: np.ndarray, said: np.ndarray) -> tuple[float, float, float]:
        """Return its figures."""
        model = self.fit(chosen, said)
        found = np.full(len(self.truth), said[0]) if model is None else model.predict(self.spectra)
        right = found == self.truth
        return float(right.mean()), recall(right, self.truth), 0.0

    def margins(self, chosen: np.ndarray, said: np.ndarray, pool: np.ndarray) -> np.ndarray:
        """How far the two best classes are apart, of the pixels ``pool``."""
        model = self.fit(chosen, said)
        if model is None:
            return np.arange(len(pool), dtype=float)
        values = model.decision_function(self.spectra[pool])
        if values.ndim == 1:
            return np.abs(values)
        best = np.sort(values, axis=1)
        return best[:, -1] - best[:, -2]


def random_labels(case: Case, seed: int, budgets: Sequence[int]) -> dict[str, Figures]:
    """Return the figures of machines that learn labels at random: from all that are, and as many of every class."""
    machine, generator = Machine(case), np.random.default_rng(seed)
    found: dict[str, Figures] = {"SVM": {}, "SVM, even": {}}
    members = [np.flatnonzero(machine.truth == k) for k in case.present]
    for times in budgets[1:]:
        count = min(times * len(members), len(machine.truth))
        some = generator.choice(len(machine.truth), count, replace=False)
        found["SVM"][times] = machine.score(some, machine.truth[some])
        even = np.concatenate([generator.choice(one, min(times, len(one)), replace=False) for one in members])
        found["SVM, even"][times] = machine.score(even, machine.truth[even])
    return found


def breaking_ties(case: Case, seed: int, first: Any, budgets: Sequence[int]) -> Figures:
    """Return the figures of breaking ties, begun with ``first``, the first K answers of ours."""
    machine, generator = Machine(case), np.random.default_rng([seed, 2])
    count, total = len(case.present), len(machine.truth)
    named = first.classes > 0
    asked: list[int] = machine.places[first.rows[named], first.cols[named]].tolist()
    found: Figures = {}
    for times in budgets[1:]:
        while len(asked) < min(times * count, total):
            pool = np.setdiff1d(generator.choice(total, min(2000, total), replace=False), asked)
            chosen = np.array(asked)
            margins = machine.margins(chosen, machine.truth[chosen], pool)
            wanted = min(max(1, count // 4), times * count - len(asked))
            asked += pool[np.argsort(margins, kind="stable")[:wanted]].tolist()
        found[times] = machine.score(np.array(asked), machine.truth[asked])
    return found


def network(case: Case, seed: int, budgets: Sequence[int]) -> Figures:
    """Return the figures of MambaHSI, fitted to as many labels of every class, drawn at random."""
    import special

    assert case.source is not None
    generator, found = np.random.default_rng([seed, 1]), {}
    for times in budgets[1:]:
        labels = np.zeros(case.truth.shape, dtype=np.int32)
        for k in case.present:
            members = np.flatnonzero(case.truth == k)
            labels.flat[generator.choice(members, min(times, len(members)), replace=False)] = k
        with tempfile.TemporaryDirectory() as folder:
            run = special.fit(
                case.source.cube,
                labels,
                case.source.classes,
                case.source.wavelengths,
                out=Path(folder) / "fit.special",
                seed=seed,
            )
            known = case.truth > 0
            right, truth = run.map[known] == case.truth[known], case.truth[known]
        found[times] = float(right.mean()), recall(right, truth), 0.0
    return found
