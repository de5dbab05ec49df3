"""The step ``answers``: what the user has said of some places corrects the pseudo-labels.

Only runs that have answers have it. What comes after learns from its probabilities instead of those of ``pseudo``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from special.answers.settings import AnswersSettings
from special.cache.step import Step
from special.steps.context import SceneContext
from special.storage.files import save_array, save_json
from special.storage.rasters import Rows

if TYPE_CHECKING:
    from special.answers.correction import Doubtful


def _run(context: SceneContext, folder: Path) -> None:
    """Weigh names and answers; say which answers to look at again."""
    from special.answers.answers import NO_ANSWER, NONE_OF_THESE
    from special.answers.correction import believed_answers, correct
    from special.answers.groups import group

    answers, settings = context.answers(), context.settings(AnswersSettings)
    result = correct(
        context.scene.valid,
        group(context.scene, len(context.classes), settings, seed=context.seed),
        context.rows("pseudo", "probabilities.npy"),
        answers,
        context.classes.names,
        settings,
        scratch=context.scratch,
    )
    if result.doubtful:
        context.progress.say(_again(result.doubtful))
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "unknown.npy", result.unknown)
    certain = believed_answers(answers, result.doubtful).labels(context.scene.valid.shape)
    save_array(folder / "certain.npy", np.where(context.scene.valid, certain, 0))
    save_json(
        folder / "record.json",
        {
            "answers": answers.count,
            "pixels": len(answers),
            "per_class": {
                name: int((answers.classes == number).sum())
                for number, name in enumerate(context.classes.names, start=1)
            },
            "none_of_these": int((answers.classes == NONE_OF_THESE).sum()),
            "not_known": int((answers.classes == NO_ANSWER).sum()),
            "names_believed": round(result.trust, 4),
            "unknown_pixels": int(result.unknown.sum()),
            "to_look_at_again": [one.to_json() for one in result.doubtful],
        },
    )


def _again(doubtful: Sequence[Doubtful]) -> str:
    """Return one line about the answers that something speaks against."""
    shown = [f"row {one.row}, column {one.col}: {one.said}, where {one.by} say {one.against}" for one in doubtful[:3]]
    more = f"; and {len(doubtful) - 3} more, which run.json lists" if len(doubtful) > 3 else ""
    return f"Answers to look at again: {'; '.join(shown)}{more}."


def learned(context: SceneContext) -> Learned:
    """Return what a later step of the run learns from."""
    if "answers" not in context.step.upstream:
        return Learned(context.scene.valid)
    known = context.scene.valid & ~context.array("answers", "unknown.npy")
    return Learned(
        known if known.any() else context.scene.valid,
        context.array("answers", "certain.npy"),
        context.rows("answers", "probabilities.npy"),
    )


@dataclass(frozen=True)
class Learned:
    """What answers say to the steps after them.

    Attributes:
        known: bool (rows, cols): valid pixels, without those that have no class of the list.
        certain: int32 (rows, cols), 1..K where the user has named a pixel, else 0; None in a run without answers.
        corrected: the corrected pseudo-labels, float32 (rows, cols, K); None in a run without answers.
    """

    known: np.ndarray
    certain: np.ndarray | None = None
    corrected: Rows | None = None

    def keep_certain(self, probabilities: Rows) -> None:
        """Give the pixels that the user has named what the corrected pseudo-labels have there; in place."""
        if self.certain is None or self.corrected is None:
            return
        for row in np.flatnonzero(self.certain.any(axis=1)).tolist():
            line = slice(row, row + 1)
            at = self.certain[line] > 0
            probabilities[line] = np.where(at[..., None], self.corrected[line], probabilities[line])


STEP = Step(
    name="answers",
    version=3,
    function=_run,
    summary="Correct the pseudo-labels of RUN by its answers again, and do what follows.",
    examples=("special answers", "special answers scene.special --set answers.noise=0.3 --until answers"),
    upstream=("pseudo",),
    settings=(AnswersSettings,),
    inputs={"scene": "the scene", "classes": "the class list", "seed": "the seed", "answers": "the answers"},
)
