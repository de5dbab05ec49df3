"""A scene of any format in a ZIP, a tar or a tar.gz: it is unpacked into scratch space and read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from special.errors import SceneError
from special.scene.readers.base import ANYTHING, Reader, ReadOptions, recognise
from special.scene.readers.product_files import ARCHIVES
from special.scene.readers.scratch import unpacked
from special.scene.source import Source

_MOST_NAMED = 4


class ArchiveReader(Reader):
    """Opens the one scene that is in an archive. Products that GDAL can read inside one have been recognised before."""

    name = "archive"
    reads = "a ZIP or tar.gz with one scene in it"
    understands = "unpacked into scratch space (`TMPDIR`), with limits on size and paths"
    precedence = ANYTHING
    named_arrays = True
    open_axes = True
    signatures = ARCHIVES

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Unpack it, and open what is in it.

        Raises:
            SceneError: it is damaged or unsafe, or holds no scene or several.
        """
        folder = unpacked(path)
        sources = scenes_in([folder, *sorted(folder.rglob("*"))], options)
        if not sources:
            raise SceneError(f"{path} holds no scene that can be read: unpack it and name the file")
        if len(sources) > 1:
            listed = named(sources, folder)
            raise SceneError(f"{path} holds {len(sources)} scenes ({listed}): unpack it and name one of them")
        (source,) = sources
        inside = "" if source.path is None else source.path.relative_to(folder)
        return replace(source, path=path, files=(path,), notes=(f"unpacked, {inside} in it was read", *source.notes))


ARCHIVE = ArchiveReader()


def named(sources: Sequence[Source], folder: Path) -> str:
    """Return the first names of scenes in a folder, for messages."""
    names = [str(source.path.relative_to(folder)) for source in sources if source.path]
    return ", ".join(names[:_MOST_NAMED]) + (" and others" if len(names) > _MOST_NAMED else "")


def scenes_in(paths: Sequence[Path], options: ReadOptions) -> list[Source]:
    """Return the cubes that these files and folders hold, those of products before any others.

    A cube that several of them name, as a header and its raw file do, counts once.

    Raises:
        SceneError: there is but one that might be a scene, and it is damaged.
    """
    found: dict[int, dict[tuple[Path, ...], Source]] = {}
    said: list[SceneError] = []
    for path in paths:
        try:
            reader = recognise(path)
        except SceneError:
            continue
        if reader.precedence == ANYTHING and (path.is_dir() or isinstance(reader, ArchiveReader)):
            continue
        if (options.key is not None and not reader.named_arrays) or (options.axes is not None and not reader.open_axes):
            continue
        try:
            source = reader.open(path, options)
        except SceneError as error:
            said.append(error)
            continue
        if source.shape[2] > 1:
            files = tuple(sorted(source.files or (path,)))
            found.setdefault(reader.precedence, {}).setdefault(files, source)
    if not found and len(said) == 1:
        raise said[0]
    return list(found[min(found)].values()) if found else []
