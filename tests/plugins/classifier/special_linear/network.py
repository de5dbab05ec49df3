"""The network, in a module of its own: PyTorch is imported when the classifier is made, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from special.models.orientation import orient

if TYPE_CHECKING:
    from special_linear import LinearSettings


class LinearPixels(nn.Module):
    """Maps standardised spectra to logits, every pixel by itself."""

    def __init__(self, bands: int, classes: int, settings: LinearSettings) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(settings.band_dropout)  # drops channels, which are bands here
        self.weights = nn.Conv2d(bands, classes, kernel_size=1)

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        """Map (batch, bands, rows, cols) to logits (batch, classes, rows, cols), turned by ``view``."""
        return orient(self.weights(self.dropout(x)), view)
