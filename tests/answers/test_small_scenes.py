"""Scenes with next to nothing in them."""

from __future__ import annotations

import numpy as np
import pytest

from special.answers.answers import NONE_OF_THESE, Answers
from special.answers.correction import Before, correct
from special.answers.groups import group
from special.answers.questions import choose
from special.answers.settings import AnswersSettings
from special.scene import Scene
from special.settings import load

SETTINGS = load("special").build(AnswersSettings)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (12, 2)])
@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("alike", [True, False])
def test_questions_and_answers_work_in_the_smallest_scenes(shape: tuple[int, int], classes: int, alike: bool) -> None:
    nm = np.linspace(450, 900, 6)
    noise = 0 if alike else np.random.default_rng(0).normal(0, 0.05, (*shape, 6))
    scene = Scene.from_array(np.full((*shape, 6), 0.3, dtype=np.float32) + np.float32(noise), nm)
    names = np.full((*shape, classes), 1 / classes, dtype=np.float32)
    called = ["Water", "Soil"][:classes]
    groups = group(scene, classes, SETTINGS, seed=0)
    belief = Before.of(groups, names, SETTINGS).given(Answers.none())
    (first, *_) = choose(groups, belief, names, called, 3, Answers.none())
    answers = Answers.of(*np.array([[first.row], [first.col], [1], [1]]))
    result = correct(scene.valid, groups, names, answers, called, SETTINGS)
    assert result.probabilities[first.row, first.col, 0] > 0.9
    np.testing.assert_allclose(np.asarray(result.probabilities).sum(axis=2), 1, atol=1e-5)
    nothing = Answers.of(*np.array([[first.row], [first.col], [NONE_OF_THESE], [1]]))
    assert correct(scene.valid, groups, names, nothing, called, SETTINGS).unknown[first.row, first.col]


def test_answers_on_pixels_without_data_change_nothing() -> None:
    cube = np.random.default_rng(0).normal(0.3, 0.05, (8, 8, 6)).astype(np.float32)
    cube[:2] = np.nan
    scene = Scene.from_array(cube, np.linspace(450, 900, 6))
    names = np.where(scene.valid[..., None], np.float32(0.5), np.float32(0)).repeat(2, axis=2)
    groups = group(scene, 2, SETTINGS, seed=0)
    without = correct(scene.valid, groups, names, Answers.none(), ["A", "B"], SETTINGS)
    there = Answers.of(*np.array([[0], [0], [1], [1]]))
    np.testing.assert_array_equal(
        correct(scene.valid, groups, names, there, ["A", "B"], SETTINGS).probabilities, without.probabilities
    )
