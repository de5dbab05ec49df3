"""What bounds the scan and a training step on this machine: exponentials, multiply-adds and bytes, each taken alone.

    python benchmarks/roofline.py           # the scan at 1 x 200,000 x 32 x 16, a step at Pavia Centre's size
    python benchmarks/roofline.py --smoke   # small sizes, to see that it works

First the rates that the machine reaches on nothing but vectors of exponentials, on nothing but multiply-adds in the
first-level cache, and on nothing but copying memory, with as many threads as a training has. Then what the computation
needs of each, counted from its formulas: how long each alone would take, beside how long all of it took. Operations
that share a cycle in a perfect program are not added up; the largest of the three is a bound from below.
"""

from __future__ import annotations

import argparse
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measure import machine
from numba import njit
from scan import Case, once
from train_step import prepare

from special.models.scan.cpu import in_threads
from special.models.scan.lanes import FAST, LANES, exp2, get, put, splat, stack

TILE = 64  # vectors, which stay in the first-level cache
GOES = 8  # multiply-adds of a number between reading and writing it


@njit(nogil=True, fastmath=FAST)
def exponentials(like: np.ndarray, times: int) -> float:
    tile = stack(like, TILE * LANES)
    for n in range(TILE):
        put(tile, n, splat(get(tile, n), -0.5))
    for _ in range(times):
        for n in range(TILE):
            put(tile, n, exp2(get(tile, n)) - 1.0)
    return tile[0]


@njit(nogil=True, fastmath=FAST)
def multiply_adds(like: np.ndarray, times: int) -> float:
    tile = stack(like, TILE * LANES)
    for n in range(TILE):
        put(tile, n, splat(get(tile, n), 0.5))
    factor, offset = splat(get(tile, 0), like[0]), splat(get(tile, 1), like[1])
    for _ in range(times):
        for n in range(0, TILE, 4):
            a, b, c, d = get(tile, n), get(tile, n + 1), get(tile, n + 2), get(tile, n + 3)
            for _ in range(GOES):
                a = a * factor + offset
                b = b * factor + offset
                c = c * factor + offset
                d = d * factor + offset
            put(tile, n, a)
            put(tile, n + 1, b)
            put(tile, n + 2, c)
            put(tile, n + 3, d)
    return tile[0]


def rate(amount: float, run: Callable[[], Any], rounds: int) -> float:
    """The best amount per second of several rounds after one that is not counted."""
    best = float("inf")
    for number in range(rounds + 1):
        started = time.perf_counter()
        run()
        if number:
            best = min(best, time.perf_counter() - started)
    return amount / best


def rates(times: int, rounds: int) -> dict[str, float]:
    """Exponentials, multiply-adds and bytes copied (read and written) in a second."""
    threads = torch.get_num_threads()
    like = np.array([0.5, 0.25], np.float32)
    numbers = times * TILE * LANES * threads
    source = torch.ones(min(numbers, 2**26))
    target = torch.empty_like(source)

    def each(function: Callable[[np.ndarray, int], float]) -> Callable[[], None]:
        return lambda: in_threads(threads, threads, lambda first, stop: function(like, times))

    return {
        "exponentials": rate(numbers, each(exponentials), rounds),
        "multiply-adds": rate(numbers * GOES, each(multiply_adds), rounds),
        "bytes": rate(8.0 * source.numel(), lambda: target.copy_(source), rounds),
    }


def of_scan(tokens: int, channels: int, states: int) -> dict[str, float]:
    """What the scan of one sequence needs, forward and backward, where backward computes the states again."""
    numbers = tokens * channels * states
    return {
        "exponentials": 2.0 * numbers,
        # The exponent, two for the state, one to read it, twice; eight of the gradients, and the sums over channels.
        "multiply-adds": 18.0 * numbers,
        # u, delta twice and y, dy, du, ddelta once; B, C twice, their gradients once; a state in LANES, kept and read.
        "bytes": 4.0 * (tokens * (8 * channels + 6 * states) + 2 * numbers / LANES),
    }


def of_step(asked: Namespace, groups: int, states: int, blocks: int, conv: int) -> dict[str, float]:
    """What a training step of MambaHSI needs; of bytes only the cube, read forward and backward."""
    tokens = asked.rows * asked.cols
    total = {"exponentials": 0.0, "multiply-adds": 0.0, "bytes": 8.0 * tokens * asked.bands}
    for level in range(blocks):
        for steps, outside in ((1, asked.hidden), (groups, -(-asked.hidden // groups))):
            inner, rank = 2 * outside, -(-outside // 16)
            needed = of_scan(steps * tokens // 4**level, inner, states)
            # Forward, forward again, and twice as much for the gradients of inputs and of weights.
            made = inner * (2 * outside + conv + rank + 2 * states + rank + outside)
            # Before the first of a pixel's few steps there is no state to decay.
            total["exponentials"] += needed["exponentials"] * ((steps - 1) / steps if steps > 1 else 1)
            total["multiply-adds"] += needed["multiply-adds"] + 4.0 * made * steps * tokens / 4**level
    total["multiply-adds"] += 3.0 * tokens * asked.hidden * (asked.bands + asked.hidden + asked.classes)
    return total


def show(what: str, seconds: float, needed: dict[str, float], reached: dict[str, float]) -> None:
    alone = {name: amount / reached[name] for name, amount in needed.items()}
    print(f"{what}: {seconds:.3f} s, at least {max(alone.values()):.3f} s")
    for name, amount in needed.items():
        print(f"    {name:14} {amount / 1e9:9.2f} G  alone {alone[name]:7.3f} s  {alone[name] / seconds:6.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="small sizes, one round")
    asked = parser.parse_args()
    rounds, tokens = (1, 2000) if asked.smoke else (asked.rounds, 200_000)
    print(machine())
    reached = rates(1000 if asked.smoke else 100_000, rounds)
    for name, amount in reached.items():
        print(f"    {name:14} {amount / 1e9:9.2f} G per second")
    tensors = Case(1, tokens, 32, 16, torch.float32, "cpu", "channels").arguments()
    seconds = 1 / rate(1.0, lambda: once("cpu", tensors, "cpu"), rounds)
    show(f"scan, 1 x {tokens} x 32 x 16", seconds, of_scan(tokens, 32, 16), reached)
    sides = (40, 30) if asked.smoke else (1096, 715)
    case = Namespace(rows=sides[0], cols=sides[1], bands=102, classes=9, hidden=16, tile=0, device="cpu")
    step, _ = prepare(case)
    seconds = 1 / rate(1.0, step, rounds)
    model = {"groups": 4, "states": 16, "blocks": 3, "conv": 4}
    show(f"training step, {sides[0]} x {sides[1]} x 102, hidden 16", seconds, of_step(case, **model), reached)


if __name__ == "__main__":
    main()
