"""Classifiers of patches: they see the surroundings of a pixel, turned exactly, on principal components."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from special.models.orientation import COUNT, orient
from special.models.patches import PatchClassifier


class Seen(PatchClassifier):
    """Its logits are the first component of its whole cube, so that a test sees what it sees."""

    def classify(self, cubes: Tensor) -> Tensor:
        return cubes[:, 0].flatten(1)


@pytest.fixture
def image() -> Tensor:
    return torch.arange(2 * 5 * 4, dtype=torch.float32).reshape(1, 2, 5, 4)


def test_the_middle_of_a_cube_is_its_pixel(image: Tensor) -> None:
    logits = Seen(2, 3, 1)(image)
    assert logits.shape == (1, 9, 5, 4)
    assert torch.equal(logits[0, 4], image[0, 0])


def test_drawn_pixels_have_the_logits_of_the_whole_image(image: Tensor) -> None:
    model = Seen(2, 3, 1)
    index = torch.tensor([0, 7, 19])
    assert torch.equal(model.logits_at(image, index, 0), model(image)[0].flatten(1).T[index])


def test_the_edge_of_the_image_repeats(image: Tensor) -> None:
    corner = Seen(2, 3, 1).logits_at(image, torch.tensor([0]), 0)[0]
    assert corner.tolist() == [0, 0, 1, 0, 0, 1, 4, 4, 5]


@pytest.mark.parametrize("view", range(COUNT))
def test_a_view_turns_the_cube_and_not_the_image(image: Tensor, view: int) -> None:
    model, index = Seen(2, 3, 1), torch.tensor([9])
    straight = model.logits_at(image, index, 0).reshape(1, 3, 3)
    assert torch.equal(model.logits_at(image, index, view).reshape(1, 3, 3), orient(straight, view))


def test_a_single_pixel_is_an_image() -> None:
    assert Seen(2, 7, 1)(torch.ones(1, 2, 1, 1)).shape == (1, 49, 1, 1)


def test_each_image_of_a_batch_is_itself(image: Tensor) -> None:
    model = Seen(2, 3, 1)
    both = model(torch.cat([image, 2 * image]))
    assert torch.equal(both[1], model(2 * image)[0])


def test_components_are_uncorrelated_with_unit_variance() -> None:
    rng = np.random.default_rng(0)
    spectra = (rng.normal(size=(500, 3)) @ rng.normal(size=(3, 6))).astype(np.float32)
    model = Seen(6, 1, 3)
    model.prepare(spectra)
    reduced = model.reduce(torch.from_numpy(spectra.T.reshape(1, 6, 20, 25)))[0].flatten(1).numpy()
    np.testing.assert_allclose(np.cov(reduced), np.eye(3), atol=0.02)


def test_components_that_the_scene_does_not_have_are_zero_and_not_noise_blown_up() -> None:
    rng = np.random.default_rng(0)
    spectra = rng.normal(size=(50, 1)) @ np.ones((1, 4))
    model = Seen(4, 1, 3)
    model.prepare(spectra.astype(np.float32))
    assert model.components[0].abs().sum() > 0
    assert model.components[1:].abs().max() == 0


def test_more_components_than_bands_are_filled_with_zeros() -> None:
    model = Seen(2, 1, 5)
    model.prepare(np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32))
    assert model.reduce(torch.ones(1, 2, 3, 3)).shape == (1, 5, 3, 3)
