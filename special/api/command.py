"""The command that makes a run again, from what the run was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from special.api.request import Request
from special.api.source import SceneSource
from special.cache.runner import sections_of
from special.cache.step import Step
from special.errors import SettingsError
from special.settings import DEFAULT, load

RUN = "RUN"
"""Stands for the directory of the run, so that the command of a run that is moved stays what it was."""

CLASSES, WAVELENGTHS, ARRAY, LABELS = (
    f"{RUN}/{name}" for name in ("classes.txt", "wavelengths.csv", "scene.npy", "labels.npy")
)


def asked_of(request: Request, steps: Sequence[Step], *, decisive: bool = False) -> dict[str, Any]:
    """Return, as JSON, what a report says of a request.

    The command, the wavelengths (nm) where it needs a list of them, and which teachers could not be had, and why.
    ``decisive``: without the settings that no key has, see ``Step.apart``: a request that differs in them alone makes
    the same run.
    """
    absent = request.teachers.absent if request.teachers else {}
    wavelengths = getattr(request.source, "wavelengths", None)
    return {
        "scene": _readable(request.source.stem),
        "wavelengths": None if isinstance(wavelengths, str) else wavelengths and list(wavelengths),
        "command": [_readable(word) for word in command_of(request, steps, decisive=decisive)],
        "absent_teachers": {name: reason for name, reason in absent.items() if reason},
    }


def command_of(request: Request, steps: Sequence[Step], *, decisive: bool = False) -> list[str]:
    """Return the words of the command; empty for a run about images.

    ``steps``: of the run. Settings that none of them reads are left out, and where it is ``decisive`` those apart too.

    It names files in the run, see ``RUN``: the class list and the wavelengths as they were understood, which the step
    ``report`` leaves there. Answers that the run has been given are no part of it: the run keeps them.
    """
    source = request.source
    if not isinstance(source, SceneSource):
        return []
    words = [*request.made_by.split(), ARRAY if source.path is None else str(source.path)]
    words += ["--labels", LABELS] if request.labels is not None else []
    words += ["--classes", CLASSES, *_how(source), "--out", RUN, *_settings(request, steps, decisive)]
    for path in request.concepts:
        words += ["--concepts", str(path)]
    return [
        *words,
        *(["--offline"] if request.offline else []),
        *(["--seed", str(request.seed)] if request.seed else []),
    ]


def _readable(text: str) -> str:
    """Return a text that can be written down: the name of a file may be no text at all."""
    return text.encode(errors="replace").decode()


def _how(source: SceneSource) -> list[str]:
    """How the scene is to be read."""
    words = []
    for name in ("key", "sensor", "reader", "mask", "white", "dark", "axes"):
        if (value := getattr(source, name)) is not None:
            words += [f"--{name}", str(value)]
    if source.wavelengths is not None:
        given = source.wavelengths if isinstance(source.wavelengths, str) else WAVELENGTHS
        words += ["--wavelengths", given]
    return words


def _settings(request: Request, steps: Sequence[Step], decisive: bool) -> list[str]:
    """What differs from the pipeline, which may be gone or another one today."""
    given = request.given()
    read = {section for step in steps for section in sections_of(step, given)}
    apart = {name for step in steps for name in step.apart} if decisive else set()
    pipeline = DEFAULT if decisive else request.settings.pipeline  # by what file they are given decides nothing
    words = [] if pipeline == DEFAULT else ["--pipeline", pipeline]
    try:
        usual = load(pipeline).values
    except SettingsError:
        usual, words = load(DEFAULT).values, []
    for name, value in request.settings.values.items():
        if name.rpartition(".")[0] in read and name not in apart and usual.get(name) != value:
            words += ["--set", f"{name}={_toml(value)}"]
    return words


def _toml(value: Any) -> str:
    """A value as ``--set`` reads it: that of a text needs its quotes where it could be something else."""
    return json.dumps(value, ensure_ascii=False)
