"""The attribute table that ArcGIS writes beside a raster, ``NAME.tif.vat.dbf``: what the numbers of a label image mean.

Format: dBase III. A header of 32 bytes, 32 bytes for every field, 0x0D, then records of fixed width.
"""

from __future__ import annotations

import re
from pathlib import Path

from special.errors import SceneError

_MOST_BYTES = 16 << 20
VALUE_HEADING = re.compile(r"value|gridcode|grid_code|class_?(id|no|num\w*)|code|id", re.IGNORECASE)
NAME_HEADING = re.compile(
    r"class_?names?|classes|names?|labels?|category|description|land_?cover|lc_?\w*|class", re.IGNORECASE
)


def named_in_table(image: Path) -> dict[int, str]:
    """Return the class names in the table beside an image; none where there is no table, or no column of names.

    Raises:
        SceneError: it is damaged.
    """
    for name in (f"{image.name}.vat.dbf", f"{image.stem}.vat.dbf", f"{image.name}.VAT.DBF"):
        path = image.with_name(name)
        if path.is_file():
            break
    else:
        return {}
    fields, records = _read(path)
    values = next(
        (i for i, (title, kind) in enumerate(fields) if kind in "NF" and VALUE_HEADING.fullmatch(title)), None
    )
    texts = [i for i, (_, kind) in enumerate(fields) if kind == "C"]
    named = [i for i in texts if NAME_HEADING.fullmatch(fields[i][0])] or (texts if len(texts) == 1 else [])
    if values is None or not named:
        return {}
    found = {}
    for record in records:
        try:
            found[int(float(record[values]))] = record[named[0]]
        except (ValueError, OverflowError):
            continue
    return found


def _read(path: Path) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """The fields, (title, type), and the cells of every record that is not deleted."""
    with path.open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    count, start, width = (int.from_bytes(data[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    if len(data) > _MOST_BYTES or start < 33 or width < 2 or len(data) < start + count * width:
        raise SceneError(f"{path} is damaged or no table of classes: write it again, or move it away")
    fields, sizes = [], []
    for place in range(32, start - 1, 32):
        if data[place : place + 1] == b"\r":
            break
        title = data[place : place + 11].partition(b"\0")[0].decode("ascii", errors="replace")
        fields.append((title.strip(), chr(data[place + 11])))
        sizes.append(data[place + 16])
    records = []
    for number in range(count):
        record = data[start + number * width : start + (number + 1) * width]
        if record[:1] == b"*":
            continue
        cells, at = [], 1
        for size in sizes:
            cells.append(_text(record[at : at + size]))
            at += size
        records.append(cells)
    return fields, records


def _text(cell: bytes) -> str:
    try:
        return cell.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return cell.decode("cp1252", errors="replace").strip(" \0")
