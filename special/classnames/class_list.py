"""The class list: what the user says is on the ground, one class a line."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from special.classnames.legends import legend_lines
from special.errors import ClassListError, damage_of

# Limits that no list written by hand reaches: each text is read by an encoder, and compared with all others.
MOST_CLASSES, MOST_SYNONYMS = 1000, 200
LONGEST_NAME, LONGEST_DESCRIPTION = 200, 20_000
MOST_BYTES = 1 << 23

# A colon ends a name where a blank follows and no backslash stands before it: "Zone 1:50" is all name.
_COLON = re.compile(r"(?<!\\):(?=\s|$)")
_COLOUR = re.compile(r"(.*\S)\s+(#[0-9a-fA-F]{6})")


@dataclass(frozen=True)
class ClassName:
    """One class. ``name`` is shown and written; ``synonyms`` are other ways to say it, the name not among them.

    ``description`` says in more words what is meant, for the teachers alone; empty where nothing is said. ``colour``:
    of the class in maps, ``#rrggbb``; empty where one is to be chosen.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    description: str = ""
    colour: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Every way to say this class, the name first."""
        return (self.name, *self.synonyms)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What an image-text model is asked for: every way to say this class, and what describes it."""
        return (*self.texts, self.description) if self.description else self.texts


@dataclass(frozen=True)
class ClassList:
    """Two or more classes in the user's order: class ``k`` of a map is line ``k`` of the list, counted from 1.

    ``notes``: what the user should know of how the list was read.
    """

    classes: tuple[ClassName, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, lines: Iterable[str], origin: str = "the class list") -> ClassList:
        """Read ``Name #rrggbb | synonym | synonym: description`` lines; blank lines and ``#`` lines are skipped.

        A comma does not separate: ``Roof, tiled`` is one name. A colon separates only before a blank, and not after a
        number (``1: Water``) or a backslash (``Plan\\: B``). Where two lines would be left with one name (``Forest:
        pine``, ``Forest: oak``), what follows the colon belongs to the name.

        Raises:
            ClassListError: no class, one class, or a class or synonym given twice.
        """
        classes = []
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                entry = _entry(line)
                if not entry.name:
                    raise ClassListError(f"{origin}: the line {line.strip()!r} has no name before its first '|' or ':'")
                classes.append(entry)
            if len(classes) > MOST_CLASSES:
                raise ClassListError(f"{origin} has more than {MOST_CLASSES} classes: give those that are in the scene")
        classes = _whole_names(classes)
        for entry in classes:
            _refuse_extremes(entry, origin)
        if not classes:
            raise ClassListError(f"{origin} is empty: write one class name a line, two or more")
        if len(classes) == 1:
            raise ClassListError(f"{origin} has only one class, {classes[0].name!r}: a map needs two or more")
        seen: dict[str, str] = {}
        for entry in classes:
            for text in entry.texts:
                key = _key(text)
                if key in seen:
                    raise ClassListError(f"{origin} says {text!r} twice: every class and synonym must be unique")
                seen[key] = text
        return cls(tuple(classes))

    @classmethod
    def read(cls, path: str | Path) -> ClassList:
        """Read a class list from a text file, UTF-8 or, as older programs write it, Windows-1252.

        A table of numbers, names and colours (``.csv``), a QGIS style (``.qml``) and the header of an ENVI
        classification (``.hdr``) are class lists too.

        Raises:
            ClassListError: the file is missing, is not text, or does not hold a class list.
        """
        path = Path(path)
        try:
            with path.open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise ClassListError(f"no class list at {path}: write one class name a line into a text file") from None
        except IsADirectoryError:
            raise ClassListError(f"{path} is a folder: name a text file with one class name a line") from None
        except (OSError, ValueError) as error:
            raise ClassListError(f"the class list {str(path)!r} cannot be read ({error})") from None
        if len(data) > MOST_BYTES:
            raise ClassListError(f"{path} is larger than {MOST_BYTES >> 20} MiB: it is no class list")
        text, read_as = _decoded(data, path)
        with damage_of(path, ClassListError):
            legend = legend_lines(text, path)
            lines, notes = (text.splitlines(), ()) if legend is None else legend
            return replace(cls.parse(lines, origin=str(path)), notes=(*read_as, *notes))

    @property
    def names(self) -> list[str]:
        """The class names, in order."""
        return [entry.name for entry in self.classes]

    @property
    def colours(self) -> list[str]:
        """The colours of the classes, ``#rrggbb``; "" where one is to be chosen."""
        return [entry.colour for entry in self.classes]

    def to_lines(self, colours: bool = True) -> list[str]:
        """The list as lines that ``parse`` reads back to an equal list; without ``colours`` they are left out."""
        lines = []
        for entry in self.classes:
            name, *synonyms = (_COLON.sub(r"\:", text) for text in entry.texts)
            shown = f"{name} {entry.colour}" if entry.colour and colours else name
            description = f": {entry.description}" if entry.description else ""
            lines.append(" | ".join([shown, *synonyms]) + description)
        return lines

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[ClassName]:
        return iter(self.classes)


def _decoded(data: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file, and what there is to say of how it was read.

    Raises:
        ClassListError: it is none.
    """
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            older = f"{path} is not UTF-8 and was read as Windows-1252: look whether its names are right."
            return text, () if encoding == "utf-8-sig" else (older,)
    raise ClassListError(f"{path} is not text: save the class list as plain UTF-8")


def _refuse_extremes(entry: ClassName, origin: str) -> None:
    """Make sure that a class can be read, printed and written into headers.

    Raises:
        ClassListError: a text is far too long, there are far too many, or one has characters that cannot be seen.
    """
    if len(entry.synonyms) > MOST_SYNONYMS:
        raise ClassListError(
            f"{origin}: {entry.name[:40]!r} has more than {MOST_SYNONYMS} synonyms: give the usual ones"
        )
    for text, longest in (*((text, LONGEST_NAME) for text in entry.texts), (entry.description, LONGEST_DESCRIPTION)):
        if len(text) > longest:
            raise ClassListError(f"{origin}: {text[:40]!r}... has {len(text)} characters: write {longest} at most")
        if hidden := next((letter for letter in text if unicodedata.category(letter) == "Cc" and letter != "\t"), ""):
            raise ClassListError(f"{origin}: {text[:40]!r} holds the control character {hidden!r}: take it out")


def _entry(line: str) -> ClassName:
    """Split a line at its bars, and each part at its first colon: what stands behind colons is the description."""
    texts, descriptions = [], []
    for part in line.split("|"):
        # A number before the colon counts the classes; what it counts is the name.
        counted = re.match(r"\s*\d+\s*:\s+(?=\S)", part)
        colon = _COLON.search(part, counted.end() if counted else 0)
        texts.append((part[: colon.start()] if colon else part).strip().replace("\\:", ":"))
        descriptions.append(part[colon.end() :].strip() if colon else "")
    name, *synonyms = texts
    coloured = _COLOUR.fullmatch(name)
    name, colour = (coloured[1], coloured[2].lower()) if coloured else (name, "")
    return ClassName(name, tuple(s for s in synonyms if s), "; ".join(d for d in descriptions if d), colour)


def _whole_names(classes: list[ClassName]) -> list[ClassName]:
    """Give names that occur twice their descriptions back: there the colon was part of the name."""
    counts = Counter(_key(entry.name) for entry in classes)
    return [
        replace(entry, name=f"{entry.name}: {entry.description}", description="")
        if counts[_key(entry.name)] > 1 and entry.description
        else entry
        for entry in classes
    ]


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
