"""How good the maps are, what each part adds, and how much of it is luck: Markdown tables over a folder of scenes.

    python benchmarks/accuracy.py FOLDER [--libraries LIBRARIES] [--only SECTION ...] [--seeds 0 1 2]
                                         [--family NAME NAME ...] ...

FOLDER is laid out as for ``benchmarks/scenes.py``. The sections:

``teachers``   the nearest spectrum of two libraries (with --libraries), a support-vector machine that is given 1, 5 and
               10 labels per class, each teacher alone, the fused pseudo-labels, warmup and refinement
``confidence`` what the map says of itself: mean confidence beside accuracy, and how far the two are apart
``ablations``  the map without this or that part
``tables``     the pseudo-labels with concept tables whose spectra err, each given as a user would: --concepts FILE
``changes``    the pseudo-labels of the scenes as other sensors and other frames would have them
``loso``       leave one out: what a scene gets from constants chosen on the other scenes alone, without any of its
               own family (--family: scenes of one place or one sensor's campaign, which share what was learned on one)
``draws``      the pseudo-labels with all constants of the teachers drawn at random among the values that loso tries:
               what it is worth that they were chosen; and the same question as loso's, with the draws as candidates

Figures are overall accuracy (OA), mean ± standard deviation where there are several seeds or tables. Truth is opened
after the maps are made. What is done is kept in --out under a hash of scene, settings, seed, concepts and code, so that
a benchmark that was killed goes on, and one after a change of the code begins anew. ``--until pseudo`` takes minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line has it; read when torch is first imported

import numpy as np
import record
from proof import peers, perturb
from proof.changes import CHANGES, changed, three_bands
from proof.runs import STEPS, Runs, Variation, digest, scene_hash, step_of
from proof.settings import ABLATIONS, CONSTANTS, Ablation, draws, search
from scenes import Benchmark, find

TITLES = {"pseudo": "pseudo-labels", "warmup": "warmup", "refine": "refine"}
LABELS = (1, 5, 10)  # per class, for the support-vector machine
SVM_SEEDS = range(5)


class Accuracy:
    """The sections. ``base`` is what every run is given, ``until`` the last step that is looked at."""

    def __init__(
        self,
        scenes: list[Benchmark],
        runs: Runs,
        base: Variation,
        seeds: Sequence[int],
        until: str = STEPS[-1],
        families: Sequence[Sequence[str]] = (),
    ) -> None:
        self.scenes, self.runs, self.base, self.seeds = scenes, runs, base, seeds
        self.family = {name: frozenset(family) for family in families for name in family}
        self.steps = STEPS[: STEPS.index(until) + 1]
        self.figures: dict[str, Any] = {}

    def over_seeds(self, scene: Benchmark, step: str, variation: Variation) -> list[float]:
        return [self.runs.accuracy(scene, step, variation.but(seed=seed)) for seed in self.seeds]

    def alone(self, scene: Benchmark) -> dict[str, list[float]]:
        """Accuracy of each teacher by itself, over the seeds."""
        found = [self.runs.figures(scene, "pseudo", self.base.but(seed=seed))["teachers"] for seed in self.seeds]
        return {f"{name} alone": [figures[name] for figures in found] for name in found[0]}

    def teachers(self, libraries: Path | None) -> None:
        """Peers, teachers and steps, scene by scene."""
        alone = [self.alone(scene) for scene in self.scenes]
        names = list(dict.fromkeys(name for found in alone for name in found))  # one may need bands that a scene lacks
        rows: dict[str, dict[str, list[float]]] = {}
        for scene, found in zip(self.scenes, alone, strict=True):
            row = self.peers(scene, libraries) | {name: found.get(name, []) for name in names}
            row |= {TITLES[step]: self.over_seeds(scene, step, self.base) for step in self.steps}
            if not rows:
                head("scene", *row)
            rows[scene.name] = row
            line(scene.name, *map(cell, row.values()))
        columns = [[row[title] for row in rows.values() if row[title]] for title in next(iter(rows.values()))]
        line("mean", *(cell(over_scenes(column)) for column in columns))
        self.figures["teachers"] = rows

    def peers(self, scene: Benchmark, libraries: Path | None) -> dict[str, list[float]]:
        """Accuracy of the nearest spectrum and of the machine that has labels."""
        made_of = [scene_hash(scene), Path(peers.__file__).read_text(encoding="utf-8"), str(libraries)]
        made = self.runs.folder / scene.name / f"peers-{digest(made_of)}.json"
        return dict(self.runs.kept(made, lambda: peers.accuracies(scene, libraries, LABELS, SVM_SEEDS)))

    def confidence(self) -> None:
        """How sure the map is, and how right."""
        kinds = {
            "OA": "oa",
            "mean confidence": "confidence",
            "calibration error": "ece",
            "OA of the surer half": "surest",
        }
        head("scene", *kinds)
        rows: dict[str, dict[str, list[float]]] = {}
        for scene in self.scenes:
            found = [self.runs.figures(scene, self.steps[-1], self.base.but(seed=seed)) for seed in self.seeds]
            rows[scene.name] = {title: [figures[key] for figures in found] for title, key in kinds.items()}
            line(scene.name, *map(cell, rows[scene.name].values()))
        line("mean", *(cell(over_scenes([row[title] for row in rows.values()])) for title in kinds))
        self.figures["confidence"] = rows

    def ablations(self) -> None:
        """The map without this or that part, and what that costs."""
        clip = any(len(self.alone(scene)) > 1 for scene in self.scenes)
        tried = {"nothing": Ablation()} | {
            name: what
            for name, what in ABLATIONS.items()
            if (clip or not what.clip) and all(step_of(setting) in self.steps for setting in what.settings)
        }
        *before, last = self.steps
        head("switched off", *(scene.name for scene in self.scenes), "mean", "change", *(f"{s} mean" for s in before))
        rows: dict[str, dict[str, list[list[float]]]] = {}
        for name, what in tried.items():
            variation = self.base.but(settings=what.settings)
            scenes = [self.colours(scene) for scene in self.scenes] if what.three_bands else self.scenes
            row = {step: [self.over_seeds(scene, step, variation) for scene in scenes] for step in self.steps}
            rows[name] = row
            mean = over_scenes(row[last])
            change = np.mean(mean) - np.mean(over_scenes(rows["nothing"][last]))
            line(
                name,
                *map(cell, row[last]),
                cell(mean),
                f"{change:+.3f}",
                *(cell(over_scenes(row[step])) for step in before),
            )
        self.figures["ablations"] = rows

    def colours(self, scene: Benchmark) -> Benchmark:
        from special.settings import load

        values = load(self.runs.pipeline, self.base.settings).values
        at = [values[f"rgb.{colour}_nm"] for colour in ("red", "green", "blue")]
        return three_bands(scene, at, self.runs.folder / "three-bands" / scene.name)

    def erring(self, count: int) -> list[Variation]:
        """The base with each of ``count`` concept tables that err."""
        from special.resources import PROMPTS

        made = self.runs.folder / "tables"
        made.mkdir(parents=True, exist_ok=True)
        variations = []
        for seed in range(count):
            text = perturb.perturbed(PROMPTS / "concepts.toml", seed)
            path = made / f"concepts-{digest(text)}.toml"
            path.write_text(text, encoding="utf-8")
            variations.append(self.base.but(concepts=path, seed=self.seeds[0]))
        return variations

    def tables(self, count: int) -> None:
        """The pseudo-labels with concept tables that err."""
        variations = self.erring(count)
        head("scene", "table as it is", f"mean of {count}", "standard deviation", "least")
        rows: dict[str, list[float]] = {}
        plain = []
        for scene in self.scenes:
            plain.append(self.runs.accuracy(scene, "pseudo", self.base.but(seed=self.seeds[0])))
            rows[scene.name] = [self.runs.accuracy(scene, "pseudo", variation) for variation in variations]
            line(scene.name, *spread(plain[-1], rows[scene.name]))
        line("mean", *spread(float(np.mean(plain)), over_scenes(list(rows.values()))))
        self.figures["tables"] = {"plain": plain, "perturbed": rows}

    def changes(self) -> None:
        """The pseudo-labels of scenes that are changed in what should not matter, or not much."""
        head("change", *(scene.name for scene in self.scenes), "mean", "without it")
        rows: dict[str, list[float]] = {}
        plain = [self.runs.accuracy(scene, "pseudo", self.base.but(seed=self.seeds[0])) for scene in self.scenes]
        for number, change in enumerate(CHANGES):
            row = []
            for scene in self.scenes:
                other = changed(scene, change, self.runs.folder / "changes" / str(number) / scene.name)
                row.append(self.runs.accuracy(other, "pseudo", self.base.but(seed=self.seeds[0])))
            rows[change] = row
            line(change, *(f"{oa:.3f}" for oa in (*row, float(np.mean(row)), float(np.mean(plain)))))
        every = np.array(list(rows.values()))
        line("mean", *(f"{oa:.3f}" for oa in (*every.mean(axis=0), every.mean(), float(np.mean(plain)))))
        self.figures["changes"] = {"plain": plain, "changed": rows}

    def loso(self, tables: int = 0) -> None:
        """What a scene gets from constants that were chosen on the scenes of other families.

        Constants of the learning are judged with the teachers as they are, so that scenes share most of the runs.
        """
        from special.settings import load

        defaults = load(self.runs.pipeline, self.base.settings).values
        pseudo = {name: values for name, values in CONSTANTS.items() if step_of(name) == "pseudo"}
        learning = {name: values for name, values in CONSTANTS.items() if step_of(name) in self.steps[1:]}
        shown = list(dict.fromkeys(("pseudo", self.steps[-1])))
        titles = [TITLES[step] for step in shown]
        head("held out", *titles, f"{titles[-1]} as tuned", "what the others chose, where not the default")
        rows: dict[str, dict[str, Any]] = {}
        for held in self.scenes:
            family = self.family.get(held.name, {held.name})
            others = [scene for scene in self.scenes if scene.name not in family]
            chosen = search(pseudo, defaults, self.judge(others, "pseudo", tables))
            chosen |= search(learning, defaults, self.judge(others, self.steps[-1]))
            row = {step: self.over_seeds(held, step, self.base.but(settings=chosen)) for step in shown}
            row["tuned"] = self.over_seeds(held, self.steps[-1], self.base)
            rows[held.name] = {**row, "chosen": chosen}
            said = ", ".join(f"{name} = {value}" for name, value in chosen.items())
            line(held.name, *map(cell, row.values()), said or "the default")
        line("mean", *(cell(over_scenes([row[column] for row in rows.values()])) for column in [*shown, "tuned"]), "")
        self.figures["loso"] = rows

    def draws(self, count: int) -> None:
        """What constants are worth: all drawn at random, and a scene with the draw that others do best with."""
        from special.settings import load

        defaults = load(self.runs.pipeline, self.base.settings).values
        pseudo = {name: values for name, values in CONSTANTS.items() if step_of(name) == "pseudo"}
        drawn = draws(pseudo, defaults, count)
        head("constants", *(scene.name for scene in self.scenes), "mean")
        rows: list[list[float]] = []
        for number, settings in enumerate([{}, *drawn]):
            variation = self.base.but(seed=self.seeds[0], settings=settings)
            rows.append([self.runs.accuracy(scene, "pseudo", variation) for scene in self.scenes])
            line(
                f"draw {number}" if number else "default", *(f"{oa:.3f}" for oa in rows[-1]), f"{np.mean(rows[-1]):.3f}"
            )
        accuracies = np.array(rows)
        line("mean of draws", *(f"{oa:.3f}" for oa in accuracies[1:].mean(axis=0)), cell(accuracies[1:].mean(axis=1)))
        chosen = []
        for held in self.scenes:
            family = self.family.get(held.name, {held.name})
            others = [i for i, scene in enumerate(self.scenes) if scene.name not in family]
            chosen.append(int(accuracies[:, others].mean(axis=1).argmax()))
        found = accuracies[chosen, range(len(self.scenes))]
        line("chosen on other families", *(f"{oa:.3f}" for oa in found), f"{found.mean():.3f}")
        self.figures["draws"] = {"settings": drawn, "accuracy": accuracies.tolist(), "chosen": chosen}

    def judge(self, scenes: list[Benchmark], step: str, tables: int = 0) -> Callable[[dict[str, Any]], float]:
        """Return the judge of settings: mean accuracy over ``scenes``, and over tables that err, of the first seed."""
        bases = [self.base.but(seed=self.seeds[0]), *self.erring(tables)]

        def mean(settings: dict[str, Any]) -> float:
            variations = [base.but(settings=settings) for base in bases]
            return float(np.mean([self.runs.accuracy(scene, step, v) for v in variations for scene in scenes]))

        return mean


def head(*columns: str) -> None:
    """Begin a table."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def line(*cells: str) -> None:
    """Print one row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def cell(values: Sequence[float]) -> str:
    """Mean ± standard deviation; of one value, the value; of none, a dash."""
    if not len(values):
        return "-"
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def spread(plain: float, values: Sequence[float]) -> tuple[str, ...]:
    """Cells for one value, then mean, standard deviation and least of others."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{plain:.3f}", f"{np.mean(values):.3f}", f"{deviation:.3f}", f"{min(values):.3f}"


