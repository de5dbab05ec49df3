"""Whether MambaHSI is right on the device: logits and gradients against float64, and beside those of the CPU."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gpu_stages.stage import Row, distance

BANDS, CLASSES = 103, 9
LIMIT = 1e-3
LARGE = 100  # rows of an image that the CPU is spared


def outcome(model: nn.Module, image: Tensor, device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Logits, and the gradients of all parameters in one vector, of the cross-entropy with fixed labels."""
    model = copy.deepcopy(model).to(device, dtype)
    logits = model(image.to(device, dtype))
    labels = torch.arange(image.shape[-1], device=device).remainder(CLASSES).expand(1, *image.shape[-2:])
    nn.functional.cross_entropy(logits, labels).backward()
    gradients = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    return logits.detach(), torch.cat(gradients)


def rows(small: bool, device: str) -> Iterator[Row]:
    from special.models.mambahsi import MambaHSI, MambaHSISettings
    from special.settings import load

    torch.manual_seed(0)
    settings = load().build(MambaHSISettings)
    exact = MambaHSI(BANDS, CLASSES, settings, "reference")
    model = MambaHSI(BANDS, CLASSES, settings)
    model.load_state_dict(exact.state_dict())
    for size in ((1, 1), (13, 9)) if small else ((1, 1), (61, 47), (256, 256)):
        image = torch.randn(1, BANDS, *size)
        expected = outcome(exact, image, device, torch.float64)
        places = (device, "cpu") if size[0] < LARGE else (device,)
        for place in dict.fromkeys(places):
            logits, gradients = outcome(model, image, place, torch.float32)
            yield {
                "what": f"{place}, {size[0]} x {size[1]} pixels, float32",
                "error": max(distance(logits, expected[0]), distance(gradients, expected[1])),
                "limit": LIMIT,
                "of the logits": distance(logits, expected[0]),
                "of the gradients": distance(gradients, expected[1]),
            }
