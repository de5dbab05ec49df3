"""Rounds of questions and answers, and how right the pseudo-labels are that the answers have corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from answers_of.cases import EVERY, Case, Figures, User, scores


@dataclass(frozen=True)
class Way:
    """How a user is asked.

    ``names``: whether the class names' map is known. ``wrong``: whether one answer in ten is wrong. ``seed``: of the
    groups. ``draw``: which answers are the wrong ones. ``changes``: settings that differ.
    """

    seed: int = 0
    names: bool = True
    wrong: bool = False
    draw: int = 0
    changes: tuple[tuple[str, float], ...] = ()


@dataclass
class Asked:
    """What came of it. ``unknown``: how often the user did not know. ``answers``: after each of the budgets."""

    figures: Figures
    unknown: int
    answers: dict[int, Any]


def asked(case: Case, way: Way, budgets: Sequence[int]) -> Asked:
    """Ask about a scene until the last of ``budgets``, times K, is reached, or there is nothing left to ask."""
    from dataclasses import replace

    from special.answers.correction import correct

    names = case.names if way.names else case.even
    settings = replace(case.settings, **dict(way.changes))
    found = Asked({0: scores(names, case.truth)}, 0, {})
    for answers, unknown in answered(case, way, names, settings, budgets[-1]):
        times, over = divmod(answers.count, len(case.present))
        if over == 0 and times in budgets and times not in found.figures:
            result = correct(case.scene.valid, case.groups(way.seed), names, answers, case.classes, settings)
            found.figures[times] = scores(np.asarray(result.probabilities), case.truth)
            found.answers[times], found.unknown = answers, unknown
    return found


def answered(case: Case, way: Way, names: np.ndarray, settings: Any, budget: int) -> Iterator[tuple[Any, int]]:
    """Ask until ``budget`` times K answers are there; yield the answers after each, and how often he did not know."""
    from special.answers.answers import NO_ANSWER, Answers
    from special.answers.correction import Before
    from special.answers.questions import choose

    groups = case.groups(way.seed)
    before = Before.of(groups, names, settings)
    chance = np.random.default_rng([way.seed, way.draw, *case.name.encode()])  # another one in every scene
    first = int(chance.integers(EVERY))
    # Seven and ten have no divisor in common: draws one after the other are wrong at other answers.
    user = User(case.truth, len(case.classes), chance, (first + 7 * way.draw) % EVERY if way.wrong else None)
    answers, unknown, round_ = Answers.none(), 0, len(case.present)
    while answers.count < budget * round_:
        questions = choose(groups, before.given(answers), names, case.classes, round_ - answers.count % round_, answers)
        if not questions:
            return
        for question in questions:
            row, col, said = user.answer(question)
            one = Answers.of(*(np.array([value]) for value in (row, col, said, 1)))
            place = Answers.of(*(np.array([value]) for value in (question.row, question.col, NO_ANSWER, 1)))
            answers = answers.with_newer(place).with_newer(one)
            unknown += said == 0
            yield answers, unknown
