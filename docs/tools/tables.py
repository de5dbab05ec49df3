"""Tables of the pages that are made: from the registry of readers, and from what benchmarks have left as JSON.

python docs/tools/tables.py    # writes them into the pages, between <!-- made: NAME --> and <!-- end -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "benchmarks" / "results"
_PLACE = re.compile(r"(<!-- made: (.+?) -->\n\n)(.*?)(\n\n<!-- end -->)", re.DOTALL)


def inputs() -> str:
    """Every format that the installed readers read."""
    from special.scene.readers.base import inputs_table

    return inputs_table()


def scan_on_a_gpu() -> str:
    """Forward and backward of the selective scan on a GPU, beside mamba-ssm: ``benchmarks/gpu.py``."""
    stages = json.loads((RESULTS / "gpu-h100.json").read_text(encoding="utf-8"))["stages"]
    rows = next(stage["rows"] for stage in stages if stage["stage"] == "scan_times")
    times = {row["what"]: row["forward ms"] + row["backward ms"] for row in rows}
    lines = ["| tokens | ours, ms | mamba-ssm, ms | ratio |", "|---|---|---|---|"]
    for what, ours in times.items():
        if found := re.fullmatch(r"triton, (.*) tokens, float32", what):
            theirs = times[what.replace("triton", "mamba_ssm")]
            lines.append(f"| {found[1]} | {_short(ours)} | {_short(theirs)} | {theirs / ours:.2f} |")
    return "\n".join(lines)


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:.0f}"


ANSWERS = {
    "held out": "names and answers, constants of other families",
    "answers": "names and answers",
    "10 % wrong": "the same, one answer in ten wrong",
    "no names": "answers alone, without the names' map",
    "SVM, even": "SVM, 1, 3, 5, 10 random labels for each class",
    "SVM": "SVM, as many random labels of all",
    "MambaHSI": "MambaHSI, 1, 3, 5, 10 random labels for each class",
    "BT": "breaking ties, begun with the same K answers",
}
"""What benchmarks/answers.py calls its rows, and what the table does."""


def answers() -> str:
    """OA after so many answers: ``benchmarks/answers.py``."""
    figures = json.loads((RESULTS / "answers.json").read_text(encoding="utf-8"))["figures"]
    budgets = ("0", "1", "3", "5", "10")
    lines = ["| | no answer | K | 3 K | 5 K | 10 K |", "|---|---|---|---|---|---|"]
    for name, told in ANSWERS.items():
        if name in figures:
            cells = [f"{oa:.3f}" if (oa := mean_oa(figures[name], times)) else "" for times in budgets]
            lines.append(f"| {told} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mean_oa(by_scene: dict[str, list[dict[str, list[float]]]], times: str) -> float:
    """Return the mean OA over scenes and seeds after ``times`` K answers; 0 where it was not measured.

    Where a scene has run out of questions, what it had reached stands.
    """
    scenes = []
    for rows in by_scene.values():
        reached = [[row[at][0] for at in row if int(at) <= int(times)] for row in rows]
        if not all(reached):
            return 0.0
        scenes.append(sum(row[-1] for row in reached) / len(rows))
    return sum(scenes) / len(scenes)


TABLES: dict[str, Callable[[], str]] = {"inputs": inputs, "scan on a GPU": scan_on_a_gpu, "answers": answers}


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page that has a made table, and the text that it should have."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _PLACE.search(text):
            yield path, _PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[4]}", text)


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
