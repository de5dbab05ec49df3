"""What a second teacher brings or costs, by what it is like: simulated ones beside the spectrum-text teacher.

    python benchmarks/fusion.py FOLDER             # scenes with truth, as benchmarks/scenes.py finds them
    python benchmarks/fusion.py --worlds 6         # simulated scenes, which need no data
    python benchmarks/fusion.py --smoke            # a small one, to see that it works

``simulated_teachers`` says what the teachers are like, and that their mistakes are smooth fields. The first table has
the overall accuracy (OA) of each kind beside that of the first teacher alone, of the second alone, of the better of the
two in each scene, and the least and the largest change of a single scene. The second has what the demands on the fusion
are about: useful teachers gain on the mean, useless ones cost hardly anything in any scene. With ``--three`` a
blind teacher, which follows the fields and knows no name, is asked as well. ``--seed`` draws other teachers.
Truth is opened to make the teachers and to judge, and never fused.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import record
from simulated_teachers import KINDS, Kind, ground, simulate_teacher

from special.settings import load
from special.teachers.fusion import FusionSettings, fuse, weigh

WORLD = (96, 80, 60)
SMOKE = (24, 20, 30)
CLASSES = 9
BLIND = Kind("blind", "useless", blind="fields", confidence=0.6)


@dataclass(frozen=True)
class Judged:
    """A scene that has an answer: the first teacher's (rows, cols, K), the truth from 1, what is valid, the ground."""

    name: str
    first: np.ndarray
    truth: np.ndarray
    valid: np.ndarray
    ground: np.ndarray

    def accuracy(self, probabilities: np.ndarray) -> float:
        known = self.truth > 0
        return float((probabilities.argmax(axis=-1) + 1 == self.truth)[known].mean())


def real(folder: Path, runs: Path) -> Iterator[Judged]:
    """The scenes of a folder."""
    from scenes import find

    for scene in find(folder):
        yield _judged(scene.name, scene.cube, scene.classes, scene.wavelengths, scene.truth, runs)


def simulated(count: int, size: tuple[int, int, int], runs: Path) -> Iterator[Judged]:
    """Simulated scenes, of seeds 0, 1, ..., with more noise the later they come."""
    from special.simulate import simulate, write_scene

    for seed in range(count):
        made = simulate(*size, CLASSES if size == WORLD else 3, seed, noise=0.02 * (1 + seed % 4))
        files = write_scene(runs / f"world-{seed}", made)
        yield _judged(f"world {seed}", files.scene, files.classes, files.wavelengths, files.truth, runs)


def _judged(name: str, cube: Path, classes: Path, wavelengths: Path | None, truth: Path, runs: Path) -> Judged:
    """Label a scene by the spectrum-text teacher alone, and read what is needed to judge."""
    import special
    from special.scene.readers.base import ReadOptions, recognise
    from special.scene.truth import read_truth

    out = runs / f"{name.replace(' ', '-')}.special"
    run = special.label(cube, classes, wavelengths, out=out, clip="none", offline=True, until="pseudo")
    first = np.load(out / "steps" / "pseudo" / "probabilities.npy")
    known = read_truth(truth, first.shape[:2], classes=[one.texts for one in run.request.classes])
    source = recognise(cube, None).open(cube, ReadOptions())
    rows, cols, bands = source.shape
    spectra = np.nan_to_num(np.asarray(source.read_block(slice(0, rows), slice(0, cols), np.arange(bands)), np.float32))
    valid = first.sum(axis=-1) > 0
    return Judged(name, first, known, valid, ground(spectra, known, valid))


def judge(scene: Judged, kind: Kind, seed: int, settings: FusionSettings, three: bool) -> dict[str, Any]:
    """Fuse a simulated teacher with the first one; return accuracies and weights."""
    rng = np.random.default_rng([seed, *scene.name.encode(), KINDS.index(kind)])
    count, labels = scene.first.shape[-1], scene.first.argmax(axis=-1)
    kinds = [BLIND, kind] if three else [kind]
    others = [simulate_teacher(one, scene.ground, count, labels, scene.valid, rng) for one in kinds]
    parts = [scene.first, *others]
    weights, _ = weigh(parts, scene.valid, settings)
    return {
        "scene": scene.name,
        "kind": kind.name,
        "seed": seed,
        "first": scene.accuracy(scene.first),
        "second": scene.accuracy(others[-1]),
        "fused": scene.accuracy(fuse(parts, weights)),
        "weights": [round(weight, 4) for weight in weights],
    }


def show(judged: Sequence[dict[str, Any]]) -> None:
    """Print both tables; a scene's change is the mean over the seeds."""
    print("\n| second teacher | demand | first OA | second OA | better OA | fused OA | change | least | most |")
    print("|---|---|---|---|---|---|---|---|---|")
    changes: dict[str, list[dict[str, float]]] = {}
    for kind in KINDS:
        here = [one for one in judged if one["kind"] == kind.name]
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
    print("\n| demand | mean change | least change of a scene |\n|---|---|---|")
    for use, kinds in changes.items():
        values = [value for by_scene in kinds for value in by_scene.values()]
        print(f"| {use} | {np.mean(values):+.3f} | {min(values):+.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="scenes with truth")
    parser.add_argument("--worlds", type=int, default=0, help="how many simulated scenes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the simulated teachers")
    parser.add_argument("--three", action="store_true", help="ask a blind teacher as well")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of [pseudo]")
    parser.add_argument("--runs", type=Path, help="keep the first teacher's runs there")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    if asked.smoke:
        asked.worlds, asked.seeds = 1, [0]
    if not asked.folder and not asked.worlds:
        parser.error("name a folder of scenes, or --worlds")
    changes = {f"pseudo.{name}": float(value) for name, _, value in (one.partition("=") for one in asked.set)}
    settings = load(changes=changes).build(FusionSettings)
    judged = []
    with tempfile.TemporaryDirectory() as scratch:
        runs = asked.runs or Path(scratch)
        scenes = list(real(asked.folder, runs)) if asked.folder else []
        scenes += simulated(asked.worlds, SMOKE if asked.smoke else WORLD, runs)
        for scene in scenes:
            for seed in asked.seeds:
                judged += [judge(scene, kind, seed, settings, asked.three) for kind in KINDS]
    show(judged)
    if asked.json:
        record.write(asked.json, judged)


if __name__ == "__main__":
    main()
