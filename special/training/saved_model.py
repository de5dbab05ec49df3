"""A fitted model on disk: ``model.safetensors`` (the weights) and ``model.json`` (all else that a prediction needs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.classnames.class_list import ClassList
from special.errors import ClassListError, RunError, SceneError, WeightsError
from special.progress import SILENT, Progress
from special.settings import Settings, restore
from special.storage import files
from special.training.classifier import TrainedClassifier, classifier_of, with_cube_size
from special.training.randomness import is_seed
from special.training.resample import Resampled, same_bands
from special.training.settings import FitSettings
from special.training.standardise import Normalisation, Readable, fits_in_memory, share_at_limit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from special.classnames.contextual import Meanings
    from special.models.tiling import Windows
    from special.scene import Scene

FORMAT = 1
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
_LONGEST_REASON = 200
FAR_SHARE = 0.25
"""Share of a scene's values beyond all that was learned from, above which the user is asked whether it fits."""


def save_model(
    folder: Path,
    trained: TrainedClassifier,
    *,
    classifier: str,
    classes: ClassList,
    wavelengths: np.ndarray,
    settings: Mapping[str, Any],
    meanings: Meanings | None,
    seed: int,
    content: Mapping[str, Any],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Write a model into ``folder``, which is there; return what stands in its ``model.json``.

    Args:
        folder: where the two files go.
        trained: the classifier, of scenes or of images.
        classifier: its name in the registry.
        classes: those it tells apart.
        wavelengths: float64 (bands,), nm, of the bands it takes.
        settings: of its training, dotted names to values.
        meanings: the texts it has read; None for a classifier that reads none.
        seed: the run's.
        content: hashes of what it was trained on, by name (``scene``, ``labels``).
        versions: of the libraries it was trained with.
    """
    files.save_tensors(folder / WEIGHTS, trained.state_dict)
    document = {
        "format": FORMAT,
        **trained.extra_entries,
        "classifier": classifier,
        "classes": classes.to_lines(),
        "wavelengths": wavelengths.tolist(),
        "normalisation": {
            "mean": trained.normalisation.mean.tolist(),
            "deviation": trained.normalisation.deviation.tolist(),
        },
        "settings": dict(settings),
        "parameters": {"trained": trained.parameters, "frozen": meanings.encoder.parameters if meanings else 0},
        "texts": meanings.record() if meanings else None,
        "seed": seed,
        "sha256": {"weights": files.sha256_of(folder / WEIGHTS), **content},
        "versions": dict(versions),
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
        from safetensors import SafetensorError

        try:
            document = files.load_json(described)
            if document["format"] != FORMAT:
                raise RunError(f"{described} has format {document['format']}, not {FORMAT}: fit the model again")
            if files.sha256_of(weights) != document["sha256"]["weights"]:
                raise RunError(f"{weights} is not what {described} was written for: fit the model again")
            model = cls(folder, document, files.load_tensors(weights))
            model._check()
            return model
        except SafetensorError as error:
            reason = str(error).partition("\n")[0][:_LONGEST_REASON]
            raise RunError(f"{weights} is damaged ({reason}): fit the model again") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            reason = repr(error)[:_LONGEST_REASON]
            raise RunError(f"{described} is damaged ({reason}): fit the model again") from None

    def _check(self) -> None:
        """Look at all that a prediction takes from the description: it may have been edited, or come from anybody.

        Raises:
            SpecialError, or any of the errors that wrong types lead to: something in it cannot be used.
        """
        for name, value in self.tensors.items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise ValueError(f"{name} is not finite")
        nm, normalisation = self.wavelengths, self.normalisation
        if nm.dtype.kind not in "iuf" or nm.ndim != 1 or not len(nm) or not np.isfinite(nm).all():
            raise ValueError("the wavelengths are no list of numbers")
        bands = len(nm)
        for values in (normalisation.mean, normalisation.deviation):
            if values.dtype.kind not in "iuf" or values.shape != (bands,) or not np.isfinite(values).all():
                raise ValueError("the normalisation does not fit the bands")
        if not all(isinstance(line, str) for line in self.document["classes"]):
            raise ValueError("the classes are no list of names")
        self.settings.build(FitSettings)
        if self.level not in ("pixel", "image") or not len(self.classes):
            raise ValueError("the level is unknown")
        if self.level == "image" and (self.bands.shape != (bands,) or self.bands.dtype.kind not in "iu"):
            raise ValueError("the bands are no list of whole numbers")
        if self.level == "image" and not is_seed(self.document["seed"]):
            raise ValueError(f"the seed is {self.document['seed']!r}")

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
    def bands(self) -> np.ndarray:
        """Of a model of images: int (bands,), the numbers in a file of the bands it takes, counted from 0."""
        return np.array(self.document["bands"])

    @property
    def normalisation(self) -> Normalisation:
        """What its inputs are standardised with."""
        values = self.document["normalisation"]
        return Normalisation(np.array(values["mean"]), np.array(values["deviation"]))

    @property
    def settings(self) -> Settings:
        """The settings it was fitted with."""
        return restore(str(self.path), self.document["settings"])

    def network(self) -> nn.Module:
        """Return the classifier with its weights, on the CPU.

        Raises:
            WeightsError: the weights do not fit it.
            SettingsError: there is no such classifier here.
        """
        from special.models.registry import Vectors

        texts = self.tensors.get("texts"), self.tensors.get("anchors")
        # The right sizes are enough: the vectors themselves are among the weights.
        labels, anchors = (np.zeros((0, 1), np.float32) if one is None else one.numpy() for one in texts)
        meanings = Vectors(labels, [row[None] for row in anchors])
        settings = with_cube_size(self.settings) if self.level == "image" else self.settings
        try:
            network = classifier_of(settings, meanings)(len(self.wavelengths), len(self.classes))
            network.load_state_dict(dict(self.tensors))
        except (RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError):
            raise WeightsError(f"the weights in {self.path} do not fit its settings: fit the model again") from None
        return network.eval()

    def spectra(self, scene: Scene, progress: Progress = SILENT) -> Windows:
        """Return a scene as the model wants it: float32 (rows, cols, bands), the bands of the model, standardised.

        A small scene is an array, a large one is read by windows. Where the bands are others than the model's, spectra
        are interpolated linearly; bands of the model that lie outside the scene's range tell nothing: they are given
        their mean.

        Raises:
            SceneError: the ranges do not overlap.
        """
        cube = self._in_its_bands(scene, progress)
        small = fits_in_memory(scene) and fits_in_memory(cube)
        spectra = self.normalisation.windows(cube.read() if small else cube, scene.valid)
        far = share_at_limit(spectra, scene.valid)
        if far > FAR_SHARE:
            progress.say(
                f"{far:.0%} of the scene's values are far from all that {self.path} has learned from: "
                "is it the same sensor, in the same unit?"
            )
        return spectra

    def _in_its_bands(self, scene: Scene, progress: Progress) -> Readable:
        """Return a scene with the model's bands; say where it has to be resampled for that."""
        wanted, have = self.wavelengths, scene.wavelengths
        if same_bands(have, wanted):
            return scene
        cube = Resampled(scene, have, wanted) if len(have) > 1 else None
        if cube is None or not cube.inside.any():
            raise SceneError(
                f"{scene.path or 'the scene'} has {len(have)} bands from {have[0]:.0f} to {have[-1]:.0f} nm, but "
                f"{self.path} was fitted on {len(wanted)} from {wanted[0]:.0f} to {wanted[-1]:.0f} nm: they do not "
                "overlap, so fit a model for this sensor"
            )
        missing = int((~cube.inside).sum())
        lost = f"; {missing} of them lie outside the scene's range and tell nothing" if missing else ""
        progress.say(f"The scene has other bands than the model: it is resampled to the model's {len(wanted)}{lost}.")
        return cube

    def retarget(
        self,
        network: nn.Module,
        classes: ClassList,
        descriptions: str | None,
        offline: bool,
        progress: Progress = SILENT,
    ) -> None:
        """Hand a classifier whose head is text other classes.

        Args:
            network: from ``network``; it is changed.
            classes: the new ones.
            descriptions: what is said about them, as ``classifier.texts``; None = from where the model's were.
            offline: never ask the network.
            progress: shown a download.

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
