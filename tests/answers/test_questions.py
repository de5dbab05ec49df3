"""Which places are asked about."""

from __future__ import annotations

import numpy as np
import pytest
from fields import NAMES, Fields, fields
from scipy import ndimage

from special.answers.answers import NO_ANSWER, Answers
from special.answers.correction import Before
from special.answers.groups import Groups, group
from special.answers.questions import EDGE, RUNNERS_UP, Question, choose


@pytest.fixture(scope="module")
def given() -> Fields:
    return fields(mixed_up=False)


@pytest.fixture(scope="module")
def groups(given: Fields) -> Groups:
    return group(given.scene, len(NAMES), given.settings, seed=0)


def asked(given: Fields, groups: Groups, count: int, answers: Answers | None = None) -> list[Question]:
    answers = Answers.none() if answers is None else answers
    belief = Before.of(groups, given.names, given.settings).given(answers)
    return choose(groups, belief, given.names, NAMES, count, answers)


def test_a_batch_asks_about_every_field_before_any_twice(given: Fields, groups: Groups) -> None:
    questions = asked(given, groups, 4)
    assert sorted(given.truth[one.row, one.col] for one in questions) == [1, 2, 3, 4]


def test_questions_are_numbered_in_the_order_of_worth(given: Fields, groups: Groups) -> None:
    questions = asked(given, groups, 5)
    assert [one.id for one in questions] == [1, 2, 3, 4, 5]
    assert [one.group for one in questions[:3]] == [one.group for one in asked(given, groups, 3)]


def test_a_question_lies_in_its_area_which_is_of_one_group(given: Fields, groups: Groups) -> None:
    for one in asked(given, groups, 8):
        assert [one.row, one.col] in one.area.tolist()
        assert set(groups.of_pixels[one.area[:, 0], one.area[:, 1]]) == {one.group}
        mask = np.zeros(given.truth.shape, dtype=bool)
        mask[one.area[:, 0], one.area[:, 1]] = True
        assert ndimage.label(mask)[1] == 1
        assert one.area.dtype == np.int32


def test_a_question_is_two_pixels_from_the_edge_where_there_is_such_a_pixel(given: Fields, groups: Groups) -> None:
    for one in asked(given, groups, 8):
        members = groups.of_pixels == one.group
        depth = ndimage.distance_transform_edt(np.pad(members, 1))[1:-1, 1:-1]
        assert depth[one.row, one.col] > min(EDGE, depth.max() - 0.5)


def test_no_other_such_pixel_is_more_typical(given: Fields, groups: Groups) -> None:
    for one in asked(given, groups, 8):
        members = groups.of_pixels == one.group
        depth = ndimage.distance_transform_edt(np.pad(members, 1))[1:-1, 1:-1]
        inner = members & (depth > min(EDGE, depth.max() - 0.5))
        assert groups.distances[one.row, one.col] == groups.distances[inner].min()


def test_a_question_says_what_the_map_has_there(given: Fields, groups: Groups) -> None:
    (one,) = asked(given, groups, 1)
    shares = given.names[one.row, one.col]
    assert one.guess == NAMES[shares.argmax()]
    assert one.confidence == pytest.approx(shares.max())
    assert len(one.runners_up) == RUNNERS_UP
    assert one.guess not in dict(one.runners_up)


@pytest.mark.parametrize("said", [1, NO_ANSWER])
def test_nobody_is_asked_twice_about_a_place(given: Fields, groups: Groups, said: int) -> None:
    answers = Answers.none()
    places: set[tuple[int, int]] = set()
    for _ in range(4):
        for one in asked(given, groups, 4, answers):
            assert (one.row, one.col) not in places
            assert not answers.at(given.truth.shape)[one.row, one.col]
            places.add((one.row, one.col))
            answers = answers.with_newer(given.answer((one.row, one.col), said=said))
    assert len(places) == 16


def test_a_part_is_asked_about_again_only_once_there_is_no_other(given: Fields, groups: Groups) -> None:
    first = asked(given, groups, len(groups))
    everywhere = given.answer(*((one.row, one.col) for one in first))
    part_of = {(row, col): one.id for one in first for row, col in one.area.tolist()}
    for one in asked(given, groups, 3, everywhere):
        assert not everywhere.at(given.truth.shape)[one.row, one.col]
    nearly = given.answer(*((one.row, one.col) for one in first[:-1]))
    (last, *_) = asked(given, groups, 1, nearly)
    assert part_of.get((last.row, last.col), first[-1].id) == first[-1].id


def test_there_is_an_end_to_asking(given: Fields, groups: Groups) -> None:
    questions = asked(given, groups, 10_000)
    assert 0 < len(questions) <= len(groups)


def test_after_an_answer_something_else_is_asked(given: Fields, groups: Groups) -> None:
    (first,) = asked(given, groups, 1)
    (second,) = asked(given, groups, 1, given.answer((first.row, first.col)))
    assert given.truth[second.row, second.col] != given.truth[first.row, first.col]
