"""The step ``report``: what a careful person would want to know of the map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.cache.step import Step
from special.report.metrics import count_labels
from special.report.steps_compared import StepFigures, compare
from special.report.warning_list import MISFIT_RATE, SATURATED, UNSURE, MapFigures, warnings_of
from special.scene.masks import NODATA
from special.steps.context import SceneContext
from special.storage.files import load_json, save_json
from special.storage.rasters import blocks

if TYPE_CHECKING:
    from special.scene import Scene
    from special.teachers.spectrum_text.as_seen import SeenSpectra

_LOOKED_AT = 2000  # pixels, evenly spread, that say how well the calibration fits
_DEGREES = "pseudo.spectrum_text.degrees_of_freedom"
_ASSUMED = re.compile(r"\b(taken (as|for)|was read as|nominal|evenly spaced|longer than|left out|could not|no place)\b")
"""What notes say of a scene where something could have been understood otherwise."""


def _run(context: SceneContext, folder: Path) -> None:
    """Say what there is to say of the map."""
    labels, confidence = context.array("map", "map.npy"), context.array("map", "confidence.npy")
    known = [name for name in context.step.upstream if context.has(name, "probabilities.npy")]
    left = {name: context.rows(name, "probabilities.npy") for name in known if name != "map"}
    stages = compare(left, context.scene.valid)
    found = Found(context, labels, confidence, stages)
    warnings = warnings_of(found.figures())
    save_json(folder / "record.json", {"warnings": [warning.to_json() for warning in warnings]})


@dataclass(frozen=True)
class Found:
    """What the steps of a run have found.

    Attributes:
        context: of the step.
        labels: the map, whole numbers (rows, cols), 1..K, 0 = no data or rejected. confidence: float32 (rows, cols).
        stages: what each step made of the one before.
    """

    context: SceneContext
    labels: np.ndarray
    confidence: np.ndarray
    stages: list[StepFigures]

    def record(self, step: str) -> Mapping[str, Any]:
        """Return the figures that a step has left; nothing of one that the run lacks."""
        has = step in self.context.step.upstream and self.context.has(step, "record.json")
        return load_json(self.context.payload(step, "record.json")) if has else {}

    def figures(self) -> MapFigures:
        """Return what the warnings are made from."""
        context, scene, teachers = self.context, self.context.scene, self.record("pseudo")
        names = context.classes.names
        counts = count_labels(self.labels, len(names))
        mapped = self.confidence[self.labels > 0]
        pixels = max(1, len(mapped))
        seen = self.seen()
        teachers_confidence, agreement = self._beside_the_teachers()
        return MapFigures(
            pixels=scene.valid.size,
            valid=int(scene.valid.sum()),
            masked=sum(mask.pixels for mask in scene.masked if mask.used and mask.name != NODATA),
            bands=scene.file_bands,
            dropped=len(scene.bad_bands),
            mapped=list(zip(names, counts[1:].tolist(), strict=True)),
            not_understood=teachers.get("not_understood", []),
            kinds_of_one=[(kind["of"], kind["classes"]) for kind in teachers.get("kinds_of_one", [])],
            alike=[(*pair["classes"], pair["outlines"]) for pair in teachers.get("alike", [])],
            misfit=None if seen is None else self._misfit(seen),
            confidence=float(mapped.mean()) if len(mapped) else 0.0,
            unsure=int((mapped < UNSURE).sum()) / pixels,
            saturated=int((mapped > SATURATED).sum()) / pixels,
            teachers_confidence=teachers_confidence,
            agreement=agreement,
            doubtful_answers=len(self.record("answers").get("to_look_at_again", [])),
            absent_teachers=list(context.asked["absent_teachers"].items()),
            assumptions=_assumptions(scene, seen),
        )

    def seen(self) -> SeenSpectra | None:
        """Return how the spectrum-text teacher has read the scene; None where it was not asked."""
        from special.teachers.spectrum_text import as_seen

        if "pseudo" not in self.context.step.upstream or not self.context.has("pseudo", as_seen.FILE):
            return None
        return as_seen.SeenSpectra.load(self.context.payload("pseudo", as_seen.FILE))

    def _misfit(self, seen: SeenSpectra) -> float:
        """Return the share of pixels that no expected spectrum explains, of a sample."""
        from special.teachers.spectrum_text.pixels import sample_spectra

        sample = sample_spectra(self.context.scene, _LOOKED_AT)
        return seen.unexplained(sample, float(self.context.values.values[_DEGREES]), MISFIT_RATE)

    def _beside_the_teachers(self) -> tuple[float | None, float | None]:
        """Return how sure the pseudo-labels are of the mapped pixels, and the share of these where the map follows.

        None of a run that has none, or whose answers have corrected them.
        """
        upstream, mapped = self.context.step.upstream, int(np.count_nonzero(self.labels))
        if "pseudo" not in upstream or "answers" in upstream or not mapped:
            return None, None
        probabilities, sure, same = self.context.rows("pseudo", "probabilities.npy"), 0.0, 0
        for rows in blocks(probabilities.shape):
            shares, here = probabilities[rows], self.labels[rows]
            sure += float(shares.max(axis=-1)[here > 0].sum())
            same += int(((1 + shares.argmax(axis=-1) == here) & (here > 0)).sum())
        return sure / mapped, same / mapped


def _assumptions(scene: Scene, seen: SeenSpectra | None) -> list[str]:
    """Return what was assumed where the file does not say it."""
    assumed = [note for note in scene.notes if note in scene.warnings or _ASSUMED.search(note)]
    if seen is not None and not scene.known_reflectance:
        kind = "radiance, for it shows what the air absorbs" if seen.is_radiance else "reflectance of unknown scale"
        assumed.append(f"the file does not say what its numbers are: they were taken for {kind}")
    return assumed


def after(*upstream: str) -> Step:
    """Return the step that reports on what the steps ``upstream`` left, ``map`` among them."""
    return Step(
        name="report",
        version=1,
        function=_run,
        summary="Write the report of RUN again.",
        examples=("special report", "special report scene.special"),
        upstream=upstream,
        inputs={
            "scene": "the scene",
            "georeference": "the georeference",
            "classes": "the class list",
            "colours": "the colours",
            "seed": "the seed",
            "labels": "the labels",
            "answers": "the answers",
            "asked": "what was asked",
            "findings": "what is known of the map",
        },
        delivers=("report.html",),
    )
