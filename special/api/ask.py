"""Ask: where in a scene an answer of the user is worth most."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.answers.questions import Question, choose
from special.api.run import Run, open_run


def ask(run: Run | str | Path | None = None, *, questions: int | None = None) -> list[Question]:
    """Propose places whose class the user should name, the one whose answer is worth most first.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        questions: how many, as many as there are classes when None; fewer come back where there is no more to ask.

    Raises:
        RunError: there is no such run, or it has no pseudo-labels yet.
        SettingsError: no question is asked for.
    """
    from special.answers.groups import group
    from special.cache.directory import RunDirectory

    opened = run if isinstance(run, Run) else open_run(run)
    probabilities = opened.probabilities_of("pseudo")
    scene = opened.request.source.reopen(RunDirectory(opened.path), opened.class_list)
    groups = group(scene, len(opened.classes), seed=opened.request.seed)
    nothing = np.zeros(groups.shape, dtype=bool)
    count = len(opened.classes) if questions is None else questions
    return choose(groups, probabilities, opened.classes, count, nothing)
