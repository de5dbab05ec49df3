"""The classifiers behind one interface: bands and classes go in, a trainable module comes out.

- ``mambahsi``: every pixel of an image at once;
- ``s3fn``: a 3D-CNN whose features are laid next to label embeddings; reads texts;
- ``aligned``: a patch encoder next to descriptive prompts; reads texts;
- ``cnn3d``: the first stage of ``s3fn`` alone;
- ``mean``: a small network on the mean spectrum around a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from special.errors import SettingsError

if TYPE_CHECKING:
    from special.classnames.contextual import Meanings
    from special.models.aligned import AlignedSettings
    from special.models.mambahsi import MambaHSISettings
    from special.models.s3fn import S3FNSettings
    from special.training.loop import Build

NAMES = ("mambahsi", "s3fn", "aligned", "cnn3d", "mean")


@dataclass(frozen=True)
class ClassifierSettings:
    """The section ``[classifier]`` of a pipeline file, which says what each value means.

    Raises:
        SettingsError: there is no such classifier.
    """

    name: str
    texts: str
    encoder: str

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise SettingsError(f"there is no classifier {self.name!r}: name one of {', '.join(NAMES)}")


@dataclass(frozen=True)
class Vectors:
    """The meanings of the classes: ``labels`` float32 (classes, dimensions); ``anchors``, such an array per class."""

    labels: np.ndarray
    anchors: Sequence[np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """Which classifier, the settings of all of them, and the backend of MambaHSI's scan."""

    name: str
    model: MambaHSISettings
    s3fn: S3FNSettings
    aligned: AlignedSettings
    scan: str = "auto"

    @property
    def patch(self) -> int:
        """The side of what the classifier sees around a pixel; 1 where it sees the whole image anyway."""
        return {"mambahsi": 1, "aligned": self.aligned.patch}.get(self.name, self.s3fn.patch)

    def builder(self, meanings: Meanings | Vectors | None) -> Build:
        """Return what makes the classifier; ``meanings`` are needed by those that read texts."""
        if self.name == "mambahsi":
            from special.models.mambahsi import MambaHSI

            return lambda bands, classes: MambaHSI(bands, classes, self.model, self.scan)
        if self.name in ("cnn3d", "mean"):
            from special.models.s3fn import CubeCNN, SpectralMean

            plain = CubeCNN if self.name == "cnn3d" else SpectralMean
            return lambda bands, classes: plain(bands, classes, self.s3fn)
        if meanings is None:
            raise LookupError(f"the classifier {self.name} reads texts, and was given none")
        if self.name == "s3fn":
            from special.models.s3fn import S3FN

            labels = torch.from_numpy(meanings.labels)
            return lambda bands, classes: S3FN(bands, classes, self.s3fn, labels)
        from special.models.aligned import Aligned

        anchors = as_tensors(meanings.anchors)
        return lambda bands, classes: Aligned(bands, classes, self.aligned, anchors)


def as_tensors(anchors: Sequence[np.ndarray]) -> list[Tensor]:
    """Return the classes' anchors as ``Aligned`` takes them."""
    return [torch.from_numpy(one) for one in anchors]
