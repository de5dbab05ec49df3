"""Ask a simulated user about every scene of a folder and print how far the answers carry.

    python benchmarks/answers.py FOLDER [--out RUNS] [--only NAME ...] [--seeds N] [--mambahsi] [--json FILE]

FOLDER is as benchmarks/scenes.py has it. Every scene is labelled by its class names first (the runs in --out are used
again), then questions are asked in rounds of K, the number of classes in the truth, as special ask asks them. The user
knows the truth: of a question he names the class of its pixel; where the truth leaves that one open, he points at the
nearest pixel of the question's area that it does not, and names that; where there is none, he says that he does not
know. Such questions are not answers and cost nothing, since a user in the field would have known; the table says how
many there were. OA, AA and calibration (ECE, ten bins) are of all pixels with a known truth, after 0, 1, 2, 3, 5 and 10
times K answers, of the pseudo-labels that the answers have corrected: what the classifier then learns from.

Beside it, with as many labels:
  no names     the same method, that knows nothing from names
  10 % wrong   the same method, every tenth answer another class at random
  SVM          a support-vector machine (RBF, C = 100) on standardised bands, labels drawn at random from all that are
  SVM, even    the same, as many labels of every class
  MambaHSI     with --mambahsi, which takes minutes for every number of labels: special fit, as many of every class
  BT           the SVM, begun with the first K answers of ours; after that the pixel is asked whose two best classes
               are nearest to each other (breaking ties), a quarter of K at once
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import record

sys.path.insert(0, str(Path(__file__).parent))
from scenes import Benchmark, find, label

BUDGETS = (0, 1, 2, 3, 5, 10)
WRONG = 0.1
Figures = dict[int, tuple[float, float, float]]
"""OA, AA and ECE by budget."""


@dataclass
class Case:
    """A scene, its truth, and what its class names made of it: ``names`` float32 (rows, cols, K)."""

    name: str
    scene: Any
    classes: list[str]
    truth: np.ndarray
    names: np.ndarray
    settings: Any
    source: Benchmark | None = None
    by_seed: dict[int, Any] = field(default_factory=dict)

    def groups(self, seed: int) -> Any:
        """The groups of the scene, with their features kept: questions and corrections are many here."""
        from special.answers.groups import group

        if seed not in self.by_seed:
            found = group(self.scene, len(self.classes), self.settings, seed=seed)
            windows = list(found.features.windows())
            found.features.windows = lambda: iter(windows)
            self.by_seed = {seed: found}
        return self.by_seed[seed]

    @property
    def present(self) -> np.ndarray:
        """The classes 1..K that the truth has."""
        return np.unique(self.truth[self.truth > 0])


class User:
    """Knows the truth, int (rows, cols), and says something else with the chance ``wrong``."""

    def __init__(self, truth: np.ndarray, classes: int, generator: np.random.Generator, wrong: float = 0.0) -> None:
        self.truth, self.classes, self.generator, self.wrong = truth, classes, generator, wrong

    def answer(self, question: Any) -> tuple[int, int, int]:
        """Return row, column and class of the answer; class 0 where he does not know."""
        area = question.area[self.truth[question.area[:, 0], question.area[:, 1]] > 0]
        if not len(area):
            return question.row, question.col, 0
        row, col = area[((area - (question.row, question.col)) ** 2).sum(axis=1).argmin()].tolist()
        said = int(self.truth[row, col])
        if self.generator.random() < self.wrong:
            said = int(self.generator.choice([k for k in range(1, self.classes + 1) if k != said]))
        return row, col, said


def scores(probabilities: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Return OA, AA and the expected calibration error in ten bins, at pixels with a known truth."""
    known = truth > 0
    shares, wanted = probabilities[known], truth[known] - 1
    found, confidence = shares.argmax(axis=1), shares.max(axis=1)
    right = found == wanted
    bins = np.minimum((10 * confidence).astype(int), 9)
    error = sum(
        (bins == one).mean() * abs(confidence[bins == one].mean() - right[bins == one].mean())
        for one in np.unique(bins)
    )
    average = np.mean([right[wanted == k].mean() for k in np.unique(wanted)])
    return float(right.mean()), float(average), float(error)


