"""Estimating what teachers are worth from how they agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from special.teachers.skill import (
    Agreement,
    agreement,
    agreements,
    claimed_skill,
    honest_power,
    labels_together,
    skills,
)

COUNT = 6
TRUTH = np.random.default_rng(0).integers(0, COUNT, (80, 90))
VALID = np.ones(TRUTH.shape, dtype=bool)


def says(labels: np.ndarray, p: float = 0.8) -> np.ndarray:
    rest = (1 - p) / (COUNT - 1)
    return (np.eye(COUNT)[labels] * (p - rest) + rest).astype(np.float32)


def knows(share: float, seed: int) -> np.ndarray:
    """Labels that are right for ``share`` of the pixels and drawn elsewhere."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(TRUTH.shape) < share, TRUTH, rng.integers(0, COUNT, TRUTH.shape))


def kappa(first: np.ndarray, second: np.ndarray) -> float:
    return agreement(labels_together(says(first), says(second), VALID)).kappa


def estimated(shares: Sequence[float]) -> list[float]:
    parts = [says(knows(share, seed)) for seed, share in enumerate(shares)]
    return skills(agreements(parts, VALID), len(parts), claimed=0.5)


def test_agreement_is_one_for_the_same_labels_and_about_zero_for_unrelated_ones() -> None:
    assert kappa(TRUTH, TRUTH) == pytest.approx(1)
    assert abs(kappa(TRUTH, knows(0, 1))) < 0.05


def test_one_that_always_says_the_same_agrees_with_nobody() -> None:
    assert kappa(TRUTH, np.zeros_like(TRUTH)) == 0


def test_independent_teachers_agree_by_the_product_of_their_skills() -> None:
    assert kappa(knows(0.8, 1), knows(0.5, 2)) == pytest.approx(0.4, abs=0.03)


def test_names_that_mean_something_are_no_luck() -> None:
    right, renamed = (agreement(labels_together(says(TRUTH), says(q), VALID)) for q in (TRUTH, (TRUTH + 1) % COUNT))
    assert right.sure() > 2
    assert renamed.sure() < 0


def test_what_is_beyond_the_most_that_skill_explains_is_luck() -> None:
    assert Agreement(0.8, 0.1).sure(0.02) == pytest.approx(0.2)
    assert Agreement(0.1, 0.1).sure(0.5) == pytest.approx(1)


def test_a_teacher_claims_the_skill_that_its_confidence_would_be() -> None:
    assert claimed_skill(says(TRUTH, 0.5), VALID) == pytest.approx((0.5 - 1 / COUNT) / (1 - 1 / COUNT), abs=1e-5)
    assert claimed_skill(np.full((*TRUTH.shape, COUNT), 1 / COUNT), VALID) == pytest.approx(0, abs=1e-9)


def test_two_classes_can_be_told_from_luck_although_there_is_but_one_permutation() -> None:
    labels = np.eye(2, dtype=np.float32)[TRUTH % 2]
    assert agreement(labels_together(labels, labels, VALID)).sure() > 2


def test_pixels_without_data_do_not_count() -> None:
    valid = VALID.copy()
    valid[:40] = False
    other = np.where(valid, TRUTH, 0)
    assert agreement(labels_together(says(TRUTH), says(other), valid)).kappa == pytest.approx(1)


def test_skills_of_three_teachers_are_found_in_any_order() -> None:
    assert estimated([0.8, 0.6, 0.3]) == pytest.approx([0.8, 0.6, 0.3], abs=0.1)
    assert estimated([0.3, 0.8, 0.6]) == pytest.approx([0.3, 0.8, 0.6], abs=0.1)


def test_of_two_that_disagree_the_first_is_believed() -> None:
    first, second = skills({(0, 1): Agreement(0.0, 0.05)}, 2, claimed=0.5)
    assert first > 0.4 > 0.1 > second


def test_what_two_agree_by_is_shared_out_by_what_the_first_claims() -> None:
    found = {(0, 1): Agreement(0.3, 0.05)}
    modest, proud = (skills(found, 2, claimed) for claimed in (0.4, 0.85))
    assert modest[0] < 0.6 < proud[0]
    assert proud[1] < 0.5 < modest[1]
    assert proud[0] * proud[1] == pytest.approx(modest[0] * modest[1], abs=0.05)


def test_what_all_agree_on_outweighs_what_the_first_claims() -> None:
    parts = [says(knows(share, seed)) for seed, share in enumerate([0.2, 0.8, 0.8, 0.8])]
    assert skills(agreements(parts, VALID), len(parts), claimed=0.95)[0] < 0.35


@pytest.mark.parametrize("count", [4, 6, 8])
def test_many_teachers_that_agree_are_good_ones(count: int) -> None:
    found = skills({pair: Agreement(0.64, 0.05) for pair in combinations(range(count), 2)}, count, claimed=0.5)
    assert found == pytest.approx([0.8] * count, abs=0.12)


@pytest.mark.parametrize("skill", [0.2, 0.5, 0.7])
def test_flattened_probabilities_are_as_sure_as_the_skill_allows(skill: float) -> None:
    part = says(TRUTH, 0.99)
    power = honest_power(part, VALID, skill)
    shares = part.astype(float) ** power
    shares /= shares.sum(axis=-1, keepdims=True)
    assert shares.max(axis=-1).mean() == pytest.approx(1 / COUNT + skill * (1 - 1 / COUNT), abs=0.01)


def test_one_that_is_not_sure_enough_is_left_as_it_is() -> None:
    assert honest_power(says(TRUTH, 0.4), VALID, 0.9) == 1
