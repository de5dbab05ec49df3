"""What classifiers of patches have in common: principal components first, then the surroundings of each pixel.

MambaHSI looks at a whole image. The classifiers here look at a cube around every pixel, ``patch`` pixels a side and
``components`` principal components deep, so that a training step pays for the drawn pixels alone. Outwards they are
like MambaHSI: an image goes in, logits of every pixel come out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models.losses import pixel_cross_entropy
from special.models.orientation import orient

BATCH = 512  # cubes that go through a classifier together when a whole image is predicted


class PatchClassifier(nn.Module):
    """The base of the classifiers of patches. A subclass says what logits a cube has (``classify``).

    Args:
        bands: of the images that come in.
        patch: side of a cube in pixels. components: its depth.
    """

    components: Tensor
    centre: Tensor

    def __init__(self, bands: int, patch: int, components: int) -> None:
        super().__init__()
        self.patch = patch
        self.register_buffer("components", torch.eye(components, bands))  # (components, bands)
        self.register_buffer("centre", torch.zeros(bands))

    def prepare(self, spectra: np.ndarray) -> None:
        """Find the principal components of the scene, each scaled to unit variance, before the training.

        Args:
            spectra: float32 (pixels, bands), standardised, one pixel or more.
        """
        from sklearn.decomposition import PCA
        from threadpoolctl import threadpool_limits

        wanted, bands = self.components.shape
        count = min(wanted, bands, len(spectra))
        with threadpool_limits(2):
            fitted = PCA(count, svd_solver="covariance_eigh").fit(spectra.astype(np.float64))
        deviations = np.sqrt(np.maximum(fitted.explained_variance_, 0))
        # What has next to no variance holds rounding errors: it stays 0 instead of being blown up.
        real = deviations > 1e-4 * max(float(deviations[0]), 1e-12)
        scaled = np.zeros((wanted, bands))
        scaled[:count][real] = fitted.components_[real] / deviations[real, None]
        self.components.copy_(torch.from_numpy(scaled))
        self.centre.copy_(torch.from_numpy(fitted.mean_))

    def reduce(self, image: Tensor) -> Tensor:
        """Map images (b, bands, r, c) to their principal components (b, components, r, c)."""
        return torch.einsum("kn,bnrc->bkrc", self.components, image - self.centre[:, None, None])

    def classify(self, cubes: Tensor) -> Tensor:
        """Return the logits (n, classes) of standardised cubes (n, components, patch, patch)."""
        raise NotImplementedError

    def begin_step(self, done: float) -> None:
        """Get ready for a training step; ``done`` is the share of the schedule that lies behind, 0 up to 1."""

    def criterion(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of every pixel, (n,), from logits (n, classes) and targets (n, classes), rows sum to 1."""
        return pixel_cross_entropy(logits, targets)

    def penalty(self) -> Tensor:
        """Return what is added to the loss of a step: a scalar."""
        return torch.zeros((), device=self.components.device)

    def logits_at(self, image: Tensor, index: Tensor, view: int) -> Tensor:
        """Return the logits (n, classes) of some pixels.

        Args:
            image: (1, bands, r, c).
            index: int (n,), into the flattened image.
            view: how each cube is turned; see ``special.models.orientation``.
        """
        return self.classify(orient(self._around(self.reduce(image), index), view))

    def forward(self, image: Tensor) -> Tensor:
        """Map float images (b, bands, r, c), any r and c from 1, to logits (b, classes, r, c)."""
        b, _, r, c = image.shape
        index = torch.arange(r * c, device=image.device)
        logits = [
            torch.cat([self.classify(self._around(part, some)) for some in _batches(index)])
            for part in self.reduce(image).split(1)
        ]
        return torch.stack(logits).transpose(1, 2).reshape(b, -1, r, c)

    def _around(self, reduced: Tensor, index: Tensor) -> Tensor:
        """Return the cubes around some pixels; beyond the edge of the image its last pixels repeat."""
        before = self.patch // 2
        after = self.patch - 1 - before
        padded = F.pad(reduced, (before, after, before, after), mode="replicate")[0]
        cubes = padded.unfold(1, self.patch, 1).unfold(2, self.patch, 1)  # (components, r, c, patch, patch), a view
        cols = reduced.shape[-1]
        return cubes[:, index // cols, index % cols].transpose(0, 1)


def _batches(index: Tensor) -> Iterator[Tensor]:
    yield from index.split(BATCH)
