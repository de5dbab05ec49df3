"""How a teacher reads the class names, as far as a person should know: what is written down, and what is said of it.

Said before anything is computed: in which language the names were read, which are not understood, and which are told
apart by a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 12  # names in another language that a person sees the English of; all of them are in the record


@dataclass(frozen=True)
class UnderstoodName:
    """How a teacher reads one class name.

    Attributes:
        name: as in the class list.
        english, language: what it was put into English as, and from which language; empty where it was read as written.
        concepts: (concept, weight), the likeliest first; none for "other".
        understood: False where it may mean anything.
        kind_of: what it is one of several numbered kinds of; empty for most.
    """

    name: str
    english: str
    language: str
    concepts: tuple[tuple[str, float], ...]
    understood: bool
    kind_of: str


def messages(names: Sequence[UnderstoodName]) -> list[str]:
    """Return what a person should know, a line per matter; nothing where all names are plain English."""
    translated = [f"{name.name} = {name.english}" for name in names if name.english]
    if not translated:
        return doubts(names)
    more = [f"{len(translated) - SHOWN} more"] if len(translated) > SHOWN else []
    languages = dict.fromkeys(name.language for name in names if name.language)
    read = f"read as {' and '.join(languages)}" if languages else "spelt out"
    return [f"Class names are {read}: {', '.join([*translated[:SHOWN], *more])}", *doubts(names)]


def doubts(names: Sequence[UnderstoodName]) -> list[str]:
    """Return what a person could say more about, a line per matter; nothing where all is clear."""
    lines = []
    if lost := [name.name for name in names if not name.understood]:
        are, them = ("is", "it") if len(lost) == 1 else ("are", "them")
        lines.append(
            f"{_listed(lost)} {are} not understood, and taken for what comes nearest: describe {them} ({lost[0]}: "
            f"description, or special describe), give a synonym ({lost[0]} | synonym), or a concept of your own "
            "(--concepts)"
        )
    for thing, kinds in _kinds(names).items():
        lines.append(
            f"{_listed(kinds)} are kinds of one thing, {thing}: the scene tells them apart, and which of them is "
            f"{kinds[0]!r} is a guess: say more of one ({kinds[0]}: description) or make them one class"
        )
    return lines


def to_json(names: Sequence[UnderstoodName]) -> dict[str, Any]:
    """Return all of it as JSON."""
    return {
        "names": [
            {
                "name": name.name,
                "english": name.english or name.name,
                "language": name.language or "English",
                "concepts": {concept: round(weight, 4) for concept, weight in name.concepts},
                "understood": name.understood,
            }
            for name in names
        ],
        "not_understood": [name.name for name in names if not name.understood],
        "kinds_of_one": [{"of": thing, "classes": kinds} for thing, kinds in _kinds(names).items()],
    }


def _kinds(names: Sequence[UnderstoodName]) -> dict[str, list[str]]:
    """The names of every thing that there are two or more kinds of."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name.kind_of:
            found.setdefault(name.kind_of, []).append(name.name)
    return {thing: kinds for thing, kinds in found.items() if len(kinds) > 1}


def _listed(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
