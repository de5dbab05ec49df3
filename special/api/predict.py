"""Map another scene, or name another image, with a model that ``fit`` or ``fit_images`` has made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.api.batch_workers import Where
from special.api.class_source import Classes, class_list_of
from special.api.job import resolve_device
from special.api.opening import Opened, SceneOptions, Wavelengths, open_input
from special.api.options import classifier_changes
from special.api.run import Run
from special.api.scene_workers import passes_over
from special.api.source import content_of
from special.errors import RunError
from special.progress import SILENT, Progress
from special.scene import Scene
from special.settings import load
from special.steps.map import MapSettings
from special.storage import files
from special.storage.rasters import Rows, blocks
from special.training.saved_model import Model
from special.version import versions

RECORD = "predict.json"


@dataclass(frozen=True)
class Prediction:
    """A scene that a model has mapped: its folder, and the classes in order."""

    path: Path
    classes: list[str]

    @property
    def map(self) -> np.ndarray:
        """The label map (rows, cols), 1..K, 0 = no data or rejected."""
        return files.load_array(self.path / "map.npy")

    @property
    def probabilities(self) -> np.ndarray:
        """The class probabilities, float32 (rows, cols, K)."""
        return files.load_array(self.path / "probabilities.npy")


@dataclass(frozen=True)
class ImagePrediction:
    """What an image shows: the class of most cubes, the share of the cubes that said each class, and how many voted."""

    label: str
    shares: Mapping[str, float]
    cubes: int


def predict(
    model: str | Path | Run,
    scene: str | Path | np.ndarray,
    wavelengths: Wavelengths | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    reader: str | None = None,
    mask: str | None = None,
    white: str | Path | None = None,
    dark: str | Path | None = None,
    axes: str | None = None,
    out: str | Path | None = None,
    classes: Classes | None = None,
    descriptions: str | Path | None = None,
    offline: bool = False,
    device: str = "auto",
    reject: float = 0.0,
    workers: int | None = None,
    memory: int | str | None = None,
    cluster: str | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> Prediction | ImagePrediction:
    """Map another scene of the same sensor with a fitted model; with a model of images, say what an image shows.

    Args:
        model: a run of ``fit`` or ``fit_images``, or its ``model.safetensors``.
        scene: a file, or an array (rows, cols, bands), any unit.
        wavelengths: nm, one per band, (bands,); or a file, or ``"430:860"``.
        key, sensor, reader, mask, white, dark, axes: as :func:`special.label` takes them.
        out: folder to make; ``<scene stem>.predicted`` when None. Nothing is written for an image.
        classes: other classes than the model was fitted with, for ``aligned`` alone, whose head is text.
        descriptions: what is said about those. offline: never ask the network.
        device: ``auto``, ``cpu`` or ``cuda``.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        workers, memory, cluster: who goes over a large scene, as :func:`special.label` takes them.
        force: replace what ``out`` holds.
        progress: who listens.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    fitted = Model.read(model.path if isinstance(model, Run) else model)
    if fitted.level == "image":
        return _predict_image(fitted, scene, resolve_device(device), progress)
    load(changes={"map.reject": reject}).build(MapSettings)
    where = Where(workers, memory, cluster=cluster)
    class_list = fitted.classes if classes is None else class_list_of(classes)
    how = SceneOptions(
        wavelengths=wavelengths, key=key, sensor=sensor, reader=reader, mask=mask, white=white, dark=dark, axes=axes
    )
    opened = open_input(scene, how, class_list)
    for warning in opened.data.warnings if isinstance(opened.data, Scene) else ():
        progress.say(warning)
    for note in opened.notes:
        progress.say(note)
    target = Path(out) if out is not None else Path(f"{opened.source.stem}.predicted")
    if target.exists() and not (force and (target / RECORD).is_file()):
        hint = "replace it with --force" if (target / RECORD).is_file() else "it is no prediction"
        raise RunError(f"{target} is there already ({hint}): choose another folder with --out")
    network = fitted.network()
    if classes is not None:
        said = None if descriptions is None else str(classifier_changes(None, descriptions, None)["classifier.texts"])
        fitted.retarget(network, class_list, said, offline, progress)
    _write(target, fitted, network.to(resolve_device(device)), opened, reject, resolve_device(device), where, progress)
    return Prediction(target, class_list.names)


def _write(
    target: Path,
    model: Model,
    network: Any,
    opened: Opened,
    reject: float,
    device: str,
    where: Where,
    progress: Progress,
) -> None:
    """Map a scene and write the folder of the prediction, whole or not at all."""
    from special.report.exports import write_map
    from special.report.legend import legend_of
    from special.storage.rasters import ScratchSpace
    from special.training.predict import predict as predict_scene

    scene, values = opened.data, model.settings.values
    assert isinstance(scene, Scene)
    with files.whole_folder(target) as folder, files.scratch_folder(target) as scratch:
        with passes_over(scratch / "workers", where, device, progress.say) as passes:
            shares = predict_scene(
                network,
                model.spectra(scene, progress),
                scene.valid,
                values["fit.tile"],
                values["fit.overlap"],
                views=values["fit.views"],
                device=device,
                scratch=ScratchSpace(scratch),
                passes=passes,
            )
        if not _finite(shares, scene.valid):
            raise RunError(f"the weights in {model.path} give no probabilities of this scene: fit the model again")
        legend = legend_of(opened.classes)
        write_map(
            folder,
            shares,
            scene.valid,
            legend.names,
            scene.georeference,
            reject=reject,
            colours=legend.colours,
            concepts=legend.concepts,
            acquired=scene.acquired,
            ground=scene.ground,
            say=progress.say,
        )
        path = opened.source.path
        document = {
            "model": {"path": str(model.path.resolve()), "sha256": model.document["sha256"]["weights"]},
            "scene": {"path": None if path is None else str(path), "sha256": content_of(scene)},
            "classes": opened.classes.to_lines(),
            "versions": versions(),
        }
        files.save_json(folder / RECORD, document)


def _finite(shares: Rows, valid: np.ndarray) -> bool:
    return all(bool(np.isfinite(shares[rows][valid[rows]]).all()) for rows in blocks(shares.shape))


def _predict_image(model: Model, image: str | Path | np.ndarray, device: str, progress: Progress) -> ImagePrediction:
    from special.errors import SceneError
    from special.training.image_votes import predict_image

    if isinstance(image, np.ndarray):
        raise SceneError(f"{model.path} classifies images: name an image's file")
    label, vote = predict_image(model, image, device, progress)
    return ImagePrediction(label, dict(zip(model.classes.names, vote.shares.tolist(), strict=True)), vote.cubes)
