"""A computation in parts gives what the whole gives, and so do its gradients, in bounded memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from special.models import mamba as mamba_module
from special.models.mamba import Mamba
from special.models.parts import in_parts


def _gradients(y: Tensor, *leaves: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad((y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum(), leaves))


@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_parts_with_a_lead_are_the_whole(size: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 13, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def difference(part: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """Of every step and the one two before it."""
        return (weight * (part[:, 2:] - part[:, :-2]).tanh(),)

    (found,) = in_parts(difference, x, (weight,), axis=1, size=size, lead=2)
    (whole,) = difference(torch.cat([torch.zeros_like(x[:, :2]), x], dim=1), weight)
    torch.testing.assert_close(found, whole)
    for ours, theirs in zip(_gradients(found, x, weight), _gradients(whole, x, weight), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(1, 40), (3, 40), (25, 4)])
def test_a_mamba_block_in_parts_is_the_block(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    block = Mamba(5, d_state=3, d_conv=4, expand=2).double()
    u = torch.randn(*shape, 5, dtype=torch.float64, requires_grad=True)
    results = []
    for part in (10_000, 7):
        monkeypatch.setattr(mamba_module, "PART", part)
        y = block(u)
        results.append([y, *_gradients(y, u, *block.parameters())])
    for whole, parts in zip(*results, strict=True):
        torch.testing.assert_close(parts, whole)


def test_frozen_weights_get_no_gradient_and_stop_none() -> None:
    block = Mamba(4, d_state=2, d_conv=3, expand=1).requires_grad_(False)
    u = torch.randn(2, 6, 4, requires_grad=True)
    block(u).sum().backward()
    assert u.grad is not None and u.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in block.parameters())


def test_what_lies_between_is_not_kept_for_backward() -> None:
    block = Mamba(16, d_state=16, d_conv=4, expand=2)
    u = torch.randn(4096, 4, 16)
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        block(u)
    assert kept < 2 * u.numel()
