"""Image-level prediction: cubes drawn from an image are classified, and the majority decides.

Source: S3FN (arXiv 2510.07556): voting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from special.classnames.class_list import ClassList
from special.errors import SceneError
from special.models.patches import PatchClassifier
from special.progress import SILENT, Progress
from special.training.image_cubes import Image
from special.training.image_dataset import open_images
from special.training.randomness import stage_generator
from special.training.saved_model import Model
from special.training.settings import CubeSettings

if TYPE_CHECKING:
    from special.scene import Scene


@dataclass(frozen=True)
class Vote:
    """The answer for one image.

    Attributes:
        label: 0..K-1, the class of most cubes; of equal ones the more probable.
        shares: float64 (K,), the share of the cubes that said each class.
        cubes: how many voted.
    """

    label: int
    shares: np.ndarray
    cubes: int

    def to_json(self, classes: ClassList) -> dict[str, Any]:
        """Return it as JSON, classes by their names."""
        shares = dict(zip(classes.names, self.shares.round(4).tolist(), strict=True))
        return {"predicted": classes.names[self.label], "cubes": self.cubes, "votes": shares}


def vote(image: Image, model: PatchClassifier, count: int, generator: np.random.Generator, device: str) -> Vote:
    """Classify up to ``count`` cubes of an image and let the majority decide.

    Args:
        image: standardised as the model wants it.
        model: on ``device``, ready to predict.
        count: of cubes.
        generator: says where the cubes stand.
        device: "cpu" or "cuda".
    """
    with torch.inference_mode():
        cubes = torch.from_numpy(image.draw(count, generator)).to(device)
        shares = torch.softmax(model.classify(model.reduce(cubes)), dim=1).cpu().numpy().astype(np.float64)
    votes = np.bincount(shares.argmax(axis=1), minlength=shares.shape[1]) / len(shares)
    # Less than one vote apart, and so only where votes are equal: how probable a class is to all of them.
    label = int((votes + 0.5 / len(shares) * shares.mean(axis=0)).argmax())
    return Vote(label, votes, len(shares))


def vote_on_images(
    model: Model, scenes: Sequence[Scene], *, device: str = "cpu", progress: Progress = SILENT
) -> list[Vote]:
    """Return what a model of images says of every image. Memory holds one image at a time.

    Args:
        model: fitted on images.
        scenes: the images, from ``open_images``.
        device: "cpu" or "cuda".
        progress: advanced at every image; says which images are small.

    Raises:
        SceneError: an image has other bands than the model, or no pixel that is not masked.
        WeightsError: the weights of the model do not fit it.
    """
    numbers = range(len(scenes))
    return _votes(model, scenes, [f"votes {number}" for number in numbers], device, progress)


def predict_image(
    model: Model, image: str | Path, device: str = "cpu", progress: Progress = SILENT
) -> tuple[str, Vote]:
    """Return the class of an image, and the vote that made it.

    Args:
        model: fitted on images.
        image: a file, of the sensor that the model was fitted on.
        device: "cpu" or "cuda".
        progress: says whether the image is small.

    Raises:
        SceneError: the image cannot be read, or has other bands than the model.
        WeightsError: the weights of the model do not fit it.
    """
    (answer,) = _votes(model, open_images([Path(image)], None), ["votes"], device, progress)
    return model.classes.names[answer.label], answer


def _votes(model: Model, scenes: Sequence[Scene], stages: Sequence[str], device: str, progress: Progress) -> list[Vote]:
    """Vote on every image, with the generator of its stage."""
    settings = model.settings.build(CubeSettings)
    network = model.network().to(device)
    assert isinstance(network, PatchClassifier)
    bands, normalisation, seed = model.bands, model.normalisation, model.document["seed"]
    votes: list[Vote] = []
    small: list[Scene] = []
    progress.begin("vote", len(scenes))
    for scene, stage in zip(scenes, stages, strict=True):
        if not np.isin(bands, scene.band_numbers).all():
            raise SceneError(f"{scene.path} lacks bands that {model.path} was fitted on: give an image of its sensor")
        image = Image.read(scene, bands, normalisation, settings.side)
        if image.enlarged:
            small.append(scene)
        votes.append(vote(image, network, settings.votes, stage_generator(seed, stage), device))
        progress.advance()
    progress.end()
    few = [scene for scene, one in zip(scenes, votes, strict=True) if one.cubes < settings.votes]
    smaller = f"smaller than a cube of {settings.side} x {settings.side} pixels: edges are repeated."
    fewer = f"fewer places than the {settings.votes} cubes asked for."
    _say_of(small, f"is {smaller}", f"are {smaller}", progress)
    _say_of(few, f"has {fewer}", f"have {fewer}", progress)
    return votes


def _say_of(images: Sequence[Scene], of_one: str, of_many: str, progress: Progress) -> None:
    """Say the same of some images in one line, or nothing of none."""
    if len(images) == 1:
        progress.say(f"{images[0].path} {of_one}")
    elif images:
        progress.say(f"{len(images)} images, {images[0].path} first, {of_many}")
