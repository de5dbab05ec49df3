"""Models that are known by name: what ``prompts/clip_models.toml`` says of them."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from special.errors import SettingsError
from special.resources import PROMPTS

TABLE = PROMPTS / "clip_models.toml"


@dataclass(frozen=True)
class KnownModel:
    """A published model; the table explains the fields. What is not known is None or empty."""

    name: str
    about: str
    page: str = ""
    licence: str = ""
    licence_from: str = ""
    same_as: str = ""
    architecture: str = ""
    activation: str = ""
    activation_from: str = ""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    repo: str = ""
    file: str = ""
    url: str = ""
    member: str = ""
    size_mb: float | None = None
    sha256: str = ""
    seen_as: tuple[str, ...] = ()

    @property
    def quick_gelu(self) -> bool | None:
        """Whether it was trained with QuickGELU; None where that is not known."""
        return {"QuickGELU": True, "GELU": False}.get(self.activation)

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.same_as:
            return f"{self.same_as} of open_clip"
        return self.url or "/".join(part for part in (f"hf-hub:{self.repo}", self.file) if part)

    @property
    def terms(self) -> str:
        """Its licence in words, unknown or not."""
        if not self.licence:
            return f"licence unknown to special: see {self.page}"
        return f"licence {self.licence} ({self.licence_from})"


@cache
def known_models() -> dict[str, KnownModel]:
    """Return all known models by their names, in the order of the table."""
    found = {}
    with TABLE.open("rb") as file:
        families: dict[str, dict[str, Any]] = tomllib.load(file)
    for family, common in families.items():
        models = common.pop("models")
        for variant, own in models.items():
            fields: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in {**common, **own}.items()
            }
            found[f"{family}:{variant}"] = KnownModel(f"{family}:{variant}", **fields)
    return found


def known_model(spec: str) -> KnownModel | None:
    """Return the model of this name, in any case; None where ``spec`` begins with the name of no family.

    Raises:
        SettingsError: the family has no such model.
    """
    models = {name.lower(): model for name, model in known_models().items()}
    if spec.lower() in models:
        return models[spec.lower()]
    family = spec.partition(":")[0].lower()
    siblings = [model.name for name, model in models.items() if name.startswith(f"{family}:")]
    if not siblings:
        return None
    near = difflib.get_close_matches(spec, siblings, 1)
    raise SettingsError(
        f"there is no model {spec!r}: name one of {', '.join(near or siblings)}; special models list shows all"
    )


def recognised(path: Path, sha256: str) -> KnownModel | None:
    """Return the known model that a file holds, told by its SHA-256 or else by its name."""
    models = known_models().values()
    by_hash = [model for model in models if sha256 and sha256 in (model.sha256, *model.seen_as)]
    by_name = [model for model in models if model.file and Path(model.file).name.lower() == path.name.lower()]
    return next(iter([*by_hash, *by_name]), None)
