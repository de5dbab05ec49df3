"""The Gaussian process over groups: what names and answers come to."""

from __future__ import annotations

import numpy as np
import pytest

from special.answers.belief import POWERS, Belief, as_probabilities, tempered
from special.answers.likeness import Observations, covariance
from special.answers.settings import AnswersSettings
from special.settings import load

SETTINGS = load("special").build(AnswersSettings)
CENTRES = np.concatenate([np.random.default_rng(0).normal(place, 0.1, (20, 3)) for place in (0.0, 3.0)])
"""Two heaps of twenty groups."""


def belief(names: np.ndarray, *said: tuple[int, int]) -> Belief:
    """What is believed after answers of (group, class); ``names`` (groups, K)."""
    groups, classes = np.array(said, dtype=int).reshape(-1, 2).T
    seen = Observations(groups, classes, CENTRES[groups], np.ones(len(groups)))
    return Belief(tempered(names), covariance(CENTRES, SETTINGS), seen, SETTINGS)


def even(classes: int = 3) -> np.ndarray:
    return np.full((len(CENTRES), classes), 1 / classes)


def right() -> np.ndarray:
    """Names that are right: the first heap is class 0, the second class 1."""
    names = np.full((len(CENTRES), 3), 0.1)
    names[:20, 0] = names[20:, 1] = 0.8
    return names


def test_covariance_is_one_with_itself_and_symmetric() -> None:
    between = covariance(CENTRES, SETTINGS).between_groups
    np.testing.assert_allclose(np.diag(between), 1)
    np.testing.assert_allclose(between, between.T)
    assert np.linalg.eigvalsh(between).min() > -1e-8


def test_pixels_at_a_centre_go_with_groups_as_that_group_does() -> None:
    likeness = covariance(CENTRES, SETTINGS)
    seen = Observations(np.array([3, 25]), np.array([0, 1]), CENTRES[[3, 25]], np.ones(2))
    np.testing.assert_allclose(likeness.of_pixels(CENTRES, seen), likeness.between_groups[:, [3, 25]], atol=1e-6)
    np.testing.assert_allclose(likeness.of_groups(seen), likeness.between_groups[:, [3, 25]], atol=1e-6)
    np.testing.assert_allclose(likeness.among(seen), likeness.between_groups[np.ix_([3, 25], [3, 25])], atol=1e-6)


def test_one_group_alone_goes_with_itself() -> None:
    assert covariance(CENTRES[:1], SETTINGS).between_groups.tolist() == [[1.0]]


def test_before_any_answer_half_is_left_to_the_names() -> None:
    before = belief(right())
    assert before.trust == pytest.approx(0.5)
    assert (before.mean[:20].argmax(axis=1) == 0).all()


def test_an_answer_carries_through_its_heap_and_not_to_the_other() -> None:
    after = belief(even(), (0, 2))
    shares = after.probabilities
    assert (shares[:20].argmax(axis=1) == 2).all()
    assert shares[:20, 2].min() > 2 * shares[20:, 2].max() - 1 / 3


def test_an_answer_takes_variance_where_it_carries() -> None:
    left = np.diag(belief(even(), (0, 2)).left)
    assert left[0] < 0.2
    assert left[:20].max() < left[20:].min()


def test_answers_tell_whether_names_are_to_be_believed() -> None:
    assert belief(right(), (0, 0), (20, 1)).trust > belief(right()).trust > belief(right(), (0, 1), (20, 2)).trust


def test_an_answer_that_its_heap_denies_is_found_and_weighed_less() -> None:
    said = [(group, 0) for group in range(0, 20, 2)] + [(7, 1)]
    found = belief(even(), *said)
    assert found.contradicted.tolist() == [False] * 10 + [True]
    assert found.noise[-1] > found.noise[0]
    assert found.probabilities[7].argmax() == 0


def test_where_nobody_else_has_spoken_nothing_is_denied() -> None:
    assert not belief(right(), (0, 2), (20, 2)).contradicted.any()


def sure(share: float = 0.99) -> np.ndarray:
    """Names that are right and know it."""
    names = np.full((len(CENTRES), 3), (1 - share) / 2)
    names[:20, 0] = names[20:, 1] = share
    return names


def test_an_answer_that_proven_names_deny_may_be_a_slip_and_moves_less() -> None:
    others = [(20 + group, 1) for group in range(0, 20, 3)]
    proven, alone = belief(sure(), *others, (3, 1)), belief(even(), *others, (3, 1))
    assert proven.slips[-1] > 0.4 and proven.slips[:-1].max() < 0.1
    assert alone.slips[-1] < 0.2
    assert proven.probabilities[:20, 1].max() < 0.6 < alone.probabilities[:20, 1].min()


def test_names_that_others_disprove_deny_nothing() -> None:
    wrong = sure()[:, [1, 0, 2]]
    found = belief(wrong, *[(20 + group, 1) for group in range(0, 20, 3)], (3, 0))
    assert found.slips.max() < 0.3
    assert (found.probabilities[:20].argmax(axis=1) == 0).all()


@pytest.mark.parametrize("said", [2, 3])
def test_of_a_class_that_names_never_had_and_of_none_of_these_they_say_nothing(said: int) -> None:
    names = sure()
    names[:, 2] = 0
    found = belief(names / names.sum(axis=1, keepdims=True), *[(20 + group, 1) for group in range(0, 20, 3)], (3, said))
    assert found.slips[-1] < 0.2
    assert found.probabilities[3].argmax() == said


def test_none_of_these_is_believed_as_a_class_is() -> None:
    after = belief(even(), (0, 3), (20, 1))
    assert (after.probabilities[:20].argmax(axis=1) == 3).all()
    assert (after.probabilities[20:].argmax(axis=1) == 1).all()


def test_probabilities_to_a_power_above_1_are_surer() -> None:
    mean = np.array([[0.7, 0.2, -0.1]])
    assert as_probabilities(mean, 2.0)[0, 0] > as_probabilities(mean)[0, 0] > 0.7
    np.testing.assert_allclose(as_probabilities(mean, 2.0).sum(axis=1), 1)


def test_names_are_tempered_to_every_power() -> None:
    found = tempered(np.array([[0.8, 0.2]]))
    assert len(found) == len(POWERS)
    np.testing.assert_allclose(found[POWERS.index(1.0)], [[0.8, 0.2]])
    np.testing.assert_allclose(found[POWERS.index(2.0)], [[16 / 17, 1 / 17]])
