"""A training step of MambaHSI at Pavia Centre's size: all of it at once, and a tile as the default pipeline takes it.

Below stand the kernels that hold the device longest, from one more step under PyTorch's profiler.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any

import torch
from train_step import prepare

from gpu_stages.stage import Row, gigabytes, seconds, wait

ROUNDS = 7
KERNELS = 12


def rows(small: bool, device: str) -> Iterator[Row]:
    size = {"rows": 40, "cols": 30, "bands": 20} if small else {"rows": 1096, "cols": 715, "bands": 102}
    for tile in (20, 0) if small else (256, 0):
        case = Namespace(**size, classes=9, hidden=32, tile=tile, device=device)
        step, owned = prepare(case)
        taken = seconds(step, device, 1 if small else ROUNDS)
        what = f"{owned[0]} x {owned[1]} of {size['rows']} x {size['cols']} x {size['bands']}, hidden 32"
        yield {"what": what, "ms": 1e3 * taken, "GB": gigabytes(step, device)}
        if device == "cuda":
            yield from _kernels(step, device)


def _kernels(step: Callable[[], Any], device: str) -> Iterator[Row]:
    """What holds the device longest in a step, and how long it has nothing to do."""
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        started = time.perf_counter()
        step()
        wait(device)
        taken = time.perf_counter() - started
    kernels = [event for event in profile.key_averages() if event.device_type == torch.autograd.DeviceType.CUDA]
    kernels.sort(key=lambda event: -event.self_device_time_total)
    busy = sum(event.self_device_time_total for event in kernels) / 1e6
    count = sum(event.count for event in kernels)
    yield {"what": "    profiled: the device is busy", "ms": 1e3 * busy, "share": busy / taken, "calls": count}
    for event in kernels[:KERNELS]:
        part = event.self_device_time_total / 1e6
        yield {"what": f"    {event.key[:90]}", "ms": 1e3 * part, "share": part / taken, "calls": event.count}
