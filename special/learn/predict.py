"""Class probabilities of a whole scene from a trained classifier, averaged over orientations."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from special.learn.views import orient, restore
from special.models.tiling import predict_logits


def predict(
    model: nn.Module,
    spectra: np.ndarray,
    valid: np.ndarray,
    tile: int,
    overlap: int,
    *,
    views: int,
    device: str,
) -> np.ndarray:
    """Return class probabilities: float32 (rows, cols, K), sums to 1 at valid pixels, 0 at invalid ones.

    Args:
        model: (batch, bands, rows, cols) -> logits (batch, K, rows, cols), on ``device``.
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        tile: largest side of a window, in pixels.
        overlap: pixels that neighbouring windows share and blend.
        views: how many of the eight orientations to average, 1..8.
        device: "cpu" or "cuda".
    """
    image = torch.from_numpy(spectra).permute(2, 0, 1)
    total: np.ndarray | None = None
    for view in range(views):
        logits = predict_logits(model, orient(image, view).permute(1, 2, 0), tile, overlap, device)
        shares = torch.softmax(torch.from_numpy(logits), dim=-1).permute(2, 0, 1)
        shares_here = restore(shares, view).permute(1, 2, 0).numpy()
        total = shares_here if total is None else total + shares_here
    assert total is not None  # there is at least one view
    return np.where(valid[..., None], total / np.float32(views), np.float32(0))


def blend(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Return ``first ** (1 - weight) * second ** weight``, normalised: float32 (rows, cols, K).

    Pixels that are 0 in all classes of ``first`` (invalid ones) stay 0.
    """
    logs = (1 - weight) * np.log(np.maximum(first, 1e-6)) + weight * np.log(np.maximum(second, 1e-6))
    logs -= logs.max(axis=-1, keepdims=True)
    product = np.exp(logs)
    product /= product.sum(axis=-1, keepdims=True)
    return np.where(first.any(axis=-1, keepdims=True), product, 0).astype(np.float32)
