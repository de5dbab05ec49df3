"""The page of the report, from what the steps of a run have found."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.report import metrics
from special.report.class_spectra import SpectrumRange, some_of_each
from special.report.page.content import (
    Assessed,
    Comparison,
    Report,
    ReportedClass,
    ReportedStep,
    ReportedTeacher,
    assessed_from_json,
)
from special.report.page.layers import Layers, layers_of
from special.report.steps_compared import resemblance
from special.report.warning_list import MapWarning
from special.steps.report_figures import Found

if TYPE_CHECKING:
    from special.scene import Scene

_MOST_PIXELS, _MOST_SPECTRA = 300, 20_000  # whose spectra are read: of a class, and of all
_RESEMBLES, _LEAST = 3, 0.03  # other classes that are shown of one, and how probable they are there at least


def report_of(found: Found, warnings: Sequence[MapWarning]) -> Report:
    """Put the page together.

    Raises:
        SceneError: the scene can no longer be read.
    """
    context = found.context
    classes = _classes(found, warnings)
    evaluated = _evaluated(found)
    teachers = found.record("pseudo")
    absent = context.asked["absent_teachers"]
    left_out = {**absent, **{name: "the scene does not cover the visible" for name in teachers.get("left_out", [])}}
    return Report(
        scene=context.asked["scene"],
        about=list(_about(context.scene)),
        warnings=warnings,
        layers=_layers(found),
        classes=classes,
        unmapped=found.counts[0],
        hectares=_hectares(context.scene),
        unit="reflectance" if found.seen or context.scene.known_reflectance else "the numbers of the file",
        teachers=list(_teachers(teachers)),
        left_out=list(left_out.items()),
        steps=list(_steps(found, evaluated)),
        comparisons=list(_comparisons(found, evaluated)),
        assessed=_assessed(found),
        versions=_versions(found),
        seed=context.seed,
        command=_command(found),
        answers=int(found.record("answers").get("answers", 0)),
    )


def _about(scene: Scene) -> Iterator[tuple[str, str]]:
    """Say of the scene what a reader of its map wants to know."""
    rows, cols, bands = scene.shape
    yield "Size", f"{rows} × {cols} pixels"
    dropped = f" of {scene.file_bands}" if bands < scene.file_bands else ""
    yield "Bands", f"{bands}{dropped}, {scene.wavelengths[0]:.0f} to {scene.wavelengths[-1]:.0f} nm"
    if (hectares := _hectares(scene)) is not None:
        yield "Pixel", f"{(hectares * 1e4) ** 0.5:.3g} m"
    invalid = scene.valid.size - int(scene.valid.sum())
    if invalid:
        yield "Without data", f"{invalid / scene.valid.size:.1%} of the pixels"
    for what, value in (("Sensor", scene.sensor), ("Level", scene.level), ("Acquired", scene.acquired)):
        if value:
            yield what, str(value)
    yield "Format", scene.format


def _hectares(scene: Scene) -> float | None:
    """Return how many hectares a pixel has, in the middle of the scene; None where its place is not known."""
    from special.answers.sheet.placement import Placement

    place = Placement.of(scene.georeference)
    if place.unit != "m":
        return None
    wide, high = place.pixel_size(scene.shape[0] // 2, scene.shape[1] // 2)
    return wide * high / 1e4


def _layers(found: Found) -> Layers:
    from special.steps.rgb import RgbSettings, renderings

    context = found.context
    has = "rgb" in found.upstream and context.has("rgb", "rgb.npy")
    true_colour = context.array("rgb", "rgb.npy") if has else None
    pictures = renderings(context.scene, context.values.build(RgbSettings), true_colour)
    return layers_of(pictures, found.labels, found.confidence, found.colours)


def _classes(found: Found, warnings: Sequence[MapWarning]) -> list[ReportedClass]:
    context, names = found.context, found.context.classes.names
    colours = [f"#{bytes(colour).hex()}" for colour in found.colours]
    read = {one["name"]: one for one in found.record("pseudo").get("names", [])}
    might_be = resemblance(found.labels, context.rows("map", "probabilities.npy"))
    own, expected = _spectra(found)
    mapped = max(1, sum(found.counts[1:]))
    classes = []
    for index, name in enumerate(names):
        pixels, others = found.counts[index + 1], might_be[index].copy()
        sure = float(others[index]) if pixels else None
        others[index] = 0
        likely = [other for other in np.argsort(-others, kind="stable")[:_RESEMBLES] if others[other] >= _LEAST]
        said = read.get(name)
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
                warnings=[one.text for one in warnings if name in one.classes and one.kind in ("names", "alike")],
            )
        )
    return classes


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


def _teachers(record: Any) -> Iterator[ReportedTeacher]:
    """Say who taught, with what weight, and what each is made of."""
    for name, about in record.get("teachers", {}).items():
        made_of = [
            (
                what.replace("_", " ").replace("sha256", "SHA-256"),
                value if isinstance(value, str) else json.dumps(value),
            )
            for what, value in about.items()
            if what != "weight"
        ]
        skill = record.get("agreement", {}).get(name, {}).get("skill")
        yield ReportedTeacher(name, float(about["weight"]), skill, made_of)


def _steps(found: Found, evaluated: _Evaluated | None) -> Iterator[ReportedStep]:
    """Say of every step what it did, what it changed, how right it was where that is known, and by which settings."""
    context = found.context
    figures = {one.step: one for one in found.stages}
    accuracies = evaluated.accuracies if evaluated else {}
    usual = _usual()
    for name in found.upstream:
        manifest = context.run.manifest(name)
        assert manifest is not None  # the runner has just looked at it
        settings = [
            (setting, json.dumps(value, ensure_ascii=False), usual.get(setting) == value)
            for setting, value in manifest.ingredients["settings"].items()
        ]
        yield ReportedStep(name, _did(found, name), figures.get(name), accuracies.get(name), settings)


def _usual() -> dict[str, Any]:
    from special.settings import DEFAULT, load

    return dict(load(DEFAULT).values)


def _did(found: Found, step: str) -> str:
    """Say in a sentence what a step did in this run."""
    record = found.record(step)
    if step == "rgb":
        missing = record.get("missing_colours")
        return f"no picture: the scene has no {', '.join(missing)}" if missing else "made a picture of the scene"
    if step == "pseudo":
        count = len(record.get("teachers", {}))
        return f"{count} {'teacher' if count == 1 else 'teachers'} named every pixel by the class names"
    if step == "answers":
        return f"{record['answers']} answers, of {record['pixels']} pixels, corrected the pseudo-labels"
    if step == "split":
        return f"{record['train']} labelled pixels to learn from, {record['test']} kept for the test"
    if step == "map":
        left = found.counts[0] - int((~found.context.scene.valid).sum())
        return "the most probable class of every pixel" + (f"; {left} pixels left open" if left > 0 else "")
    epochs = record.get("epochs") or [{}]
    first, last = epochs[0].get("loss"), epochs[-1].get("loss")
    what = {"warmup": "learned the pseudo-labels", "refine": "learned on, with labels softened by the spectra"}
    did = f"{found.context.classifier.name} {what.get(step, 'learned the labels')}"
    return f"{did}: {len(epochs)} epochs, loss {first:.3g} to {last:.3g}" if first is not None else did


def _comparisons(found: Found, evaluated: _Evaluated | None) -> Iterator[Comparison]:
    """Compare the map with what is known of the ground: a truth that was given, test pixels, the user's answers."""
    names = found.context.classes.names
    if evaluated is not None:
        kept = "the pixels that were kept for the test, of " if "split" in found.upstream else ""
        notes = "".join(f" Note: {note}." for note in evaluated.notes)
        note = f"By special evaluate, with {kept}a truth that the map has not seen.{notes}"
        yield Comparison("Against the ground truth", note, evaluated.scores)
    elif "split" in found.upstream:
        from special.training.train_test_split import TEST

        parts = found.context.array("split", "split.npy")
        truth = np.where(parts == TEST, found.context.labels(), 0)
        if truth.any():
            note = "Labelled pixels that were kept for the test: nothing was learned from them."
            yield Comparison("Against the test pixels", note, metrics.evaluate(found.labels, truth, names))
    if "answers" in found.upstream:
        said = found.context.answers().labels((found.labels.shape[0], found.labels.shape[1]))
        if said.any():
            note = "The map has learned from them: this says how well it follows them, and nothing of other places."
            yield Comparison("Against your answers", note, metrics.evaluate(found.labels, said, names))


