"""Time the selective scan beside mambapy's parallel scan: forward and backward, one sequence.

    pip install special-hsi[benchmark]
    python benchmarks/scan.py                  # 20,000 tokens
    python benchmarks/scan.py --tokens 200000  # mambapy needs about 5 GB; --no-peer leaves it out

Both sides compute the same: step sizes through softplus, the scan, and the skip D; gradients of every argument. They
take turns, and the best of all rounds counts, so that whatever else the machine does meets both alike. Memory is the
peak above what was there before, in a fresh process for each side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from special.models.scan import available_backends, selective_scan


def arguments(tokens: int, channels: int, states: int) -> dict[str, Tensor]:
    """Values like those at the start of training."""
    torch.manual_seed(0)
    return {
        "u": torch.randn(1, channels, tokens),
        "delta": torch.randn(1, channels, tokens) - 4,
        "A": -torch.arange(1.0, states + 1).repeat(channels, 1),
        "B": torch.randn(1, states, tokens),
        "C": torch.randn(1, states, tokens),
        "D": torch.ones(channels),
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


def once(run: Callable[..., Tensor], tensors: dict[str, Tensor]) -> tuple[float, float]:
    """Seconds of one forward and one backward pass."""
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in tensors.items()}
    start = time.perf_counter()
    y = run(**leaves)
    middle = time.perf_counter()
    y.backward(torch.ones_like(y))
    return middle - start, time.perf_counter() - middle


def peak(name: str, sizes: tuple[int, int, int]) -> float:
    """Gigabytes that one forward and backward pass add to this process at their peak (Linux only)."""
    once(SIDES[name], arguments(64, *sizes[1:]))  # import and compile
    tensors = arguments(*sizes)
    before = resident("VmRSS")
    once(SIDES[name], tensors)
    return (resident("VmHWM") - before) / 1e9


def resident(which: str) -> float:
    """Bytes of this process in memory, now (VmRSS) or at most (VmHWM)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return next(1024.0 * int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(which))


SIDES: dict[str, Callable[..., Tensor]] = {name: ours(name) for name in available_backends("cpu")} | {
    "mambapy": mambapy
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--states", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true", help="leave mambapy out")
    options = parser.parse_args()
    sizes = (options.tokens, options.channels, options.states)
    names = [name for name in SIDES if name != "mambapy" or not options.no_peer]

    tensors = arguments(*sizes)
    best = {name: (float("inf"), float("inf")) for name in names}
    for name in names:
        once(SIDES[name], arguments(64, *sizes[1:]))  # import and compile
    for _ in range(options.rounds):
        for name in names:
            best[name] = tuple(map(min, best[name], once(SIDES[name], tensors)))  # type: ignore[assignment]

    memory = {}
    for name in names:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            memory[name] = fresh.submit(peak, name, sizes).result()

    print("1 x {} tokens x {} channels x {} states, float32, {} threads".format(*sizes, torch.get_num_threads()))
    print(f"{'':10} {'forward s':>10} {'backward s':>11} {'both s':>8} {'ns/number':>10} {'peak GB':>8} {'ratio':>6}")
    slowest = sum(best[names[-1]])
    for name in names:
        both = sum(best[name])
        nanoseconds = both * 1e9 / (sizes[0] * sizes[1] * sizes[2])
        print(
            f"{name:10} {best[name][0]:10.4f} {best[name][1]:11.4f} {both:8.4f} {nanoseconds:10.2f} "
            f"{memory[name]:8.2f} {slowest / both:6.1f}"
        )


if __name__ == "__main__":
    main()
