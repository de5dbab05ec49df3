"""The class list: what the user says is on the ground, one class a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from special.errors import ClassListError


@dataclass(frozen=True)
class ClassName:
    """One class. ``name`` is shown and written; ``synonyms`` are other ways to say it, the name not among them."""

    name: str
    synonyms: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every way to say this class, the name first."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class ClassList:
    """Two or more classes in the user's order: class ``k`` of a map is line ``k`` of the list, counted from 1."""

    classes: tuple[ClassName, ...]

    @classmethod
    def parse(cls, lines: Iterable[str], origin: str = "the class list") -> ClassList:
        """Read ``Name | synonym | synonym`` lines; blank lines and lines that start with ``#`` are skipped.

        A comma does not separate: ``Roof, tiled`` is one name.

        Raises:
            ClassListError: no class, one class, or a class or synonym given twice.
        """
        classes = []
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                name, *synonyms = [part.strip() for part in line.split("|")]
                if not name:
                    raise ClassListError(f"{origin}: the line {line.strip()!r} has no name before its first '|'")
                classes.append(ClassName(name, tuple(s for s in synonyms if s)))
        if not classes:
            raise ClassListError(f"{origin} is empty: write one class name a line, two or more")
        if len(classes) == 1:
            raise ClassListError(f"{origin} has only one class, {classes[0].name!r}: a map needs two or more")
        seen: dict[str, str] = {}
        for entry in classes:
            for text in entry.texts:
                key = " ".join(text.casefold().split())
                if key in seen:
                    raise ClassListError(f"{origin} says {text!r} twice: every class and synonym must be unique")
                seen[key] = text
        return cls(tuple(classes))

    @classmethod
    def read(cls, path: str | Path) -> ClassList:
        """Read a class list from a UTF-8 text file.

        Raises:
            ClassListError: the file is missing, is not text, or does not hold a class list.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise ClassListError(f"no class list at {path}: write one class name a line into a text file") from None
        except IsADirectoryError:
            raise ClassListError(f"{path} is a folder: name a text file with one class name a line") from None
        except UnicodeDecodeError:
            raise ClassListError(f"{path} is not UTF-8 text: save the class list as plain UTF-8") from None
        return cls.parse(text.splitlines(), origin=str(path))

    @property
    def names(self) -> list[str]:
        """The class names, in order."""
        return [entry.name for entry in self.classes]

    def to_lines(self) -> list[str]:
        """The list as lines that ``parse`` reads back to an equal list."""
        return [" | ".join(entry.texts) for entry in self.classes]

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[ClassName]:
        return iter(self.classes)
