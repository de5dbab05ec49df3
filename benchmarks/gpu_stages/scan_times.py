"""The scan at batch 1, forward and backward, beside mamba-ssm where it is installed and PyTorch operations.

The sides take turns on what MambaHSI hands them: channels next to each other in memory. mamba-ssm wants the steps next
to each other and copies; what it takes for tensors that lie so already is a side of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace

import torch
from scan import Case, once
from torch import Tensor

from gpu_stages.stage import Row, gigabytes
from special.models.scan import available_backends

CHANNELS, STATES = 64, 16
TOKENS = (20_000, 200_000, 800_000, 3_200_000)
ROUNDS = 7
LONGEST_REFERENCE = 200_000  # its Python loop over chunks takes seconds beyond
REFERENCE_ROUNDS = 2
PEER, ITS_LAYOUT = "mamba_ssm", "mamba_ssm, steps adjacent"


def rows(small: bool, device: str) -> Iterator[Row]:
    for dtype in (torch.float32, torch.bfloat16):
        for tokens in (500,) if small else TOKENS:
            yield from _compare(Case(1, tokens, CHANNELS, STATES, dtype, device, "channels"), 1 if small else ROUNDS)


def _compare(case: Case, rounds: int) -> Iterator[Row]:
    given = {name: case.arguments() for name in available_backends(case.device)}
    if PEER in given:
        given[ITS_LAYOUT] = replace(case, last="tokens").arguments()
    if case.tokens > LONGEST_REFERENCE or case.dtype != torch.float32:
        del given["reference"]
    what = f"{case.tokens:,} tokens, {str(case.dtype).removeprefix('torch.')}"
    for name, tensors in list(given.items()):  # compiles, and finds out which side fails
        try:
            _once(name, tensors, case.device)
        except RuntimeError as failure:
            yield {"what": f"{name}, {what}", "failed": str(failure).splitlines()[0]}
            del given[name]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in given}
    for number in range(rounds):
        for name, tensors in given.items():
            if name != "reference" or number < REFERENCE_ROUNDS:
                times[name].append(_once(name, tensors, case.device))
    if not given:
        return
    ours = statistics.median(sum(pair) for pair in next(iter(times.values())))
    for name, tensors in given.items():
        forward, backward = (statistics.median(part) for part in zip(*times[name], strict=True))
        both = statistics.median(sum(pair) for pair in times[name])
        yield {
            "what": f"{name}, {what}",
            "forward ms": 1e3 * forward,
            "backward ms": 1e3 * backward,
            "ns/number": 1e9 * both / case.numbers,
            "times ours": both / ours,
            "GB": gigabytes(lambda name=name, tensors=tensors: _once(name, tensors, case.device), case.device),
        }


def _once(name: str, tensors: dict[str, Tensor], device: str) -> tuple[float, float]:
    return once(PEER if name == ITS_LAYOUT else name, tensors, device)
