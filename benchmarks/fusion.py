"""What a second teacher brings or costs, by what it is like: simulated ones beside the spectrum-text teacher.

    python benchmarks/fusion.py FOLDER             # scenes with truth, as benchmarks/scenes.py finds them
    python benchmarks/fusion.py --worlds 20        # worlds of benchmarks/worlds.py, the half for development
    python benchmarks/fusion.py --smoke            # a small simulated scene, to see that it works

``simulated_teachers`` says what the teachers are like, and that their mistakes are smooth fields. The first table has
the overall accuracy (OA) of each kind beside that of the first teacher alone, of the second alone, of the better of the
two in each scene, and the least and the largest change of a scene, the mean over ``--seeds``. The second has what the
demands on the fusion are about: useful teachers gain on the mean, useless ones cost hardly anything in any scene.

With ``--until refine`` the classifier learns from what is fused, and there are tables for every step. With ``--three``
a blind teacher, which follows the fields and knows no name, is asked as well. ``--set`` changes a setting of
``[pseudo]``. Truth is opened to make the teachers and to judge, and never fused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import given_teacher
import numpy as np
import record
from simulated_teachers import KINDS, Kind, ground, simulate_teacher

from special.settings import load, parse_changes
from special.teachers.fusion import FusionSettings, fuse, weigh

STEPS = ("pseudo", "warmup", "refine")
SMOKE = (24, 20, 30)
BLIND = Kind("blind", "useless", blind="fields", confidence=0.6)


@dataclass(frozen=True)
class Judged:
    """A scene that has an answer.

    Attributes:
        name: in the tables.
        given: cube, classes and wavelengths, as ``special.label`` takes them.
        alone: what each step has made of the first teacher alone, (rows, cols, K).
        truth: int (rows, cols), from 1; 0 = not labelled.
        valid: bool (rows, cols).
        ground: int (rows, cols), from 0, as ``simulated_teachers.ground`` says.
    """

    name: str
    given: tuple[Any, Any, Any]
    alone: Mapping[str, np.ndarray]
    truth: np.ndarray
    valid: np.ndarray
    ground: np.ndarray

    def accuracy(self, probabilities: np.ndarray) -> float:
        known = self.truth > 0
        return float((probabilities.argmax(axis=-1) + 1 == self.truth)[known].mean())


@dataclass(frozen=True)
class Question:
    """How scenes are labelled: in ``runs``, up to a step, with settings of ``[pseudo]`` and perhaps a blind teacher."""

    runs: Path
    until: str
    settings: Mapping[str, Any]
    three: bool = False

    def label(self, name: str, given: tuple[Any, Any, Any], second: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return what each step makes of a scene, with the first teacher alone, or with what a second one says."""
        import special

        out = self.runs / f"{name.replace(' ', '-')}.special"
        settings: dict[str, Any] = {**self.settings, "pseudo.teachers": ["spectrum-text"]}
        if second is not None:
            np.save(self.runs / "given.npy", second)
            settings["pseudo.teachers"] = ["spectrum-text", "given"]
            settings["pseudo.given.file"] = str(self.runs / "given.npy")
        run = special.label(*given, out=out, settings=settings, offline=True, seed=0, until=self.until)
        return {step: np.array(run.probabilities_of(step)) for step in STEPS[: STEPS.index(self.until) + 1]}

    def judged(self, name: str, given: tuple[Any, Any, Any], spectra: np.ndarray, truth: np.ndarray) -> Judged:
        """Label a scene, spectra (rows, cols, bands), by the first teacher alone."""
        alone = self.label(name, given)
        valid = alone["pseudo"].sum(axis=-1) > 0
        return Judged(name, given, alone, truth, valid, ground(np.nan_to_num(spectra), truth, valid))

    def judge(self, scene: Judged, kind: Kind, seed: int) -> Iterator[dict[str, Any]]:
        """Yield accuracies with a simulated teacher beside the first, after every step."""
        rng = np.random.default_rng([seed, *scene.name.encode(), KINDS.index(kind)])
        first = scene.alone["pseudo"]
        others = [
            simulate_teacher(one, scene.ground, first.shape[-1], first.argmax(axis=-1), scene.valid, rng)
            for one in ([BLIND, kind] if self.three else [kind])
        ]
        parts = [first, *others]
        weights, _ = weigh(parts, scene.valid, load(changes=self.settings).build(FusionSettings))
        made = {"pseudo": fuse(parts, weights)}
        if self.until != "pseudo":
            made = self.label(scene.name, scene.given, others[-1])
        for step, probabilities in made.items():
            yield {
                "step": step,
                "scene": scene.name,
                "kind": kind.name,
                "seed": seed,
                "first": scene.accuracy(scene.alone[step]),
                "second": scene.accuracy(others[-1]),
                "fused": scene.accuracy(probabilities),
                "weights": [round(weight, 4) for weight in weights],
            }


def real(folder: Path, only: Sequence[str], question: Question) -> Iterator[Judged]:
    """The scenes of a folder."""
    from scenes import find

    from special.scene.readers.base import ReadOptions, recognise
    from special.scene.truth import read_truth

    for scene in find(folder):
        if only and scene.name not in only:
            continue
        source = recognise(scene.cube, None).open(scene.cube, ReadOptions())
        rows, cols, bands = source.shape
        spectra = np.asarray(source.read_block(slice(0, rows), slice(0, cols), np.arange(bands)), np.float32)
        truth = read_truth(scene.truth, (rows, cols), classes=_texts(scene.classes))
        yield question.judged(scene.name, (scene.cube, scene.classes, scene.wavelengths), spectra, truth)


