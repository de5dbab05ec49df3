"""Where tensors live."""

from __future__ import annotations

from special.errors import SettingsError


def resolve(device: str) -> str:
    """Return ``cpu`` or ``cuda`` for what was asked; ``auto`` takes the GPU where there is one.

    Raises:
        SettingsError: the device is unknown, or not on this machine.
    """
    if device == "cpu":
        return device
    if device not in ("auto", "cuda"):
        raise SettingsError(f"the device {device!r} is unknown: name auto, cpu or cuda")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise SettingsError("this machine has no CUDA device that torch can use: give --device cpu")
    return "cpu"
