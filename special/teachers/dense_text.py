"""The dense-text teacher: what SigLIP or CLIPSeg, as the library transformers has them, see in the RGB, place by place.

SigLIP pools its patches by attention with one learned query. Each patch is pooled by itself, as MaskCLIP does
(arXiv 2112.01071, section 3.2), less a share of the image's own feature, and compared with the class texts. CLIPSeg
(arXiv 2112.10003) was trained to answer a text with a map. Windows, scales and the way to pixels are those of the
image-text teacher.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.prompts import fill, read_templates
from special.classnames.reading import english_list
from special.errors import SceneError, WeightsError, damage_of
from special.landcover.concepts import load_concepts
from special.progress import Progress
from special.settings import Count, Settings, Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Teacher, TeacherRequest
from special.teachers.hub_models import folder_stamp, load_model, load_tokenizer, model_folder, weights_sha256
from special.teachers.image_text.guided_upsampling import GuideSettings, onto_pixels
from special.teachers.image_text.sliding_windows import Tiling, average_areas, enlargement, walked
from special.teachers.image_text.views import without_holes

if TYPE_CHECKING:
    from torch import Tensor

    from special.scene.scene import Scene


@dataclass(frozen=True)
class DenseTextSettings(GuideSettings):
    """Settings of the dense-text teacher; ``pipelines/special.toml`` explains each."""

    section: ClassVar[str] = "pseudo.dense_text"

    model: str
    templates: str
    stride: Annotated[float, Within(above=0, high=1)]
    scales: Annotated[tuple[int, ...], Count(), Within(1, 16)]
    largest_enlargement: Annotated[float, Within(1, 64)]
    global_factor: Annotated[float, Within(-10, 10)]
    logit_scale: Annotated[float, Within(above=0, high=1e4)]
    batch: Annotated[int, Within(1, 4096)]


class DenseTextTeacher(Teacher):
    """Names pixels by what a model of transformers that reads texts sees around them."""

    name = "dense-text"
    settings_type = DenseTextSettings
    needs_rgb = True
    model_setting = "model"

    def __init__(self, folder: Path, settings: DenseTextSettings, device: str, model: str) -> None:
        """Load the model in ``folder``, which the user calls ``model``, and have it look at nothing once.

        Raises:
            WeightsError: it cannot be read, or its parts do not fit one another.
            SettingsError: the file of prompt templates is missing or malformed.
        """
        from transformers import AutoConfig

        self.settings, self.model, self.folder = settings, model, folder
        self.templates = read_templates(settings.templates)
        with damage_of(folder, WeightsError):
            about = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self.seer: _Seer = _KINDS[about.model_type](folder, settings, device)
            side = self.seer.window * self.seer.patch
            seen = self.seer.ready([["land"], ["water"]])(np.zeros((1, side, side, 3), np.float32))
            if seen.shape != (1, self.seer.window, self.seer.window, 2) or not np.isfinite(seen).all():
                raise ValueError(f"it answers with {seen.shape}, or with what is no number")

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Find the model that the setting ``model`` names, and load it."""
        settings = request.settings.build(DenseTextSettings)
        folder = model_folder(settings.model, list(_KINDS), request.offline, request.progress)
        return cls(folder, settings, request.device, settings.model)

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return which weights lie in the folder that the setting names, if it names one."""
        return folder_stamp(settings.values[f"{DenseTextSettings.section}.model"])

    def identity(self) -> dict[str, Any]:
        """Return hashes of the weights and of the prompt templates, as JSON."""
        prompts = hashlib.sha256("\n".join(self.templates).encode()).hexdigest()
        return {
            "teacher": self.name,
            "kind": type(self.seer).__name__,
            "weights_sha256": weights_sha256(self.folder),
            "templates_sha256": prompts,
        }

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return class probabilities per pixel, float32 (rows, cols, K): 0 at invalid ones. ``rgb`` is uint8.

        Raises:
            SceneError: there is no RGB.
        """
        if rgb is None:
            raise SceneError("the dense-text teacher needs an RGB, and this scene does not cover the visible")
        texts = [entry.prompts for entry in english_list(classes, load_concepts())]
        coarse = self.coarse(without_holes(rgb, scene.valid), texts, progress)
        return onto_pixels(coarse, scene, self.settings, scratch.zeros(self.name, (*scene.valid.shape, len(classes))))

    def coarse(self, image: np.ndarray, texts: Sequence[Sequence[str]], progress: Progress) -> np.ndarray:
        """Return the mean of all scales, float32 (h, w, K), on the finest scale's grid, of float32 (rows, cols, 3)."""
        prompts = [[fill(t, text) for text in some for t in self.templates] for some in texts]
        with damage_of(self.folder, WeightsError):  # its tokenizer may know words that its model does not
            answer = self.seer.ready(prompts)
        window, patch = self.seer.window, self.seer.patch
        size = (image.shape[0], image.shape[1])
        base = enlargement(size, window * patch, self.settings.largest_enlargement)
        stride = max(1, round(self.settings.stride * window))
        tilings = [Tiling(size, base * scale, patch, window, stride) for scale in self.settings.scales]
        grid = max(tilings, key=lambda tiling: tiling.factor).grid
        total = np.zeros((*grid, len(texts)), np.float32)
        progress.begin("dense-text teacher", sum(len(tiling.corners) for tiling in tilings))
        for tiling in tilings:

            def classify(first: int, corners: list[tuple[int, int]], tiling: Tiling = tiling) -> np.ndarray:
                return answer(np.stack([tiling.pixels(image, corner) for corner in corners]))

            seen = walked(tiling, len(texts), self.settings.batch, classify, progress)
            total += average_areas(seen, tiling.extent, grid)
        progress.end()
        return total / len(tilings)


