"""How good the maps are on simulated scenes that nobody tuned for, and which difference between them hurts.

    pip install -e ".[worlds]"
    python benchmarks/worlds.py [--half development] [--count 100] [--until pseudo] [--processes 2] [--json FILE]

A world is a scene, its class list and its truth, drawn from a seed: sensor, landscape, real spectra with their
spread, mixed edges, shade, moisture and season, what was done to the numbers, and names as people write them. Even
seeds are for development; odd ones are held out, made of the spectra of earthlib, which nothing else in the project may
look at, and are looked at when a change is ready. ``--libraries`` names the folder of ``roberts2017_urban`` and
``klum``, of which development worlds are made beside USGS minerals and PROSAIL canopies.

Prints mean overall accuracy (OA), that of the worst tenth, average accuracy (AA), mean confidence and expected
calibration error, over all pixels and per scene; then for every factor and level the mean OA, and the effect of the
level with all else equal (least squares, ± standard error); and which materials are found least. Truth is opened after
the maps are made. What is done is kept in --out under a hash of world, settings and code.

``--before`` names the --json of an earlier run and prints what has changed since, world by world: a mean change of
twice its standard error is no luck. With ``--fix numbers=offset`` all worlds have that level: beside the figures of
``--fix numbers=fraction`` it tells what an offset costs on the very same ground. ``--oracle`` judges a support-vector
machine with five labels per class instead: whether the worlds can be solved.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line has it; read when torch is first imported

import numpy as np
import record
from proof.runs import STEPS
from worlds_of.draw import FACTORS
from worlds_of.effects import main_effects
from worlds_of.judge import Question, calibration_error
from worlds_of.libraries import read
from worlds_of.pools import HALVES

WORST = 0.1  # share of the worlds
OFTEN, LEAST = 3, 15  # worlds that a material is in, to be told of; how many materials are
SAME = 0.01  # of OA: less is no change
NEEDED = {"development": ("prosail", "roberts"), "held-out": ("earthlib",)}  # one of these, or there is no world


def seeds(half: str, count: int, first: int = 0) -> list[int]:
    """The seeds of ``count`` worlds of one half."""
    return [2 * (first + number) + HALVES.index(half) for number in range(count)]


def judged(question: Question, chosen: Sequence[int], processes: int) -> list[dict[str, Any]]:
    """Return the figures of the worlds, in order."""
    if processes == 1:
        return [question.figures(seed) for seed in chosen]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(question.figures, chosen))


def summary(worlds: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The figures of one half in a line of the first table."""
    accuracies = sorted(world["oa"] for world in worlds)
    worst = accuracies[: max(1, round(WORST * len(accuracies)))]
    return {
        "OA": float(np.mean(accuracies)),
        "worst 10 %": float(np.mean(worst)),
        "AA": float(np.mean([world["aa"] for world in worlds])),
        "largest class": float(np.mean([world["largest"] for world in worlds])),
        "confidence": float(np.mean([world["confidence"] for world in worlds])),
        "ECE, all pixels": calibration_error(np.sum([world["bins"] for world in worlds], axis=0)),
        "ECE, mean of scenes": float(np.mean([world["ece"] for world in worlds])),
        "seconds a world": float(np.mean([world["seconds"] for world in worlds])),
    }


def tables(worlds: dict[str, list[dict[str, Any]]]) -> None:
    """Print how good the maps of each half are, then what each factor is worth."""
    rows = {half: summary(found) for half, found in worlds.items()}
    head("half", "worlds", *next(iter(rows.values())))
    for half, row in rows.items():
        line(half, str(len(worlds[half])), *(f"{value:.3f}" for value in row.values()))
    steps(worlds)
    for half, found in worlds.items():
        refused = [world for world in found if world["refused"]]
        for world in refused:
            print(f"\nworld {world['seed']} has no map: {world['refused']}")
        print(f"\n{half}: the worst are worlds " + ", ".join(str(world["seed"]) for world in worst_of(found)))
    effects("OA", {half: [world["oa"] for world in found] for half, found in worlds.items()}, worlds)
    for half, found in worlds.items():
        recalls = recall_by_material(found)
        if recalls:
            print(f"\n{half}: found least, with mean recall and number of worlds: ", end="")
            print(", ".join(f"{material} {recall:.2f} ({count})" for material, recall, count in recalls[:LEAST]))


