"""The refinement: three samples, soft labels, and nothing that knows the truth."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
import torch
from learn_scene import LearnScene, accuracy, build, learn_scene, refine_settings

from special.errors import SettingsError, TrainingError, WeightsError
from special.steps.refine import Refined, Refinement, refine
from special.training.soft_labels import pca_features
from special.training.standardise import standardise


def _weights(classes: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return build(12, classes).state_dict()


def _refine(scene: LearnScene, probabilities: np.ndarray | None = None, **changes: Any) -> Refined:
    given = scene.pseudo if probabilities is None else probabilities
    return refine(scene.cube, scene.valid, given, _weights(given.shape[-1]), refine_settings(**changes), build, seed=0)


def test_it_mends_labels_that_contradict_the_spectra() -> None:
    scene = learn_scene(wrong=0.3)
    result = _refine(scene, epochs=4, steps=10, tile=64, learning_rate=0.02)
    assert accuracy(result.probabilities, scene) > accuracy(scene.pseudo, scene) + 0.15


def test_probabilities_and_soft_labels_sum_to_one_at_valid_pixels_and_are_zero_elsewhere() -> None:
    scene = learn_scene()
    result = _refine(scene)
    for array in (result.probabilities, result.soft_labels):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array[scene.valid].sum(axis=-1), 1, atol=1e-5)
        assert not array[~scene.valid].any()


def test_every_valid_pixel_is_a_candidate_and_confident_and_hard_split_them() -> None:
    scene = learn_scene()
    for epoch in _refine(scene).figures["epochs"]:
        pixels = {name: np.array(counts) for name, counts in epoch["pixels"].items()}
        assert pixels["random"].sum() == scene.valid.sum()
        np.testing.assert_array_equal(pixels["confident"] + pixels["hard"], pixels["random"])


def test_the_loss_is_random_plus_the_weighted_hard_and_confident_parts() -> None:
    scene = learn_scene()
    for epoch in _refine(scene, lambda_hard=0.3, lambda_confident=0.7).figures["epochs"]:
        expected = epoch["loss_random"] + 0.3 * epoch["loss_hard"] + 0.7 * epoch["loss_confident"]
        assert epoch["loss"] == pytest.approx(expected, abs=1e-5)


def test_random_samples_learn_labels_and_the_other_two_learn_soft_labels() -> None:
    scene = learn_scene()
    spectra = standardise(scene.cube, scene.valid)
    generator = np.random.default_rng(0)
    features = pca_features(spectra, scene.valid, count=4, cap=1000, generator=generator)
    objective = Refinement(features, scene.valid, scene.pseudo, refine_settings())
    objective.begin_epoch(0, lambda: scene.pseudo, generator)
    whole = (slice(0, scene.valid.shape[0]), slice(0, scene.valid.shape[1]))
    terms = {term.name: term for term in objective.terms(whole, scene.valid, generator)}
    assert set(np.unique(terms["random"].targets)) == {0, 1}
    for name in ("hard", "confident"):
        assert ((terms[name].targets > 0.01) & (terms[name].targets < 0.99)).any()


def test_it_starts_from_the_weights_of_the_warmup() -> None:
    scene = learn_scene()
    result = _refine(scene, learning_rate=0.0)
    assert all(torch.allclose(result.state_dict[name], value) for name, value in _weights().items())


def test_weights_of_another_classifier_are_an_error() -> None:
    scene = learn_scene()
    with pytest.raises(WeightsError, match="run the warmup again"):
        refine(scene.cube, scene.valid, scene.pseudo, _weights(classes=5), refine_settings(), build, seed=0)


def test_empty_and_tiny_classes_work() -> None:
    scene = learn_scene()
    five = np.zeros((*scene.valid.shape, 5), dtype=np.float32)
    five[..., :3] = scene.pseudo
    five[3, 3:5] = [0.1, 0.1, 0.1, 0.6, 0.1]  # class 4: two pixels; class 5: none
    result = _refine(scene, five)
    assert np.isfinite(result.probabilities).all()
    assert np.array(result.figures["epochs"][0]["pixels"]["random"]).shape == (5,)


def test_a_class_of_a_few_unsure_pixels_can_end_with_none() -> None:
    scene = learn_scene(wrong=0.0)
    four = np.concatenate([scene.pseudo * 0.95, np.where(scene.valid, 0.05, 0)[..., None]], axis=-1, dtype=np.float32)
    stray = np.random.default_rng(0).choice(np.flatnonzero(scene.valid), 8, replace=False)
    four.reshape(-1, 4)[stray] = [0.22, 0.22, 0.26, 0.3]
    result = _refine(scene, four, epochs=4, steps=10, tile=64, learning_rate=0.02)
    assert not (result.probabilities.argmax(axis=-1) == 3).any()


def test_constant_bvsb_works() -> None:
    scene = learn_scene()
    best = np.eye(3)[scene.pseudo.argmax(axis=-1)]
    flat = np.where(scene.valid[..., None], 0.2 + 0.4 * best, 0).astype(np.float32)
    assert np.isfinite(_refine(scene, flat).probabilities).all()


def test_what_is_known_comes_from_names_and_answers_alone() -> None:
    assert list(inspect.signature(refine).parameters) == [
        "cube", "valid", "probabilities", "weights", "settings", "build", "seed", "known", "certain", "device",
            "checkpoint", "scratch", "passes", "progress",
    ]  # fmt: skip


def test_the_seed_decides_every_bit() -> None:
    scene = learn_scene()
    first, again = _refine(scene), _refine(scene)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert first.figures == again.figures == json.loads(json.dumps(first.figures))


def test_probabilities_that_are_not_finite_are_an_error() -> None:
    scene = learn_scene()
    scene.pseudo[4, 4, 0] = np.inf
    with pytest.raises(TrainingError, match="probabilities of the warmup are not finite"):
        _refine(scene)


@pytest.mark.parametrize(("name", "value"), [("lambda_hard", -0.1), ("temperature", 0.5), ("min_mixture_pixels", 1)])
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"refine.{name} must be"):
        refine_settings(**{name: value})
