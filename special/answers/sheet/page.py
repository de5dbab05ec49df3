"""``questions.html``: one page that shows every question, takes the answers and saves them, without a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.answers.questions import Question
from special.answers.sheet import pictures
from special.answers.sheet.pictures import Scale, Window
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import COLUMNS, MIXED, NONE_OF_THESE, UNKNOWN, Row, other_answers
from special.answers.sheet.spectra import Reference, Spectrum, figure
from special.storage.files import digest

if TYPE_CHECKING:
    from jinja2 import Template

_KEYS = "123456789abcdefghjklopqrtvwxyz"  # of the classes, in order; other letters mean something else
_OTHERS = {
    NONE_OF_THESE: ("n", "what is there is not in the list"),
    MIXED: ("m", "two classes or more share the place"),
    UNKNOWN: ("i", "the pictures do not tell"),
}
_MOST_WITHOUT_SEARCH = 12


@dataclass(frozen=True)
class Rendering:
    """The whole scene as a picture. ``title``: what is shown; ``image``: uint8 (rows, cols, 3)."""

    title: str
    image: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """What is shown of a question beside its pictures: the spectrum of its area, and those of the leading classes."""

    spectrum: Spectrum
    references: tuple[Reference, ...]


@dataclass(frozen=True)
class Page:
    """What the page is made of.

    Attributes:
        scene: what the scene is called. saved: the file that answers are saved in.
        then: what to do with it, a sentence. command: how.
        table: where answers can be given without a script.
        questions: one or more. evidence: of each.
        names: of the K classes. colours: uint8 (K, 3), of the map.
        placement: where pixels lie.
        renderings: one or more; the first one also shows the whole scene.
        unit: of the spectra, in words.
        areas: whether an answer is about the outlined area, or else about the pixel that is marked in it.
        identity: the beginning of the hash of the scene's files.
    """

    scene: str
    saved: str
    then: str
    command: str
    table: str
    questions: Sequence[Question]
    evidence: Sequence[Evidence]
    names: Sequence[str]
    colours: NDArray[np.uint8]
    placement: Placement
    renderings: Sequence[Rendering]
    unit: str
    areas: bool
    identity: str = ""


def write_page(path: Path, page: Page) -> Path:
    """Write the page."""
    path.write_text(_render(page), encoding="utf-8", newline="")
    return path


def _render(page: Page) -> str:
    script = _text("page.js")
    rows, cols = page.renderings[0].image.shape[:2]
    colours = {name: f"#{bytes(colour).hex()}" for name, colour in zip(page.names, page.colours, strict=True)}
    keys = dict(zip(page.names, _KEYS, strict=False))  # what is beyond them is chosen by the mouse, or by its name
    return _template().render(
        scene=page.scene,
        saved=page.saved,
        then=page.then,
        command=page.command,
        table=page.table,
        told=any(question.guess for question in page.questions),
        unit=page.unit,
        mark=not page.areas,
        questions=[
            _shown(page, question, evidence, colours)
            for question, evidence in zip(page.questions, page.evidence, strict=True)
        ],
        overview={"src": pictures.overview(page.renderings[0].image), "wide": cols, "high": rows},
        choices=[{"name": name, "colour": colours[name], "key": keys.get(name, "")} for name in page.names],
        others=[
            {"name": name, "key": _OTHERS[name][0], "title": _OTHERS[name][1]} for name in other_answers(page.names)
        ],
        most_without_search=_MOST_WITHOUT_SEARCH,
        data=_data(page),
        style=_text("page.css"),
        script=script,
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def _shown(page: Page, question: Question, evidence: Evidence, colours: dict[str, str]) -> dict[str, Any]:
    """What the template needs of a question."""
    shape = page.renderings[0].image.shape
    window = Window.around(question, (shape[0], shape[1]))
    wide, high = page.placement.pixel_size(question.row, question.col)
    drawn = figure(evidence.spectrum, evidence.references)
    scale = Scale.of(window.wide, wide, page.placement.unit)
    return {
        "id": question.id,
        "row": question.row,
        "col": question.col,
        "alone": len(question.area) == 1,
        "extent": _extent(len(question.area), wide * high, page.placement.unit),
        "pictures": [
            {"title": rendering.title, "src": pictures.picture(window.cut(rendering.image))}
            for rendering in page.renderings
        ],
        "window": window,
        "outline": window.outline(question.area),
        "pixel": f"M{question.col - window.left} {question.row - window.top}h1v1h-1z",
        "scale": scale,
        "bar": f"M{0.05 * window.wide:g} {0.95 * window.high:g}h{scale.share * window.wide:g}",
        "dot": f"M{question.col + 0.5} {question.row + 0.5}h0",
        "figure": drawn,
        "legend": [
            {"name": reference.name, "made_of": reference.made_of, "line": line, "colour": colours[reference.name]}
            for reference, line in zip(evidence.references, drawn.references, strict=True)
        ],
    }


def _extent(pixels: int, pixel_area: float, unit: str) -> str:
    """How large an area is, in words."""
    counted = f"{pixels} pixel{'s' if pixels != 1 else ''}"
    if unit != "m":
        return counted
    metres = pixels * pixel_area
    return f"{counted} ({metres / 1e4:.3g} ha)" if metres >= 1000 else f"{counted} ({metres:.3g} m²)"


def _data(page: Page) -> dict[str, Any]:
    """What the script needs: the lines of the file that it saves, and what the map thinks of each question."""
    questions = []
    for question in page.questions:
        likely = ((question.guess, question.confidence), *question.runners_up) if question.guess else ()
        questions.append(
            {
                "id": question.id,
                "cells": Row.of(question, page.placement, page.identity).cells(),
                "guess": question.guess,
                "shares": {name: f"{share:.0%}" for name, share in likely if share >= 0.005},
            }
        )
    known = {"file": page.saved, "columns": COLUMNS, "questions": questions}
    return {**known, "key": f"special answers {digest([known, list(page.names)])}"}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined).from_string(_text("page.html"))


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
