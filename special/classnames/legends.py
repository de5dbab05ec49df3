"""Class lists in the files that maps come with: tables of numbers, names and colours, QGIS styles, ENVI headers.

Each becomes lines of a class list, in the order of its numbers; a colour stands behind the name, "Water #2f6fd0".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from special.classnames.draft import REST
from special.classnames.vocabulary import normalise
from special.errors import ClassListError, SceneError
from special.scene.readers.envi_header import read_header

HEADINGS = {
    "number": "number no nr id value code dn class_id classid gid index klasse_nr",
    "name": "name class class_name classname label category landcover land_cover klasse nom nombre nome",
    "synonyms": "synonym synonyms",
    "description": "description definition",
    "colour": "color colour hex rgb farbe couleur",
    "red": "r red",
    "green": "g green",
    "blue": "b blue",
    "alpha": "a alpha opacity",
}  # of columns, in lower case, blanks as underscores
_ROLES = {heading: role for role, headings in HEADINGS.items() for heading in headings.split()}
_HEX = re.compile(r"#?([0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?")
_RGB = re.compile(r"(?:rgb\()?\s*(\d{1,3})[\s,;/]+(\d{1,3})[\s,;/]+(\d{1,3})\s*\)?")


@dataclass(frozen=True)
class Entry:
    """One class of a legend. ``number``: its value in maps, where that is said; ``colour``: ``#rrggbb`` or ""."""

    number: int | None
    name: str
    colour: str = ""
    synonyms: str = ""
    description: str = ""

    @property
    def line(self) -> str:
        """The class as a line of a class list."""
        name = " ".join(part for part in (" ".join(self.name.split()), self.colour) if part)
        more = " | ".join([name, *(one.strip() for one in re.split(r"[|;,]", self.synonyms) if one.strip())])
        return f"{more}: {' '.join(self.description.split())}" if self.description.strip() else more


