"""Image-level classification: ``special fit --dataset``, and what ``special predict`` does with such a model."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.label import Classes, class_list_of, classifier_changes, pipeline_of
from special.api.record import versions
from special.classnames.class_list import ClassList
from special.classnames.texts import READERS, Texts
from special.device import resolve
from special.errors import RunError, SceneError, SettingsError
from special.progress import SILENT, Progress
from special.settings import Settings, load
from special.steps.context import build_section
from special.steps.pipeline import CLASSIFIER, recipe
from special.storage import files
from special.training.image_dataset import common_bands, find, image_of, normalisation_of, open_images, wavelengths_of
from special.training.saved_model import DESCRIPTION, FORMAT, WEIGHTS, Model

if TYPE_CHECKING:
    from special.report.metrics import Scores
    from special.training.image_cubes import CubeSettings, Vote

RESULT = "votes.json"


@dataclass(frozen=True)
class DatasetFit:
    """What ``fit_dataset`` has made: the folder of the model, the scores on the test images, how many there were."""

    path: Path
    scores: Scores
    trained: int
    tested: int
    parameters: Mapping[str, int]


def fit_dataset(
    dataset: str | Path,
    out: str | Path | None = None,
    *,
    classes: Classes | None = None,
    wavelengths: str | Path | Sequence[float] | None = None,
    classifier: str | None = None,
    pipeline: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    train_per_class: int | None = None,
    train_fraction: float | None = None,
    descriptions: str | Path | None = None,
    encoder: str | None = None,
    offline: bool = False,
    device: str = "auto",
    seed: int = 0,
    force: bool = False,
    progress: Progress | None = None,
) -> DatasetFit:
    """Train a classifier of images on a part of a data set, and test it on the rest.

    Args:
        dataset: the folder. out: folder to make; ``<dataset>.fit`` when None.
        classes: names of the sub-folders, in the order wanted; all sub-folders by name when None.
        wavelengths: for cubes that lack them, as ``special.label`` takes them; without, bands are told by number.
        classifier: ``s3fn`` (when None), ``aligned``, ``cnn3d`` or ``mean``.
        pipeline, settings, descriptions, encoder, offline, device, seed: as in ``special.fit``.
        train_per_class: learn from so many images of every class. train_fraction: or from such a share.
        force: replace what ``out`` holds.
        progress: who listens.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    from special.models.patches import PatchClassifier
    from special.report import metrics
    from special.training.image_cubes import CubeSettings, train, vote
    from special.training.loop import prepare
    from special.training.randomness import own_randomness, stage_generator

    progress = progress or SILENT
    dataset = Path(dataset)
    target = Path(out) if out is not None else Path(f"{dataset.resolve().name}.fit")
    if target.exists() and not (force and (target / RESULT).is_file()):
        raise RunError(f"{target} is there already: choose another folder with --out, or replace a model with --force")
    changes = dict(settings or {}) | classifier_changes(classifier or "s3fn", descriptions, encoder)
    changes |= _amount(train_per_class, train_fraction)
    resolved = load(pipeline_of(pipeline, classifier or "s3fn"), changes)
    rule = resolved.build(CubeSettings)
    at = resolve(device)
    class_list, samples = find(dataset, None if classes is None else class_list_of(classes))
    scenes = open_images([sample.path for sample in samples], wavelengths)
    labels = np.array([sample.label for sample in samples])
    generator = stage_generator(seed, "dataset")
    trained = _drawn(labels, class_list, rule, generator)
    meanings = None
    if resolved.values["classifier.name"] in READERS:
        values = resolved.values
        meanings = Texts(values["classifier.texts"], values["classifier.encoder"], offline).read(class_list, progress)
    chosen = recipe(lambda section: build_section(sized(resolved, rule), section, CLASSIFIER[section]))
    bands = common_bands(scenes)
    normalisation = normalisation_of([scene for scene, used in zip(scenes, trained, strict=True) if used], bands)
    images = [image_of(scene, bands, normalisation, rule.side, progress) for scene in scenes]
    with own_randomness(generator, at):
        model = chosen.builder(meanings)(len(bands), len(class_list))
        if not isinstance(model, PatchClassifier):
            raise SettingsError("mambahsi classifies pixels, not images: name s3fn, aligned, cnn3d or mean")
        seen = [image for image, used in zip(images, trained, strict=True) if used]
        pixels = np.concatenate([image.spectra[image.unmasked] for image in seen])[None]
        prepare(model, pixels, np.ones(pixels.shape[:2], dtype=bool), generator)
        losses = train(seen, labels[trained], model, rule, seed=seed, device=at, progress=progress)
    votes = [
        vote(image, model, rule.votes, stage_generator(seed, f"votes {number}"), at)
        for number, image in enumerate(images)
    ]
    short = [number for number, one in enumerate(votes) if one.cubes < rule.votes]
    if short:
        name = samples[short[0]].path.name
        progress.say(f"{len(short)} images, {name} first, have fewer places than the {rule.votes} cubes asked for.")
    found = np.array([one.label for one in votes])
    scores = metrics.evaluate(1 + found[None], np.where(trained, 0, 1 + labels)[None], class_list.names)
    document = {
        "format": FORMAT,
        "level": "image",
        "classifier": resolved.values["classifier.name"],
        "classes": class_list.to_lines(),
        "bands": bands.tolist(),
        "wavelengths": wavelengths_of(scenes[0], bands).tolist(),
        "normalisation": {"mean": normalisation.mean.tolist(), "deviation": normalisation.deviation.tolist()},
        "settings": sized(resolved, rule).of("classifier", "model", "s3fn", "aligned", "cubes"),
        "parameters": {
            "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "frozen": meanings.encoder.parameters if meanings else 0,
        },
        "texts": meanings.record() if meanings else None,
        "seed": seed,
        "losses": losses,
        "versions": versions(),
    }
    told = {
        "test": scores.to_json(),
        "images": [
            {
                "file": str(sample.path.relative_to(dataset)),
                "class": class_list.names[sample.label],
                "part": "train" if used else "test",
                **said(one, class_list),
            }
            for sample, used, one in zip(samples, trained.tolist(), votes, strict=True)
        ],
    }
    _write(target, document, model.state_dict(), told)
    return DatasetFit(target, scores, int(trained.sum()), int((~trained).sum()), document["parameters"])


