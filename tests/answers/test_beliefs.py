"""Several ideas of what is alike, and which of them answers bear out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fields import fields

from special.answers.belief import tempered
from special.answers.beliefs import Beliefs
from special.answers.features import SceneFeatures
from special.answers.likeness import Observations, covariance
from special.answers.settings import AnswersSettings
from special.settings import load

SETTINGS = load("special").build(AnswersSettings)
CENTRES = np.array([[0.05 * number + across, up] for number in range(5) for across in (0.0, 4.0) for up in (0.0, 4.0)])
"""Four heaps of five groups: classes may go by the first feature, or by the second."""
FIRST, SECOND = np.array([1.0, 0.0]), np.array([0.0, 1.0])
EVEN = np.full((len(CENTRES), 2), 0.5)


def beliefs(said: Sequence[tuple[int, int]], *weights: np.ndarray) -> Beliefs:
    """What is believed after answers of (group, class) under ideas by which these features count."""
    groups, classes = np.array(said, dtype=int).reshape(-1, 2).T
    seen = Observations(groups, classes, CENTRES[groups], np.ones(len(groups)))
    return Beliefs(tempered(EVEN), [covariance(CENTRES, SETTINGS, one) for one in weights], seen, SETTINGS)


def by(feature: int, count: int) -> list[tuple[int, int]]:
    """The first ``count`` groups, named by one of the features."""
    return [(group, int(CENTRES[group, feature] > 2)) for group in range(count)]


def test_ideas_are_alike_before_any_answer() -> None:
    assert beliefs([], FIRST, SECOND).shares.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("feature", [0, 1])
def test_the_idea_that_foresees_the_answers_is_believed(feature: int) -> None:
    found = beliefs(by(feature, 8), FIRST, SECOND)
    assert found.shares.argmax() == feature and found.shares.max() > 0.9
    assert (found.probabilities.argmax(axis=1) == (CENTRES[:, feature] > 2)).all()


def test_one_answer_that_nothing_foresees_disproves_no_idea() -> None:
    right = by(0, 12)
    slip = [*right[:-1], (right[-1][0], 1 - right[-1][1])]
    assert beliefs(slip, FIRST, SECOND).shares[0] > 0.9


def test_under_one_idea_it_is_what_is_believed_under_that() -> None:
    one = beliefs(by(0, 5), FIRST)
    np.testing.assert_array_equal(one.mean, one.each[0].mean)
    np.testing.assert_array_equal(one.left, one.each[0].left)
    assert one.contradicted.tolist() == one.each[0].contradicted.tolist()


def test_pixels_at_a_centre_are_believed_to_be_what_the_group_is() -> None:
    found = beliefs(by(1, 8), FIRST, SECOND)
    at = found.at(CENTRES, tempered(EVEN))
    assert (at.argmax(axis=1) == found.mean.argmax(axis=1)).all()


def test_weights_make_the_pixel_count_beside_its_surroundings_and_keep_the_length() -> None:
    given = fields()
    features = SceneFeatures(given.scene, given.settings)
    even, own = features.weights(1, 1, 1), features.weights(1, 0, 0)
    np.testing.assert_allclose(even, 1, rtol=1e-3)
    third = features.count // 3
    assert (own[:third] > 1).all() and not own[third : features.count].any()
    assert own[features.count :].tolist() == [1, 1]
    lengths = ((features.sample * own)[:, : features.count] ** 2).sum(axis=1)
    assert lengths.mean() == pytest.approx(1, rel=1e-3)
