"""The selective scan in PyTorch operations: any device, any real type, differentiated by autograd."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK = 256


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
) -> tuple[Tensor, Tensor]:
    """Scan as ``special.models.scan.selective_scan`` says, ``CHUNK`` steps at a time.

    Inside a chunk all steps are found together by parallel doubling; chunks follow one another. Backward recomputes a
    chunk instead of keeping it: memory grows by one state a chunk, not a step.

    Args:
        u, delta, z: (batch, dim, length).
        A: (dim, state).
        B, C: (batch, groups, state, length).
        D, delta_bias: (dim,).
        delta_softplus: take softplus(delta + delta_bias) as step size.

    Returns:
        The result (batch, dim, length) and the last state (batch, dim, state).
    """
    groups = B.shape[1]
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = F.softplus(delta)

    state = u.new_zeros(u.shape[0], groups, u.shape[1] // groups, A.shape[1])  # (batch, group, channel, state)
    rates = A.unflatten(0, (groups, -1))
    chunks = []
    for parts in zip(*(x.split(CHUNK, dim=-1) for x in (u, delta, B, C)), strict=True):
        chunk, state = checkpoint(_scan_chunk, *parts, rates, state, use_reentrant=False, preserve_rng_state=False)
        chunks.append(chunk)
    out = torch.cat(chunks, dim=-1)

    if D is not None:
        out = out + D[:, None] * u
    if z is not None:
        out = out * F.silu(z)
    return out, state.flatten(1, 2)


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
    return out, h[..., -1]
