"""The command that makes a run again, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from special.api.command import asked_of, command_of
from special.api.request import Request
from special.api.source import DatasetSource, SceneSource
from special.classnames.class_list import ClassList
from special.settings import load
from special.steps import FIT, LABEL


def request(**changes: Any) -> Request:
    given: dict[str, Any] = {
        "source": SceneSource(Path("/data/scene.hdr")),
        "content": {},
        "georeference": None,
        "classes": ClassList.parse(["Water", "Grass"]),
        "settings": load(),
        "seed": 0,
        "device": "cpu",
        "offline": False,
    }
    return Request(**{**given, **changes})


def test_what_is_usual_is_left_out() -> None:
    told = ["special", "label", "/data/scene.hdr", "--classes", "RUN/classes.txt", "--out", "RUN"]
    assert command_of(request(), LABEL) == told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 7}, ["--seed", "7"]),
        ({"offline": True}, ["--offline"]),
        ({"concepts": (Path("/mine.toml"),)}, ["--concepts", "/mine.toml"]),
        ({"source": SceneSource(None)}, ["RUN/scene.npy"]),
        ({"source": SceneSource(Path("/a.mat"), key="cube", mask="cloud")}, ["--key", "cube", "--mask", "cloud"]),
        ({"source": SceneSource(Path("/a.mat"), wavelengths="430.0:860.0")}, ["--wavelengths", "430.0:860.0"]),
        ({"source": SceneSource(Path("/a.mat"), wavelengths=(500.0, 0.0))}, ["--wavelengths", "RUN/wavelengths.csv"]),
        ({"labels": "a" * 64}, ["special", "fit", "/data/scene.hdr", "--labels", "RUN/labels.npy"]),
        ({"settings": load("s3fn")}, ["--pipeline", "s3fn"]),
        ({"settings": load(changes={"refine.lambda_hard": 0.25})}, ["--set", "refine.lambda_hard=0.25"]),
        ({"settings": load(changes={"pseudo.image_text.clip": "none"})}, ["--set", 'pseudo.image_text.clip="none"']),
    ],
)
def test_what_is_not_usual_is_said(changes: dict[str, Any], words: list[str]) -> None:
    told = command_of(request(**changes), LABEL)
    assert any(told[i : i + len(words)] == words for i in range(len(told)))


def test_settings_that_no_step_reads_are_left_out() -> None:
    assert "--set" not in command_of(request(labels="a", settings=load(changes={"refine.lambda_hard": 0.25})), FIT)


def test_what_no_key_has_is_not_decisive() -> None:
    asked = request(settings=load(changes={"pseudo.image_text.clip": "none", "refine.lambda_hard": 0.25}))
    assert command_of(asked, LABEL, decisive=True)[-2:] == ["--set", "refine.lambda_hard=0.25"]
    assert asked_of(asked, LABEL, decisive=True)["command"] == command_of(asked, LABEL, decisive=True)


def test_by_what_file_settings_are_given_is_not_decisive(tmp_path: Path) -> None:
    pipeline = tmp_path / "mine.toml"
    pipeline.write_text('extends = "special"\n[warmup]\nepochs = 3\n', encoding="utf-8")
    one, other = request(settings=load(pipeline)), request(settings=load(changes={"warmup.epochs": 3}))
    assert command_of(one, LABEL) != command_of(other, LABEL)
    assert command_of(one, LABEL, decisive=True) == command_of(other, LABEL, decisive=True)


def test_a_pipeline_that_is_gone_is_spelt_out(tmp_path: Path) -> None:
    pipeline = tmp_path / "mine.toml"
    pipeline.write_text('extends = "special"\n[warmup]\nepochs = 3\n', encoding="utf-8")
    asked = request(settings=load(pipeline))
    assert "--set" not in command_of(asked, LABEL)
    pipeline.unlink()
    assert command_of(asked, LABEL)[-2:] == ["--set", "warmup.epochs=3"]


def test_images_have_no_such_command() -> None:
    assert command_of(request(source=DatasetSource(Path("/images"))), ()) == []


def test_wavelengths_are_handed_on_where_the_command_needs_a_list() -> None:
    assert asked_of(request(source=SceneSource(Path("/a"), wavelengths=(500.0,))), LABEL)["wavelengths"] == [500.0]
    assert asked_of(request(source=SceneSource(Path("/a"), wavelengths="4:5")), LABEL)["wavelengths"] is None


def test_a_name_that_is_no_text_can_be_written_down() -> None:
    asked = asked_of(request(source=SceneSource(Path("/a\udcff.mat"))), LABEL)
    assert asked["scene"] == "a?" and "/a?.mat" in asked["command"]
