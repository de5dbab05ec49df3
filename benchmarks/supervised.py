"""Train every classifier on labelled pixels of every scene of a folder and print how well they do on the others.

    python benchmarks/supervised.py FOLDER [--only NAME ...] [--rows ROW ...] [--seeds 3] [--fraction 0.1]
                                    [--splits random disjoint] [--keep FILE] [--set NAME=VALUE ...]

The folder is as for benchmarks/scenes.py. Rows are the classifiers of special, an SVM and a random forest on single
spectra, and what the texts are worth: the class name alone, the descriptions, and the descriptions given to the wrong
classes (where those do as well, the text does nothing); for the aligned encoder also its loss with hard or with
semi-hard negatives alone. All train on the same pixels with settings that are the same for all scenes, and no truth
decides when to stop. Rows of S3FN go on from the same first stage, which knows no text: they differ in nothing else.

Prints a Markdown table per split: OA of each scene, mean over the seeds, the means over the scenes, and the most CPU
seconds that a row took (rows of S3FN after the first go on from its first stage, and do not count it again). Then, what
a row gains over another that differs in one thing: the mean difference in OA, and its standard error over scenes and
seeds. --keep FILE keeps every result in a file as it comes, so that an interrupted run goes on where it was, seed after
seed.
"""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import record
import torch
from torch.nn.functional import normalize

sys.path.insert(0, str(Path(__file__).parent))
from scenes import Benchmark, find

from special.classnames.class_list import ClassList
from special.classnames.contextual import Meanings
from special.classnames.texts import Texts
from special.models.registry import CLASSIFIERS, Vectors
from special.models.settings import ScanSettings
from special.progress import SILENT, Progress
from special.report import metrics
from special.scene import Scene, open_scene
from special.scene.truth import read_truth
from special.settings import load, parse_changes
from special.training.checkpoint import State
from special.training.randomness import stage_generator
from special.training.settings import FitSettings, SplitSettings
from special.training.supervised import fit
from special.training.train_test_split import TEST, TRAIN, train_test_split

SEMI_HARD = {"aligned.hard": 0, "aligned.semi_hard": 5}
HARD = {"aligned.hard": 5, "aligned.semi_hard": 0}


@dataclass(frozen=True)
class Row:
    """One row: a pipeline, what it reads (``curated``, ``names`` or ``shuffled``), and settings that differ."""

    pipeline: str
    texts: str = "curated"
    changes: tuple[tuple[str, Any], ...] = ()


ROWS: dict[str, Row | None] = {
    "svm": None,
    "random forest": None,
    "mean": Row("mean"),
    "cnn3d": Row("cnn3d"),
    "mambahsi": Row("special"),
    "s3fn": Row("s3fn"),
    "s3fn, names": Row("s3fn", "names"),
    "s3fn, shuffled": Row("s3fn", "shuffled"),
    "s3fn, temperature 1": Row("s3fn", changes=(("s3fn.temperature", 1.0),)),
    "aligned": Row("aligned"),
    "aligned, names": Row("aligned", "names"),
    "aligned, shuffled": Row("aligned", "shuffled"),
    "aligned, hard only": Row("aligned", changes=tuple(HARD.items())),
    "aligned, semi-hard only": Row("aligned", changes=tuple(SEMI_HARD.items())),
}

PAIRS = (
    ("s3fn", "cnn3d"),
    ("s3fn", "s3fn, names"),
    ("s3fn", "s3fn, shuffled"),
    ("s3fn", "s3fn, temperature 1"),
    ("aligned", "aligned, names"),
    ("aligned", "aligned, shuffled"),
    ("aligned", "aligned, hard only"),
    ("aligned", "aligned, semi-hard only"),
)


@dataclass(frozen=True)
class Data:
    """A scene with its labels, divided; ``first`` is what rows share."""

    scene: Scene
    cube: np.ndarray
    classes: ClassList
    truth: np.ndarray
    parts: np.ndarray
    first: FirstStage


