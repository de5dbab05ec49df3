"""Runs the steps that have to run, in order, and no others; knows nothing of what they do.

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

import contextlib
import datetime
import errno
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from special.cache.directory import MANIFEST, Manifest, RunDirectory, payload_hashes
from special.cache.step import Given, Step
from special.errors import RunError
from special.progress import SILENT, Progress
from special.storage import files

FORMAT = 1
"""Raised when the layout of ingredients or of payloads changes for every step."""

MakeContext = Callable[[Step, str], Any]
"""``make(step, key)``: what a step gets to work with."""


@dataclass(frozen=True)
class Verdict:
    """Whether a step has to run, and why. ``state`` is ``done``, ``stale``, ``damaged`` or ``never run``."""

    step: str
    state: str
    reason: str

    @property
    def runs(self) -> bool:
        """Whether the step has to run."""
        return self.state != "done"


@dataclass(frozen=True)
class Outcome:
    """What became of a step in one invocation: ``ran`` or found done, in how many seconds, and what it left."""

    step: str
    ran: bool
    reason: str
    seconds: float
    files: tuple[str, ...]


def plan(run: RunDirectory, steps: Sequence[Step], given: Given, until: str | None = None) -> list[Verdict]:
    """Say of every step, up to ``until``, whether it would run and why. Nothing is written."""
    verdicts: list[Verdict] = []
    held: dict[str, Manifest] = {}
    for step in up_to(steps, until):
        running = [verdict.step for verdict in verdicts if verdict.runs and verdict.step in step.upstream]
        verdict, found = _judge(run, step, given, held, running)
        verdicts.append(verdict)
        if found is not None and not verdict.runs:
            held[step.name] = found
    return verdicts


def execute(
    run: RunDirectory,
    steps: Sequence[Step],
    given: Given,
    make: MakeContext,
    *,
    until: str | None = None,
    progress: Progress = SILENT,
    environment: Callable[[], Mapping[str, Any]] = dict,
    confirm: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Run what has to run, up to ``until``; the caller holds the run.

    Each step's payload is in place, whole and synced, before the next step begins. ``environment`` describes the
    machine for the manifests. ``confirm`` is called before a payload is put in place, and raises where what it was
    made from is no longer what it was.

    Raises:
        SpecialError: a step cannot do its work; what is done already stays.
    """
    outcomes: list[Outcome] = []
    held: dict[str, Manifest] = {}
    for step in up_to(steps, until):
        verdict, found = _judge(run, step, given, held, ())
        if verdict.runs:
            if verdict.state != "never run":
                progress.say(f"{step.name} runs again: {verdict.reason}")
            found = _perform(run, step, ingredients_of(step, given, held), make, environment, confirm, progress)
        assert found is not None
        _clear_work(run, step)
        held[step.name] = found
        shown = publish(run, step, found)
        outcomes.append(Outcome(step.name, verdict.runs, verdict.reason, found.seconds, shown))
    return outcomes


def publish(run: RunDirectory, step: Step, found: Manifest) -> tuple[str, ...]:
    """Put a step's deliverables at the top of the run, where they are not there already; return their names."""
    names = [name for name in found.files if any(fnmatch(name, pattern) for pattern in step.delivers)]
    for name in names:
        target = run.path / name
        if not target.is_file() or files.sha256_of(target) != found.files[name]:
            files.replace_copy(run.step(step.name) / name, target)
    for pattern in step.delivers:
        if "*" not in pattern and pattern not in names:
            (run.path / pattern).unlink(missing_ok=True)  # an earlier request had it, this one does not
    return tuple(names)


