"""The image-text teacher: what a CLIP sees in the scene's RGB, place by place.

The first stage of SPECIAL (arXiv 2501.16222) with the dense features of SegEarth-OV (arXiv 2410.01768):

1. every class name and synonym is put into many sentences and becomes one text vector (``text_vectors``);
2. the RGB, enlarged so that a window covers sensible ground, is walked over by overlapping windows at every scale, and
   each window gives one vector per patch (``sliding_windows``, ``dense_features``);
3. cosine with the texts, the best synonym of each class, softmax over classes, and windows blended;
4. the scales' probabilities meet on one grid by area averaging, and their mean is the coarse prediction;
5. pixels take theirs from the coarse cells whose spectra are like their own (``guided_upsampling``).

Settings live in ``[pseudo.image_text]`` of the pipeline.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
import platformdirs
import torch
from torch import Tensor

from special.classnames import languages
from special.classnames.class_list import ClassList
from special.classnames.prompts import open_clip_templates, read_templates
from special.classnames.reading import english_list
from special.errors import SceneError, WeightsError
from special.landcover.concepts import load_concepts
from special.progress import Progress
from special.settings import Count, Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Absent, Teacher, TeacherRequest
from special.teachers.image_text import sliding_windows
from special.teachers.image_text.dense_features import dense_features, patch_side, prepare
from special.teachers.image_text.guided_upsampling import upsample
from special.teachers.image_text.text_vectors import kept_embeddings, name_embeddings
from special.teachers.image_text.weights import LoadedClip, load_clip
from special.teachers.spectral_guide import spectral_guide

if TYPE_CHECKING:
    from special.scene.scene import Scene


@dataclass(frozen=True)
class ImageTextSettings:
    """Settings of the image-text teacher; ``pipelines/special.toml`` explains each."""

    section: ClassVar[str] = "pseudo.image_text"

    clip: str
    templates: str
    window: Annotated[int, Within(1, 4096)]
    stride: Annotated[int, Within(1, 4096)]
    scales: Annotated[tuple[int, ...], Count(), Within(1, 16)]
    shortest_side: Annotated[int, Within(1, 4096)]
    largest_enlargement: Annotated[float, Within(1, 64)]
    class_token_factor: Annotated[float, Within(-10, 10)]
    logit_scale: Annotated[float, Within(above=0, high=1e4)]
    batch: Annotated[int, Within(1, 4096)]
    guide_components: Annotated[int, Within(1, 1000)]
    guide_space: Annotated[float, Within(above=0, high=100)]
    guide_likeness: Annotated[float, Within(above=0, high=100)]


class ImageTextTeacher(Teacher):
    """Names pixels by what an image-text model sees around them."""

    name = "image-text"
    settings_type = ImageTextSettings
    needs_rgb = True
    model_setting = "clip"

    def __init__(self, clip: LoadedClip, settings: ImageTextSettings, cache: Path | None = None) -> None:
        """Take a loaded model (see :func:`special.teachers.image_text.weights.find_clip`) and the settings.

        ``cache`` is a folder where the vectors of class names are kept from run to run; None keeps none.

        Raises:
            SettingsError: the file of prompt templates is missing or malformed.
        """
        patch = patch_side(clip.model.visual)
        prepare(clip.model.visual, patch * max(1, round(settings.window / patch)))
        self.clip = clip
        self.model = clip.name
        self.settings = settings
        self.cache = cache
        self.templates = (*open_clip_templates(), *read_templates(settings.templates))

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Find the model that the setting ``clip`` names, and load it.

        Raises:
            Absent: ``auto`` finds none.
            WeightsError: a model was asked for by name and cannot be had.
        """
        settings = request.settings.build(ImageTextSettings)
        try:
            clip = load_clip(settings.clip, offline=request.offline, device=request.device, progress=request.progress)
        except WeightsError as error:
            if settings.clip != "auto":
                raise
            raise Absent(f"no CLIP: {error}", passing=error.passing) from None
        if clip is None:
            raise Absent("")
        cache = Path(platformdirs.user_cache_dir("special-hsi", appauthor=False)) / "class-texts"
        return cls(clip, settings, cache)

    def identity(self) -> dict[str, Any]:
        """Return the model and hashes of its weights, of the prompt templates and of other languages, as JSON."""
        prompts = hashlib.sha256("\n".join(self.templates).encode()).hexdigest()
        texts = {"templates_sha256": prompts, "languages_sha256": languages.identity()}
        return {"teacher": self.name, **self.clip.identity(), **texts}

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return class probabilities per pixel.

        Args:
            scene: the scene; its spectra guide the way from patches to pixels.
            rgb: uint8 (rows, cols, 3), any size from 1 pixel up.
            classes: the class list.
            progress: hears how far the texts and the windows are.
            scratch: where the result goes, as ``image-text``.

        Returns:
            float32 (rows, cols, K): sums to 1 at valid pixels, 0 at invalid ones.

        Raises:
            SceneError: there is no RGB, or it has another size than the scene.
        """
        if rgb is None:
            raise SceneError(
                "the image-text teacher needs an RGB, and this scene does not cover the visible: --clip none"
            )
        if rgb.shape != (*scene.shape[:2], 3):
            raise SceneError(
                f"the RGB has shape {rgb.shape}, expected {(*scene.shape[:2], 3)}: make the rgb step again"
            )
        coarse = self.coarse(rgb, scene.valid, classes, progress)
        return upsample(
            coarse,
            spectral_guide(scene, self.settings.guide_components)[:],
            sigma_space=self.settings.guide_space,
            sigma_guide=self.settings.guide_likeness,
            valid=scene.valid,
            out=scratch.zeros(self.name, (*scene.valid.shape, len(classes))),
        )

    def coarse(self, rgb: np.ndarray, valid: np.ndarray, classes: ClassList, progress: Progress) -> np.ndarray:
        """Return the fused probabilities of all scales, float32 (h, w, K), on a grid that spans the scene.

        ``rgb`` is uint8 (rows, cols, 3), ``valid`` bool (rows, cols).
        The grid has the finest scale's patches for cells, but none is smaller than a pixel.
        """
        texts, owners = self._texts(classes, progress)
        image = _without_holes(rgb, valid)
        tilings = self._tilings(rgb.shape[:2])
        finest = [max(tiling.extent[axis] for tiling in tilings) for axis in (0, 1)]
        grid = tuple(min(size, math.ceil(cells - 1e-6)) for size, cells in zip(rgb.shape, finest, strict=False))
        progress.begin("image-text teacher", sum(len(tiling.corners) for tiling in tilings))
        total = np.zeros((*grid, len(classes)), np.float32)
        for tiling in tilings:
            blended = np.zeros((*tiling.tokens, len(classes)), np.float32)
            weight = np.zeros((*tiling.tokens, 1), np.float32)
            tent = sliding_windows.tent(tiling.window)[:, :, None]
            corners = tiling.corners
            for first in range(0, len(corners), self.settings.batch):
                some = corners[first : first + self.settings.batch]
                found = self._classify(np.stack([tiling.pixels(image, corner) for corner in some]), texts, owners)
                for (top, left), probabilities in zip(some, found, strict=True):
                    at = np.s_[top : top + tiling.window, left : left + tiling.window]
                    blended[at] += tent * probabilities
                    weight[at] += tent
                progress.advance(len(some))
            total += sliding_windows.average_areas(blended / weight, tiling.extent, total.shape[:2])
        progress.end()
        return total / len(tilings)

    def _tilings(self, size: tuple[int, int]) -> list[sliding_windows.Tiling]:
        """Return one tiling per scale; scale 1 enlarges scenes that are smaller than a window, within the limit."""
        patch = patch_side(self.clip.model.visual)
        window = max(1, round(self.settings.window / patch))
        stride = min(window, max(1, round(self.settings.stride / patch)))
        base = min(max(1.0, self.settings.shortest_side / min(size)), self.settings.largest_enlargement)
        return [sliding_windows.Tiling(size, scale * base, patch, window, stride) for scale in self.settings.scales]

    def _texts(self, classes: ClassList, progress: Progress) -> tuple[Tensor, Tensor]:
        """Return a unit vector per name, synonym and description (T, D), and the class each belongs to (T,).

        They are read in English, of which the models have learned most by far.
        """
        classes = english_list(classes, load_concepts())
        names = [text for entry in classes for text in entry.prompts]
        owners = [number for number, entry in enumerate(classes) for _ in entry.prompts]
        device = self.clip.model.logit_scale.device
        vectors = kept_embeddings(
            self.cache,
            {"clip": self.clip.identity(), "names": names, "templates": list(self.templates), "device": device.type},
            lambda: name_embeddings(self.clip.model, self.clip.tokenizer, names, self.templates, progress),
        )
        return vectors.to(device), torch.tensor(owners, device=device)

    @torch.inference_mode()
    def _classify(self, pixels: np.ndarray, texts: Tensor, owners: Tensor) -> np.ndarray:
        """Return probabilities (B, h, w, K) of the patches of B windows, float32 (B, H, W, 3) in 0..255."""
        mean, std = (np.array(value, np.float32) for value in (self.clip.mean, self.clip.std))
        # Cubic interpolation overshoots at edges; no photograph does.
        images = torch.from_numpy((np.clip(pixels, 0, 255) / 255 - mean) / std).permute(0, 3, 1, 2)
        features = dense_features(
            self.clip.model.visual, images.contiguous().to(texts.device), self.settings.class_token_factor
        )
        return class_probabilities(features, texts, owners, self.settings.logit_scale).cpu().numpy()


def class_probabilities(features: Tensor, texts: Tensor, owners: Tensor, logit_scale: float) -> Tensor:
    """Turn features into class probabilities; a class is as likely as the best of its names.

    Synonyms are pooled by their maximum before the softmax over classes, so a class neither gains nor loses by saying
    the same thing twice.

    Args:
        features: unit vectors (..., D).
        texts: unit vectors (T, D).
        owners: int (T,), the class of each text; every class 0..K-1 has one or more.
        logit_scale: what cosines are multiplied by.

    Returns:
        (..., K), sums to 1.
    """
    similarity = logit_scale * features @ texts.T
    pooled = similarity.new_full((*similarity.shape[:-1], int(owners.max()) + 1), -torch.inf)
    pooled = pooled.scatter_reduce(-1, owners.expand_as(similarity), similarity, "amax")
    return pooled.softmax(dim=-1)


def _without_holes(rgb: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the image as float32 with the mean colour at invalid pixels: a black hole would be seen as something."""
    image = rgb.astype(np.float32)
    if valid.any() and not valid.all():
        image[~valid] = image[valid].mean(axis=0)
    return image
