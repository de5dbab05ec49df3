"""Tables of text: what is said of the spectra of a library, and how rows are told to be which spectrum's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from special.errors import SettingsError

_MOST_BYTES = 1 << 28
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """The cells of a CSV, without empty lines; all are text."""

    path: Path
    rows: list[list[str]]


def read_table(path: Path) -> Table:
    """Read a CSV of any separator, in UTF-8 or Windows' code page.

    Raises:
        SettingsError: it is no text, or too large.
    """
    with path.open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES or b"\0" in data[:4096]:
        raise SettingsError(f"{path} is no table of text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    separator = _separator(text[:20000])
    csv.field_size_limit(1 << 24)
    rows = [[cell.strip().rstrip(";") for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator)]
    if separator != ",":
        rows = [[cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in row] for row in rows]
    return Table(path, [row for row in rows if any(row)])


def _separator(head: str) -> str:
    """What parts the cells; where that is a semicolon, commas are those of decimals."""
    lines = [line.rstrip("; ") for line in head.splitlines()[:-1] or head.splitlines() if line.strip("; ")]
    counts = {line.count(";") for line in lines}
    if len(counts) == 1 and counts != {0}:
        return ";"
    separator = max(",;\t", key=head.count)
    return "," if separator == ";" and head.count(",") > 2 * head.count(";") else separator


def metadata_beside(data: Path) -> Table | None:
    """Return the table beside a library: ``NAME.csv``, or ``NAME_metadata.csv`` for ``NAME_spectra.csv``."""
    stem = re.sub(r"\.hdr$", "", data.name, flags=re.IGNORECASE).rpartition(".")[0] or data.stem
    names = [f"{stem}.csv", f"{stem}_metadata.csv", re.sub("spectra", "metadata", f"{stem}.csv", flags=re.IGNORECASE)]
    for name in names:
        path = data.with_name(name)
        if path != data and path.is_file():
            return read_table(path)
    return None


def matched(table: Table, names: Sequence[str]) -> list[dict[str, str]]:
    """Return what a table says of each of ``names``, {column: text}: by a column that holds them, else by the order.

    Raises:
        SettingsError: neither tells.
    """
    header, *rows = table.rows
    rows = [row for row in rows if len(row) >= len(header) / 2]
    wanted = [_plain(name) for name in names]
    for at in range(len(header)):
        found = {_plain(row[at]): row for row in rows if at < len(row)}
        if sum(name in found for name in wanted) >= 0.9 * len(wanted):
            lines = [found.get(name, []) for name in wanted]
            break
    else:
        if len(rows) != len(names):
            raise SettingsError(
                f"{table.path} has {len(rows)} rows for {len(names)} spectra, and no column with their names: mend it"
            )
        at, lines = -1, rows
    return [{title: line[i] for i, title in enumerate(header) if i != at and i < len(line) and title} for line in lines]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
