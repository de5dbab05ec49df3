"""The texts that a classifier reads about the classes: where they come from, and what an encoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from special.classnames.class_list import ClassList
from special.classnames.contextual import ContextEncoder, Meanings
from special.progress import SILENT, Progress
from special.resources import PROMPTS
from special.storage import files

CURATED, BARE = "curated", "names"


@dataclass(frozen=True)
class Texts:
    """What is said about the classes, and who reads it.

    Attributes:
        source: ``curated`` (what comes with the package), ``names`` (the class names alone), or a file of descriptions.
        encoder: ``minilm``, a folder, or a name on the Hugging Face hub.
        offline: never ask the network.
    """

    source: str
    encoder: str
    offline: bool = True

    def identity(self) -> dict[str, Any]:
        """Return what decides the meanings, class names apart, as JSON, without loading anything large."""
        if self.source == BARE:
            content = ""
        elif self.source == CURATED:
            paths = sorted(path for path in PROMPTS.rglob("*") if path.suffix in (".txt", ".toml"))
            content = files.digest([files.sha256_of(path) for path in paths])
        else:
            path = Path(self.source)
            content = files.sha256_of(path) if path.is_file() else "missing"
        return {"texts": content, "encoder": self.encoder}

    def paragraphs(self, classes: ClassList) -> list[tuple[str, ...]]:
        """Return the descriptions of every class, in class order.

        Raises:
            DescriptionError: they cannot be read, or do not fit the classes.
        """
        from special.classnames import descriptions
        from special.classnames.encoder import default_encoder

        if self.source == BARE:
            return [()] * len(classes)
        if self.source == CURATED:
            return descriptions.curated(classes, default_encoder())
        return descriptions.read_descriptions(Path(self.source), classes)

    def read(self, classes: ClassList, progress: Progress = SILENT) -> Meanings:
        """Return what the encoder makes of the texts.

        Raises:
            DescriptionError, WeightsError: the texts or the encoder cannot be had.
        """
        encoder = ContextEncoder(self.encoder, self.offline, progress)
        meanings = Meanings(classes, tuple(self.paragraphs(classes)), encoder)
        _ = meanings.encoder.parameters  # so that an encoder that cannot be had is found out before anything is done
        return meanings
