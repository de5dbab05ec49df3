"""A fitted model on disk: ``model.safetensors`` (the weights) and ``model.json`` (all else that a prediction needs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.record import versions
from special.classnames.class_list import ClassList
from special.errors import ClassListError, RunError, SceneError, WeightsError
from special.progress import SILENT, Progress
from special.settings import Settings, restore
from special.storage import files

if TYPE_CHECKING:
    from torch import Tensor, nn

    from special.scene import Scene
    from special.steps.context import Work
    from special.training.supervised import Fitted

FORMAT = 1
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
SAME_NM = 0.5  # bands that lie no further apart are the same


def save_model(folder: Path, fitted: Fitted, work: Work) -> dict[str, Any]:
    """Write a model into ``folder``; return what stands in its ``model.json``."""
    files.save_tensors(folder / WEIGHTS, fitted.state_dict)
    values = work.request.settings
    document = {
        "format": FORMAT,
        "classifier": values.values["classifier.name"],
        "classes": work.classes.to_lines(),
        "wavelengths": work.scene.wavelengths.tolist(),
        "normalisation": {
            "mean": fitted.normalisation.mean.tolist(),
            "deviation": fitted.normalisation.deviation.tolist(),
        },
        "settings": values.of("classifier", "model", "s3fn", "aligned", "fit", "split"),
        "parameters": {
            "trained": fitted.figures["parameters"]["trained"],
            "frozen": work.meanings.encoder.parameters if work.meanings else 0,
        },
        "texts": work.meanings.record() if work.meanings else None,
        "seed": work.seed,
        "sha256": {
            "weights": files.sha256_of(folder / WEIGHTS),
            "scene": dict(work.request.content),
            "labels": work.request.labels,
        },
        "versions": versions(),
    }
    files.save_json(folder / DESCRIPTION, document)
    return document


@dataclass(frozen=True)
class Model:
    """A fitted model. ``document`` is its ``model.json``, ``tensors`` are its weights."""

    path: Path
    document: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @classmethod
    def read(cls, path: str | Path) -> Model:
        """Read a model: a run of ``special fit``, or its ``model.safetensors`` with ``model.json`` beside it.

        Raises:
            RunError: there is no model, or it is damaged.
        """
        path = Path(path)
        folder = path if path.is_dir() else path.parent
        weights, described = folder / WEIGHTS, folder / DESCRIPTION
        missing = [file.name for file in (weights, described) if not file.is_file()]
        if missing or not path.exists():
            lacks = f" (no {', '.join(missing)})" if missing else ""
            raise RunError(f"there is no model at {path}{lacks}: name a run that special fit has made")
        try:
            document = files.load_json(described)
            if document["format"] != FORMAT:
                raise RunError(f"{described} has format {document['format']}, not {FORMAT}: fit the model again")
            if files.sha256_of(weights) != document["sha256"]["weights"]:
                raise RunError(f"{weights} is not what {described} was written for: fit the model again")
            return cls(folder, document, files.load_tensors(weights))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{described} is damaged ({error!r}): fit the model again") from None

    @property
    def level(self) -> str:
        """What it classifies: ``pixel``, or ``image`` where it was fitted on a data set of images."""
        return str(self.document.get("level", "pixel"))

    @property
    def classes(self) -> ClassList:
        """The classes it was fitted with."""
        return ClassList.parse(self.document["classes"])

    @property
    def wavelengths(self) -> np.ndarray:
        """Float64 (bands,), nm."""
        return np.array(self.document["wavelengths"])

    @property
    def settings(self) -> Settings:
        """The settings it was fitted with."""
        return restore(str(self.path), self.document["settings"])

    def network(self) -> nn.Module:
        """Return the classifier with its weights, on the CPU.

        Raises:
            WeightsError: the weights do not fit it.
        """
        from special.models.registry import Vectors
        from special.steps.context import build_section
        from special.steps.pipeline import CLASSIFIER, recipe

        chosen = recipe(lambda section: build_section(self.settings, section, CLASSIFIER[section]))
        texts = self.tensors.get("texts"), self.tensors.get("anchors")
        # The right sizes are enough: the vectors themselves are among the weights.
        labels, anchors = (np.zeros((0, 1), np.float32) if one is None else one.numpy() for one in texts)
        meanings = Vectors(labels, [row[None] for row in anchors])
        network = chosen.builder(meanings)(len(self.wavelengths), len(self.classes))
        try:
            network.load_state_dict(dict(self.tensors))
        except RuntimeError:
            raise WeightsError(f"the weights in {self.path} do not fit its settings: fit the model again") from None
        return network.eval()

    def spectra(self, scene: Scene, progress: Progress = SILENT) -> np.ndarray:
        """Return a scene as the model wants it: float32 (rows, cols, bands of the model), standardised.

        Where the bands are others than the model's, spectra are interpolated linearly; bands of the model that lie
        outside the scene's range tell nothing: they are given their mean.

        Raises:
            SceneError: the ranges do not overlap.
        """
        from special.training.standardise import LIMIT, Normalisation

        wanted, have = self.wavelengths, scene.wavelengths
        cube = scene.read()
        if len(wanted) != len(have) or np.abs(wanted - have).max() > SAME_NM:
            cube = _resampled(cube, have, wanted, str(scene.path or "the scene"), str(self.path), progress)
        values = self.document["normalisation"]
        rule = Normalisation(np.array(values["mean"]), np.array(values["deviation"]))
        spectra = rule.apply(cube, scene.valid)
        extreme = float((np.abs(spectra[scene.valid]) >= LIMIT).mean())
        if extreme > 0.25:
            progress.say(
                f"{extreme:.0%} of the scene's values are far from all that {self.path} has learned from: "
                "is it the same sensor, in the same unit?"
            )
        return spectra

    def retarget(
        self,
        network: nn.Module,
        classes: ClassList,
        descriptions: str | None,
        offline: bool,
        progress: Progress = SILENT,
    ) -> None:
        """Hand a classifier whose head is text other classes.

        Raises:
            ClassListError: its head is not text.
            WeightsError: the text encoder cannot be had, or is another one than the model was fitted with.
        """
        from special.classnames.texts import Texts
        from special.models.aligned import Aligned
        from special.models.registry import as_tensors

        if not isinstance(network, Aligned):
            raise ClassListError(
                f"{self.path} holds the classifier {self.document['classifier']}, which knows its own classes only: "
                "leave --classes out, or fit with --classifier aligned"
            )
        values = self.settings.values
        texts = Texts(descriptions or values["classifier.texts"], values["classifier.encoder"], offline)
        meanings = texts.read(classes, progress)
        if meanings.encoder.sha256 != self.document["texts"]["sha256"]:
            raise WeightsError(
                f"the text encoder {meanings.encoder.name} is not the one that {self.path} was fitted with: "
                "fit the model again"
            )
        network.retarget(as_tensors(meanings.anchors))


def _resampled(
    cube: np.ndarray, have: np.ndarray, wanted: np.ndarray, scene: str, model: str, progress: Progress
) -> np.ndarray:
    """Interpolate (rows, cols, bands) from the wavelengths ``have`` to ``wanted``; NaN outside their range."""
    inside = (wanted >= have[0] - SAME_NM) & (wanted <= have[-1] + SAME_NM)
    if not inside.any() or len(have) < 2:
        raise SceneError(
            f"{scene} has {len(have)} bands from {have[0]:.0f} to {have[-1]:.0f} nm, but {model} was fitted on "
            f"{len(wanted)} from {wanted[0]:.0f} to {wanted[-1]:.0f} nm: they do not "
            "overlap, so fit a model for this sensor"
        )
    missing = int((~inside).sum())
    lost = f"; {missing} of them lie outside the scene's range and tell nothing" if missing else ""
    progress.say(f"The scene has other bands than the model: it is resampled to the model's {len(wanted)}{lost}.")
    right = np.clip(np.searchsorted(have, wanted), 1, len(have) - 1)
    share = np.clip((wanted - have[right - 1]) / np.maximum(have[right] - have[right - 1], 1e-9), 0, 1)
    result = cube[..., right - 1] * (1 - share).astype(np.float32) + cube[..., right] * share.astype(np.float32)
    result[..., ~inside] = np.nan
    return np.asarray(result)
