"""What the readers of .mat, HDF5 and .npy share: files of arrays, which do not say what is a cube or a wavelength."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from special.errors import SceneError
from special.scene.axes import fitting, words_of
from special.scene.nanometres import plausible_nm
from special.scene.readers import conventions
from special.scene.readers.base import ArrayBlockReader, Reader, ReadOptions
from special.scene.source import Axes, Source, Stored

_WAVELENGTH_NAME = re.compile(r"wave_?len|^waves?$|^wl$|^wvl?s?$|lambda|band_?cent|cent(re|er)_?wave", re.IGNORECASE)
# What a name says that belongs to wavelengths but is none: good_wavelengths, wavelength_index.
_OTHER_WORD = re.compile(
    r"good|bad|flags?|(in)?valid|mask|used?|use?able|index|indices|idx|ids?|numbers?|count|fwhm|widths?|quality|errors?|"
    r"uncertainty|units?|range|limits|min|max|unc|sigma|std(ev)?|shifts?|offsets?|deltas?|steps?|status|resolution|spacing",
    re.IGNORECASE,
)
_WORD_ENDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")
_SAME_NM = 1.0


@dataclass(frozen=True)
class ArrayInfo:
    """One array of a file. ``kind`` is "numbers", or what else it is (``logical``, ``struct``, ``char``...)."""

    name: str
    shape: tuple[int, ...]
    kind: str = "numbers"

    def __str__(self) -> str:
        """As messages show it: name and size."""
        size = " x ".join(map(str, self.shape)) or "one value"
        named = repr(self.name) if self.name else "its array"
        return f"{named} ({size}{'' if self.kind == 'numbers' else ', ' + self.kind})"


class ArrayFile(ABC):
    """An open file of arrays. Use it as a context manager; what ``load`` returned outlives it."""

    format: str
    knows_axes = True
    """Whether the likeliest of ``axes`` can be relied on where nothing else tells them."""

    def __init__(self, path: Path) -> None:
        """Not opened yet: the context manager does that."""
        self.path = path
        self.infos: tuple[ArrayInfo, ...] = ()

    @abstractmethod
    def __enter__(self) -> Self:
        """Open the file and list its arrays in ``infos``."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""

    @abstractmethod
    def load(self, *names: str) -> list[Stored]:
        """The named arrays, in memory or to be sliced from the file."""

    def axes(self, info: ArrayInfo) -> tuple[Axes, ...]:
        """Which of its axes may be (rows, cols, bands), the likeliest first."""
        return (0, 1, 2), (1, 2, 0)

    def planes(self, info: ArrayInfo) -> tuple[tuple[int, int], ...]:
        """Which axes of an image may be (rows, cols), the likeliest first."""
        return ((0, 1),)

    def row_step(self, name: str, axes: Axes) -> int:
        """How many rows are stored together."""
        return 1

    def files(self, name: str) -> tuple[Path, ...]:
        """The files that hold an array and what describes it."""
        return (self.path,)

    def attributes(self, name: str) -> Mapping[str, Any]:
        """What is said of an array or a group, by name."""
        return {}

    def dimensions(self, name: str) -> tuple[str, ...]:
        """The names of an array's dimensions, which those of its coordinates are; () where they have none."""
        return ()

    def coordinate(self, name: str) -> np.ndarray | None:
        """The coordinate of a dimension, (size,), or None."""
        return None

    def nodata(self, name: str) -> float | None:
        """The value that the file itself says means "nothing"."""
        own = self.attributes(name)
        value = conventions.number(own, "_FillValue")
        return conventions.number(own, "missing_value") if value is None else value


