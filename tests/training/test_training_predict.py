"""Predictions: averaged over orientations, and blended with what they were learned from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learn_scene import build, learn_scene

from special.models.orientation import orient, restore
from special.training.predict import blend_with_prior, predict
from special.training.standardise import standardise

VALID = np.ones((30, 20), dtype=bool)


def _shares(seed: int, concentration: float, count: int = 3) -> np.ndarray:
    draws = np.random.default_rng(seed).dirichlet([concentration] * count, VALID.shape)
    return draws.astype(np.float32)


def _confidence(probabilities: np.ndarray) -> float:
    return float(probabilities.max(axis=-1).mean())


def test_a_prediction_is_the_mean_over_orientations() -> None:
    scene = learn_scene()
    torch.manual_seed(0)
    model = build(12, 3).eval()
    spectra = standardise(scene.cube, scene.valid)
    image = torch.from_numpy(spectra).permute(2, 0, 1)[None]
    with torch.no_grad():
        parts = [restore(torch.softmax(model(orient(image, view)), dim=1), view) for view in range(3)]
    expected = torch.stack(parts).mean(dim=0)[0].permute(1, 2, 0).numpy()
    result = predict(model, spectra, scene.valid, 64, 0, views=3, device="cpu")
    np.testing.assert_allclose(result[scene.valid], expected[scene.valid], atol=1e-6)
    assert not result[~scene.valid].any()


def test_what_was_learned_gets_the_confidence_of_the_prior() -> None:
    learned, prior = _shares(0, 0.05), _shares(1, 5.0)
    assert _confidence(learned) > 0.9 and _confidence(prior) < 0.6
    blended = blend_with_prior(learned, prior, VALID, 0.0)
    assert _confidence(blended) == pytest.approx(_confidence(prior), abs=1e-3)
    np.testing.assert_array_equal(blended.argmax(axis=-1), learned.argmax(axis=-1))


def test_an_unsure_classifier_is_not_made_surer() -> None:
    learned, prior = _shares(0, 20.0), _shares(1, 0.05)
    np.testing.assert_allclose(blend_with_prior(learned, prior, VALID, 0.0), learned, atol=1e-5)


def test_a_weight_of_one_is_the_prior_alone() -> None:
    prior = _shares(1, 2.0)
    np.testing.assert_allclose(blend_with_prior(_shares(0, 0.05), prior, VALID, 1.0), prior, atol=1e-5)


def test_even_a_very_sure_classifier_does_not_drown_an_unsure_prior() -> None:
    learned, prior = _shares(0, 0.02), _shares(1, 20.0)  # with plain products the prior would change no label
    blended = blend_with_prior(learned, prior, VALID, 0.9).argmax(axis=-1)
    assert (blended == prior.argmax(axis=-1)).mean() > 0.9


def test_probabilities_of_exactly_zero_and_one_stay_finite() -> None:
    certain = np.eye(3, dtype=np.float32)[np.random.default_rng(2).integers(0, 3, VALID.shape)]
    blended = blend_with_prior(certain, _shares(1, 2.0), VALID, 0.5)
    assert np.isfinite(blended).all()
    np.testing.assert_allclose(blended.sum(axis=-1), 1, atol=1e-5)


def test_invalid_pixels_stay_zero() -> None:
    valid = VALID.copy()
    valid[3] = False
    learned, prior = (np.where(valid[..., None], _shares(seed, 1.0), 0) for seed in (0, 1))
    assert not blend_with_prior(learned, prior, valid, 0.3)[3].any()
