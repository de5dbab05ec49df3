"""What a stage is, and what the stages share: a clock that waits for the device, its memory, and errors.

A stage is a module of this package with a function ``rows(small, device)`` that yields a row of the table as soon as
it is measured: ``what`` was measured, and figures by name, None where there is none. A row with an ``error`` and a
``limit`` says that something is wrong where the error is larger, or no number.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

Row = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """A module of this package, ``module``, the seconds that it may take, and the packages without which it cannot."""

    module: str
    seconds: float
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.module.replace("_", " ")

    def rows(self, small: bool, device: str) -> Iterator[Row]:
        """Measure, in miniature where ``small``, on ``device``: "cpu" or "cuda"."""
        yield from import_module(f"gpu_stages.{self.module}").rows(small, device)


def wait(device: str) -> None:
    """Let the device finish what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(run: Callable[[], Any], device: str, rounds: int) -> float:
    """The median seconds of ``rounds`` runs, after one that is not counted."""
    found = []
    for number in range(rounds + 1):
        wait(device)
        started = time.perf_counter()
        run()
        wait(device)
        if number:
            found.append(time.perf_counter() - started)
    return statistics.median(found)


def gigabytes(run: Callable[[], Any], device: str) -> float | None:
    """The most gigabytes of tensors that a run adds to those on the GPU; nothing on a CPU."""
    if device != "cuda":
        return None
    wait(device)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    wait(device)
    return (torch.cuda.max_memory_allocated() - before) / 1e9


def distance(found: Tensor, expected: Tensor) -> float:
    """The Euclidean length of the difference, as a share of that of ``expected``, in float64 on the CPU."""
    found, expected = (tensor.detach().to("cpu", torch.float64) for tensor in (found, expected))
    return float((found - expected).norm() / expected.norm().clamp(min=1e-300))
