"""One invocation on one run: a request, checked before anything is written, then planned or executed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from special.api import record
from special.api.request import ARRAY, LABELS, Request, read
from special.cache import runner
from special.cache.directory import RunDirectory
from special.cache.runner import Outcome, Verdict
from special.cache.step import Step
from special.device import resolve
from special.errors import RunError, SpecialError
from special.progress import SILENT, Progress
from special.steps.context import Work, build
from special.steps.pipeline import STEPS
from special.storage import files
from special.teachers import chosen as teaching

if TYPE_CHECKING:
    from special.classnames.contextual import Meanings
    from special.scene import Scene
    from special.teachers.base import Teacher


@dataclass(frozen=True)
class Job:
    """What is asked of a run, before it is done.

    Attributes:
        run: the directory; it need not exist yet.
        request: what is asked now. previous: what was asked of this run before, or None.
        scene: the scene, open; None for a plan without it.
        array: the scene's cube where it is no file, to be kept in the run.
        labels: the label image of a supervised run, to be kept in the run.
        anew: forget what the run holds (``--force``).
        steps, choose: the pipeline and the maker of teachers; tests put their own here.
    """

    run: RunDirectory
    request: Request
    previous: Request | None
    scene: Scene | None
    array: np.ndarray | None = None
    labels: np.ndarray | None = None
    anew: bool = False
    steps: Sequence[Step] = STEPS
    choose: teaching.Choose = teaching.choose

    def plan(self, until: str | None = None) -> list[Verdict]:
        """Say of every step whether it would run and why. Nothing is written, fetched or loaded."""
        if self.anew:
            return [Verdict(step.name, "never run", "--force starts over") for step in runner.up_to(self.steps, until)]
        return runner.plan(self.run, self._kept(), self.steps, until)

    def execute(self, until: str | None = None, progress: Progress = SILENT) -> list[Outcome]:
        """Do it: check everything, hold the run, run what has to run.

        Raises:
            SpecialError: something cannot be done. Where nothing had been done before, nothing is left behind.
        """
        with progress.phase("prepare"):
            request, device, scan, teachers, meanings = self._check(until, progress)
        fresh = not self.run.path.exists()
        try:
            with self.run.locked():
                self._begin(request)
                try:
                    outcomes = runner.execute(
                        self.run,
                        request,
                        self.steps,
                        lambda step, key: self._work(step, key, request, device, teachers, meanings, progress),
                        until=until,
                        progress=progress,
                        environment=lambda: record.environment(device, scan),
                    )
                finally:
                    record.write(self.run, request, self.steps)
        except SpecialError:
            if fresh and not (self.run.path / "steps").exists():
                shutil.rmtree(self.run.path, ignore_errors=True)
            raise
        return outcomes

    def _kept(self) -> Request:
        return self.request.with_teaching(teaching.keep(self.request, self.previous))

    def _check(
        self, until: str | None, progress: Progress
    ) -> tuple[Request, str, str | None, list[Teacher], Meanings | None]:
        """Find out all that can go wrong before anything is written."""
        request, verdicts = self._kept(), self.plan(until)
        running = {verdict.step for verdict in verdicts if verdict.runs}
        if not running:
            return request, "", None, [], None
        device, scan = resolve(request.device), None
        for step in self.steps:
            if step.name in running:
                for section in step.settings:
                    built = build(request.settings, step, section)
                    scan = built.chosen(device) if section == "scan" else scan
        teachers: list[Teacher] = []
        if any("teachers" in step.inputs and step.name in running for step in self.steps):
            decided, teachers = teaching.decide(request, self.previous, device, progress, self.choose)
            request = request.with_teaching(decided)
        elif request.teaching is None and self.previous is not None:
            # Not asked this time. What the run began with is kept in mind; that it no longer holds is seen by its hash.
            request = request.with_teaching(self.previous.teaching)
        meanings = None
        if request.texts and any("texts" in step.inputs and step.name in running for step in self.steps):
            meanings = request.texts.read(request.classes, progress)
        return request, device, scan, teachers, meanings

    def _begin(self, request: Request) -> None:
        """Write down what is asked. The run is held, so what another process did meanwhile can be seen."""
        if self.anew:
            for name in ("steps", "work"):
                shutil.rmtree(self.run.path / name, ignore_errors=True)
        elif self.run.is_run:
            refuse_other_scene(self.run, read(self.run), request)
        if self.array is not None and (self.previous is None or not (self.run.path / ARRAY).is_file()):
            aside = files.open_aside(self.run.path, "scene")
            files.save_array(aside / ARRAY, self.array)
            files.replace_copy(aside / ARRAY, self.run.path / ARRAY)
            shutil.rmtree(aside)
        if self.labels is not None:
            aside = files.open_aside(self.run.path, "labels")
            files.save_array(aside / LABELS, self.labels)
            files.replace_copy(aside / LABELS, self.run.path / LABELS)
            shutil.rmtree(aside)
        request.write(self.run)

    def _work(
        self,
        step: Step,
        key: str,
        request: Request,
        device: str,
        teachers: list[Teacher],
        meanings: Meanings | None,
        progress: Progress,
    ) -> Work:
        assert self.scene is not None

        def take() -> list[Teacher]:
            taken = list(teachers)
            teachers.clear()  # so that a large model does not stay in memory while the classifier trains
            if not taken and request.teaching is not None:  # what was whole when the run was planned is damaged now
                taken = self.choose(request, request.teaching.clip, device, progress)
            return taken

        if meanings is None and request.texts and "texts" in step.inputs:  # what was whole is damaged now
            meanings = request.texts.read(request.classes, progress)
        at = device or resolve(request.device)
        return Work(self.run, request, step, key, self.scene, at, take, progress, meanings)


def refuse_other_scene(run: RunDirectory, previous: Request, request: Request) -> None:
    """Make sure that a run stays with its scene.

    Raises:
        RunError: ``request`` is about another scene than the run was made from, or one is supervised and one is not.
    """
    if (previous.labels is None) != (request.labels is None):
        made = "special label" if previous.labels is None else "special fit"
        raise RunError(
            f"{run.path} was made by {made}: choose another directory with --out, or start this one over with --force"
        )
    if previous.content["files"] != request.content["files"]:
        raise RunError(
            f"{run.path} was made from another scene ({previous.source.name}): "
            "choose another directory with --out, or start this one over with --force"
        )


def refuse_foreign(run: RunDirectory) -> None:
    """Make sure that a directory is a run, or free to become one.

    Raises:
        RunError: it is a file, or a folder with something else in it.
    """
    if run.path.exists() and not run.path.is_dir():
        raise RunError(f"{run.path} is a file, not the directory of a run: choose another with --out")
    if run.path.is_dir() and not run.is_run and any(not path.name.startswith(".") for path in run.path.iterdir()):
        raise RunError(f"{run.path} is not a run and not empty: choose another directory with --out")


def refuse_early(steps: Sequence[Step], first: str, names: Iterable[str]) -> None:
    """Make sure that settings leave the steps before ``first`` as they are.

    Raises:
        SpecialError: one of them belongs to an earlier step.
    """
    from special.errors import SettingsError

    order = [step.name for step in steps]
    for name in names:
        owner = next((s.name for s in steps if any(name.startswith(f"{part}.") for part in s.settings)), first)
        if order.index(owner) < order.index(first):
            raise SettingsError(
                f"{name} is a setting of {owner}, which comes before {first}: use special {owner} RUN --set ..."
            )


def default_directory(scene: Path | None) -> Path:
    """Return where a scene's run goes when nothing is said: ``<scene stem>.special`` in the working directory."""
    return Path(f"{'scene' if scene is None else scene.stem}.special")
