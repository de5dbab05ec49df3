"""From what a command is told to a job: everything is understood, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from special.answers.answers import Answers
from special.api.job import Job, refuse_other_input, steps_of
from special.api.options import RunOptions
from special.api.request import Request, read, read_answers
from special.api.source import content_of, georeference_of
from special.cache.directory import RunDirectory
from special.classnames.class_list import ClassList
from special.errors import RunError, SceneError
from special.scene import Scene


def prepare(options: RunOptions) -> Job:
    """Understand what is asked, without doing or writing anything.

    Args:
        options: ``LabelOptions``, ``FitOptions`` or ``ImageFitOptions``.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    settings = options.resolved()
    opened = options.open()
    if isinstance(opened.data, Scene) and opened.data.uniform:
        raise SceneError(
            f"{opened.data.path or 'the array'}: all valid pixels have the same spectrum, so there is nothing to tell "
            "apart: name another scene"
        )
    run = RunDirectory(options.directory(opened.source))
    _refuse_foreign(run)
    request = Request(
        source=opened.source,
        content=content_of(opened.data),
        georeference=georeference_of(opened.data),
        classes=opened.classes,
        settings=settings,
        seed=options.seed,
        device=options.device,
        offline=options.offline,
        concepts=tuple(Path(path).resolve() for path in getattr(options, "concepts", ())),
        labels=opened.labels_hash,
    )
    previous = read(run) if run.is_run and not options.force else None
    if previous is not None:
        refuse_other_input(run, previous, request)
    answers, notes = _all_answers(run, previous, opened.classes, opened.answers)
    request = replace(request, answers=answers.sha256 if answers is not None else None)
    return Job(
        run,
        request,
        previous,
        opened.data,
        opened.array,
        opened.labels,
        answers,
        options.force,
        steps_of(request),
        (*opened.notes, *notes),
        ask_again=True,
    )


def _all_answers(
    run: RunDirectory, previous: Request | None, classes: ClassList, given: Answers | None
) -> tuple[Answers | None, list[str]]:
    """Return the answers that a run has and those that are ``given`` now, and what to say about them."""
    if previous is None or previous.answers is None:
        return given, []
    had = read_answers(run, previous)
    kept = had.of_list(previous.classes.names, classes.names)
    notes = []
    if len(kept) < len(had):
        notes.append(
            f"Of {had.count} answers in {run.path}, {had.count - kept.count} name a class that the list lacks now."
        )
    together = kept if given is None else kept.with_newer(given)
    if kept.count:
        more = "" if given is None else f", {together.count} with the new ones"
        notes.append(f"{run.path} has {kept.count} answers already{more}; --force forgets them.")
    return (together if len(together) else None), notes


def _refuse_foreign(run: RunDirectory) -> None:
    """Make sure that a directory is a run, or free to become one.

    Raises:
        RunError: it is a file, or a folder with something else in it.
    """
    if run.path.exists() and not run.path.is_dir():
        raise RunError(f"{run.path} is a file, not the directory of a run: choose another with --out")
    if run.path.is_dir() and not run.is_run and any(not path.name.startswith(".") for path in run.path.iterdir()):
        raise RunError(f"{run.path} is not a run and not empty: choose another directory with --out")
