"""Runs that are kept: a variation of the pipeline on a scene is computed once, and a killed benchmark goes on.

A variation is a scene, settings, a seed and perhaps a user's concepts. Every step of it has a RUN of its own, which
begins as a copy of the step's before it: variations that differ in their refinement alone share all the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scenes import Benchmark

STEPS = ("pseudo", "warmup", "refine")
SECTIONS = {
    "pseudo": ("rgb", "pseudo"),  # with the sections inside them, those of the teachers
    "warmup": ("warmup", "classifier", "mambahsi", "s3fn", "aligned"),
    "refine": ("refine",),
}
NO_MATTER = ("cli", "report")  # of the package's folders: code that changes no figure
BINS = 15  # of confidence, for its calibration error


@dataclass(frozen=True)
class Variation:
    """What ``special.label`` is given beside the scene. ``settings`` are dotted names, as for ``--set``."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    concepts: Path | None = None

    def but(self, **changes: Any) -> Variation:
        """This variation with other settings on top, another seed or other concepts."""
        settings = {**self.settings, **changes.pop("settings", {})}
        return Variation(settings, **{"seed": self.seed, "concepts": self.concepts, **changes})


class Runs:
    """The runs and figures in one folder. ``pipeline`` names the settings that every variation begins with."""

    def __init__(self, folder: Path, pipeline: str = "special") -> None:
        self.folder, self.pipeline = folder, pipeline
        self.code = code_hash()

    def accuracy(self, scene: Benchmark, step: str, variation: Variation) -> float:
        """Overall accuracy of the most probable class after ``step``."""
        return float(self.figures(scene, step, variation)["oa"])

    def figures(self, scene: Benchmark, step: str, variation: Variation) -> dict[str, Any]:
        """Return ``oa`` after ``step`` and how sure it is; after ``pseudo`` also ``teachers``, each one's accuracy."""
        path = self._run(scene, step, variation)
        return self.kept(path.with_suffix(".json"), lambda: self._measure(scene, step, variation, path))

    @staticmethod
    def kept(path: Path, make: Callable[[], Any]) -> Any:
        """Return what ``path`` holds; where it is missing, what ``make`` returns, which is then kept there."""
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(json.dumps(made) + "\n", encoding="utf-8")
        os.replace(aside, path)
        return made

    def _measure(self, scene: Benchmark, step: str, variation: Variation, path: Path) -> dict[str, Any]:
        import special

        before = STEPS[: STEPS.index(step)]
        if before:
            self.figures(scene, before[-1], variation)
            if not path.exists():
                aside = path.with_name(f".{path.name}.{os.getpid()}")
                shutil.rmtree(aside, ignore_errors=True)
                shutil.copytree(self._run(scene, before[-1], variation), aside, ignore=shutil.ignore_patterns(".*"))
                os.replace(aside, path)
        started = time.perf_counter()
        run = special.label(
            scene.cube,
            scene.classes,
            scene.wavelengths,
            out=path,
            pipeline=self.pipeline,
            settings=self._settings(variation, step),
            concepts=[variation.concepts] if variation.concepts else [],
            seed=variation.seed,
            until=step,
        )
        probabilities = run.probabilities_of(step)
        figures: dict[str, Any] = {
            "oa": agreement(probabilities, scene, run.classes),
            **confidence_figures(probabilities, _truth(scene, probabilities.shape[:2])),
        }
        if step == "pseudo":  # it leaves what each teacher said
            parts = sorted((run.path / "steps" / "pseudo").glob("part-*.npy"))
            figures["teachers"] = {
                path.stem.removeprefix("part-"): agreement(np.load(path, allow_pickle=False), scene, run.classes)
                for path in parts
            }
        said = f"{scene.name:15} {step:6} seed {variation.seed}  OA {figures['oa']:.3f}"
        print(f"{said}  {time.perf_counter() - started:4.0f} s  {path}", file=sys.stderr, flush=True)
        return figures

    def _settings(self, variation: Variation, step: str) -> dict[str, Any]:
        """The settings of ``variation`` that count up to ``step``; those of later steps stay as they are."""
        before = STEPS[: STEPS.index(step) + 1]
        return {name: value for name, value in variation.settings.items() if step_of(name) in before}

    def _run(self, scene: Benchmark, step: str, variation: Variation) -> Path:
        """Return the RUN of a step, by the content of all that it is made of."""
        from special.settings import load

        before = STEPS[: STEPS.index(step) + 1]
        values = load(self.pipeline, variation.settings).values
        made_of = {
            "code": self.code,
            "scene": scene_hash(scene),
            "settings": {name: value for name, value in values.items() if step_of(name) in before},
            "seed": variation.seed,
            "concepts": variation.concepts and hashlib.sha256(variation.concepts.read_bytes()).hexdigest(),
        }
        return self.folder / scene.name / f"{step}-{digest(made_of)}"


def agreement(probabilities: np.ndarray, scene: Benchmark, classes: list[str]) -> float:
    """Overall accuracy of the most probable class, as ``special.evaluate`` has it, without opening the scene again."""
    from special.report.metrics import evaluate

    labels = np.where(probabilities.sum(axis=-1) > 0, 1 + probabilities.argmax(axis=-1), 0)
    return evaluate(labels, _truth(scene, labels.shape), classes).oa


def confidence_figures(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return how sure the most probable classes are, and how right, over the pixels with a label.

    ``confidence``: mean probability of the most probable class; ``ece``: expected calibration error, the mean distance
    between confidence and accuracy in 15 bins of confidence (Guo et al. 2017, equation 3); ``surest``: accuracy of the
    surer half of the pixels.

    Args:
        probabilities: (rows, cols, K), 0 where the map has nothing, which counts as wrong.
        truth: (rows, cols), 1..K, 0 = no label.
    """
    seen = truth > 0
    confidence = probabilities[seen].max(axis=-1).astype(float)
    right = (probabilities[seen].argmax(axis=-1) + 1 == truth[seen]) & (confidence > 0)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(bins, right - confidence, minlength=BINS))
    surer = np.argsort(-confidence, kind="stable")[: (len(right) + 1) // 2]
    return {
        "confidence": float(confidence.mean()),
        "ece": float(gaps.sum() / len(right)),
        "surest": float(right[surer].mean()),
    }


@cache
def _truth(scene: Benchmark, shape: tuple[int, int]) -> np.ndarray:
    from special.scene.truth import read_truth

    return read_truth(scene.truth, shape)


def step_of(setting: str) -> str:
    """The first step that a setting makes a difference to; "" where it is none of these."""
    from special.settings import RENAMED

    section = RENAMED.get(setting, setting).partition(".")[0]
    return next((step for step in STEPS if section in SECTIONS[step]), "")


def digest(made_of: Any) -> str:
    """Twelve hexadecimal digits that stand for a JSON value."""
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]


@cache
def scene_hash(scene: Benchmark) -> str:
    """Twelve hexadecimal digits that stand for a scene's files: those beside the cube, truth, classes, wavelengths."""
    files = {path for path in scene.cube.parent.iterdir() if path.is_file()}
    files |= {path for path in (scene.truth, scene.classes, scene.wavelengths) if path}
    return digest(sorted([path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files))


def code_hash() -> str:
    """Twelve hexadecimal digits that stand for the package's code and prompts: other code, other figures."""
    import special
    from special.resources import PROMPTS

    root = Path(special.__file__).parent
    files = [path for path in sorted(root.rglob("*.py")) if path.relative_to(root).parts[0] not in NO_MATTER]
    files += [path for path in sorted(PROMPTS.rglob("*")) if path.suffix in (".toml", ".txt")]
    return digest([[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])
