"""A step of a pipeline as data, and what a run is given from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from special.settings import Section


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
