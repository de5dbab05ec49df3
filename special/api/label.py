"""Label a scene, run a step of a run again, say how a run stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from special.api.batch_workers import Where
from special.api.class_source import Classes
from special.api.job import Job, steps_of
from special.api.opening import Wavelengths
from special.api.options import LabelOptions, takes
from special.api.prepare import prepare
from special.api.request import Request, read
from special.api.run import Run, open_run
from special.api.scene_workers import passes_over
from special.api.source import content_of, georeference_of
from special.cache.directory import RunDirectory
from special.cache.runner import Verdict, sections_of
from special.cache.step import Step
from special.errors import RunError, SceneError, SettingsError
from special.progress import SILENT, Progress
from special.settings import RENAMED


@takes(LabelOptions)
def label(
    scene: str | Path | np.ndarray,
    classes: Classes | None = None,
    wavelengths: Wavelengths | None = None,
    *,
    until: str | None = None,
    workers: int | None = None,
    memory: int | str | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> Run:
    """Make a land-cover map of a scene from a list of class names, with no labelled pixel.

    What a directory ``out`` holds of an earlier, perhaps interrupted, call is used where nothing that it depends on has
    changed.

    Args:
        scene: a file, or an array (rows, cols, bands), any unit.
        classes: names, or ``"Name | synonym: description"`` lines, or a file of such lines; those of ``library`` when
            None.
        wavelengths: for scenes that lack them: a CSV file, ``"430:860"``, or numbers in nm, one per band.
        until: stop after this step.
        workers: processes that go over the scene's windows, for one that is large; training stays here.
        memory: bytes that each of them may take, or ``"2GB"``: where it is short, fewer work.
        cluster: address of a Dask scheduler whose workers do that instead.
        progress: who listens.
        options: the other fields of :class:`special.LabelOptions`, which says what each means.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    job = prepare(LabelOptions(scene=scene, classes=classes, wavelengths=wavelengths, **options))
    job.known(until)
    where = Where(workers, memory, cluster=cluster)
    with passes_over(job.run.workers, where, job.request.device, progress.say) as passes:
        return Run(job.run.path, job.execute(until, progress, passes))


def rerun(
    run: Run | str | Path | None,
    step: str,
    settings: Mapping[str, Any] | None = None,
    *,
    device: str | None = None,
    until: str | None = None,
    progress: Progress = SILENT,
) -> Run:
    """Run ``step`` of a run with changed settings, and what follows it; nothing before it, unless that is missing.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        step: one that the run has, such as ``refine``.
        settings: what to change, ``{"refine.lambda_hard": 0.2}``; settings of earlier steps are refused.
        device: another one than the run was begun on.
        until: stop after this step. progress: who listens.

    Raises:
        SpecialError: there is no such run, its scene is gone or another, or a setting cannot be understood.
    """
    job = prepare_rerun(run, step, settings, device=device, until=until)
    return Run(job.run.path, job.execute(until, progress))


def prepare_rerun(
    run: Run | str | Path | None,
    step: str,
    settings: Mapping[str, Any] | None = None,
    *,
    device: str | None = None,
    until: str | None = None,
) -> Job:
    """Understand what ``rerun`` is asked for, without doing or writing anything; see there for the arguments.

    Raises:
        SpecialError: as ``rerun``.
    """
    directory, previous = _opened(run)
    request = replace(previous, settings=previous.settings.override(settings or {}), device=device or previous.device)
    job = Job(directory, request, previous, None, steps=steps_of(previous))
    names = [one.name for one in job.steps]
    if step not in names:
        raise SettingsError(
            f"{directory.path} was made by {previous.made_by} and has no {step}: it has {', '.join(names)}"
        )
    if until is not None and names.index(job.known(until) or step) < names.index(step):
        raise SettingsError(f"{until} comes before {step}: name {step} or a later step")
    _refuse_early(job, step, [RENAMED.get(name, name) for name in settings or ()])
    return replace(job, **_opened_again(directory, request))


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
        job = replace(job, **_opened_again(directory, previous))
    except (SceneError, RunError) as error:
        note = str(error)
    return job.plan(), " ".join([note, *previous.settings.notes]).strip()


def _opened(run: Run | str | Path | None) -> tuple[RunDirectory, Request]:
    opened = run if isinstance(run, Run) else open_run(run)
    return RunDirectory(opened.path), read(RunDirectory(opened.path))


def _opened_again(directory: RunDirectory, request: Request) -> dict[str, Any]:
    """Open a run's scene or data set once more, and note what is in it now."""
    data = request.source.reopen(directory, request.classes)
    fresh = replace(request, content=content_of(data), georeference=georeference_of(data))
    if fresh.content["files"] != request.content["files"]:
        raise RunError(
            f"{request.source.name} has changed since {directory.path} was made from it: "
            "label it again into another directory (--out), or start over with --force"
        )
    return {"data": data, "request": fresh}


def _refuse_early(job: Job, first: str, names: Sequence[str]) -> None:
    """Make sure that settings leave the steps before ``first`` as they are.

    Raises:
        SettingsError: one of them belongs to an earlier step.
    """
    given = job.request.given()
    order = [step.name for step in job.steps]

    def owner(section: str) -> Step | None:
        return next((step for step in job.steps if section in sections_of(step, given)), None)

    for name in names:
        found = owner(name.rpartition(".")[0])
        if found and order.index(found.name) < order.index(first):
            raise SettingsError(
                f"{name} is a setting of {found.name}, which comes before {first}: "
                f"use special {found.name} RUN --set ..."
            )