def steps(worlds: dict[str, list[dict[str, Any]]]) -> None:
    """Print what every step adds to the one before it, where there are several."""
    for half, found in worlds.items():
        names = list(found[0]["steps"])
        if len(names) < 2:
            continue
        accuracies = np.array([[world["steps"][name]["oa"] for name in names] for world in found])
        head(f"{half}: step", "OA", "added", "standard error", "better", "worse", "ECE, all pixels")
        for i, name in enumerate(names):
            ece = calibration_error(np.sum([world["steps"][name]["bins"] for world in found], axis=0))
            change = accuracies[:, i] - accuracies[:, max(0, i - 1)]
            error = change.std(ddof=1) / np.sqrt(len(change)) if len(change) > 1 else float("nan")
            added = [f"{change.mean():+.3f}", f"{error:.3f}", str((change > SAME).sum()), str((change < -SAME).sum())]
            line(name, f"{accuracies[:, i].mean():.3f}", *(added if i else ["-"] * 4), f"{ece:.3f}")


def recall_by_material(worlds: Sequence[dict[str, Any]]) -> list[tuple[str, float, int]]:
    """Return material, mean recall and number of worlds, the least found first; of those in ``OFTEN`` worlds."""
    recalls: dict[str, list[float]] = {}
    for world in worlds:
        for material, recall in zip(world["materials"], world["recalls"], strict=True):
            if recall is not None:
                recalls.setdefault(material, []).append(recall)
    found = [(name, float(np.mean(each)), len(each)) for name, each in recalls.items() if len(each) >= OFTEN]
    return sorted(found, key=lambda row: row[1])


def effects(title: str, values: dict[str, list[float]], worlds: dict[str, list[dict[str, Any]]]) -> None:
    """Print the mean of each level and its effect, for each half."""
    found = {
        half: main_effects([world["levels"] for world in worlds[half]], values[half]) for half in worlds if worlds[half]
    }
    columns = [f"{half}: {what}" for half in found for what in ("worlds", title, "effect")]
    head("factor", "level", *columns)
    for factor, choices in FACTORS.items():
        for level in dict.fromkeys(choices):
            cells = []
            for half in found:
                here = found[half][factor].get(level)
                effect = f"{here.effect:+.3f} ± {here.error:.3f}" if here else "-"
                cells += [str(here.worlds), f"{here.mean:.3f}", effect] if here else ["0", "-", effect]
            line(factor, level, *cells)


def changes(
    before: dict[str, list[dict[str, Any]]], worlds: dict[str, list[dict[str, Any]]], fixed: bool = False
) -> None:
    """Print how much better the same worlds are mapped than ``before``, the figures of an earlier --json.

    Worlds are the same if their bits are; where a factor was ``fixed``, if their seeds are.
    """
    key = itemgetter("seed" if fixed else "hash")
    head("half", "worlds in both", "OA before", "OA now", "change", "standard error", "better", "worse")
    differences: dict[str, list[float]] = {}
    common: dict[str, list[dict[str, Any]]] = {}
    for half, found in worlds.items():
        earlier = {key(world): world["oa"] for world in before.get(half, [])}
        common[half] = [world for world in found if key(world) in earlier]
        if not common[half]:
            continue
        then = np.array([earlier[key(world)] for world in common[half]])
        now = np.array([world["oa"] for world in common[half]])
        change = now - then
        differences[half] = change.tolist()
        error = change.std(ddof=1) / np.sqrt(len(change)) if len(change) > 1 else float("nan")
        figures = (f"{then.mean():.3f}", f"{now.mean():.3f}", f"{change.mean():+.3f}", f"{error:.3f}")
        line(half, str(len(change)), *figures, str((change > SAME).sum()), str((change < -SAME).sum()))
    if differences:
        effects("change", differences, {half: common[half] for half in differences})


