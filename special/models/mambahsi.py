"""MambaHSI: a classifier of every pixel of a hyperspectral image at once.

Li, Luo, Zhang, Wang and Du, "MambaHSI: Spatial-Spectral Mamba for Hyperspectral Image Classification", IEEE TGRS 2024,
arXiv 2501.04944. The image is embedded pixel by pixel; encoder blocks look along the image (spatial Mamba) and along
the features of each pixel (spectral Mamba) and fuse both; the image is halved between blocks; a head gives logits.

One thing differs from the paper. Its head sees the last block alone, a map of a quarter of the rows and columns; ours
sees the sum of all blocks, enlarged step by step to full size. Trained on noisy labels of eight scenes, that was worth
0.03 overall accuracy on average and 0.1 in towns, where objects are a few pixels wide.

Shapes: b images, r rows, c columns, h hidden channels. Between the layers an image is (b, r, c, h), channels last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models.mamba import Mamba
from special.models.orientation import orient
from special.models.settings import MambaHSISettings


class Norm(nn.GroupNorm):
    """Group normalisation of (b, r, c, h) over each image, with four groups where h allows it."""

    def __init__(self, channels: int) -> None:
        super().__init__(math.gcd(channels, 4), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each image of ``x`` (b, r, c, h) by itself."""
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class SpatialMamba(nn.Module):
    """Mamba along the pixels of an image, row by row (the paper's SpaMB)."""

    def __init__(self, settings: MambaHSISettings, scan: str = "auto") -> None:
        super().__init__()
        h = settings.hidden
        self.mamba = Mamba(h, d_state=settings.state, d_conv=settings.conv, expand=settings.expand, scan=scan)
        self.norm = Norm(h)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, r, c, h) to the same shape. Every image is a sequence of its own."""
        y = self.mamba(x.flatten(1, 2))  # (b, r c, h)
        return F.silu(self.norm(y.view_as(x)))


class SpectralMamba(nn.Module):
    """Mamba along the features of a pixel, taken as a short sequence of groups of them (the paper's SpeMB)."""

    def __init__(self, settings: MambaHSISettings, scan: str = "auto") -> None:
        super().__init__()
        self.groups = settings.groups
        self.size = math.ceil(settings.hidden / settings.groups)  # features in a group
        self.mamba = Mamba(self.size, d_state=settings.state, d_conv=settings.conv, expand=settings.expand, scan=scan)
        self.norm = Norm(self.groups * self.size)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, r, c, h) to the same shape; where the groups do not divide h, zeros fill up the last."""
        b, r, c, h = x.shape
        fill = self.groups * self.size - h
        padded = F.pad(x, (0, fill)) if fill else x  # (b, r, c, groups size)
        y = self.mamba(padded.reshape(b * r * c, self.groups, self.size))
        y = F.silu(self.norm(y.view_as(padded)))
        return y[..., :h] if fill else y


class Block(nn.Module):
    """Both Mambas, weighed against each other by two learned weights, around a residual (the paper's SSFM)."""

    def __init__(self, settings: MambaHSISettings, scan: str = "auto") -> None:
        super().__init__()
        self.spatial = SpatialMamba(settings, scan)
        self.spectral = SpectralMamba(settings, scan)
        self.balance = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, r, c, h) to the same shape."""
        spatial, spectral = self.balance.softmax(dim=0)
        return x + spatial * self.spatial(x) + spectral * self.spectral(x)


class MambaHSI(nn.Module):
    """Logits of every pixel: an embedding, ``blocks`` blocks, each after the first at half the size, and a head.

    ``scan`` names a backend of the selective scan.
    """

    def __init__(self, bands: int, classes: int, settings: MambaHSISettings, scan: str = "auto") -> None:
        super().__init__()
        h = settings.hidden
        self.embed = nn.Sequential(nn.Linear(bands, h), Norm(h), nn.SiLU())
        self.blocks = nn.ModuleList(Block(settings, scan) for _ in range(settings.blocks))
        self.head = nn.Sequential(nn.Linear(h, h), Norm(h), nn.SiLU(), nn.Linear(h, classes))

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        """Map float images (b, bands, r, c), any r and c from 1, to logits (b, classes, r, c).

        With a ``view`` (see ``models.orientation``) it is as if ``x`` were turned so before: what is turned are the
        embedded pixels, not their many bands.
        """
        x = self.embed(x.permute(0, 2, 3, 1))  # (b, r, c, h)
        if view:
            x = orient(x.permute(0, 3, 1, 2), view).permute(0, 2, 3, 1).contiguous()
        levels: list[Tensor] = []
        for block in self.blocks:
            x = block(halve(x) if levels else x)
            levels.append(x)
        total = levels.pop()
        while levels:
            finer = levels.pop()
            total = finer + enlarge(total, finer.shape[1:3])
        logits: Tensor = self.head(total)  # (b, r, c, classes)
        return logits.permute(0, 3, 1, 2)


def halve(x: Tensor) -> Tensor:
    """Average (b, r, c, h) to half as many rows and columns, rounded up.

    The windows of an odd length overlap instead of dropping or repeating its last pixel: the same from both ends.
    """
    r, c = x.shape[1:3]
    half = F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), (math.ceil(r / 2), math.ceil(c / 2)))
    return half.permute(0, 2, 3, 1)


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate (b, r, c, h) linearly to ``size`` rows and columns; both grids cover the same image, edge to edge."""
    large = F.interpolate(x.permute(0, 3, 1, 2), size=list(size), mode="bilinear", align_corners=False)
    return large.permute(0, 2, 3, 1)
