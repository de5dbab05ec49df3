"""The pages of the documentation and the README, taken apart into what a reader may copy.

A fenced block ``sh`` has commands, ``python`` a program; both are run in order. ``title="NAME.SUFFIX"`` makes a block
the text of a file; among commands, ``cat > NAME <<'END'`` does so up to ``END``. ``title="needs ..."`` or
``"takes ..."``, which a reader sees above it, says why a block is not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"\n]*)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE_OR_FILE = re.compile(
    r"^cat > (?P<name>\S+) <<'END'\n(?P<file>.*?)^END$|^(?P<line>[^\n]+)$", re.MULTILINE | re.DOTALL
)
_INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, the title above it, and its text."""

    language: str
    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether a test runs it."""
        return self.language in ("sh", "python") and not re.match(r"needs |takes ", self.title)

    @property
    def file(self) -> str:
        """The file whose text it is, or "" where it is none."""
        return self.title if re.fullmatch(r"[\w-]+\.\w+", self.title) else ""

    def pasted(self) -> Iterator[tuple[str, str]]:
        """Yield in order what a reader pastes: ("", line), or (name, text) of a file that ``cat`` writes."""
        if self.language == "sh":
            for match in _LINE_OR_FILE.finditer(self.text):
                yield (match["name"], match["file"]) if match["name"] else ("", match["line"])

    def calls(self, program: str = "special") -> Iterator[list[str]]:
        """Yield the words of every call of a program, without its name."""
        for _, line in self.pasted():
            yield from calls(line, program)


def calls(line: str, program: str) -> Iterator[list[str]]:
    """Yield the words of every call of a program in a line of a shell, without its name."""
    for part in line.split("&&"):
        words = shlex.split(part, comments=True)
        if words[:1] == [program]:
            yield words[1:]


def blocks(path: Path) -> list[Block]:
    """Return the blocks of a page in order. What is indented, as in the README, is commands."""
    text = path.read_text(encoding="utf-8")
    found = [(match.start(), Block(match[1], match[2] or "", match[3])) for match in _FENCE.finditer(text)]
    plain = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in _INDENTED.finditer(plain):
        lines = "\n".join(line.strip() for line in match[0].splitlines())
        found.append((text.index(match[0]), Block("sh", "", lines)))
    return [block for _, block in sorted(found, key=lambda pair: pair[0])]


def prose(path: Path) -> str:
    """Return a page without its blocks."""
    return _INDENTED.sub("", _FENCE.sub("", path.read_text(encoding="utf-8")))