def _judge(
    run: RunDirectory, step: Step, given: Given, held: Mapping[str, Manifest], running: Sequence[str]
) -> tuple[Verdict, Manifest | None]:
    """Compare what a step left with what it would be made of now. ``running``: its upstream steps that have to run."""
    ingredients = ingredients_of(step, given, held)
    folder = run.step(step.name)
    found = Manifest.read(folder)
    if found is None:
        if folder.exists():
            return Verdict(step.name, "damaged", f"its {MANIFEST} is missing or damaged"), None
        return Verdict(step.name, "never run", "it has never run"), None
    if running:
        # What runs upstream has no content to compare yet: leave its place as it was, and say that it runs.
        known = found.ingredients.get("upstream", {})
        unknown = {name: known[name] for name in step.upstream if name not in ingredients["upstream"] and name in known}
        ingredients = {**ingredients, "upstream": {**ingredients["upstream"], **unknown}}
    reasons = differences(step, found.ingredients, ingredients, given.renamed)
    reasons += [f"{name} has to run" for name in running]
    if reasons:
        return Verdict(step.name, "stale", "; ".join(reasons)), found
    damaged = found.damaged(folder)
    if damaged:
        verb = "does" if len(damaged) == 1 else "do"
        return Verdict(step.name, "damaged", f"{', '.join(damaged)} {verb} not match the manifest"), found
    return Verdict(step.name, "done", "nothing has changed"), found


def _perform(
    run: RunDirectory,
    step: Step,
    ingredients: Mapping[str, Any],
    make: MakeContext,
    environment: Callable[[], Mapping[str, Any]],
    confirm: Callable[[], None],
    progress: Progress,
) -> Manifest:
    key = files.digest(ingredients)
    staging = files.open_staging(run.path, step.name)
    started = time.perf_counter()
    try:
        with progress.phase(step.name):
            step.function(make(step, key), staging)
        confirm()
        seconds = round(time.perf_counter() - started, 3)
        made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        result = Manifest(
            step.name, key, ingredients, payload_hashes(staging), seconds, made, {**environment(), **progress.figures()}
        )
        result.write(staging)
        files.move_in(staging, run.step(step.name))
    except BaseException as error:
        shutil.rmtree(staging, ignore_errors=True)
        if isinstance(error, Exception):
            confirm()  # whatever went wrong, that its input is another one meanwhile is why
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"no room left for {step.name} in {run.path}: make room, then the same command goes on"
            ) from None
        raise
    return result


def _clear_work(run: RunDirectory, step: Step) -> None:
    """Take away what a step that is done has worked with, or one before it that was killed when it was done."""
    for old in run.path.glob(f"work/{step.name}-*"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):
        (run.path / "work").rmdir()  # unless another step has a checkpoint there


def up_to(steps: Sequence[Step], until: str | None) -> Sequence[Step]:
    """Return the steps up to and including ``until``; all of them when None."""
    names = [step.name for step in steps]
    return steps if until is None else steps[: names.index(until) + 1]


def sections_of(step: Step, given: Given) -> tuple[str, ...]:
    """Return the names of the sections whose settings the step depends on."""
    own = tuple(kind.section for kind in step.settings)
    return own + tuple(section for choice in step.chosen for section in given.chosen[choice])


def ingredients_of(step: Step, given: Given, upstream: Mapping[str, Manifest]) -> dict[str, Any]:
    """Return what decides this step's payload, as JSON. ``upstream`` holds at least the steps it reads."""
    sections = sections_of(step, given)
    return {
        "format": FORMAT,
        "step": step.name,
        "version": step.version,
        "settings": {
            name: value
            for name, value in sorted(given.settings.items())
            if name.rpartition(".")[0] in sections and name not in step.apart
        },
        "inputs": {name: given.inputs[name] for name in step.inputs},
        "upstream": {
            name: {"key": upstream[name].key, "content": upstream[name].content}
            for name in step.upstream
            if name in upstream
        },
    }


def differences(step: Step, old: Mapping[str, Any], new: Mapping[str, Any], renamed: Mapping[str, str]) -> list[str]:
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
        reasons.append(f"{step.inputs.get(name, name)} changed{change}")
    reasons += [f"{name} has changed" for name in _differing(old.get("upstream", {}), new["upstream"])]
    return reasons


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
