"""``questions.qml``: how QGIS shows the questions, and the form in which it takes answers.

QGIS reads a style that bears the name of the layer's file by itself. What stands in it is what QGIS 3.22 writes, and
later versions read: https://docs.qgis.org/latest/en/docs/user_manual/appendices/qgis_file_formats.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np
from numpy.typing import NDArray

from special.answers.sheet.rows import other_answers

_FIELDS = ("id", "class", "guess", "confidence", "runners_up", "scene")
_ANSWERED_OTHERWISE, _OPEN, _RIM = "128,128,128,255", "255,214,10,255", "20,20,20,255"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_form(path: Path, names: Sequence[str], colours: NDArray[np.uint8], *, areas: bool) -> Path:
    """Write the style of the layer of questions.

    Args:
        path: beside the GeoPackage, with its name and the suffix ``.qml``.
        names: of the K classes. colours: uint8 (K, 3), of the map.
        areas: whether the layer holds areas, or else points.
    """
    answers = [*map(_legal, names), *other_answers(names)]
    shown = [f"{','.join(map(str, colour))},255" for colour in colours.tolist()]
    shown += [_ANSWERED_OTHERWISE] * (len(answers) - len(shown))
    root = Element("qgis", version="3.22", styleCategories="Symbology|Labeling|Fields|Forms", labelsEnabled="1")
    _symbols(root, [*zip(answers, shown, strict=True)], areas=areas)
    _numbers(root)
    _widgets(root, answers)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _widgets(root: Element, answers: Sequence[str]) -> None:
    """A list to choose the class from; the rest can only be read."""
    configuration = SubElement(root, "fieldConfiguration")
    for name in _FIELDS:
        field = SubElement(configuration, "field", name=name)
        chosen = name == "class"
        widget = SubElement(field, "editWidget", type="ValueMap" if chosen else "TextEdit")
        options = SubElement(SubElement(widget, "config"), "Option", type="Map")
        if chosen:
            listed = SubElement(options, "Option", type="List", name="map")
            for answer in answers:
                entry = SubElement(listed, "Option", type="Map")
                SubElement(entry, "Option", type="QString", name=answer, value=answer)
    editable = SubElement(root, "editable")
    for name in _FIELDS:
        SubElement(editable, "field", name=name, editable=str(int(name == "class")))


def _symbols(root: Element, answers: Sequence[tuple[str, str]], *, areas: bool) -> None:
    """The colours of the map for what is answered; yellow for what is not."""
    renderer = SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="class", enableorderby="0", forceraster="0"
    )
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for number, (value, colour) in enumerate([*answers, ("", _OPEN)]):
        category = {"symbol": str(number), "value": value, "label": value or "not answered yet", "render": "true"}
        SubElement(categories, "category", category | {"type": "string" if value else "NULL"})
        symbol = SubElement(symbols, "symbol", type="fill" if areas else "marker", name=str(number), alpha="1")
        layer = SubElement(symbol, "layer", {"class": "SimpleFill" if areas else "SimpleMarker", "enabled": "1"})
        for key, text in (_fill(colour, open=not value) if areas else _marker(colour)).items():
            SubElement(layer, "prop", k=key, v=text)


def _fill(colour: str, *, open: bool) -> dict[str, str]:
    edge = {"outline_color": colour, "outline_width": "0.6", "outline_width_unit": "MM", "outline_style": "solid"}
    return {"color": colour, "style": "no" if open else "b_diagonal", **edge}


def _marker(colour: str) -> dict[str, str]:
    edge = {"outline_color": _RIM, "outline_width": "0.4", "outline_width_unit": "MM", "outline_style": "solid"}
    return {"name": "circle", "color": colour, "size": "3.2", "size_unit": "MM", **edge}


def _numbers(root: Element) -> None:
    """The number of each question beside it."""
    settings = SubElement(SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
    style = {"fieldName": "id", "isExpression": "0", "fontSize": "9", "fontSizeUnit": "Point", "textColor": _RIM}
    text = SubElement(settings, "text-style", style)
    SubElement(
        text,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.9",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
        bufferOpacity="1",
    )
    SubElement(settings, "placement", placement="0", dist="1.5", distUnits="MM")


def _legal(name: str) -> str:
    """Return a name without the few characters that XML cannot hold."""
    return _NOT_IN_XML.sub("", name)
