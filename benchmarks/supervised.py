"""Train every classifier on labelled pixels of every scene of a folder and print how well they do on the others.

    python benchmarks/supervised.py FOLDER [--only NAME ...] [--rows ROW ...] [--seeds 3] [--fraction 0.1]
                                    [--splits random disjoint] [--keep FILE] [--set NAME=VALUE ...]

The folder is as for benchmarks/scenes.py. Rows are the classifiers of special, an SVM and a random forest on single
spectra, and what the texts are worth: the class name alone, the descriptions, and the descriptions given to the wrong
classes (where those do as well, the text does nothing); for the aligned encoder also its loss with hard or with
semi-hard negatives alone. All train on the same pixels with settings that are the same for all scenes, and no truth
decides when to stop. Prints a Markdown table per split: OA of each scene, mean over the seeds, and the means over the
scenes. --keep FILE keeps every result in a file as it comes, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from scenes import Benchmark, find

from special.learn.fit import FitSettings, fit
from special.learn.splits import TEST, TRAIN, SplitSettings, split
from special.learn.train import stage_generator
from special.models.classifiers import Vectors
from special.report import metrics
from special.run.steps import CLASSIFIER, recipe
from special.run.texts import Texts
from special.run.work import build_section
from special.scene import Scene, open_scene
from special.scene.truth import read_truth
from special.settings import load, parse_changes
from special.text.classes import ClassList

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


@dataclass(frozen=True)
class Data:
    """A scene with its labels, divided."""

    scene: Scene
    cube: np.ndarray
    classes: ClassList
    truth: np.ndarray
    parts: np.ndarray


def divided(benchmark: Benchmark, kind: str, fraction: float, seed: int) -> Data:
    """Open a scene and divide its labels as ``special fit`` does."""
    scene = open_scene(benchmark.cube, wavelengths=benchmark.wavelengths)
    truth = read_truth(benchmark.truth, (scene.shape[0], scene.shape[1]))
    classes = ClassList.read(benchmark.classes)
    changes = {"split.kind": kind, "split.per_class": 0, "split.fraction": fraction}
    rule = load(changes=changes).build("split", SplitSettings)
    parts = split(truth, scene.valid, classes.names, rule, stage_generator(seed, "split")).parts
    return Data(scene, scene.read(), classes, truth, parts)


def vectors(texts: str, encoder: str, classes: ClassList, seed: int) -> Vectors:
    """What the classes mean; ``shuffled`` gives every class what another one means."""
    meanings = Texts("curated" if texts == "shuffled" else texts, encoder).read(classes)
    labels, anchors = meanings.labels, meanings.anchors
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
    chosen = recipe(lambda section: build_section(settings, section, CLASSIFIER[section]))
    reads = row.pipeline in ("s3fn", "aligned")
    meanings = vectors(row.texts, settings.values["classifier.encoder"], data.classes, seed) if reads else None
    result = fit(
        data.cube,
        data.scene.valid,
        np.eye(len(data.classes), dtype=np.float32)[np.maximum(data.truth - 1, 0)],
        (data.parts == TRAIN).astype(np.float32),
        settings.build("fit", FitSettings),
        chosen.builder(meanings),
        seed=seed,
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


def measure(benchmark: Benchmark, name: str, kind: str, fraction: float, seed: int, changes: dict) -> dict[str, Any]:
    """Train one row on one split of one scene, and look at the test pixels."""
    data = divided(benchmark, kind, fraction, seed)
    row, started = ROWS[name], time.perf_counter()
    labels = classic(data, name, seed) if row is None else learned(data, row, seed, changes)
    seconds = time.perf_counter() - started
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
    parser.add_argument("--set", dest="changes", nargs="+", default=[], metavar="NAME=VALUE", help="change settings")
    asked = parser.parse_args()
    scenes = [scene for scene in find(asked.folder) if not asked.only or scene.name in asked.only]
    changes = parse_changes(asked.changes)
    results: dict[str, dict[str, Any]] = {}
    if asked.keep and asked.keep.is_file():
        lines = [json.loads(line) for line in asked.keep.read_text(encoding="utf-8").splitlines()]
        results = {line["key"]: line for line in lines}
    for kind in asked.splits:
        for seed in range(asked.seeds):
            for scene in scenes:
                for name in asked.rows:
                    here = key(scene.name, name, kind, seed)
                    if here in results:
                        continue
                    results[here] = measure(scene, name, kind, asked.fraction, seed, changes)
                    if asked.keep:
                        with asked.keep.open("a", encoding="utf-8") as file:
                            file.write(json.dumps({"key": here, **results[here]}) + "\n")
        table(kind, [scene.name for scene in scenes], asked.rows, results, asked.seeds)


if __name__ == "__main__":
    main()
