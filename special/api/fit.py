"""Supervised use: fit a classifier to a scene's labels, and predict other scenes with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.api.job import Job, refuse_foreign, refuse_other_scene
from special.api.label import (
    Classes,
    Wavelengths,
    class_list_of,
    classifier_changes,
    open_input,
    pipeline_of,
)
from special.api.record import versions
from special.api.request import Request, content_of, georeference_of, labels_hash, read
from special.api.run import Run
from special.cache.directory import RunDirectory
from special.device import resolve
from special.errors import RunError, SceneError, SettingsError
from special.progress import SILENT, Progress
from special.settings import load
from special.steps.pipeline import FIT_STEPS
from special.storage import files
from special.training.saved_model import Model


def fit(
    scene: str | Path | np.ndarray,
    labels: str | Path | np.ndarray,
    classes: Classes,
    wavelengths: Wavelengths | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Run:
    """Train a classifier on labelled pixels of a scene, keep it, and map the scene.

    A call that was interrupted goes on where it was; see ``prepare_fit`` for the arguments.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    job = prepare_fit(scene, labels, classes, wavelengths, **options)
    return Run(job.run.path, job.execute(None, progress or SILENT))


def prepare_fit(
    scene: str | Path | np.ndarray,
    labels: str | Path | np.ndarray,
    classes: Classes,
    wavelengths: Wavelengths | None = None,
    *,
    labels_key: str | None = None,
    key: str | None = None,
    sensor: str | None = None,
    out: str | Path | None = None,
    classifier: str | None = None,
    pipeline: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    split: str | None = None,
    train_per_class: int | None = None,
    train_fraction: float | None = None,
    descriptions: str | Path | None = None,
    encoder: str | None = None,
    offline: bool = False,
    device: str = "auto",
    seed: int = 0,
    reject: float | None = None,
    force: bool = False,
) -> Job:
    """Understand what ``fit`` is asked for, without doing or writing anything.

    Args:
        scene: a file (MATLAB, ENVI, GeoTIFF, ``.npy``), or an array (rows, cols, bands).
        labels: label image, 1..K in the order of the classes, 0 = unlabelled: a file, or an array (rows, cols).
        classes: names, or ``"Name | synonym"`` lines, or a file of such lines.
        wavelengths, key, sensor: as ``special.label`` takes them. labels_key: name of the labels in a ``.mat`` file.
        out: directory of the run; ``<scene stem>.fit`` when None.
        classifier: ``mambahsi``, ``s3fn``, ``aligned``, ``cnn3d`` or ``mean``.
        pipeline: name or TOML file of the settings; the classifier's own when None. settings: what to change in it.
        split: ``random`` or ``disjoint``.
        train_per_class: learn from so many pixels of every class. train_fraction: or from such a share.
        descriptions: what ``s3fn`` and ``aligned`` read: a file, ``curated``, or ``names``. encoder: who reads it.
        offline: never ask the network. device: ``auto``, ``cpu`` or ``cuda``. seed: every random draw comes from it.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        force: forget what ``out`` holds, even of another scene.

    Raises:
        SpecialError: as ``fit``.
    """
    changes = dict(settings or {}) | classifier_changes(classifier, descriptions, encoder)
    changes |= _split_changes(split, train_per_class, train_fraction)
    changes |= {"map.reject": reject} if reject is not None else {}
    resolved = load(pipeline_of(pipeline, classifier), changes)
    if seed < 0:
        raise SettingsError(f"the seed is {seed}: give 0 or a larger whole number")
    class_list = class_list_of(classes)
    opened, source, array = open_input(scene, wavelengths, key, sensor)
    truth = _label_image(labels, (opened.shape[0], opened.shape[1]), labels_key)
    stem = "scene" if source.path is None else source.path.stem
    run = RunDirectory(Path(out) if out is not None else Path(f"{stem}.fit"))
    refuse_foreign(run)
    request = Request(
        source=source,
        content=content_of(opened),
        georeference=georeference_of(opened),
        classes=class_list,
        settings=resolved,
        seed=seed,
        device=device,
        offline=offline,
        concepts=(),
        labels=labels_hash(truth),
    )
    previous = read(run) if run.is_run and not force else None
    if previous is not None:
        refuse_other_scene(run, previous, request)
    return Job(run, request, previous, opened, array, truth, anew=force, steps=FIT_STEPS)


