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


TABLES: dict[str, Callable[[], str]] = {"inputs": inputs, "scan on a GPU": scan_on_a_gpu}


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page that has a made table, and the text that it should have."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _PLACE.search(text):
            yield path, _PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[4]}", text)


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