def _finding(found: Found, name: str) -> dict[str, Any]:
    """Return what was found out about this very map; nothing of another one."""
    document = found.context.findings.get(name, {})
    manifest = found.context.run.manifest("map")
    assert manifest is not None  # upstream
    return document if document.get("map_sha256") == manifest.files["map.npy"] else {}


@dataclass(frozen=True)
class _Evaluated:
    """What ``special evaluate`` has kept: scores, the overall accuracy after each step, what to know of them."""

    scores: metrics.Scores
    accuracies: dict[str, float]
    notes: list[str]


def _evaluated(found: Found) -> _Evaluated | None:
    """Return what ``special evaluate`` has kept of this map; None where there is nothing, or nothing whole."""
    names, document = found.context.classes.names, _finding(found, "evaluation")
    try:
        confusion = np.array(document["confusion"], dtype=np.int64)
        whole = confusion.shape == (len(names), len(names) + 1) and confusion.min() >= 0 and confusion.any()
        if not whole or document["names"] != list(names):
            return None
        accuracies = {str(step): float(one["oa"]) for step, one in document["steps"].items()}
        notes = [str(note) for note in document.get("notes", [])]
        scores = metrics.scores_of(confusion, names)
        return _Evaluated(scores, {**accuracies, "map": scores.oa}, notes)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _assessed(found: Found) -> Assessed | None:
    """Return what ``special assess`` has kept of this map; None where there is nothing, or nothing whole."""
    try:
        return assessed_from_json(_finding(found, "assessment"))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _versions(found: Found) -> list[tuple[str, str]]:
    """Return on what the run was made: of every library the version that the last step had which says it."""
    ran_on: dict[str, Any] = {}
    for name in found.upstream:
        if (manifest := found.context.run.manifest(name)) is not None:
            ran_on |= manifest.environment
    return [(name, str(value)) for name, value in ran_on.items() if isinstance(value, str | int | float)]


def _command(found: Found) -> str:
    """Return the command that makes the run again, with the directory of the run in it."""
    run = str(found.context.run.path)
    words = (
        word if word != "RUN" and not word.startswith("RUN/") else run + word[3:]
        for word in found.context.asked["command"]
    )
    return shlex.join(words)
