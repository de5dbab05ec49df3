"""Which teachers a run has: chosen once, written down, kept when the run is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from special.errors import SettingsError
from special.resources import PROMPTS
from special.settings import Settings, teacher_section
from special.storage import files
from special.teachers.base import TEACHERS, Absent, Teacher, TeacherRequest

_FIRST_TEACHERS = ["spectrum-text", "image-text"]
"""Who taught before ``pseudo.teachers`` was a setting: left out of the hash, so that older runs still hold."""


@dataclass(frozen=True)
class ChosenTeachers:
    """Which teachers a run has. A resumed run keeps them.

    Attributes:
        decided_by: hash of everything that decides the identities: what was asked, prompts, concepts, weights.
        identities: each teacher's ``identity()`` by its name.
        models: the weights in use, by the names of teachers that let the user choose them.
        absent: why a teacher that was asked is not there, by its name.
        passing: those of them that may be had another time, as after a fault of the network.
    """

    decided_by: str
    identities: Mapping[str, Any]
    models: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    passing: Sequence[str] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ChosenTeachers:
        """Read what a run has stored; in older ones it was about CLIP alone."""
        if "clip" not in document:
            return cls(**document)
        clip = document["clip"]
        models = {} if clip == "none" else {"image-text": clip}
        absent = {"image-text": document["because"]} if clip == "none" else {}
        return cls(document["decided_by"], document["identities"], models, absent)


def names_of(settings: Settings) -> list[str]:
    """Return the names of the teachers that are asked, the leading one first."""
    return list(settings.values["pseudo.teachers"])


def decided_by(settings: Settings, seed: int, concepts: Sequence[Path]) -> str:
    """Return one hash over all that decides the teachers: the models and texts asked for, their files, the seed.

    Raises:
        SettingsError: a file of concepts is missing.
    """
    names = names_of(settings)
    sections = ("pseudo", *map(teacher_section, names))
    texts = {name: value for name, value in settings.of(*sections).items() if isinstance(value, str) and value}
    named = {}
    for value in texts.values():
        for path in (Path(value), Path(value.partition(":")[2])):
            if path.is_file():
                named[str(path)] = files.sha256_of(path)
    for path in concepts:
        if not path.is_file():
            raise SettingsError(f"no concepts at {path}: name a TOML file written as prompts/concepts.toml is")
    decisive = {
        "texts": texts,
        "seed": seed,
        "files": named,
        "prompts": {str(p.relative_to(PROMPTS)): files.sha256_of(p) for p in PROMPTS.rglob("*") if p.is_file()},
        "concepts": [files.sha256_of(path) for path in concepts],
    }
    if own := {name: text for name in names if (text := TEACHERS.get(name).decided_by(settings))}:
        decisive["own"] = own
    return files.digest(decisive if names == _FIRST_TEACHERS else {**decisive, "teachers": names})


def choose(
    request: TeacherRequest, previous: ChosenTeachers | None, asked_before: Settings | None
) -> tuple[ChosenTeachers, list[Teacher]]:
    """Make the teachers of a run and say which they are.

    A run that began with one set of weights, or without a teacher that could not be had, goes on so as long as the
    user asks for what was asked before, even if more could be had today. Where the network was the reason, and is not
    forbidden, it is asked again.

    Args:
        request: what the teachers are made from.
        previous: the teachers that the run has had. asked_before: the settings by which they were chosen.

    Raises:
        SpecialError: a teacher that was asked for by name cannot be had, or a setting cannot be understood.
    """
    teachers: list[Teacher] = []
    absent: dict[str, str] = {}
    passing: list[str] = []
    for name in names_of(request.settings):
        kind = TEACHERS.get(name)
        asked, setting = request, f"{teacher_section(name)}.{kind.model_setting}"
        if request.settings.values.get(setting) == "none":
            absent[name] = ""
            continue
        if previous is not None and asked_before is not None and _same(setting, request.settings, asked_before):
            if name in previous.absent and (name not in previous.passing or request.offline):
                absent[name] = previous.absent[name]
                passing += [name] if name in previous.passing else []
                continue
            if name in previous.absent:
                request.progress.say(f"The {name} teacher could not be had before; asking again.")
            if name in previous.models:
                asked = replace(request, settings=request.settings.override({setting: previous.models[name]}))
        try:
            teachers.append(kind.make(asked))
        except Absent as reason:
            absent[name] = str(reason)
            passing += [name] if reason.passing else []
            if absent[name]:
                request.progress.say(absent[name])
    if not teachers:
        raise SettingsError("no teacher is left to make pseudo-labels: name another one in pseudo.teachers")
    chosen = ChosenTeachers(
        decided_by(request.settings, request.seed, request.concepts),
        {teacher.name: teacher.identity() for teacher in teachers},
        {teacher.name: teacher.model for teacher in teachers if teacher.model},
        absent,
        passing,
    )
    return chosen, teachers


def _same(setting: str, settings: Settings, before: Settings) -> bool:
    """Whether the user asks for the same weights as before."""
    return setting in settings.values and settings.values[setting] == before.values.get(setting)