def _texts(classes: Path) -> list[Any]:
    from special.classnames.class_list import ClassList

    return [one.texts for one in ClassList.read(classes)]


def worlds(count: int, first: int, libraries: Path | None, question: Question) -> Iterator[Judged]:
    """Worlds of even seeds, which are for development, after the first few."""
    from worlds_of.world import make

    for seed in range(2 * first, 2 * (first + count), 2):
        world = make(seed, libraries)
        given = (world.cube, list(world.names), world.wavelengths)
        yield question.judged(f"world {seed}", given, world.cube, world.truth.astype(int))


def simulated(question: Question) -> Iterator[Judged]:
    """One scene, small and simulated."""
    from special.simulate import simulate, write_scene

    made = simulate(*SMOKE, 3, 0, noise=0.02)
    files = write_scene(question.runs / "simulated", made)
    yield question.judged("simulated", (files.scene, files.classes, files.wavelengths), made.cube, made.truth)


def show(judged: Sequence[dict[str, Any]]) -> None:
    """Print both tables; a scene's change is the mean over the seeds."""
    print("\n| second teacher | demand | first OA | second OA | better OA | fused OA | change | least | most |")
    print("|---|---|---|---|---|---|---|---|---|")
    changes: dict[str, list[dict[str, float]]] = {}
    for kind in KINDS:
        here = [one for one in judged if one["kind"] == kind.name]
        if not here:
            continue
        first, second, fused = (np.array([one[name] for one in here]) for name in ("first", "second", "fused"))
        by_scene = {
            name: float(np.mean([one["fused"] - one["first"] for one in here if one["scene"] == name]))
            for name in dict.fromkeys(one["scene"] for one in here)
        }
        changes.setdefault(kind.use, []).append(by_scene)
        better = np.maximum(first, second).mean()
        cells = [f"{value:.3f}" for value in (first.mean(), second.mean(), better, fused.mean())]
        cells += [f"{value:+.3f}" for value in ((fused - first).mean(), min(by_scene.values()), max(by_scene.values()))]
        print(f"| {kind.name} | {kind.use} | {' | '.join(cells)} |")
    print("\n| demand | mean change | least change of a scene | scenes that lose over 0.03 |\n|---|---|---|---|")
    for use, kinds in changes.items():
        values = [value for by_scene in kinds for value in by_scene.values()]
        lose = sum(value < -0.03 for value in values)
        print(f"| {use} | {np.mean(values):+.3f} | {min(values):+.3f} | {lose} of {len(values)} |")


def kept(changes: Sequence[str], judged: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of every step, scene and kind, means over the seeds, and the settings that gave them."""
    settings = load(changes=parse_changes([f"pseudo.{change}" for change in changes])).of("pseudo")
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in judged:
        groups.setdefault((one["step"], one["scene"], one["kind"]), []).append(one)
    rows = []
    for (step, scene, kind), here in groups.items():
        means = {name: round(float(np.mean([one[name] for one in here])), 4) for name in ("first", "second", "fused")}
        weights = np.mean([one["weights"] for one in here], axis=0).round(3).tolist()
        rows.append({"step": step, "scene": scene, "kind": kind, **means, "weights": weights})
    return {"settings": settings, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="scenes with truth")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these scenes of it alone")
    parser.add_argument("--worlds", type=int, default=0, help="how many worlds; needs the extra 'worlds'")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="leave out the first N worlds  [0]")
    parser.add_argument("--libraries", type=Path, help="as for benchmarks/worlds.py")
    parser.add_argument("--kinds", nargs="+", choices=[kind.name for kind in KINDS], help="these teachers alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the simulated teachers  [0 1 2]")
    parser.add_argument("--three", action="store_true", help="ask a blind teacher as well")
    parser.add_argument("--until", choices=STEPS, default="pseudo", help="the last step that is judged  [pseudo]")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of [pseudo]")
    parser.add_argument("--runs", type=Path, help="keep the runs of the first teacher there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    if not (asked.folder or asked.worlds or asked.smoke):
        parser.error("name a folder of scenes, or --worlds")
    if asked.three and asked.until != "pseudo":
        parser.error("--three is judged after pseudo alone")
    asked.seeds = [0] if asked.smoke else asked.seeds
    judged: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        given_teacher.install(Path(scratch) / "site")
        runs = asked.runs or Path(scratch)
        runs.mkdir(parents=True, exist_ok=True)
        settings = parse_changes([f"pseudo.{change}" for change in asked.set])
        question = Question(runs, asked.until, settings, asked.three)
        scenes: list[Iterator[Judged]] = []
        scenes += [real(asked.folder, asked.only, question)] if asked.folder else []
        scenes += [worlds(asked.worlds, asked.first, asked.libraries, question)] if asked.worlds else []
        scenes += [simulated(question)] if asked.smoke else []
        for scene in (one for each in scenes for one in each):
            for kind in KINDS:
                if asked.kinds is None or kind.name in asked.kinds:
                    judged += [found for seed in asked.seeds for found in question.judge(scene, kind, seed)]
            print(f"{scene.name}: first OA {scene.accuracy(scene.alone[asked.until]):.3f}", file=sys.stderr, flush=True)
    for step in STEPS[: STEPS.index(asked.until) + 1]:
        print(f"\n## {step}")
        show([one for one in judged if one["step"] == step])
    if asked.json:
        record.write(asked.json, kept(asked.set, judged))


if __name__ == "__main__":
    main()