class _Seer:
    """A model that answers texts with maps: windows of ``window`` x ``window`` patches, each of ``patch`` pixels."""

    window: int
    patch: int

    def __init__(self, folder: Path, settings: DenseTextSettings, device: str) -> None:
        from transformers import AutoImageProcessor

        self.settings, self.device, self.folder = settings, device, folder
        self.tokenizer = load_tokenizer(folder, "dense-text")
        about = AutoImageProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.mean, self.std = (np.array(value, np.float32) for value in (about.image_mean, about.image_std))

    def ready(self, texts: Sequence[Sequence[str]]) -> Callable[[np.ndarray], np.ndarray]:
        """Take the texts of every class; return what maps windows (B, H, W, 3), 0 to 255, to (B, h, w, K)."""
        raise NotImplementedError

    def images(self, pixels: np.ndarray) -> Tensor:
        """Return (B, 3, H, W) as the model wants it."""
        import torch

        scaled = (np.clip(pixels, 0, 255) / 255 - self.mean) / self.std
        return torch.from_numpy(scaled).permute(0, 3, 1, 2).contiguous().to(self.device)


class _Siglip(_Seer):
    """SigLIP, and SigLIP 2 of one image size."""

    def __init__(self, folder: Path, settings: DenseTextSettings, device: str) -> None:
        from transformers import SiglipModel

        super().__init__(folder, settings, device)
        self.network = load_model(SiglipModel, folder, device)
        vision = self.network.config.vision_config
        self.patch, self.window = vision.patch_size, vision.image_size // vision.patch_size

    def ready(self, texts: Sequence[Sequence[str]]) -> Callable[[np.ndarray], np.ndarray]:
        """Average the unit vectors of a class's texts; a patch is as near to a class as to that."""
        import torch
        from torch.nn import functional as F

        length = self.network.config.text_config.max_position_embeddings
        with torch.inference_mode():
            means = []
            for some in texts:
                tokens = self.tokenizer(
                    list(some), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
                )
                vectors = self.network.text_model(input_ids=tokens.input_ids.to(self.device)).pooler_output
                means.append(F.normalize(vectors, dim=-1).mean(dim=0))
            anchors = F.normalize(torch.stack(means), dim=-1)

        def answer(pixels: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                features = siglip_features(self.network.vision_model, self.images(pixels), self.settings.global_factor)
                return (self.settings.logit_scale * features @ anchors.T).softmax(dim=-1).cpu().numpy()

        return answer


class _ClipSeg(_Seer):
    """CLIPSeg: one map for every text, of which a class has the mean."""

    def __init__(self, folder: Path, settings: DenseTextSettings, device: str) -> None:
        from transformers import CLIPSegForImageSegmentation

        super().__init__(folder, settings, device)
        self.network = load_model(CLIPSegForImageSegmentation, folder, device)
        vision = self.network.config.vision_config
        self.patch, self.window = vision.patch_size, vision.image_size // vision.patch_size

    def ready(self, texts: Sequence[Sequence[str]]) -> Callable[[np.ndarray], np.ndarray]:
        """Average a class's conditional embeddings, with which the decoder is asked once."""
        import torch
        from torch.nn import functional as F

        with torch.inference_mode():
            means = []
            for some in texts:
                tokens = self.tokenizer(list(some), padding=True, truncation=True, max_length=77, return_tensors="pt")
                found = self.network.clip.get_text_features(**tokens.to(self.device))
                means.append(getattr(found, "pooler_output", found).mean(dim=0))
            anchors = torch.stack(means)

        def answer(pixels: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                maps = []
                for image in self.images(pixels):
                    asked = image.expand(len(anchors), *image.shape)
                    logits = self.network(pixel_values=asked, conditional_embeddings=anchors).logits
                    small = F.adaptive_avg_pool2d(logits.reshape(len(anchors), 1, *logits.shape[-2:]), self.window)
                    maps.append(small[:, 0].softmax(dim=0).permute(1, 2, 0))
                return torch.stack(maps).cpu().numpy()

        return answer


def siglip_features(vision: Any, images: Tensor, global_factor: float) -> Tensor:
    """Return one unit vector per patch, (B, h, w, D), of a SigLIP's image tower and images (B, 3, H, W)."""
    from torch.nn import functional as F

    seen = vision(pixel_values=images)
    tokens = seen.last_hidden_state
    batch, count, width = tokens.shape
    side = round(count**0.5)
    local = vision.head(tokens.reshape(-1, 1, width)).reshape(batch, side, side, -1)
    return F.normalize(local - global_factor * seen.pooler_output[:, None, None], dim=-1)


_KINDS: dict[str, type[_Seer]] = {"siglip": _Siglip, "clipseg": _ClipSeg}
