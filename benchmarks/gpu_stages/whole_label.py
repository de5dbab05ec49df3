"""``special label`` from import to the exported map on a simulated scene of Pavia Centre's size, on the device.

A process of its own, after one on a small scene that compiles what is compiled once on a machine.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from label import FEW_STEPS, SMOKE
from measure import label

from gpu_stages.stage import Row
from special.simulate import simulate, write_scene

SIZE = (1096, 715, 102)
EVERY = 0.05  # seconds between looks at the device's memory
LEAST = 0.2  # seconds of a phase that is worth a row


def rows(small: bool, device: str) -> Iterator[Row]:
    size = SMOKE if small else SIZE
    options = ["--device", device]
    with tempfile.TemporaryDirectory() as folder:
        if not small:
            warm = write_scene(Path(folder) / "warm", simulate(*SMOKE, 3))
            seconds, *_ = label(warm.scene, warm.classes, Path(folder) / "warm.special", [*FEW_STEPS, *options])
            yield {"what": "a small scene, first run on this machine", "s": seconds}
        files = write_scene(Path(folder) / "scene", simulate(*size, 9))
        run = Path(folder) / "run.special"
        with _watched(device) as most:
            seconds, memory, record, busy = label(
                files.scene, files.classes, run, [*options, *(FEW_STEPS if small else [])]
            )
        what = " x ".join(map(str, size))
        yield {"what": what, "s": seconds, "GB": memory, "GB of the GPU": most(), "cpu s": busy}
        for name, step in record["steps"].items():
            yield from _phases(name, step["environment"]["profile"], 1)


def _phases(name: str, phase: dict[str, Any], depth: int) -> Iterator[Row]:
    yield {"what": f"{'    ' * depth}{name}", "s": phase["seconds"], "GB": phase["megabytes"] / 1e3}
    for inner in phase.get("inner", []):
        if inner["seconds"] >= LEAST:
            yield from _phases(inner["phase"], inner, depth + 1)


@contextmanager
def _watched(device: str) -> Iterator[Any]:
    """Look at the memory of the whole GPU until the block ends; gives a function for the most gigabytes it grew by."""
    if device != "cuda":
        yield lambda: None
        return
    before = torch.cuda.mem_get_info()[0]
    least, ended = [before], threading.Event()

    def look() -> None:
        while not ended.wait(EVERY):
            least[0] = min(least[0], torch.cuda.mem_get_info()[0])

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield lambda: (before - least[0]) / 1e9
    finally:
        ended.set()
        watcher.join()
