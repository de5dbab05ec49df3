"""What a few answers make of a map that names have made."""

from __future__ import annotations

import numpy as np
import pytest
from fields import NAMES, Fields, fields

from special.answers.answers import NONE_OF_THESE, Answers
from special.answers.correction import Corrected, correct, impose
from special.answers.groups import group

CORNERS = ((10, 10), (10, 30), (30, 10), (30, 30))


def corrected(given: Fields, answers: Answers) -> Corrected:
    groups = group(given.scene, len(NAMES), given.settings, seed=0)
    return correct(given.scene.valid, groups, given.names, answers, NAMES, given.settings)


def accuracy(given: Fields, result: Corrected) -> float:
    return float((result.probabilities[:].argmax(axis=2) + 1 == given.truth).mean())


@pytest.fixture(scope="module")
def wrong_names() -> Fields:
    return fields(mixed_up=True)


@pytest.fixture(scope="module")
def right_names() -> Fields:
    return fields(mixed_up=False)


def test_one_answer_a_class_mends_a_map_that_is_wrong_everywhere(wrong_names: Fields) -> None:
    result = corrected(wrong_names, wrong_names.answer(*CORNERS))
    assert accuracy(wrong_names, result) > 0.95


def test_probabilities_sum_to_one(wrong_names: Fields) -> None:
    result = corrected(wrong_names, wrong_names.answer(*CORNERS))
    np.testing.assert_allclose(result.probabilities[:].sum(axis=2), 1, atol=1e-5)


def test_names_are_believed_where_they_prove_right_and_only_there(wrong_names: Fields, right_names: Fields) -> None:
    assert corrected(right_names, right_names.answer(*CORNERS)).trust > 0.7
    assert corrected(wrong_names, wrong_names.answer(*CORNERS)).trust < 0.3


def test_names_that_prove_right_stay_in_play_where_nobody_was_asked(right_names: Fields) -> None:
    result = corrected(right_names, right_names.answer(*CORNERS[:2]))
    assert accuracy(right_names, result) > 0.95


def test_an_answer_does_not_reach_what_looks_different(right_names: Fields) -> None:
    before = right_names.names.argmax(axis=2)
    after = corrected(right_names, right_names.answer((10, 10))).probabilities[:].argmax(axis=2)
    np.testing.assert_array_equal(after[25:, 25:], before[25:, 25:])


def test_a_named_pixel_has_its_class_for_certain(right_names: Fields) -> None:
    result = corrected(right_names, right_names.answer((10, 10), said=3))
    assert result.probabilities[10:11][0, 10, 2] == pytest.approx(right_names.settings.certainty)


def test_a_wrong_answer_among_right_ones_is_outvoted_and_listed(right_names: Fields) -> None:
    inside = [(row, col) for row in (4, 8, 12, 16) for col in (4, 8, 12, 16)]
    answers = right_names.answer(*inside, *CORNERS[1:]).with_newer(right_names.answer((8, 8), said=4))
    result = corrected(right_names, answers)
    assert accuracy(right_names, result) > 0.95
    assert [(one.row, one.col, one.said, one.against, one.by) for one in result.doubtful] == [
        (8, 8, "Road", "Wheat", "answers")
    ]


def test_an_answer_that_sure_and_proven_names_deny_is_kept_and_listed() -> None:
    given = fields(mixed_up=False)
    given.names[...] = np.where(given.names > 0.5, 0.97, 0.01)
    result = corrected(given, given.answer((5, 25), (35, 5), (35, 35)).with_newer(given.answer((10, 10), said=2)))
    assert [(one.row, one.col, one.by) for one in result.doubtful] == [(10, 10, "names")]
    assert result.probabilities[10:11][0, 10].argmax() == 1


def test_none_of_these_makes_unknown_what_looks_alike(right_names: Fields) -> None:
    answers = right_names.answer(*CORNERS[:3]).with_newer(right_names.answer((30, 30), said=NONE_OF_THESE))
    unknown = corrected(right_names, answers).unknown
    assert unknown[22:38, 22:38].mean() > 0.9
    assert unknown[:18].mean() < 0.05


def test_a_class_that_the_names_never_had_works_from_its_answers() -> None:
    given = fields(mixed_up=False)
    given.names[..., 3] = 0  # nobody has ever heard of roads
    given.names[...] /= given.names.sum(axis=2, keepdims=True)
    result = corrected(given, given.answer(*CORNERS))
    assert (result.probabilities[:].argmax(axis=2)[22:38, 22:38] == 3).mean() > 0.9


def test_pixels_without_data_stay_without() -> None:
    given = fields()
    cube = given.scene.read()
    cube[:5] = np.nan
    from special.scene import Scene

    scene = Scene.from_array(cube, given.scene.wavelengths)
    names = np.where(scene.valid[..., None], given.names, 0)
    answers = given.answer((2, 2), *CORNERS)
    result = corrected(Fields(scene, given.truth, names, given.settings), answers)
    assert not result.probabilities[:5].any()
    assert not result.unknown[:5].any()


def test_the_same_answers_give_the_same_bits(wrong_names: Fields) -> None:
    answers = wrong_names.answer(*CORNERS)
    first, second = (corrected(wrong_names, answers).probabilities[:] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_label_image_is_taken_whole(wrong_names: Fields) -> None:
    labels = np.where(np.indices(wrong_names.truth.shape).sum(axis=0) % 3 == 0, wrong_names.truth, 0)
    result = corrected(wrong_names, Answers.of_labels(labels))
    assert accuracy(wrong_names, result) > 0.97


def test_what_is_imposed_leaves_the_order_of_the_others() -> None:
    probabilities = np.array([[[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]], dtype=np.float32)
    impose(probabilities, Answers.of(*np.array([[0], [0], [3], [1]])), np.ones((1, 2), dtype=bool), 0.9)
    np.testing.assert_allclose(probabilities[0, 0], [0.0625, 0.0375, 0.9], atol=1e-6)
    np.testing.assert_allclose(probabilities[0, 1], [0.2, 0.2, 0.6])
