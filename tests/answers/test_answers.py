"""What was said of pixels: one table, whatever files it came from and in whatever order."""

from __future__ import annotations

import numpy as np

from special.answers.answers import NO_ANSWER, NONE_OF_THESE, Answers


def said(*pixels: tuple[int, int, int, int]) -> Answers:
    """Answers of (row, col, class, number)."""
    return Answers.of(*np.array(pixels).reshape(-1, 4).T)


def test_the_same_answers_have_the_same_hash_in_any_order() -> None:
    first, second = said((0, 1, 2, 1)), said((3, 4, 1, 1), (3, 5, 1, 1))
    assert first.with_newer(second).sha256 == second.with_newer(first).sha256
    assert first.with_newer(second).sha256 != first.sha256


def test_of_a_pixel_the_newer_answer_holds() -> None:
    both = said((0, 1, 2, 1), (5, 5, 1, 2)).with_newer(said((0, 1, 3, 1)))
    assert both.table.tolist() == [[0, 1, 3, 1], [5, 5, 1, 2]]


def test_giving_a_file_twice_changes_nothing() -> None:
    once = said((0, 1, 2, 1), (2, 2, NONE_OF_THESE, 2))
    assert once.with_newer(once).sha256 == once.sha256


def test_what_the_user_does_not_know_is_no_answer_but_has_been_asked() -> None:
    answers = said((0, 0, NO_ANSWER, 1), (1, 1, 2, 2), (1, 2, 2, 2), (4, 4, NONE_OF_THESE, 3))
    assert (len(answers), answers.count) == (4, 2)
    assert answers.at((5, 5)).sum() == 4
    assert answers.labels((5, 5)).sum() == 4  # two pixels of class 2


def test_answers_follow_their_classes_into_another_list() -> None:
    answers = said((0, 0, 1, 1), (1, 1, 2, 2), (2, 2, NONE_OF_THESE, 3))
    now = answers.of_list(["Water", "Grass"], ["Grass", "Road"])
    assert now.table.tolist() == [[1, 1, 1, 1], [2, 2, NONE_OF_THESE, 2]]


def test_every_pixel_of_a_label_image_is_an_answer() -> None:
    labels = np.array([[0, 2], [1, 0]])
    answers = Answers.of_labels(labels)
    assert answers.count == 2
    np.testing.assert_array_equal(answers.labels((2, 2)), labels)
