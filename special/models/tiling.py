"""The one rule by which scenes are cut into tiles, for training and for prediction alike.

MambaHSI normalises over an image and scans through all of it, so a pixel's logits depend on what else is in its tile.
Were a scene trained whole and predicted in tiles, or the other way round, the classifier would meet images unlike
those it learned from. Hence one rule: the tiles of a scene are as few as may be and of one size, give or take a pixel,
neighbours share the pixels asked for, and there their logits are blended, so that no seam shows.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from special.progress import SILENT, Progress


def tiles(rows: int, cols: int, tile: int, overlap: int) -> list[tuple[slice, slice]]:
    """Cover a scene with tiles of at most ``tile`` pixels a side, in reading order.

    Neighbours share ``overlap`` pixels; with an overlap of 0 every pixel belongs to one tile. A scene that is no larger
    than a tile is one tile.

    Returns:
        Row slice and column slice of every tile, never empty, never beyond the scene.

    Raises:
        ValueError: not 0 <= overlap < tile, or a scene without pixels.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"the overlap must be at least 0 and less than the tile: it is {overlap} of {tile}")
    if rows < 1 or cols < 1:
        raise ValueError(f"a scene must have pixels: this one is {rows} x {cols}")
    return [(r, c) for r in _spans(rows, tile, overlap) for c in _spans(cols, tile, overlap)]


def predict_logits(
    model: nn.Module,
    inputs: NDArray[np.float32] | Tensor,
    tile: int,
    overlap: int,
    device: str | torch.device = "cpu",
    progress: Progress = SILENT,
) -> NDArray[np.float32]:
    """Logits of every pixel, tile by tile, blended where tiles overlap.

    Args:
        model: maps (1, bands, rows, cols) to (1, classes, rows, cols), and is on ``device``.
        inputs: finite float32 (rows, cols, bands), as ``special.learn.inputs.standardise`` makes them; only a tile of
            it is copied at a time.
        tile, overlap: as in ``tiles``.
        device: where the model is.
        progress: told of every tile.

    Returns:
        float32 (rows, cols, classes).
    """
    rows, cols = inputs.shape[:2]
    windows = tiles(rows, cols, tile, overlap)
    weights = np.zeros((rows, cols, 1), np.float32)
    total: NDArray[np.float32] | None = None
    was_training = model.training
    model.eval()
    progress.begin("predict", len(windows))
    with torch.no_grad():
        for window in windows:
            image = torch.as_tensor(inputs[window], dtype=torch.float32, device=device)  # (r, c, bands)
            logits = model(image.permute(2, 0, 1).unsqueeze(0))[0].permute(1, 2, 0).cpu().numpy()  # (r, c, classes)
            weight = np.outer(_ramp(window[0], rows, overlap), _ramp(window[1], cols, overlap))[..., None]
            if total is None:
                total = np.zeros((rows, cols, logits.shape[2]), np.float32)
            total[window] += weight * logits
            weights[window] += weight
            progress.advance()
    progress.end()
    model.train(was_training)
    assert total is not None  # there is always a tile
    total /= weights
    return total


def _spans(length: int, tile: int, overlap: int) -> list[slice]:
    if length <= tile:
        return [slice(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    starts = [(length - overlap) * i // count for i in range(count + 1)]
    return [slice(start, following + overlap) for start, following in pairwise(starts)]


def _ramp(span: slice, length: int, overlap: int) -> NDArray[np.float32]:
    """Weights along one axis of a tile: 1, falling over ``overlap`` pixels towards an edge inside the scene."""
    pixel = np.arange(span.start, span.stop) + 0.5
    weight = np.ones(len(pixel))
    if span.start > 0:
        weight = np.minimum(weight, (pixel - span.start) / max(overlap, 1))
    if span.stop < length:
        weight = np.minimum(weight, (span.stop - pixel) / max(overlap, 1))
    return weight.astype(np.float32)