def worst_of(worlds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The worst tenth, the worst first."""
    return sorted(worlds, key=lambda world: world["oa"])[: max(1, round(WORST * len(worlds)))]


def oracle(worlds: dict[str, list[dict[str, Any]]]) -> None:
    """Print what a machine with labels gets."""
    head("half", "worlds", "SVM, 5 labels per class", "worst 10 %")
    for half, found in worlds.items():
        values = sorted(world["oracle"] for world in found)
        worst = values[: max(1, round(WORST * len(values)))]
        line(half, str(len(values)), f"{np.mean(values):.3f}", f"{np.mean(worst):.3f}")
    effects("SVM", {half: [world["oracle"] for world in found] for half, found in worlds.items()}, worlds)


def head(*columns: str) -> None:
    """Begin a table."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def line(*cells: str) -> None:
    """Print one row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=[*HALVES, "both"], default="development", help="  [development]")
    parser.add_argument("--count", type=int, default=100, help="worlds of each half  [100]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="leave out the first N of each half  [0]")
    parser.add_argument("--until", choices=STEPS, default="pseudo", help="judge the map of this step  [pseudo]")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="worlds at a time  [1]")
    parser.add_argument("--out", type=Path, default=Path("worlds.special"), help="what is kept  [worlds.special]")
    parser.add_argument("--libraries", type=Path, help="folder of roberts2017_urban and klum")
    parser.add_argument("--clip", default="none", help="image-text model, as for special label  [none]")
    parser.add_argument("--pipeline", default="special", help="settings of every run  [special]")
    parser.add_argument("--set", action="append", default=[], metavar="STEP.KEY=VALUE", help="change a setting")
    parser.add_argument("--fix", action="append", default=[], metavar="FACTOR=LEVEL", help="the same in all worlds")
    parser.add_argument("--oracle", action="store_true", help="judge a machine that has labels instead")
    parser.add_argument("--smoke", action="store_true", help="two worlds of each half, in seconds")
    parser.add_argument("--before", type=Path, metavar="JSON", help="print what changed since these figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    asked = parser.parse_args()
    from special.errors import SpecialError
    from special.settings import load, parse_changes

    try:
        settings = {**parse_changes(asked.set), "pseudo.image_text.clip": asked.clip}
        load(asked.pipeline, settings)
    except SpecialError as error:
        sys.exit(f"Error: {error}")
    if asked.count < 1 or asked.processes < 1 or asked.first < 0:
        sys.exit("Error: --count and --processes are 1 or more, --first is 0 or more")
    fixed = dict(pair.partition("=")[::2] for pair in asked.fix)
    for factor, level in fixed.items():
        if level not in FACTORS.get(factor, ()):
            known = ", ".join(dict.fromkeys(FACTORS.get(factor, FACTORS)))
            sys.exit(f"Error: --fix {factor}={level} is neither of these: {known}")
    before = record.read(asked.before) if asked.before else None
    halves = list(HALVES) if asked.half == "both" or asked.smoke else [asked.half]
    for half in halves:
        if not any(read(library, asked.libraries) for library in NEEDED[half]):
            sys.exit(f"Error: there is no library for {half} worlds: pip install -e '.[worlds]'")
    question = Question(asked.out, asked.until, asked.pipeline, settings, asked.libraries, fixed, asked.oracle)
    count = 2 if asked.smoke else asked.count
    worlds = {half: judged(question, seeds(half, count, asked.first), asked.processes) for half in halves}
    if asked.oracle:
        oracle(worlds)
    else:
        tables(worlds)
        if before is not None:
            changes(before, worlds, bool(fixed))
    if asked.json:
        record.write(asked.json, worlds)


if __name__ == "__main__":
    main()
