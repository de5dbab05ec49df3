"""The warmup: a classifier that learns noisy pseudo-labels and mends some of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from learn_scene import COLS, ROWS, accuracy, build, learn_scene, warmup_settings

from special.errors import SettingsError, TrainingError
from special.steps.warmup import warmup

LONGER = {"epochs": 4, "steps": 10, "tile": 64, "learning_rate": 0.02}


def test_it_mends_pseudo_labels_that_contradict_the_spectra() -> None:
    scene = learn_scene(wrong=0.3)
    result = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(**LONGER), build, seed=0)
    assert accuracy(result.probabilities, scene) > accuracy(scene.pseudo, scene) + 0.15


def test_probabilities_sum_to_one_at_valid_pixels_and_are_zero_elsewhere() -> None:
    scene = learn_scene()
    result = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0)
    assert result.probabilities.shape == (ROWS, COLS, 3) and result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities[scene.valid].sum(axis=-1), 1, atol=1e-5)
    assert not result.probabilities[~scene.valid].any()


def test_the_weights_are_those_of_the_classifier_that_was_built() -> None:
    scene = learn_scene()
    result = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0)
    build(scene.cube.shape[-1], 3).load_state_dict(result.state_dict)


def test_a_class_that_no_pixel_was_given_wins_no_pixel() -> None:
    scene = learn_scene()
    four = np.concatenate([scene.pseudo * 0.97, np.where(scene.valid, 0.03, 0)[..., None]], axis=-1, dtype=np.float32)
    result = warmup(scene.cube, scene.valid, four, warmup_settings(**LONGER), build, seed=0)
    assert not (result.probabilities.argmax(axis=-1) == 3).any()
    assert result.figures["classes"]["shares"][3] == 0


def test_a_full_anchor_hands_the_pseudo_labels_on() -> None:
    scene = learn_scene()
    result = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(anchor=1.0), build, seed=0)
    np.testing.assert_allclose(result.probabilities, scene.pseudo, atol=1e-5)


def test_the_seed_decides_every_bit_and_another_seed_gives_other_weights() -> None:
    scene = learn_scene()

    def run(seed: int):  # type: ignore[no-untyped-def]
        return warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=seed)

    first, again, other = run(0), run(0), run(1)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert not np.array_equal(first.probabilities, other.probabilities)


def test_the_figures_are_json_and_hold_the_loss_of_every_epoch() -> None:
    scene = learn_scene()
    figures = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0).figures
    assert json.loads(json.dumps(figures)) == figures
    assert [epoch["epoch"] for epoch in figures["epochs"]] == [1, 2, 3]
    assert sum(figures["classes"]["pixels"]) == scene.valid.sum()


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (3, 2)])
def test_scenes_of_a_few_pixels_work(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    cube = rng.normal(0, 1, (*shape, 4)).astype(np.float32)
    pseudo = rng.dirichlet([1, 1], shape).astype(np.float32)
    result = warmup(cube, np.ones(shape, dtype=bool), pseudo, warmup_settings(), build, seed=0)
    assert np.isfinite(result.probabilities).all()


def test_pseudo_labels_that_are_not_finite_are_an_error() -> None:
    scene = learn_scene()
    scene.pseudo[4, 4, 0] = np.nan
    with pytest.raises(TrainingError, match="pseudo-labels are not finite"):
        warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0)


def test_invalid_pixels_do_not_reach_the_training() -> None:
    scene = learn_scene()
    first = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0)
    scene.cube[~scene.valid] = 1e30
    second = warmup(scene.cube, scene.valid, scene.pseudo, warmup_settings(), build, seed=0)
    assert all(torch.equal(first.state_dict[name], second.state_dict[name]) for name in first.state_dict)


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("balance", 1.5), ("overlap", 16), ("views", 9)])
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"warmup.{name} must be"):
        warmup_settings(**{name: value})
