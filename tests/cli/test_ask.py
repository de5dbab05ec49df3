"""``special ask``: questions in a run, a short table, and what to do next."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_scene
from click.testing import CliRunner, Result

from special.api.run import open_run
from special.cli import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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


def test_answers_given_on_the_page_go_back_into_the_run(here: Path, browser: Browser) -> None:
    special("ask", "-q")
    run = here / "strips.special"
    with (run / "questions.csv").open(encoding="utf-8") as stream:
        rows = [int(row["row"]) for row in csv.DictReader(stream)]
    page = browser.new_page()
    page.goto((run / "questions.html").as_uri())
    for row in rows:
        page.keyboard.press(str(1 + row * 3 // 12))  # the strip that the place lies in
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(run / download.value.suggested_filename)
    page.close()
    files = small_scene.write(here)
    again = special("label", *files.options, "--until", "pseudo", "--device", "cpu", "--labels", run / "answers.csv")
    assert again.exit_code == 0, again.output
    told = open_run(run).answers
    assert [one.name for one in told] == [small_scene.CLASSES[one.row * 3 // 12] for one in told]
    assert len(told) == len(rows)
