"""A step as data, the key that says whether what it left behind still holds, and the manifest of what it left.

The key is the SHA-256 of the step's *ingredients*, a JSON object:

- ``step`` and ``version``: its name, and the number that is raised whenever its code gives other results;
- ``settings``: every setting of its sections, in canonical form;
- ``inputs``: the content of what comes from outside the run; each step takes only what it uses;
- ``upstream``: for every step it reads, that step's key and the hash of that step's payload.

What changes the last bits of a result but not its meaning (the device, the number of threads, the versions of
libraries) is no ingredient: it is written down in each manifest. The payload's hash beside the key keeps this honest:
where a step runs again, for damage say, and comes out with other bits, everything after it runs again too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from special.settings import Section
from special.storage.files import digest, load_json, save_json, sha256_of

FORMAT = 1
"""Raised when the layout of ingredients or of payloads changes for every step."""

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Given:
    """What a run is given from outside, all of it JSON.

    Attributes:
        settings: values by dotted names, ``{"warmup.epochs": 4}``.
        inputs: content by the names that ``Step.inputs`` has.
        chosen: for every choice that ``Step.chosen`` names, the sections that come with what was chosen.
        renamed: what settings were called when older manifests were written -> what they are called now.
    """

    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step of a pipeline.

    Attributes:
        name: as on the command line and in ``RUN/steps``.
        version: raised whenever the step's code gives other results from the same ingredients.
        function: ``function(context, folder)`` writes the payload into the empty ``folder``.
        summary: what the step does, in a line. examples: of its command, for the help.
        upstream: the steps whose payloads it reads.
        settings: the dataclasses of its sections.
        chosen: choices whose sections it reads as well, see ``Given.chosen``.
        apart: settings that stay out of the key: an input says better what came of them, or they change bits alone.
        inputs: what it takes from outside the run, with how messages call it.
        delivers: payload files that are also put at the top of the run; patterns.
    """

    name: str
    version: int
    function: Callable[[Any, Path], None]
    summary: str = ""
    examples: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    settings: tuple[type[Section], ...] = ()
    chosen: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    delivers: tuple[str, ...] = ()

    def sections(self, given: Given) -> tuple[str, ...]:
        """Return the names of the sections whose settings the step depends on."""
        own = tuple(kind.section for kind in self.settings)
        return own + tuple(section for choice in self.chosen for section in given.chosen[choice])

    def ingredients(self, given: Given, upstream: Mapping[str, Manifest]) -> dict[str, Any]:
        """Return what decides this step's payload, as JSON. ``upstream`` holds at least the steps it reads."""
        sections = self.sections(given)
        return {
            "format": FORMAT,
            "step": self.name,
            "version": self.version,
            "settings": {
                name: value
                for name, value in sorted(given.settings.items())
                if name.rpartition(".")[0] in sections and name not in self.apart
            },
            "inputs": {name: given.inputs[name] for name in self.inputs},
            "upstream": {
                name: {"key": upstream[name].key, "content": upstream[name].content}
                for name in self.upstream
                if name in upstream
            },
        }

    def differences(self, old: Mapping[str, Any], new: Mapping[str, Any], renamed: Mapping[str, str]) -> list[str]:
        """Return why the ingredients ``new`` are not the ingredients ``old``, in words; empty when they are."""
        reasons = []
        if (old.get("format"), old.get("version")) != (new["format"], new["version"]):
            reasons.append("this step is computed differently now")
        before = {renamed.get(name, name): value for name, value in old.get("settings", {}).items()}
        settings = _differing(before, new["settings"])
        if settings:
            shown = [_change(name, before, new["settings"]) for name in settings[:3]]
            more = f" and {len(settings) - 3} more" if len(settings) > 3 else ""
            reasons.append(f"settings changed: {', '.join(shown)}{more}")
        for name in _differing(old.get("inputs", {}), new["inputs"]):
            change = _detail(old.get("inputs", {}).get(name), new["inputs"].get(name))
            reasons.append(f"{self.inputs.get(name, name)} changed{change}")
        reasons += [f"{name} has changed" for name in _differing(old.get("upstream", {}), new["upstream"])]
        return reasons


@dataclass(frozen=True)
class Manifest:
    """What a step left behind: what it was made of, and what its files hash to.

    Attributes:
        step: the step's name.
        key: the SHA-256 of ``ingredients``.
        ingredients: everything that decides the payload, as JSON.
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

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Return the manifest in ``folder``; None where there is none, or none that is whole."""
        try:
            manifest = cls(**load_json(folder / MANIFEST))
            return manifest if manifest.key == digest(manifest.ingredients) else None
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write the manifest beside its payload."""
        save_json(folder / MANIFEST, asdict(self))

    @property
    def content(self) -> str:
        """One hash over the payload: equal payloads, equal hashes, whenever and wherever they were made."""
        return digest(dict(self.files))

    def damaged(self, folder: Path) -> list[str]:
        """Return the payload files in ``folder`` that are missing or do not hash to what they did."""
        return [
            name
            for name, expected in self.files.items()
            if not (folder / name).is_file() or sha256_of(folder / name) != expected
        ]


def payload_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every payload file in ``folder``, by name, in order."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {name: sha256_of(folder / name) for name in sorted(path.relative_to(folder).as_posix() for path in paths)}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    nothing = object()
    return [name for name in dict.fromkeys((*old, *new)) if old.get(name, nothing) != new.get(name, nothing)]


def _detail(old: Any, new: Any) -> str:
    """Say in brackets what is different between two inputs, where that is short."""
    if isinstance(old, dict) and isinstance(new, dict):
        return f" ({', '.join(_differing(old, new))})"
    return f" ({old} -> {new})" if isinstance(old, int | float) and isinstance(new, int | float) else ""


def _change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if name not in old:
        return f"{name} is new"
    if name not in new:
        return f"{name} is gone"
    return f"{name} {old[name]} -> {new[name]}"
