"""Ask a simulated user about every scene of a folder and print how far the answers carry.

    python benchmarks/answers.py FOLDER [--out RUNS] [--only NAME ...] [--seeds N] [--family NAME NAME ...] ...
                                 [--methods NAME ...] [--json FILE]
    python benchmarks/answers.py --speed [--smoke]

FOLDER is as benchmarks/scenes.py has it. Every scene is labelled by its class names first (the runs in --out are used
again), then questions are asked in rounds of K, the number of classes in the truth, as special ask asks them. The user
knows the truth: of a question he names the class of its pixel; where the truth leaves that one open, he points at the
nearest pixel of the question's area that it does not, and names that; where there is none, he says that he does not
know. Such questions are not answers and cost nothing, since a user in the field would have known; the table says how
many there were. OA, AA and calibration (ECE, ten bins) are of all pixels with a known truth, after 0, 1, 2, 3, 5 and 10
times K answers, of the pseudo-labels that the answers have corrected: what the classifier then learns from.

The first row, "held out", has constants that were chosen for each scene on those of other families alone, from a grid
(benchmarks/answers_of/choice.py); --family names scenes of one place or one campaign. Beside it, with as many labels:
  answers      the constants of the pipeline
  no names     the same method, that knows nothing from names
  10 % wrong   the same method, every tenth answer another class at random; three draws for each seed
  SVM          a support-vector machine (RBF, C = 100) on standardised bands, labels drawn at random from all that are
  SVM, even    the same, as many labels of every class
  MambaHSI     special fit, as many of every class: only with --methods, for it takes an hour
  BT           the SVM, begun with the first K answers of ours; after that the pixel is asked whose two best classes
               are nearest to each other (breaking ties), a quarter of K at once

What is done is kept in --out under a hash of scene, names' map, settings and code: a benchmark that was killed goes on.
--speed measures seconds instead, on scenes that are made; with --smoke on a small one, to see that it works.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import record

sys.path.insert(0, str(Path(__file__).parent))
from answers_of import choice, peers, speed
from answers_of.asking import Asked, Way, asked
from answers_of.cases import BUDGETS, Case, Figures, open_case
from label import FEW_STEPS, SMOKE
from proof.runs import Runs, digest, scene_hash
from scenes import find, label

DRAWS = 3  # of wrong answers, for each seed
RIVALS = ("SVM", "SVM, even", "BT")
METHODS = ("held out", "answers", "no names", "10 % wrong", *RIVALS)
Rows = dict[str, list[Figures]]


class Answers:
    """Figures of scenes, which are kept in ``folder``."""

    def __init__(self, folder: Path, seeds: int, budgets: tuple[int, ...] = BUDGETS) -> None:
        self.folder, self.seeds, self.budgets = folder, seeds, budgets
        self.most_unknown = 0

    def ours(self, case: Case, way: Way, budgets: tuple[int, ...] | None = None) -> Figures:
        """Return the figures of answers that are asked for in one ``way``."""
        wanted = budgets or self.budgets

        def ask() -> dict[str, Any]:
            found = asked(case, way, wanted)
            return {"figures": found.figures, "unknown": found.unknown}

        kept = self._kept(case, "ours", [asdict(way), wanted], ask)
        self.most_unknown = max(self.most_unknown, kept["unknown"])
        return _figures(kept["figures"])

    def rows(self, case: Case, methods: Sequence[str]) -> Rows:
        """Return the figures of ``methods`` with the constants of the pipeline, one entry a seed or draw."""
        seeds = range(self.seeds)
        draws = [(seed, DRAWS * seed + draw) for seed in seeds for draw in range(DRAWS)]
        made: dict[str, Callable[[], list[Figures]]] = {
            "answers": lambda: [self.ours(case, Way(seed)) for seed in seeds],
            "no names": lambda: [self.ours(case, Way(seed, names=False)) for seed in seeds],
            "10 % wrong": lambda: [self.ours(case, Way(seed, wrong=True, draw=draw)) for seed, draw in draws],
            "SVM": lambda: [self._machines(case, seed)["SVM"] for seed in seeds],
            "SVM, even": lambda: [self._machines(case, seed)["SVM, even"] for seed in seeds],
            "BT": lambda: [self._ties(case, seed) for seed in seeds],
            "MambaHSI": lambda: [self._network(case, seed) for seed in seeds],
        }
        return {name: make() for name, make in made.items() if name in methods}

    def _machines(self, case: Case, seed: int) -> dict[str, Figures]:
        kept = self._kept(case, "SVM", [seed], lambda: peers.random_labels(case, seed, self.budgets))
        return {name: _figures(figures) for name, figures in kept.items()}

    def _network(self, case: Case, seed: int) -> Figures:
        return _figures(self._kept(case, "MambaHSI", [seed], lambda: peers.network(case, seed, self.budgets)))

    def _ties(self, case: Case, seed: int) -> Figures:
        def ask() -> Figures:
            first: Asked = asked(case, Way(seed), self.budgets[:2])
            return peers.breaking_ties(case, seed, first.answers[self.budgets[1]], self.budgets)

        return _figures(self._kept(case, "BT", [seed], ask))

    def _kept(self, case: Case, method: str, made_of: Any, make: Callable[[], Any]) -> Any:
        """Return what ``make`` returns, as JSON, from what is kept where nothing that it depends on has changed."""
        content = [method, made_of, list(self.budgets), code(method != "SVM")]
        if case.source is not None:
            content.append(scene_hash(case.source))
        if method in ("ours", "BT"):
            names = np.ascontiguousarray(case.names)
            content += [asdict(case.settings), hashlib.sha256(names.tobytes()).hexdigest()]
        path = self.folder / "kept" / f"{case.name}-{method}-{digest(content)}.json"
        return json.loads(json.dumps(Runs.kept(path, make)))


def code(ours: bool) -> str:
    """A hash of the code that figures depend on: this benchmark's peers, and with ``ours`` that of answers."""
    import special.answers

    parts = Path(__file__).parent / "answers_of"
    files = [parts / "cases.py", parts / "peers.py"]
    if ours:
        files += [parts / "asking.py", *sorted(Path(special.answers.__file__).parent.glob("*.py"))]
    return digest([[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])


def _figures(kept: dict[str, Any]) -> Figures:
    return {int(times): tuple(values) for times, values in kept.items()}


def mean(rows: Iterable[Figures], budgets: tuple[int, ...] = BUDGETS) -> Figures:
    """The mean over seeds or scenes; where a scene has run out of questions, what it had reached."""
    reached = []
    for row in rows:
        whole, last = {}, (0.0, 0.0, 0.0)
        for times in budgets:
            last = row.get(times, last)
            whole[times] = last
        reached.append(whole)
    return {times: tuple(np.mean([row[times] for row in reached], axis=0).tolist()) for times in budgets}


def least_ahead(table: dict[str, dict[str, Figures]], name: str, rival: str) -> tuple[float, str, int]:
    """Return by how much OA the row ``name`` is ahead of ``rival`` where that is least, and the scene and budget."""
    return min(
        (table[name][scene][times][0] - figures[times][0], scene, times)
        for scene, figures in table[rival].items()
        for times in figures
        if times > 0
    )


def show(scene: str, method: str, figures: Figures) -> None:
    """Print a line of the table."""
    cells = [" / ".join(f"{value:.3f}" for value in one) for one in figures.values()]
    print(f"| {scene} | {method} | " + " | ".join(cells) + " |", flush=True)


def tell(table: dict[str, dict[str, Figures]]) -> None:
    """Print the means over the scenes, and where others are nearest to ours or ahead of it."""
    for name, by_scene in table.items():
        show("mean", name, mean(by_scene.values()))
    print()
    for name in ("held out", "answers"):
        for rival in (rival for rival in RIVALS if {name, rival} <= table.keys()):
            ahead, scene, times = least_ahead(table, name, rival)
            print(f"{name}, least ahead of {rival}: {ahead:+.3f} ({scene}, {times} K)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=Path("answers.special"), help="what is kept  [answers.special]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenes alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--family", nargs="+", action="append", default=[], metavar="NAME", help="scenes of one family")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=(*METHODS, "MambaHSI"), metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--speed", action="store_true", help="measure seconds on scenes that are made")
    parser.add_argument("--smoke", action="store_true", help="with --speed: a small scene, few steps")
    given = parser.parse_args()
    if given.speed:
        seconds = told_speed(smoke=given.smoke)
        if given.json:
            record.write(given.json, seconds)
        return
    if given.folder is None:
        parser.error("FOLDER or --speed")
    scenes = [scene for scene in find(given.folder) if not given.only or scene.name in given.only]
    benchmark = Answers(given.out, given.seeds)
    every: dict[str, dict[str, list[Figures]]] = {}
    print("| scene | method | " + " | ".join(f"{times} K" for times in BUDGETS) + " |")
    print("|---|---|" + "---|" * len(BUDGETS), flush=True)
    cases: dict[str, Case] = {}
    for scene in scenes:
        run = given.out / f"{scene.name}.special"
        if not (run / "steps" / "pseudo").is_dir():
            label(scene, run, ["--until", "pseudo"])
        benchmark.most_unknown, cases[scene.name] = 0, open_case(scene, run)
        for name, rows in benchmark.rows(cases[scene.name], given.methods).items():
            every.setdefault(name, {})[scene.name] = rows
            show(scene.name, name, mean(rows))
        unknown = benchmark.most_unknown
        print(f"| {scene.name} | questions without an answer, at most | {unknown} |" + " |" * (len(BUDGETS) - 1))
    choices = {}
    if "held out" in given.methods:
        choices = choice.chosen(
            list(cases), given.family, lambda name, way: benchmark.ours(cases[name], way, choice.BUDGETS)
        )
    for name, changes in choices.items():
        held = [benchmark.ours(cases[name], Way(seed, changes=changes)) for seed in range(given.seeds)]
        every.setdefault("held out", {})[name] = held
        show(name, "held out: " + (", ".join(f"{key} {value}" for key, value in changes) or "as they are"), mean(held))
    table = {name: {scene: mean(rows) for scene, rows in by_scene.items()} for name, by_scene in every.items()}
    tell(table)
    if given.json:
        record.write(given.json, {"chosen": {name: dict(one) for name, one in choices.items()}, "methods": every})


def told_speed(*, smoke: bool) -> list[dict[str, Any]]:
    """Print the table of seconds, and return it."""
    rows = []
    sizes, options = ([(*SMOKE, 3)], FEW_STEPS) if smoke else (speed.SIZES, [])
    print("| rows x columns x bands | what | CPU s | clock s |\n|---|---|---|---|")
    for size in sizes:
        seconds = speed.measured(*size)
        with tempfile.TemporaryDirectory() as folder:
            seconds["whole corrected map"] = speed.mapped(Path(folder), *size, options)
        for what, (processor, clock) in seconds.items():
            print(f"| {' x '.join(map(str, size[:3]))} | {what} | {processor:.1f} | {clock:.1f} |", flush=True)
            rows.append({"size": size[:3], "what": what, "cpu_s": processor, "clock_s": clock})
    return rows


if __name__ == "__main__":
    main()
