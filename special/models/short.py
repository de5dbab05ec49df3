"""A whole Mamba block over many short sequences on a CPU: compiled loops behind an autograd function.

See ``special.models.short_kernels``. Nothing is kept for the backward pass but the input, and no memory is taken beyond
the result and the gradients. Results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from special.models import short_kernels as kernels
from special.models.scan.cpu import in_threads
from special.models.scan.lanes import LANES, LOG2_E

_SHARDS = 32  # a batch is split into this many, whatever the number of threads
_MOST_BYTES = 384 * 1024  # of a thread's stack
_WORTH_A_THREAD = 512  # sequences below which handing over costs more than it saves


def pays(u: Tensor, d_inner: int, d_state: int, d_conv: int, dt_rank: int) -> bool:
    """Whether ``short_block`` is the way to map ``u`` (b, l, d_model): short sequences, and enough to fill vectors.

    A sequence of all steps and the gradients of all weights, times ``LANES``, have to fit into a thread's stack.
    """
    count, steps, outside = u.shape
    if u.dtype not in (torch.float32, torch.float64) or count < LANES:
        return False
    numbers = kernels.numbers_on_the_stack(steps, outside, d_inner, d_state, d_conv, dt_rank)
    return numbers * u.element_size() <= _MOST_BYTES


def short_block(
    u: Tensor,
    taps: Tensor,
    A: Tensor,
    in_proj: Tensor,
    tap_bias: Tensor,
    x_proj: Tensor,
    dt_proj: Tensor,
    dt_bias: Tensor,
    D: Tensor,
    out_proj: Tensor,
) -> Tensor:
    """Map sequences through a Mamba block, each from a state of zeros; differentiable.

    Args:
        u: (b, l, d_model), on the CPU; all tensors float32 or all float64.
        taps, tap_bias: of the convolution, (d_inner, d_conv) and (d_inner,).
        A: decay rates, negative, (d_inner, d_state).
        in_proj, x_proj, dt_proj, out_proj: the weights of the layers of those names.
        dt_bias, D: (d_inner,).

    Returns:
        (b, l, d_model).
    """
    out: Tensor = _ShortBlock.apply(
        u, in_proj, taps, tap_bias.unsqueeze(1), x_proj, dt_proj, dt_bias.unsqueeze(1), A, D.unsqueeze(1), out_proj
    )
    return out


class _ShortBlock(torch.autograd.Function):
    """The kernels' arguments in, the kernels' results out: see there for the shapes."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(u, *parameters)
        out = u.new_empty(u.shape)
        _run(kernels.forward, u, parameters, (out,))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor, ...]:
        u, *parameters = ctx.saved_tensors
        du = u.new_empty(u.shape)
        of_parameters = [parameter.new_empty(_shards(u), *parameter.shape) for parameter in parameters]
        _run(kernels.backward, u, tuple(parameters), (dout, du, *of_parameters))
        return du, *(shards.sum(0) for shards in of_parameters)


def _run(
    kernel: Callable[[str], Callable[..., None]],
    u: Tensor,
    parameters: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
) -> None:
    shards = _shards(u)
    threads = min(torch.get_num_threads(), shards, max(1, len(u) // _WORTH_A_THREAD))
    *before, A, D, out_proj = parameters
    arguments = [tensor.detach().numpy() for tensor in (u, *before, A * LOG2_E, D, out_proj)]
    compiled = kernel(str(u.dtype).removeprefix("torch."))
    results = [tensor.detach().numpy() for tensor in outputs]
    in_threads(threads, shards, lambda first, stop: compiled(*arguments, shards, first, stop, *results))


def _shards(u: Tensor) -> int:
    return max(1, min(-(-len(u) // LANES), _SHARDS))
