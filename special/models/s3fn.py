"""S3FN: a 3D-CNN whose features are laid next to the meanings of the class names; and its two baselines.

"Label Semantics for Robust Hyperspectral Image Classification", IJCNN 2025, arXiv 2510.07556. Stage 1 trains a 3D-CNN
with a plain head. Stage 2 freezes its features; one dense layer maps them to the text encoder's dimension, and the
softmax over the cosines with the labels' embeddings is the prediction. The baselines are the paper's: stage 1 alone
(``CubeCNN``), and a small network on the mean spectrum (``SpectralMean``).

Two things differ. The dense layer has no ReLU: embeddings have negative components, which it could not reach. And the
temperature of the softmax is a setting; the paper's is 1, with which cosines of at most 1 can never be sure.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models.patches import PatchClassifier
from special.models.settings import S3FNSettings

CHANNELS = (32, 64, 128)
FEATURES, HIDDEN = 128, 64
PADDED_BELOW = 16  # smaller cubes than this are padded by the convolutions, which would leave nothing of them


class CubeFeatures(nn.Module):
    """The 3D-CNN up to its first dense layer: standardised cubes (n, components, patch, patch) to features (n, 128)."""

    def __init__(self, patch: int, components: int) -> None:
        super().__init__()
        padding = 1 if min(patch, components) < PADDED_BELOW else 0
        a, b, c = CHANNELS
        self.first = nn.Conv3d(1, a, 3, padding=padding)
        self.second = nn.Conv3d(a, b, 3, padding=padding)
        self.third = nn.Conv3d(b, c, 3, padding=padding)
        self.padded = padding == 1
        with torch.no_grad():
            size = self._convolve(torch.zeros(1, components, patch, patch)).shape[1]
        self.dense = nn.Linear(size, FEATURES)

    def _convolve(self, cubes: Tensor) -> Tensor:
        x = self._pool(F.relu(self.first(cubes.unsqueeze(1))))
        x = F.relu(self.third(F.relu(self.second(x))))
        return self._pool(x).flatten(1)

    def _pool(self, x: Tensor) -> Tensor:
        """Average 2 x 2 x 2; in small cubes what is left over at the end is averaged as well, not dropped."""
        return F.avg_pool3d(x, [min(2, length) for length in x.shape[2:]], ceil_mode=self.padded)

    def forward(self, cubes: Tensor) -> Tensor:
        """Return the features (n, 128) of ``cubes``."""
        return F.relu(self.dense(self._convolve(cubes)))


class CubeCNN(PatchClassifier):
    """Stage 1 alone: the 3D-CNN with its own head, no text."""

    def __init__(self, bands: int, classes: int, settings: S3FNSettings) -> None:
        super().__init__(bands, settings.patch, settings.components)
        self.l2 = settings.l2
        self.features = CubeFeatures(settings.patch, settings.components)
        self.dropout = nn.Dropout(settings.dropout)
        self.hidden = nn.Linear(FEATURES, HIDDEN)
        self.head = nn.Linear(HIDDEN, classes)

    def classify(self, cubes: Tensor) -> Tensor:
        """Return the plain head's logits (n, classes) of standardised ``cubes`` (n, components, patch, patch)."""
        logits: Tensor = self.head(F.relu(self.hidden(self.dropout(self.features(cubes)))))
        return logits

    def penalty(self) -> Tensor:
        """Return the L2 regularisation of the convolutions and the two dense layers: a scalar."""
        parts = self.features
        convolutions = (parts.first.weight, parts.second.weight, parts.third.weight)
        weights = (*convolutions, parts.dense.weight, self.hidden.weight)
        return torch.stack([l2 * weight.square().sum() for l2, weight in zip(self.l2, weights, strict=True)]).sum()


class S3FN(CubeCNN):
    """Both stages. ``stage`` travels with the weights: what predicts is the head that was trained last.

    Args:
        texts: float (classes, dimensions), the labels' embeddings, of any length.
    """

    texts: Tensor
    stage: Tensor

    def __init__(self, bands: int, classes: int, settings: S3FNSettings, texts: Tensor) -> None:
        super().__init__(bands, classes, settings)
        self.stage1_share, self.temperature = settings.stage1_share, settings.temperature
        self.projection = nn.Linear(FEATURES, texts.shape[1])
        self.register_buffer("texts", F.normalize(texts.float(), dim=1))
        self.register_buffer("stage", torch.tensor(1))

    def begin_step(self, done: float) -> None:
        """Change to stage 2 where the share ``stage1_share`` of the schedule is done."""
        self.stage.fill_(1 if done < self.stage1_share else 2)

    def classify(self, cubes: Tensor) -> Tensor:
        """Return the logits (n, classes) of this stage's head for standardised (n, components, patch, patch)."""
        if int(self.stage) == 1:
            return super().classify(cubes)
        with torch.no_grad():
            features = self.features(cubes)
        return F.normalize(self.projection(features), dim=1) @ self.texts.T / self.temperature

    def penalty(self) -> Tensor:
        """Return the L2 regularisation of stage 1, a scalar; stage 2 has none."""
        return super().penalty() if int(self.stage) == 1 else torch.zeros((), device=self.texts.device)


class SpectralMean(PatchClassifier):
    """A small network on the mean spectrum of a cube: the paper's baseline that knows no space."""

    def __init__(self, bands: int, classes: int, settings: S3FNSettings) -> None:
        super().__init__(bands, settings.patch, settings.components)
        self.layers = nn.Sequential(
            nn.Linear(settings.components, FEATURES),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
            nn.Linear(FEATURES, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, classes),
        )

    def classify(self, cubes: Tensor) -> Tensor:
        """Return the logits (n, classes) of the mean spectra of standardised cubes (n, components, patch, patch)."""
        logits: Tensor = self.layers(cubes.mean(dim=(2, 3)))
        return logits