def open_case(scene: Benchmark, run: Path) -> Case:
    """Open a scene that has been labelled by names."""
    from special.answers.settings import AnswersSettings
    from special.api.run import Run
    from special.cache.directory import RunDirectory
    from special.scene.truth import read_truth

    done = Run(run)
    opened = done.request.source.reopen(RunDirectory(run), done.class_list)
    truth = read_truth(scene.truth, opened.shape[:2], classes=[one.texts for one in done.class_list])
    truth[~opened.valid] = 0
    settings = done.request.settings.build(AnswersSettings)
    return Case(scene.name, opened, done.classes, truth, done.probabilities_of("pseudo"), settings, scene)


def answered(case: Case, seed: int, budget: int, names: np.ndarray, wrong: float = 0.0) -> Iterator[tuple[Any, int]]:
    """Ask until ``budget`` times K answers are there; yield the answers after each, and how often he did not know."""
    from special.answers.answers import NO_ANSWER, Answers
    from special.answers.correction import believe
    from special.answers.questions import choose

    groups = case.groups(seed)
    chance = np.random.default_rng([seed, *case.name.encode()])  # another one in every scene
    user = User(case.truth, len(case.classes), chance, wrong)
    answers, unknown, round_ = Answers.none(), 0, len(case.present)
    while answers.count < budget * round_:
        belief = believe(groups, names, answers, case.settings)
        count = round_ - answers.count % round_
        questions = choose(groups, belief, names, case.classes, count, answers)
        if not questions:
            return
        for question in questions:
            row, col, said = user.answer(question)
            one = Answers.of(*(np.array([value]) for value in (row, col, said, 1)))
            asked = Answers.of(*(np.array([value]) for value in (question.row, question.col, NO_ANSWER, 1)))
            answers = answers.with_newer(asked).with_newer(one)
            unknown += said == 0
            yield answers, unknown


def ours(
    case: Case, seed: int, names: np.ndarray, say: Callable[[int], None], wrong: float = 0.0, keep: dict | None = None
) -> Figures:
    """Return the figures of corrected pseudo-labels."""
    from special.answers.correction import correct

    figures: Figures = {0: scores(names, case.truth)}
    for answers, unknown in answered(case, seed, BUDGETS[-1], names, wrong):
        times, over = divmod(answers.count, len(case.present))
        if keep is not None:
            keep[answers.count] = answers
        if over == 0 and times in BUDGETS and times not in figures:
            result = correct(case.scene.valid, case.groups(seed), names, answers, case.classes, case.settings)
            figures[times] = scores(np.asarray(result.probabilities), case.truth)
            say(unknown)
    return figures


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
        from sklearn.svm import SVC

        return SVC(C=100).fit(self.spectra[chosen], said) if len(np.unique(said)) > 1 else None

    def score(self, chosen: np.ndarray, said: np.ndarray) -> tuple[float, float, float]:
        model = self.fit(chosen, said)
        found = np.full(len(self.truth), said[0]) if model is None else model.predict(self.spectra)
        right = found == self.truth
        return float(right.mean()), float(np.mean([right[self.truth == k].mean() for k in np.unique(self.truth)])), 0.0

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


