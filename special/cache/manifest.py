"""What a step left behind: its payload, and a manifest that says what it was made of and what its files hash to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from special.storage.files import digest, load_json, save_json, sha256_of

NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """The manifest of one step.

    Attributes:
        step: the step's name.
        key: the SHA-256 of ``ingredients``.
        ingredients: everything that decides the payload, as JSON; see ``special.cache.step``.
        files: payload file names, relative to the manifest, with their SHA-256.
        seconds: how long the step took. made: when, in UTC, ISO 8601.
        environment: what it ran on: device, threads, versions. Not part of the key.
    """

    step: str
    key: str
    ingredients: Mapping[str, Any]
    files: Mapping[str, str]
    seconds: float
    made: str
    environment: Mapping[str, Any]

    @property
    def content(self) -> str:
        """One hash over the payload: equal payloads, equal hashes, whenever and wherever they were made."""
        return digest(dict(self.files))

    def write(self, folder: Path) -> None:
        """Write the manifest beside its payload."""
        save_json(folder / NAME, asdict(self))

    def damaged(self, folder: Path) -> list[str]:
        """Return the payload files in ``folder`` that are missing or do not hash to what they did."""
        return [
            name
            for name, expected in self.files.items()
            if not (folder / name).is_file() or sha256_of(folder / name) != expected
        ]


def read(folder: Path) -> Manifest | None:
    """Return the manifest in ``folder``; None where there is none, or none that is whole."""
    try:
        manifest = Manifest(**load_json(folder / NAME))
        return manifest if manifest.key == digest(manifest.ingredients) else None
    except (OSError, ValueError, TypeError):
        return None


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every payload file in ``folder``, by name, in order."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {name: sha256_of(folder / name) for name in sorted(path.relative_to(folder).as_posix() for path in paths)}
