"""Failures that are kept: the files that differ from a kind's honest ones, made as small and as honest as they go."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from answer import Answer

_MOST_TRIES = 24


@dataclass(frozen=True)
class Case:
    """A mutant: its kind, the command, and what its files hold where they differ; None where one is missing."""

    kind: str
    words: tuple[str, ...]
    files: dict[str, bytes | None]
    honest: dict[str, bytes]

    @classmethod
    def of(cls, kind: str, words: Sequence[str], folder: Path, honest: Path, changed: Sequence[Path]) -> Case:
        """Describe what lies in ``folder``, whose honest files are in ``honest``."""
        before = {str(path.relative_to(honest)): path for path in honest.rglob("*") if path.is_file()}
        named = {str(path.relative_to(folder)) for path in changed}
        named |= {name for name in before if _read(folder / name) != before[name].read_bytes()}
        files = {name: _read(folder / name) for name in sorted(named)}
        return cls(kind, tuple(words), files, {name: before[name].read_bytes() for name in files if name in before})

    def lay_over(self, folder: Path) -> None:
        """Put the files into a folder of honest ones."""
        for name, content in self.files.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)


def minimised(replay: Callable[[Case], Answer], case: Case, found: Answer) -> Case:
    """Take changes back, one after the other, as long as the answer that ``replay`` gives stays of the same kind."""
    tries = 0

    def fails(candidate: Case) -> bool:
        nonlocal tries
        tries += 1
        return tries <= _MOST_TRIES and replay(candidate).kind == found.kind

    if found.kind == "hang" or not fails(case):  # a hang takes its time; what comes and goes is kept as it was
        return case
    for name in list(case.files):
        rest = {other: content for other, content in case.files.items() if other != name}
        if rest and fails(smaller := replace(case, files=rest)):
            case = smaller
    for name, content in list(case.files.items()):
        if content is not None and name in case.honest:
            case = _nearer(case, name, content, fails)
    return case


def _nearer(case: Case, name: str, content: bytes, fails: Callable[[Case], bool]) -> Case:
    """Take back lines of a text, or bytes, that differ from the honest file: halves first, then quarters, eighths."""
    honest = case.honest[name]
    as_bytes = len(content) == len(honest)
    new = [bytes([one]) for one in content] if as_bytes else content.splitlines(keepends=True)
    old = [bytes([one]) for one in honest] if as_bytes else honest.splitlines(keepends=True)
    if len(new) != len(old):
        return case
    for parts in (2, 2, 4, 4, 8, 8):
        differing = [place for place in range(len(new)) if new[place] != old[place]]
        for start in range(0, len(differing), size := max(1, len(differing) // parts)):
            back = set(differing[start : start + size])
            trial = [old[place] if place in back else new[place] for place in range(len(new))]
            smaller = replace(case, files={**case.files, name: b"".join(trial)})
            if len(back) < len(differing) and fails(smaller):
                case, new = smaller, trial
    return case


def write_case(folder: Path, case: Case, found: Answer) -> Path:
    """Keep a case in a folder of its own, named after its kind and content."""
    content = hashlib.sha256(repr(sorted(case.files.items())).encode() + repr(case.words).encode()).hexdigest()
    place = folder / f"{case.kind}-{content[:8]}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    missing = [name for name, data in case.files.items() if data is None]
    document = {
        "kind": case.kind,
        "words": case.words,
        "missing": missing,
        "was": found.kind,
        "said": found.said[-2000:],
    }
    (place / "case.json").write_text(json.dumps(document, indent=2) + "\n")
    for name, data in case.files.items():
        if data is not None:
            (place / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "files" / name).write_bytes(data)
    return place


def read_case(place: Path) -> Case:
    """Read what ``write_case`` has written."""
    document = json.loads((place / "case.json").read_text())
    held = place / "files"
    files: dict[str, bytes | None] = dict.fromkeys(document["missing"])
    files |= {str(path.relative_to(held)): path.read_bytes() for path in sorted(held.rglob("*")) if path.is_file()}
    return Case(document["kind"], tuple(document["words"]), files, {})


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
