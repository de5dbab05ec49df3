"""How many files of the package a reader goes through from ``special label`` to the first step, and in how many moves.

    python benchmarks/trace_label.py                                # on a simulated scene
    python benchmarks/trace_label.py --files                        # and a line for every file
    python benchmarks/trace_label.py SCENE --classes FILE ...       # as special label takes them
    python benchmarks/trace_label.py --smoke                        # a small scene, to see that it works

The command runs in this process until the function of the first step is called, and goes no further. A file counts when
one of its functions is called; what a module does while it is imported does not, nor does what other threads do. A move
is a call in another file than the call before it. Without --out the run goes into a folder that is removed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import special
from special.cli import main as command
from special.simulate import simulate, write_scene
from special.steps import LABEL

PACKAGE = Path(special.__file__).parent
SIZE = (80, 100, 120)
SMOKE = (24, 20, 30)


class Reached(BaseException):
    """The first step begins: not an error, so that nothing on the way takes it for one."""


@dataclass
class Trace:
    """Listens to calls until that of ``goal``: ``calls`` by file in the order of the first, ``moves`` between files."""

    goal: CodeType
    calls: Counter[str] = field(default_factory=Counter)
    moves: int = 0
    last: str = ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Take note of a call, as ``sys.setprofile`` hands it on."""
        if event != "call" or not _is_ours(frame):
            return
        if frame.f_code is self.goal:
            raise Reached
        if _while_importing(frame):
            return
        file = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
        self.calls[file] += 1
        if self.last not in ("", file):
            self.moves += 1
        self.last = file


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(f"{PACKAGE}{os.sep}")


def _while_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and _is_ours(frame):
            return True
        frame = frame.f_back
    return False


def trace(arguments: Sequence[str]) -> Trace:
    """Run ``special label`` with ``arguments`` until its first step."""
    found = Trace(LABEL[0].function.__code__)
    before = sys.getprofile()
    sys.setprofile(found)
    try:
        command.main(["label", *arguments], prog_name="special")
    except Reached:
        return found
    except SystemExit as ended:
        if ended.code:  # the command has said why
            raise
    finally:
        sys.setprofile(before)
    sys.exit("trace_label.py: special label came to its end without a step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true", help="a line for every file, in the order of the first call")
    parser.add_argument("--smoke", action="store_true", help="a small simulated scene")
    asked, arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        if not arguments:
            files = write_scene(Path(folder) / "scene", simulate(*(SMOKE if asked.smoke else SIZE), 3))
            arguments = [str(files.scene), "--classes", str(files.classes), "--clip", "none", "--offline"]
        if "--out" not in arguments:
            arguments += ["--out", str(Path(folder) / "run")]
        found = trace(arguments)
    if asked.files:
        print("| file | calls |\n|---|---|")
        for file, calls in found.calls.items():
            print(f"| {file} | {calls} |")
        print()
    print(f"{len(found.calls)} files and {found.moves} moves between them until the step {LABEL[0].name} begins")


if __name__ == "__main__":
    main()
