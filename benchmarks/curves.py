"""Draw what benchmarks/answers.py has measured: accuracy over the number of answers, its figures as they stand.

    python benchmarks/curves.py FILE.json CURVES.svg [--scenes]

FILE.json is what --json wrote. CURVES may be .svg, .png or .pdf. One picture, the mean of the scenes; with --scenes one
more for each of them. Needs matplotlib (pip install -e ".[benchmark]").
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import record

# What each method is drawn as: ours solid, others dashed; colours that print and that the colour-blind tell apart.
STYLES = {
    "held out": ("names and answers, constants of other families", "#000000", "-"),
    "answers": ("names and answers", "#0072b2", "-"),
    "10 % wrong": ("one answer in ten wrong", "#56b4e9", "-"),
    "no names": ("answers without names", "#009e73", "-"),
    "BT": ("breaking ties", "#d55e00", "--"),
    "SVM": ("SVM, random labels", "#999999", "--"),
    "SVM, even": ("SVM, random labels of every class", "#555555", "--"),
    "MambaHSI": ("MambaHSI, random labels of every class", "#cc79a7", "--"),
}

Table = dict[str, dict[str, list[dict[str, list[float]]]]]
"""Method, scene, seed or draw, budget: OA, AA and calibration error."""


def read(path: Path) -> Table:
    """Return the figures that benchmarks/answers.py --json wrote."""
    return dict(record.read(path)["methods"])


def curve(by_scene: dict[str, list[dict[str, list[float]]]], scene: str | None) -> tuple[list[int], list[float]]:
    """Return budgets and OA of a method: of one scene, or the mean of all.

    Where a scene has run out of questions, what it had reached stands.
    """
    scenes = [by_scene[scene]] if scene else list(by_scene.values())
    budgets = sorted({int(times) for rows in scenes for row in rows for times in row})
    means = [np.mean([[_reached(row, times) for times in budgets] for row in rows], axis=0) for rows in scenes]
    return budgets, np.mean(means, axis=0).tolist()


def _reached(row: dict[str, list[float]], times: int) -> float:
    return row[str(max(int(at) for at in row if int(at) <= times))][0]


def draw(axes: Any, table: Table, scene: str | None) -> None:
    """Draw a picture: a line a method."""
    for name, by_scene in table.items():
        if scene and scene not in by_scene:
            continue
        title, colour, line = STYLES.get(name, (name, None, ":"))
        budgets, accuracies = curve(by_scene, scene)
        axes.plot(budgets, accuracies, line, color=colour, marker="o", markersize=3, label=title)
    axes.set_title(scene or f"mean of {len(next(iter(table.values())))} scenes", fontsize=10)
    axes.set_xlabel("answers, or labels, for each class")
    axes.set_ylabel("overall accuracy")
    axes.set_xlim(left=-0.2)
    axes.set_ylim(top=1)
    axes.grid(alpha=0.3)


def picture(table: Table, path: Path, *, scenes: bool) -> None:
    """Write the picture of the mean, and of every scene where ``scenes`` is."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "answers", "font.size": 9})
    wanted: list[str | None] = [None, *(sorted(next(iter(table.values()))) if scenes else [])]
    across = min(3, len(wanted))
    down = -(-len(wanted) // across)
    figure, grid = pyplot.subplots(down, across, figsize=(6.2 * across if across == 1 else 4 * across, 4 * down))
    panels = np.ravel(grid)
    for axes, scene in zip(panels, wanted, strict=False):
        draw(axes, table, scene)
    for axes in panels[len(wanted) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, metavar="FILE.json")
    parser.add_argument("curves", type=Path, metavar="CURVES")
    parser.add_argument("--scenes", action="store_true", help="one more picture for every scene")
    asked = parser.parse_args()
    picture(read(asked.figures), asked.curves, scenes=asked.scenes)


if __name__ == "__main__":
    main()
