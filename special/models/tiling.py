"""The one rule by which scenes are cut into tiles, for training and for prediction alike.

MambaHSI normalises over an image and scans through all of it, so a pixel's logits depend on what else is in its tile.
Were a scene trained whole and predicted in tiles, or the other way round, the classifier would meet images unlike
those it learned from. Hence one rule: the tiles of a scene are as few as may be and of one size, give or take a pixel,
neighbours share the pixels asked for, and there their logits are blended, so that no seam shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from special.progress import SILENT, Progress
from special.storage.rasters import blocks

Turn = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]
"""How to turn an image (..., rows, cols), and how to turn what came of it back."""


_YIELDED = 1 << 22  # bytes of logits, of one turn


def _as_it_is(image: Tensor) -> Tensor:
    return image


UNTURNED: Turn = (_as_it_is, _as_it_is)


class Windows(Protocol):
    """A scene (rows, cols, bands) that gives its windows: an array, a tensor, or what makes them when asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, bands."""

    def __getitem__(self, window: tuple[slice, slice], /) -> NDArray[np.float32] | Tensor:
        """Return float32 (rows, cols, bands) of a window."""


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
    inputs: Windows,
    tile: int,
    overlap: int,
    device: str | torch.device = "cpu",
    progress: Progress = SILENT,
) -> NDArray[np.float32]:
    """Logits of every pixel, tile by tile, blended where tiles overlap.

    Args:
        model: maps (1, bands, rows, cols) to (1, classes, rows, cols), and is on ``device``.
        inputs: finite float32 (rows, cols, bands), as ``training.standardise`` makes them; only a tile of
            it is copied at a time.
        tile, overlap: as in ``tiles``.
        device: where the model is.
        progress: told of every tile.

    Returns:
        float32 (rows, cols, classes).
    """
    strips = logits_by_rows(model, inputs, tile, overlap, device=device, progress=progress)
    return np.concatenate([logits[0] for _, logits in strips])


def logits_by_rows(
    model: nn.Module,
    inputs: Windows,
    tile: int,
    overlap: int,
    *,
    turns: Sequence[Turn] = (UNTURNED,),
    device: str | torch.device = "cpu",
    progress: Progress = SILENT,
) -> Iterator[tuple[slice, list[NDArray[np.float32]]]]:
    """Logits of every pixel as ``predict_logits``, from top to bottom; memory holds a row of tiles, once for each turn.

    What is yielded is a part of it, of few rows: whoever takes it is not to need as much again.

    Args:
        model, inputs, tile, overlap, device, progress: as in ``predict_logits``.
        turns: ways to turn a tile before the model sees it, and back; a tile is read once for all of them.

    Yields:
        A slice of rows that are done, and their logits for every turn, float32 (rows, cols, classes).
    """
    rows, cols = inputs.shape[:2]
    count = len(tiles(rows, cols, tile, overlap))
    strips, across = _spans(rows, tile, overlap), _spans(cols, tile, overlap)
    progress.begin("predict", count)
    totals: list[NDArray[np.float32]] = []
    weights = np.zeros((0, cols, 1), np.float32)
    for strip, following in zip_longest(strips, strips[1:]):
        high = strip.stop - strip.start
        for number, total in enumerate(totals):
            totals[number] = _extended(total, high)
        weights = _extended(weights, high)
        for span in across:
            image = torch.as_tensor(inputs[strip, span], dtype=torch.float32, device=device)  # (r, c, bands)
            weight = np.outer(_ramp(strip, rows, overlap), _ramp(span, cols, overlap))[..., None]
            weights[:, span] += weight
            for number, (turned, back) in enumerate(turns):
                logits = back(_apply(model, turned(image.permute(2, 0, 1)))).permute(1, 2, 0).cpu().numpy()
                if number == len(totals):
                    totals.append(np.zeros((high, cols, logits.shape[2]), np.float32))
                totals[number][:, span] += weight * logits
            progress.advance()
        done = high if following is None else following.start - strip.start
        for part in blocks((done, *totals[0].shape[1:]), most=_YIELDED):
            yield slice(strip.start + part.start, strip.start + part.stop), [t[part] / weights[part] for t in totals]
        # Copies: a view of the few rows that are left would keep all of them.
        totals, weights = [total[done:].copy() for total in totals], weights[done:].copy()
    progress.end()


def _apply(model: nn.Module, image: Tensor) -> Tensor:
    """Logits (classes, r, c) of an image (bands, r, c)."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits: Tensor = model(image.unsqueeze(0))[0]
    model.train(was_training)
    return logits


def _extended(array: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Bring (r, ...) to ``rows`` rows with zeros below."""
    below = np.zeros((rows - len(array), *array.shape[1:]), np.float32)
    return np.concatenate([array, below])


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
