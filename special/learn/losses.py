"""Cross-entropy against soft targets, pixel by pixel weighted, in log space."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def pixel_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return ``-sum_k targets_k log softmax(logits)_k`` of every pixel: (n,).

    Args:
        logits: float (n, K).
        targets: float (n, K), rows sum to 1.
    """
    return -(targets * functional.log_softmax(logits, dim=-1)).sum(dim=-1)


def soft_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of ``pixel_cross_entropy``: a scalar.

    It is a sum, not a mean: ``weights`` (n,) decide alone how much each pixel, and so each class, counts.
    No pixel is no loss.
    """
    return (weights * pixel_cross_entropy(logits, targets)).sum()
