"""The selective scan in PyTorch operations: any device, any real type, differentiated by autograd."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 256
MOST_NUMBERS = 2**24  # in one intermediate result; a large batch is taken in parts


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
    return_last_state: bool,
) -> tuple[Tensor, Tensor | None]:
    """Scan as ``special.models.scan.selective_scan`` says, ``CHUNK`` steps at a time.

    Inside a chunk all steps are found together by parallel doubling; chunks follow one another. Backward recomputes a
    chunk instead of keeping it: memory grows by one state a chunk, not a step.

    Args:
        u, delta, z: (batch, dim, length).
        A: (dim, state).
        B, C: (batch, groups, state, length).
        D, delta_bias: (dim,).
        delta_softplus: take softplus(delta + delta_bias) as step size.
        return_last_state: whether the last state is wanted.

    Returns:
        The result (batch, dim, length) and the last state (batch, dim, state) or nothing.
    """
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    together = max(1, MOST_NUMBERS // (A.numel() * min(CHUNK, u.shape[2])))  # sequences
    parts = [_scan_along(A, *part) for part in zip(*(x.split(together) for x in (u, delta, B, C)), strict=True)]
    out, last = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
    if D is not None:
        out = out + D[:, None] * u
    if z is not None:
        out = out * F.silu(z)
    return out, last if return_last_state else None


def _scan_along(A: Tensor, u: Tensor, delta: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    """Scan a few sequences from their first chunk to their last."""
    groups = B.shape[1]
    rates = A.unflatten(0, (groups, -1))  # (group, channel, state)
    state = u.new_zeros(u.shape[0], *rates.shape)
    chunks = []
    for part in zip(*(x.split(CHUNK, dim=-1) for x in (u, delta, B, C)), strict=True):
        chunk, state = _Chunk.apply(*part, rates, state)
        chunks.append(chunk)
    return torch.cat(chunks, dim=-1), state.flatten(1, 2)


class _Chunk(torch.autograd.Function):
    """``_scan_chunk``, computed once more in backward: what one chunk needs is freed before the next is touched."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(*inputs)
        return _scan_chunk(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        inputs = [tensor.detach().requires_grad_() for tensor in ctx.saved_tensors]
        with torch.enable_grad():
            outputs = _scan_chunk(*inputs)
        return torch.autograd.grad(outputs, inputs, gradients)


def _scan_chunk(u: Tensor, delta: Tensor, B: Tensor, C: Tensor, A: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Go from the state before a chunk to the output of its steps and the state after it."""
    u, delta = (x.unflatten(1, (B.shape[1], -1)).unsqueeze(-2) for x in (u, delta))  # (batch, group, channel, 1, step)
    decay = torch.exp(delta * A.unsqueeze(-1))  # (batch, group, channel, state, step)
    h = delta * u * B.unsqueeze(2)
    h = torch.cat([decay[..., :1] * state.unsqueeze(-1) + h[..., :1], h[..., 1:]], dim=-1)

    # Now h[t] = decay[t] h[t-1] + h[t] is to be solved. Once every step knows what the ``span`` steps up to it add and
    # how much they let through, joining two neighbouring spans doubles it. Decays are only ever multiplied.
    span = 1
    while span < h.shape[-1]:
        h = h + decay * F.pad(h[..., :-span], (span, 0))
        decay = decay * F.pad(decay[..., :-span], (span, 0), value=1.0)
        span *= 2
    out = (h * C.unsqueeze(2)).sum(dim=-2).flatten(1, 2)
    return out, h[..., -1].clone()  # a view would keep every state of the chunk
