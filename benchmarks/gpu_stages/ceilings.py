"""What the device does at best: copies of its memory, and matrix products in the number types of CLIP."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from gpu_stages.stage import Row, seconds


def rows(small: bool, device: str) -> Iterator[Row]:
    source = torch.randn(2**20 if small else 2**29, device=device)
    target = torch.empty_like(source)
    taken = seconds(lambda: target.copy_(source), device, 5)
    yield {"what": "copy, read and written", "GB/s": 8 * source.numel() / taken / 1e9}
    side = 256 if small else 8192
    a, b = torch.randn(2, side, side, device=device)
    for name, precision, dtype in (
        ("float32", "highest", torch.float32),
        ("TF32", "high", torch.float32),
        ("bf16", "highest", torch.bfloat16),
    ):
        torch.set_float32_matmul_precision(precision)
        x, y = a.to(dtype), b.to(dtype)
        taken = seconds(lambda x=x, y=y: x @ y, device, 5)
        yield {"what": f"matrix product, {name}", "TFLOP/s": 2 * side**3 / taken / 1e12}