def machines(case: Case, seed: int, first: Any) -> dict[str, Figures]:
    """Return the figures of support-vector machines; ``first``: the first K answers of ours."""
    machine, generator = Machine(case), np.random.default_rng(seed)
    count, found = len(case.present), {name: {} for name in ("SVM", "SVM, even", "BT")}
    numbers = np.arange(len(machine.truth))
    named = first.classes > 0
    asked = machine.places[first.rows[named], first.cols[named]].tolist()
    for times in BUDGETS[1:]:
        some = generator.choice(numbers, min(times * count, len(numbers)), replace=False)
        found["SVM"][times] = machine.score(some, machine.truth[some])
        members = [np.flatnonzero(machine.truth == k) for k in case.present]
        even = np.concatenate([generator.choice(one, min(times, len(one)), replace=False) for one in members])
        found["SVM, even"][times] = machine.score(even, machine.truth[even])
        while len(asked) < min(times * count, len(numbers)):
            pool = np.setdiff1d(generator.choice(numbers, min(2000, len(numbers)), replace=False), asked)
            chosen = np.array(asked)
            margins = machine.margins(chosen, machine.truth[chosen], pool)
            wanted = min(max(1, count // 4), times * count - len(asked))
            asked += pool[np.argsort(margins, kind="stable")[:wanted]].tolist()
        found["BT"][times] = machine.score(np.array(asked), machine.truth[asked])
    return found


def network(case: Case, seed: int) -> Figures:
    """Return the figures of MambaHSI, fitted to as many labels of every class, drawn at random."""
    import special

    assert case.source is not None
    generator, found = np.random.default_rng([seed, 1]), {}
    for times in BUDGETS[1:]:
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
        found[times] = float(right.mean()), float(np.mean([right[truth == k].mean() for k in case.present])), 0.0
    return found


def measure(case: Case, seeds: int, *, mambahsi: bool = False) -> tuple[dict[str, list[Figures]], int]:
    """Return the figures of every method, one entry a seed; and how often the user did not know, at most."""
    found: dict[str, list[Figures]] = {}
    most = 0
    even = np.repeat(case.scene.valid[..., None] / np.float32(len(case.classes)), len(case.classes), axis=2)
    for seed in range(seeds):
        kept: dict[int, Any] = {}
        unknown: list[int] = []
        rows = {"answers": ours(case, seed, case.names, unknown.append, keep=kept)}
        rows["no names"] = ours(case, seed, even, unknown.append)
        rows["10 % wrong"] = ours(case, seed, case.names, lambda _: None, wrong=WRONG)
        rows |= machines(case, seed, kept[min(len(case.present), max(kept))])
        if mambahsi:
            rows["MambaHSI"] = network(case, seed)
        for name, figures in rows.items():
            found.setdefault(name, []).append(figures)
        most = max([most, *unknown])
    return found, most


def mean(rows: list[Figures]) -> Figures:
    """The mean over seeds or scenes; where a scene has run out of questions, what it had reached."""
    reached = []
    for row in rows:
        whole, last = {}, (0.0, 0.0, 0.0)
        for times in BUDGETS:
            last = row.get(times, last)
            whole[times] = last
        reached.append(whole)
    return {times: tuple(np.mean([row[times] for row in reached], axis=0).tolist()) for times in BUDGETS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--out", type=Path, default=Path("answers.special"), help="where the runs are  [answers.special]"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenes alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--mambahsi", action="store_true", help="fit MambaHSI to as many labels, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    asked = parser.parse_args()
    table: dict[str, dict[str, Figures]] = {}
    print("| scene | method | " + " | ".join(f"{times} K" for times in BUDGETS) + " |")
    print("|---|---|" + "---|" * len(BUDGETS), flush=True)
    for scene in find(asked.folder):
        if asked.only and scene.name not in asked.only:
            continue
        run = asked.out / f"{scene.name}.special"
        if not (run / "steps" / "pseudo").is_dir():
            label(scene, run, ["--until", "pseudo"])
        found, unknown = measure(open_case(scene, run), asked.seeds, mambahsi=asked.mambahsi)
        for name, rows in found.items():
            table.setdefault(name, {})[scene.name] = mean(rows)
            show(scene.name, name, mean(rows))
        print(f"| {scene.name} | questions without an answer, at most | {unknown} |" + " |" * (len(BUDGETS) - 1))
    for name, by_scene in table.items():
        show("mean", name, mean(list(by_scene.values())))
    if asked.json:
        record.write(asked.json, table)


def show(scene: str, method: str, figures: Figures) -> None:
    cells = [" / ".join(f"{value:.3f}" for value in figures[times]) for times in BUDGETS]
    print(f"| {scene} | {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