@dataclass(frozen=True)
class Prediction:
    """A scene that a model has mapped: ``map`` (rows, cols), 1..K, 0 = no data; ``probabilities`` (rows, cols, K)."""

    path: Path
    classes: list[str]

    @property
    def map(self) -> np.ndarray:
        """The label map."""
        return files.load_array(self.path / "map.npy")

    @property
    def probabilities(self) -> np.ndarray:
        """The class probabilities."""
        return files.load_array(self.path / "probabilities.npy")


def predict(
    model: str | Path | Run,
    scene: str | Path | np.ndarray,
    wavelengths: Wavelengths | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    out: str | Path | None = None,
    classes: Classes | None = None,
    descriptions: str | Path | None = None,
    offline: bool = False,
    device: str = "auto",
    reject: float = 0.0,
    force: bool = False,
    progress: Progress | None = None,
) -> Prediction:
    """Map another scene of the same sensor with a fitted model.

    Args:
        model: a run of ``fit``, or its ``model.safetensors``.
        scene, wavelengths, key, sensor: as ``special.label`` takes them.
        out: folder to make; ``<scene stem>.predicted`` when None.
        classes: other classes than the model was fitted with, for ``aligned`` alone, whose head is text.
        descriptions: what is said about those. offline: never ask the network.
        device: ``auto``, ``cpu`` or ``cuda``.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        force: replace what ``out`` holds.
        progress: who listens.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    from special.report.exports import MapSettings, write_map
    from special.training.predict import predict as probabilities_of

    progress = progress or SILENT
    MapSettings(reject)
    read_model = Model.read(model.path if isinstance(model, Run) else model)
    opened, source, _ = open_input(scene, wavelengths, key, sensor)
    target = Path(out) if out is not None else Path(f"{'scene' if source.path is None else source.path.stem}.predicted")
    if target.exists() and not (force and (target / "predict.json").is_file()):
        hint = "replace it with --force" if (target / "predict.json").is_file() else "it is no prediction"
        raise RunError(f"{target} is there already ({hint}): choose another folder with --out")
    if read_model.level == "image":
        raise SceneError(f"{read_model.path} classifies images, not pixels: special predict shows its vote on an image")
    network = read_model.network()
    class_list = read_model.classes
    if classes is not None:
        class_list = class_list_of(classes)
        said = None if descriptions is None else str(classifier_changes(None, descriptions, None)["classifier.texts"])
        read_model.retarget(network, class_list, said, offline, progress)
    at = resolve(device)
    values = read_model.settings.values
    shares = probabilities_of(
        network.to(at),
        read_model.spectra(opened, progress),
        opened.valid,
        values["fit.tile"],
        values["fit.overlap"],
        views=values["fit.views"],
        device=at,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        aside.chmod(0o755)
        write_map(aside, shares, opened.valid, class_list.names, opened.georeference, reject=reject)
        document = {
            "model": {"path": str(read_model.path.resolve()), "sha256": read_model.document["sha256"]["weights"]},
            "scene": {"path": None if source.path is None else str(source.path), "sha256": content_of(opened)},
            "classes": class_list.to_lines(),
            "versions": versions(),
        }
        files.save_json(aside / "predict.json", document)
        if target.exists():
            shutil.rmtree(target)
        os.rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Prediction(target, class_list.names)


def _split_changes(kind: str | None, per_class: int | None, fraction: float | None) -> dict[str, Any]:
    """Return the settings that the options of the split stand for; either amount sets the other to 0."""
    changes: dict[str, Any] = {} if kind is None else {"split.kind": kind}
    if per_class is not None and fraction is not None:
        raise SettingsError("give --train-per-class or --train-fraction, not both")
    if per_class is not None:
        changes |= {"split.per_class": per_class, "split.fraction": 0.0}
    if fraction is not None:
        changes |= {"split.fraction": fraction, "split.per_class": 0}
    return changes


def _label_image(labels: str | Path | np.ndarray, shape: tuple[int, int], key: str | None) -> np.ndarray:
    from special.scene.truth import read_truth

    if not isinstance(labels, np.ndarray):
        return read_truth(labels, shape, key=key)
    if labels.shape != shape or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise SceneError(
            f"the labels are {labels.dtype} {labels.shape}: give whole numbers of the scene's {shape}, 0 for unlabelled"
        )
    return labels.astype(np.int32)
