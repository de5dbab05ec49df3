"""Cross-entropy against soft targets, pixel by pixel weighted, in log space."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional


def pixel_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return ``-sum_k targets_k log softmax(logits)_k`` of every pixel: (n,).

    Args:
        logits: float (n, K).
        targets: float (n, K), rows sum to 1.
    """
    return -(targets * functional.log_softmax(logits, dim=-1)).sum(dim=-1)


def soft_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    criterion: Callable[[Tensor, Tensor], Tensor] = pixel_cross_entropy,
) -> Tensor:
    """Return the weighted sum of ``criterion`` over the pixels: a scalar.

    It is a sum, not a mean: ``weights`` (n,) decide alone how much each pixel, and so each class, counts.
    No pixel is no loss.
    """
    return (weights * criterion(logits, targets)).sum()
