"""What a reader is, and the choice among all of them: by the content of a file, not by its suffix.

``setup.cfg`` lists our readers, each as an object of its module; a third party's distribution lists its own in the same
group, ``special.readers``. To choose, all of them are loaded, so none imports its library before it opens a file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.registry import Registry
from special.scene.source import Axes, Source, Stored

HEAD_BYTES = 4096
"""How much of a file the readers are shown, to recognise it by."""

# Precedences. A product is a layout inside a generic format, so both recognise it and the product knows more; what only
# a neighbouring file tells is the weakest sign, as that file may belong to another one of the same name.
# And whatever a library of many formats can open is left for the end.
PRODUCT, FORMAT, NEIGHBOUR, ANYTHING = 10, 50, 90, 95


@dataclass(frozen=True)
class ReadOptions:
    """What the user said about a file.

    Attributes:
        key: which of several arrays in the file is meant, by its name; None when the user named none.
        band_counts: the numbers of bands that the user's wavelengths fit; they help to tell which axis the bands are.
            Empty when no wavelengths were given, or those given fit any number of bands.
        any_count: whether the user gave wavelengths that fit any number of bands (a span).
        axes: which axes of the cube are its rows, columns and bands; None when the user did not say.
    """

    key: str | None = None
    band_counts: Collection[int] = ()
    any_count: bool = False
    axes: Axes | None = None


class Reader(ABC):
    """Recognises the files of a format and opens them.

    It keeps nothing between two files: the entry point names one object, which serves all of them.

    Attributes:
        name: what the entry point and ``--reader`` call it, "envi".
        reads: what messages say it reads, "ENVI (header and raw file)".
        understands: what it understands of such a file, for the table in docs/inputs.md; a third party's may be "".
        precedence: of the readers that recognise a file, the one with the lowest opens it: ``PRODUCT``, ``FORMAT``,
            ``NEIGHBOUR``, ``ANYTHING`` or a number between them.
        named_arrays: whether a file may hold several cubes, of which ``--key`` names one.
        open_axes: whether it may not say which axes of a cube are what, so that ``--axes`` does.
        signatures: (place, bytes): a file that has any of these bytes at their place may be recognised.
        folders: whether a folder may be.
    """

    name: str
    reads: str
    understands: str = ""
    precedence: int = FORMAT
    named_arrays: bool = False
    open_axes: bool = False
    signatures: Collection[tuple[int, bytes]] = ()
    folders: bool = False

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether this reader can open ``path``: ``head`` is its first 4096 bytes, or b"" of a folder.

        It is asked about every file that is opened, so it decides quickly and imports nothing large. By its signatures,
        and by a look inside where these fit, unless a reader knows more.
        """
        fits = any(head.startswith(signature, place) for place, signature in self.signatures)
        return (fits or (self.folders and not head)) and self.holds(path, head)

    def holds(self, path: Path, head: bytes) -> bool:
        """Whether a file or folder whose first bytes fit is one of this reader's: so, unless a reader looks inside."""
        return True

    @abstractmethod
    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube or image in a file, without reading its pixels.

        Also called for files that ``recognises`` was not asked about, when the user named this reader.

        Raises:
            SceneError: the file cannot be understood; the message says what to do.
        """

    def labels(self, path: Path, shape: tuple[int, int], options: ReadOptions) -> tuple[np.ndarray, float | None]:
        """Return the label image (rows, cols) of a ground truth as stored, and its nodata value.

        ``shape`` is the scene's (rows, cols). This is the single band of what ``open`` gives; a format that can hold
        several images chooses among them by ``shape`` and ``options.key``.

        Raises:
            SceneError: the file cannot be understood, holds several bands, or has another shape.
        """
        source = self.open(path, options)
        rows, cols, bands = source.shape
        if bands != 1:
            raise SceneError(f"{path} has {bands} bands: the truth must be one band of labels")
        if (rows, cols) != shape:
            size = f"{shape[0]} x {shape[1]}"
            turned = ", turned round" if (cols, rows) == shape else ""
            raise SceneError(
                f"{path} is {rows} x {cols} but the scene is {size} pixels: give the truth of this scene{turned}"
            )
        return source.read_block(slice(0, rows), slice(0, cols), np.arange(1))[:, :, 0], source.nodata

    def placed_labels(self, path: Path, options: ReadOptions) -> Source | None:
        """Return a ground truth of one band that says where it lies; None where the format or the file does not.

        Raises:
            SceneError: the file cannot be understood.
        """
        if type(self).labels is not Reader.labels:  # several images, of which the shape tells the right one
            return None
        source = self.open(path, options)
        place = source.georeference
        return source if source.shape[2] == 1 and place is not None and place.transform is not None else None

    def class_colours(self, path: Path) -> Mapping[int, str]:
        """Return in which colours a label image shows its numbers, ``#rrggbb``; empty where it does not say.

        Raises:
            SceneError: the file cannot be understood.
        """
        return {}

    def class_names(self, path: Path) -> Mapping[int, str]:
        """Return what a label image says its numbers mean; empty where the format or the file says nothing.

        Raises:
            SceneError: the file cannot be understood.
        """
        return {}


@dataclass(frozen=True)
class ArrayBlockReader:
    """Reads from a stored array. ``axes`` says which of its axes are rows, columns and bands."""

    stored: Stored
    axes: Axes

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block; a view where the stored array gives one."""
        first = int(bands.min())
        slices = [slice(None)] * 3
        for axis, part in zip(self.axes, (rows, cols, slice(first, int(bands.max()) + 1)), strict=True):
            slices[axis] = part
        block = self.stored[tuple(slices)].transpose(self.axes)
        if len(bands) == block.shape[2] and np.array_equal(bands, np.arange(first, first + len(bands))):
            return block
        # Run by run: good bands come in few runs, and picking them one by one takes several times as long.
        found = np.empty((*block.shape[:2], len(bands)), dtype=block.dtype)
        ends = [0, *(np.flatnonzero(np.diff(bands) != 1) + 1).tolist(), len(bands)]
        for start, stop in pairwise(ends):
            found[:, :, start:stop] = block[:, :, bands[start] - first : bands[stop - 1] - first + 1]
        return found


