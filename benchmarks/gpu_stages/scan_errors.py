"""Whether the scan is right: every backend of the device against PyTorch operations in float64, result and gradients.

Small cases have what the kernels treat apart: groups, a gate, a bias, a last state, lengths and channels that fill no
block, narrow numbers. Long ones have the sizes of scenes, where an index could run over; the longest is held against
the device's own backend in float64, whose loops the shorter one has shown to be right. A second run must give the same
bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gpu_stages.stage import Row, distance
from special.models.scan import available_backends, selective_scan

LIMITS = {torch.float32: 1e-4, torch.bfloat16: 3e-2}
SMALL = {
    "one short sequence": {"tokens": 3},
    "odd sizes": {"batch": 3, "channels": 37, "states": 5, "tokens": 517},
    "gate, bias, groups": {"batch": 2, "channels": 48, "groups": 3, "tokens": 700, "gated": True},
    "bf16": {"batch": 2, "channels": 64, "tokens": 999, "gated": True, "dtype": torch.bfloat16},
}
LONG = (200_000, 3_200_000)
LONGEST_REFERENCE = 200_000  # PyTorch operations take minutes for millions of steps


def arguments(
    batch: int = 1,
    channels: int = 32,
    states: int = 16,
    tokens: int = 100,
    groups: int = 1,
    gated: bool = False,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Values like those at the start of training, in memory as MambaHSI has them: channels next to each other."""
    made = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=made)

    found = {
        "u": normal(batch, tokens, channels).transpose(1, 2),
        "delta": normal(batch, tokens, channels).transpose(1, 2) - (0 if gated else 4),
        "A": -torch.arange(1.0, states + 1).repeat(channels, 1),
        "B": normal(batch, tokens, groups, states).permute(0, 2, 3, 1),
        "C": normal(batch, tokens, groups, states).permute(0, 2, 3, 1),
        "D": normal(channels),
    }
    if gated:
        found |= {"z": normal(batch, tokens, channels).transpose(1, 2), "delta_bias": normal(channels) - 4}
    narrow = {"u", "delta", "B", "C", "z"}
    return {name: tensor.to(dtype) if name in narrow else tensor for name, tensor in found.items()}


def outcome(tensors: dict[str, Tensor], device: str, dtype: torch.dtype | None, backend: str) -> dict[str, Tensor]:
    """Result and gradients of a scan, on the CPU; ``dtype`` None leaves the numbers as they are."""
    leaves = {name: tensor.to(device, dtype).detach().requires_grad_() for name, tensor in tensors.items()}
    given: dict[str, Any] = dict(leaves)
    y = selective_scan(**given, delta_softplus=True, backend=backend)
    weights = torch.linspace(-1, 1, y.shape[2], dtype=torch.float64).to(device, y.dtype)
    (y * weights).sum().backward()
    return {"y": y.detach().cpu(), **{f"d{name}": leaf.grad.cpu() for name, leaf in leaves.items()}}


def compare(what: str, run: Callable[[], dict[str, Tensor]], expected: dict[str, Tensor], limit: float) -> Row:
    """Hold a backend against what is expected; one that fails has no error, and its row says why."""
    try:
        return row(what, run(), expected, limit)
    except RuntimeError as failure:
        return {"what": what, "error": float("nan"), "limit": limit, "of": str(failure).splitlines()[0]}


def row(what: str, found: dict[str, Tensor], expected: dict[str, Tensor], limit: float) -> Row:
    errors = {name: distance(found[name], expected[name]) for name in expected}
    worst = max(errors, key=lambda name: errors[name] if errors[name] == errors[name] else float("inf"))
    return {"what": what, "error": errors[worst], "limit": limit, "of": worst, "of the result": errors["y"]}


def rows(small: bool, device: str) -> Iterator[Row]:
    backends = [name for name in available_backends(device) if device == "cpu" or name != "reference"]
    for name, sizes in SMALL.items():
        tensors = arguments(**sizes)
        expected = outcome(tensors, "cpu", torch.float64, "reference")
        for backend in backends:
            run = partial(outcome, tensors, device, None, backend)
            yield compare(f"{backend}, {name}", run, expected, LIMITS[tensors["u"].dtype])
    for tokens in (2000,) if small else LONG:
        tensors = arguments(channels=64, tokens=tokens, gated=True)
        exact = "reference" if tokens <= LONGEST_REFERENCE else backends[0]
        expected = outcome(tensors, device, torch.float64, exact)
        for backend in backends:
            run = partial(outcome, tensors, device, None, backend)
            yield compare(f"{backend}, {tokens:,} tokens x 64 channels", run, expected, LIMITS[torch.float32])
            if backend in ("triton", "cpu"):
                found, again = run(), run()
                differing = sum(not torch.equal(found[name], again[name]) for name in found)
                yield {
                    "what": f"{backend}, {tokens:,} tokens, again: arrays that differ",
                    "error": differing,
                    "limit": 0,
                }
