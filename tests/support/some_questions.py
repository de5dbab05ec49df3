"""Questions about a made-up scene, and the page that shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.answers.questions import Question
from special.answers.sheet.page import Evidence, Page, Rendering
from special.answers.sheet.placement import Placement
from special.answers.sheet.spectra import Reference, Spectrum
from special.scene import Georeference

NAMES = ("Water", "Grass", "Bare soil")
UTM = Georeference("EPSG:32633", (9.0, 0.0, 383851.349, 0.0, -9.0, 5819308.225))
SHAPE = (30, 20)


def questions(names: Sequence[str] = NAMES, count: int = 4) -> list[Question]:
    """Squares of 3 x 3 pixels down a diagonal, guessed to be one class after the other."""
    found = []
    for index in range(count):
        row, col = 2 + 6 * index % 26, 2 + 4 * index % 16
        area = np.argwhere(np.ones((3, 3), bool)).astype(np.int32) + np.array([row - 1, col - 1], np.int32)
        guess, other = names[index % len(names)], names[(index + 1) % len(names)]
        found.append(Question(1 + index, row, col, area, guess, 0.625, ((other, 0.25),), index))
    return found


def page(
    names: Sequence[str] = NAMES,
    count: int = 4,
    *,
    areas: bool = False,
    georeference: Georeference | None = None,
    scene: str = "strips",
) -> Page:
    """A page about ``count`` questions, with two renderings of noise and spectra of a few bands."""
    rng = np.random.default_rng(0)
    nm = np.linspace(450, 900, 10)
    level = Spectrum(nm, np.full(10, 0.2), np.full(10, 0.1), np.full(10, 0.3))
    asked = questions(names, count)
    titles = "True colour", "Colour infrared"
    return Page(
        scene=scene,
        saved="answers.csv",
        table="questions.csv",
        then="When the file is saved, go on with:",
        command="special label ... --labels strips.special/answers.csv",
        questions=asked,
        evidence=[Evidence(level, (Reference(question.guess, "expected", level),)) for question in asked],
        names=names,
        colours=rng.integers(0, 256, (len(names), 3), dtype=np.uint8),
        placement=Placement.of(georeference),
        renderings=[Rendering(title, rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)) for title in titles],
        unit="reflectance",
        areas=areas,
    )
