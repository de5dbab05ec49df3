"""The eight orientations of an image: exact quarter turns and mirror images, never an interpolation."""

from __future__ import annotations

import torch
from torch import Tensor

COUNT = 8


def orient(image: Tensor, view: int) -> Tensor:
    """Turn (..., rows, cols) by ``view % 4`` quarter turns, mirrored before for ``view`` 4..7; 0 changes nothing."""
    if view >= 4:
        image = torch.flip(image, (-1,))
    return torch.rot90(image, view % 4, (-2, -1))


def restore(image: Tensor, view: int) -> Tensor:
    """Undo ``orient`` on (..., rows, cols): ``restore(orient(x, v), v)`` equals ``x`` in every bit."""
    image = torch.rot90(image, -(view % 4), (-2, -1))
    return torch.flip(image, (-1,)) if view >= 4 else image