def predict_image(model: Model, image: str | Path, device: str, progress: Progress = SILENT) -> tuple[str, Vote]:
    """Return the class of an image, and the vote that made it.

    Raises:
        SceneError: the image cannot be read, or has other bands than the model.
    """
    from special.training.image_cubes import vote
    from special.training.randomness import stage_generator
    from special.training.standardise import Normalisation

    document = model.document
    scene = open_images([Path(image)], None)[0]
    bands = np.array(document["bands"])
    if not np.isin(bands, scene.band_numbers).all():
        raise SceneError(f"{image} lacks bands that {model.path} was fitted on: give an image of the same sensor")
    values = document["normalisation"]
    rule = Normalisation(np.array(values["mean"]), np.array(values["deviation"]))
    side, count = model.settings.values["cubes.side"], model.settings.values["cubes.votes"]
    network = model.network().to(device)
    one = image_of(scene, bands, rule, side, progress)
    answer = vote(one, network, count, stage_generator(document["seed"], "votes"), device)  # type: ignore[arg-type]
    return model.classes.names[answer.label], answer


def sized(settings: Settings, rule: CubeSettings) -> Settings:
    """Return settings in which the classifiers of patches take cubes of the data set's size."""
    size = {"patch": rule.side, "components": rule.components}
    return settings.override({f"{part}.{name}": value for part in ("s3fn", "aligned") for name, value in size.items()})


def said(vote: Vote, classes: ClassList) -> dict[str, Any]:
    """Return a vote as JSON."""
    shares = dict(zip(classes.names, vote.shares.round(4).tolist(), strict=True))
    return {"predicted": classes.names[vote.label], "cubes": vote.cubes, "votes": shares}


def _amount(per_class: int | None, fraction: float | None) -> dict[str, Any]:
    if per_class is not None and fraction is not None:
        raise SettingsError("give --train-per-class or --train-fraction, not both")
    if per_class is not None:
        return {"cubes.per_class": per_class, "cubes.fraction": 0.0}
    return {} if fraction is None else {"cubes.fraction": fraction, "cubes.per_class": 0}


def _drawn(labels: np.ndarray, classes: ClassList, rule: CubeSettings, generator: np.random.Generator) -> np.ndarray:
    """Return which images are learned from, bool (images,); one of each class at least is left for the test."""
    trained = np.zeros(len(labels), dtype=bool)
    for number, name in enumerate(classes.names):
        members = np.flatnonzero(labels == number)
        wanted = rule.per_class or max(1, round(rule.fraction * len(members)))
        if rule.per_class and wanted >= len(members):
            raise SceneError(
                f"{name} has {len(members)} images, too few to learn from {wanted} and test on another: "
                "lower --train-per-class"
            )
        trained[generator.permutation(members)[: min(wanted, len(members) - 1)]] = True
    return trained


def _write(target: Path, document: dict[str, Any], tensors: Mapping[str, Any], told: dict[str, Any]) -> None:
    """Write the folder of a model, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        aside.chmod(0o755)
        files.save_tensors(aside / WEIGHTS, tensors)
        document = {**document, "sha256": {"weights": files.sha256_of(aside / WEIGHTS)}}
        files.save_json(aside / DESCRIPTION, document)
        files.save_json(aside / RESULT, told)
        if target.exists():
            shutil.rmtree(target)
        os.rename(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
