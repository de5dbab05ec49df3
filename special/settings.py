"""Pipelines: every setting of every step, read from a TOML file and overridden by ``--set step.key=value``.

``pipelines/special.toml`` is the only place where values are written down. It is also the list of what exists: a
setting that is not in it is unknown, and the kind of its value there (whole number, number, text, true or false,
list) is the kind that every other pipeline and every ``--set`` must give. The frozen dataclasses that the steps
take are built from its sections by ``Settings.build``, which checks them once more, field by field.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from special.errors import SettingsError
from special.resources import folder

DEFAULT = "special"
Built = TypeVar("Built")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of one run. ``values`` maps dotted names to TOML values: ``{"warmup.epochs": 30, ...}``."""

    pipeline: str
    values: Mapping[str, Any]

    def of(self, *sections: str) -> dict[str, Any]:
        """Return the settings of ``sections`` and of the sections inside them, by their dotted names, in order."""
        starts = tuple(f"{section}." for section in sections)
        return {name: value for name, value in sorted(self.values.items()) if name.startswith(starts)}

    def override(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with ``changes``, dotted names to values.

        Raises:
            SettingsError: a name is unknown, or a value is of another kind than the default.
        """
        return Settings(self.pipeline, {**self.values, **{k: _checked(k, v) for k, v in changes.items()}})

    def build(self, section: str, kind: type[Built]) -> Built:
        """Return the section as the frozen dataclass ``kind``; a field that is a dataclass takes the section inside.

        Raises:
            SettingsError: the section lacks a field or holds one that ``kind`` does not have, or a value does not fit.
        """
        hints = typing.get_type_hints(kind)
        fields: dict[str, Any] = {}
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            name, hint = f"{section}.{field.name}", hints[field.name]
            if dataclasses.is_dataclass(hint):
                fields[field.name] = self.build(name, typing.cast(type[Any], hint))
            elif name in self.values:
                fields[field.name] = _fitted(name, self.values[name], hint)
            else:
                raise SettingsError(
                    f'the pipeline {self.pipeline!r} lacks {name}: add it, or begin with extends = "special"'
                )
        for name in self.values:
            parent, _, key = name.rpartition(".")
            if parent == section and key not in fields:
                raise SettingsError(f"{name} is a setting that its step does not have")
        return kind(**fields)


def load(pipeline: str | Path = DEFAULT, changes: Mapping[str, Any] | None = None) -> Settings:
    """Read a pipeline by name (``special``) or from a TOML file, follow its ``extends``, and apply ``changes``.

    Raises:
        SettingsError: there is no such pipeline, it is not TOML, or it holds unknown or misfit settings.
    """
    values = _read(str(pipeline), seen=())
    missing = [name for name in _defaults() if name not in values]
    if missing:
        raise SettingsError(
            f'the pipeline {str(pipeline)!r} lacks {_some(missing)}: begin it with extends = "special" '
            "and write only what differs"
        )
    return Settings(str(pipeline), values).override(changes or {})


def restore(pipeline: str, values: Mapping[str, Any]) -> Settings:
    """Return settings that another version may have written: what is new gets its default, what is gone is dropped."""
    return Settings(pipeline, {name: values.get(name, default) for name, default in _defaults().items()})


def parse_changes(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``step.key=value`` texts. Values are TOML; what is not is taken as it stands, so quotes can be left out.

    Raises:
        SettingsError: a text has no ``=`` or no name.
    """
    changes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"{text!r} sets nothing: write step.key=value, as in refine.lambda_hard=0.2")
        changes[name.strip()] = _toml_value(value.strip())
    return changes


def pipelines() -> list[str]:
    """Return the names of the pipelines that come with the package."""
    return sorted(path.stem for path in folder("pipelines").glob("*.toml"))


