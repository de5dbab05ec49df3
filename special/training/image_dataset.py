"""A data set of images: one sub-folder per class, and in these one cube per image.

Cubes are ENVI, ``.npy``, or anything else that is read as a scene, at any depth: the layout of DeepHS-Fruit, of the
blueberries and of the wood once their images are sorted by class. ``NAME_mask.npy`` beside a cube, bool (rows, cols),
says where the thing is; without it, all pixels with data count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.classnames.class_list import ClassList
from special.errors import ClassListError, SceneError
from special.storage import files
from special.training.settings import CubeSettings
from special.training.standardise import Moments, Normalisation

if TYPE_CHECKING:
    from special.scene import Scene

MASK = "_mask.npy"
_SKIPPED = {".txt", ".json", ".csv", ".md", ".png", ".jpg", ".jpeg", ".xml", ".pdf"}


@dataclass(frozen=True)
class Sample:
    """One image of a data set: its file, and its class, 0..K-1."""

    path: Path
    label: int


def find(dataset: Path, classes: ClassList | None) -> tuple[ClassList, list[Sample]]:
    """Return the classes of a data set and its images, by class and name.

    Raises:
        SceneError: there is no such folder, or a class has no image.
        ClassListError: a class has no sub-folder.
    """
    if not dataset.is_dir():
        raise SceneError(
            f"there is no folder {dataset}: --dataset takes one with a sub-folder of cubes for every class"
        )
    folders = {_plain(path.name): path for path in sorted(dataset.iterdir()) if path.is_dir()}
    if classes is None:
        classes = ClassList.parse([path.name for path in folders.values()], f"the folder {dataset}")
    samples = []
    for number, name in enumerate(classes.names):
        folder = folders.get(_plain(name))
        if folder is None:
            raise ClassListError(
                f"{dataset} has no folder {name!r}: it has {', '.join(p.name for p in folders.values())}"
            )
        paths = _cubes(folder)
        if len(paths) < 2:
            raise SceneError(f"{folder} has {len(paths)} cubes: a class needs two or more, one of them for the test")
        samples += [Sample(path, number) for path in paths]
    return classes, samples


@dataclass(frozen=True)
class ImageSplit:
    """``trained`` bool (images,): which images are learned from, the others being for the test. ``figures``: JSON."""

    trained: np.ndarray
    figures: dict[str, Any]


def draw_training_images(
    labels: np.ndarray, classes: ClassList, settings: CubeSettings, generator: np.random.Generator
) -> ImageSplit:
    """Draw the images that are learned from; one of each class at least is left for the test.

    Args:
        labels: int (images,), 0..K-1; two images of each class or more.
        classes: the K classes.
        settings: the ``[cubes]`` section.
        generator: the stage's.

    Raises:
        SceneError: a class has too few images for ``per_class``.
    """
    trained = np.zeros(len(labels), dtype=bool)
    entries: list[dict[str, Any]] = []
    for number, name in enumerate(classes.names):
        members = np.flatnonzero(labels == number)
        wanted = settings.per_class or max(1, round(settings.fraction * len(members)))
        if settings.per_class and wanted >= len(members):
            raise SceneError(
                f"{name} has {len(members)} images, too few to learn from {wanted} and test on another: "
                "lower --train-per-class"
            )
        count = min(wanted, len(members) - 1)
        trained[generator.permutation(members)[:count]] = True
        entries.append({"name": name, "images": len(members), "train": count, "test": len(members) - count})
    train = int(trained.sum())
    return ImageSplit(trained, {"train": train, "test": len(labels) - train, "classes": entries})


def open_images(paths: Sequence[Path], wavelengths: str | Path | Sequence[float] | np.ndarray | None) -> list[Scene]:
    """Open the images; where wavelengths are not known, the number of a band, from 1, stands for its own.

    Args:
        paths: of the cubes, one or more.
        wavelengths: nm, (bands,), as ``special.label`` takes them, for files that lack them.

    Raises:
        SceneError: an image cannot be read, or is of another sensor than the first.
    """
    from special.scene import Scene
    from special.scene.readers.base import ReadOptions, open_source
    from special.scene.wavelengths import centres_of, given_wavelengths

    given = given_wavelengths(wavelengths, None)
    options = ReadOptions(band_counts=tuple(given.lists) if given else ())
    scenes: list[Scene] = []
    for path in paths:
        source = open_source(path, options)
        try:
            centres, _ = centres_of(source, given)
        except SceneError:
            if given is not None:
                raise
            centres = np.arange(1.0, source.shape[2] + 1)
        scenes.append(Scene(source, centres))
        if scenes[-1].file_bands != scenes[0].file_bands:
            raise SceneError(
                f"{path} has {scenes[-1].file_bands} bands, but {paths[0]} has {scenes[0].file_bands}: "
                "the images of a data set must be of one sensor"
            )
    return scenes


@dataclass(frozen=True)
class ImageDataset:
    """A data set, open: its folder, classes, images, and these as scenes, in the order of the images."""

    path: Path
    classes: ClassList
    samples: list[Sample]
    scenes: list[Scene]

    @property
    def labels(self) -> np.ndarray:
        """The class of every image, int (images,), 0..K-1."""
        return np.array([sample.label for sample in self.samples])

    @property
    def replaced(self) -> Path | None:
        """A file that is another one, or gone, since the images were opened; None where there is none."""
        return next((scene.replaced for scene in self.scenes if scene.replaced is not None), None)

    def content_hash(self) -> str:
        """SHA-256 (hex) over the images, their masks and their classes."""
        entries = []
        for sample, scene in zip(self.samples, self.scenes, strict=True):
            mask = _mask_beside(sample.path)
            content = [scene.content_hash(), scene.wavelengths.tolist(), scene.band_numbers.tolist()]
            name = sample.path.relative_to(self.path).as_posix()
            entries.append([name, sample.label, content, files.sha256_of(mask) if mask.is_file() else None])
        return files.digest(entries)


def open_dataset(
    path: Path, classes: ClassList | None, wavelengths: str | Path | Sequence[float] | np.ndarray | None
) -> ImageDataset:
    """Open a data set of images.

    Args:
        path: the folder. classes: in the order wanted; all sub-folders by name when None.
        wavelengths: nm, one per band, (bands,), for files that lack them.

    Raises:
        SceneError: there is no such folder, a class has too few images, or one cannot be read.
        ClassListError: a class has no sub-folder.
    """
    found, samples = find(path, classes)
    return ImageDataset(path, found, samples, open_images([sample.path for sample in samples], wavelengths))


def common_bands(scenes: Sequence[Scene]) -> np.ndarray:
    """Return the numbers in the file of the bands that are good in every image: int (bands,), rising.

    Raises:
        SceneError: there is none.
    """
    bands = set(scenes[0].band_numbers.tolist())
    for scene in scenes[1:]:
        bands &= set(scene.band_numbers.tolist())
    if not bands:
        raise SceneError("no band is good in all of the images")
    return np.array(sorted(bands))


def normalisation_of(scenes: Sequence[Scene], bands: np.ndarray) -> Normalisation:
    """Return what brings the unmasked pixels of all of these images to zero mean and unit variance.

    Of the bands of the numbers ``bands``, int (bands,). Memory holds one image at a time.

    Raises:
        SceneError: as ``read_image``.
    """
    moments = Moments(len(bands))
    for scene in scenes:
        cube, unmasked = read_image(scene, bands)
        moments.add(cube[unmasked])
    return moments.normalisation()


def read_image(scene: Scene, bands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and where it is not masked.

    Args:
        scene: the image, opened.
        bands: int (bands,), numbers in the file of the bands that are read.

    Returns:
        float32 (rows, cols, bands), in the order of ``bands``; bool (rows, cols), a pixel at least.

    Raises:
        SceneError: no pixel is left, or the mask beside the image does not fit it.
    """
    cube = scene.read(bands=_positions(scene, bands))
    unmasked = scene.valid & np.any(np.nan_to_num(cube) != 0, axis=-1)
    assert scene.path is not None  # images of a data set are files
    beside = _mask_beside(scene.path)
    if beside.is_file():
        mask = files.load_array(beside)
        if mask.shape != unmasked.shape:
            raise SceneError(f"{beside} is {mask.shape}, but its image is {unmasked.shape}: give a mask of its size")
        unmasked &= mask.astype(bool)
    if not unmasked.any():
        raise SceneError(f"{scene.path} has no pixel that is not masked")
    return cube, unmasked


def wavelengths_of(scene: Scene, bands: np.ndarray) -> np.ndarray:
    """Return the wavelengths of the bands of these numbers: float64 (bands,)."""
    return scene.wavelengths[_positions(scene, bands)]


def _mask_beside(image: Path) -> Path:
    return image.with_name(image.stem + MASK)


def _positions(scene: Scene, bands: np.ndarray) -> np.ndarray:
    """Return where bands of these numbers in the file stand among the good ones."""
    position = {number: place for place, number in enumerate(scene.band_numbers.tolist())}
    return np.array([position[number] for number in bands.tolist()])


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def _cubes(folder: Path) -> list[Path]:
    """Return the cubes below a folder; an ENVI cube by its header, without its data file."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    headers = [path for path in paths if path.suffix.lower() == ".hdr"]
    described = {path.with_suffix("") for path in headers}
    others = [
        path
        for path in paths
        if path.suffix.lower() not in {".hdr", *_SKIPPED}
        and not path.name.endswith(MASK)
        and path not in described
        and path.with_suffix("") not in described
    ]
    return sorted(headers + others)
