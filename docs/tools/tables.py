"""Tables of the pages that are made: from the registry of readers, and from what benchmarks have left as JSON.

    python docs/tools/tables.py    # writes them into the pages, between <!-- made: NAME --> and <!-- end -->

``benchmarks/results/NAME.json`` is what a benchmark's ``--json`` writes: its command, the version, the machine and the
figures. A table of which it is not there stays as it was measured once, and says so: nothing is made up.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import figures

DOCS = Path(__file__).parents[1]
RESULTS = DOCS.parent / "benchmarks" / "results"
STALE = "*Measured with an earlier version, and not again: the figures are not kept as JSON.*"
_PLACE = re.compile(r"(<!-- made: (.+?) -->\n\n)(.*?)(\n\n<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """A table that is made.

    Attributes:
        make: what makes it, of the figures of each of ``sources`` in their order.
        sources: stems of files in ``benchmarks/results``; none where it is made of the package itself.
    """

    make: Callable[..., str]
    sources: tuple[str, ...] = ()

    def text(self, present: str) -> str:
        """Return the table with what it was measured by; ``present``, marked as stale, where a source is missing."""
        paths = [RESULTS / f"{stem}.json" for stem in self.sources]
        if not all(path.is_file() for path in paths):
            return f"{present.removesuffix(STALE).rstrip()}\n\n{STALE}"
        documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        table = self.make(*(document["figures"] for document in documents))
        return "\n\n".join([table, *dict.fromkeys(map(_measured, documents))])


def inputs() -> str:
    """Every format that the installed readers read."""
    from special.scene.readers.base import inputs_table

    return inputs_table()


TABLES: dict[str, Table] = {
    "inputs": Table(inputs),
    "public scenes": Table(figures.scenes, ("scenes",)),
    "simulated scenes": Table(figures.worlds, ("worlds",)),
    "drawn constants": Table(figures.draws, ("draws",)),
    "minerals": Table(figures.minerals, ("minerals",)),
    "answers": Table(figures.answers, ("answers", "answers-mambahsi")),
    "seconds of answers": Table(figures.answers_speed, ("answers-speed",)),
    "a second teacher": Table(figures.fusion, ("fusion-scenes",)),
    "a second teacher in worlds": Table(figures.fusion, ("fusion-worlds",)),
    "a second teacher, step by step": Table(figures.fusion_by_step, ("fusion-refine",)),
    "classifiers": Table(figures.classifiers, ("supervised",)),
    "classifiers by scene": Table(figures.classifiers_by_scene, ("supervised",)),
    "worth of texts": Table(figures.differences, ("supervised",)),
    "classifiers from names": Table(figures.from_names, ("scenes-s3fn", "scenes-aligned")),
    "labelling": Table(figures.labelling, ("label", "scaling")),
    "scan on a CPU": Table(figures.scan, ("scan-channels", "scan-tokens")),
    "scan on a GPU": Table(figures.scan_on_a_gpu, ("gpu-h100",)),
}


def _measured(document: dict[str, Any]) -> str:
    """Say by which command, of which version, and where."""
    machine = document["machine"]
    where = machine if isinstance(machine, str) else f"{machine['gpu']}, torch {machine['torch']}"
    commit = f" ({document['commit']})" if document.get("commit") else ""
    return f"*Measured with version {document['version']}{commit} by `{document['command']}`; {where}.*"


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page that has a made table, and the text that it should have."""
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _PLACE.search(text):
            yield path, _PLACE.sub(lambda found: f"{found[1]}{TABLES[found[2]].text(found[3])}{found[4]}", text)


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
