"""Accuracy and area from a sample: the published examples, to the digits that are printed."""

from __future__ import annotations

import numpy as np
import pytest

from special.report.area_estimates import AreaEstimates, Estimate, estimate

OLOFSSON = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])


@pytest.fixture(scope="module")
def olofsson() -> AreaEstimates:
    """Table 8 of Olofsson et al. 2014: change of forest, stratified by the map.

    The paper leaves the finite population correction out: pixels are counted a thousand times, and it vanishes.
    """
    mapped, reference = (np.repeat(axis.ravel(), OLOFSSON.ravel()) for axis in np.indices(OLOFSSON.shape))
    sizes = PIXELS * 1000
    names = ["deforestation", "forest gain", "stable forest", "stable non-forest"]
    return estimate(mapped, mapped, reference, sizes, names)


def rounded(estimates: tuple[Estimate | None, ...], digits: int) -> list[tuple[float, float]]:
    return [(round(one.value, digits), round(one.margin, digits)) for one in estimates if one is not None]


def test_olofsson_error_matrix_in_shares_of_the_area(olofsson: AreaEstimates) -> None:
    printed = [
        [0.0176, 0.0000, 0.0013, 0.0011],
        [0.0000, 0.0110, 0.0016, 0.0024],
        [0.0019, 0.0000, 0.2967, 0.0213],
        [0.0040, 0.0020, 0.0179, 0.6212],
    ]
    np.testing.assert_array_equal(olofsson.matrix.round(4), printed)


def test_olofsson_accuracies(olofsson: AreaEstimates) -> None:
    assert rounded(olofsson.users, 2) == [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    assert [value for value, _ in rounded(olofsson.producers, 2)] == [0.75, 0.85, 0.93, 0.96]
    assert rounded((olofsson.overall,), 2) == [(0.95, 0.02)]


@pytest.mark.parametrize("k", range(4))
def test_olofsson_equation_7(olofsson: AreaEstimates, k: int) -> None:
    """The variance of a producer's accuracy, as the paper writes it for strata that are the classes of the map."""
    sampled = OLOFSSON.sum(axis=1)
    users, found, estimated = OLOFSSON[k, k] / sampled[k], olofsson.producers[k], PIXELS @ (OLOFSSON[:, k] / sampled)
    assert found is not None
    shares = OLOFSSON[:, k] / sampled
    others = np.delete(PIXELS**2.0 * shares * (1 - shares) / (sampled - 1), k).sum()
    own = PIXELS[k] ** 2.0 * (1 - found.value) ** 2 * users * (1 - users) / (sampled[k] - 1)
    assert found.error == pytest.approx(np.sqrt(own + found.value**2 * others) / estimated, rel=1e-6)


def test_olofsson_areas(olofsson: AreaEstimates) -> None:
    hectares = 10_000_000 * 0.09
    found = [(round(one.value * hectares), round(one.margin * hectares)) for one in olofsson.areas]
    assert found == [(21_158, 6_158), (11_686, 3_756), (285_770, 15_510), (581_386, 16_282)]


@pytest.fixture(scope="module")
def stehman() -> AreaEstimates:
    """The example of Stehman 2014: four strata of ten points each, which are not the classes of the map."""
    strata = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
    mapped = "AAAAAAABBB" + "ABBBBBBBBB" + "BBCCCCCCBB" + "DDDDDDDDDD"
    reference = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
    codes = [np.array([ord(letter) - ord("A") for letter in letters]) for letters in (strata, mapped, reference)]
    return estimate(*codes, np.array([40_000, 30_000, 20_000, 10_000]), list("ABCD"))


def test_stehman_areas_and_accuracies(stehman: AreaEstimates) -> None:
    users, producers = stehman.users[1], stehman.producers[1]
    assert users is not None and producers is not None
    found = [stehman.areas[0], stehman.areas[2], stehman.overall, users, producers]
    assert [round(one.value, 3) for one in found] == [0.35, 0.2, 0.63, 0.574, 0.794]
    assert [round(one.error, 3) for one in found] == [0.082, 0.064, 0.085, 0.125, 0.117]
    assert stehman.matrix[1, 2] == pytest.approx(0.08)


def drawn(truth: np.ndarray, labels: np.ndarray, per_stratum: int, rng: np.random.Generator) -> AreaEstimates:
    points = np.concatenate([rng.choice(np.flatnonzero(labels == k), per_stratum, replace=False) for k in range(2)])
    return estimate(labels[points], labels[points], truth[points], np.bincount(labels), ["a", "b"])


def test_over_many_samples_estimates_are_right_and_intervals_hold() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(5000) < 0.3).astype(int)
    labels = np.where(rng.random(5000) < 0.15, 1 - truth, truth)
    found = [drawn(truth, labels, 120, rng) for _ in range(400)]
    users = [one.users[1] for one in found]
    for values, right in (
        ([one.overall for one in found], (labels == truth).mean()),
        ([one.areas[1] for one in found], truth.mean()),
        (users, truth[labels == 1].mean()),
        ([one.producers[1] for one in found], labels[truth == 1].mean()),
    ):
        assert np.mean([one.value for one in values]) == pytest.approx(right, abs=0.006)
        assert 0.92 < np.mean([abs(one.value - right) < one.margin for one in values]) < 0.98


def test_a_map_that_is_sampled_to_the_last_pixel_is_known() -> None:
    labels, truth = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    found = estimate(labels, labels, truth, np.bincount(labels), ["a", "b"])
    assert (found.overall.value, found.overall.error) == (pytest.approx(0.6), 0)
    assert [one.value for one in found.areas] == pytest.approx([0.4, 0.6])


def test_a_simple_random_sample_is_one_stratum() -> None:
    mapped, truth = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    found = estimate(np.zeros(4, int), mapped, truth, np.array([10_000_000]), ["a", "b"])
    assert found.overall.value == 0.75
    assert found.overall.error == pytest.approx(np.sqrt(0.75 * 0.25 / 3), rel=1e-6)


def test_of_what_was_not_met_nothing_is_said() -> None:
    zero = np.zeros(4, int)
    found = estimate(zero, zero, zero, np.array([100]), ["a", "b"])
    assert (found.users[1], found.producers[1]) == (None, None)
    assert (found.areas[1].value, found.areas[1].error) == (0, 0)


def test_a_stratum_of_which_too_little_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="two are needed"):
        estimate(np.array([0, 0, 1]), *(np.array([0, 0, 1]),) * 2, np.array([50, 50]), ["a", "b"])
