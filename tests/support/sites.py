"""Folders of installed distributions, and ``special`` run in a process of its own that sees them, or does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """Folders of installed distributions that a process sees; or none. ``before`` is what it runs first."""

    folders: tuple[Path, ...] = ()
    before: str = ""

    def __or__(self, other: Site) -> Site:
        return Site((*self.folders, *other.folders), f"{self.before}; {other.before}".strip("; "))

    def special(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``special`` where these are installed; not in the checkout, whose own metadata Python would find."""
        path = os.pathsep.join([*map(str, self.folders), *filter(None, [os.environ.get("PYTHONPATH")])])
        run = ["-c", f"{self.before}; from special.cli import main; main()"] if self.before else ["-m", "special"]
        return subprocess.run(
            [sys.executable, *run, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONPATH": path},
        )

    def done(self, *words: str | Path) -> str:
        """Run it to its end; return what it prints."""
        result = self.special(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def refused(self, *words: str | Path) -> str:
        """Run it into an error that the user can mend, which is one line; return the line."""
        result = self.special(*words)
        lines = result.stderr.splitlines()
        assert result.returncode == 2 and len(lines) == 1 and lines[0].startswith("Error: "), result.stderr
        return lines[0]

    def states(self, run: Path) -> dict[str, dict[str, str]]:
        """How the steps of a run stand: ``state`` and ``why`` by their names."""
        return dict(json.loads(self.done("status", run, "--json"))["steps"])


WITHOUT = Site()


def installed(source: Path, folder: Path) -> Site:
    """Build the distribution in ``source``, which gets a ``build`` of it, and install it into ``folder``."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder), str(source)], check=True)
    return Site((folder,))
