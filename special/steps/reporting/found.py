"""What the steps of a run have found, put together for its report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from special.report.metrics import count_labels
from special.report.steps_compared import StepFigures, compare
from special.report.warning_list import MISFIT_RATE, SATURATED, UNSURE, MapFigures
from special.scene.masks import NODATA
from special.steps.context import SceneContext
from special.storage.files import load_record
from special.storage.rasters import blocks

if TYPE_CHECKING:
    from special.scene import Scene
    from special.teachers.spectrum_text.as_seen import SeenSpectra

_LOOKED_AT = 2000  # pixels, evenly spread, that say how well the calibration fits
_DEGREES = "pseudo.spectrum_text.degrees_of_freedom"
_ASSUMED = re.compile(r"\b(taken (as|for)|was read as|nominal|evenly spaced|longer than|left out|could not|no place)\b")
"""What notes say of a scene where something could have been understood otherwise."""


@dataclass(frozen=True)
class Found:
    """What the steps upstream of the report have found.

    Arrays are read when they are first asked for: ``labels`` whole numbers (rows, cols), 1..K, 0 = no data or rejected;
    ``confidence`` float32 (rows, cols), 0 where there is no data.
    """

    context: SceneContext

    @property
    def upstream(self) -> tuple[str, ...]:
        """The steps, in order."""
        return self.context.step.upstream

    @cached_property
    def labels(self) -> np.ndarray:
        """The map, whole numbers (rows, cols)."""
        return self.context.array("map", "map.npy")

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of each pixel's class, float32 (rows, cols)."""
        return self.context.array("map", "confidence.npy")

    @cached_property
    def counts(self) -> list[int]:
        """How many pixels the map leaves at 0, and how many it gives to each class."""
        return [int(count) for count in count_labels(self.labels, len(self.context.classes))]

    @cached_property
    def colours(self) -> np.ndarray:
        """The colour of each class, uint8 (K, 3), sRGB."""
        from special.report.legend import colours_of

        return colours_of(self.context.classes)

    @cached_property
    def stages(self) -> list[StepFigures]:
        """What each step that leaves probabilities made of the one before; not the map, which has those of the last."""
        left = [name for name in self.upstream if name != "map" and self.context.has(name, "probabilities.npy")]
        return compare({name: self.context.rows(name, "probabilities.npy") for name in left}, self.context.scene.valid)

    def record(self, step: str) -> Mapping[str, Any]:
        """Return the figures that a step has left; nothing of one that the run lacks."""
        has = step in self.upstream and self.context.has(step, "record.json")
        return load_record(self.context.payload(step, "record.json")) if has else {}

    def figures(self) -> MapFigures:
        """Return what the warnings are made from."""
        context, scene, teachers = self.context, self.context.scene, self.record("pseudo")
        names = context.classes.names
        mapped = self.confidence[self.labels > 0]
        pixels = max(1, len(mapped))
        seen = self.seen
        teachers_confidence, agreement = self._beside_the_teachers()
        return MapFigures(
            pixels=scene.valid.size,
            valid=int(scene.valid.sum()),
            masked=sum(mask.pixels for mask in scene.masked if mask.used and mask.name != NODATA),
            bands=scene.file_bands,
            dropped=len(scene.bad_bands),
            mapped=list(zip(names, self.counts[1:], strict=True)),
            rest=[names[index] for index in sorted(self.rest)],
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

    @cached_property
    def seen(self) -> SeenSpectra | None:
        """Return how the spectrum-text teacher has read the scene; None where it was not asked."""
        from special.teachers.spectrum_text import as_seen

        if "pseudo" not in self.upstream or not self.context.has("pseudo", as_seen.FILE):
            return None
        return as_seen.SeenSpectra.load(self.context.payload("pseudo", as_seen.FILE), self.context.scene.shape[2])

    def _misfit(self, seen: SeenSpectra) -> float:
        """Return the share of pixels that no expected spectrum explains, of a sample."""
        from special.teachers.spectrum_text.pixels import sample_spectra

        sample = sample_spectra(self.context.scene, _LOOKED_AT)
        return seen.unexplained(sample, float(self.context.values.values[_DEGREES]), MISFIT_RATE)

    @cached_property
    def read(self) -> dict[str, Any]:
        """How the first teacher that reads names has read each, by the name; see ``special.teachers.understanding``."""
        return {one["name"]: one for one in reversed(self.record("pseudo").get("names", []))}

    @cached_property
    def rest(self) -> set[int]:
        """The classes, from 0, that are what no other one explains; with a library anything may be expected of them."""
        if self.context.values.values["pseudo.spectrum_text.library"]:
            return set()
        return {
            index
            for index, name in enumerate(self.context.classes.names)
            if name in self.read and not self.read[name]["concepts"]
        }

    def _beside_the_teachers(self) -> tuple[float | None, float | None]:
        """Return how sure the pseudo-labels are of the mapped pixels, and the share of these where the map follows.

        None of a run that has none, or whose answers have corrected them.
        """
        upstream, mapped = self.upstream, int(np.count_nonzero(self.labels))
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
        if seen.is_stretched:
            kind = "reflectance, every band stretched by itself: all have the same least and the same most"
        assumed.append(f"the file does not say what its numbers are: they were taken for {kind}")
    return assumed