def _toml_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def _read(pipeline: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """Return the flat values of a pipeline and of those it extends."""
    if pipeline in seen:
        raise SettingsError(f"the pipeline {pipeline!r} extends itself: {' extends '.join((*seen, pipeline))}")
    path = _locate(pipeline)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the pipeline {path} cannot be read: {error}") from None
    base: dict[str, Any] = {}
    if "extends" in table:
        extends = table.pop("extends")
        if not isinstance(extends, str):
            raise SettingsError(f'{path}: extends names one pipeline, as in extends = "special"')
        own = path.parent / extends
        base = _read(str(own) if own.is_file() else extends, (*seen, pipeline))
    flat = _flat(table)
    if path == _default_path():
        return flat
    return {**base, **{name: _checked(name, value, f"{path}: ") for name, value in flat.items()}}


def _locate(pipeline: str) -> Path:
    named = folder("pipelines") / f"{pipeline}.toml"
    if "/" not in pipeline and "\\" not in pipeline and named.is_file():
        return named
    path = Path(pipeline)
    if not path.is_file():
        raise SettingsError(f"no pipeline {pipeline!r}: name one of {', '.join(pipelines())}, or a TOML file")
    return path


def _default_path() -> Path:
    return folder("pipelines") / f"{DEFAULT}.toml"


@cache
def _defaults() -> dict[str, Any]:
    return _read(DEFAULT, seen=())


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _checked(name: str, value: Any, origin: str = "") -> Any:
    """Return ``value`` in the kind that the default has, so that equal settings have equal keys."""
    if name not in _defaults():
        raise SettingsError(_unknown(name, origin))
    return _like(name, value, _defaults()[name])


def _like(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
        fits = math.isfinite(value)
    elif isinstance(default, list) and isinstance(value, list | tuple):
        return [_like(name, item, default[0]) for item in value] if default else list(value)
    else:
        fits = type(value) is type(default)
    if not fits:
        raise SettingsError(f"{name} takes {_kind(default)} such as {_shown(default)}, not {_shown(value)}")
    return value


def _kind(value: Any) -> str:
    names = {bool: "true or false,", int: "a whole number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "a value")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _unknown(name: str, origin: str) -> str:
    """Say what is near an unknown name: settings that look like it, else what its step has."""
    known = list(_defaults())
    steps = list(dict.fromkeys(entry.partition(".")[0] for entry in known))
    step = name.partition(".")[0]
    own = [entry for entry in known if entry.startswith(f"{step}.")]
    near = difflib.get_close_matches(name, known, 3, 0.75)
    near += [entry for entry in known if entry.rpartition(".")[2] == name.rpartition(".")[2] and entry not in near]
    if near:
        return f"{origin}there is no setting {name!r}: did you mean {_some(near, ' or ')}?"
    if own:
        return f"{origin}there is no setting {name!r}: {step} has {_some(own, limit=12)}"
    return f"{origin}there is no setting {name!r}: it begins with one of {', '.join(steps)}, as in {known[0]}"


def _some(names: list[str], joint: str = ", ", limit: int = 4) -> str:
    return joint.join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _fitted(name: str, value: Any, hint: Any) -> Any:
    """Return ``value`` as the annotation ``hint`` wants it: lists become tuples, whole numbers become numbers."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise SettingsError(f"{name} takes one of {', '.join(map(str, arguments))}, not {_shown(value)}")
    if origin in (typing.Union, types.UnionType):
        for choice in arguments:
            try:
                return _fitted(name, value, choice)
            except SettingsError:
                continue
        raise SettingsError(f"{name} does not take {_shown(value)}")
    if origin in (tuple, list) and isinstance(value, list):
        inner = arguments if Ellipsis not in arguments and origin is tuple else (arguments[0],) * len(value)
        if len(inner) != len(value):
            raise SettingsError(f"{name} takes a list of {len(inner)}, not of {len(value)}")
        return origin(_fitted(name, item, kind) for item, kind in zip(value, inner, strict=True))
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(hint, type) or type(value) is not hint:
        raise SettingsError(f"{name} takes {getattr(hint, '__name__', hint)}, not {_shown(value)}")
    return value
