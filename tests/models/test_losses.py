"""Cross-entropy against soft targets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from special.models.losses import soft_cross_entropy


def test_it_is_the_weighted_sum_of_cross_entropies() -> None:
    rng = np.random.default_rng(0)
    logits, targets, weights = rng.normal(0, 2, (6, 3)), rng.dirichlet([1, 1, 1], 6), rng.random(6)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = (weights * -(targets * np.log(shares)).sum(axis=1)).sum()
    result = soft_cross_entropy(torch.tensor(logits), torch.tensor(targets), torch.tensor(weights))
    assert result.item() == pytest.approx(expected)


def test_pixels_of_no_weight_have_no_gradient() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    soft_cross_entropy(logits, torch.eye(3)[:2], torch.tensor([0.0, 1.0])).backward()
    assert logits.grad is not None
    assert not logits.grad[0].any() and logits.grad[1].any()


def test_logits_far_apart_stay_finite() -> None:
    loss = soft_cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]]), torch.ones(1))
    assert loss.item() == pytest.approx(2e4)


def test_no_pixel_is_no_loss_and_no_gradient_breaks() -> None:
    logits = torch.zeros(0, 3, requires_grad=True)
    loss = soft_cross_entropy(logits, torch.zeros(0, 3), torch.zeros(0))
    loss.backward()
    assert loss.item() == 0