class FirstStage:
    """S3FN's first stage on one split, kept for the rows that read something else in the second.

    It stands in for the checkpoint of a training: the first row leaves its state here, the others go on from it.
    """

    def __init__(self) -> None:
        self.state: State | None = None
        self.epochs = 0
        self.texts = torch.empty(0)

    def before(self, epochs: int, labels: np.ndarray) -> FirstStage:
        """Get ready for a row with so many epochs of stage 1, whose texts are ``labels`` (classes, dimensions)."""
        self.epochs, self.texts = epochs, normalize(torch.from_numpy(labels).float(), dim=1)
        return self

    def load(self, progress: Progress = SILENT) -> State | None:
        """Return the state to go on from, with the row's own texts."""
        if self.state is None:
            return None
        kept = copy.deepcopy(self.state)  # training goes on in place
        kept.tensors.update({"model.texts": self.texts, "average.texts": self.texts})
        return kept

    def save(self, state: State) -> None:
        """Keep the state that ends stage 1."""
        if len(state.progress["history"]) == self.epochs:
            self.state = copy.deepcopy(state)


def divided(benchmark: Benchmark, kind: str, fraction: float, seed: int) -> Data:
    """Open a scene and divide its labels as ``special fit`` does."""
    scene = open_scene(benchmark.cube, wavelengths=benchmark.wavelengths)
    truth = read_truth(benchmark.truth, (scene.shape[0], scene.shape[1]))
    classes = ClassList.read(benchmark.classes)
    changes = {"split.kind": kind, "split.per_class": 0, "split.fraction": fraction}
    rule = load(changes=changes).build(SplitSettings)
    parts = train_test_split(truth, scene.valid, classes.names, rule, stage_generator(seed, "split")).parts
    return Data(scene, scene.read(), classes, truth, parts, FirstStage())


@functools.cache
def meanings(texts: str, encoder: str, classes: ClassList) -> Meanings:
    """What the classes mean, read once."""
    return Texts(texts, encoder).read(classes)


def vectors(texts: str, encoder: str, classes: ClassList, seed: int) -> Vectors:
    """What the classes mean; ``shuffled`` gives every class what another one means."""
    found = meanings("curated" if texts == "shuffled" else texts, encoder, classes)
    labels, anchors = found.labels, found.anchors
    if texts == "shuffled":
        # A cycle through the classes in random order: none keeps its own.
        order = np.random.default_rng(seed).permutation(len(classes))
        other = np.empty(len(classes), dtype=int)
        other[order] = np.roll(order, 1)
        labels, anchors = labels[other], [anchors[k] for k in other]
    return Vectors(labels, anchors)


def learned(data: Data, row: Row, seed: int, changes: dict[str, Any]) -> np.ndarray:
    """Train a classifier of special; return its map, 1..K."""
    settings = load(row.pipeline, {**dict(row.changes), **changes})
    chosen = CLASSIFIERS.get(settings.values["classifier.name"])
    own: Any = settings.build(chosen.settings_type)
    texts = None
    if chosen.reads_texts:
        texts = vectors(row.texts, settings.values["classifier.encoder"], data.classes, seed)
    rule, first = settings.build(FitSettings), None
    if chosen.name == "s3fn" and texts is not None:
        first = data.first.before(int(rule.epochs * own.stage1_share), texts.labels)
    result = fit(
        data.cube,
        data.scene.valid,
        np.eye(len(data.classes), dtype=np.float32)[np.maximum(data.truth - 1, 0)],
        (data.parts == TRAIN).astype(np.float32),
        rule,
        chosen.build(own, texts, settings.build(ScanSettings).backend),
        seed=seed,
        checkpoint=first,
    )
    return 1 + result.probabilities.argmax(axis=-1)


def classic(data: Data, name: str, seed: int) -> np.ndarray:
    """Train a classifier of single spectra; return its map, 1..K, of the labelled pixels."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    makers: dict[str, Callable[[], Any]] = {
        "svm": lambda: make_pipeline(StandardScaler(), SVC(C=100.0)),
        "random forest": lambda: RandomForestClassifier(300, random_state=seed),
    }
    train, test = data.parts == TRAIN, data.parts == TEST
    model = makers[name]().fit(data.cube[train], data.truth[train])
    labels = np.zeros(data.truth.shape, dtype=int)
    labels[test] = model.predict(data.cube[test])
    return labels


def measure(data: Data, name: str, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Train one row on one split of one scene, and look at the test pixels."""
    row, started = ROWS[name], time.process_time()
    labels = classic(data, name, seed) if row is None else learned(data, row, seed, changes)
    seconds = time.process_time() - started
    scores = metrics.evaluate(labels, np.where(data.parts == TEST, data.truth, 0), data.classes.names)
    return {"oa": scores.oa, "aa": scores.aa, "kappa": scores.kappa, "seconds": seconds}


