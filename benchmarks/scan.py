"""Time the selective scan side by side with its peers: forward and backward.

    pip install special-hsi[benchmark]
    python benchmarks/scan.py                                      # 1 x 20,000 tokens, on the GPU where there is one
    python benchmarks/scan.py --tokens 200000 --sides cpu mambapy  # about 5 GB for mambapy
    python benchmarks/scan.py --tokens 200000 --batch 64 --dtype bfloat16 --sides triton mamba_ssm

On a CPU the peer is mambapy's parallel scan, on a GPU the kernel of mamba-ssm (pip install special-hsi[cuda]). All
sides compute the same: step sizes through softplus, the scan, and the skip D; gradients of every argument. They take
turns, so that whatever else the machine does meets all alike; a figure is the median of all rounds, with the least and
the most. ns/number is per token, channel and state; the ratio is how many times longer the last side takes, round by
round. Memory is the peak above what was there before, in a fresh process for each side. Where the memory that is free
does not hold mambapy, it is compared at the longest sequence that it can take.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import record
import torch
import torch.nn.functional as F
from torch import Tensor

from special.models.scan import available_backends, selective_scan

PEER = "mambapy"
PEER_BYTES = 48  # that mambapy takes for a number of its states at its peak, measured from 20,000 tokens on


@dataclass(frozen=True)
class Case:
    """What is computed: sizes, type and place of the tensors; (batch, channels, tokens) with ``last`` fastest."""

    batch: int
    tokens: int
    channels: int
    states: int
    dtype: torch.dtype
    device: str
    last: str

    @property
    def numbers(self) -> int:
        return self.batch * self.tokens * self.channels * self.states

    def arguments(self) -> dict[str, Tensor]:
        """Values like those at the start of training."""
        torch.manual_seed(0)

        def normal(rows: int) -> Tensor:
            if self.last == "tokens":
                return torch.randn(self.batch, rows, self.tokens, device=self.device)
            return torch.randn(self.batch, self.tokens, rows, device=self.device).transpose(1, 2)

        return {
            "u": normal(self.channels).to(self.dtype),
            "delta": (normal(self.channels) - 4).to(self.dtype),
            "A": -torch.arange(1.0, self.states + 1, device=self.device).repeat(self.channels, 1),
            "B": normal(self.states).to(self.dtype),
            "C": normal(self.states).to(self.dtype),
            "D": torch.ones(self.channels, device=self.device),
        }


def ours(backend: str) -> Callable[..., Tensor]:
    def run(**tensors: Tensor) -> Tensor:
        return selective_scan(**tensors, delta_softplus=True, backend=backend)

    return run


def mambapy(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The scan of mambapy's Mamba block, which wants (batch, length, dim, state)."""
    from mambapy.pscan import pscan

    u, delta, B, C = (x.transpose(1, 2) for x in (u, F.softplus(delta), B, C))
    decay = torch.exp(delta.unsqueeze(-1) * A)
    inputs = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    y = (pscan(decay, inputs) @ C.unsqueeze(-1)).squeeze(-1) + D * u
    return y.transpose(1, 2)


def side(name: str) -> Callable[..., Tensor]:
    return mambapy if name == PEER else ours(name)


def clock(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def once(name: str, tensors: dict[str, Tensor], device: str) -> tuple[float, float]:
    """Seconds of one forward and one backward pass."""
    run = side(name)
    leaves = {key: tensor.detach().requires_grad_() for key, tensor in tensors.items()}
    start = clock(device)
    y = run(**leaves)
    middle = clock(device)
    y.backward(torch.ones_like(y))
    return middle - start, clock(device) - middle


def peak(name: str, case: Case) -> float:
    """Gigabytes that one forward and backward pass add to this process, or to the GPU, at their peak."""
    once(name, replace(case, tokens=64).arguments(), case.device)  # import and compile
    tensors = case.arguments()
    if case.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        once(name, tensors, case.device)
        return (torch.cuda.max_memory_allocated() - before) / 1e9
    before = resident("VmRSS")
    once(name, tensors, case.device)
    return (resident("VmHWM") - before) / 1e9


def resident(which: str) -> float:
    """Bytes of this process in memory, now (VmRSS) or at most (VmHWM); on Linux only."""
    return kilobytes(Path("/proc/self/status"), which) * 1024


def kilobytes(file: Path, name: str) -> float:
    if not file.exists():
        return float("nan")
    return next(float(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(name))


def longest(case: Case) -> int:
    """Tokens at which mambapy still fits into four fifths of the memory that is free."""
    free = kilobytes(Path("/proc/meminfo"), "MemAvailable") * 1024
    if free != free:  # not Linux
        return case.tokens
    return min(case.tokens, int(0.8 * free / (PEER_BYTES * case.batch * case.channels * case.states)))


def machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {torch.get_num_threads()} of {os.cpu_count()} cores{load}"


def compare(case: Case, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """Run the sides in turn and print a table; return what was measured, of each side every round."""
    print(f"\n{machine(case.device)}")
    print(
        f"{case.batch} x {case.tokens} tokens x {case.channels} channels x {case.states} states, "
        f"{str(case.dtype).removeprefix('torch.')}, {case.last} last, {rounds} rounds",
        flush=True,
    )
    tensors = case.arguments()
    for name in names:  # import, compile, and touch the memory
        once(name, replace(case, tokens=64).arguments(), case.device)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            times[name].append(once(name, tensors, case.device))
    del tensors
    print("| | forward ms | backward ms | both ms | ns/number | peak GB | ratio |\n|---|---|---|---|---|---|---|")
    slowest = [sum(pair) for pair in times[names[-1]]]
    sides = {}
    for name in names:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            memory = fresh.submit(peak, name, case).result()
        both = [sum(pair) for pair in times[name]]
        cells = [
            spread([1e3 * forward for forward, _ in times[name]]),
            spread([1e3 * backward for _, backward in times[name]]),
            spread([1e3 * seconds for seconds in both]),
            spread([1e9 * seconds / case.numbers for seconds in both]),
            f"{memory:.2f}",
            spread([theirs / own for theirs, own in zip(slowest, both, strict=True)]),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        sides[name] = {"seconds": both, "nanoseconds per number": 1e9 * min(both) / case.numbers, "gigabytes": memory}
    return {"tokens": case.tokens, "last": case.last, "sides": sides}


def spread(values: list[float]) -> str:
    """The median, the least and the most."""
    return f"{statistics.median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--states", type=int, default=16)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--last", choices=["tokens", "channels"], default="channels", help="what is next in memory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--sides", nargs="+", metavar="NAME", help="which ones; the last is what ratios refer to")
    asked = parser.parse_args()
    known = (*available_backends(asked.device), *((PEER,) if asked.device == "cpu" else ()))
    names = asked.sides or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"{', '.join(unknown)} cannot run here: choose from {', '.join(known)}")
    case = Case(
        asked.batch, asked.tokens, asked.channels, asked.states, getattr(torch, asked.dtype), asked.device, asked.last
    )
    fits = longest(case) if PEER in names else case.tokens
    if fits < case.tokens:
        compare(case, [name for name in names if name != PEER] or ["cpu"], asked.rounds)
        print(f"\nThe memory that is free holds {PEER} up to {fits} tokens: compared there.")
        case = replace(case, tokens=fits)
    figures = compare(case, names, asked.rounds)
    if asked.json:
        record.write(asked.json, figures)


if __name__ == "__main__":
    main()
