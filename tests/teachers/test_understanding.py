"""What is said of how class names are read, and where it is written down."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special.cli import main
from special.teachers.understanding import SHOWN, UnderstoodName, doubts, messages, to_json


def name(
    text: str, english: str = "", language: str = "", understood: bool = True, kind_of: str = ""
) -> UnderstoodName:
    return UnderstoodName(text, english, language, (("tree", 1.0),), understood, kind_of)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_nothing_is_said_of_plain_english_names() -> None:
    assert messages([name("Tree"), name("Forest")]) == []


def test_names_of_other_languages_are_said_in_one_line_and_all_are_recorded() -> None:
    many = [name(f"Wald {i}", f"forest {i}", "German") for i in range(SHOWN + 2)]
    (line,) = messages([*many, name("Лес", "forest", "Russian")])
    assert line.startswith("Class names are read as German and Russian: Wald 0 = forest 0, ")
    assert line.endswith("3 more")
    assert to_json(many)["names"][-1]["english"] == f"forest {SHOWN + 1}"


def test_abbreviations_are_said_to_be_spelt_out() -> None:
    assert messages([name("bldg", "building")]) == ["Class names are spelt out: bldg = building"]


def test_names_that_are_not_understood_are_said_in_one_line_with_what_to_do() -> None:
    (line,) = doubts([name("Zorbel", understood=False), name("Tree"), name("Quax", understood=False)])
    assert line.startswith("'Zorbel' and 'Quax' are not understood")
    assert all(way in line for way in ("Zorbel: description", "special describe", "Zorbel | synonym", "--concepts"))


def test_kinds_of_one_thing_are_said_to_be_a_guess() -> None:
    names = [name("Roof 1", kind_of="roof"), name("Tree"), name("Roof 2", kind_of="roof"), name("Car 1", kind_of="car")]
    (line,) = doubts(names)
    assert line.startswith("'Roof 1' and 'Roof 2' are kinds of one thing, roof") and "a guess" in line
    assert to_json(names)["kinds_of_one"] == [{"of": "roof", "classes": ["Roof 1", "Roof 2"]}]


def test_labelling_says_and_records_how_names_are_read_before_it_computes(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    files.classes.write_text("Wasser\nGras\nTuesday\nDach 1\nDach 2\n", encoding="utf-8")
    result = run("label", *files.options, "--out", tmp_path / "run", "--until", "pseudo")
    assert result.exit_code == 0, result.output
    order = [
        result.stderr.index(said) for said in ("Wasser = water", "'Tuesday' is not", "a guess", "spectrum-text teacher")
    ]
    assert order == sorted(order)
    figures = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["steps"]["pseudo"]["figures"]
    assert figures["names"][1] == {
        "name": "Gras",
        "english": "grass",
        "language": "German",
        "concepts": {"grass": 1.0},
        "understood": True,
    }
    assert figures["not_understood"] == ["Tuesday"]
    assert figures["kinds_of_one"] == [{"of": "roof", "classes": ["Dach 1", "Dach 2"]}]


def test_labelling_says_nothing_of_names_that_are_plain(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    result = run("label", *files.options, "--out", tmp_path / "run", "--until", "pseudo")
    assert result.exit_code == 0
    assert not any(said in result.stderr for said in ("read as", "understood", "a guess"))


def test_outputs_have_the_names_as_they_were_given(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    files.classes.write_text("Wasser\nGras\nOffener Boden\n", encoding="utf-8")
    result = run("label", *files.options, *small_scene.tiny_options(), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    text = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert text["classes"] == ["Wasser", "Gras", "Offener Boden"]
    assert all(given in result.stdout for given in text["classes"])


def test_the_command_that_shows_classes_says_what_each_is_in_english(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("Wasser\nWiese\n", encoding="utf-8")
    result = run("classes", "--classes", path)
    assert "meadow (German): meadow" in result.stdout
    assert "Every name is understood" in result.stdout
    told = json.loads(run("classes", "--classes", path, "--json").stdout)["classes"][1]["understood_as"][0]
    assert (told["text"], told["english"], told["language"]) == ("Wiese", "meadow", "German")


@pytest.mark.parametrize("language", ["de", "fr", "zh"])
def test_the_names_that_were_not_understood_are(shared: Path, tmp_path: Path, language: str) -> None:
    case = shared / "cases" / "names-not-understood"
    if not case.is_dir():
        pytest.skip("the folder of cases is not beside this checkout")
    given = ("--classes", case / f"{language}.txt", "--clip", "none", "--out", tmp_path / "run", "--until", "pseudo")
    assert run("label", case / "scene.hdr", *given).exit_code == 0
    found = np.load(tmp_path / "run" / "steps" / "pseudo" / "probabilities.npy").argmax(axis=-1) + 1
    np.testing.assert_array_equal(found, np.load(case / "truth.npy"))
