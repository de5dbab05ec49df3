"""Pipelines and ``--set``: one place for every value, checked by kind, equal settings in one form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from special.steps.pipeline import FIT_STEPS, STEPS

from special import settings
from special.errors import SettingsError
from special.settings import Settings, load, parse_changes
from special.steps.context import build
from special.steps.rgb import RgbSettings


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_pipeline_fits_every_step() -> None:
    default = load()
    for step in (*STEPS, *FIT_STEPS):
        for section in step.settings:
            build(default, step, section)


def test_every_setting_belongs_to_a_step() -> None:
    sections = {section for step in (*STEPS, *FIT_STEPS) for section in step.settings}
    image_level = {"cubes"}  # special fit --dataset is no run of steps
    assert {name.rpartition(".")[0] for name in load().values} == sections | image_level


def test_a_section_becomes_the_dataclass_of_its_step() -> None:
    assert load().build(RgbSettings) == RgbSettings(655.0, 553.0, 451.0, 0.02, 0.98)


def test_a_pipeline_that_extends_another_holds_only_what_differs(tmp_path: Path) -> None:
    mine = load(write(tmp_path, 'extends = "special"\n[rgb]\nred_nm = 640\n'))
    assert mine.values["rgb.red_nm"] == 640.0
    assert {**mine.values, "rgb.red_nm": 655.0} == load().values


def test_a_pipeline_may_extend_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "special"\n[rgb]\nred_nm = 640\n')
    mine = load(write(tmp_path, 'extends = "base.toml"\n[rgb]\nblue_nm = 470\n'))
    assert (mine.values["rgb.red_nm"], mine.values["rgb.blue_nm"]) == (640.0, 470.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rgb]\nred_nm = 640\n", 'extends = "special"'),
        ('extends = "special"\n[rgb]\nred = 640\n', "did you mean rgb.red_nm"),
        ('extends = "special"\n[rgb]\nred_nm = "far"\n', "rgb.red_nm takes a number such as 655.0, not 'far'"),
        ('extends = "mine.toml"\n', "extends itself"),
        ("extends = 3\n", "extends names one pipeline"),
        ('extends = "nowhere"\n', "no pipeline 'nowhere'"),
        ("this is no TOML", "cannot be read"),
    ],
)
def test_a_pipeline_that_cannot_be_understood_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(write(tmp_path, text))
    assert message in str(error.value)


def test_an_unknown_pipeline_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"name one of .*special"):
        load("nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rgb.red_nm=650", {"rgb.red_nm": 650}),
        ("rgb.red_nm = 1e3", {"rgb.red_nm": 1000.0}),
        ("pseudo.image_text.clip=none", {"pseudo.image_text.clip": "none"}),
        ("pseudo.image_text.clip='none'", {"pseudo.image_text.clip": "none"}),
        ("pseudo.image_text.clip=ViT-B-16:/a=b.pt", {"pseudo.image_text.clip": "ViT-B-16:/a=b.pt"}),
        ("pseudo.image_text.scales=[1, 2, 4]", {"pseudo.image_text.scales": [1, 2, 4]}),
        ("a.b=true", {"a.b": True}),
        ("a.b=", {"a.b": ""}),
        ("a.b=1\nc.d=2", {"a.b": "1\nc.d=2"}),
    ],
)
def test_set_takes_toml_values_and_bare_words(text: str, expected: dict) -> None:
    assert parse_changes([text]) == expected


@given(st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_every_number_survives_the_command_line(value: float) -> None:
    assert parse_changes([f"a.b={str(value).lower()}"]) == {"a.b": value}


@pytest.mark.parametrize("text", ["rgb.red_nm", "=3", "  = 3"])
def test_set_without_a_name_or_a_value_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"write step\.key=value"):
        parse_changes([text])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rgb.red_mm", 1.0, "did you mean rgb.red_nm"),
        ("rgb.colour", 1.0, "rgb has rgb.red_nm, rgb.green_nm, rgb.blue_nm"),
        ("red_nm", 650.0, "did you mean rgb.red_nm"),
        ("paint.gloss", 1.0, "it begins with one of "),
        ("rgb.red_nm", "far", "takes a number such as 655.0"),
        ("rgb.red_nm", True, "takes a number such as 655.0, not true"),
        ("rgb.red_nm", float("nan"), "takes a number"),
        ("pseudo.image_text.window", 3.5, "takes a whole number such as 224, not 3.5"),
        ("pseudo.image_text.scales", 2, "takes a list such as [1, 2], not 2"),
        ("pseudo.image_text.scales", [1, "two"], "takes a whole number"),
        ("pseudo.image_text.clip", 3, "takes a text such as 'auto'"),
    ],
)
def test_a_misfit_is_refused_and_says_what_fits(name: str, value: object, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(changes={name: value})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_equal_settings_have_one_form() -> None:
    assert load(changes={"rgb.red_nm": 650}).of("rgb") == load(changes={"rgb.red_nm": 650.0}).of("rgb")
    assert type(load(changes={"rgb.red_nm": 650}).of("rgb")["rgb.red_nm"]) is float
    assert load(changes={"pseudo.image_text.scales": (1, 2)}).values == load().values


def test_sections_bring_the_sections_inside_them() -> None:
    names = set(load().of("pseudo"))
    assert "pseudo.image_text.window" in names
    assert not any(name.startswith("rgb") for name in names)


def test_settings_of_another_version_take_today_s_defaults_for_what_is_new() -> None:
    restored = settings.restore("special", {"rgb.red_nm": 640.0, "rgb.gone": 1})
    assert restored.values == {**load().values, "rgb.red_nm": 640.0}


@dataclass(frozen=True)
class Inner:
    mode: Literal["fast", "slow"]


@dataclass(frozen=True)
class Outer:
    sizes: tuple[float, ...]
    pair: tuple[int, int]
    limit: float | None
    inner: Inner


def nested(**changes: object) -> Settings:
    values = {"s.sizes": [1, 2.5], "s.pair": [3, 4], "s.limit": 2, "s.inner.mode": "fast"}
    return Settings("test", {**values, **{f"s.{k.replace('__', '.')}": v for k, v in changes.items()}})


def test_lists_become_tuples_and_sections_dataclasses() -> None:
    assert nested().build("s", Outer) == Outer((1.0, 2.5), (3, 4), 2.0, Inner("fast"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pair": [1, 2, 3]}, "s.pair takes a list of 2, not of 3"),
        ({"inner__mode": "middling"}, "s.inner.mode takes one of fast, slow"),
        ({"more": 1}, "s.more is a setting that its step does not have"),
        ({"limit": "much"}, "s.limit does not take 'much'"),
    ],
)
def test_a_section_that_does_not_fit_its_dataclass_is_refused(change: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        nested(**change).build("s", Outer)


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"lacks s\.inner\.mode"):
        Settings("test", {"s.sizes": [], "s.pair": [1, 2], "s.limit": 1}).build("s", Outer)
