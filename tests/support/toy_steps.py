"""A pipeline of small steps for the tests of the cache: the real engine, the real files, and nothing of this domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from special.cache import runner
from special.cache.directory import RunDirectory
from special.cache.runner import Outcome
from special.cache.step import Given, Step
from special.cache.workspace import Workspace
from special.progress import SILENT, Progress
from special.storage.files import replace_json, save_array, save_json

SETTINGS = {"first.size": 3, "second.rate": 0.5, "second.epochs": 4, "third.reject": 0.0}
INPUTS = {"salt": {"grain": "g0", "colour": "c0"}, "seed": 0, "words": ["water", "grass"]}


@dataclass(frozen=True)
class FirstSettings:
    section: ClassVar[str] = "first"
    size: int


@dataclass(frozen=True)
class SecondSettings:
    section: ClassVar[str] = "second"
    rate: float
    epochs: int


@dataclass(frozen=True)
class ThirdSettings:
    section: ClassVar[str] = "third"
    reject: float


@dataclass(frozen=True)
class ToyContext(Workspace):
    """What a toy step gets: its place in the run, the settings, and who listens."""

    settings: Mapping[str, Any]
    progress: Progress


def given(settings: Mapping[str, Any] | None = None, **inputs: Any) -> Given:
    return Given({**SETTINGS, **(settings or {})}, {**INPUTS, **inputs})


def first(context: ToyContext, folder: Path) -> None:
    size = context.settings["first.size"]
    save_array(folder / "numbers.npy", np.random.default_rng(7).random((size, size)))


def second(context: ToyContext, folder: Path) -> None:
    """Train: one checkpoint an epoch, as a real training step does."""
    epochs, rate = context.settings["second.epochs"], context.settings["second.rate"]
    numbers = context.array("first", "numbers.npy")
    context.checkpoints.mkdir(parents=True, exist_ok=True)
    saved = sorted(context.checkpoints.glob("*.npy"))
    state = np.load(saved[-1]) if saved else np.zeros_like(numbers)
    for epoch in range(len(saved), epochs):
        state = state + rate * np.random.default_rng(epoch).random(state.shape) * numbers
        np.save(context.checkpoints / f"{epoch}.npy", state)
        context.progress.advance(1)
    save_array(folder / "numbers.npy", state)
    save_json(folder / "record.json", {"epochs": epochs})


def third(context: ToyContext, folder: Path) -> None:
    save_array(folder / "result.npy", (context.array("second", "numbers.npy") > 1).astype(np.uint8))


STEPS: tuple[Step, ...] = (
    Step("first", 1, first, settings=(FirstSettings,), inputs={"salt": "the salt"}),
    Step("second", 1, second, upstream=("first",), settings=(SecondSettings,), inputs={"seed": "the seed"}),
    Step(
        "third",
        1,
        third,
        upstream=("second",),
        settings=(ThirdSettings,),
        inputs={"words": "the list of words"},
        delivers=("result.npy",),
    ),
)


def with_step(number: int, **changes: Any) -> tuple[Step, ...]:
    """Return the steps, one of them changed."""
    return tuple(replace(step, **changes) if i == number else step for i, step in enumerate(STEPS))


def execute(
    folder: Path,
    asked: Given | None = None,
    steps: Sequence[Step] = STEPS,
    progress: Progress = SILENT,
    until: str | None = None,
    environment: Callable[[], Mapping[str, Any]] = dict,
) -> list[Outcome]:
    """Run the small pipeline in ``folder``."""
    run, asked = RunDirectory(folder), asked or given()
    with run.locked():
        replace_json(run.request, dict(asked.settings))
        return runner.execute(
            run,
            runner.up_to(steps, until),
            asked,
            lambda step, key: ToyContext(run, step, key, asked.settings, progress),
            progress=progress,
            environment=environment,
        )


def ran(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.step for outcome in outcomes if outcome.ran]


def payload(folder: Path) -> dict[str, bytes]:
    """Every payload file and deliverable, without the manifests, which hold times."""
    paths = [*folder.glob("steps/*/*"), *folder.glob("*.npy")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.name != "manifest.json"}
