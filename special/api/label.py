"""What the commands call: label a scene, run a step of a run again, say how a run stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.job import Job, default_directory, refuse_early, refuse_foreign, refuse_other_scene
from special.api.request import Request, SceneSource, content_of, georeference_of, read, resolved_wavelengths
from special.api.run import Run, open_run
from special.cache.directory import RunDirectory
from special.cache.runner import Verdict
from special.classnames.class_list import ClassList
from special.errors import RunError, SceneError, SettingsError
from special.progress import SILENT, Progress
from special.settings import DEFAULT, load, pipelines
from special.steps.pipeline import NAMES, steps_of

if TYPE_CHECKING:
    from special.scene import Scene

Classes = str | Path | ClassList | Iterable[str]
Wavelengths = str | Path | Sequence[float] | np.ndarray


def label(
    scene: str | Path | np.ndarray,
    classes: Classes,
    wavelengths: Wavelengths | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    out: str | Path | None = None,
    pipeline: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    clip: str | None = None,
    offline: bool = False,
    concepts: Iterable[str | Path] = (),
    classifier: str | None = None,
    descriptions: str | Path | None = None,
    encoder: str | None = None,
    device: str = "auto",
    seed: int = 0,
    reject: float | None = None,
    until: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Make a land-cover map of a scene from a list of class names, with no labelled pixel.

    What a directory ``out`` holds of an earlier, perhaps interrupted, call is used where nothing that it depends on has
    changed.

    Args:
        scene: a file (MATLAB, ENVI, GeoTIFF, ``.npy``), or an array (rows, cols, bands).
        classes: names, or ``"Name | synonym: description"`` lines, or a file of such lines.
        wavelengths: for scenes that lack them: a CSV file, ``"430:860"``, or numbers in nm, one per band.
        key: name of the cube in a file of several arrays. sensor: one whose nominal wavelengths to take.
        out: directory of the run; ``<scene stem>.special`` when None.
        pipeline: name or TOML file of the settings; ``special``, or the classifier's own, when None.
        settings: what to change in it, ``{"refine.lambda_hard": 0.2}``.
        clip: image-text model: ``auto``, ``none``, ``MODEL:TAG``, ``MODEL:FILE`` or ``hf-hub:...``.
        offline: never ask the network.
        concepts: TOML files of land-cover concepts, beside those of the package.
        classifier: ``mambahsi``, ``s3fn``, ``aligned``, ``cnn3d`` or ``mean``.
        descriptions: what ``s3fn`` and ``aligned`` read: a file, ``curated``, or ``names``. encoder: who reads it.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: every random draw comes from it.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        until: stop after this step.
        force: forget what ``out`` holds, even of another scene.
        progress: who listens.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    job = prepare(
        scene,
        classes,
        wavelengths,
        key=key,
        sensor=sensor,
        out=out,
        pipeline=pipeline,
        settings=settings,
        clip=clip,
        offline=offline,
        concepts=concepts,
        classifier=classifier,
        descriptions=descriptions,
        encoder=encoder,
        device=device,
        seed=seed,
        reject=reject,
        force=force,
    )
    return Run(job.run.path, job.execute(_known(until), progress or SILENT))


def prepare(
    scene: str | Path | np.ndarray,
    classes: Classes,
    wavelengths: Wavelengths | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    out: str | Path | None = None,
    pipeline: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    clip: str | None = None,
    offline: bool = False,
    concepts: Iterable[str | Path] = (),
    classifier: str | None = None,
    descriptions: str | Path | None = None,
    encoder: str | None = None,
    device: str = "auto",
    seed: int = 0,
    reject: float | None = None,
    force: bool = False,
) -> Job:
    """Understand what ``label`` is asked for, without doing or writing anything; see there for the arguments.

    Raises:
        SpecialError: as ``label``.
    """
    changes = dict(settings or {}) | classifier_changes(classifier, descriptions, encoder)
    changes |= {"pseudo.image_text.clip": clip} if clip is not None else {}
    changes |= {"map.reject": reject} if reject is not None else {}
    resolved = load(pipeline_of(pipeline, classifier), changes)
    if seed < 0:
        raise SettingsError(f"the seed is {seed}: give 0 or a larger whole number")
    class_list = class_list_of(classes)
    opened, source, array = open_input(scene, wavelengths, key, sensor)
    run = RunDirectory(Path(out) if out is not None else default_directory(source.path))
    refuse_foreign(run)
    request = Request(
        source=source,
        content=content_of(opened),
        georeference=georeference_of(opened),
        classes=class_list,
        settings=resolved,
        seed=seed,
        device=device,
        offline=offline,
        concepts=tuple(Path(path).resolve() for path in concepts),
    )
    previous = read(run) if run.is_run and not force else None
    if previous is not None:
        refuse_other_scene(run, previous, request)
    return Job(run, request, previous, opened, array, anew=force)


def rerun(
    run: Run | str | Path | None,
    step: str,
    settings: Mapping[str, Any] | None = None,
    *,
    device: str | None = None,
    until: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run ``step`` of a run with changed settings, and what follows it; nothing before it, unless that is missing.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        step: ``rgb``, ``pseudo``, ``warmup``, ``refine`` or ``map``.
        settings: what to change, ``{"refine.lambda_hard": 0.2}``; settings of earlier steps are refused.
        device: another one than the run was begun on.
        until: stop after this step. progress: who listens.

    Raises:
        SpecialError: there is no such run, its scene is gone or another, or a setting cannot be understood.
    """
    job = prepare_rerun(run, step, settings, device=device)
    if until is not None and NAMES.index(_known(until) or step) < NAMES.index(step):
        raise SettingsError(f"{until} comes before {step}: name {step} or a later step")
    return Run(job.run.path, job.execute(until, progress or SILENT))


