"""Pipelines: every setting of every step, read from a TOML file and overridden by ``--set step.key=value``.

``pipelines/special.toml`` is the only place where values are written down. It is also the list of what exists: a
setting that is not in it is unknown, and the kind of its value there (whole number, number, text, true or false,
list) is the kind that every other pipeline and every ``--set`` must give. A third party's teacher or classifier brings
a section of its own, whose values are the defaults of its dataclass.

The steps take frozen dataclasses, each of which names its ``section``; ``Settings.build`` makes them and holds every
value to the range that its field is annotated with: ``epochs: Annotated[int, Within(1)]``.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import tomllib
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from special.errors import SettingsError
from special.registry import Registry
from special.resources import PIPELINES

DEFAULT = "special"


class Section(Protocol):
    """A frozen dataclass that holds one section of a pipeline; its fields are the section's settings."""

    section: ClassVar[str]


Built = TypeVar("Built", bound=Section)

_LONGEST = 60  # characters of a value that a message shows

_TRAINING = ("warmup", "refine", "fit", "cubes")
RENAMED: Mapping[str, str] = {
    **{f"model.{key}": f"mambahsi.{key}" for key in ("hidden", "blocks", "groups", "state", "conv", "expand")},
    **{f"{section}.clip": f"{section}.max_grad_norm" for section in _TRAINING},
    **{f"{section}.average": f"{section}.ema_decay" for section in _TRAINING},
    **{f"{section}.guide": f"{section}.bvsb_power" for section in ("warmup", "refine")},
    **{f"{section}.anchor": f"{section}.prior_weight" for section in ("warmup", "refine")},
    "refine.features": "refine.pca_components",
    "refine.components": "refine.mixture_components",
    "refine.prior": "refine.class_prior_power",
    "refine.spectral": "refine.mixture_share",
    "refine.smallest": "refine.min_mixture_pixels",
    "refine.fit_pixels": "refine.max_mixture_pixels",
    "s3fn.first": "s3fn.stage1_share",
}
"""What settings were called before, and what they are called now. Old names are still understood."""


@dataclasses.dataclass(frozen=True)
class Within:
    """The range of a setting, or of all values of a list: from ``low`` to ``high``, above ``above``, below ``below``.

    A bound may be the name of another setting of the section.
    """

    low: float | str | None = None
    high: float | str | None = None
    above: float | str | None = None
    below: float | str | None = None

    def holds(self, value: Any, others: Mapping[str, Any]) -> bool:
        """Whether ``value`` lies inside; ``others`` are the settings of the section."""
        if isinstance(value, list | tuple):
            return all(self.holds(item, others) for item in value)
        low, high, above, below = (others[b] if isinstance(b, str) else b for b in dataclasses.astuple(self))
        return not (
            (low is not None and value < low)
            or (high is not None and value > high)
            or (above is not None and value <= above)
            or (below is not None and value >= below)
        )

    def __str__(self) -> str:
        """The range in words."""
        low, high, above, below = map(_bound, dataclasses.astuple(self))
        if low and high:
            return f"{low} to {high}"
        if low and below:
            return f"from {low} to below {below}"
        lower = f"{low} or more" if low else f"more than {above}" if above else ""
        upper = f"{high} at most" if high else f"less than {below}" if below else ""
        return ", ".join(part for part in (lower, upper) if part)


def _bound(bound: float | str | None) -> str:
    return "" if bound is None else bound if isinstance(bound, str) else f"{bound:g}" if bound < 1e6 else f"{bound:.0f}"


@dataclasses.dataclass(frozen=True)
class OneOf:
    """The texts that a setting may be."""

    choices: tuple[str, ...]

    def holds(self, value: Any, others: Mapping[str, Any]) -> bool:
        """Whether ``value`` is one of them; of a list, every item."""
        return all(item in self.choices for item in (value if isinstance(value, list | tuple) else [value]))

    def __str__(self) -> str:
        """The choices in words."""
        return " or ".join(self.choices)


