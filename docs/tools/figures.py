"""The figures of the benchmarks as Markdown tables: one function a table, of the figures that ``--json`` has kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median, stdev
from typing import Any

_BUDGETS = ("0", "1", "3", "5", "10")  # answers, or labels, for each class
_METHODS = {
    "held out": "names and answers, constants of other families",
    "answers": "names and answers",
    "10 % wrong": "the same, one answer in ten wrong",
    "no names": "answers alone, without the names' map",
    "SVM, even": "SVM, 1, 3, 5, 10 random labels for each class",
    "SVM": "SVM, as many random labels of all",
    "MambaHSI": "MambaHSI, 1, 3, 5, 10 random labels for each class",
    "BT": "breaking ties, begun with the same K answers",
}


def scenes(rows: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/scenes.py``: overall accuracy after every step."""
    steps = ("pseudo", "warmup", "refine")
    found = {row["scene"]: [row["steps"][step]["oa"] for step in steps] for row in rows}
    found["mean"] = [fmean(column) for column in zip(*found.values(), strict=True)]
    lines = [(name, *map(_share, values)) for name, values in found.items()]
    return _table(("scene", "pseudo-labels", "warmup", "refine: the map"), lines)


def worlds(halves: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """``benchmarks/worlds.py``: simulated scenes, those for development and those held out."""
    lines = []
    for half, found in halves.items():
        accuracies = sorted(world["oa"] for world in found)
        worst = accuracies[: max(1, round(len(accuracies) / 10))]
        lines.append((half, str(len(found)), _share(fmean(accuracies)), _share(fmean(worst))))
    return _table(("half", "scenes", "mean OA", "its worst tenth"), lines)


def minerals(rows: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/minerals.py``: simulated scenes of minerals, by sensor."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row["sensor"], []).append(row["oa"])
    groups = dict(sorted(groups.items())) | {"all": [row["oa"] for row in rows]}
    lines = [(name, str(len(found)), _share(fmean(found)), _share(min(found))) for name, found in groups.items()]
    return _table(("sensor", "scenes", "mean OA", "worst"), lines)


def draws(found: Mapping[str, Any]) -> str:
    """``benchmarks/accuracy.py --only draws``: pseudo-labels with constants drawn, or chosen elsewhere."""
    (default, *drawn), chosen = found["draws"]["accuracy"], found["draws"]["chosen"]
    means = [fmean(row) for row in drawn]
    rows = [default, *drawn]
    elsewhere = fmean(rows[draw][scene] for scene, draw in enumerate(chosen))
    lines = [
        ("as they are", _share(fmean(default))),
        (
            f"drawn at random, mean and standard deviation of {len(drawn)} draws",
            f"{fmean(means):.3f} ± {stdev(means):.3f}",
        ),
        ("of these, what does best on other families", _share(elsewhere)),
    ]
    return _table(("constants", "mean OA"), lines)


def answers(*found: Mapping[str, Any]) -> str:
    """``benchmarks/answers.py``: overall accuracy by the number of answers, mean over scenes and seeds."""
    lines, methods = [], {name: by_scene for one in found for name, by_scene in one["methods"].items()}
    for name, title in _METHODS.items():
        if by_scene := methods.get(name):
            means = [_reached(by_scene, budget) for budget in _BUDGETS]
            lines.append((title, *(_share(value) if value else "" for value in means)))
    return _table(("", "no answer", "K", "3 K", "5 K", "10 K"), lines)


def _reached(by_scene: Mapping[str, Sequence[Mapping[str, Sequence[float]]]], budget: str) -> float:
    """The mean after so many answers; a scene that has run out of questions stays where it was. 0: not measured."""
    scenes = []
    for rows in by_scene.values():
        before = [[row[times][0] for times in row if int(times) <= int(budget)] for row in rows]
        if not all(before):
            return 0.0
        scenes.append(fmean(values[-1] for values in before))
    return fmean(scenes)


def answers_speed(rows: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/answers.py --speed``: seconds of the clock."""
    by_size: dict[str, list[str]] = {}
    for row in rows:
        by_size.setdefault(" x ".join(map(str, row["size"])), []).append(f"{row['clock_s']:.1f}")
    titles = dict.fromkeys(row["what"] for row in rows)
    return _table(("rows x columns x bands", *titles), [(size, *cells) for size, cells in by_size.items()])


def fusion(found: Mapping[str, Any]) -> str:
    """``benchmarks/fusion.py``: what a simulated second teacher changes, mean over scenes and seeds."""
    lines, judged = [], found["rows"]
    for kind in dict.fromkeys(one["kind"] for one in judged):
        here = [one for one in judged if one["kind"] == kind]
        first, second, fused = (fmean(one[which] for one in here) for which in ("first", "second", "fused"))
        changes = _by(here, "scene", lambda one: one["fused"] - one["first"])
        cells = (*map(_share, (first, second, fused)), f"{fused - first:+.3f}", f"{min(changes):+.3f}")
        lines.append((kind, *cells))
    return _table(("second teacher", "first OA", "its OA", "both", "change", "least change of a scene"), lines)


def fusion_by_step(found: Mapping[str, Any]) -> str:
    """``benchmarks/fusion.py --until refine``: what a second teacher changes after every step, mean over scenes."""
    rows = found["rows"]
    steps = dict.fromkeys(one["step"] for one in rows)
    lines = []
    for kind in dict.fromkeys(one["kind"] for one in rows):
        here = [[one for one in rows if one["kind"] == kind and one["step"] == step] for step in steps]
        lines.append((kind, *(f"{fmean(one['fused'] - one['first'] for one in each):+.3f}" for each in here)))
    return _table(("second teacher", *(f"after {step}" for step in steps)), lines)


def classifiers(results: Mapping[str, Mapping[str, Any]]) -> str:
    """``benchmarks/supervised.py``: classifiers on labels, mean over scenes and seeds."""
    lines = []
    for row in _parts(results, 1):
        cells = []
        for split in ("random", "disjoint"):
            here = [one for key, one in results.items() if key.split("/")[1:3] == [row, split]]
            cells += [_share(fmean(one[figure] for one in here)) for figure in ("oa", "aa", "kappa")]
        seconds = max(one["seconds"] for key, one in results.items() if key.split("/")[1] == row)
        lines.append((row, *cells, f"{seconds:.0f}"))
    return _table(("", "random OA", "AA", "kappa", "disjoint OA", "AA", "kappa", "CPU s"), lines)


def classifiers_by_scene(results: Mapping[str, Mapping[str, Any]]) -> str:
    """``benchmarks/supervised.py``: overall accuracy of every scene, random split / disjoint split."""
    rows = [row for row in _parts(results, 1) if "," not in row]
    lines = []
    for scene in _parts(results, 0):
        cells = []
        for row in rows:
            by_split = (_of(results, scene, row, split) for split in ("random", "disjoint"))
            cells.append(" / ".join(_share(fmean(one["oa"] for one in found)) for found in by_split))
        lines.append((scene, *cells))
    return _table(("scene", *rows), lines)


def differences(results: Mapping[str, Mapping[str, Any]]) -> str:
    """``benchmarks/supervised.py``: a classifier less itself with other texts or none, on the same pixels."""
    rows = _parts(results, 1)
    pairs = [(row.split(",")[0], row) for row in rows if "," in row]
    pairs += [("s3fn", "cnn3d")] if {"s3fn", "cnn3d"} <= set(rows) else []
    lines = []
    for row, other in pairs:
        cells = []
        for split in ("random", "disjoint"):
            places = [key.split("/") for key in results if key.split("/")[1:3] == [row, split]]
            gains = [
                results[f"{scene}/{row}/{split}/{seed}"]["oa"] - results[f"{scene}/{other}/{split}/{seed}"]["oa"]
                for scene, _, _, seed in places
            ]
            cells.append(f"{fmean(gains):+.3f} ± {stdev(gains) / len(gains) ** 0.5:.3f}")
        lines.append((f"{row}, less {other}", *cells))
    return _table(("difference in OA", "random", "disjoint"), lines)


def from_names(s3fn: Sequence[Mapping[str, Any]], aligned: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/scenes.py``: overall accuracy of the maps of two classifiers from the same pseudo-labels."""
    lines = [("pseudo-labels", *_across([row["steps"]["pseudo"]["oa"] for row in s3fn]))]
    lines += [(name, *_across([row["oa"] for row in rows])) for name, rows in (("s3fn", s3fn), ("aligned", aligned))]
    return _table(("", *(row["scene"] for row in s3fn), "mean"), lines)


def labelling(*measured: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/label.py`` and ``scaling.py``: seconds and gigabytes of ``special label``."""
    rows = [row for rows in measured for row in rows]
    lines = [(row["scene"], f"{min(row['seconds']):.0f}", f"{row['gigabytes']:.1f}") for row in rows]
    return _table(("scene", "seconds", "peak GB"), lines)


def scan(*measured: Mapping[str, Any]) -> str:
    """``benchmarks/scan.py``: the selective scan, forward and backward, beside mambapy's."""
    lines = []
    for one in measured:
        ours, theirs = one["sides"]["cpu"], one["sides"]["mambapy"]
        ratios = [theirs / own for own, theirs in zip(ours["seconds"], theirs["seconds"], strict=True)]
        milliseconds = (_short(1e3 * median(side["seconds"])) for side in (ours, theirs))
        ratio = f"{median(ratios):.3g} ({min(ratios):.3g}-{max(ratios):.3g})"
        memory = f"{ours['gigabytes']:.2f}, {theirs['gigabytes']:.2f}"
        lines.append((one["last"], *milliseconds, ratio, f"{ours['nanoseconds per number']:.1f}", memory))
    titles = (
        "next in memory",
        "ours, ms",
        "mambapy's parallel scan, ms",
        "ratio, round by round",
        "ours, ns per number",
    )
    return _table((*titles, "peak GB, ours and mambapy's"), lines)


def scan_on_a_gpu(stages: Sequence[Mapping[str, Any]]) -> str:
    """``benchmarks/gpu.py``: the selective scan on a GPU, forward and backward, beside mamba-ssm."""
    rows = next(stage["rows"] for stage in stages if stage["stage"] == "scan_times")
    times = {row["what"]: row["forward ms"] + row["backward ms"] for row in rows}
    lines = []
    for what, ours in times.items():
        if found := re.fullmatch(r"triton, (.*) tokens, float32", what):
            theirs = times[what.replace("triton", "mamba_ssm")]
            lines.append((found[1], _short(ours), _short(theirs), f"{theirs / ours:.2f}"))
    return _table(("tokens", "ours, ms", "mamba-ssm, ms", "ratio"), lines)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def _across(values: Sequence[float]) -> list[str]:
    """Shares, and their mean."""
    return [*map(_share, values), _share(fmean(values))]


def _by(rows: Iterable[Mapping[str, Any]], key: str, value: Any) -> list[float]:
    """The means of a figure over the rows that have the same ``key``."""
    groups: dict[Any, list[float]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(value(row))
    return [fmean(group) for group in groups.values()]


def _parts(results: Mapping[str, Any], number: int) -> list[str]:
    """What stands at a place of the keys ``scene/row/split/seed``, in their order."""
    return list(dict.fromkeys(key.split("/")[number] for key in results))


def _of(results: Mapping[str, Mapping[str, Any]], scene: str, row: str, split: str) -> list[Mapping[str, Any]]:
    return [one for key, one in results.items() if key.split("/")[:3] == [scene, row, split]]


def _share(value: float) -> str:
    return f"{value:.3f}"


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:.0f}"
