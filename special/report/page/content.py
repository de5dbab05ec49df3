"""What the page is made of: plain data, whoever has found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from special.report.class_spectra import SpectrumRange
from special.report.metrics import Scores
from special.report.page.layers import Layers
from special.report.steps_compared import StepFigures
from special.report.warning_list import MapWarning


@dataclass(frozen=True)
class ReportedClass:
    """One class of the map.

    Attributes:
        name: as in the class list. colour: ``#rrggbb``, of the map.
        pixels: in the map. share: of the mapped pixels. confidence: the mean there; None without pixels.
        english, language: what the name was put into English as, and from where; empty where it was read as written.
        concepts: (concept, weight) that it was understood as. understood: None where no teacher has read it.
        own: the spectrum of its pixels; expected: the one that its name lets expect. None where there is none.
        resembles: (class, mean probability in its pixels), what these might be instead, the likeliest first.
        warnings: what there is to know of it.
    """

    name: str
    colour: str
    pixels: int
    share: float
    confidence: float | None
    english: str
    language: str
    concepts: Sequence[tuple[str, float]]
    understood: bool | None
    own: SpectrumRange | None
    expected: SpectrumRange | None
    resembles: Sequence[tuple[str, float]]
    warnings: Sequence[str]


@dataclass(frozen=True)
class ReportedTeacher:
    """A teacher that had a say. ``made_of``: (what, hash or name); ``skill``: estimated; None for one that is alone."""

    name: str
    weight: float
    skill: float | None
    made_of: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ReportedStep:
    """A step.

    Attributes:
        name: of the step. did: what, in words.
        figures: what it made of the step before; None where it leaves no probabilities.
        accuracy: overall accuracy after it, where a truth is known.
        settings: (name, value, whether that is the value of the default pipeline).
    """

    name: str
    did: str
    figures: StepFigures | None
    accuracy: float | None
    settings: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True)
class Comparison:
    """How well the map agrees with labels. ``title``: with which; ``note``: what these figures are worth."""

    title: str
    note: str
    scores: Scores


@dataclass(frozen=True)
class EstimatedArea:
    """A line of the assessment. Figures are (estimate, half of its 95 % confidence interval), or None; shares of 1."""

    name: str
    points: int
    users: tuple[float, float] | None
    producers: tuple[float, float] | None
    area: tuple[float, float] | None
    hectares: tuple[float, float] | None
    mapped: float


@dataclass(frozen=True)
class Assessed:
    """What a probability sample tells of the map. ``overall``: accuracy, as the figures of ``EstimatedArea``."""

    design: str
    points: int
    overall: tuple[float, float] | None
    areas: Sequence[EstimatedArea]
    notes: Sequence[str]


@dataclass(frozen=True)
class Report:
    """All of the page.

    Attributes:
        scene: what it is called. about: (what, value) of the scene.
        warnings: of the map, the gravest first.
        layers: pictures of scene and map.
        classes: in the order of the list. unmapped: pixels that the map leaves at 0.
        hectares: of a pixel; None where that is not known.
        unit: of the spectra, in words.
        teachers: that had a say. left_out: (teacher, why).
        steps: of the run, in order.
        comparisons: with truth, test pixels or answers. assessed: by a probability sample, or None.
        versions: (what, version). seed: of the run.
        command: what makes the run again. answers: of the user, which the run keeps and the command does not name.
    """

    scene: str
    about: Sequence[tuple[str, str]]
    warnings: Sequence[MapWarning]
    layers: Layers
    classes: Sequence[ReportedClass]
    unmapped: int
    hectares: float | None
    unit: str
    teachers: Sequence[ReportedTeacher]
    left_out: Sequence[tuple[str, str]]
    steps: Sequence[ReportedStep]
    comparisons: Sequence[Comparison]
    assessed: Assessed | None
    versions: Sequence[tuple[str, str]]
    seed: int
    command: str
    answers: int = 0


def assessed_from_json(document: Mapping[str, Any]) -> Assessed:
    """Read what ``special assess`` has found; it may come from somebody else.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OverflowError: it is damaged.
    """

    def interval(one: Mapping[str, Any] | None) -> tuple[float, float] | None:
        return None if one is None else (float(one["estimate"]), float(one["ci95"]))

    areas = [
        EstimatedArea(
            str(name),
            int(entry["points"]),
            interval(entry["users_accuracy"]),
            interval(entry["producers_accuracy"]),
            interval(entry["area_share"]),
            interval(entry.get("hectares")),
            float(entry["mapped_share"]),
        )
        for name, entry in document["classes"].items()
    ]
    overall = interval(document["overall_accuracy"])
    notes = [str(note) for note in document["notes"]]
    return Assessed(str(document["design"]), int(document["points"]), overall, areas, notes)