class ArrayReader(Reader):
    """A reader of files of arrays; ``file`` is their class."""

    file: type[ArrayFile]
    named_arrays = True
    open_axes = True

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Find the cube among the arrays."""
        with self.file(path) as file:
            return cube_of(file, options)

    def labels(self, path: Path, shape: tuple[int, int], options: ReadOptions) -> tuple[np.ndarray, float | None]:
        """Find the image (rows, cols) among the arrays; it has no nodata value."""
        with self.file(path) as file:
            return plane_of(file, options.key, shape), None


def cube_of(file: ArrayFile, options: ReadOptions) -> Source:
    """The cube of an open file of arrays.

    The numbers of bands that the user's wavelengths fit decide which axis the bands are, as far as they can; where
    there are none, wavelengths stored in the file beside the cube take their place.

    Raises:
        SceneError: no cube, several candidates and no ``key``, no array of that name, or several wavelengths; or
            nothing tells the axes of a file that does not know them.
    """
    info = _pick(file, options.key)
    told = conventions.axes_of(file, info.name)
    orders = file.axes(info) if told is None else (told,)
    orders = orders if options.axes is None else (options.axes,)
    sizes = {info.shape[order[2]] for order in orders}
    beside = [i for i in file.infos if _names_wavelengths(i.name) and _is_list(i) and max(i.shape) in sizes]
    cube, *lists = file.load(info.name, *(i.name for i in beside))
    if cube.dtype.kind not in "iuf":
        raise SceneError(f"{file.path}: {info} holds {cube.dtype} values, but a cube holds real numbers")
    listed = {}
    for item, values in zip(beside, lists, strict=True):
        units = conventions.text(file.attributes(item.name), "units")
        nm = plausible_nm(np.asarray(values[(slice(None),) * len(values.shape)]).ravel(), units or None)
        if nm is not None:
            listed[item.name] = nm
    said = file.attributes(info.name)
    for name, values in said.items():  # as of a product that says of the cube itself what its bands are
        if _names_wavelengths(name) and np.size(values) in sizes and np.asarray(values).dtype.kind in "iuf":
            nm = plausible_nm(np.ravel(values), conventions.text(said, f"{name}_units") or None)
            if nm is not None:
                listed[f"{info.name}@{name}"] = nm
    wavelengths = _chosen(listed, info, file, given=bool(options.band_counts) or options.any_count)
    counts = options.band_counts
    if not counts and wavelengths is not None:
        counts = {len(wavelengths)}
    axes = _order(file, info, orders, counts, span=options.any_count)
    rows, cols, bands = (info.shape[axis] for axis in axes)
    notes: tuple[str, ...] = ()
    if axes != orders[0] and len(orders) > 1:
        notes = (f"{info} was read as {rows} x {cols} pixels with {bands} bands, the number of wavelengths",)
    gain, offset = conventions.scaling(said)
    return Source(
        path=file.path,
        format=file.format,
        key=info.name or None,
        shape=(rows, cols, bands),
        dtype=cube.dtype,
        read_block=ArrayBlockReader(cube, axes),
        files=file.files(info.name),
        wavelengths=wavelengths if wavelengths is None or len(wavelengths) == bands else None,
        nodata=file.nodata(info.name),
        gains=None if gain is None else np.full(bands, gain),
        offsets=None if offset is None else np.full(bands, offset),
        is_reflectance=conventions.is_reflectance(said),
        georeference=conventions.place_of(file, info.name, axes),
        row_step=file.row_step(info.name, axes),
        notes=notes,
    )


def _order(file: ArrayFile, cube: ArrayInfo, orders: Sequence[Axes], counts: Collection[int], span: bool) -> Axes:
    """Which of the orders that its axes may have a cube has, by the numbers of bands that there are wavelengths for.

    Where none has such a number, or nothing is known of it, the likeliest: that there are no wavelengths is said later.

    Raises:
        SceneError: several fit, and the format does not say that one of them is meant.
    """
    first, fit = orders[0], fitting(orders, cube.shape, counts)
    if file.knows_axes and (first in fit or not counts):
        return first
    if len(fit) > 1 and (counts or span):
        shown = "--axes " + " or ".join(map(words_of, fit))
        many = "so many wavelengths fit more than one" if counts else "a span fits each of them"
        raise SceneError(f"{file.path} does not say which axis of {cube} are the bands, and {many}: give {shown}")
    return fit[0] if fit and counts else first


def plane_of(file: ArrayFile, key: str | None, shape: tuple[int, int]) -> np.ndarray:
    """The label image (rows, cols) of an open file of arrays, as stored.

    Of several images the one of ``shape`` is taken.

    Raises:
        SceneError: no image of numbers has that shape, several have and no ``key`` says which, or it is unknown.
    """
    found: list[tuple[ArrayInfo, tuple[int, int]]] = []
    infos = [i for i in file.infos if i.kind in ("numbers", "logical") and (key is None or i.name == key)]
    images = [replace(info, shape=size) for info in infos if (size := _plane(info.shape))]
    if key is not None and not images:
        raise SceneError(f"{file.path} has no image named {key!r}: it holds {_listing(file)}")
    for info in images:
        for order in file.planes(info):
            if tuple(info.shape[axis] for axis in order) == shape:
                found.append((info, order))
                break
    if not images:
        raise SceneError(
            f"{file.path} holds no label image: it holds {_listing(file)}; one of {_size(shape)} is needed"
        )
    if not found:
        found_sizes = [tuple(i.shape[axis] for axis in file.planes(i)[0]) for i in images]
        sizes, turned = ", ".join(map(_size, found_sizes)), ", turned round" if shape[::-1] in found_sizes else ""
        raise SceneError(
            f"{file.path} is {sizes} but the scene is {_size(shape)} pixels: give the truth of this scene{turned}"
        )
    if len(found) > 1:
        names = ", ".join(repr(info.name) for info, _ in found)
        raise SceneError(f"{file.path} holds several images of {_size(shape)}: name one of {names} with --key")
    info, order = found[0]
    (stored,) = file.load(info.name)
    plane = np.asarray(stored[(slice(None),) * len(stored.shape)])
    return plane.reshape(info.shape).transpose(order)


def _names_wavelengths(name: str) -> bool:
    last = name.rpartition("/")[2]
    return bool(_WAVELENGTH_NAME.search(last)) and not any(map(_OTHER_WORD.fullmatch, _WORD_ENDS.split(last)))


def _chosen(listed: Mapping[str, np.ndarray], cube: ArrayInfo, file: ArrayFile, given: bool) -> np.ndarray | None:
    """The wavelengths (nm) of a cube among those ``listed`` by name: those that share the most folders with it.

    Raises:
        SceneError: several differ, and the user has ``given`` none.
    """
    if not listed:
        return None
    shared = {name: _shared_folders(name, cube.name) for name in listed}
    nearest = {name: nm for name, nm in listed.items() if shared[name] == max(shared.values())}
    first, *others = nearest.values()
    same = all(len(nm) == len(first) and np.allclose(nm, first, 0, _SAME_NM, equal_nan=True) for nm in others)
    if not same and not given:
        names = " and ".join(map(repr, nearest))
        raise SceneError(f"{file.path} holds different wavelengths in {names}: give --wavelengths with those of {cube}")
    return first


def _shared_folders(name: str, other: str) -> int:
    pairs = zip(name.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _pick(file: ArrayFile, key: str | None) -> ArrayInfo:
    if key is not None:
        info = next((i for i in file.infos if i.name == key), None)
        if info is None:
            raise SceneError(f"{file.path} has no array named {key!r}: it holds {_listing(file)}")
        if not _is_cube(info):
            raise SceneError(f"{file.path}: {info} is not a cube of rows x columns x bands: it holds {_listing(file)}")
        return info
    cubes = [info for info in file.infos if _is_cube(info)]
    if not cubes:
        raise SceneError(
            f"{file.path} holds no cube of rows x columns x bands: it holds {_listing(file)}; "
            "a table of pixels x bands has to be put back into rows and columns"
        )
    if len(cubes) > 1:
        listing = ", ".join(map(str, cubes))
        raise SceneError(
            f"{file.path} holds {len(cubes)} arrays that could be the cube: name one with --key: {listing}"
        )
    return cubes[0]


def _is_cube(info: ArrayInfo) -> bool:
    return info.kind == "numbers" and len(info.shape) == 3 and min(info.shape) > 0


def _is_list(info: ArrayInfo) -> bool:
    return info.kind == "numbers" and 1 <= len(info.shape) <= 2 and max(info.shape) == math.prod(info.shape) > 1


def _plane(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The shape of an image, also of one that is stored as a cube of one band."""
    if len(shape) == 3 and 1 in (shape[0], shape[2]):
        shape = shape[:2] if shape[2] == 1 else shape[1:]
    return (shape[0], shape[1]) if len(shape) == 2 and min(shape) > 0 else None


def _listing(file: ArrayFile) -> str:
    if not file.infos:
        return "nothing"
    shown = ", ".join(map(str, file.infos[:8]))
    return shown + (f" and {len(file.infos) - 8} more" if len(file.infos) > 8 else "")


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