def over_scenes(rows: Sequence[Sequence[float]]) -> list[float]:
    """The mean over scenes, for every seed or table: its spread is that of the mean."""
    return [float(value) for value in np.mean(rows, axis=0)]


def main() -> None:
    sections = ("teachers", "confidence", "ablations", "tables", "changes", "loso", "draws")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("accuracy.special"), help="what is kept  [accuracy.special]")
    parser.add_argument("--libraries", type=Path, help="folder of roberts2017_urban and klum, for the nearest spectrum")
    parser.add_argument("--only", nargs="+", choices=sections, default=sections, help="these sections alone")
    parser.add_argument("--scenes", nargs="+", metavar="NAME", help="these scenes alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the runs  [0 1 2]")
    parser.add_argument("--tables", type=int, default=10, metavar="N", help="how many concept tables err  [10]")
    parser.add_argument("--draws", type=int, default=10, metavar="N", help="draws of all constants  [10]")
    parser.add_argument("--judges", type=int, default=0, metavar="N", help="... that loso judges teachers by too  [0]")
    parser.add_argument(
        "--family",
        nargs="+",
        action="append",
        default=[],
        metavar="NAME",
        help="scenes that are held out together; any number of times  [every scene alone]",
    )
    parser.add_argument("--until", choices=STEPS, default=STEPS[-1], help="look at no step after this  [refine]")
    parser.add_argument("--clip", default="none", help="image-text model, as for special label  [none]")
    parser.add_argument("--pipeline", default="special", help="settings of every run  [special]")
    parser.add_argument("--set", action="append", default=[], metavar="STEP.KEY=VALUE", help="change a setting")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    asked = parser.parse_args()
    from special.errors import SpecialError
    from special.settings import load, parse_changes

    every = find(asked.folder)
    if strangers := {name for family in asked.family for name in family} - {scene.name for scene in every}:
        sys.exit(f"accuracy.py: --family: no scene {', '.join(sorted(strangers))} in {asked.folder}")
    scenes = [scene for scene in every if not asked.scenes or scene.name in asked.scenes]
    try:
        settings = load(asked.pipeline, {**parse_changes(asked.set), "pseudo.image_text.clip": asked.clip})
        for what in ABLATIONS.values():
            settings.override(what.settings)
        for name, values in CONSTANTS.items():
            for value in values:
                settings.override({name: value})
        base = Variation({**parse_changes(asked.set), "pseudo.image_text.clip": asked.clip})
        accuracy = Accuracy(scenes, Runs(asked.out, asked.pipeline), base, asked.seeds, asked.until, asked.family)
        calls: dict[str, Callable[[], None]] = {
            "teachers": lambda: accuracy.teachers(asked.libraries),
            "confidence": accuracy.confidence,
            "ablations": accuracy.ablations,
            "tables": lambda: accuracy.tables(asked.tables),
            "changes": accuracy.changes,
            "loso": lambda: accuracy.loso(asked.judges),
            "draws": lambda: accuracy.draws(asked.draws),
        }
        for name in sections:
            if name in asked.only:
                calls[name]()
                if asked.json:
                    record.write(asked.json, accuracy.figures)
    except SpecialError as error:
        sys.exit(f"accuracy.py: {error}")


if __name__ == "__main__":
    main()
