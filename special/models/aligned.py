"""The aligned encoder: voxel patches next to several descriptive prompts per class, in a frozen text space.

After "Learning Hyperspectral Images with Curated Text Prompts for Efficient Multimodal Alignment", arXiv 2509.22697. A
small transformer encodes a patch; a linear probe maps it into the space of a text encoder that is never trained. The
contrastive loss of a pixel sees its class, the ``hard`` wrong classes that are closest now, and ``semi_hard`` others at
random. A class is as near as its prompts are on the mean, and the head is nothing but text: it can be handed other
classes (``retarget``).

The paper does not say how its transformer attends to space and spectrum. Ours has a token for every pixel of the patch
and one for every principal component, and all of them attend to each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models.patches import PatchClassifier
from special.models.settings import LARGEST_SCALE, AlignedSettings


class PatchEncoder(nn.Module):
    """Standardised cubes (n, components, patch, patch) to features (n, width); pixels and components are tokens."""

    def __init__(self, settings: AlignedSettings) -> None:
        super().__init__()
        pixels, depth, width = settings.patch**2, settings.components, settings.width
        self.of_pixel = nn.Linear(depth, width)
        self.of_component = nn.Linear(pixels, width)
        self.place = nn.Parameter(0.02 * torch.randn(pixels + depth, width))
        layer = nn.TransformerEncoderLayer(
            width, settings.heads, 2 * width, settings.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, settings.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.middle = pixels // 2

    def forward(self, cubes: Tensor) -> Tensor:
        """Return the features (n, width) of ``cubes``: the middle pixel's token and the mean of all."""
        values = cubes.flatten(2)  # (n, components, pixels)
        tokens = torch.cat([self.of_pixel(values.transpose(1, 2)), self.of_component(values)], dim=1)
        tokens = self.layers(tokens + self.place)
        return tokens[:, self.middle] + tokens.mean(dim=1)


class Aligned(PatchClassifier):
    """Logits: the cosines of a patch with the classes' prompts, times a learned scale.

    Args:
        anchors: for every class its prompts, float (prompts, dimensions), one or more.
    """

    anchors: Tensor

    def __init__(self, bands: int, classes: int, settings: AlignedSettings, anchors: Sequence[Tensor]) -> None:
        super().__init__(bands, settings.patch, settings.components)
        self.hard, self.semi_hard = settings.hard, settings.semi_hard
        self.encoder = PatchEncoder(settings)
        self.probe = nn.Linear(settings.width, anchors[0].shape[1])
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / settings.temperature)))
        self.register_buffer("anchors", torch.empty(0))
        self.retarget(anchors)

    def retarget(self, anchors: Sequence[Tensor]) -> None:
        """Tell other classes apart from now on: nothing that was learned changes.

        A mean of cosines is the product with the mean of the unit vectors: that is kept, (classes, dimensions).
        """
        means = [F.normalize(prompts.float(), dim=1).mean(dim=0) for prompts in anchors]
        self.anchors = torch.stack(means).to(self.anchors.device)

    def classify(self, cubes: Tensor) -> Tensor:
        """Return the scaled cosines (n, classes) of standardised ``cubes`` (n, components, patch, patch)."""
        features = F.normalize(self.probe(self.encoder(cubes)), dim=1)
        return self.log_scale.exp().clamp(max=LARGEST_SCALE) * features @ self.anchors.T

    def criterion(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the contrastive loss (n,) of logits and targets (n, classes): cross-entropy over chosen classes."""
        chosen = self.choose(logits.detach(), targets.argmax(dim=1))
        kept = torch.where(chosen, targets, 0.0)
        kept = kept / kept.sum(dim=1, keepdim=True)
        logs = F.log_softmax(logits.masked_fill(~chosen, -torch.inf), dim=1)
        return -(kept * logs.masked_fill(~chosen, 0.0)).sum(dim=1)

    def choose(self, logits: Tensor, best: Tensor) -> Tensor:
        """Return which classes a pixel's loss sees, bool (n, classes): its own, the hardest, and some at random.

        Args:
            logits: (n, classes).
            best: int (n,), each pixel's own class.
        """
        n, classes = logits.shape
        own = F.one_hot(best, classes).bool()
        hard = min(self.hard, classes - 1)
        closest = logits.masked_fill(own, -torch.inf).topk(hard, dim=1).indices
        chosen = own.scatter(1, closest, True)
        others = min(self.semi_hard, classes - 1 - hard)
        lots = torch.rand(n, classes, device=logits.device).masked_fill(chosen, -1.0)
        return chosen.scatter(1, lots.topk(others, dim=1).indices, True)
