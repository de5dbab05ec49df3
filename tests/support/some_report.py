"""A report of a made-up map, with everything that a report can have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.report.class_spectra import SpectrumRange
from special.report.metrics import evaluate
from special.report.page.content import (
    Assessed,
    Comparison,
    EstimatedArea,
    Report,
    ReportedClass,
    ReportedStep,
    ReportedTeacher,
)
from special.report.page.layers import layers_of
from special.report.steps_compared import StepFigures
from special.report.warning_list import MapWarning

NAMES = ("Water", "Grass", "Bare soil", "Roof")
HOSTILE = ("<b>bold</b>", "Roof, \"tiled\" 'x'", "</script><script>alert(1)</script>", "حقل")
COLOURS = np.array([[47, 111, 208], [140, 198, 63], [169, 113, 58], [200, 55, 45]], np.uint8)
NM = np.array([*np.linspace(450, 1300, 40), *np.linspace(1500, 1750, 15)])


def labels(rows: int = 40, cols: int = 60) -> np.ndarray:
    """A map in four quarters, 1..4, with a corner that is left open."""
    found = 1 + 2 * (np.arange(rows)[:, None] * 2 // rows) + (np.arange(cols)[None, :] * 2 // cols)
    found[:3, :3] = 0
    return found.astype(np.uint8)


def confidence(found: np.ndarray) -> np.ndarray:
    """A confidence that rises from left to right."""
    return np.where(found > 0, np.linspace(0.2, 1, found.shape[1], dtype=np.float32)[None, :], 0).astype(np.float32)


def spectrum(scale: float) -> SpectrumRange:
    """A spectrum that rises."""
    middle = scale * NM / 1500
    return SpectrumRange(NM, middle, 0.7 * middle, 1.4 * middle)


def report(
    names: Sequence[str] = NAMES,
    *,
    rows: int = 40,
    cols: int = 60,
    scene: str = "field",
    hectares: float | None = 0.09,
    warnings: Sequence[MapWarning] = (MapWarning("alike", "Water and Grass look alike.", ("Water", "Grass")),),
    known: bool = True,
    pictures: int = 2,
) -> Report:
    """A report; ``known``: whether something is known of the ground."""
    found = labels(rows, cols)
    grey = np.repeat(np.linspace(0, 255, rows * cols).reshape(rows, cols, 1), 3, axis=2).astype(np.uint8)
    renderings = [("True colour", grey), ("Colour infrared", grey[::-1])][:pictures]
    sure = confidence(found)
    truth = np.where(np.arange(cols) % 3 == 0, found, 0)
    truth[rows // 2 :] = np.where(truth[rows // 2 :] == 4, 1, truth[rows // 2 :])
    scores = evaluate(found, truth, names)
    counts = [int((found == number).sum()) for number in range(1, 5)]
    classes = [
        ReportedClass(
            name=name,
            colour=f"#{bytes(colour).hex()}",
            pixels=pixels,
            share=pixels / sum(counts),
            confidence=0.6,
            english="water" if number == 1 else "",
            language="German" if number == 1 else "",
            concepts=[("lake", 0.7), ("river", 0.3)] if number == 1 else [("grass", 1.0)],
            understood=True,
            own=spectrum(0.2 * number),
            expected=spectrum(0.25 * number) if number < 4 else None,
            resembles=[(names[number % 4], 0.12)],
            warnings=[one.text for one in warnings if name in one.classes],
        )
        for number, (name, colour, pixels) in enumerate(zip(names, COLOURS, counts, strict=True), start=1)
    ]
    figures = [StepFigures("pseudo", None, 0.5, (0.25,) * 4), StepFigures("warmup", 0.1, 0.6, (0.2, 0.3, 0.25, 0.25))]
    areas = [EstimatedArea(name, 10, (0.9, 0.1), None, (0.25, 0.05), (1234.5, 99.0), 0.25) for name in names]
    return Report(
        scene=scene,
        about=[("Size", f"{rows} × {cols} pixels"), ("Sensor", "EnMAP")],
        warnings=warnings,
        layers=layers_of(renderings, found, sure, COLOURS),
        classes=classes,
        unmapped=int((found == 0).sum()),
        hectares=hectares,
        unit="reflectance",
        teachers=[ReportedTeacher("spectrum-text", 0.8, 0.6, [("encoder SHA-256", "f" * 64)])],
        left_out=[("image-text", "no weights here")],
        steps=[
            ReportedStep("pseudo", "1 teacher named every pixel", figures[0], 0.7, [("pseudo.luck", "1.0", True)]),
            ReportedStep("warmup", "mambahsi learned", figures[1], 0.75, [("warmup.epochs", "40", False)]),
            ReportedStep("map", "the most probable class", None, 0.75, []),
        ],
        comparisons=[Comparison("Against the ground truth", "Not seen before.", scores)] if known else [],
        assessed=Assessed("stratified", 40, (0.9, 0.05), areas, ["few points"]) if known else None,
        versions=[("special", "0.1.0")],
        seed=7,
        command="special label scene.hdr --classes run/classes.txt --out run --seed 7",
    )
