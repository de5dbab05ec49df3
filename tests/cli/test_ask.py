"""``special ask``: questions in a run, a short table, and what to do next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import small_scene
from click.testing import CliRunner, Result

from special.cli import main


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    files = small_scene.write(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        result = special("label", *files.options, "--until", "pseudo", "--device", "cpu")
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def here(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(labelled, tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def test_the_latest_run_is_asked_about_as_many_places_as_there_are_classes(here: Path) -> None:
    result = special("ask")
    assert result.exit_code == 0, result.output
    lines = (here / "strips.special" / "questions.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(small_scene.CLASSES)


def test_the_questions_are_shown_and_the_next_command(here: Path) -> None:
    lines = special("ask", "strips.special", "--questions", 2).stdout.splitlines()
    assert lines[0] == "strips.special"
    assert lines[1].split() == ["row", "column", "pixels", "map", "confidence", "or"]
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]
    assert lines[4] == f"Answer in a browser: {Path('strips.special/questions.html')}"
    assert lines[-1].endswith(" special label ... --labels strips.special/answers.csv")


def test_quiet_prints_nothing(here: Path) -> None:
    result = special("ask", "--by", "areas", "-q")
    assert (result.exit_code, result.output) == (0, "")


def test_answers_that_are_there_are_kept_and_named(here: Path) -> None:
    special("ask", "-q")
    table = here / "strips.special" / "questions.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",,", ",Water,", 1), encoding="utf-8")
    result = special("ask")
    assert "Note: earlier questions had answers: they are in strips.special/questions-1.csv now." in result.stdout


@pytest.mark.parametrize("arguments", [("--questions", 0), ("--by", "lines"), ("nowhere.special",)])
def test_bad_input_is_refused(here: Path, arguments: tuple[object, ...]) -> None:
    result = special("ask", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not list(here.rglob("questions.*"))


def test_a_folder_without_a_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = special("ask")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: there is no run in ")