def legend_lines(text: str, path: Path) -> tuple[list[str], tuple[str, ...]] | None:
    """Return the lines of a class list and what is to be said of them; None for a file that is no legend.

    Raises:
        ClassListError: it is one by its suffix, and cannot be understood.
    """
    readers: dict[str, Callable[[str, Path], list[Entry]]] = {
        ".csv": _table,
        ".tsv": _table,
        ".qml": _style,
        ".hdr": _header,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        return None
    entries = [entry for entry in reader(text, path) if entry.name.strip()]
    numbers = [entry.number for entry in entries if entry.number is not None]
    if len(numbers) < len(entries):
        return [entry.line for entry in entries], ()
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise ClassListError(f"{path} has the number {twice[0]} twice: every class has a number of its own")
    entries = sorted(
        (entry for entry in entries if entry.number != 0 or normalise(entry.name) not in REST),
        key=lambda entry: entry.number or 0,
    )
    given = [entry.number for entry in entries]
    notes: tuple[str, ...] = ()
    if given != list(range(1, len(given) + 1)):
        shown = ", ".join(map(str, given[:4])) + (", ..." if len(given) > 4 else "")
        notes = (f"{path.name} numbers its classes {shown}: the map counts them from 1 to {len(given)}, in that order",)
    return [entry.line for entry in entries], notes


def _table(text: str, path: Path) -> list[Entry]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = max("\t;,", key=lambda mark: sum(mark in line for line in lines))
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    roles = _headings(rows[0]) if rows else []
    if roles:
        rows = rows[1:]
    else:
        roles = _guessed(rows, width)
    if roles.count("name") != 1:
        raise ClassListError(
            f"{path} has {width} columns, and which has the names is not clear: "
            "head them in its first line, number,name,colour"
        )
    return [_entry(dict(zip(roles, row, strict=True)), path, number) for number, row in enumerate(rows, start=1)]


def _headings(row: Sequence[str]) -> list[str]:
    """Return what each column holds, by its heading; nothing where the row is none of headings."""
    roles = [_ROLES.get("_".join(cell.casefold().split()), "") for cell in row]
    return roles if "name" in roles else []


def _guessed(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return what each column holds, by what stands in it: whole numbers, colours, and text, which is the name."""
    columns = [[row[i] for row in rows] for i in range(width)]
    whole = [all(re.fullmatch(r"\d+", cell) for cell in column) for column in columns]
    roles = ["number" if whole[i] and i == 0 else "" for i in range(width)]
    for i, column in enumerate(columns):
        if not roles[i] and all(_colour(cell) for cell in column):
            roles[i] = "colour"
        elif not roles[i] and not whole[i]:
            roles[i] = "name"
    left = [i for i in range(width) if not roles[i] and whole[i]]
    for role, i in zip(("red", "green", "blue", "alpha"), left if len(left) in (3, 4) else [], strict=False):
        roles[i] = role
    return roles


def _entry(cells: dict[str, str], path: Path, row: int) -> Entry:
    number = cells.get("number", "")
    if number and not re.fullmatch(r"\d+", number):
        raise ClassListError(f"{path}, class {row}: the number is {number!r}: write a whole number, or none")
    written = cells.get("colour") or ",".join(cells.get(part, "") for part in ("red", "green", "blue")).strip(",")
    colour = _colour(written)
    if written and not colour:
        raise ClassListError(f"{path}, class {row}: the colour is {written!r}: write #rrggbb, or three values to 255")
    return Entry(
        int(number) if number else None,
        cells["name"],
        colour,
        cells.get("synonyms", ""),
        cells.get("description", ""),
    )


def _colour(text: str) -> str:
    """Return ``#rrggbb`` of a colour as people write it; "" where it is none."""
    if found := _HEX.fullmatch(text.strip()):
        return f"#{found[1].lower()}"
    found = _RGB.fullmatch(text.strip())
    values = [int(value) for value in found.groups()] if found else []
    return f"#{bytes(values).hex()}" if values and max(values) <= 255 else ""


def _style(text: str, path: Path) -> list[Entry]:
    """The palette of a QGIS raster style, its colour ramp of classes, or the categories of a style of vectors."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ClassListError(f"{path} is no QGIS style: {error}") from None
    items = list(root.iter("paletteEntry")) or [item for ramp in root.iter("colorrampshader") for item in ramp]
    found = [
        Entry(int(float(item.get("value", "x"))), item.get("label", ""), _colour(item.get("color", "")))
        for item in items
        if re.fullmatch(r"\d{1,9}(\.0*)?", item.get("value", "")) and item.get("label")
    ]
    found = found or _categories(root)
    if not found:
        raise ClassListError(f"{path} has no classes with values and labels: save a style that has a colour a class")
    return found


def _categories(root: ElementTree.Element) -> list[Entry]:
    """The categories of a style of polygons or points, whose values are the classes' numbers or their names."""
    colours = {}
    for symbol in root.iter("symbol"):
        options = [item.get("value", "") for item in symbol.iter("Option") if item.get("name") == "color"]
        options += [item.get("v", "") for item in symbol.iter("prop") if item.get("k") == "color"]
        colours[symbol.get("name", "")] = _colour(",".join(options[0].split(",")[:3])) if options else ""
    found = []
    for item in root.iter("category"):
        value, name = item.get("value", "").strip(), item.get("label", "").strip() or item.get("value", "").strip()
        if value and name:  # QGIS ends with a category of all other values, which has none
            number = int(float(value)) if re.fullmatch(r"\d{1,9}(\.0*)?", value) else None
            found.append(Entry(number, name, colours.get(item.get("symbol", ""), "")))
    return found


def _header(text: str, path: Path) -> list[Entry]:
    """The class names and colours of an ENVI classification header, of which the first is Unclassified."""
    try:
        fields = read_header(path)
    except SceneError as error:
        raise ClassListError(str(error)) from None
    names = [name.strip() for name in fields.get("class names", "").split(",") if name.strip()]
    if not names:
        raise ClassListError(f"{path} has no `class names`: name the header of an ENVI classification, or a class list")
    values = [int(value) for value in re.findall(r"\d+", fields.get("class lookup", ""))]
    colours = [_colour(",".join(map(str, values[3 * i : 3 * i + 3]))) for i in range(len(names))]
    return [Entry(i, name, colour) for i, (name, colour) in enumerate(zip(names, colours, strict=True))]
