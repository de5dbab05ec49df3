"""What ``label``, ``fit`` and ``fit_images`` can be told, each in one frozen type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from special.answers.answers import Answers
from special.answers.reading import read_answers, read_labels
from special.api.class_source import Classes, class_list_of, classes_or_library, library_changes, library_reach
from special.api.opening import (
    Opened,
    SceneOptions,
    Wavelengths,
    grid_of,
    open_input,
    refuse_where_nothing_is_known,
)
from special.api.request import check_seed
from special.api.source import DatasetSource, SceneSource, resolved_wavelengths
from special.errors import SettingsError
from special.models.registry import CLASSIFIERS
from special.settings import Settings, load

Labels = str | Path | np.ndarray
"""A file of points, polygons or a label image, or an array (rows, cols), 1..K and 0 = unlabelled."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What can be told to every run.

    Attributes:
        out: directory of the run; named after its input when None.
        pipeline: name or TOML file of the settings; the classifier's own when None.
        settings: what to change in it, ``{"refine.lambda_hard": 0.2}``.
        classifier: ``mambahsi``, ``s3fn``, ``aligned``, ``cnn3d``, ``mean``, or one that another distribution brings.
        descriptions: what ``s3fn`` and ``aligned`` read: a file, ``curated``, or ``names``. encoder: who reads it.
        offline: never ask the network.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: every random draw comes from it.
        force: forget what ``out`` holds, even of another scene.
    """

    suffix: ClassVar[str]
    """What is appended to the input's name to make that of the run's directory."""
    default_classifier: ClassVar[str | None] = None

    out: str | Path | None = None
    pipeline: str | Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    classifier: str | None = None
    descriptions: str | Path | None = None
    encoder: str | None = None
    offline: bool = False
    device: str = "auto"
    seed: int = 0
    force: bool = False

    def changes(self) -> dict[str, Any]:
        """Return the settings that these options stand for."""
        chosen = self.classifier or self.default_classifier
        return {**(self.settings or {}), **classifier_changes(chosen, self.descriptions, self.encoder)}

    def resolved(self) -> Settings:
        """Return all settings.

        Raises:
            SettingsError: one of them is unknown or does not fit, or the seed is out of range.
        """
        check_seed(self.seed)
        pipeline = self.pipeline
        if pipeline is None:
            pipeline = CLASSIFIERS.get(self.classifier or self.default_classifier or "mambahsi").pipeline
        return load(pipeline, self.changes())

    def directory(self, source: SceneSource | DatasetSource) -> Path:
        """Return the directory of the run."""
        return Path(self.out) if self.out is not None else Path(f"{source.stem}{self.suffix}")

    def open(self) -> Opened:
        """Open what the run is about.

        Raises:
            SpecialError: it cannot be understood.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LabelOptions(RunOptions, SceneOptions):
    """What :func:`special.label` can be told.

    Attributes:
        scene: a file, or an array (rows, cols, bands) of any unit.
        classes: names, or ``"Name | synonym: description"`` lines, or a file of such lines; the library's when None.
        library: a spectral library whose spectra stand for the classes that it has. library_column: of its metadata,
            the one that holds the classes.
        clip: image-text model: ``auto``, ``none``, a name of ``special models list``, ``MODEL:TAG``, ``FILE``,
            ``MODEL:FILE`` or ``hf-hub:...``.
        concepts: TOML files of land-cover concepts, beside those of the package.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        labels: answers to the questions of :func:`special.ask`, or what else is known of the scene: points or polygons
            (GeoPackage, GeoJSON, Shapefile), a CSV table, a label image (a file, or an array (rows, cols), 1..K and
            0 = unlabelled), or several of these. They are added to the answers that ``out`` has.
        labels_key: name of the field or array that holds the classes, where a file has several.
    """

    suffix: ClassVar[str] = ".special"

    scene: str | Path | np.ndarray
    classes: Classes | None = None
    library: str | Path | None = None
    library_column: str | None = None
    clip: str | None = None
    concepts: Iterable[str | Path] = ()
    reject: float | None = None
    labels: Labels | Sequence[Labels] | None = None
    labels_key: str | None = None

    def changes(self) -> dict[str, Any]:
        """Return the settings that these options stand for."""
        own: dict[str, Any] = {"pseudo.image_text.clip": self.clip, "map.reject": self.reject}
        own |= library_changes(self.library, self.library_column)
        return super().changes() | {name: value for name, value in own.items() if value is not None}

    def open(self) -> Opened:
        """Open the scene, and read the answers."""
        settings = self.resolved()
        classes, notes = classes_or_library(self.classes, settings)
        opened = open_input(self.scene, self, classes)
        refuse_where_nothing_is_known(opened.data, settings)
        said = [*opened.notes, *notes, *library_reach(opened.data, settings)]
        given = [self.labels] if isinstance(self.labels, str | Path | np.ndarray) else list(self.labels or ())
        found: Answers | None = None
        for labels in given:
            read = read_answers(labels, grid_of(opened.data), opened.classes, key=self.labels_key, say=said.append)
            found = read if found is None else found.with_newer(read)
        return replace(opened, answers=found, notes=tuple(said))