@dataclasses.dataclass(frozen=True)
class Count:
    """How many values a list must have: ``exactly`` so many, or any number but none."""

    exactly: int | None = None

    def holds(self, value: Any, others: Mapping[str, Any]) -> bool:
        """Whether the list is as long as that."""
        return len(value) == self.exactly if self.exactly is not None else len(value) > 0

    def __str__(self) -> str:
        """The number in words."""
        return "a list of one value or more" if self.exactly is None else f"a list of {self.exactly} values"


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of one run. ``values`` maps dotted names to TOML values: ``{"warmup.epochs": 30, ...}``.

    ``renamed``: the old names that they were given by, with the new ones.
    """

    pipeline: str
    values: Mapping[str, Any]
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    def of(self, *sections: str) -> dict[str, Any]:
        """Return the settings of ``sections``, by their dotted names, in order; not those of sections inside them."""
        return {name: value for name, value in sorted(self.values.items()) if name.rpartition(".")[0] in sections}

    def override(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with ``changes``, dotted names to values.

        Raises:
            SettingsError: a name is unknown, or a value is of another kind than the default.
        """
        new = {RENAMED.get(name, name): _checked(RENAMED.get(name, name), value) for name, value in changes.items()}
        return Settings(self.pipeline, {**self.values, **new}, {**self.renamed, **_old_names(changes)})

    @property
    def notes(self) -> list[str]:
        """What to tell the user about them: one line where old names were used."""
        pairs = dict.fromkeys(_difference(old, new) for old, new in self.renamed.items())
        told = ", ".join(f"{old} is {new}" for old, new in pairs)
        return [f"Settings have new names, old ones still work: {told}."] if told else []

    def build(self, kind: type[Built]) -> Built:
        """Return the section that the frozen dataclass ``kind`` names, as one.

        Raises:
            SettingsError: the section lacks a field, or has one too many, or a value is out of its range.
        """
        own = {name.rpartition(".")[2]: value for name, value in self.of(kind.section).items()}
        fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
        for name in fields:
            if name not in own:
                lacks = f"the pipeline {self.pipeline!r} lacks {kind.section}.{name}"
                raise SettingsError(f'{lacks}: add it, or begin with extends = "special"')
        for name in own:
            if name not in fields:
                raise SettingsError(f"{kind.section}.{name} is a setting that its step does not have")
        for name, hint in typing.get_type_hints(kind, include_extras=True).items():
            for rule in getattr(hint, "__metadata__", ()) if name in own else ():
                if not rule.holds(own[name], own):
                    raise SettingsError(f"{kind.section}.{name} must be {rule}, not {_shown(own[name])}")
        frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in own.items()}
        return kind(**frozen)


def load(pipeline: str | Path = DEFAULT, changes: Mapping[str, Any] | None = None) -> Settings:
    """Read a pipeline by name (``special``) or from a TOML file, follow its ``extends``, and apply ``changes``.

    Raises:
        SettingsError: there is no such pipeline, it is not TOML, or it holds unknown or misfit settings.
    """
    values, renamed = _read(str(pipeline), seen=())
    missing = [name for name in _ours() if name not in values]
    if missing:
        raise SettingsError(
            f'the pipeline {str(pipeline)!r} lacks {_some(missing)}: begin it with extends = "special" '
            "and write only what differs"
        )
    # A file that extends nothing need not know of what other distributions bring.
    return Settings(str(pipeline), {**_defaults(), **values}, renamed).override(changes or {})


def teacher_section(name: str) -> str:
    """Return the section of a pipeline that holds the settings of the teacher ``name``."""
    return f"pseudo.{name.replace('-', '_')}"


def restore(pipeline: str, values: Mapping[str, Any]) -> Settings:
    """Return settings that another version may have written: what is new gets its default, what is gone is dropped.

    Raises:
        SettingsError: a value is of another kind than the default.
    """
    known = {RENAMED.get(name, name): value for name, value in values.items() if RENAMED.get(name, name) in _defaults()}
    kept = {name: _checked(name, known.get(name, default)) for name, default in _defaults().items()}
    return Settings(pipeline, kept, _old_names(values))


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
    return sorted(path.stem for path in PIPELINES.glob("*.toml"))


