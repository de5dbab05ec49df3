"""Which teachers a run has: chosen once, written down, kept when the run is resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from special.api.request import Request, Teaching
from special.errors import SettingsError
from special.progress import Progress
from special.resources import PROMPTS
from special.storage import files

if TYPE_CHECKING:
    from special.teachers.base import Teacher

Choose = Callable[[Request, str, str, Progress], "list[Teacher]"]
"""``choose(request, clip, device, progress)``: make the teachers; ``clip`` is the image-text model to look for."""


def choose(request: Request, clip: str, device: str, progress: Progress) -> list[Teacher]:
    """Make the teachers of a run.

    Raises:
        WeightsError: a model that was asked for by name cannot be had.
        SettingsError: a setting or a file of concepts cannot be understood.
    """
    from special.teachers import chooser_tmp as teachers

    return teachers.choose(
        request.settings,
        clip=clip,
        offline=request.offline,
        concepts=list(request.concepts),
        device=device,
        seed=request.seed,
        progress=progress,
    )


def keep(request: Request, previous: Request | None) -> Teaching | None:
    """Return the teachers of ``previous`` where nothing that decides them has changed since; else None."""
    if previous is None or previous.teaching is None:
        return None
    return previous.teaching if previous.teaching.decided_by == decided_by(request) else None


def decide(
    request: Request, previous: Request | None, device: str, progress: Progress, choose: Choose = choose
) -> tuple[Teaching, list[Teacher]]:
    """Make the teachers of a run and say which they are.

    A run that began with one image-text model, or with none, goes on with that as long as ``request`` asks for what
    ``previous`` asked for, even if ``auto`` would find more today.

    Raises:
        WeightsError, SettingsError: as ``choose``.
    """
    clip = request.clip
    if previous is not None and previous.teaching is not None and previous.clip == request.clip:
        clip = previous.teaching.clip
    listener = _Remembering(progress)
    teachers = choose(request, clip, device, listener)
    identities = {teacher.name: teacher.identity() for teacher in teachers}
    used = _in_use(clip) if "image-text" in identities else "none"
    because = ""
    if used == "none" and clip != "none":
        because = listener.said[-1] if listener.said else ""
    elif used == "none" and request.clip != "none" and previous is not None and previous.teaching is not None:
        because = previous.teaching.because
    return Teaching(decided_by(request), used, because, identities), teachers


def decided_by(request: Request) -> str:
    """Return one hash over all that decides the teachers: the models and texts asked for, their files, the seed.

    Raises:
        SettingsError: a file of concepts is missing.
    """
    texts = {
        name: value
        for name, value in request.settings.of("pseudo", "pseudo.image_text", "pseudo.spectrum_text").items()
        if isinstance(value, str)
    }
    named = {}
    for value in texts.values():
        for path in (Path(value), Path(value.partition(":")[2])):
            if path.is_file():
                named[str(path)] = files.sha256_of(path)
    for path in request.concepts:
        if not path.is_file():
            raise SettingsError(f"no concepts at {path}: name a TOML file written as prompts/concepts.toml is")
    return files.digest(
        {
            "texts": texts,
            "seed": request.seed,
            "files": named,
            "prompts": {str(p.relative_to(PROMPTS)): files.sha256_of(p) for p in PROMPTS.rglob("*") if p.is_file()},
            "concepts": [files.sha256_of(path) for path in request.concepts],
        }
    )


class _Remembering(Progress):
    """Hands everything on, and remembers what was said."""

    def __init__(self, to: Progress) -> None:
        self.said: list[str] = []
        self._to = to

    def begin(self, what: str, total: int) -> None:
        self._to.begin(what, total)

    def advance(self, steps: int = 1, **figures: float) -> None:
        self._to.advance(steps, **figures)

    def end(self) -> None:
        self._to.end()

    def say(self, line: str) -> None:
        self.said.append(line)
        self._to.say(line)


def _in_use(clip: str) -> str:
    if clip != "auto":
        return clip
    from special.teachers.image_text.weights import AUTO_MODEL

    return AUTO_MODEL
