"""Class probabilities of a whole scene from a trained classifier: averaged over orientations, blended with a prior."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import nn

from special.models.orientation import orient, restore
from special.models.tiling import Windows, logits_by_windows
from special.passes import HERE, Passes
from special.storage.rasters import MEMORY, Rows, ScratchSpace, blocks, pick, positions


def predict(
    model: nn.Module,
    spectra: Windows,
    valid: np.ndarray,
    tile: int,
    overlap: int,
    *,
    views: int,
    device: str,
    scratch: ScratchSpace = MEMORY,
    passes: Passes = HERE,
) -> Rows:
    """Return class probabilities: float32 (rows, cols, K), sums to 1 at valid pixels, 0 at invalid ones.

    Args:
        model: (batch, bands, rows, cols) -> logits (batch, K, rows, cols), on ``device``.
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        tile: largest side of a window, in pixels.
        overlap: pixels that neighbouring windows share and blend.
        views: how many of the eight orientations to average, 1..8.
        device: "cpu" or "cuda".
        scratch: where the result goes, as ``predicted``.
        passes: who looks at the windows.
    """
    turns = [(partial(orient, view=view), partial(restore, view=view)) for view in range(views)]
    result: Rows | None = None
    for window, logits in logits_by_windows(model, spectra, tile, overlap, turns=turns, device=device, passes=passes):
        shares = [torch.softmax(torch.from_numpy(each), dim=-1).numpy() for each in logits]
        mean = sum(shares[1:], shares[0]) / np.float32(views)
        if result is None:
            result = scratch.zeros("predicted", (*valid.shape, mean.shape[-1]))
        result[window] = np.where(valid[window][..., None], mean, np.float32(0))
    assert result is not None  # there is at least one tile
    return result


def blend_with_prior(
    learned: Rows,
    prior: Rows,
    valid: np.ndarray,
    weight: float,
    scratch: ScratchSpace = MEMORY,
    passes: Passes = HERE,
) -> Rows:
    """Blend what was learned with the probabilities it was learned from, the prior.

    Trained to reproduce labels, a classifier is as sure as they are consistent, not as they are right: how sure one
    may be is the prior's to say. So learned probabilities that are surer than the prior are first raised to the power
    that gives them its mean confidence (the mean probability of the best class); less sure ones stay. Then both are
    multiplied, ``prior ** weight`` times ``learned ** (1 - weight)``.

    Args:
        learned: float32 (rows, cols, K), all 0 at invalid pixels.
        prior: float32 (rows, cols, K), all 0 at invalid pixels.
        valid: bool (rows, cols), at least one pixel.
        weight: 0 = learned alone, 1 = prior alone.
        scratch: where the result goes, as ``blended``.
        passes: who blends the windows.

    Returns:
        float32 (rows, cols, K), sums to 1 at valid pixels, 0 at invalid ones.
    """
    count = int(valid.sum())
    some = positions(valid, np.arange(0, count, max(1, count // 20_000)))
    power = _power(_logs(pick(learned, some)), float(_normalised(_logs(pick(prior, some))).max(axis=1).mean()))
    result = scratch.zeros("blended", learned.shape)
    parts = list(blocks(learned.shape))
    found = passes.over(parts, partial(_blended, learned, prior, valid, weight, power))
    for rows, shares in zip(parts, found, strict=True):
        result[rows] = shares
    return result


def _blended(learned: Rows, prior: Rows, valid: np.ndarray, weight: float, power: float, rows: slice) -> np.ndarray:
    """Return the blend of a window, float32 (rows, cols, K)."""
    here = valid[rows]
    shares = np.zeros((*here.shape, learned.shape[-1]), dtype=np.float32)
    logs, prior_logs = _logs(learned[rows][here]), _logs(prior[rows][here])
    shares[here] = _normalised((1 - weight) * power * logs + weight * prior_logs)
    return shares


def _logs(shares: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(shares, 1e-12)))


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
    if not len(logs):
        return logs
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
