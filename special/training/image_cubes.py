"""Image-level training: an image shows one thing, and a classifier learns from cubes drawn from it.

Source: S3FN (arXiv 2510.07556): cubes of 32 x 32 pixels from the area that is not masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from special.errors import SettingsError
from special.models.orientation import COUNT, orient
from special.models.patches import PatchClassifier
from special.progress import SILENT, Progress
from special.storage.rasters import positions
from special.training.balanced_sampling import class_shares
from special.training.checkpoint import Checkpoint
from special.training.classifier import TrainedClassifier
from special.training.image_dataset import common_bands, normalisation_of, read_image, wavelengths_of
from special.training.loop import Part, TrainingLoop
from special.training.randomness import own_randomness, stage_generator
from special.training.scene_tiles import pca_sample
from special.training.settings import CubeSettings
from special.training.standardise import Normalisation

if TYPE_CHECKING:
    from special.models.registry import Build
    from special.scene import Scene


class Image:
    """One image: standardised spectra, and where a cube may stand.

    Args:
        spectra: float32 (rows, cols, bands), standardised, 0 where masked.
        unmasked: bool (rows, cols).
        side: of a cube, in pixels. A smaller image is repeated at its edges up to that size.

    Attributes:
        enlarged: whether it was.
    """

    def __init__(self, spectra: np.ndarray, unmasked: np.ndarray, side: int) -> None:
        short = [max(0, side - length) for length in unmasked.shape]
        self.enlarged = any(short)
        grow = [(add // 2, add - add // 2) for add in short]
        self.spectra = np.pad(spectra, (*grow, (0, 0)), mode="edge")
        self.unmasked = np.pad(unmasked, grow, mode="edge")
        self.side = side
        rows, cols = self.unmasked.shape
        # The corners whose cube has an unmasked pixel in its middle.
        middles = self.unmasked[side // 2 : side // 2 + rows - side + 1, side // 2 : side // 2 + cols - side + 1]
        if not middles.any():  # the thing lies at the edge, or is smaller than half a cube
            middles = np.ones_like(middles)
        self.corners = np.argwhere(middles)

    @classmethod
    def read(cls, scene: Scene, bands: np.ndarray, normalisation: Normalisation, side: int) -> Image:
        """Read an image of a data set and standardise it.

        Args:
            scene: the image, opened.
            bands: int (bands,), numbers in the file of the bands that are read.
            normalisation: of these bands.
            side: of a cube, in pixels.

        Raises:
            SceneError: it has no pixel that is not masked.
        """
        cube, unmasked = read_image(scene, bands)
        return cls(normalisation.apply(cube, unmasked), unmasked, side)

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Return up to ``count`` cubes from different places: float32 (cubes, bands, side, side)."""
        chosen = generator.choice(len(self.corners), min(count, len(self.corners)), replace=False)
        return np.stack([self._cube(*self.corners[number]) for number in chosen])

    def _cube(self, row: int, col: int) -> np.ndarray:
        return self.spectra[row : row + self.side, col : col + self.side].transpose(2, 0, 1)


@dataclass(frozen=True)
class CubeBatch:
    """The cubes of one step.

    Attributes:
        cubes: float32 (n, bands, side, side), standardised.
        targets: float32 (n, K), 1 for the class, else 0.
        weights: float32 (n,).
        view: how the cubes are turned; see ``special.models.orientation``.
        device: "cpu" or "cuda".
    """

    cubes: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    view: int
    device: str

    def parts(self, model: nn.Module) -> Iterator[Part]:
        """Classify the cubes; yield the one part of the loss."""
        assert isinstance(model, PatchClassifier)
        cubes, targets, weights = (
            torch.from_numpy(array).to(self.device) for array in (self.cubes, self.targets, self.weights)
        )
        logits = model.classify(model.reduce(orient(cubes, self.view)))
        yield Part("cubes", 1.0, logits, targets, weights)


