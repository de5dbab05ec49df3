"""The selective scan on a CUDA device: Triton kernels (``special.models.scan.triton_kernels``) behind autograd.

Numbers come in as float32, bfloat16, float16 or float64; states, sums and parameters are float32, or float64 where the
input is. Memory beyond the arguments, the result and their gradients is one state in every ``STEPS`` steps and a state
for every chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from special.models.scan import triton_kernels as kernels

STEPS = 8  # the backward pass holds so many states of a tile in registers
PROGRAMS = 4096  # sequences are cut until the backward pass has about so many: each is a warp, a large GPU holds 1000
SHORTEST = 64  # steps of a chunk; the scan over chunks takes them one after another
AHEAD = 16  # chunks whose loads that scan issues together
_LOG2_E = math.log2(math.e)


@dataclass(frozen=True)
class Tile:
    """What a program holds in registers. ``numbers`` is how many of them each thread has, for one quantity.

    ``registers`` is how many a thread may have of float32: half of them, and twice the programs run side by side.
    """

    lanes: int
    numbers: int
    registers: int | None = None


# Forward, a thread has all 16 states of a channel. Backward needs a tile for each of STEPS steps: half the channels.
FORWARD, BACKWARD = Tile(lanes=32, numbers=16, registers=128), Tile(lanes=16, numbers=8)


@dataclass(frozen=True)
class Plan:
    """How the work is cut: decided by the shapes alone."""

    batch: int
    groups: int
    channels: int  # of a group
    states: int
    length: int

    @property
    def chunk(self) -> int:
        """Steps of a chunk, a multiple of ``STEPS``."""
        chunks = max(1, PROGRAMS // (self.batch * self.across(BACKWARD)))
        return STEPS * _ceil(max(SHORTEST, _ceil(self.length, chunks)), STEPS)

    @property
    def chunks(self) -> int:
        """Chunks of a sequence."""
        return _ceil(self.length, self.chunk)

    @property
    def items(self) -> int:
        """Chunks of all sequences."""
        return self.batch * self.chunks

    @property
    def together(self) -> int:
        """Chunks that a program takes one after another: more than one where sequences are very many."""
        return _ceil(self.items * self.across(BACKWARD), 4 * PROGRAMS)

    def lanes(self, tile: Tile) -> int:
        """Channels of a program."""
        return min(tile.lanes, triton.next_power_of_2(self.channels))

    def across(self, tile: Tile) -> int:
        """Programs side by side over the channels of all groups."""
        return self.groups * _ceil(self.channels, self.lanes(tile))

    def grid(self, tile: Tile) -> tuple[int, int]:
        """Programs along time and batch, and across channels."""
        return _ceil(self.items, self.together), self.across(tile)

    def sizes(self) -> tuple[int, ...]:
        """What every kernel that walks along time is told."""
        return self.groups * self.channels, self.channels, self.states, self.length, self.chunk, self.chunks

    def options(self, tile: Tile, real: torch.dtype) -> dict[str, Any]:
        """What such a kernel is compiled for."""
        states, lanes = triton.next_power_of_2(self.states), self.lanes(tile)
        return {
            "STEPS": STEPS,
            "BLOCK_N": states,
            "BLOCK_D": lanes,
            "TERMS": 18 if real == torch.float64 else 7,  # of the series in softplus, which fall by a factor of nine
            "REAL": _real(real),
            "WHOLE": states == self.states and self.channels % lanes == 0 and self.length % STEPS == 0,
            "maxnreg": tile.registers if real == torch.float32 else None,
            "num_warps": max(1, min(16, states * lanes // (32 * tile.numbers))),
            "enable_fp_fusion": True,
        }


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
    """Scan as ``special.models.scan.selective_scan`` says.

    Args:
        u, delta, z: (batch, dim, length).
        A: (dim, state), in the type of the states.
        B, C: (batch, groups, state, length).
        D, delta_bias: (dim,), in the type of the states.
        delta_softplus: take softplus(delta + delta_bias) as step size.
        return_last_state: whether the last state is wanted.

    Returns:
        The result (batch, dim, length) in the type of ``u`` and the last state (batch, dim, state) or nothing.
    """
    zeros = A.new_zeros(A.shape[0])
    out, last = _Scan.apply(
        u,
        delta,
        A,
        B,
        C,
        zeros if D is None else D,
        z,
        zeros if delta_bias is None else delta_bias,
        delta_softplus,
        return_last_state,
    )
    return out, last.transpose(1, 2) if return_last_state else None


class _Scan(torch.autograd.Function):
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
        plan = Plan(u.shape[0], B.shape[1], u.shape[1] // B.shape[1], A.shape[1], u.shape[2])
        save, cut, options = any(ctx.needs_input_grad), plan.chunks > 1, plan.options(FORWARD, A.dtype)
        flags = {"SOFTPLUS": use_softplus, "GATED": z is not None}
        A2, D, bias = (A * _LOG2_E).t().contiguous(), D.contiguous(), bias.contiguous()
        gate = u if z is None else z
        arrays, strides = (u, delta, A2, B, C), tuple(_by(x) for x in (u, delta, B, C, gate))
        out = torch.empty_like(u)
        last = A.new_empty(plan.batch if return_last else 0, *A2.shape)
        tiles = _ceil(plan.length, STEPS) if save else 1
        saved = A.new_empty(plan.batch, tiles - 1, *A2.shape)
        total = A.new_empty(plan.batch, plan.chunks if cut else 0, len(A))
        starts = A2
        with torch.cuda.device_of(u):
            if cut:
                ends = A.new_empty(plan.batch, plan.chunks, *A2.shape)
                kernels.chunk_ends[plan.items, plan.across(FORWARD)](
                    *arrays, gate, bias, u, ends, total, *strides, _by(u), *plan.sizes(),
                    **flags, REVERSE=False, **options,
                )  # fmt: skip
                starts = _carry(ends, total, A2, None, reverse=False)
            kernels.outputs[plan.grid(FORWARD)](
                *arrays, D, gate, bias, starts, out, last, saved, *strides, _by(out),
                *plan.sizes(), plan.items, plan.together,
                **flags, LAST=return_last, SAVE=save, START=cut, **options,
            )  # fmt: skip
        ctx.save_for_backward(u, delta, A2, B, C, D, z, bias, saved, total)
        ctx.plan, ctx.flags = plan, flags
        return out, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
        u, delta, A2, B, C, D, z, bias, saved, total = ctx.saved_tensors
        plan, flags = ctx.plan, ctx.flags
        cut, after = plan.chunks > 1, len(dlast) > 0
        gate = u if z is None else z
        arrays = (u, delta, A2, B, C)
        strides = tuple(_by(x) for x in (u, delta, B, C, gate, dout))
        blocks = plan.across(BACKWARD) // plan.groups
        du, ddelta = torch.empty_like(u), torch.empty_like(delta)
        dz = du if z is None else torch.empty_like(z)
        dA, dD, dbias = (A2.new_empty(plan.grid(BACKWARD)[0], *like.shape) for like in (A2, D, bias))
        dB, dC = (A2.new_empty(blocks, plan.batch, plan.groups, plan.length, plan.states) for _ in range(2))
        starts = dlast.contiguous() if after else A2
        with torch.cuda.device_of(u):
            if cut:
                ends = A2.new_empty(plan.batch, plan.chunks, *A2.shape)
                kernels.chunk_ends[plan.items, plan.across(FORWARD)](
                    *arrays, gate, bias, dout, ends, total, *strides, *plan.sizes(), **flags, REVERSE=True,
                    **plan.options(FORWARD, A2.dtype),
                )  # fmt: skip
                starts = _carry(ends, total, A2, starts if after else None, reverse=True)
            kernels.gradients[plan.grid(BACKWARD)](
                *arrays, D, gate, bias, saved, starts, dout, du, ddelta, dA, dB, dC, dD, dz, dbias,
                *strides, _by(du), _by(ddelta), _by(dz),
                plan.batch, *plan.sizes(), plan.items, plan.together, **flags, START=cut or after,
                **plan.options(BACKWARD, A2.dtype),
            )  # fmt: skip
        return (
            du, ddelta, dA.sum(0).t(), _total(dB, B), _total(dC, C), dD.sum(0), None if z is None else dz,
            dbias.sum(0), None, None,
        )  # fmt: skip


def _carry(ends: Tensor, total: Tensor, A2: Tensor, begin: Tensor | None, *, reverse: bool) -> Tensor:
    """Return what reaches every chunk, (b, chunk, n, d)."""
    starts = torch.empty_like(ends)
    block = min(128, triton.next_power_of_2(A2.numel()))
    kernels.carries[len(ends), _ceil(A2.numel(), block)](
        ends, total, A2, ends if begin is None else begin, starts, A2.shape[1], A2.numel(), ends.shape[1],
        BEGIN=begin is not None, REVERSE=reverse, AHEAD=AHEAD, BLOCK=block,
        REAL=_real(ends.dtype), num_warps=max(1, block // 32),
        enable_fp_fusion=True,
    )  # fmt: skip
    return starts


def _by(tensor: Tensor) -> tuple[int, ...]:
    """Strides, the batch's 0 where it is one: a kernel is compiled anew where that is no multiple of 16."""
    return (tensor.stride(0) if tensor.shape[0] > 1 else 0, *tensor.stride()[1:])


def _real(dtype: torch.dtype) -> Any:
    return tl.float64 if dtype == torch.float64 else tl.float32


def _total(parts: Tensor, like: Tensor) -> Tensor:
    """Sum the gradient of B or C over blocks of lanes and bring it to (b, g, n, t)."""
    return parts.sum(0).transpose(2, 3).to(like.dtype)


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
