"""A step as data, and the key that says whether what it left behind still holds.

The key is the SHA-256 of the step's *ingredients*, a JSON object:

- ``step`` and ``version``: its name, and the number that is raised whenever its code gives other results;
- ``settings``: every setting of its sections, in canonical form (a whole number where a number is meant is a number);
- ``inputs``: the content of what comes from outside the run: the scene's bytes and how they are read, the class
  list, the seed, the teachers with the hashes of their weights and texts, the georeference; each step takes only
  what it uses;
- ``upstream``: for every step it reads, that step's key and the hash of that step's payload.

The device, the number of threads, the backend of the scan and the versions of libraries are not ingredients. They
change the last bits of a result, not its meaning: a run made on a GPU may be looked at, and mapped again, on a laptop.
They are written down in each manifest. The payload's hash beside the key keeps this honest: where a step runs again,
for damage say, and comes out with other bits, everything after it runs again too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.cache.manifest import Manifest
from special.settings import Settings

if TYPE_CHECKING:
    from special.steps.context import Work

FORMAT = 1
"""Raised when the layout of ingredients or of payloads changes for every step."""


@dataclass(frozen=True)
class Step:
    """One step of the pipeline.

    Attributes:
        name: as on the command line and in ``RUN/steps``.
        version: raised whenever the step's code gives other results from the same ingredients.
        function: ``function(work, folder)`` writes the payload into the empty ``folder``.
        upstream: the steps whose payloads it reads.
        settings: its sections of the pipeline, each with the dataclass it is read into, as ``"module:Class"``.
        apart: settings that stay out of the key: an input says better what came of them, or they change bits alone.
        unused: ``unused(settings)``: sections that nothing depends on, because another one is chosen.
        inputs: what it takes from outside the run; see the module's docstring.
        delivers: payload files that are also put at the top of the run.
    """

    name: str
    version: int
    function: Callable[[Work, Path], None]
    upstream: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    apart: tuple[str, ...] = ()
    unused: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    inputs: tuple[str, ...] = ()
    delivers: tuple[str, ...] = ()

    def ingredients(
        self, settings: Settings, inputs: Mapping[str, Any], upstream: Mapping[str, Manifest]
    ) -> dict[str, Any]:
        """Return what decides this step's payload, as JSON. ``upstream`` holds at least the steps it reads."""
        left_out = tuple(f"{section}." for section in self.unused(settings))
        kept = {k: v for k, v in settings.of(*self.settings).items() if k not in self.apart}
        return {
            "format": FORMAT,
            "step": self.name,
            "version": self.version,
            "settings": {name: value for name, value in kept.items() if not name.startswith(left_out)},
            "inputs": {name: inputs[name] for name in self.inputs},
            "upstream": {
                name: {"key": upstream[name].key, "content": upstream[name].content}
                for name in self.upstream
                if name in upstream
            },
        }


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return why the ingredients ``new`` are not the ingredients ``old``, in words; empty when they are."""
    reasons = []
    if (old.get("format"), old.get("version")) != (new["format"], new["version"]):
        reasons.append("special computes this step differently now")
    settings = _differing(old.get("settings", {}), new["settings"])
    if settings:
        shown = [_change(name, old.get("settings", {}), new["settings"]) for name in settings[:3]]
        more = f" and {len(settings) - 3} more" if len(settings) > 3 else ""
        reasons.append(f"settings changed: {', '.join(shown)}{more}")
    for name in _differing(old.get("inputs", {}), new["inputs"]):
        before, after = old.get("inputs", {}).get(name), new["inputs"].get(name)
        parts = _differing(before, after) if isinstance(before, dict) and isinstance(after, dict) else []
        noun = {"classes": "class list"}.get(name, name)
        detail = f" ({', '.join(parts)})" if parts else ""
        detail = f" ({before} -> {after})" if name == "seed" else detail
        verb = "have" if name == "teachers" else "has"
        reasons.append(f"the {noun} {verb} changed{detail}")
    reasons += [f"{name} has changed" for name in _differing(old.get("upstream", {}), new["upstream"])]
    return reasons


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    nothing = object()
    return [name for name in dict.fromkeys((*old, *new)) if old.get(name, nothing) != new.get(name, nothing)]


def _change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if name not in old:
        return f"{name} is new"
    if name not in new:
        return f"{name} is gone"
    return f"{name} {old[name]} -> {new[name]}"