def _toml_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def _read(pipeline: str, seen: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the flat values of a pipeline and of those it extends, and the old names that stand in them."""
    if pipeline in seen:
        raise SettingsError(f"the pipeline {pipeline!r} extends itself: {' extends '.join((*seen, pipeline))}")
    path = _locate(pipeline)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # whole numbers of 5000 digits are no TOMLDecodeError
        raise SettingsError(f"the pipeline {path} cannot be read: {error}") from None
    base: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    if "extends" in table:
        extends = table.pop("extends")
        if not isinstance(extends, str):
            raise SettingsError(f'{path}: extends names one pipeline, as in extends = "special"')
        own = path.parent / extends
        base, renamed = _read(str(own) if own.is_file() else extends, (*seen, pipeline))
    flat = _flat(table)
    if path == PIPELINES / f"{DEFAULT}.toml":
        return flat, {}
    named = {RENAMED.get(name, name): value for name, value in flat.items()}
    values = {name: _checked(name, value, f"{path}: ") for name, value in named.items()}
    return {**base, **values}, {**renamed, **_old_names(flat)}


def _locate(pipeline: str) -> Path:
    named = PIPELINES / f"{pipeline}.toml"
    if "/" not in pipeline and "\\" not in pipeline and named.is_file():
        return named
    path = Path(pipeline)
    if not path.is_file():
        raise SettingsError(f"no pipeline {pipeline!r}: name one of {', '.join(pipelines())}, or a TOML file")
    return path


@cache
def _ours() -> dict[str, Any]:
    """Return the settings that stand in the default pipeline."""
    return _read(DEFAULT, seen=())[0]


@cache
def _defaults() -> dict[str, Any]:
    """Return every setting there is, with its default."""
    return {**_ours(), **_of_third_parties()}


def _of_third_parties() -> dict[str, Any]:
    """Return the settings that teachers and classifiers of other distributions bring, with their defaults.

    They may take sections of ours as well, whose values stand in the default pipeline.

    Raises:
        PluginError: one of these distributions is broken.
    """
    values: dict[str, Any] = {}
    sections = _keys(_ours())
    for registry in (Registry[Any]("special.teachers", "teacher"), Registry[Any]("special.classifiers", "classifier")):
        for name, item in registry.of_third_parties().items():
            kind = getattr(item, "settings_type", None)
            if kind is None:
                continue
            try:
                section, keys = kind.section, {field.name for field in dataclasses.fields(kind)}
                if section not in sections:
                    values |= {f"{section}.{key}": _as_toml(value) for key, value in dataclasses.asdict(kind()).items()}
            except (AttributeError, TypeError) as error:
                needs = f"its settings must be a dataclass with a section and a default for every field ({error})"
                raise registry.unusable(name, needs) from None
            if sections.setdefault(section, keys) != keys:
                raise registry.unusable(name, f"the section {section} of its settings is another one's")
    return values


def _as_toml(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _keys(values: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the keys of every section."""
    sections: dict[str, set[str]] = {}
    for name in values:
        section, _, key = name.rpartition(".")
        sections.setdefault(section, set()).add(key)
    return sections


def _old_names(names: Iterable[str]) -> dict[str, str]:
    return {name: RENAMED[name] for name in names if name in RENAMED}


def _difference(old: str, new: str) -> tuple[str, str]:
    """Return the part of two dotted names in which they differ: sections in brackets, or keys."""
    (old_section, _, old_key), (new_section, _, new_key) = old.rpartition("."), new.rpartition(".")
    return (f"[{old_section}]", f"[{new_section}]") if old_key == new_key else (old_key, new_key)


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
        fits = abs(value) <= sys.float_info.max  # a whole number may be larger; NaN and infinity are not
        value = float(value) if fits else value
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
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


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
