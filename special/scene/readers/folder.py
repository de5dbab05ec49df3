"""A folder with one scene in it, of any format that is a file: a product as it was fetched, with what belongs to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from special.errors import SceneError
from special.scene.readers.archive import named, scenes_in
from special.scene.readers.base import ANYTHING, Reader, ReadOptions
from special.scene.source import Source

_MOST_FILES = 200


class FolderReader(Reader):
    """Opens the one scene that is in a folder; those of products that are folders have been recognised before."""

    name = "folder"
    reads = "a folder with one scene in it"
    understands = "the product in it, else the only cube; masks and metadata beside it as if the file were named"
    precedence = ANYTHING
    named_arrays = True
    open_axes = True
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """Any folder may."""
        return path.is_dir()

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Open what is in it, not in the folders inside.

        Raises:
            SceneError: it holds no scene or several, or far more files than one is.
        """
        if not path.is_dir():
            raise SceneError(f"{path} is no folder: leave out --reader")
        files = sorted(item for item in path.iterdir() if item.is_file())
        if len(files) > _MOST_FILES:
            raise SceneError(f"{path} is a folder of {len(files)} files: name the scene's file in it")
        sources = scenes_in(files, options)
        if not sources:
            raise SceneError(f"{path} is a folder without a scene that can be read: name the scene's file")
        if len(sources) > 1:
            raise SceneError(f"{path} is a folder of {len(sources)} scenes ({named(sources, path)}): name one of them")
        (source,) = sources
        inside = "" if source.path is None else source.path.name
        return replace(source, path=path, notes=(f"{inside} in it was read", *source.notes))


FOLDER = FolderReader()
