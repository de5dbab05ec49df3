"""A Mamba block over many short sequences is the block that every other sequence goes through."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from special.models import short
from special.models.mamba import Mamba
from special.models.scan.lanes import LANES

SIZES = {  # sequences, steps, d_model, d_state, d_conv
    "the spectral branch": (3 * LANES + 5, 4, 4, 16, 4),
    "one step": (LANES, 1, 3, 5, 4),
    "no convolution": (LANES + 1, 3, 2, 1, 1),
    "a step size of two numbers": (2 * LANES, 2, 17, 1, 2),
}


def _block(d_model: int, d_state: int, d_conv: int, real: torch.dtype) -> Mamba:
    torch.manual_seed(0)
    block = Mamba(d_model, d_state=d_state, d_conv=d_conv, expand=2).to(real)
    with torch.no_grad():
        for parameter in block.parameters():  # some begin as all ones or zeros, with which an error may not show
            parameter += 0.2 * torch.randn_like(parameter)
    return block


def _outcome(block: Mamba, u: Tensor) -> list[Tensor]:
    """The result, and the gradients of the input and every parameter for one fixed loss."""
    u = u.detach().requires_grad_()
    y = block(u)
    loss = (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()
    return [y.detach(), *torch.autograd.grad(loss, [u, *block.parameters()], materialize_grads=True)]


@pytest.mark.parametrize("real", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("size", SIZES)
def test_short_sequences_give_what_the_general_block_gives(
    size: str, real: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences, steps, *shape = SIZES[size]
    u = torch.randn(sequences, steps, shape[0], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    took: list[bool] = []
    pays = short.pays
    monkeypatch.setattr(short, "pays", lambda *sizes: took.append(pays(*sizes)) or took[-1])
    found = _outcome(_block(*shape, real), u.to(real))
    assert took == [True]
    monkeypatch.setattr(short, "pays", lambda *sizes: False)
    general = _block(*shape, real).double()
    for ours, theirs in zip(found, _outcome(general, u), strict=True):
        error, scale = (ours.double() - theirs).abs().max(), theirs.abs().max()
        assert error <= (1e-12 if real == torch.float64 else 5e-5) * scale


def test_input_may_have_any_strides() -> None:
    block = _block(4, 16, 4, torch.float32)
    u = torch.randn(4, 40, 4).transpose(0, 1)
    torch.testing.assert_close(_outcome(block, u), _outcome(block, u.contiguous()), rtol=0, atol=0)


def test_number_of_threads_does_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short, "_WORTH_A_THREAD", 1)
    block = _block(4, 16, 4, torch.float32)
    u = torch.randn(1000, 4, 4)
    before, found = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(_outcome(block, u))
    torch.set_num_threads(before)
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_nan_stays_in_its_sequence() -> None:
    block = _block(4, 16, 4, torch.float32)
    u = torch.randn(20, 4, 4)
    u[3, 2, 1] = float("nan")
    y = block(u)
    assert y[3, 2:].isnan().all() and y[3, :2].isfinite().all()
    assert torch.cat([y[:3], y[4:]]).isfinite().all()


def test_few_or_large_sequences_are_left_to_the_general_block() -> None:
    sizes = 8, 16, 4, 1
    assert short.pays(torch.empty(LANES, 4, 4), *sizes)
    assert not short.pays(torch.empty(LANES - 1, 4, 4), *sizes)
    assert not short.pays(torch.empty(LANES, 1000, 4), *sizes)
    assert not short.pays(torch.empty(LANES, 4, 4, dtype=torch.bfloat16), *sizes)
