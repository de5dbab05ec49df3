"""The page of the report, from what the steps of a run have found."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from special.report.page.content import Report, ReportedStep, ReportedTeacher
from special.report.page.layers import Layers, layers_of
from special.report.warning_list import MapWarning
from special.steps.reporting.classes import reported_classes
from special.steps.reporting.found import Found
from special.steps.reporting.known import Evaluated, assessed, comparisons, evaluated

if TYPE_CHECKING:
    from special.scene import Scene


def report_of(found: Found, warnings: Sequence[MapWarning]) -> Report:
    """Put the page together.

    Raises:
        SceneError: the scene can no longer be read.
    """
    context = found.context
    scored = evaluated(found)
    teachers = found.record("pseudo")
    absent = context.asked["absent_teachers"]
    left_out = {**absent, **{name: "the scene does not cover the visible" for name in teachers.get("left_out", [])}}
    return Report(
        scene=context.asked["scene"],
        about=list(_about(context.scene)),
        warnings=warnings,
        layers=_layers(found),
        classes=reported_classes(found),
        unmapped=found.counts[0],
        hectares=_hectares(context.scene),
        unit="reflectance" if found.seen or context.scene.known_reflectance else "the numbers of the file",
        teachers=list(_teachers(teachers)),
        left_out=list(left_out.items()),
        steps=list(_steps(found, scored)),
        comparisons=list(comparisons(found, scored)),
        assessed=assessed(found),
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


def _steps(found: Found, scored: Evaluated | None) -> Iterator[ReportedStep]:
    """Say of every step what it did, what it changed, how right it was where that is known, and by which settings."""
    context = found.context
    figures = {one.step: one for one in found.stages}
    accuracies = scored.accuracies if scored else {}
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
