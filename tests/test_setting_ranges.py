"""Every setting has a range, which its line in the pipeline file says, and which is held to when it is read."""

from __future__ import annotations

import re
import typing
from typing import Any

import pytest

from special.answers.settings import AnswersSettings
from special.errors import SettingsError
from special.models.settings import (
    AlignedSettings,
    ClassifierSettings,
    MambaHSISettings,
    S3FNSettings,
    ScanSettings,
)
from special.resources import PIPELINES
from special.settings import Count, OneOf, Within, load
from special.steps.map import MapSettings
from special.steps.refine import RefineSettings
from special.steps.rgb import RgbSettings
from special.steps.warmup import WarmupSettings
from special.teachers.concept_segments import ConceptSegmentsSettings
from special.teachers.dense_text import DenseTextSettings
from special.teachers.fusion import FusionSettings
from special.teachers.image_text.teacher import ImageTextSettings
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.training.settings import CubeSettings, FitSettings, SplitSettings

SECTIONS: dict[str, Any] = {
    kind.section: kind
    for kind in (
        *(RgbSettings, FusionSettings, SpectrumTextSettings, ImageTextSettings, ClassifierSettings, S3FNSettings),
        *(AlignedSettings, MambaHSISettings, ScanSettings, WarmupSettings, RefineSettings, SplitSettings, FitSettings),
        *(CubeSettings, MapSettings, AnswersSettings, DenseTextSettings, ConceptSegmentsSettings),
    )
}
FREE = {
    *(f"pseudo.image_text.{name}" for name in ("clip", "templates")),
    *("pseudo.dense_text.model", "pseudo.dense_text.templates", "pseudo.concept_segments.model"),
    *(f"pseudo.spectrum_text.{name}" for name in ("library", "library_column", "library_beside")),
    *(f"classifier.{name}" for name in ("name", "texts", "encoder")),
}
"""Names of models, files and classifiers: whoever reads them says what is wrong."""


def rules_of(name: str) -> tuple[Any, ...]:
    section, _, key = name.rpartition(".")
    hint = typing.get_type_hints(SECTIONS[section], include_extras=True)[key]
    return getattr(hint, "__metadata__", ())


def comments() -> dict[str, str]:
    """What stands behind every value of the default pipeline."""
    found, section = {}, ""
    for line in (PIPELINES / "special.toml").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[(.*)\]", line):
            section = heading[1]
        elif setting := re.match(r"(\w+) = [^#]*(?:# (.*))?$", line):
            found[f"{section}.{setting[1]}"] = setting[2] or ""
    return found


NAMES = sorted(load().values)


def test_every_setting_but_names_has_a_range() -> None:
    assert {name for name in NAMES if not rules_of(name)} == FREE


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FREE])
def test_the_pipeline_file_says_the_range(name: str) -> None:
    assert comments()[name] == ", each ".join(map(str, rules_of(name)))


def outside(name: str) -> list[Any]:
    """Values just outside the range of a setting, or far from it."""
    default, found = load().values[name], []
    whole = isinstance(default[0] if isinstance(default, list) else default, int)
    for rule in rules_of(name):
        if isinstance(rule, Within):
            step = 1 if whole else 0.01
            bounds = [(rule.low, -step), (rule.high, step), (rule.above, 0), (rule.below, 0)]
            found += [bound + beyond for bound, beyond in bounds if bound is not None and not isinstance(bound, str)]
        elif isinstance(rule, OneOf):
            found.append("something else")
        elif isinstance(rule, Count):
            found.append(default[:-1] if rule.exactly else [])
    found = [int(value) if whole and isinstance(value, float) else value for value in found]
    return [[value] if isinstance(default, list) and not isinstance(value, list) else value for value in found]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in NAMES for value in outside(name)])
def test_a_value_outside_is_refused_with_the_range(name: str, value: Any) -> None:
    section = name.rpartition(".")[0]  # a bound may be another setting, whose range is then the one that is left
    with pytest.raises(SettingsError, match=rf"^{re.escape(section)}\.\w+ must be .*, not "):
        load(changes={name: value}).build(SECTIONS[section])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(load().values[name], float)])
def test_what_is_no_finite_number_is_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(name)} takes a number"):
        load(changes={name: value})