def _flaw(name: str, item: object) -> str:
    # Messages and --reader must speak of the same name, and a class in place of its object is easily listed.
    if isinstance(item, Reader) and getattr(item, "name", None) == name and getattr(item, "reads", ""):
        return ""
    return (
        "its entry point must lead to an object of a subclass of special.scene.readers.base.Reader "
        f"with name = {name!r} and reads"
    )


READERS: Registry[Reader] = Registry("special.readers", "reader", _flaw)


def open_source(path: Path, options: ReadOptions, reader: str | None = None) -> Source:
    """Open the cube in a file, with the reader of this name or the one that recognises it.

    Raises:
        SceneError: there is no such file, no reader for it, or no cube in it.
        SettingsError: there is no reader of this name.
    """
    found = recognise(path, reader)
    if options.key is not None and not found.named_arrays:
        raise SceneError(f"{path} holds one cube without a name: --key is for .mat and HDF5 files")
    if options.axes is not None and not found.open_axes:
        raise SceneError(f"{path} says itself what its axes are: --axes is for .npy, .mat, HDF5, netCDF and Zarr")
    source = found.open(path, options)
    if source.shape[2] < 2:
        raise SceneError(f"{path} has a single band, so it is an image, not a cube of rows x columns x bands")
    return source


def recognise(path: Path, name: str | None = None) -> Reader:
    """Return the reader for a file: the one of this name, or of those that recognise it the first by precedence.

    Raises:
        SceneError: there is no such file, no reader recognises it, or two of the same precedence do.
        SettingsError: there is no reader of this name.
        PluginError: the distribution that brings a reader is broken.
    """
    head = _head(path)
    if name is not None:
        return READERS.get(name)
    readers = list(READERS)
    precedence = attrgetter("precedence")
    for _, peers in groupby(sorted(readers, key=precedence), key=precedence):
        found = [reader for reader in peers if reader.recognises(path, head)]
        if len(found) > 1:
            names = " and ".join(reader.name for reader in found)
            raise SceneError(f"{path} is recognised by the readers {names}: name one of them with --reader")
        if found:
            return found[0]
    if path.is_dir():
        raise SceneError(f"{path} is a folder: name the scene's file in it")
    *others, last = (
        reader.reads for reader in sorted(readers, key=lambda one: (one.precedence == PRODUCT, one.precedence))
    )
    if _is_markup(head):
        raise SceneError(
            f"{path} is text that describes something (JSON or XML), and holds no cube: name the scene's own file, or "
            "its folder"
        )
    kind = "is in no format that can be read" if head else "is empty"
    raise SceneError(
        f"{path} {kind}: give {', '.join(others)} or {last}; "
        "the raw file of an ENVI scene needs its header (.hdr) beside it"
    )


def _is_markup(head: bytes) -> bool:
    """Whether a file begins as JSON or XML does, and is text as far as it is known."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"{", b"[", b"<")) and b"\0" not in head


def inputs_table() -> str:
    """Return the table of what is read as Markdown, one row a reader: what it reads, what it understands of it."""
    rows = sorted(((reader.precedence, reader.reads, reader.understands) for reader in READERS), key=_by_use)
    return "\n".join(["| input | what is understood |", "|---|---|", *(f"| {a} | {b} |" for _, a, b in rows)])


def _by_use(row: tuple[int, str, str]) -> tuple[bool, str]:
    """Formats first, products after them, each by name."""
    return row[0] == PRODUCT, row[1].casefold()


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, or none for a folder."""
    try:
        if path.is_dir():
            return b""
        if path.exists() and not path.is_file():  # reading from a pipe would wait for ever
            raise SceneError(f"{path} is no file but a pipe or a device: give the file of a scene")
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise SceneError(f"no such file: {path}") from None
    except ValueError:
        raise SceneError(f"{str(path)!r} is no path of a file: give the file of a scene") from None
    except OSError as error:
        raise SceneError(f"{path} cannot be read ({error.strerror}): check its name and its permissions") from None
