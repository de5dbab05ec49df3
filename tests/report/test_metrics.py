"""The figures of ``special evaluate``, checked against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from special.errors import SceneError
from special.report.metrics import Scores, evaluate

NAMES = ["water", "grass", "soil", "roof"]
K = len(NAMES)


def maps(most: int, least: int = 0) -> st.SearchStrategy[np.ndarray]:
    return st.lists(st.integers(least, most), min_size=24, max_size=24).map(lambda v: np.array(v).reshape(4, 6))


def known(labels: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return truth[truth > 0], labels[truth > 0]


@given(maps(K), maps(K).filter(lambda truth: truth.any()))
def test_overall_accuracy_kappa_and_confusion_are_scikit_learn_s(labels: np.ndarray, truth: np.ndarray) -> None:
    scores, (right, found) = evaluate(labels, truth, NAMES), known(labels, truth)
    assert scores.oa == pytest.approx(sk.accuracy_score(right, found))
    expected = sk.confusion_matrix(right, found, labels=range(K + 1))[1:]
    np.testing.assert_array_equal(scores.confusion, np.roll(expected, -1, axis=1))
    if len({*right, *found}) > 1:
        assert scores.kappa == pytest.approx(sk.cohen_kappa_score(right, found))


@given(maps(K), maps(K).filter(lambda truth: truth.any()))
def test_means_are_scikit_learn_s_over_the_classes_they_are_defined_for(labels: np.ndarray, truth: np.ndarray) -> None:
    scores, (right, found) = evaluate(labels, truth, NAMES), known(labels, truth)
    present = sorted(set(right))
    assert scores.aa == pytest.approx(sk.recall_score(right, found, labels=present, average="macro", zero_division=0))
    either = sorted({*right, *found} - {0})
    assert scores.miou == pytest.approx(sk.jaccard_score(right, found, labels=either, average="macro", zero_division=0))


@given(maps(K), maps(K).filter(lambda truth: truth.any()))
def test_each_class_is_scikit_learn_s(labels: np.ndarray, truth: np.ndarray) -> None:
    right, found = known(labels, truth)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        right, found, labels=range(1, K + 1), zero_division=np.nan
    )
    for index, entry in enumerate(evaluate(labels, truth, NAMES).per_class):
        assert entry.pixels == support[index]
        for mine, theirs in ((entry.recall, recall[index]), (entry.precision, precision[index]), (entry.f1, f1[index])):
            assert np.isnan(theirs) if mine is None else mine == pytest.approx(theirs)


@given(maps(K, least=1))
def test_a_perfect_map_has_ones_only(truth: np.ndarray) -> None:
    scores = evaluate(truth, truth, NAMES)
    assert (scores.oa, scores.aa, scores.kappa, scores.miou) == (1, 1, 1, 1)


@given(maps(K), maps(K).filter(lambda truth: truth.any()), st.permutations(range(1, K + 1)))
def test_the_order_of_the_classes_does_not_matter(labels: np.ndarray, truth: np.ndarray, order: list[int]) -> None:
    renumber = np.array([0, *order])
    before, after = evaluate(labels, truth, NAMES), evaluate(renumber[labels], renumber[truth], NAMES)
    for figure in ("oa", "aa", "kappa", "miou"):
        assert getattr(after, figure) == pytest.approx(getattr(before, figure))


def four() -> Scores:
    """Truth: 4 water, 3 grass, 1 soil; of the water one pixel is rejected, of the grass one is called roof."""
    truth = np.array([[1, 1, 1, 1], [2, 2, 2, 3], [0, 0, 0, 0]])
    labels = np.array([[1, 1, 1, 0], [2, 2, 4, 3], [1, 4, 3, 0]])
    return evaluate(labels.astype(np.uint8), truth.astype(np.uint8), NAMES)


def test_a_rejected_pixel_is_wrong() -> None:
    scores = four()
    assert scores.oa == 6 / 8
    assert scores.per_class[0].recall == 3 / 4 and scores.per_class[0].precision == 1
    assert scores.confusion[0].tolist() == [3, 0, 0, 0, 1]


def test_unlabelled_pixels_do_not_count() -> None:
    assert four().pixels == 8 and four().confusion.sum() == 8


def test_a_class_that_the_truth_lacks_counts_in_iou_but_not_in_average_accuracy() -> None:
    scores = four()
    assert scores.aa == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)
    assert scores.miou == pytest.approx((3 / 4 + 2 / 3 + 1 + 0) / 4)
    roof = scores.per_class[3]
    assert (roof.recall, roof.precision, roof.f1, roof.iou) == (None, 0, 0, 0)


def test_a_class_that_nobody_has_counts_nowhere() -> None:
    truth = np.array([[1, 2]])
    scores = evaluate(truth, truth, NAMES)
    assert scores.miou == scores.aa == 1
    assert scores.per_class[3].iou is None and scores.per_class[3].f1 is None


def test_one_class_everywhere_has_a_kappa() -> None:
    truth = np.full((3, 3), 2)
    assert evaluate(truth, truth, NAMES).kappa == 1
    assert evaluate(np.full((3, 3), 1), truth, NAMES).kappa == 0


def test_nothing_right_is_zero_not_undefined() -> None:
    scores = evaluate(np.zeros((2, 2), int), np.array([[1, 2], [3, 4]]), NAMES)
    assert (scores.oa, scores.aa, scores.kappa, scores.miou) == (0, 0, 0, 0)


def test_the_json_form_has_null_where_a_figure_is_undefined() -> None:
    told = json.loads(json.dumps(four().to_json(), allow_nan=False))
    assert {"oa", "aa", "kappa", "miou", "per_class", "confusion"} <= set(told)
    assert told["per_class"][3]["name"] == "roof" and told["per_class"][3]["recall"] is None
    assert [told["confusion"][i][i] for i in range(K)] == [3, 2, 1, 0]
    assert told["confusion_columns"] == [*NAMES, "no data or rejected"]


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (np.full((2, 3), 5), "the truth holds 5 but the class list has 4 classes: its values must be 1..4"),
        (np.array([[-1, 1, 1], [1, 1, 1]]), "the truth holds -1 but"),
        (np.zeros((2, 3), int), "the truth is 0 everywhere: it needs at least one labelled pixel"),
        (np.ones((3, 2), int), "the truth is 3 x 2 but the map is 2 x 3"),
        (np.full((2, 3), 1.5), "the truth holds float64 values: it must be whole numbers"),
    ],
)
def test_a_truth_that_does_not_fit_is_explained(truth: np.ndarray, said: str) -> None:
    with pytest.raises(SceneError) as error:
        evaluate(np.ones((2, 3), np.uint8), truth, NAMES)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_more_classes_than_a_byte_holds() -> None:
    truth = np.arange(1, 301).reshape(15, 20).astype(np.uint16)
    assert evaluate(truth, truth, [str(k) for k in range(300)]).oa == 1
