"""Class lists as people write them: other words, other languages, other spellings, numbers at the end."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import numpy as np

LANGUAGES = {"German": "German", "French": "French", "Spanish": "Spanish"}


@cache
def words() -> dict[str, dict[str, list[str]]]:
    """Return names by material and language, from ``names.toml``; the first of each is the plain one."""
    with Path(__file__).with_name("names.toml").open("rb") as file:
        return tomllib.load(file)


def spelling(rng: np.random.Generator) -> str:
    """Draw how a whole list is written: as in a book, in small letters, or as in a file."""
    return str(rng.choice(["book", "book", "book", "small", "file"]))


def name(material: str, level: str, taken: set[str], rng: np.random.Generator) -> str:
    """Return a name for a material that is not ``taken``. ``level`` is of the factor "names"."""
    known = words()[material][LANGUAGES.get(level, "English")]
    if level == "plain":
        order = list(known)
    elif level == "synonyms" and len(known) > 1:
        order = [*rng.permutation(known[1:]), known[0]]
    else:
        order = list(rng.permutation(known))
    free = [str(word) for word in order if word.casefold() not in taken]
    chosen = free[0] if free else f"{order[0]} ({material})"
    taken.add(chosen.casefold())
    return chosen


def spelled(names: list[str], style: str) -> list[str]:
    """Return the names in a style that ``spelling`` drew."""
    if style == "small":
        return [entry.lower() for entry in names]
    if style == "file":
        return [entry.replace(" ", "_") for entry in names]
    return names
