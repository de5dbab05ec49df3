"""Descriptions of classes: several paragraphs each, in a text file that people read and edit.

A heading in brackets, alone in its line, begins a class; blank lines part paragraphs; lines that begin with ``#`` are
left out, as in class lists:

    [Asphalt]
    Asphalt of streets: dark grey, smooth ...

    Its spectrum is low and nearly flat ...
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.prompts import fill
from special.classnames.reading import Encoder, Reading, is_known, read_names
from special.errors import DescriptionError
from special.landcover.concepts import Concept, ConceptTable, load_concepts
from special.resources import PROMPTS

WIDTH = 100  # of a written line, in characters
YOUNG, GROWN = 0.34, 0.75  # growth stages below and from which plants cover little or nearly all of their ground


def read_descriptions(path: Path, classes: ClassList) -> list[tuple[str, ...]]:
    """Read a file of descriptions; return the paragraphs of every class, one or more, in class order.

    Raises:
        DescriptionError: the file is missing, is not text, names a class that is not in the list or one twice, or has
            no paragraph for a class.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DescriptionError(f"no descriptions at {path}: special describe writes them") from None
    except IsADirectoryError:
        raise DescriptionError(f"{path} is a folder: name a text file of descriptions") from None
    except UnicodeDecodeError:
        raise DescriptionError(f"{path} is not UTF-8 text: save the descriptions as plain UTF-8") from None
    except OSError as error:
        raise DescriptionError(f"{path} cannot be read: {error.strerror}") from None
    known = {_key(name): name for name in classes.names}
    found: dict[str, tuple[str, ...]] = {}
    for line, heading, paragraphs in _sections(text, str(path)):
        name = known.get(_key(heading))
        if name is None:
            near = difflib.get_close_matches(_key(heading), known, 1)
            hint = f"did you mean [{known[near[0]]}]?" if near else f"the classes are {', '.join(known.values())}"
            raise DescriptionError(f"{path}, line {line}: [{heading}] is not in the class list: {hint}")
        if name in found:
            raise DescriptionError(f"{path}, line {line}: [{heading}] stands there twice: keep one")
        if not paragraphs:
            raise DescriptionError(f"{path}, line {line}: [{heading}] has no text: write a paragraph below it")
        found[name] = paragraphs
    missing = [name for name in classes.names if name not in found]
    if missing:
        raise DescriptionError(
            f"{path} does not describe {', '.join(missing)}: add a line [{missing[0]}] and a paragraph below it"
        )
    return [found[name] for name in classes.names]


def format_descriptions(entries: Iterable[tuple[str, Sequence[str]]], head: Sequence[str] = ()) -> str:
    """Return the text of a file that ``read_descriptions`` reads back; ``head`` are comment lines at its top."""
    blocks = ["\n".join(f"# {line}".rstrip() for line in head)] if head else []
    for name, paragraphs in entries:
        blocks.append("\n\n".join([f"[{name}]\n{_wrap(paragraphs[0])}", *map(_wrap, paragraphs[1:])]))
    return "\n\n".join(blocks) + "\n"


def curated(classes: ClassList, encoder: Encoder) -> list[tuple[str, ...]]:
    """Return for every class the paragraphs that come with the package for what its name means, in class order.

    A name that the concept table does not know takes those of the nearest concept; a concept that has none is said in
    its own sentence and takes those of the concept that comes nearest. Words that say more than the land
    cover ("dry", "notill", "4wk") add a paragraph. Every paragraph names the class, with blanks for underscores.
    """
    table = load_concepts()
    texts, modifiers = _packaged("descriptions.txt"), _packaged("description_modifiers.txt")
    described = []
    for entry, readings in zip(classes, read_names(classes, table, encoder), strict=True):
        meant = _meant(readings)
        covers = list(dict.fromkeys(_nearest(name, texts, table, encoder) for name in meant))
        paragraphs = [
            f"The class {entry.name} is what the table of covers calls {concept}. {table.concepts[concept].sentence}"
            for concept in meant
            if concept not in texts
        ]
        for cover in covers:
            name = entry.name if len(covers) == 1 or _key(entry.name) == cover else f"{entry.name} ({cover})"
            paragraphs += [fill(paragraph, name) for paragraph in texts[cover]]
        for word in _modifiers(readings[0], table):
            paragraphs += [fill(paragraph, entry.name) for paragraph in modifiers[word]]
        described.append(tuple(paragraphs))
    return described


