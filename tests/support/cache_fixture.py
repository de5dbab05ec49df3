"""A pipeline of small steps for the tests of the cache: the real runner, the real files, no training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from special.api.request import Request, SceneSource, Teaching
from special.cache import runner
from special.cache.directory import RunDirectory
from special.cache.runner import Outcome
from special.cache.step import Step
from special.classnames.class_list import ClassList
from special.progress import SILENT, Progress
from special.settings import Settings
from special.steps.context import Work
from special.storage.files import save_array, save_json

SETTINGS = Settings("test", {"first.size": 3, "second.rate": 0.5, "second.epochs": 4, "third.reject": 0.0})


@dataclass(frozen=True)
class SecondSettings:
    rate: float
    epochs: int


def request(**changes: Any) -> Request:
    whole = Request(
        source=SceneSource(Path("scene.npy")),
        content={"files": "f0", "bands": "b0", "valid pixels": "v0"},
        georeference=None,
        classes=ClassList.parse(["water", "grass"]),
        settings=SETTINGS,
        seed=0,
        device="cpu",
        offline=True,
        concepts=(),
        teaching=Teaching("d0", "none", "", {"spectrum-text": {"weights": "w0"}}),
    )
    settings = changes.pop("settings", None)
    if settings:
        changes["settings"] = Settings("test", {**SETTINGS.values, **settings})
    return replace(whole, **changes)


def first(work: Work, folder: Path) -> None:
    size = work.request.settings.values["first.size"]
    save_array(folder / "numbers.npy", np.random.default_rng(7).random((size, size)))


def second(work: Work, folder: Path) -> None:
    """Train: one checkpoint an epoch, as a real training step does."""
    settings = work.settings("second")
    work.checkpoints.mkdir(parents=True, exist_ok=True)
    saved = sorted(work.checkpoints.glob("*.npy"))
    state = np.load(saved[-1]) if saved else np.zeros_like(work.array("first", "numbers.npy"))
    for epoch in range(len(saved), settings.epochs):
        state = state + settings.rate * np.random.default_rng(epoch).random(state.shape) * work.array(
            "first", "numbers.npy"
        )
        np.save(work.checkpoints / f"{epoch}.npy", state)
        work.progress.advance(1)
    save_array(folder / "numbers.npy", state)
    save_json(folder / "record.json", {"resumed_from": 0, "epochs": settings.epochs})


def third(work: Work, folder: Path) -> None:
    save_array(folder / "map.npy", (work.array("second", "numbers.npy") > 1).astype(np.uint8))


STEPS: tuple[Step, ...] = (
    Step("first", 1, first, settings={"first": "-"}, inputs=("scene",)),
    Step(
        "second",
        1,
        second,
        upstream=("first",),
        settings={"second": f"{__name__}:SecondSettings"},
        inputs=("seed", "teachers"),
    ),
    Step("third", 1, third, upstream=("second",), settings={"third": "-"}, inputs=("classes",), delivers=("map.npy",)),
)


def execute(
    folder: Path,
    asked: Request | None = None,
    steps: Sequence[Step] = STEPS,
    progress: Progress = SILENT,
    **options: Any,
) -> list[Outcome]:
    """Run the small pipeline in ``folder``, as ``Job.execute`` runs the real one."""
    run, asked = RunDirectory(folder), asked or request()

    def make(step: Step, key: str) -> Work:
        return Work(run, asked, step, key, None, "cpu", list, progress)  # type: ignore[arg-type]

    with run.locked():
        asked.write(run)
        return runner.execute(run, asked, steps, make, progress=progress, **options)


def ran(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.step for outcome in outcomes if outcome.ran]


def payload(folder: Path) -> dict[str, bytes]:
    """Every payload file and deliverable, without the manifests, which hold times."""
    paths = [*folder.glob("steps/*/*"), *folder.glob("*.npy")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.name != "manifest.json"}
