"""Class probabilities of a whole scene from a trained classifier, averaged over orientations."""

from __future__ import annotations

import math

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


def hold(learned: np.ndarray, anchor: np.ndarray, valid: np.ndarray, weight: float) -> np.ndarray:
    """Hold what was learned against the probabilities it was learned from.

    Trained to reproduce labels, a classifier is as sure as they are consistent, not as they are right: how sure one
    may be is the anchor's to say. So learned probabilities that are surer than the anchor are first raised to the power
    that gives them its mean confidence (the mean probability of the best class); less sure ones stay. Then both are
    multiplied, ``anchor ** weight`` times ``learned ** (1 - weight)``.

    Args:
        learned: float32 (rows, cols, K), all 0 at invalid pixels.
        anchor: float32 (rows, cols, K), all 0 at invalid pixels.
        valid: bool (rows, cols), at least one pixel.
        weight: 0 = learned alone, 1 = anchor alone.

    Returns:
        float32 (rows, cols, K), sums to 1 at valid pixels, 0 at invalid ones.
    """
    logs = np.log(np.maximum(learned[valid], 1e-12))
    rule = np.log(np.maximum(anchor[valid], 1e-12))
    every = max(1, len(logs) // 20_000)
    power = _power(logs[::every], float(_normalised(rule[::every]).max(axis=1).mean()))
    result = np.zeros(learned.shape, dtype=np.float32)
    result[valid] = _normalised((1 - weight) * power * logs + weight * rule)
    return result


def _power(logs: np.ndarray, confidence: float) -> float:
    """Return the power, 1/64 to 1, at which ``exp(logs)`` comes nearest to this mean confidence, by bisection."""
    low, high = 1 / 64, 1.0
    for _ in range(20):
        middle = math.sqrt(low * high)
        if _normalised(middle * logs).max(axis=1).mean() < confidence:
            low = middle
        else:
            high = middle
    return high


def _normalised(logs: np.ndarray) -> np.ndarray:
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
