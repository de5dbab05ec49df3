"""Compile the Triton kernels of the selective scan for a GPU that need not be there. Run by ``test_scan_triton.py``.

The interpreter takes much that the compiler refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver

from special.models.scan import triton as backend
from special.models.scan import triton_kernels


class Absent:
    """As much of Triton's driver as compiling asks for."""

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 80, 32)


class Compiled:
    """A kernel that is compiled where it would run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        def compile_it(*arguments: Any, **options: Any) -> None:
            binary = getattr(triton_kernels, self.name).warmup(*arguments, grid=grid, **options)
            print(self.name, len(binary.asm["ptx"]))

        return compile_it


driver.set_active(Absent())
backend.STEPS, backend.AHEAD = 2, 2  # unrolled: what compiles for two compiles for more, in more time
names = ("chunk_ends", "carries", "outputs", "gradients")
backend.kernels = SimpleNamespace(**{name: Compiled(name) for name in names})
b, d, n, t = 1, 32, 16, 4096
shapes = {
    "u": (b, d, t),
    "delta": (b, d, t),
    "A": (d, n),
    "B": (b, 1, n, t),
    "C": (b, 1, n, t),
    "D": (d,),
    "z": (b, d, t),
}
wide = {name: torch.zeros(shape, requires_grad=True) for name, shape in {**shapes, "delta_bias": (d,)}.items()}
out, last = backend.scan(**wide, delta_softplus=True, return_last_state=True)
(out.sum() + last.sum()).backward()
narrow = {name: tensor.bfloat16() if name in ("u", "delta", "B", "C", "z") else tensor for name, tensor in wide.items()}
with torch.no_grad():
    backend.scan(**narrow, delta_softplus=True, return_last_state=False)
