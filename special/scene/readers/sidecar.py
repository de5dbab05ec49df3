"""What files beside an image say: wavelengths in an ENVI header or a STAC item, class names in GDAL's ``.aux.xml``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from special.scene.readers.attribute_table import NAME_HEADING, VALUE_HEADING
from special.scene.readers.envi import spectral_fields
from special.scene.readers.envi_header import header_beside
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.readers.stac import described_by
from special.scene.source import Source

_USAGE_NAME, _USAGE_VALUE = "2", "5"  # of a column in GDAL's attribute tables


def with_sidecar(source: Source, path: Path) -> Source:
    """Return the source of an image with what the files beside it say of its bands; what it says itself is kept.

    Raises:
        SceneError: an ENVI header beside it contradicts itself.
    """
    if source.wavelengths is not None:
        return source
    header = header_beside(path)
    if header is not None:
        fields = spectral_fields(header, source.shape[2])
        if fields is not None:
            own = {name: getattr(source, name) for name in fields if getattr(source, name) is not None}
            if own.keys() & {"gains", "offsets", "scale_factor"}:  # never both
                fields = {name: fields[name] for name in fields.keys() - {"gains", "offsets", "scale_factor"}}
            note = f"the bands are described by {header.name}"
            return replace(source, **{**fields, **own}, notes=(*source.notes, note))
    for name in (f"{path.stem}.stac.json", f"{path.name}.stac.json", f"{path.stem}.json", f"{path.name}.json"):
        found = described_by(path.with_name(name), path.name, source)
        if found is not None:
            return replace(source, **found, notes=(*source.notes, f"the bands are described by {name}"))
    return source


def named_beside(path: Path) -> dict[int, str]:
    """Return the class names beside an image: of GDAL's ``.aux.xml``, category names or else the attribute table; or of
    a QGIS style ``NAME.qml``, its palette.

    Raises:
        SceneError: it is damaged, or nothing that is read.
    """
    return _named_by_gdal(path.with_name(f"{path.name}.aux.xml")) or _named_by_style(path.with_suffix(".qml"))


def _named_by_gdal(beside: Path) -> dict[int, str]:
    if not beside.is_file():
        return {}
    with beside.open("rb") as stream:
        band = parse_xml(stream.read(MOST_BYTES + 1), str(beside)).find("PAMRasterBand")
    if band is None:
        return {}
    categories = [item.text or "" for item in band.findall("CategoryNames/Category")]
    if any(categories):
        return dict(enumerate(categories))
    table = band.find("GDALRasterAttributeTable")
    return {} if table is None else _named_in_table(table)


def _named_by_style(beside: Path) -> dict[int, str]:
    if not beside.is_file():
        return {}
    with beside.open("rb") as stream:
        root = parse_xml(stream.read(MOST_BYTES + 1), str(beside))
    names = {}
    for entry in root.iter("paletteEntry"):
        try:
            names[int(float(entry.get("value", "")))] = entry.get("label", "")
        except (ValueError, OverflowError):
            continue
    return names


def _named_in_table(table: ElementTree.Element) -> dict[int, str]:
    """Usage 5 is the value, 0 to 255 in turn where no column has it; usage 2 the name. Else titles tell."""
    usages = [field.findtext("Usage", "").strip() for field in table.findall("FieldDefn")]
    titles = [field.findtext("Name", "").strip() for field in table.findall("FieldDefn")]
    at = _column(usages, titles, _USAGE_NAME, NAME_HEADING)
    value_at = _column(usages, titles, _USAGE_VALUE, VALUE_HEADING)
    if at is None:
        return {}
    names = {}
    for row, line in enumerate(table.findall("Row")):
        cells = [cell.text or "" for cell in line.findall("F")]
        try:
            names[row if value_at is None else int(float(cells[value_at]))] = cells[at]
        except (IndexError, ValueError, OverflowError):
            continue
    return names


def _column(usages: list[str], titles: list[str], usage: str, heading: re.Pattern[str]) -> int | None:
    """The number of the column of a usage, else of one that is headed so."""
    if usage in usages:
        return usages.index(usage)
    return next((i for i, title in enumerate(titles) if heading.fullmatch(title)), None)
