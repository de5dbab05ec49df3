"""Bad input: one line that says what was wrong and what to do, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import small_scene
from click.testing import CliRunner, Result

from special.cli import main


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small_scene.Files:
    monkeypatch.chdir(tmp_path)
    return small_scene.write(tmp_path)


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result, *parts: str) -> str:
    """Check that a command was refused in one line with all of ``parts`` in it, and left no run behind."""
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == 2, result.output
    assert len(lines) == 1 and lines[0].startswith("Error: "), result.stderr
    for part in parts:
        assert part in lines[0]
    assert result.stdout == ""
    assert not list(Path.cwd().glob("*.special"))
    return lines[0]


def label(scene: object, files: small_scene.Files, *more: object) -> Result:
    options = ("--classes", files.classes, "--wavelengths", files.wavelengths, "--clip", "none")
    return special("label", scene, *options, *more)


def test_no_such_scene(files: small_scene.Files) -> None:
    refused(label("nowhere.mat", files), "nowhere.mat")


def test_a_scene_that_is_a_folder(files: small_scene.Files) -> None:
    Path("folder").mkdir()
    refused(label("folder", files), "folder")


def test_a_scene_of_no_known_format(files: small_scene.Files) -> None:
    Path("notes.txt").write_text("not a scene")
    refused(label("notes.txt", files), "notes.txt")


def test_not_a_cube(files: small_scene.Files) -> None:
    np.save("flat.npy", np.ones((12, 24), dtype=np.float32))
    refused(label("flat.npy", files), "cube", "12 x 24")


def test_two_arrays_that_could_be_the_cube(files: small_scene.Files) -> None:
    values, _, _ = small_scene.cube()
    scipy.io.savemat("two.mat", {"first": values, "second": values})
    refused(label("two.mat", files), "--key", "first", "second")


def test_no_such_array(files: small_scene.Files) -> None:
    values, _, _ = small_scene.cube()
    scipy.io.savemat("one.mat", {"first": values})
    refused(label("one.mat", files, "--key", "third"), "third", "first")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("# only a comment\n\n", "empty"),
        ("Water\nGrass\nwater\n", "twice"),
        ("Water\n", "only one class"),
        ("| Water\nGrass\n", "no name"),
    ],
)
def test_a_class_list_that_is_none(files: small_scene.Files, text: str, part: str) -> None:
    files.classes.write_text(text)
    refused(label(files.scene, files), part, "classes.txt")


def test_no_class_list(files: small_scene.Files) -> None:
    files.classes.unlink()
    refused(label(files.scene, files), "no class list at")


def test_another_number_of_wavelengths(files: small_scene.Files) -> None:
    files.wavelengths.write_text("\n".join(map(str, np.linspace(420, 980, 23))))
    refused(label(files.scene, files), "23", "24 bands")


def test_no_wavelengths_lists_the_three_ways(files: small_scene.Files) -> None:
    result = special("label", files.scene, "--classes", files.classes, "--clip", "none")
    refused(result, "no wavelengths", "--wavelengths FILE", "--wavelengths 430:860", "--sensor")


def test_wavelengths_and_sensor_together(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--sensor", "aviris"), "--wavelengths", "--sensor", "one of them")


def test_a_scene_without_one_good_pixel(files: small_scene.Files) -> None:
    np.save("empty.npy", np.full((12, 10, 24), np.nan, dtype=np.float32))
    refused(label("empty.npy", files), "empty.npy")


def test_a_setting_that_does_not_exist(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--set", "warmup.epoch=3"), "warmup.epoch", "did you mean warmup.epochs")


def test_a_setting_of_the_wrong_kind(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--set", "warmup.epochs=many"), "warmup.epochs takes a whole number")


def test_a_pipeline_that_does_not_exist(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--pipeline", "best"), "no pipeline 'best'", "special")


@pytest.mark.parametrize("reject", ["-0.1", "1.5"])
def test_a_threshold_that_is_no_probability(files: small_scene.Files, reject: str) -> None:
    refused(label(files.scene, files, "--reject", reject), "map.reject")


def test_an_image_text_model_that_does_not_exist(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--clip", "ViT-Z-99:openai", "--offline"), "ViT-Z-99")


def test_image_text_weights_that_cannot_be_fetched(files: small_scene.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(Path.cwd() / "no-cache"))
    line = refused(label(files.scene, files, "--clip", "ViT-L-14-336:openai", "--offline"), "ViT-L-14-336:openai")
    assert "--clip none" in line


def test_a_checkpoint_that_cannot_be_read(files: small_scene.Files) -> None:
    Path("broken.pt").write_bytes(b"these are no weights")
    refused(label(files.scene, files, "--clip", "ViT-B-16:broken.pt", "--offline"), "broken.pt")


def test_concepts_that_do_not_exist(files: small_scene.Files) -> None:
    refused(label(files.scene, files, "--concepts", "mine.toml"), "mine.toml")


def test_concepts_that_are_no_toml(files: small_scene.Files) -> None:
    Path("mine.toml").write_text("this is = = no TOML")
    refused(label(files.scene, files, "--concepts", "mine.toml"), "mine.toml")


def test_out_is_a_file(files: small_scene.Files) -> None:
    Path("taken").write_text("")
    refused(label(files.scene, files, "--out", "taken"), "taken", "--out")


def test_out_holds_something_else(files: small_scene.Files) -> None:
    Path("photos").mkdir()
    Path("photos/cat.jpg").write_bytes(b"cat")
    refused(label(files.scene, files, "--out", "photos"), "photos", "not empty")
    refused(label(files.scene, files, "--out", "photos", "--force"), "photos", "not empty")
    assert [path.name for path in Path("photos").iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("command", ["rgb", "pseudo", "warmup", "refine", "map", "report", "status"])
def test_a_directory_that_is_no_run(files: small_scene.Files, command: str) -> None:
    Path("photos").mkdir()
    refused(special(command, "photos"), "photos is not a run", "special label")
    refused(special(command, "nowhere"), "nowhere is not a run", "special label")
    refused(special(command), "there is no run in", "special label")
    assert not list(Path("photos").iterdir())


def test_a_run_made_from_another_scene(files: small_scene.Files) -> None:
    assert label(files.scene, files, "--out", "run", "--until", "rgb").exit_code == 0
    np.save("other.npy", 0.5 * small_scene.cube()[0])
    before = {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")}
    line = refused(label("other.npy", files, "--out", "run"), "run was made from another scene", "strips.npy")
    assert "--out" in line and "--force" in line
    assert {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")} == before


def test_a_truth_of_another_shape(files: small_scene.Files) -> None:
    assert label(files.scene, files, "--out", "run", "--until", "pseudo").exit_code == 0
    np.save("truth.npy", np.ones((11, 10), dtype=np.uint8))
    refused(special("evaluate", "run", "--truth", "truth.npy"), "truth.npy", "11 x 10", "12 x 10")


def test_a_scene_that_went_away(files: small_scene.Files) -> None:
    assert label(files.scene, files, "--out", "run", "--until", "rgb").exit_code == 0
    files.scene.unlink()
    refused(special("map", "run"), "strips.npy")


def test_a_request_that_is_damaged(files: small_scene.Files) -> None:
    Path("run").mkdir()
    Path("run/request.json").write_text('{"format": 1}')
    refused(special("status", "run"), "request.json is damaged", "--force")
    Path("run/request.json").write_text("{")
    refused(special("status", "run"), "request.json cannot be read", "--force")
    Path("run/request.json").write_text(json.dumps({"format": 99}))
    refused(special("status", "run"), "another version of special", "--force")


def test_a_command_that_does_not_exist_names_one_that_does() -> None:
    result = special("lable")
    assert result.exit_code == 2
    assert "there is no command 'lable': try label" in result.stderr


def test_a_real_process_says_it_the_same_way(files: small_scene.Files) -> None:
    command = [sys.executable, "-m", "special", "label", "nowhere.mat", "--classes", str(files.classes)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root)})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


def test_debug_shows_where_it_comes_from(files: small_scene.Files) -> None:
    result = special("label", "nowhere.mat", "--classes", files.classes, "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr and "SceneError" in result.stderr


def test_a_fault_of_ours_is_one_line_too(files: small_scene.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    from special.api import prepare

    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(prepare, "prepare", broken)
    result = label(files.scene, files)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1 and "--debug" in result.stderr and "division by zero" in result.stderr
