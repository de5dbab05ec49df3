"""The classes in the report: what their names mean, what they look like, and what their pixels might be instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from special.report.class_spectra import SpectrumRange, some_of_each
from special.report.page.content import ReportedClass
from special.report.steps_compared import resemblance
from special.steps.reporting.found import Found

if TYPE_CHECKING:
    from special.scene import Scene

_MOST_PIXELS, _MOST_SPECTRA = 300, 20_000  # whose spectra are read: of a class, and of all
_RESEMBLES, _LEAST = 3, 0.03  # other classes that are shown of one, and how probable they are there at least


def reported_classes(found: Found) -> list[ReportedClass]:
    """Return what there is to show of each class, in the order of the list."""
    context, names = found.context, found.context.classes.names
    colours = [f"#{bytes(colour).hex()}" for colour in found.colours]
    might_be = resemblance(found.labels, context.rows("map", "probabilities.npy"))
    own, expected = _spectra(found)
    mapped = max(1, sum(found.counts[1:]))
    classes = []
    for index, name in enumerate(names):
        pixels, others = found.counts[index + 1], might_be[index].copy()
        sure = float(others[index]) if pixels else None
        others[index] = 0
        likely = [other for other in np.argsort(-others, kind="stable")[:_RESEMBLES] if others[other] >= _LEAST]
        said = found.read.get(name)
        classes.append(
            ReportedClass(
                name=name,
                colour=colours[index],
                pixels=pixels,
                share=pixels / mapped,
                confidence=sure,
                english="" if said is None or said["english"] == name else said["english"],
                language="" if said is None or said["language"] == "English" else said["language"],
                concepts=[] if said is None else list(said["concepts"].items()),
                understood=None if said is None else said["understood"],
                own=own.get(index),
                expected=expected.get(index),
                resembles=[(names[other], float(others[other])) for other in likely],
                warnings=list(_cautions(found, name)),
            )
        )
    return classes


def _cautions(found: Found, name: str) -> Iterator[str]:
    """Say where a name is not understood, and which classes its spectrum does not tell it from."""
    teachers = found.record("pseudo")
    if name in teachers.get("not_understood", []):
        yield "The name is not understood, and taken for what comes nearest."
    alike = [pair["classes"] for pair in teachers.get("alike", []) if name in pair["classes"]]
    if others := [other for pair in alike for other in pair if other != name]:
        yield f"Its spectrum does not tell it from {', '.join(others)}."
    for kind in teachers.get("kinds_of_one", []):
        if name in kind["classes"]:
            kinds = ", ".join(other for other in kind["classes"] if other != name)
            yield f"One of several kinds of {kind['of']}: which of them is this one, and which {kinds}, is a guess."


def _spectra(found: Found) -> tuple[dict[int, SpectrumRange], dict[int, SpectrumRange]]:
    """Return the spectra of the pixels of each class, and those expected, by the class, from 0."""
    scene, seen, count = found.context.scene, found.seen, len(found.context.classes)
    most = max(10, min(_MOST_PIXELS, _MOST_SPECTRA // count))
    chosen = some_of_each(np.where(scene.valid, found.labels, 0), count, most)
    spectra, owners = _read(scene, chosen), found.labels.ravel()[chosen]
    nm = scene.wavelengths if seen is None else seen.wavelengths
    values = spectra.astype(np.float64) if seen is None else seen.reflectance(spectra)
    own = {number - 1: SpectrumRange.of_pixels(nm, values[owners == number]) for number in np.unique(owners).tolist()}
    if seen is None:
        return own, {}
    whole = values.mean(axis=0) if len(values) else np.full(len(nm), 0.2)
    expected = {}
    for index in sorted(set(range(count)) - found.rest):
        likely = seen.expected(index, own[index].middle if index in own else whole)
        if likely is not None:
            expected[index] = SpectrumRange(nm, *likely)
    return own, expected


def _read(scene: Scene, chosen: np.ndarray) -> np.ndarray:
    """Return the spectra (pixels, bands), own numbers, at rising flat positions ``chosen`` (pixels,)."""
    cols, parts = scene.shape[1], []
    for rows in scene.windows():
        first, last = np.searchsorted(chosen, (rows.start * cols, rows.stop * cols))
        if last > first:
            at = chosen[first:last] - rows.start * cols
            parts.append(scene.read(rows).reshape(-1, scene.shape[2])[at])
    return np.concatenate(parts) if parts else np.empty((0, scene.shape[2]), np.float32)
