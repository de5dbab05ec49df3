"""The selective scan on the CPU: compiled loops (``special.models.scan.kernels``) behind an autograd function.

Memory beyond the arguments, the result and their gradients is one state in every ``STEPS`` steps. The number of threads
follows ``torch.get_num_threads()``. Results do not depend on it, unless a few long sequences are cut to occupy threads:
then their last bits do.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from special.models.scan import kernels
from special.models.scan.lanes import LANES, LOG2_E

MOST_STATES = 256  # the tiles of a kernel live on the stack
_SHARDS = 32  # a batch is split into this many, whatever the number of threads
_SHORTEST = 256  # tiles of a piece of a sequence
_WORTH_A_THREAD = 50_000  # numbers of state to compute below which handing over costs more than it saves


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
    """Scan as ``special.models.scan.selective_scan`` says; all tensors float32 or all float64.

    Args:
        u, delta, z: (batch, dim, length).
        A: (dim, state), at most 256 states.
        B, C: (batch, groups, state, length).
        D, delta_bias: (dim,).
        delta_softplus: take softplus(delta + delta_bias) as step size.
        return_last_state: whether the last state is wanted.

    Returns:
        The result (batch, dim, length) and the last state (batch, dim, state) or nothing.

    Raises:
        ValueError: more than 256 states.
    """
    if A.shape[1] > MOST_STATES:
        raise ValueError(f"the cpu backend takes at most {MOST_STATES} states, not {A.shape[1]}: use 'reference'")
    groups = B.shape[1]
    zeros = u.new_zeros(u.shape[1])
    out, last = _Scan.apply(
        u.unflatten(1, (groups, -1)),
        delta.unflatten(1, (groups, -1)),
        A.unflatten(0, (groups, -1)),
        B,
        C,
        (zeros if D is None else D).unflatten(0, (groups, -1)).unsqueeze(-1),
        None if z is None else z.unflatten(1, (groups, -1)),
        (zeros if delta_bias is None else delta_bias).unflatten(0, (groups, -1)).unsqueeze(-1),
        delta_softplus,
        return_last_state,
    )
    return out.flatten(1, 2), last.flatten(1, 2) if return_last_state else None


class _Scan(torch.autograd.Function):
    """The kernels' arguments in, the kernels' results out: see there for the shapes."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        z: Tensor | None,
        bias: Tensor,
        use_softplus: bool,
        return_last: bool,
    ) -> tuple[Tensor, Tensor]:
        batch, groups, channels, length = u.shape
        blocks, states = _ceil(channels, LANES), A.shape[2]
        tiles = _ceil(length, kernels.STEPS) if any(ctx.needs_input_grad) else 1
        out = torch.empty_like(u)
        last = u.new_empty(batch if return_last else 0, groups, channels, states)
        saved = u.new_empty(batch, groups, blocks, tiles - 1, states, LANES)
        cut = _Cut.of(u, states)
        ends = u.new_empty(batch, groups, blocks, cut.pieces - 1, 2, states, LANES)
        arguments = (u, delta, A * LOG2_E, B, C, D, u if z is None else z, bias)
        flags = (use_softplus, z is not None)
        if cut.pieces > 1:
            _run(kernels.forward_ends, cut, arguments, flags, (ends,))
        _run(kernels.forward, cut, arguments, flags, (ends, out, last, saved))
        ctx.save_for_backward(u, delta, A, B, C, D, z, bias, saved)
        ctx.use_softplus = use_softplus
        return out, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
        u, delta, A, B, C, D, z, bias, saved = ctx.saved_tensors
        blocks, states = saved.shape[2], A.shape[2]
        cut = _Cut.of(u, states)
        parts = cut.shards * cut.pieces
        ends = u.new_empty(*u.shape[:2], blocks, cut.pieces - 1, 2, states, LANES)
        du, ddelta = torch.empty_like(u), torch.empty_like(delta)
        dz = None if z is None else torch.empty_like(z)
        dA, dD, dbias = A.new_empty(parts, *A.shape), D.new_empty(parts, *D.shape), D.new_empty(parts, *D.shape)
        dB, dC = _one_per_block(B, blocks), _one_per_block(C, blocks)
        arguments = (u, delta, A * LOG2_E, B, C, D, u if z is None else z, bias)
        gradients = (du, ddelta, dA, dB, dC, dD, du if dz is None else dz, dbias)
        flags = (ctx.use_softplus, z is not None)
        if cut.pieces > 1:
            _run(kernels.backward_ends, cut, arguments, flags, (dout, ends))
        _run(kernels.backward, cut, arguments, flags, (ends, saved, dout, dlast, *gradients))
        return du, ddelta, dA.sum(0), _total(dB), _total(dC), dD.sum(0), dz, dbias.sum(0), None, None


def _total(parts: Tensor) -> Tensor:
    """Add up the parts in the first of them: no memory for the sum, and in whatever order the numbers lie."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def _one_per_block(matrix: Tensor, blocks: int) -> Tensor:
    """Room for the gradient of B or C from every block of lanes, laid out in memory as ``matrix`` is."""
    strides = torch.empty_like(matrix).stride()
    return torch.empty_strided((blocks, *matrix.shape), (matrix.numel(), *strides), dtype=matrix.dtype)


@dataclass(frozen=True)
class _Cut:
    """How the work is cut into units (see the kernels), and how many threads take them."""

    shards: int
    pieces: int
    units: int
    threads: int

    @classmethod
    def of(cls, u: Tensor, states: int) -> _Cut:
        batch, groups, channels, length = u.shape
        shards = min(batch, _SHARDS)
        whole = groups * _ceil(channels, LANES) * shards  # units of whole sequences
        threads = min(torch.get_num_threads(), max(1, u.numel() * states // _WORTH_A_THREAD))
        # As many units for every thread, in pieces that are worth it.
        wanted = threads // math.gcd(whole, threads) if whole < threads else 1
        pieces = max(1, min(wanted, _ceil(length, kernels.STEPS) // _SHORTEST))
        return cls(shards, pieces, whole * pieces, min(threads, whole * pieces))


def _run(
    kernel: Callable[[str], Callable[..., None]],
    cut: _Cut,
    inputs: tuple[Tensor, ...],
    flags: tuple[bool, bool],
    outputs: tuple[Tensor, ...],
) -> None:
    """Run all units of a kernel."""
    compiled = kernel(str(inputs[0].dtype).removeprefix("torch."))
    before = [tensor.detach().numpy() for tensor in inputs]
    after = [tensor.detach().numpy() for tensor in outputs]
    in_threads(
        cut.threads,
        cut.units,
        lambda first, stop: compiled(*before, *flags, cut.shards, cut.pieces, first, stop, *after),
    )


def in_threads(threads: int, units: int, work: Callable[[int, int], None]) -> None:
    """Do ``work(first, stop)`` for all units, an equal share in each thread; ``work`` releases Python's lock."""
    bounds = [units * thread // threads for thread in range(threads + 1)]
    others = [_helpers(os.getpid()).submit(work, first, stop) for first, stop in pairwise(bounds[1:])]
    work(*bounds[:2])
    for other in others:
        other.result()


@cache
def _helpers(process: int) -> ThreadPoolExecutor:
    """Threads of this process; after a fork the child starts its own."""
    return ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix=f"selective-scan-{process}")


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
