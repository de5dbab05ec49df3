"""``questions.csv``: for a spreadsheet, and for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from special.answers.sheet.rows import COLUMNS, Row


def write_table(path: Path, rows: Sequence[Row]) -> Path:
    """Write the questions, UTF-8, a line each, the column ``class`` empty."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(row.cells() for row in rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def is_blank(path: Path) -> bool:
    """Whether a table is as it was written: nobody has filled in a class, or saved it in another form."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *lines = csv.reader(stream)
    except (OSError, ValueError, csv.Error):
        return False
    return tuple(header) == COLUMNS and not any(dict(zip(header, line, strict=False))["class"] for line in lines)
