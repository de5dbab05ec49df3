"""Ask: where in a scene an answer of the user is worth most."""

from __future__ import annotations

from pathlib import Path

from special.api.questions import Questions
from special.api.request import read_answers
from special.api.run import Run, open_run
from special.cache.directory import RunDirectory
from special.errors import RunError, SettingsError


def ask(run: Run | str | Path | None = None, *, questions: int | None = None) -> Questions:
    """Propose places whose class the user should name, the one whose answer is worth most first.

    What the run has been told already is not asked again, and decides what is worth asking.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        questions: how many, as many as there are classes when None; fewer come back where there is no more to ask.

    Returns:
        A list, which ``to_geodataframe`` makes a table on the map.

    Raises:
        RunError: there is no such run, it has no pseudo-labels yet, or it is not one of class names.
        SceneError: its scene is gone.
        SettingsError: less than one question is asked for.
    """
    from special.answers.correction import Before
    from special.answers.groups import group
    from special.answers.questions import choose
    from special.answers.settings import AnswersSettings

    opened = run if isinstance(run, Run) else open_run(run)
    request, directory = opened.request, RunDirectory(opened.path)
    if request.made_by != "special label":
        raise RunError(f"{opened.path} was made by {request.made_by}: questions are asked about what names have made")
    count = len(opened.classes) if questions is None else questions
    if count < 1:
        raise SettingsError(f"{count} questions are none: ask for 1 or more")
    names = opened.probabilities_of("pseudo")
    shown = next(
        (opened.probabilities_of(step) for step in ("map", "answers") if directory.manifest(step) is not None), names
    )
    scene = opened.scene
    answers, settings = read_answers(directory, request, scene.shape[:2]), request.settings.build(AnswersSettings)
    groups = group(scene, len(request.classes), settings, seed=request.seed)
    belief = Before.of(groups, names, settings).given(answers)
    found = choose(groups, belief, shown, opened.classes, count, answers)
    return Questions(found, scene.georeference, request.content["files"])
