"""The figures of a benchmark as JSON, with what has to be known of them: the command, the version and the machine.

``--json benchmarks/results/NAME.json`` keeps them where ``docs/tools/tables.py`` makes the tables of the pages from.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import machine

from special.version import own_version

ROOT = Path(__file__).parents[1]


def write(path: Path, figures: Any, where: Any = None) -> None:
    """Write ``figures``, whatever a benchmark has, below what they are figures of; ``where``: the machine, if not all
    is said of it by ``measure.machine``."""
    about = {"command": command(sys.argv), "version": own_version(), "commit": commit(), "machine": where or machine()}
    path.write_text(json.dumps({**about, "figures": figures}, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Any:
    """Return the figures that ``write`` has written; bare ones, as earlier versions wrote them, too."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return document["figures"] if isinstance(document, dict) and "figures" in document else document


def command(words: Sequence[str]) -> str:
    """Say how a benchmark was called, without ``--json``; of paths, which differ from machine to machine, the name."""
    kept, left = ["python", f"benchmarks/{Path(words[0]).name}"], list(words[1:])
    if "--json" in left:
        at = left.index("--json")
        del left[at : at + 2]
    return shlex.join([*kept, *(Path(word).name if "/" in word else word for word in left)])


def commit() -> str | None:
    """Return the commit of the checkout, with a plus where files have changed since; None where there is no git."""
    call = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
