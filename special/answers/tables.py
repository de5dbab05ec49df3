"""Answers in a table: ``questions.csv`` and ``answers.csv``, and tables of the user's own."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np

from special.answers.grid import Grid, Said
from special.answers.identity import COLUMN
from special.errors import AnswersError

_SUFFIXES = {".csv", ".tsv"}
_APART = 1.0  # pixels that x, y and row, col may differ by: formats round coordinates


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a table."""
    return path.suffix.lower() in _SUFFIXES


def read(path: Path, grid: Grid, key: str | None, key_option: str) -> Said:
    """Read a table with a header; commas, semicolons or tabs stand between its columns.

    Args:
        path: the file. grid: of the scene.
        key: the column that holds the classes, ``class`` when None.
        key_option: how messages call that.

    Raises:
        AnswersError: a column is missing, a place is no number, or the places are those of another scene.
    """
    lines = _lines(path)
    columns = {name.strip().casefold(): name for name in lines[0]} if lines else {}
    wanted = (key or "class").casefold()
    if lines and wanted not in columns:
        raise AnswersError(
            f"{path} has no column {key or 'class'!r}, but {', '.join(columns.values())}: name one with {key_option}"
        )
    by_pixel = {"row", "col"} <= columns.keys()
    by_place = {"x", "y"} <= columns.keys()
    if lines and not by_pixel and not by_place:
        raise AnswersError(f"{path} says not where: it needs the columns row and col (from 0), or x and y")
    texts, places, placeless = [], [], Counter[str]()
    for number, line in enumerate(lines, start=2):
        texts.append((line[columns[wanted]] or "").strip())
        pixel = _numbers(path, number, line, columns, ("row", "col")) if by_pixel else None
        place = _numbers(path, number, line, columns, ("x", "y")) if by_place else None
        found = _pixel_of(place, grid) if place else None
        if pixel and found and max(abs(found[0] - pixel[0] - 0.5), abs(found[1] - pixel[1] - 0.5)) > _APART:
            raise AnswersError(
                f"line {number} of {path} says row {pixel[0]:g}, column {pixel[1]:g}, but x {place[0]:g}, "  # type: ignore[index]
                f"y {place[1]:g}, which is elsewhere in this scene: is it of another scene?"  # type: ignore[index]
            )
        if not pixel and not found:
            placeless["without a place"] += bool(texts[-1])
            places.append((-1, -1))
        else:
            row, col = pixel or found or (-1, -1)
            places.append((int(np.floor(row)), int(np.floor(col))))
    where = np.array(places, dtype=np.int64).reshape(-1, 2).clip(-1, 2**31 - 1)
    scenes = frozenset((line[columns[COLUMN]] or "").strip() for line in lines) if COLUMN in columns else frozenset()
    return Said(texts, where[:, 0], where[:, 1], np.arange(len(texts)), placeless, scenes)


def _lines(path: Path) -> list[dict[str, str]]:
    """Return the lines of a table, by its header.

    Raises:
        AnswersError: it is no text, or not a table.
    """
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise AnswersError(f"{path} is not text: save the table as CSV in UTF-8")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        rows = csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True)
        lines = [line for line in rows if any(isinstance(cell, str) and cell.strip() for cell in line.values())]
    except csv.Error as error:
        raise AnswersError(f"{path} is not a table ({error}): save it as CSV in UTF-8") from None
    if lines and any(None in line for line in lines):
        raise AnswersError(f"{path} has lines with more cells than its header: quote texts that hold {delimiter!r}")
    return lines


def _numbers(
    path: Path, number: int, line: dict[str, str], columns: dict[str, str], names: tuple[str, str]
) -> tuple[float, float] | None:
    """Return two numbers of a line; None where both are empty.

    Raises:
        AnswersError: one is no number.
    """
    cells = [(line[columns[name]] or "").strip() for name in names]
    if not any(cells):
        return None
    try:
        first, second = (float(cell) for cell in cells)
    except ValueError:
        first = second = np.nan
    if not np.isfinite([first, second]).all():
        raise AnswersError(f"line {number} of {path}: {names[0]} {cells[0]!r}, {names[1]} {cells[1]!r} is no place")
    return first, second


def _pixel_of(place: tuple[float, float], grid: Grid) -> tuple[float, float]:
    """Return row and column, with fractions, of x and y."""
    (col, row) = grid.to_pixels(np.array([place]))[0]
    return float(row), float(col)
