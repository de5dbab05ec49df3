"""One invocation on one run: a request, planned, or checked before anything is written and then executed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from special.answers.answers import Answers
from special.api import record
from special.api.command import asked_of
from special.api.findings import findings_of
from special.api.request import ANSWERS, LABELS, Request, read, read_answers, read_labels
from special.api.source import ARRAY
from special.cache import runner
from special.cache.directory import RunDirectory
from special.cache.runner import Outcome, Verdict
from special.cache.step import Given, Step
from special.errors import RunError, SceneError, SettingsError, SpecialError
from special.models.registry import CLASSIFIERS
from special.models.settings import ScanSettings
from special.passes import HERE, Passes
from special.progress import SILENT, Progress
from special.scene import Scene
from special.steps import FIT, FIT_IMAGES, LABEL, with_answers
from special.steps.context import ImagesContext, SceneContext
from special.storage import files
from special.teachers import chosen
from special.teachers.base import TEACHERS, Teacher, TeacherRequest

if TYPE_CHECKING:
    from special.classnames.contextual import Meanings
    from special.training.image_dataset import ImageDataset


@dataclass
class _Checked:
    """What has been found out before anything is written.

    ``teachers`` are let go once they have been asked: no large model stays in memory while the classifier trains.
    ``passes``: who goes over the scene's windows.
    """

    request: Request
    passes: Passes
    device: str = ""
    scan: ScanSettings | None = None
    teachers: list[Teacher] | None = None
    meanings: Meanings | None = None


@dataclass(frozen=True)
class Job:
    """What is asked of a run, before it is done.

    Attributes:
        run: the directory; it need not exist yet.
        request: what is asked now. previous: what was asked of this run before, or None.
        data: the scene or the data set, open; None for a plan without it.
        array: the scene's cube (rows, cols, bands) where it is no file, to be kept in the run.
        labels: the label image (rows, cols) of a supervised run, to be kept in the run.
        answers: all answers of the user, to be kept in the run.
        start_over: forget what the run holds (``--force``).
        steps: the pipeline.
        notes: what was understood of the labels or the answers.
        ask_again: whether teachers are asked again that could not be had for a reason that passes.
    """

    run: RunDirectory
    request: Request
    previous: Request | None
    data: Scene | ImageDataset | None
    array: np.ndarray | None = None
    labels: np.ndarray | None = None
    answers: Answers | None = None
    start_over: bool = False
    steps: Sequence[Step] = LABEL
    notes: Sequence[str] = ()
    ask_again: bool = False

    def plan(self, until: str | None = None) -> list[Verdict]:
        """Say of every step whether it would run and why. Nothing is written, fetched or loaded."""
        steps = runner.up_to(self.steps, self.known(until))
        if self.start_over:
            return [Verdict(step.name, "never run", "--force starts over") for step in steps]
        return runner.plan(self.run, steps, self._given(self._with_kept_teachers(), findings_of(self.run)))

    def execute(self, until: str | None = None, progress: Progress = SILENT, passes: Passes = HERE) -> list[Outcome]:
        """Do it: check everything, hold the run, run what has to run; ``passes`` go over the scene's windows.

        Raises:
            SpecialError: something cannot be done. Where nothing had been done before, nothing is left behind.
        """
        for note in self.request.settings.notes:
            progress.say(note)
        for note in self.notes:
            progress.say(note)
        for warning in self.data.warnings if isinstance(self.data, Scene) else ():
            progress.say(warning)
        with progress.phase("prepare"):
            checked = self._check(until, progress, passes)
        fresh = not self.run.path.exists()
        try:
            with self.run.locked():
                self._begin(checked.request)
                findings = findings_of(self.run)
                try:
                    return runner.execute(
                        self.run,
                        runner.up_to(self.steps, until),
                        self._given(checked.request, findings),
                        lambda step, key: self._context(step, key, checked, findings, progress),
                        progress=progress,
                        environment=lambda: record.environment(checked.device, _scan_backend(checked)),
                        confirm=self._refuse_replaced,
                    )
                finally:
                    record.write(self.run, checked.request, self.steps)
        except SpecialError:
            if fresh and not (self.run.path / "steps").exists():
                shutil.rmtree(self.run.path, ignore_errors=True)
            raise

    def known(self, step: str | None) -> str | None:
        """Make sure that the run has a step of this name.

        Raises:
            SettingsError: it has none.
        """
        names = [one.name for one in self.steps]
        if step is not None and step not in names:
            raise SettingsError(f"there is no step {step!r}: name one of {', '.join(names)}")
        return step

    def _given(self, request: Request, findings: Mapping[str, Any]) -> Given:
        """Return what the steps take from outside the run, and from what was found out about its map."""
        given = request.given()
        hashes = {name: files.digest(document) for name, document in findings.items()}
        return replace(
            given, inputs={**given.inputs, "asked": asked_of(request, self.steps, decisive=True), "findings": hashes}
        )

    def _refuse_replaced(self) -> None:
        """Make sure that the scene is still the one that was opened.

        Raises:
            SceneError: a file of it has been written to or replaced meanwhile.
        """
        replaced = self.data.replaced if self.data is not None else None
        if replaced is not None:
            raise SceneError(
                f"{replaced} has changed while it was worked on: what was done before is kept; when the file is whole, "
                "give the same command again"
            )

    def _with_kept_teachers(self) -> Request:
        """Return the request with the teachers that the run has had, where nothing that decides them has changed."""
        kept = self.previous.teachers if self.previous is not None else None
        request = self.request
        if kept is None or kept.decided_by != chosen.decided_by(request.settings, request.seed, request.concepts):
            return replace(request, teachers=None)
        return replace(request, teachers=kept)

    def _check(self, until: str | None, progress: Progress, passes: Passes) -> _Checked:
        """Find out all that can go wrong before anything is written."""
        checked = _Checked(self._with_kept_teachers(), passes)
        to_run = {verdict.step for verdict in self.plan(until) if verdict.runs}
        steps = [step for step in self.steps if step.name in to_run]
        if self._asks_again(until):
            steps += [step for step in self.steps if "teachers" in step.inputs and step not in steps]
        if not steps:
            return checked
        settings = self.request.settings
        checked.device = resolve_device(self.request.device)
        for kind in {kind for step in steps for kind in step.settings}:
            settings.build(kind)
        if any("classifier" in step.chosen for step in steps):
            settings.build(CLASSIFIERS.get(settings.values["classifier.name"]).settings_type)
            checked.scan = settings.build(ScanSettings)
            if checked.scan.backend != "auto":
                _scan_backend(checked)
        if any("teachers" in step.inputs for step in steps):
            asked = self._teacher_request(checked, progress)
            for name in chosen.names_of(settings):
                if (own := TEACHERS.get(name).settings_type) is not None:
                    settings.build(own)
            before = self.previous
            decided, checked.teachers = chosen.choose(
                asked, before.teachers if before else None, before.settings if before else None
            )
            checked.request = replace(checked.request, teachers=decided)
        elif checked.request.teachers is None and self.previous is not None:
            # Not asked this time. What the run began with is kept in mind; that it no longer holds is seen by its hash.
            checked.request = replace(checked.request, teachers=self.previous.teachers)
        texts = self.request.texts
        if texts is not None and any("texts" in step.inputs for step in steps):
            checked.meanings = texts.read(self.request.classes, progress)
        return checked

    def _asks_again(self, until: str | None) -> bool:
        """Whether a teacher that the network has kept away is to be asked again. Where it comes, its step runs."""
        kept = self.previous.teachers if self.previous is not None else None
        in_reach = any("teachers" in step.inputs for step in runner.up_to(self.steps, until))
        return self.ask_again and in_reach and kept is not None and bool(kept.passing) and not self.request.offline

    def _begin(self, request: Request) -> None:
        """Write down what is asked. The run is held, so what another process did meanwhile can be seen."""
        shutil.rmtree(self.run.workers, ignore_errors=True)  # of a command that was killed
        if self.start_over:
            for name in ("steps", "work"):
                shutil.rmtree(self.run.path / name, ignore_errors=True)
        elif self.run.is_run:
            refuse_other_input(self.run, read(self.run), request)
        if self.array is not None and (self.previous is None or not (self.run.path / ARRAY).is_file()):
            files.replace_array(self.run.path / ARRAY, self.array)
        if self.labels is not None:
            files.replace_array(self.run.path / LABELS, self.labels)
        if self.answers is not None:
            files.replace_array(self.run.path / ANSWERS, self.answers.table)
        request.write(self.run)

    def _context(
        self, step: Step, key: str, checked: _Checked, findings: Mapping[str, Any], progress: Progress
    ) -> SceneContext | ImagesContext:
        request = checked.request
        if checked.meanings is None and request.texts and "texts" in step.inputs:  # what was whole is damaged now
            checked.meanings = request.texts.read(request.classes, progress)
        checked.device = checked.device or resolve_device(request.device)
        common: dict[str, Any] = {
            "run": self.run,
            "step": step,
            "key": key,
            "classes": request.classes,
            "values": request.settings,
            "seed": request.seed,
            "device": checked.device,
            "progress": progress,
            "meanings": checked.meanings,
            "content": {"scene": dict(request.content), "labels": request.labels},
        }
        assert self.data is not None
        if not isinstance(self.data, Scene):
            return ImagesContext(**common, images=self.data)
        size = self.data.shape[:2]

        def teachers() -> list[Teacher]:
            taken, checked.teachers = checked.teachers, None
            if taken is None:  # what was whole when the run was planned is damaged now
                asked = self._teacher_request(checked, progress)
                _, taken = chosen.choose(asked, request.teachers, request.settings)
            return taken

        return SceneContext(
            **common,
            scene=self.data,
            teachers=teachers,
            labels=lambda: read_labels(self.run, request, size),
            answers=lambda: read_answers(self.run, request, size),
            asked=asked_of(request, self.steps),
            findings=findings,
            passes=checked.passes,
        )

    @staticmethod
    def _teacher_request(checked: _Checked, progress: Progress) -> TeacherRequest:
        asked = checked.request
        own = asked.settings, asked.concepts, asked.offline, checked.device, asked.seed
        return TeacherRequest(*own, progress, checked.passes)


def steps_of(request: Request) -> Sequence[Step]:
    """Return the steps that a run has."""
    if request.made_by == "special label":
        return LABEL if request.answers is None else with_answers()
    return FIT if request.made_by == "special fit" else FIT_IMAGES


def resolve_device(device: str) -> str:
    """Return ``cpu`` or ``cuda`` for what was asked; ``auto`` takes the GPU where there is one.

    Raises:
        SettingsError: the device is unknown, or not on this machine.
    """
    if device == "cpu":
        return device
    if device not in ("auto", "cuda"):
        raise SettingsError(f"the device {device!r} is unknown: name auto, cpu or cuda")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise SettingsError("this machine has no CUDA device that torch can use: give --device cpu")
    return "cpu"


def _scan_backend(checked: _Checked) -> str | None:
    """Return what computes the selective scan; None where no step needs one.

    Raises:
        SettingsError: it does not work on the device.
    """
    if checked.scan is None:
        return None
    from special.models.scan import choose_backend

    return choose_backend(checked.scan.backend, checked.device)


def refuse_other_input(run: RunDirectory, previous: Request, request: Request) -> None:
    """Make sure that a run stays with its scene.

    Raises:
        RunError: ``request`` is about another scene than the run was made from, or asks for a run of another kind.
    """
    if previous.made_by != request.made_by:
        raise RunError(
            f"{run.path} was made by {previous.made_by}: choose another directory with --out, "
            "or start this one over with --force"
        )
    if previous.content["files"] != request.content["files"]:
        raise RunError(
            f"{run.path} was made from {previous.source.other} ({previous.source.name}): "
            "choose another directory with --out, or start this one over with --force"
        )
