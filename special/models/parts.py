"""A long computation in short parts, so that what lies between its input and its output stays in the cache.

A Mamba block makes of every number that goes in a dozen that are needed for a moment only. Over a whole scene those are
gigabytes, written to memory and read back, and autograd would keep them until the backward pass. Here a part of the
scene goes through all of it before the next one begins; backward computes each part anew and forgets it again. That is
gradient checkpointing in small pieces: memory does not grow with the scene, and no round trip to memory is paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Function = Callable[..., tuple[Tensor, ...]]
"""``function(part of x, *parameters)``: differentiable, a tuple of tensors, whose axis ``axis`` is the part's."""


def in_parts(
    function: Function, x: Tensor, parameters: Sequence[Tensor], *, axis: int, size: int, lead: int = 0
) -> tuple[Tensor, ...]:
    """Return what ``function(x, *parameters)`` would, computed in parts of ``size`` along ``axis``.

    Args:
        function: see ``Function``; the parts do not know of each other beyond ``lead``.
        x: any shape (...). Gradients flow to it and to the parameters.
        parameters: all other tensors that the result depends on.
        axis: where to cut.
        size: entries along ``axis`` in a part.
        lead: entries that each part is given of those before it; zeros before the first. The function's result leaves
            them out.
    """
    made: tuple[Tensor, ...] = _InParts.apply(function, axis, size, lead, x, *parameters)
    return made


class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, function: Function, axis: int, size: int, lead: int, x: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(x, *parameters)
        ctx.rest = function, axis, size, lead
        whole: list[Tensor] = []
        for start, stop in _bounds(x.shape[axis], size):
            made = function(_part(x, axis, start, stop, lead), *parameters)
            if not whole:
                shapes = [(*part.shape[:axis], x.shape[axis], *part.shape[axis + 1 :]) for part in made]
                whole = [part.new_empty(shape) for part, shape in zip(made, shapes, strict=True)]
            for everything, part in zip(whole, made, strict=True):
                everything.narrow(axis, start, stop - start).copy_(part)
        return tuple(whole)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        function, axis, size, lead = ctx.rest
        needed = ctx.needs_input_grad[4:]
        dx = torch.zeros_like(x) if needed[0] else None
        leaves = [tensor.detach().requires_grad_(wanted) for tensor, wanted in zip(parameters, needed[1:], strict=True)]
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        totals = [torch.zeros_like(leaf) for leaf in wanted]
        for start, stop in _bounds(x.shape[axis], size):
            with torch.enable_grad():
                part = _part(x, axis, start, stop, lead).detach().requires_grad_(needed[0])
                made = function(part, *leaves)
            inputs = [part, *wanted] if needed[0] else wanted
            found = list(
                torch.autograd.grad(made, inputs, [whole.narrow(axis, start, stop - start) for whole in gradients])
            )
            if dx is not None:
                given = min(lead, start)  # what stands before the first part is no part of x
                dx.narrow(axis, start - given, stop - start + given).add_(
                    found.pop(0).narrow(axis, lead - given, stop - start + given)
                )
            for total, gradient in zip(totals, found, strict=True):
                total += gradient
        of_parameters = iter(totals)
        return None, None, None, None, dx, *(next(of_parameters) if leaf.requires_grad else None for leaf in leaves)


def _bounds(length: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, size):
        yield start, min(start + size, length)


def _part(x: Tensor, axis: int, start: int, stop: int, lead: int) -> Tensor:
    given = min(lead, start)
    part = x.narrow(axis, start - given, stop - start + given)
    return F.pad(part, (*(0, 0) * (x.dim() - 1 - axis), lead - given, 0)) if given < lead else part
