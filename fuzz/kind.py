"""What a kind of input is: honest files, the commands that read them, and how its files are mutated."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from archives import of_tar, of_zip
from binaries import of_hdf5, of_npy, of_safetensors, of_sqlite, of_tif
from layers import of_layer
from texts import Mutator, of_bytes, of_json, of_text, of_xml

BY_SUFFIX: dict[str, Mutator] = {
    **dict.fromkeys((".hdr", ".txt", ".csv", ".toml", ".prj", ".cpg"), of_text),
    **dict.fromkeys((".json", ".zattrs", ".zarray", ".zgroup"), of_json),
    **dict.fromkeys((".xml", ".qml", ".vrt", ".dim"), of_xml),
    **dict.fromkeys((".h5", ".he5", ".nc", ".mat73"), of_hdf5),
    **dict.fromkeys((".tif", ".tiff"), of_tif),
    **{suffix: of_layer(suffix) for suffix in (".gpkg", ".geojson", ".fgb")},
    **dict.fromkeys((".zip", ".npz"), of_zip),
    **{".npy": of_npy, ".safetensors": of_safetensors, ".gz": of_tar, ".db": of_sqlite},
}
"""Who mutates a file, by its suffix (or its name, where that begins with a point); any other one loses bytes."""
Mend = Callable[[np.random.Generator, Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        make: writes the honest files into an empty folder.
        commands: the words of commands that read them there; a mutant is given to one of them.
        files: patterns of the files that are mutated, by their path in the folder.
        mutators: for patterns of files, in place of those by suffix.
        mend: makes a mutant consistent again, so that it is not refused for its hash alone; called with the folder.
        around: entered in the child before the command; what it gives fills the braces in the command's words.
    """

    name: str
    make: Callable[[Path], object]
    commands: Sequence[Sequence[str]]
    files: Sequence[str] = ("*",)
    mutators: Mapping[str, Mutator] = field(default_factory=dict)
    mend: Mend | None = None
    around: Callable[[], AbstractContextManager[dict[str, str]]] | None = None

    def mutable(self, folder: Path) -> list[Path]:
        """The files of a folder that are mutated, in order."""
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        names = {path: str(path.relative_to(folder)) for path in found}
        return [path for path in found if any(fnmatch.fnmatch(names[path], pattern) for pattern in self.files)]

    def mutate(self, rng: np.random.Generator, folder: Path) -> list[Path]:
        """Mutate one file of a folder, or now and then two, remove one or swap it; return those that were changed."""
        changed = []
        for _ in range(1 if rng.random() < 0.85 else 2):
            paths = self.mutable(folder)
            if not paths:
                break
            path = paths[rng.integers(len(paths))]
            chance = rng.random()
            if chance < 0.02 and len(paths) > 1:
                path.unlink()
            elif chance < 0.04:
                path.write_bytes(b"")
            elif chance < 0.05:
                path.write_bytes(paths[rng.integers(len(paths))].read_bytes())
            else:
                data = path.read_bytes()
                try:
                    mutant = self._mutator(path, folder)(rng, data)
                except Exception:  # what has been mutated before cannot be opened any more
                    mutant = of_bytes(rng, data)
                path.write_bytes(mutant)
            changed.append(path)
        if self.mend is not None and rng.random() < 0.9:
            self.mend(rng, folder)
        return changed

    def _mutator(self, path: Path, folder: Path) -> Mutator:
        name = str(path.relative_to(folder))
        own = next((mutator for pattern, mutator in self.mutators.items() if fnmatch.fnmatch(name, pattern)), None)
        suffix = path.name if path.name.startswith(".") else path.suffix.lower()
        return own or BY_SUFFIX.get(suffix, of_bytes)
