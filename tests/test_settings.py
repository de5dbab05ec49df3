"""Pipelines and ``--set``: one place for every value, checked by kind, equal settings in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from special import registry, settings
from special.errors import PluginError, SettingsError
from special.models.registry import CLASSIFIERS, Classifier
from special.models.settings import S3FNSettings
from special.settings import RENAMED, Count, OneOf, Section, Settings, Within, load, parse_changes
from special.steps import FIT, FIT_IMAGES, with_answers
from special.steps.rgb import RgbSettings
from special.teachers.base import TEACHERS

SECTIONS: list[type[Section]] = list(
    dict.fromkeys(
        [
            *(kind for step in (*with_answers(), *FIT, *FIT_IMAGES) for kind in step.settings),
            *(classifier.settings_type for classifier in CLASSIFIERS),
            *(teacher.settings_type for teacher in TEACHERS if teacher.settings_type is not None),
        ]
    )
)
"""The dataclass of every section."""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("pipeline", settings.pipelines())
def test_every_pipeline_that_comes_with_the_package_fits_every_section(pipeline: str) -> None:
    for kind in SECTIONS:
        load(pipeline).build(kind)


def test_every_setting_belongs_to_a_section() -> None:
    assert {name.rpartition(".")[0] for name in load().values} == {kind.section for kind in SECTIONS}


def test_a_section_becomes_the_dataclass_of_its_step() -> None:
    assert load().build(RgbSettings) == RgbSettings(655.0, 553.0, 451.0, 0.001, 0.999, "auto", 1.4)


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


def test_sections_come_without_the_sections_inside_them() -> None:
    assert set(load().of("pseudo")) == {"pseudo.teachers", "pseudo.image_weight", "pseudo.luck", "pseudo.no_luck"}
    assert {name.rpartition(".")[0] for name in load().of("map", "pseudo.image_text")} == {"map", "pseudo.image_text"}


def test_settings_of_another_version_take_today_s_defaults_for_what_is_new() -> None:
    restored = settings.restore("special", {"rgb.red_nm": 640.0, "rgb.gone": 1})
    assert restored.values == {**load().values, "rgb.red_nm": 640.0}


@dataclass(frozen=True)
class Sizes:
    section: ClassVar[str] = "s"

    sizes: Annotated[tuple[float, ...], Count(), Within(0)]
    pair: Annotated[tuple[int, int], Count(2)]
    low: Annotated[float, Within(above=0, below="high")]
    high: float
    mode: Annotated[str, OneOf(("fast", "slow"))]


def sizes(**changes: object) -> Settings:
    values = {"sizes": [1.0, 2.5], "pair": [3, 4], "low": 0.5, "high": 2.0, "mode": "fast", **changes}
    return Settings("test", {f"s.{name}": value for name, value in values.items()})


def test_lists_become_tuples() -> None:
    assert sizes().build(Sizes) == Sizes((1.0, 2.5), (3, 4), 0.5, 2.0, "fast")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": []}, "s.sizes must be a list of one value or more, not []"),
        ({"sizes": [1.0, -1.0]}, "s.sizes must be 0 or more, not [1.0, -1.0]"),
        ({"pair": [1, 2, 3]}, "s.pair must be a list of 2 values, not [1, 2, 3]"),
        ({"low": 0.0}, "s.low must be more than 0, less than high, not 0.0"),
        ({"low": 2.0}, "s.low must be more than 0, less than high, not 2.0"),
        ({"mode": "middling"}, "s.mode must be fast or slow, not 'middling'"),
        ({"more": 1}, "s.more is a setting that its step does not have"),
    ],
)
def test_a_section_that_does_not_fit_its_dataclass_is_refused(change: dict, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        sizes(**change).build(Sizes)
    assert str(error.value) == message


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"the pipeline 'test' lacks s\.pair: add it"):
        Settings("test", {"s.sizes": [1.0]}).build(Sizes)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Within(1), "1 or more"),
        (Within(high=2), "2 at most"),
        (Within(0, 1), "0 to 1"),
        (Within(1, "hidden"), "1 to hidden"),
        (Within(above=0), "more than 0"),
        (Within(below=0), "less than 0"),
        (Within(0, below=1), "from 0 to below 1"),
        (Within(above=0, below=1), "more than 0, less than 1"),
        (Within(above=0, high=1), "more than 0, 1 at most"),
    ],
    ids=str,
)
def test_a_range_is_said_in_words(rule: Within, words: str) -> None:
    assert str(rule) == words


# Names of before


def of_now(old: str) -> tuple[str, Any]:
    """What a setting is called now, and another value of it than the default."""
    new = RENAMED[old]
    default = load().values[new]
    return new, default + 1 if isinstance(default, int) else default / 2 + 0.125


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_works_in_a_pipeline_file_on_the_command_line_and_in_a_stored_request(
    tmp_path: Path, old: str
) -> None:
    new, value = of_now(old)
    section, _, key = old.rpartition(".")
    text = f"{old}={value}"
    expected = {**load().values, new: value}
    assert expected != load().values
    for understood in (
        load(write(tmp_path, f'extends = "special"\n[{section}]\n{key} = {value}\n')),
        load(changes=parse_changes([text])),
        settings.restore("special", {old: value}),
    ):
        assert understood.values == expected
        (note,) = understood.notes
        assert "\n" not in note and old.rpartition(".")[2 if section in new else 0] in note


def test_all_old_names_together_are_told_in_one_line() -> None:
    (note,) = load(changes={old: of_now(old)[1] for old in RENAMED}).notes
    assert note.startswith("Settings have new names, old ones still work: ") and "\n" not in note
    for change in ("[model] is [mambahsi]", "clip is max_grad_norm", "first is stage1_share"):
        assert note.count(change) == 1


def test_names_of_today_are_no_news() -> None:
    assert load(changes={"warmup.epochs": 3}).notes == []


def test_an_old_name_in_a_file_that_is_extended_is_told_as_well(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "special"\n[refine]\nfeatures = 4\n')
    (note,) = load(write(tmp_path, 'extends = "base.toml"\n[refine]\nepochs = 3\n')).notes
    assert "features is pca_components" in note


# Sections of other distributions


@dataclass(frozen=True)
class ForestSettings:
    section: ClassVar[str] = "forest"

    trees: Annotated[int, Within(1)] = 100
    depths: tuple[int, ...] = (4, 8)


@dataclass(frozen=True)
class AtlasSettings:
    section: ClassVar[str] = "pseudo.atlas"

    edition: str = "first"


class Atlas:
    settings_type = AtlasSettings


@dataclass
class Point:
    """An entry point of another distribution."""

    name: str
    item: Any
    dist: ClassVar = SimpleNamespace(name="somebody-else")

    def load(self) -> Any:
        return self.item


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, Any], None]]:
    """Lists a teacher or a classifier as another distribution would."""
    points: dict[str, list[Point]] = {}

    def install(group: str, name: str, item: Any) -> None:
        points.setdefault(group, []).append(Point(name, item))
        settings._defaults.cache_clear()

    monkeypatch.setattr(registry, "entry_points", lambda group: [*entry_points(group=group), *points.get(group, ())])
    yield install
    settings._defaults.cache_clear()


Install = Callable[[str, str, Any], None]


def test_a_section_of_a_third_party_has_the_defaults_of_its_dataclass(install: Install) -> None:
    before = load().values
    install("special.classifiers", "forest", Classifier("forest", ForestSettings, make=lambda given: None))
    install("special.teachers", "atlas", Atlas)
    assert load().values == {**before, "forest.trees": 100, "forest.depths": [4, 8], "pseudo.atlas.edition": "first"}
    assert load().build(ForestSettings) == ForestSettings()
    assert load().build(AtlasSettings) == AtlasSettings()


def test_a_section_of_a_third_party_is_set_and_checked_as_ours_are(install: Install, tmp_path: Path) -> None:
    install("special.classifiers", "forest", Classifier("forest", ForestSettings, make=lambda given: None))
    mine = load(write(tmp_path, 'extends = "special"\n[forest]\ntrees = 7\n'), {"forest.depths": [2]})
    assert mine.build(ForestSettings) == ForestSettings(7, (2,))
    with pytest.raises(SettingsError, match=r"did you mean forest\.trees"):
        load(changes={"forest.tree": 7})
    with pytest.raises(SettingsError, match=r"forest\.trees takes a whole number such as 100, not 'many'"):
        load(changes={"forest.trees": "many"})
    with pytest.raises(SettingsError, match=r"^forest\.trees must be 1 or more, not 0$"):
        load(changes={"forest.trees": 0}).build(ForestSettings)


def test_a_run_keeps_the_section_of_a_third_party_as_long_as_it_is_installed(install: Install) -> None:
    stored = {**load().values, "forest.trees": 7}
    assert settings.restore("special", stored).values == load().values
    install("special.classifiers", "forest", Classifier("forest", ForestSettings, make=lambda given: None))
    assert settings.restore("special", stored).build(ForestSettings).trees == 7


def test_a_third_party_may_take_a_section_of_ours_and_leaves_its_values(install: Install) -> None:
    before = load().values
    install("special.classifiers", "forest", Classifier("forest", S3FNSettings, make=lambda given: None))
    assert load().values == before


def test_a_third_party_without_settings_adds_none(install: Install) -> None:
    before = load().values
    install("special.teachers", "atlas", SimpleNamespace(settings_type=None))
    assert load().values == before


def test_a_section_of_a_third_party_that_lacks_a_default_is_named(install: Install) -> None:
    install("special.classifiers", "sizes", Classifier("sizes", Sizes, make=lambda given: None))
    with pytest.raises(PluginError, match=r"'sizes' of somebody-else is not usable: .* a default for every") as error:
        load()
    assert "\n" not in str(error.value)
