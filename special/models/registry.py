"""The classifiers behind one interface: bands and classes go in, a trainable module comes out.

- ``mambahsi``: every pixel of an image at once;
- ``s3fn``: a 3D-CNN whose features are laid next to label embeddings; reads texts;
- ``aligned``: a patch encoder next to descriptive prompts; reads texts;
- ``cnn3d``: the first stage of ``s3fn`` alone;
- ``mean``: a small network on the mean spectrum around a pixel.

``setup.cfg`` lists them, each as an object of this module; a third party's distribution lists its own. Nothing large is
imported before a classifier is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.models.settings import AlignedSettings, MambaHSISettings, S3FNSettings
from special.registry import Registry
from special.settings import Section

if TYPE_CHECKING:
    from torch import Tensor, nn

    from special.classnames.contextual import Meanings

    Build = Callable[[int, int], nn.Module]
    """Makes a classifier of (bands, classes): float (batch, bands, rows, cols) -> logits (batch, classes, rows, cols).

    A second argument turns the image by a view first (``models.orientation``; 0: not at all)."""


@dataclass(frozen=True)
class Vectors:
    """The meanings of the classes: ``labels`` float32 (classes, dimensions); ``anchors``, such an array per class."""

    labels: np.ndarray
    anchors: Sequence[np.ndarray]


@dataclass(frozen=True)
class Ingredients:
    """What a classifier is made with.

    Attributes:
        settings: its section of the pipeline, an object of ``Classifier.settings_type``.
        meanings: the vectors of the texts about the classes; None for a classifier that reads none.
        scan: the backend of the selective scan.
    """

    settings: Any
    meanings: Meanings | Vectors | None = None
    scan: str = "auto"


@dataclass(frozen=True)
class Classifier:
    """A classifier that can be chosen by name.

    Attributes:
        name: as ``--classifier`` takes it.
        settings_type: the dataclass of its section. A third party's has a default for every field.
        make: returns what makes the module of (bands, classes).
        reads_texts: whether it reads descriptions of the classes.
        takes_cubes: whether it classifies cubes, so that it can learn from whole images as well.
        pipeline: the pipeline of its training, by name or as a TOML file.
    """

    name: str
    settings_type: type[Section]
    make: Callable[[Ingredients], Build]
    reads_texts: bool = False
    takes_cubes: bool = False
    pipeline: str | Path = "special"

    def build(self, settings: Any, meanings: Meanings | Vectors | None, scan: str = "auto") -> Build:
        """Return what makes the module of (bands, classes).

        Raises:
            LookupError: it reads texts, and was given none.
        """
        if self.reads_texts and meanings is None:
            raise LookupError(f"the classifier {self.name} reads texts, and was given none")
        return self.make(Ingredients(settings, meanings, scan))


def _mambahsi(given: Ingredients) -> Build:
    from special.models.mambahsi import MambaHSI

    return lambda bands, classes: MambaHSI(bands, classes, given.settings, given.scan)


def _cnn3d(given: Ingredients) -> Build:
    from special.models.s3fn import CubeCNN

    return lambda bands, classes: CubeCNN(bands, classes, given.settings)


def _mean(given: Ingredients) -> Build:
    from special.models.s3fn import SpectralMean

    return lambda bands, classes: SpectralMean(bands, classes, given.settings)


def _s3fn(given: Ingredients) -> Build:
    import torch

    from special.models.s3fn import S3FN

    assert given.meanings is not None
    labels = torch.from_numpy(given.meanings.labels)
    return lambda bands, classes: S3FN(bands, classes, given.settings, labels)


def _aligned(given: Ingredients) -> Build:
    from special.models.aligned import Aligned

    assert given.meanings is not None
    anchors = as_tensors(given.meanings.anchors)
    return lambda bands, classes: Aligned(bands, classes, given.settings, anchors)


def as_tensors(anchors: Sequence[np.ndarray]) -> list[Tensor]:
    """Return the classes' anchors, each float32 (descriptions, dimensions), as ``Aligned`` takes them."""
    import torch

    return [torch.from_numpy(one) for one in anchors]


MAMBAHSI = Classifier("mambahsi", MambaHSISettings, _mambahsi)
S3FN = Classifier("s3fn", S3FNSettings, _s3fn, reads_texts=True, takes_cubes=True, pipeline="s3fn")
ALIGNED = Classifier("aligned", AlignedSettings, _aligned, reads_texts=True, takes_cubes=True, pipeline="aligned")
CNN3D = Classifier("cnn3d", S3FNSettings, _cnn3d, takes_cubes=True, pipeline="cnn3d")
MEAN = Classifier("mean", S3FNSettings, _mean, takes_cubes=True, pipeline="mean")


def _flaw(name: str, item: object) -> str:
    if isinstance(item, Classifier) and item.name == name:
        return ""
    return f"its entry point must lead to an object of special.models.registry.Classifier with name {name!r}"


CLASSIFIERS: Registry[Classifier] = Registry("special.classifiers", "classifier", _flaw)
