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


def has_answers(path: Path) -> bool:
    """Whether somebody has filled in the column ``class`` of a table; False where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return any((row.get("class") or "").strip() for row in csv.DictReader(stream))
    except (OSError, ValueError, csv.Error):
        return False