def table(kind: str, scenes: list[str], rows: list[str], results: dict[str, dict[str, Any]], seeds: int) -> None:
    """Print the table of one split."""
    print(f"\n{kind} split, OA; mean over {seeds} seeds\n")
    print("| | " + " | ".join([*scenes, "mean OA", "AA", "kappa", "s"]) + " |")
    print("|---" * (len(scenes) + 5) + "|")
    for name in rows:
        found = [[results[key(scene, name, kind, seed)] for seed in range(seeds)] for scene in scenes]
        each = [f"{np.mean([one['oa'] for one in ones]):.3f}" for ones in found]
        means = [f"{np.mean([one[figure] for ones in found for one in ones]):.3f}" for figure in ("oa", "aa", "kappa")]
        seconds = max(one["seconds"] for ones in found for one in ones)
        print("| " + " | ".join([name, *each, *means, f"{seconds:.0f}"]) + " |", flush=True)


def differences(
    kinds: list[str], scenes: list[str], rows: list[str], results: dict[str, dict[str, Any]], seeds: int
) -> None:
    """Print how much better the first row of each pair is than the second, on the same pixels."""
    pairs = [pair for pair in PAIRS if set(pair) <= set(rows)]
    if not pairs or len(scenes) * seeds < 2:
        return
    print("\n| difference in OA | " + " | ".join(kinds) + " |\n|---" + "|---" * len(kinds) + "|")
    for row, other in pairs:
        told = []
        for kind in kinds:
            places = [(scene, kind, seed) for scene in scenes for seed in range(seeds)]
            gains = [results[key(s, row, k, n)]["oa"] - results[key(s, other, k, n)]["oa"] for s, k, n in places]
            told.append(f"{np.mean(gains):+.3f} ± {np.std(gains, ddof=1) / np.sqrt(len(gains)):.3f}")
        print(f"| {row}, less {other} | " + " | ".join(told) + " |", flush=True)


def key(scene: str, row: str, kind: str, seed: int) -> str:
    """What a result is kept under."""
    return f"{scene}/{row}/{kind}/{seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenes alone")
    parser.add_argument("--rows", nargs="+", metavar="ROW", choices=ROWS, default=list(ROWS), help="these rows alone")
    parser.add_argument("--splits", nargs="+", choices=["random", "disjoint"], default=["random", "disjoint"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fraction", type=float, default=0.1, help="share of each class that is learned from  [0.1]")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep results here, and go on from them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--set", dest="changes", nargs="+", default=[], metavar="NAME=VALUE", help="change settings")
    asked = parser.parse_args()
    scenes = [scene for scene in find(asked.folder) if not asked.only or scene.name in asked.only]
    changes = parse_changes(asked.changes)
    results: dict[str, dict[str, Any]] = {}
    if asked.keep and asked.keep.is_file():
        lines = [json.loads(line) for line in asked.keep.read_text(encoding="utf-8").splitlines()]
        results = {line["key"]: line for line in lines}
    for seed, kind, scene in itertools.product(range(asked.seeds), asked.splits, scenes):
        missing = [name for name in asked.rows if key(scene.name, name, kind, seed) not in results]
        data = divided(scene, kind, asked.fraction, seed) if missing else None
        for name in missing:
            here = key(scene.name, name, kind, seed)
            results[here] = measure(data, name, seed, changes)
            if asked.keep:
                with asked.keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": here, **results[here]}) + "\n")
    names = [scene.name for scene in scenes]
    for kind in asked.splits:
        table(kind, names, asked.rows, results, asked.seeds)
    differences(asked.splits, names, asked.rows, results, asked.seeds)
    if asked.json:
        record.write(asked.json, results)


if __name__ == "__main__":
    main()
