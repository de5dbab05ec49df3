"""Readers of scenes: one module per format, and here the choice among them, by content and not by suffix.

``setup.cfg`` lists our readers, each as an object of its module; a third party's distribution lists its own in the same
group, ``special.readers``. To choose, all of them are loaded, so none imports its library before it opens a file.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from pathlib import Path

from special.errors import PluginError, SceneError
from special.registry import Registry
from special.scene.readers.base import HEAD_BYTES, Reader, ReadOptions
from special.scene.source import Source

READERS: Registry[Reader] = Registry("special.readers", "reader")


def open_source(path: Path, options: ReadOptions, reader: str | None = None) -> Source:
    """Open the cube in a file, with the reader of this name or the one that recognises it.

    Raises:
        SceneError: there is no such file, no reader for it, or no cube in it.
        SettingsError: there is no reader of this name.
    """
    found = recognise(path, reader)
    if options.key is not None and not found.named_arrays:
        raise SceneError(f"{path} holds one cube without a name: --key is for .mat and HDF5 files")
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
        return _reader(name)
    readers = [_reader(name) for name in READERS.names]
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
    *others, last = (reader.reads for reader in readers)
    kind = "is in no format that can be read" if head else "is empty"
    raise SceneError(
        f"{path} {kind}: give {', '.join(others)} or {last}; "
        "the raw file of an ENVI scene needs its header (.hdr) beside it"
    )


def _reader(name: str) -> Reader:
    reader = READERS.get(name)
    # Messages and --reader must speak of the same name, and a class in place of its object is easily listed.
    if not isinstance(reader, Reader) or getattr(reader, "name", None) != name or not getattr(reader, "reads", ""):
        raise PluginError(
            f"the reader {name!r} is not usable: its entry point must lead to an object of a subclass of "
            f"special.scene.readers.base.Reader with name = {name!r} and reads; mend or uninstall its distribution"
        )
    return reader


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, or none for a folder."""
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise SceneError(f"no such file: {path}") from None
    except OSError as error:
        raise SceneError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
