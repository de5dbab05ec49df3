"""The image-text teacher: what a CLIP sees in the scene's RGB, place by place.

The first stage of SPECIAL (arXiv 2501.16222) with the dense features of SegEarth-OV (arXiv 2410.01768):

1. every class name and synonym is put into many sentences and becomes one text vector, together with what the concept
   table says of the same thing (``class_texts``, ``text_vectors``);
2. the RGB (and colour infrared, and both turned, if the settings say so: ``views``), enlarged so that a window covers
   sensible ground, is walked over by overlapping windows at every scale, and each window gives one vector per patch
   (``sliding_windows``, ``dense_features``), which is kept for later runs (``kept_features``);
3. cosine with the texts, the best synonym of each class, softmax over classes, and windows blended;
4. the probabilities of all scales and views meet on one grid by area averaging; their mean is the coarse prediction;
5. pixels take theirs from the coarse cells whose spectra are like their own (``guided_upsampling``).

Settings live in ``[pseudo.image_text]`` of the pipeline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
import platformdirs

from special.classnames import languages
from special.classnames.class_list import ClassList
from special.classnames.prompts import open_clip_templates, read_templates
from special.errors import SceneError, WeightsError
from special.landcover.concepts import load_concepts
from special.progress import Progress
from special.scene.rendering import Stretch
from special.settings import Count, OneOf, Settings, Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Absent, Teacher, TeacherRequest
from special.teachers.hub_models import folder_stamp
from special.teachers.image_text import sliding_windows
from special.teachers.image_text.class_texts import class_texts
from special.teachers.image_text.guided_upsampling import GuideSettings, onto_pixels
from special.teachers.image_text.kept_features import KeptFeatures
from special.teachers.image_text.views import INFRARED, RENDERINGS, RGB, View, colour_infrared, turned
from special.teachers.image_text.weights import LoadedClip, load_clip

if TYPE_CHECKING:
    from torch import Tensor

    from special.scene.scene import Scene


@dataclass(frozen=True)
class ImageTextSettings(GuideSettings):
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
    concept_weight: Annotated[float, Within(0, 1)]
    renderings: Annotated[tuple[str, ...], Count(), OneOf(RENDERINGS)]
    infrared_nm: Annotated[tuple[float, ...], Count(3), Within(200, 30000)]
    turns: Annotated[int, Within(1, 4)]
    keep_features_mb: Annotated[int, Within(0, 1_000_000)]


class ImageTextTeacher(Teacher):
    """Names pixels by what an image-text model sees around them."""

    name = "image-text"
    settings_type = ImageTextSettings
    needs_rgb = True
    model_setting = "clip"

    def __init__(
        self,
        clip: LoadedClip,
        settings: ImageTextSettings,
        cache: Path | None = None,
        stretch: Stretch | None = None,
        concepts: Sequence[Path] = (),
    ) -> None:
        """Take a loaded model (see :func:`special.teachers.image_text.weights.find_clip`) and the settings.

        Args:
            clip: the model; from here on it is not to be trained.
            settings: of the teacher.
            cache: a folder where the vectors of class names and the features of windows are kept from run to run; None
                keeps none.
            stretch: of a rendering beside the RGB.
            concepts: the user's files of land-cover concepts.

        Raises:
            SettingsError: the file of prompt templates is missing or malformed, or a file of concepts.
        """
        from special.teachers.image_text.dense_features import patch_side, prepare

        patch = patch_side(clip.model.visual)
        prepare(clip.model.visual, patch * max(1, round(settings.window / patch)))
        self.clip = clip
        self.model = clip.name
        self.settings = settings
        self.cache = cache
        self.stretch = stretch
        self.concepts = load_concepts(concepts)
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
        cache = Path(platformdirs.user_cache_dir("special-hsi", appauthor=False))
        values = request.settings.values
        stretch = Stretch(values["rgb.low_quantile"], values["rgb.high_quantile"], gamma=values["rgb.gamma"])
        return cls(clip, settings, cache, stretch, request.concepts)

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return which weights lie in the folder that the setting ``clip`` names, if it names one."""
        return folder_stamp(settings.values[f"{ImageTextSettings.section}.clip"])

    def identity(self) -> dict[str, Any]:
        """Return the model and hashes of its weights, of the prompt templates and of other languages, as JSON."""
        prompts = hashlib.sha256("\n".join(self.templates).encode()).hexdigest()
        texts = {"templates_sha256": prompts, "languages_sha256": languages.identity()}
        if self.settings.concept_weight:
            texts["concepts_sha256"] = self.concepts.sha256
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
        coarse = self._fused(self._renderings(scene, rgb, progress), scene.valid, classes, progress)
        return onto_pixels(coarse, scene, self.settings, scratch.zeros(self.name, (*scene.valid.shape, len(classes))))

    def coarse(self, rgb: np.ndarray, valid: np.ndarray, classes: ClassList, progress: Progress) -> np.ndarray:
        """Return the fused probabilities of all scales, float32 (h, w, K), on a grid that spans the scene.

        ``rgb`` is uint8 (rows, cols, 3), ``valid`` bool (rows, cols).
        The grid has the finest scale's patches for cells, but none is smaller than a pixel.
        """
        return self._fused([rgb], valid, classes, progress)

    def _renderings(self, scene: Scene, rgb: np.ndarray, progress: Progress) -> list[np.ndarray]:
        """Return the pictures that the settings ask for, as far as the scene has the bands."""
        found = [rgb] if RGB in self.settings.renderings else []
        if INFRARED in self.settings.renderings and self.stretch is not None:
            image = colour_infrared(scene, self.settings.infrared_nm, self.stretch)
            if image is None:
                progress.say("The scene has no bands for colour infrared: the image-text teacher sees its RGB alone.")
            else:
                found.append(image)
        return found or [rgb]

    def _fused(
        self, images: Sequence[np.ndarray], valid: np.ndarray, classes: ClassList, progress: Progress
    ) -> np.ndarray:
        """Return the mean of the probabilities that all views and scales give, float32 (h, w, K)."""
        texts, owners = self._texts(classes, progress)
        size = valid.shape
        upright = self._tilings((size[0], size[1]))
        grid = max(upright, key=lambda tiling: tiling.factor).grid
        turns, per_view = self.settings.turns, sum(len(tiling.corners) for tiling in upright)
        progress.begin("image-text teacher", per_view * len(images) * turns)
        total = np.zeros((*grid, len(classes)), np.float32)
        for make_view in turned(images, valid, turns):
            view = make_view()
            for tiling in self._tilings(view.image.shape[:2]):
                blended = self._blended(view, tiling, texts, owners, progress)
                shape = grid if view.quarters % 2 == 0 else grid[::-1]
                total += view.upright(sliding_windows.average_areas(blended, tiling.extent, shape))
        progress.end()
        return total / (len(upright) * len(images) * turns)

    def _blended(
        self, view: View, tiling: sliding_windows.Tiling, texts: Tensor, owners: Tensor, progress: Progress
    ) -> np.ndarray:
        """Return the probabilities of one view at one scale, float32 (tokens down, tokens across, K)."""
        import torch

        from special.teachers.image_text.text_vectors import class_probabilities

        with self._kept(view, tiling) as kept:

            def classify(first: int, corners: list[tuple[int, int]]) -> np.ndarray:
                known = kept.get(first, len(corners))
                if known is None:
                    features = self._features(np.stack([tiling.pixels(view.image, corner) for corner in corners]))
                    if kept.wanted:
                        kept.put(first, features.cpu().numpy())
                else:
                    features = torch.from_numpy(known).to(texts.device)
                return class_probabilities(features.float(), texts, owners, self.settings.logit_scale).cpu().numpy()

            return sliding_windows.walked(tiling, int(owners.max()) + 1, self.settings.batch, classify, progress)

    def _kept(self, view: View, tiling: sliding_windows.Tiling) -> KeptFeatures:
        """Return where the features of a view at a scale are kept."""
        made_of = {
            "clip": self.clip.identity(),
            "image": hashlib.sha256(view.image.tobytes()).hexdigest() if self.cache is not None else "",
            "windows": asdict(tiling),
            "class_token_factor": self.settings.class_token_factor,
            "device": self.clip.model.logit_scale.device.type,
        }
        folder = None if self.cache is None else self.cache / "image-features"
        return KeptFeatures(folder, made_of, len(tiling.corners), self.settings.keep_features_mb * 1e6)

    def _tilings(self, size: tuple[int, int]) -> list[sliding_windows.Tiling]:
        """Return one tiling per scale; scale 1 enlarges scenes that are smaller than a window, within the limit."""
        from special.teachers.image_text.dense_features import patch_side

        patch = patch_side(self.clip.model.visual)
        window = max(1, round(self.settings.window / patch))
        stride = min(window, max(1, round(self.settings.stride / patch)))
        base = sliding_windows.enlargement(size, self.settings.shortest_side, self.settings.largest_enlargement)
        return [sliding_windows.Tiling(size, scale * base, patch, window, stride) for scale in self.settings.scales]

    def _texts(self, classes: ClassList, progress: Progress) -> tuple[Tensor, Tensor]:
        """Return a unit vector per name, synonym and description (T, D), and the class each belongs to (T,)."""
        import torch

        from special.teachers.image_text.text_vectors import kept_embeddings, text_vectors

        texts = class_texts(classes, self.concepts)
        if not self.settings.concept_weight:
            texts = [replace(one, synonyms=(), sentence="") for one in texts]
        device = self.clip.model.logit_scale.device
        made_of = {"clip": self.clip.identity(), "templates": list(self.templates), "device": device.type}
        vectors = kept_embeddings(
            None if self.cache is None else self.cache / "class-texts",
            {**made_of, "texts": [asdict(one) for one in texts], "concept_weight": self.settings.concept_weight},
            lambda: text_vectors(
                self.clip.model, self.clip.tokenizer, texts, self.templates, self.settings.concept_weight, progress
            ),
        )
        return vectors.to(device), torch.tensor([one.owner for one in texts], device=device)

    def _features(self, pixels: np.ndarray) -> Tensor:
        """Return the unit vectors float16 (B, h, w, D) of the patches of B windows, float32 (B, H, W, 3) in 0..255.

        They are rounded whether they are kept or not, so that a run says the same with a cache as without.
        """
        import torch

        from special.teachers.image_text.dense_features import dense_features

        mean, std = (np.array(value, np.float32) for value in (self.clip.mean, self.clip.std))
        # Cubic interpolation overshoots at edges; no photograph does.
        images = torch.from_numpy((np.clip(pixels, 0, 255) / 255 - mean) / std).permute(0, 3, 1, 2)
        device = self.clip.model.logit_scale.device
        with torch.inference_mode():
            features = dense_features(
                self.clip.model.visual, images.contiguous().to(device), self.settings.class_token_factor
            )
            return features.half()
