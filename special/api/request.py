"""What a run was asked for: ``RUN/request.json``. It holds all that the steps need to be repeated, on any day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.cache.directory import RunDirectory
from special.classnames.class_list import ClassList
from special.classnames.texts import READERS, Texts
from special.errors import RunError, SceneError
from special.settings import Settings, restore
from special.storage import files

if TYPE_CHECKING:
    from special.scene import Scene

FORMAT = 1
ARRAY = "scene.npy"
LABELS = "labels.npy"


@dataclass(frozen=True)
class SceneSource:
    """Where a run's scene comes from and how it is to be read.

    Attributes:
        path: the file; None for an array, which the run keeps as ``scene.npy``.
        key, sensor: as ``open_scene`` takes them.
        wavelengths: nm for every band of the file, or ``"430:860"``; a CSV has been read already, so that it may go.
    """

    path: Path | None
    key: str | None = None
    wavelengths: str | tuple[float, ...] | None = None
    sensor: str | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return "an array" if self.path is None else str(self.path)

    def open(self, run: RunDirectory) -> Scene:
        """Open the scene again.

        Raises:
            SceneError: it is no longer there, or can no longer be understood.
        """
        from special.scene import Scene, open_scene

        if self.path is None:
            try:
                cube = np.load(run.path / ARRAY, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError):
                raise SceneError(f"{run.path / ARRAY} is missing or damaged: label the array once more") from None
            return Scene.from_array(cube, np.array(self.wavelengths, dtype=np.float64))
        return open_scene(self.path, key=self.key, wavelengths=self.wavelengths, sensor=self.sensor)


@dataclass(frozen=True)
class Teaching:
    """Which teachers a run has. A resumed run keeps them.

    Attributes:
        decided_by: hash of everything that decides the identities: what was asked, prompts, concepts, checkpoint file.
        clip: the image-text model in use, or ``"none"``.
        because: why there is none although one was asked for, else "".
        identities: each teacher's ``identity()`` by its name.
    """

    decided_by: str
    clip: str
    because: str
    identities: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What was asked, and the content of it.

    ``content`` is the scene's: the hash of its files, of its bands and of its valid pixels. ``georeference`` is
    ``{"crs_wkt": ..., "transform": ...}`` or None. ``device`` is as asked: ``auto``, ``cpu`` or ``cuda``. ``labels`` is
    the hash of the label image that a supervised run learns from, which it keeps as ``labels.npy``; else None.
    """

    source: SceneSource
    content: Mapping[str, str]
    georeference: Mapping[str, Any] | None
    classes: ClassList
    settings: Settings
    seed: int
    device: str
    offline: bool
    concepts: tuple[Path, ...]
    teaching: Teaching | None = None
    labels: str | None = None

    @property
    def texts(self) -> Texts | None:
        """What the classifier reads about the classes; None for one that reads nothing."""
        values = self.settings.values
        if values.get("classifier.name") not in READERS:
            return None
        return Texts(values["classifier.texts"], values["classifier.encoder"], self.offline)

    @property
    def clip(self) -> str:
        """The image-text model that was asked for: ``auto``, ``none`` or a model."""
        return str(self.settings.values["pseudo.image_text.clip"])

    def inputs(self) -> dict[str, Any]:
        """Return what the steps take from outside the run, by the names that ``Step.inputs`` has."""
        return {
            "scene": dict(self.content),
            "georeference": self.georeference,
            "classes": self.classes.to_lines(),
            "seed": self.seed,
            "teachers": dict(self.teaching.identities) if self.teaching else None,
            "labels": self.labels,
            "texts": self.texts.identity() if self.texts else None,
        }

    def write(self, run: RunDirectory) -> None:
        """Write ``request.json``, whole or not at all."""
        source = asdict(self.source)
        document = {
            "format": FORMAT,
            "scene": {**source, "path": None if self.source.path is None else str(self.source.path)},
            "content": dict(self.content),
            "georeference": self.georeference,
            "classes": self.classes.to_lines(),
            "pipeline": self.settings.pipeline,
            "settings": dict(self.settings.values),
            "seed": self.seed,
            "device": self.device,
            "offline": self.offline,
            "concepts": [str(path) for path in self.concepts],
            "teaching": asdict(self.teaching) if self.teaching else None,
            "labels": self.labels,
        }
        files.replace_json(run.request, document)

    def with_teaching(self, teaching: Teaching | None) -> Request:
        """Return this request with other teachers."""
        return replace(self, teaching=teaching)


def read(run: RunDirectory) -> Request:
    """Read what a run was asked for.

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
        scene, teaching = document["scene"], document["teaching"]
        wavelengths = scene["wavelengths"]
        return Request(
            source=SceneSource(
                path=None if scene["path"] is None else Path(scene["path"]),
                key=scene["key"],
                wavelengths=tuple(wavelengths) if isinstance(wavelengths, list) else wavelengths,
                sensor=scene["sensor"],
            ),
            content=document["content"],
            georeference=document["georeference"],
            classes=ClassList.parse(document["classes"]),
            settings=restore(document["pipeline"], document["settings"]),
            seed=document["seed"],
            device=document["device"],
            offline=document["offline"],
            concepts=tuple(Path(path) for path in document["concepts"]),
            teaching=Teaching(**teaching) if teaching else None,
            labels=document.get("labels"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{run.request} is damaged ({error!r}): label the scene again with --force") from None


def content_of(scene: Scene) -> dict[str, str]:
    """Return what is in a scene, as three hashes: its files, which bands at which wavelengths, its valid pixels."""
    import hashlib

    return {
        "files": scene.content_hash(),
        "bands": files.digest(
            [scene.wavelengths.tolist(), np.asarray(scene.band_numbers).tolist(), scene.scale_factor]
        ),
        "valid pixels": hashlib.sha256(np.packbits(scene.valid).tobytes()).hexdigest(),
    }


def labels_hash(labels: np.ndarray) -> str:
    """Return the SHA-256 of a label image and its shape."""
    import hashlib

    plain = np.ascontiguousarray(labels, dtype="<i4")
    return hashlib.sha256(repr(plain.shape).encode() + plain.tobytes()).hexdigest()


def georeference_of(scene: Scene) -> dict[str, Any] | None:
    """Return a scene's georeference as JSON."""
    place = scene.georeference
    if place is None:
        return None
    return {"crs_wkt": place.crs_wkt, "transform": None if place.transform is None else list(place.transform)}


def resolved_wavelengths(wavelengths: Any) -> str | tuple[float, ...] | None:
    """Return wavelengths in a form that outlives the file they came from: numbers, or a span such as ``"430:860"``.

    Raises:
        SceneError: they cannot be read.
    """
    from special.scene.wavelengths import given_wavelengths

    given = given_wavelengths(wavelengths, None)
    if given is None:
        return None
    if given.span:
        return f"{given.span[0]!r}:{given.span[1]!r}"
    # JSON has no NaN; 0 means "this band has none" as well.
    return tuple(float(np.nan_to_num(nm)) for values in given.lists.values() for nm in values)