def _sections(text: str, origin: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line number, heading, paragraphs) of every section."""
    heading: tuple[int, str] | None = None
    lines: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if _is_comment(line):
            continue
        if not _is_heading(line):
            if line and heading is None:
                raise DescriptionError(
                    f"{origin}, line {number}: {textwrap.shorten(line, 40)!r} stands before the first class: "
                    "begin each class with its name in brackets, as in [Asphalt]"
                )
            lines.append(line)
            continue
        if heading is not None:
            yield (*heading, _paragraphs(lines))
        heading, lines = (number, line[1:-1].strip()), []
        if not heading[1]:
            raise DescriptionError(f"{origin}, line {number}: {line} names no class")
    if heading is not None:
        yield (*heading, _paragraphs(lines))


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    blocks = re.split(r"\n{2,}", "\n".join(lines))
    return tuple(" ".join(block.split()) for block in blocks if block.strip())


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _is_heading(line: str) -> bool:
    return line.startswith("[") and line.endswith("]")


def _key(name: str) -> str:
    """What makes two names the same class, as in the class list."""
    return " ".join(name.casefold().split())


def _wrap(paragraph: str) -> str:
    """Break a paragraph into lines, none of which would be read as a comment or a heading."""
    plain = " ".join(paragraph.split()).lstrip("#[ ")
    lines: list[str] = []
    for line in textwrap.wrap(plain, WIDTH, break_long_words=False, break_on_hyphens=False):
        if lines and (_is_comment(line) or _is_heading(line)):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return "\n".join(lines)


@cache
def _packaged(name: str) -> Mapping[str, tuple[str, ...]]:
    """The sections of a file in the folder ``prompts``, with {} for the name of the class."""
    path = PROMPTS / name
    return {heading: paragraphs for _, heading, paragraphs in _sections(path.read_text(encoding="utf-8"), name)}


def _meant(readings: Sequence[Reading]) -> list[str]:
    """The concepts that a class's name and synonyms mean: what the table knows, else the nearest to the name."""
    if not readings[0].concepts:
        return ["rest"]
    known = [name for reading in readings if is_known(reading) for name, _ in reading.concepts]
    return list(dict.fromkeys(known)) or [readings[0].concepts[0][0]]


def _nearest(name: str, texts: Mapping[str, tuple[str, ...]], table: ConceptTable, encoder: Encoder) -> str:
    """The described concept whose sentence is nearest to that of concept ``name``: as a rule, that concept itself."""
    if name in texts:
        return name
    candidates = [other for other in texts if other in table.concepts]
    sentences = [f"{concept.name}: {concept.sentence}" for concept in map(table.concepts.__getitem__, candidates)]
    target = encoder.encode([f"{name}: {table.concepts[name].sentence}"])[0]
    return candidates[int(np.argmax(encoder.encode(sentences) @ target))]


def _modifiers(reading: Reading, table: ConceptTable) -> Iterator[str]:
    """The headings of what a name says beside the land cover."""
    if reading.parts:
        yield "side by side"
    if reading.weeds:
        yield "weeds"
    if reading.level:
        yield "bright" if reading.level > 0 else "dark"
    if not reading.concepts or not _is_plant(table.concepts[reading.concepts[0][0]], table.wavelengths):
        return
    if reading.dry > 0:
        yield "dry"
    if reading.stage is not None:
        yield "early" if reading.stage < YOUNG else "half grown" if reading.stage < GROWN else "full grown"
    if reading.residue is not None:
        yield (
            "much residue" if reading.residue > 0.45 else "some residue" if reading.residue > 0.15 else "little residue"
        )


def _is_plant(concept: Concept, wavelengths: np.ndarray) -> bool:
    """Whether the first canopy has a red edge and leaf water; artificial turf has only the first."""
    variant = concept.variants[0]
    canopy = variant.reflectance if variant.canopy is None else variant.canopy
    red, infrared, before, dip = (canopy[np.abs(wavelengths - nm).argmin()] for nm in (670, 860, 1280, 1500))
    return bool(infrared > 2 * red and dip < 0.7 * before)
