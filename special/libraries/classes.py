"""The classes of a library: a column of its metadata, or the names of a class list that are found in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from special.errors import SettingsError
from special.libraries.library import NAME, SpectralLibrary, Spectrum

_CLASS_COLUMN = re.compile(r"class(_?names?)?|category|material|type|land_?cover|group|level_?\d+", re.IGNORECASE)
_NO_CLASS = {"", "na", "n/a", "none", "unknown", "null", "nan"}
_MOST_NAMES = 60
_FEW = 4


@dataclass(frozen=True)
class Match:
    """The spectra of a class: those whose ``column`` holds ``value``. None of them: the library does not know it."""

    name: str
    column: str
    value: str
    spectra: tuple[Spectrum, ...]

    def __str__(self) -> str:
        """As messages have it."""
        where = f"{self.column} {self.value}" if self.column != NAME else f"spectrum {self.value}"
        return f"{self.name} is {where} ({len(self.spectra)} spectra)"


def class_columns(library: SpectralLibrary) -> list[str]:
    """Return the columns that may hold classes: they say so, and hold fewer values than there are spectra."""
    found = []
    for column, values in library.columns.items():
        kinds = {_plain(value) for value in values} - _NO_CLASS
        if column != NAME and _CLASS_COLUMN.fullmatch(column) and 2 <= len(kinds) < max(3, len(values)):
            found.append(column)
    return found


def column_of(library: SpectralLibrary, column: str | None = None) -> str:
    """Return the column that holds the classes: the one that the user names, or the only one there is, or the names.

    Raises:
        SettingsError: there is no such column, or several might be meant.
    """
    columns = library.columns
    if column is not None:
        known = {name.lower(): name for name in columns}
        if column.lower() not in known:
            raise SettingsError(f"{library.path} has no column {column!r}: it has {', '.join(columns)}")
        return known[column.lower()]
    found = class_columns(library)
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{name} ({len(set(columns[name]))} values)" for name in found)
        raise SettingsError(f"{library.path} has several columns of classes, {listed}: name one with --library-column")
    if len(set(columns[NAME])) > _MOST_NAMES:
        raise SettingsError(
            f"{library.path} has {len(library.spectra)} spectra and no column of classes: give a class list "
            f"(--classes), or name a column with --library-column ({', '.join(columns)})"
        )
    return NAME


def classes_of(library: SpectralLibrary, column: str) -> list[Match]:
    """Return the classes that a column holds, in the order in which they come."""
    found: dict[str, list[Spectrum]] = {}
    titles: dict[str, str] = {}
    for spectrum, value in zip(library.spectra, library.columns[column], strict=True):
        plain = _plain(value)
        if plain not in _NO_CLASS:
            found.setdefault(plain, []).append(spectrum)
            titles.setdefault(plain, value.replace("_", " ").strip())
    return [Match(titles[plain], column, titles[plain], tuple(spectra)) for plain, spectra in found.items()]


def match(library: SpectralLibrary, classes: Sequence[Sequence[str]], column: str | None = None) -> list[Match]:
    """Return the spectra of each class of a list; of each, ``classes`` has the ways to say it, its name first.

    A class is looked for in ``column``, or in every column that may hold classes and then among the names of the
    spectra. Case, underscores, a plural and what stands in brackets make no difference; nothing else is guessed.

    Raises:
        SettingsError: no class of the list is in the library, or there is no such column.
    """
    columns = library.columns
    places = [column_of(library, column)] if column is not None else [*class_columns(library), NAME]
    words = [{_plain(text) for text in texts} for texts in classes]
    found = []
    for texts, wanted in zip(classes, words, strict=True):
        best = Match(texts[0], "", "", ())
        for place in places:
            rows = [i for i, value in enumerate(columns[place]) if _plain(value) in wanted]
            if rows:
                value = columns[place][rows[0]].strip()
                best = Match(texts[0], place, value, tuple(library.spectra[i] for i in rows))
                break
        found.append(best)
    if not any(one.spectra for one in found):
        named = ", ".join(texts[0] for texts in classes[:_FEW])
        raise SettingsError(
            f"{library.path} has no spectra of {named}: special library info says what it has; give synonyms in the "
            "class list (Name | synonym)"
        )
    return found


def described(found: Sequence[Match]) -> list[str]:
    """Return what matched and what did not, as sentences."""
    there = [str(one) for one in found if one.spectra]
    absent = [one.name for one in found if not one.spectra]
    lines = [f"Spectra from the library: {'; '.join(there)}."] if there else []
    return lines + ([f"Not in the library, so by their names: {', '.join(absent)}."] if absent else [])


def _plain(text: str) -> str:
    """A name without case, underscores, brackets and a plural."""
    words = re.sub(r"[\s_/-]+", " ", re.sub(r"\([^)]*\)", "", text.casefold())).split()
    return " ".join(_singular(word) for word in words)


def _singular(word: str) -> str:
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
