"""The concept-segments teacher: SAM 3, asked for every class by its name, as the library transformers has it.

SAM 3 (arXiv 2511.16719) finds all things that a short phrase names. Besides a map it says of every picture whether the
phrase is present in it at all: classes that are present in none are dropped. It knows things that have an outline, so
it keeps out of scenes whose pixels are too coarse to show one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.reading import english_list
from special.errors import SceneError, WeightsError, damage_of
from special.landcover.concepts import load_concepts
from special.progress import Progress
from special.settings import Settings, Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Teacher, TeacherRequest
from special.teachers.hub_models import folder_stamp, load_model, load_tokenizer, model_folder, weights_sha256
from special.teachers.image_text.guided_upsampling import GuideSettings, onto_pixels
from special.teachers.image_text.sliding_windows import Tiling, average_areas, enlargement, walked
from special.teachers.image_text.views import without_holes

if TYPE_CHECKING:
    from special.scene.scene import Scene

_EXTRA = "concept-segments"
_TOKENS = 32  # of a phrase, at most, as SAM 3 was trained


@dataclass(frozen=True)
class ConceptSegmentsSettings(GuideSettings):
    """Settings of the concept-segments teacher; ``pipelines/special.toml`` explains each."""

    section: ClassVar[str] = "pseudo.concept_segments"

    model: str
    coarsest_pixel_m: Annotated[float, Within(above=0, high=1000)]
    least_presence: Annotated[float, Within(0, 1)]
    floor: Annotated[float, Within(above=0, high=1)]
    stride: Annotated[float, Within(above=0, high=1)]
    largest_enlargement: Annotated[float, Within(1, 64)]


class ConceptSegmentsTeacher(Teacher):
    """Names pixels by the things that SAM 3 finds under the class names."""

    name = "concept-segments"
    settings_type = ConceptSegmentsSettings
    needs_rgb = True
    model_setting = "model"

    def __init__(self, folder: Path, settings: ConceptSegmentsSettings, device: str, model: str) -> None:
        """Load the model in ``folder``, which the user calls ``model``.

        Raises:
            WeightsError: it cannot be read, or transformers is too old for it.
        """
        try:
            from transformers import Sam3Model
        except ImportError:
            raise WeightsError(f"SAM 3 needs a newer transformers: pip install 'special-hsi[{_EXTRA}]'") from None
        self.settings, self.model, self.folder, self.device = settings, model, folder, device
        self.network = load_model(Sam3Model, folder, device)
        self.tokenizer = load_tokenizer(folder, _EXTRA)
        self.words = int(self.network.config.text_config.vocab_size)
        backbone = self.network.config.vision_config.backbone_config
        self.patch = int(backbone.patch_size)
        self.window = int(backbone.image_size) // self.patch

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Find the model that the setting ``model`` names, and load it."""
        settings = request.settings.build(ConceptSegmentsSettings)
        folder = model_folder(settings.model, ["sam3"], request.offline, request.progress)
        return cls(folder, settings, request.device, settings.model)

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return which weights lie in the folder that the setting names, if it names one."""
        return folder_stamp(settings.values[f"{ConceptSegmentsSettings.section}.model"])

    def identity(self) -> dict[str, Any]:
        """Return the hash of the weights, as JSON."""
        return {"teacher": self.name, "weights_sha256": weights_sha256(self.folder)}

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return class probabilities per pixel, float32 (rows, cols, K): 0 at invalid ones. ``rgb`` is uint8.

        Where pixels are too coarse, or no class is present, all classes are alike.

        Raises:
            SceneError: there is no RGB.
        """
        if rgb is None:
            raise SceneError("the concept-segments teacher needs an RGB, and this scene does not cover the visible")
        out = scratch.zeros(self.name, (*scene.valid.shape, len(classes)))
        pixel = pixel_metres(scene)
        if pixel is not None and pixel > self.settings.coarsest_pixel_m:
            progress.say(
                f"The concept-segments teacher keeps out: pixels of {pixel:g} m show no outlines "
                f"(pseudo.concept_segments.coarsest_pixel_m is {self.settings.coarsest_pixel_m:g})."
            )
            out[:] = scene.valid[:, :, None] / np.float32(len(classes))
            return out
        texts = [entry.texts for entry in english_list(classes, load_concepts())]
        coarse, present = self.coarse(without_holes(rgb, scene.valid), texts, progress)
        if absent := [name for name, here in zip(classes.names, present, strict=True) if not here]:
            progress.say(f"The concept-segments teacher sees nothing of: {', '.join(absent)}.")
        return onto_pixels(coarse, scene, self.settings, out)

    def coarse(
        self, image: np.ndarray, texts: Sequence[Sequence[str]], progress: Progress
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities on a grid over the scene, and which classes are present in it.

        Args:
            image: float32 (rows, cols, 3), 0 to 255.
            texts: the names and synonyms of every class; the one that is found best counts.
            progress: hears how far the windows are.

        Returns:
            float32 (h, w, K), sums to 1; bool (K,).
        """
        size = (image.shape[0], image.shape[1])
        factor = enlargement(size, self.window * self.patch, self.settings.largest_enlargement)
        stride = max(1, round(self.settings.stride * self.window))
        tiling = Tiling(size, factor, self.patch, self.window, stride)
        presence = np.zeros(len(texts))
        with damage_of(self.folder, WeightsError):
            phrases = [self._phrases(some) for some in texts]
        progress.begin("concept-segments teacher", len(tiling.corners))

        def look(first: int, corners: list[tuple[int, int]]) -> np.ndarray:
            maps, here = self._seen(image, tiling, corners[0], phrases)
            np.maximum(presence, here, out=presence)
            return maps[None]

        found = walked(tiling, len(texts), 1, look, progress)
        progress.end()
        present = presence >= self.settings.least_presence
        scores = average_areas(found, tiling.extent, tiling.grid)
        if not present.any():
            return np.full(scores.shape, 1 / len(texts), np.float32), present
        # Where nothing is found, all classes that are present are alike: their floor is all there is.
        scores = np.where(present, scores + np.float32(self.settings.floor), np.float32(0))
        return scores / scores.sum(axis=2, keepdims=True), present

    def _phrases(self, texts: Sequence[str]) -> list[Any]:
        """Return the tokens of each text.

        Raises:
            ValueError: the model has no vector for one of them.
        """
        plain = [text.replace("_", " ") for text in texts]
        how = {"padding": "max_length", "truncation": True, "max_length": _TOKENS, "return_tensors": "pt"}
        read = [self.tokenizer(text, **how).to(self.device) for text in plain]
        if any(int(one["input_ids"].max()) >= self.words for one in read):
            raise ValueError(f"its tokenizer has words beyond the {self.words} of the model")
        return read

    def _seen(
        self, image: np.ndarray, tiling: Tiling, corner: tuple[int, int], phrases: Sequence[Sequence[Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look at one window: how surely a class is at each patch (window, window, K), and in it at all (K,)."""
        import torch
        from torch.nn import functional as F

        # SAM 3's mean and standard deviation are 0.5.
        pixels = np.clip(tiling.pixels(image, corner), 0, 255) / 127.5 - 1
        maps = np.zeros((self.window, self.window, len(phrases)), np.float32)
        here = np.zeros(len(phrases))
        with torch.inference_mode():
            picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().to(self.device)
            seen = self.network.get_vision_features(pixel_values=picture)
            for number, some in enumerate(phrases):
                for phrase in some:
                    found = self.network(
                        vision_embeds=seen, input_ids=phrase.input_ids, attention_mask=phrase.attention_mask
                    )
                    presence = float(found.presence_logits.sigmoid().max())
                    sure = F.adaptive_avg_pool2d(found.semantic_seg.float().sigmoid(), self.window)[0, 0]
                    here[number] = max(here[number], presence)
                    maps[:, :, number] = np.maximum(maps[:, :, number], presence * sure.cpu().numpy())
        return maps, here


def pixel_metres(scene: Scene) -> float | None:
    """Return the longer side of a pixel on the ground in metres; None where the scene has no place on a plane."""
    place = scene.georeference
    if place is None or place.transform is None or not place.crs_wkt:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_wkt(place.crs_wkt)
    if not crs.is_projected:
        return None
    a, b, _, d, e, _ = tuple(place.transform)[:6]
    return float(max(np.hypot(a, d), np.hypot(b, e)) * crs.linear_units_factor[1])
