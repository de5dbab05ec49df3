"""The one rule by which scenes are cut into tiles, for training and for prediction alike.

MambaHSI normalises over an image and scans through all of it, so a pixel's logits depend on what else is in its tile.
Were a scene trained whole and predicted in tiles, or the other way round, the classifier would meet images unlike
those it learned from. Hence one rule: the tiles of a scene are as few as may be and of one size, give or take a pixel,
neighbours share the pixels asked for, and there their logits are blended, so that no seam shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, zip_longest
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from special.passes import HERE, Passes
from special.progress import SILENT, Progress

Turn = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]
"""How to turn an image (..., rows, cols), and how to turn what came of it back."""


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
    whole: NDArray[np.float32] | None = None
    for window, (logits,) in logits_by_windows(model, inputs, tile, overlap, device=device, progress=progress):
        if whole is None:
            whole = np.empty((*inputs.shape[:2], logits.shape[-1]), np.float32)
        whole[window] = logits
    assert whole is not None  # there is at least one tile
    return whole


def logits_by_windows(
    model: nn.Module,
    inputs: Windows,
    tile: int,
    overlap: int,
    *,
    turns: Sequence[Turn] = (UNTURNED,),
    device: str | torch.device = "cpu",
    passes: Passes = HERE,
    progress: Progress = SILENT,
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.float32]]]:
    """Logits of every pixel as ``predict_logits``, a window a tile: of each what no later tile has a part in.

    Memory holds a tile, and of all others what they share with tiles to come, once for each turn.

    Args:
        model, inputs, tile, overlap, device, progress: as in ``predict_logits``.
        turns: ways to turn a tile before the model sees it, and back; a tile is read once for all of them.
        passes: who looks at the tiles.

    Yields:
        A window that is done, and its logits for every turn, float32 (turns, rows, cols, classes). The windows are in
        reading order and cover the scene once.
    """
    rows, cols = inputs.shape[:2]
    windows = tiles(rows, cols, tile, overlap)
    found = passes.over(windows, partial(_tile_logits, model, inputs, turns, device))
    progress.begin("predict", len(windows))
    down, across = _spans(rows, tile, overlap), _spans(cols, tile, overlap)
    above: _Sums | None = None
    for strip, next_strip in zip_longest(down, down[1:]):
        bottom = strip.stop if next_strip is None else next_strip.start
        below: _Sums | None = None
        left: _Sums | None = None
        for span, next_span in zip_longest(across, across[1:]):
            right = span.stop if next_span is None else next_span.start
            logits = next(found)
            shape = strip.stop - strip.start, span.stop - span.start
            own = _Sums.zeros(len(turns), shape, logits.shape[-1])
            if above is not None:
                own.begin_with(above.part(slice(None), span))
            if left is not None:  # it has what lies above in it
                own.begin_with(left)
            own.add(np.outer(_ramp(strip, rows, overlap), _ramp(span, cols, overlap))[..., None], logits)
            done = slice(0, bottom - strip.start), slice(0, right - span.start)
            yield (slice(strip.start, bottom), slice(span.start, right)), own.part(*done).mean()
            # Copies: a view would keep the whole tile.
            left = own.part(slice(None), slice(done[1].stop, None)).copy()
            if next_strip is not None:
                if below is None:
                    below = _Sums.zeros(len(turns), (strip.stop - bottom, cols), logits.shape[-1])
                below.put(span, own.part(slice(done[0].stop, None), slice(None)))
            progress.advance()
        above = below
    progress.end()


@dataclass
class _Sums:
    """Sums over tiles, of the pixels of a window.

    ``logits``: weighted, float32 (turns, rows, cols, classes); ``weights``: float32 (rows, cols, 1).
    """

    logits: NDArray[np.float32]
    weights: NDArray[np.float32]

    @classmethod
    def zeros(cls, turns: int, shape: tuple[int, int], classes: int) -> _Sums:
        return cls(np.zeros((turns, *shape, classes), np.float32), np.zeros((*shape, 1), np.float32))

    def part(self, rows: slice, cols: slice) -> _Sums:
        return _Sums(self.logits[:, rows, cols], self.weights[rows, cols])

    def copy(self) -> _Sums:
        return _Sums(self.logits.copy(), self.weights.copy())

    def begin_with(self, before: _Sums) -> None:
        """Take over what earlier tiles have left of the upper left corner."""
        rows, cols = before.weights.shape[:2]
        self.logits[:, :rows, :cols], self.weights[:rows, :cols] = before.logits, before.weights

    def add(self, weight: NDArray[np.float32], logits: NDArray[np.float32]) -> None:
        """Add a tile whose pixels weigh ``weight`` (rows, cols, 1)."""
        for total, each in zip(self.logits, logits, strict=True):
            total += weight * each
        self.weights += weight

    def put(self, cols: slice, part: _Sums) -> None:
        """Replace some columns."""
        self.logits[:, :, cols], self.weights[:, cols] = part.logits, part.weights

    def mean(self) -> NDArray[np.float32]:
        return np.asarray(self.logits / self.weights)


def _tile_logits(
    model: nn.Module,
    inputs: Windows,
    turns: Sequence[Turn],
    device: str | torch.device,
    window: tuple[slice, slice],
) -> NDArray[np.float32]:
    """Logits of a tile by itself for every turn, float32 (turns, rows, cols, classes)."""
    image = torch.as_tensor(inputs[window], dtype=torch.float32, device=device).permute(2, 0, 1)
    return np.stack([back(_apply(model, turned(image))).permute(1, 2, 0).cpu().numpy() for turned, back in turns])


def _apply(model: nn.Module, image: Tensor) -> Tensor:
    """Logits (classes, r, c) of an image (bands, r, c)."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits: Tensor = model(image.unsqueeze(0))[0]
    model.train(was_training)
    return logits


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