@dataclass(frozen=True, kw_only=True)
class FitOptions(RunOptions, SceneOptions):
    """What :func:`special.fit` can be told.

    Attributes:
        scene: a file, or an array (rows, cols, bands) of any unit.
        labels: label image, 1..K in the order of the classes, 0 = unlabelled: a file, or an array (rows, cols); or
            points or polygons (GeoPackage, GeoJSON, Shapefile), or a CSV table.
        labels_key: name of the array or field that holds the labels, where a file has several.
        classes: names, or ``"Name | synonym"`` lines, or a file of such lines.
        split: ``random`` or ``disjoint``.
        train_per_class: learn from so many pixels of every class. train_fraction: or from such a share.
        reject: pixels whose best class is less probable than this stay 0 in the map.
    """

    suffix: ClassVar[str] = ".fit"

    scene: str | Path | np.ndarray
    labels: str | Path | np.ndarray
    classes: Classes
    labels_key: str | None = None
    split: str | None = None
    train_per_class: int | None = None
    train_fraction: float | None = None
    reject: float | None = None

    def changes(self) -> dict[str, Any]:
        """Return the settings that these options stand for."""
        own = {"split.kind": self.split, "map.reject": self.reject}
        own |= _amount("split", self.train_per_class, self.train_fraction)
        return super().changes() | {name: value for name, value in own.items() if value is not None}

    def open(self) -> Opened:
        """Open the scene and its labels."""
        opened = open_input(self.scene, self, class_list_of(self.classes))
        notes: list[str] = []
        labels = read_labels(self.labels, grid_of(opened.data), opened.classes, key=self.labels_key, say=notes.append)
        return replace(opened, labels=labels, notes=(*opened.notes, *notes))


@dataclass(frozen=True, kw_only=True)
class ImageFitOptions(RunOptions):
    """What :func:`special.fit_images` can be told.

    Attributes:
        dataset: a folder with a sub-folder of cubes for every class.
        classes: names of the sub-folders, in the order wanted; all sub-folders by name when None.
        wavelengths: for cubes that lack them, as :class:`SceneOptions` has them; without, bands are told by number.
        train_per_class: learn from so many images of every class. train_fraction: or from such a share.
    """

    suffix: ClassVar[str] = ".fit"
    default_classifier: ClassVar[str | None] = "s3fn"

    dataset: str | Path
    classes: Classes | None = None
    wavelengths: Wavelengths | None = None
    train_per_class: int | None = None
    train_fraction: float | None = None

    def changes(self) -> dict[str, Any]:
        """Return the settings that these options stand for."""
        return super().changes() | _amount("cubes", self.train_per_class, self.train_fraction)

    def resolved(self) -> Settings:
        """Return all settings.

        Raises:
            SettingsError: as for every run; or the classifier classifies pixels alone.
        """
        settings = super().resolved()
        name = settings.values["classifier.name"]
        if not CLASSIFIERS.get(name).takes_cubes:
            others = ", ".join(one.name for one in CLASSIFIERS if one.takes_cubes)
            raise SettingsError(f"{name} classifies pixels, not images: name one of {others}")
        return settings

    def open(self) -> Opened:
        """Open the images."""
        classes = None if self.classes is None else class_list_of(self.classes)
        source = DatasetSource(Path(self.dataset).resolve(), resolved_wavelengths(self.wavelengths))
        dataset = source.open(classes)
        return Opened(dataset, source, dataset.classes)


def takes(options: type[RunOptions]) -> Callable[[Function], Function]:
    """Show the fields of ``options`` in place of ``**options`` in a function's signature: help and editors read it."""

    def decorate(function: Function) -> Function:
        own = [p for p in signature(function).parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        have = {parameter.name for parameter in own}
        more = [
            Parameter(one.name, Parameter.KEYWORD_ONLY, default=_default(one), annotation=one.type)
            for one in fields(options)
            if one.name not in have
        ]
        function.__signature__ = signature(function).replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return function

    return decorate


def _default(one: Field[Any]) -> Any:
    return None if one.default is MISSING else one.default


def classifier_changes(classifier: str | None, descriptions: str | Path | None, encoder: str | None) -> dict[str, Any]:
    """Return the settings that the options of a classifier stand for; files and folders by their whole path."""
    changes = {"classifier.name": classifier} if classifier is not None else {}
    for name, value in (("texts", descriptions), ("encoder", encoder)):
        if value is not None:
            path = Path(value)
            changes[f"classifier.{name}"] = str(path.resolve() if path.exists() else value)
    return changes


def _amount(section: str, per_class: int | None, fraction: float | None) -> dict[str, Any]:
    """Return the settings that say how much is learned from; either amount sets the other to 0."""
    if per_class is not None and fraction is not None:
        raise SettingsError("give --train-per-class or --train-fraction, not both")
    if per_class is not None:
        return {f"{section}.per_class": per_class, f"{section}.fraction": 0.0}
    return {} if fraction is None else {f"{section}.fraction": fraction, f"{section}.per_class": 0}
