"""Soft labels: PCA of the spectra, a mixture per class, the posterior in log space."""

from __future__ import annotations

import numpy as np
import pytest

from special.errors import TrainingError
from special.training.confident_hard import Split
from special.training.soft_labels import pca_features, soft_labels

SHAPE = (30, 20)


def _features(count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Two classes side by side, well apart in every feature."""
    truth = np.zeros(SHAPE, dtype=int)
    truth[:, 10:] = 1
    noise = np.random.default_rng(0).normal(0, 1, (*SHAPE, count))
    return (noise + 6.0 * truth[..., None]).astype(np.float32), truth


def _soft(features: np.ndarray, labels: np.ndarray, confident: np.ndarray, probabilities: np.ndarray, **changes: float):  # type: ignore[no-untyped-def]
    valid = probabilities.any(axis=-1)
    options = {"components": 3, "temperature": 1.0, "prior": 0.0, "smallest": 10, "cap": 500, **changes}
    parts = Split(labels, confident & valid, valid & ~confident)
    made = soft_labels(features, parts, probabilities, valid, generator=np.random.default_rng(0), **options)
    return made.everywhere()


def _even(count: int) -> np.ndarray:
    return np.full((*SHAPE, count), 1 / count, dtype=np.float32)


def test_spectra_overrule_wrong_labels_of_hard_pixels() -> None:
    features, truth = _features()
    wrong = np.random.default_rng(1).random(SHAPE) < 0.3
    soft = _soft(features, np.where(wrong, 1 - truth, truth), ~wrong, _even(2))
    np.testing.assert_array_equal(soft.argmax(axis=-1), truth)


def test_soft_labels_sum_to_one_at_valid_pixels_and_are_zero_elsewhere() -> None:
    features, truth = _features()
    probabilities = _even(2)
    probabilities[4] = 0
    total = _soft(features, truth, np.ones(SHAPE, dtype=bool), probabilities).sum(axis=-1)
    np.testing.assert_allclose(np.delete(total, 4, axis=0), 1, atol=1e-5)
    assert not total[4].any()


def test_densities_that_underflow_still_give_a_posterior() -> None:
    features, truth = _features(count=30)
    features[3, 3] = 5e3  # log densities around -1e8: their exponential is 0 in every class
    soft = _soft(features, truth, np.ones(SHAPE, dtype=bool), _even(2), smallest=2)
    assert np.isfinite(soft).all()
    assert soft[3, 3].sum() == pytest.approx(1)


def test_a_class_of_a_few_confident_pixels_gets_fewer_components_and_still_wins_its_pixels() -> None:
    features, truth = _features()
    confident = np.ones(SHAPE, dtype=bool)
    confident[:, 10:] = False
    confident[:12, 10] = True
    soft = _soft(features, truth, confident, _even(2))
    np.testing.assert_array_equal(soft.argmax(axis=-1), truth)


def test_a_class_without_confident_pixels_keeps_its_predicted_probability() -> None:
    features, truth = _features()
    probabilities = np.zeros((*SHAPE, 3), dtype=np.float32)
    probabilities[..., 2] = np.random.default_rng(2).uniform(0, 0.3, SHAPE)
    probabilities[..., :2] = ((1 - probabilities[..., 2]) / 2)[..., None]
    soft = _soft(features, truth, np.ones(SHAPE, dtype=bool), probabilities)
    np.testing.assert_allclose(soft[..., 2], probabilities[..., 2], atol=1e-6)
    np.testing.assert_allclose(soft.sum(axis=-1), 1, atol=1e-5)


def test_without_any_confident_class_the_predictions_stay() -> None:
    features, truth = _features()
    probabilities = np.random.default_rng(3).dirichlet([1, 1], SHAPE).astype(np.float32)
    soft = _soft(features, truth, np.zeros(SHAPE, dtype=bool), probabilities)
    np.testing.assert_allclose(soft, probabilities, atol=1e-6)


def test_the_prior_favours_the_commoner_class_by_its_exponent() -> None:
    features = np.random.default_rng(4).normal(0, 1, (*SHAPE, 2)).astype(np.float32)  # classes that look alike
    labels = np.zeros(SHAPE, dtype=int)
    labels[:, 15:] = 1  # a quarter
    everywhere = np.ones(SHAPE, dtype=bool)
    means = [
        _soft(features, labels, everywhere, _even(2), components=1, prior=prior)[..., 0].mean() for prior in (0.0, 1.0)
    ]
    assert means[0] == pytest.approx(0.5, abs=0.05)
    assert means[1] == pytest.approx(0.75, abs=0.05)


def test_a_higher_temperature_is_less_sure_and_names_the_same_class() -> None:
    features, truth = _features()
    everywhere = np.ones(SHAPE, dtype=bool)
    cold = _soft(features, truth, everywhere, _even(2), temperature=1.0)
    warm = _soft(features, truth, everywhere, _even(2), temperature=20.0)
    assert warm.max(axis=-1).mean() < cold.max(axis=-1).mean()
    np.testing.assert_array_equal(warm.argmax(axis=-1), cold.argmax(axis=-1))


def test_windows_that_are_asked_for_are_made_alone_and_as_all_of_them() -> None:
    features, truth = _features()
    probabilities, everywhere = _even(2), np.ones(SHAPE, dtype=bool)
    options = {"components": 3, "temperature": 1.0, "prior": 0.0, "smallest": 10, "cap": 500, "share": 0.7}
    parts = Split(truth, everywhere, ~everywhere)
    made = soft_labels(features, parts, probabilities, everywhere, generator=np.random.default_rng(0), **options)
    window = slice(2, 9), slice(3, 12)
    some = made[window]
    assert (made._kept.sum(axis=-1) > 0).sum() == some.shape[0] * some.shape[1]
    probabilities[:] = 0  # what is made stays
    np.testing.assert_array_equal(made[window], some)
    probabilities[:] = 0.5
    np.testing.assert_allclose(made.everywhere()[window], some, atol=1e-6)


def test_non_finite_features_are_an_error() -> None:
    features, truth = _features()
    features[1, 1, 0] = np.nan
    with pytest.raises(TrainingError, match="spectral features are not finite at 1 valid pixels"):
        _soft(features, truth, np.ones(SHAPE, dtype=bool), _even(2))


def test_pca_features_are_decorrelated_with_unit_variance() -> None:
    rng = np.random.default_rng(5)
    spectra = (rng.normal(0, 1, (*SHAPE, 5)) @ rng.normal(0, 1, (5, 40))).astype(np.float32)
    valid = np.ones(SHAPE, dtype=bool)
    features = pca_features(spectra, valid, count=4, cap=10_000, generator=rng)
    np.testing.assert_allclose(np.cov(features[valid].T), np.eye(4), atol=1e-3)


def test_pca_gives_no_more_features_than_the_scene_has_directions() -> None:
    rng = np.random.default_rng(6)
    spectra = (rng.normal(0, 1, (*SHAPE, 2)) @ rng.normal(0, 1, (2, 40))).astype(np.float32)
    assert pca_features(spectra, np.ones(SHAPE, dtype=bool), count=10, cap=500, generator=rng).shape[-1] == 2


def test_spectra_that_are_all_alike_are_an_error() -> None:
    with pytest.raises(TrainingError, match="same spectrum"):
        pca_features(
            np.zeros((*SHAPE, 5), dtype=np.float32),
            np.ones(SHAPE, dtype=bool),
            count=3,
            cap=500,
            generator=np.random.default_rng(0),
        )
