"""What a run was asked for: ``RUN/request.json``. It holds all that the steps need to be repeated, on any day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.answers.answers import Answers
from special.api.source import DatasetSource, SceneSource
from special.cache.directory import RunDirectory
from special.cache.step import Given
from special.classnames.class_list import ClassList
from special.classnames.texts import Texts
from special.errors import RunError, SettingsError
from special.models.registry import CLASSIFIERS, Classifier
from special.settings import RENAMED, Settings, restore, teacher_section
from special.storage import files
from special.teachers.base import TEACHERS
from special.teachers.chosen import ChosenTeachers, names_of
from special.training.randomness import MOST_SEEDS, is_seed

FORMAT = 1
DEVICES = ("auto", "cpu", "cuda")
LABELS = "labels.npy"
ANSWERS = "answers.npy"


@dataclass(frozen=True)
class Request:
    """What was asked, and the content of it.

    Attributes:
        source: where the scene or the images come from.
        content: hashes of its files, of its bands and of its valid pixels.
        georeference: ``{"crs_wkt": ..., "transform": ...}`` or None.
        classes, settings, seed, offline, concepts: as given.
        device: as asked: ``auto``, ``cpu`` or ``cuda``.
        teachers: which were chosen, once they are.
        labels: the hash of the label image that a supervised run learns from, which it keeps as ``labels.npy``.
        answers: the hash of the user's answers, which the run keeps as ``answers.npy``; None where there are none.
    """

    source: SceneSource | DatasetSource
    content: Mapping[str, str]
    georeference: Mapping[str, Any] | None
    classes: ClassList
    settings: Settings
    seed: int
    device: str
    offline: bool
    concepts: tuple[Path, ...] = ()
    teachers: ChosenTeachers | None = None
    labels: str | None = None
    answers: str | None = None

    @property
    def made_by(self) -> str:
        """The command that makes such a run."""
        if isinstance(self.source, DatasetSource):
            return "special fit --dataset"
        return "special label" if self.labels is None else "special fit"

    @property
    def classifier(self) -> Classifier:
        """The classifier that was chosen."""
        return CLASSIFIERS.get(self.settings.values["classifier.name"])

    @property
    def releases(self) -> dict[str, str]:
        """What other distributions bring of what was chosen, in which release: like settings, by dotted names.

        The version of a step says when code of ours gives other results. Of theirs only the release can say so.
        """
        section = self.classifier.settings_type.section
        found = {teacher_section(name): TEACHERS.release(name) for name in names_of(self.settings)}
        found[section] = CLASSIFIERS.release(self.classifier.name)
        return {f"{section}.distribution": release for section, release in found.items() if release}

    @property
    def texts(self) -> Texts | None:
        """What the classifier reads about the classes; None for one that reads nothing."""
        values = self.settings.values
        if not self.classifier.reads_texts:
            return None
        return Texts(values["classifier.texts"], values["classifier.encoder"], self.offline)

    def given(self) -> Given:
        """Return what the steps take from outside the run."""
        texts = self.texts
        return Given(
            settings={**self.settings.values, **self.releases},
            inputs={
                "scene": dict(self.content),
                "georeference": self.georeference,
                "classes": self.classes.to_lines(colours=False),
                "colours": self.classes.colours,
                "seed": self.seed,
                "teachers": dict(self.teachers.identities) if self.teachers else None,
                "labels": self.labels,
                "answers": self.answers,
                "texts": texts.identity() if texts else None,
            },
            chosen={
                "teachers": tuple(teacher_section(name) for name in names_of(self.settings)),
                "classifier": (self.classifier.settings_type.section,),
            },
            renamed=RENAMED,
        )

    def write(self, run: RunDirectory) -> None:
        """Write ``request.json``, whole or not at all."""
        source = asdict(self.source)
        what = "dataset" if isinstance(self.source, DatasetSource) else "scene"
        document = {
            "format": FORMAT,
            what: {**source, "path": None if self.source.path is None else str(self.source.path)},
            "content": dict(self.content),
            "georeference": self.georeference,
            "classes": self.classes.to_lines(),
            "pipeline": self.settings.pipeline,
            "settings": dict(self.settings.values),
            "seed": self.seed,
            "device": self.device,
            "offline": self.offline,
            "concepts": [str(path) for path in self.concepts],
            "teachers": asdict(self.teachers) if self.teachers else None,
            "labels": self.labels,
            "answers": self.answers,
        }
        files.replace_json(run.request, document)


def read(run: RunDirectory) -> Request:
    """Read what a run was asked for, by this version or an earlier one.

    Raises:
        RunError: ``run`` is not the directory of a run, or not one that this version can read.
    """
    try:
        document = files.load_json(run.request)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(
            f"{run.path} is not a run (it has no {run.request.name}): make one with special label SCENE --classes FILE"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{run.request} cannot be read ({error}): label the scene again with --force") from None
    try:
        if document["format"] != FORMAT:
            raise RunError(f"{run.path} was made by another version of special: label the scene again with --force")
        teachers = document.get("teachers", document.get("teaching"))
        _check(document)
        return Request(
            source=_source(document),
            content=document["content"],
            georeference=document["georeference"],
            classes=ClassList.parse(document["classes"]),
            settings=restore(document["pipeline"], document["settings"]),
            seed=document["seed"],
            device=document["device"],
            offline=document["offline"],
            concepts=tuple(Path(path) for path in document["concepts"]),
            teachers=ChosenTeachers.from_json(teachers) if teachers else None,
            labels=document.get("labels"),
            answers=document.get("answers"),
        )
    except (LookupError, TypeError, ValueError, AttributeError, SettingsError) as error:
        raise RunError(f"{run.request} is damaged ({error!r}): label the scene again with --force") from None


def check_seed(seed: Any) -> None:
    """Make sure that every random draw can come from a seed.

    Raises:
        SettingsError: it is no whole number, or one out of the range of the libraries that draw.
    """
    if not is_seed(seed):
        raise SettingsError(f"the seed is {seed!r}: give a whole number from 0 to {MOST_SEEDS - 1}")


def _check(document: Mapping[str, Any]) -> None:
    """Look at what nobody else does before it is used: a request may have been edited, or come from anybody.

    Raises:
        SettingsError, TypeError: something is of another kind.
    """
    check_seed(document["seed"])
    texts = (document.get("labels"), document.get("answers"))
    if not all(text is None or isinstance(text, str) for text in texts):
        raise TypeError("a hash is no text")
    content, place = document["content"], document["georeference"]
    if not isinstance(content, dict) or not all(
        isinstance(text, str) for text in (content["files"], *content.values())
    ):
        raise TypeError("the content is no table of hashes")
    if place is not None and not isinstance(place, dict):
        raise TypeError("the georeference is of another kind")
    if place and "crs_wkt" in place:
        transform = place["transform"]
        numbers = () if transform is None else tuple(transform)
        plain = all(isinstance(number, (int, float)) for number in numbers)
        if not isinstance(place["crs_wkt"], str | None) or len(numbers) not in (0, 6) or not plain:
            raise TypeError("the georeference is of another kind")
    if document["device"] not in DEVICES or not isinstance(document["offline"], bool):
        raise TypeError("the device or offline is of another kind")


def _source(document: Mapping[str, Any]) -> SceneSource | DatasetSource:
    stored = document["dataset"] if "dataset" in document else document["scene"]
    wavelengths = stored["wavelengths"]
    fields = {
        **stored,
        "path": None if stored["path"] is None else Path(stored["path"]),
        "wavelengths": tuple(wavelengths) if isinstance(wavelengths, list) else wavelengths,
    }
    return DatasetSource(**fields) if "dataset" in document else SceneSource(**fields)


def labels_hash(labels: np.ndarray) -> str:
    """Return the SHA-256 of a label image (rows, cols) and its shape."""
    plain = np.ascontiguousarray(labels, dtype="<i4")
    return hashlib.sha256(repr(plain.shape).encode() + plain.tobytes()).hexdigest()


def read_labels(run: RunDirectory, request: Request, size: tuple[int, ...]) -> np.ndarray:
    """Return the label image that a supervised run learns from: int32 (rows, cols), 1..K, 0 = unlabelled.

    Args:
        run: the run. request: what was asked of it.
        size: rows and columns of the scene.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        labels = files.load_array(run.path / LABELS)
        whole = labels.shape == size and labels.dtype.kind in "iu" and labels_hash(labels) == request.labels
        whole = whole and labels.min() >= 0 and labels.max() <= len(request.classes)
    except (OSError, ValueError):
        whole = False
    if not whole:
        raise RunError(f"{run.path / LABELS} is missing or damaged: fit again with --force")
    return labels


def read_answers(run: RunDirectory, request: Request, size: tuple[int, ...] | None = None) -> Answers:
    """Return the answers that a run has been given.

    Args:
        run: the run. request: what was asked of it.
        size: rows and columns of the scene, where they are known.

    Raises:
        RunError: they are missing or damaged.
    """
    if request.answers is None:
        return Answers.none()
    try:
        answers = Answers(files.load_array(run.path / ANSWERS))
        whole = answers.sha256 == request.answers and answers.are_of(size, len(request.classes))
    except (OSError, ValueError):
        whole = False
    if not whole:
        raise RunError(
            f"{run.path / ANSWERS} is missing or damaged: start over with --force, and give all answers again"
        )
    return answers