class ImageCubes:
    """Cubes of images as the examples of a training: at every step so many of each class, from any of its images.

    Args:
        images: those that are learned from.
        labels: int (images,), 0..K-1.
        count: number of classes K.
        settings: the ``[cubes]`` section.
        device: "cpu" or "cuda".

    Attributes:
        counts: int (K,), images of each class.
        shares: float64 (K,), what each class weighs in the loss.
    """

    def __init__(
        self, images: Sequence[Image], labels: np.ndarray, count: int, settings: CubeSettings, device: str
    ) -> None:
        self.images = images
        self.counts = np.bincount(labels, minlength=count)
        self.shares = class_shares(self.counts, settings.balance)
        self._members = {int(k): np.flatnonzero(labels == k) for k in np.flatnonzero(self.counts)}
        self._per_class = settings.cubes_per_class
        self._device = device

    def begin_epoch(self, epoch: int, generator: np.random.Generator) -> dict[str, Any]:
        """The labels stay as they are."""
        return {}

    def draw(self, generator: np.random.Generator) -> CubeBatch:
        """Return cubes of every class, all turned alike at random."""
        cubes = []
        for members in self._members.values():
            drawn = generator.choice(members, self._per_class)
            cubes += [self.images[number].draw(1, generator) for number in drawn]
        labels = np.repeat(list(self._members), self._per_class)
        targets = np.eye(len(self.counts), dtype=np.float32)[labels]
        weights = (self.shares[labels] / self._per_class).astype(np.float32)
        return CubeBatch(np.concatenate(cubes), targets, weights, int(generator.integers(COUNT)), self._device)


@dataclass(frozen=True)
class FittedImages(TrainedClassifier):
    """A classifier trained on images.

    Attributes:
        bands: int (bands,), the numbers in a file of the bands it takes, counted from 0.
        wavelengths: float64 (bands,), nm; the bands' numbers from 1 where wavelengths are not known.
        figures: for the record: JSON, no times.
    """

    bands: np.ndarray
    wavelengths: np.ndarray
    figures: dict[str, Any]

    @property
    def extra_entries(self) -> dict[str, Any]:
        """That it classifies images, by which bands, and the loss of every epoch."""
        losses = [epoch["loss"] for epoch in self.figures["epochs"]]
        return {"level": "image", "bands": self.bands.tolist(), "losses": losses}


def fit_images(
    scenes: Sequence[Scene],
    labels: np.ndarray,
    trained: np.ndarray,
    count: int,
    settings: CubeSettings,
    build: Build,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
) -> FittedImages:
    """Train a fresh classifier on cubes of images.

    Args:
        scenes: all images of the data set, from ``open_images``; of their bands those that are good in all are used.
        labels: int (images,), 0..K-1.
        trained: bool (images,): which images are learned from. Memory holds these.
        count: number of classes K.
        settings: the ``[cubes]`` section.
        build: makes the classifier of (bands, classes), of cubes as large as the settings say (``with_cube_size``).
        seed: the run's.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept, so that a killed training goes on; None keeps none.
        progress: advanced at every step.

    Raises:
        SettingsError: the classifier takes no cubes.
        SceneError: no band is good in all images, or an image has no pixel that is not masked.
        TrainingError: a value is not finite.
    """
    bands = common_bands(scenes)
    learned = [scene for scene, used in zip(scenes, trained, strict=True) if used]
    generator = stage_generator(seed, "cubes")
    with own_randomness(generator, device):
        model = build(len(bands), count)
        if not isinstance(model, PatchClassifier):
            name = type(model).__name__
            raise SettingsError(f"{name} classifies pixels, not images: name s3fn, aligned, cnn3d or mean")
        with progress.phase("standardise"):
            normalisation = normalisation_of(learned, bands)
            images = [Image.read(scene, bands, normalisation, settings.side) for scene in learned]
        model.prepare(_pca_pixels(images, generator))
        cubes = ImageCubes(images, labels[trained], count, settings, device)
        loop = TrainingLoop("fit", model, settings, generator, device)
        loop.run(cubes, checkpoint, progress)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    figures = {
        "classes": {"images": cubes.counts.tolist(), "shares": cubes.shares.round(6).tolist()},
        "parameters": {"trained": parameters},
        "epochs": loop.history,
    }
    wavelengths = wavelengths_of(scenes[0], bands)
    return FittedImages(loop.average, normalisation, parameters, bands, wavelengths, figures)


def _pca_pixels(images: Sequence[Image], generator: np.random.Generator) -> np.ndarray:
    """Return the unmasked pixels of all images, or a random sample of them: float32 (pixels, bands), standardised."""
    ends = np.cumsum([0, *(int(image.unmasked.sum()) for image in images)])
    wanted = pca_sample(int(ends[-1]), generator)
    parts = []
    for image, first, last in zip(images, ends, ends[1:], strict=False):
        own = wanted[(wanted >= first) & (wanted < last)] - first
        parts.append(image.spectra.reshape(-1, image.spectra.shape[-1])[positions(image.unmasked, own)])
    return np.concatenate(parts)