def prepare_rerun(
    run: Run | str | Path | None, step: str, settings: Mapping[str, Any] | None = None, *, device: str | None = None
) -> Job:
    """Understand what ``rerun`` is asked for, without doing or writing anything; see there for the arguments.

    Raises:
        SpecialError: as ``rerun``.
    """
    _known(step)
    directory, previous = _opened(run)
    request = replace(previous, settings=previous.settings.override(settings or {}), device=device or previous.device)
    job = Job(directory, request, previous, None, steps=steps_of(previous))
    own = [one.name for one in job.steps]
    if step not in own:
        raise SettingsError(f"{directory.path} was made by special fit and has no {step}: it has {', '.join(own)}")
    refuse_early(job.steps, step, settings or {})
    return replace(job, **_scene_again(directory, request))


def refine(run: Run | str | Path | None = None, settings: Mapping[str, Any] | None = None, **options: Any) -> Run:
    """Run the refinement again and map its result: ``rerun(run, "refine", settings, ...)``."""
    return rerun(run, "refine", settings, **options)


def status(run: Run | str | Path | None = None) -> tuple[list[Verdict], str]:
    """Say of every step of a run whether it is done, and if it is not, why; and a line about the run, or "".

    Raises:
        RunError: there is no such run.
    """
    directory, previous = _opened(run)
    job = Job(directory, previous, previous, None, steps=steps_of(previous))
    note = "a process is at work in this run" if directory.in_use else ""
    try:
        job = replace(job, **_scene_again(directory, previous))
    except (SceneError, RunError) as error:
        note = str(error)
    return job.plan(), note


def _opened(run: Run | str | Path | None) -> tuple[RunDirectory, Request]:
    opened = run if isinstance(run, Run) else open_run(run)
    return RunDirectory(opened.path), read(RunDirectory(opened.path))


def _scene_again(directory: RunDirectory, request: Request) -> dict[str, Any]:
    """Open a run's scene once more, and note what is in it now."""
    scene = request.source.open(directory)
    fresh = replace(request, content=content_of(scene), georeference=georeference_of(scene))
    if fresh.content["files"] != request.content["files"]:
        raise RunError(
            f"{request.source.name} has changed since {directory.path} was made from it: "
            "label it again into another directory (--out), or start over with --force"
        )
    return {"scene": scene, "request": fresh}


def pipeline_of(pipeline: str | Path | None, classifier: str | None) -> str | Path:
    """Return the pipeline that was asked for, else the one that comes for the classifier, else the default."""
    if pipeline is not None:
        return pipeline
    if classifier in (None, "mambahsi"):
        return DEFAULT
    if classifier not in pipelines():
        from special.models.registry import NAMES as CLASSIFIERS

        raise SettingsError(f"there is no classifier {classifier!r}: name one of {', '.join(CLASSIFIERS)}")
    return str(classifier)


def classifier_changes(classifier: str | None, descriptions: str | Path | None, encoder: str | None) -> dict[str, Any]:
    """Return the settings that the options of a classifier stand for; files and folders by their whole path."""
    changes = {"classifier.name": classifier} if classifier is not None else {}
    for name, value in (("texts", descriptions), ("encoder", encoder)):
        if value is not None:
            path = Path(value)
            changes[f"classifier.{name}"] = str(path.resolve() if path.exists() else value)
    return changes


def class_list_of(classes: Classes) -> ClassList:
    """Return a class list in any of its forms as one.

    Raises:
        ClassListError: it is none.
    """
    if isinstance(classes, ClassList):
        return classes
    return ClassList.read(classes) if isinstance(classes, str | Path) else ClassList.parse(classes)


def open_input(
    scene: str | Path | np.ndarray, wavelengths: Wavelengths | None, key: str | None, sensor: str | None
) -> tuple[Scene, SceneSource, np.ndarray | None]:
    """Open a file or an array as a scene; return also how to open it again, and the array.

    Raises:
        SceneError: it cannot be understood.
    """
    from special.scene import Scene, open_scene

    given = [float(nm) for nm in wavelengths] if isinstance(wavelengths, np.ndarray) else wavelengths
    if isinstance(scene, np.ndarray):
        if given is None or isinstance(given, str | Path):
            raise SceneError("an array has no wavelengths of its own: give wavelengths=[...], one per band, in nm")
        opened = Scene.from_array(scene, given)
        numbers = tuple(float(np.nan_to_num(nm)) for nm in given)
        return opened, SceneSource(None, wavelengths=numbers), scene
    opened = open_scene(scene, key=key, wavelengths=given, sensor=sensor)
    source = SceneSource(Path(scene).resolve(), key, None if sensor else resolved_wavelengths(given), sensor)
    return opened, source, None


def _known(step: str | None) -> str | None:
    if step is not None and step not in NAMES:
        raise SettingsError(f"there is no step {step!r}: name one of {', '.join(NAMES)}")
    return step
