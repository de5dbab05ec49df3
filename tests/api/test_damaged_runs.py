"""The JSON of a run, edited by hand or damaged: made again, or one line that says what to do; never a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special.answers.answers import Answers
from special.cli import main
from special.storage.files import sha256_of

CONTENTS = {
    "a list": "[1, 2]",
    "a number": "3",
    "null": "null",
    "no JSON": "{",
    "nothing": "",
    "nested deeply": "[" * 100_000 + "]" * 100_000,
    "objects nested deeply": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a number without end": '{"seconds": 1e999}',
    "not UTF-8": "\udcff",
    "another object": '{"a": {"b": []}}',
}
COMMANDS = (("status",), ("status", "--json"), ("map", "-q"), ("report", "-q"), ("sample", "--per-class", "2", "-q"))


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    files = small_scene.write(folder / "scene")
    done = special("label", *files.options, "--out", folder / "run", *small_scene.tiny_options(), "-q")
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.mark.parametrize("name", ["request.json", "run.json", "steps/pseudo/record.json", "steps/map/manifest.json"])
@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_no_longer_json_of_ours_is_one_line_or_made_again(
    made: Path, tmp_path: Path, name: str, content: str
) -> None:
    run = tmp_path / "run"
    for command, *more in COMMANDS:
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(made, run)
        (run / name).write_bytes(CONTENTS[content].encode("utf-8", "surrogateescape"))
        result = special(command, run, *more)
        assert result.exit_code in (0, 2) and "went wrong" not in result.output, result.output
        if result.exit_code:
            assert len([line for line in result.stderr.splitlines() if line.startswith("Error: ")]) == 1


@pytest.mark.parametrize("content", CONTENTS)
def test_a_record_that_is_damaged_is_made_again_by_the_next_run(made: Path, tmp_path: Path, content: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    record = run / "steps" / "pseudo" / "record.json"
    before = record.read_bytes()
    record.write_bytes(CONTENTS[content].encode("utf-8", "surrogateescape"))
    result = special("pseudo", run, "--until", "pseudo", "-q")
    assert result.exit_code == 0, result.output
    assert json.loads(record.read_bytes()) == json.loads(before)


def _consistent(run: Path, step: str) -> None:
    """Write the hashes of what lies there now, as whoever sends a run would."""
    manifest = run / "steps" / step / "manifest.json"
    document = json.loads(manifest.read_text())
    document["files"] = {name: sha256_of(manifest.parent / name) for name in document["files"]}
    manifest.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("step", "name", "array", "command"),
    [
        ("map", "map.npy", np.full((12, 10), 4, np.uint8), ("sample", "--per-class", "2", "-q")),
        ("map", "map.npy", np.ones((12, 10)), ("evaluate", "--truth", "truth.npy")),
        ("map", "map.npy", np.ones((12, 9), np.uint8), ("evaluate", "--truth", "truth.npy")),
        ("map", "probabilities.npy", np.float32(1), ("ask", "-q")),
        ("map", "probabilities.npy", np.full((12, 10, 3), np.nan, np.float32), ("ask", "-q")),
        ("refine", "probabilities.npy", np.full((12, 10, 3), np.inf, np.float32), ("map", "-q")),
        ("map", "confidence.npy", np.ones((12, 10), bool), ("sample", "--per-class", "2", "-q")),
        ("pseudo", "probabilities.npy", np.ones((12, 9, 3), np.float32), ("ask", "-q")),
        ("rgb", "rgb.npy", np.ones(5, np.uint8), ("ask", "-q")),
        ("rgb", "rgb.npy", np.ones((12, 10, 3), np.int64), ("ask", "-q")),
        ("rgb", "rgb.npy", np.ones((12, 10, 3), np.uint16), ("ask", "-q")),
    ],
)
def test_an_array_that_a_step_cannot_have_left_is_one_line(
    made: Path, tmp_path: Path, step: str, name: str, array: np.ndarray, command: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    np.save(run / "steps" / step / name, array)
    _consistent(run, step)
    np.save(tmp_path / "truth.npy", np.ones((12, 10), np.uint8))
    first, *more = [str(tmp_path / word) if word.endswith(".npy") else word for word in command]
    result = special(first, run, *more)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert name in result.stderr


@pytest.mark.parametrize(
    "points", [1e300, [], [[1, 2]], [[1, 2, 2**70]], [[1, 2.5, 0]], [[99, 0, 0]], [[0, 0, 9]], None]
)
def test_a_record_of_samples_that_cannot_be_is_one_line(made: Path, tmp_path: Path, points: object) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    drawn = special("sample", run, "--per-class", "2", "-q")
    assert drawn.exit_code == 0, drawn.output
    document = json.loads((run / "samples.json").read_text())
    document["samples"][0]["points"] = points
    (run / "samples.json").write_text(json.dumps(document))
    result = special("assess", run, run / "sample.csv")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert "samples.json is damaged" in result.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table[:, :3],
        lambda table: table.astype(float),
        lambda table: table + np.array([100, 0, 0, 0]),
        lambda table: table - np.array([100, 0, 0, 0]),
        lambda table: table + np.array([0, 0, 100, 0]),
    ],
)
@pytest.mark.parametrize("command", ["ask", "answers"])
def test_answers_that_nobody_can_have_given_are_one_line(made: Path, tmp_path: Path, change, command: str) -> None:
    run = tmp_path / "run"
    files = small_scene.write(tmp_path / "scene")
    (tmp_path / "answers.csv").write_text("row,col,class\n1,1,Water\n9,9,Grass\n")
    given = (*files.options, *small_scene.tiny_options(), "--labels", tmp_path / "answers.csv", "--until", "answers")
    assert special("label", *given, "--out", run, "-q").exit_code == 0
    table = change(np.load(run / "answers.npy"))
    np.save(run / "answers.npy", table)
    request = json.loads((run / "request.json").read_text())
    request["answers"] = Answers(table).sha256
    (run / "request.json").write_text(json.dumps(request))
    result = special(command, run, "-q")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert "answers.npy is missing or damaged" in result.stderr


@pytest.mark.parametrize("shape", [(3, 1, 3), (12, 10), (12, 10, 7), (0,), (10, 12, 3)])
@pytest.mark.parametrize(
    ("step", "name", "command"), [("rgb", "rgb.npy", "pseudo"), ("warmup", "probabilities.npy", "refine")]
)
def test_an_array_of_another_size_is_one_line_though_its_hash_fits(
    made: Path, tmp_path: Path, step: str, name: str, command: str, shape: tuple[int, ...]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    path = run / "steps" / step / name
    np.save(path, np.ones(shape, np.load(path).dtype))
    _consistent(run, step)
    result = special(command, run, "-q")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert f"run the step {step} again" in result.stderr


def test_a_request_cannot_name_an_array_outside_the_run(made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    document = json.loads((run / "request.json").read_text())
    document["scene"] = {**document.get("scene", {}), "path": str(tmp_path / "nothing.npy")}
    (run / "request.json").write_text(json.dumps(document))
    result = special("rgb", run, "--until", "rgb", "-q")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize(
    "change",
    [
        {"content": "1e-39"},
        {"content": {}},
        {"content": {"files": 3}},
        {"georeference": [1]},
        {"georeference": {"crs_wkt": 3, "transform": None}},
        {"georeference": {"crs_wkt": "", "transform": [1, 2]}},
        {"georeference": {"crs_wkt": "", "transform": ["a"] * 6}},
    ],
)
@pytest.mark.parametrize("command", ["status", "report", "evaluate"])
def test_a_request_that_cannot_be_is_one_line(
    made: Path, tmp_path: Path, change: dict[str, object], command: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    document = json.loads((run / "request.json").read_text())
    (run / "request.json").write_text(json.dumps(document | change))
    np.save(tmp_path / "truth.npy", np.ones((12, 10), np.uint8))
    result = special(command, run, *(["--truth", tmp_path / "truth.npy"] if command == "evaluate" else []))
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert "request.json is damaged" in result.stderr


def test_a_map_in_sensor_geometry_is_compared_with_a_truth_of_its_size(made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    document = json.loads((run / "request.json").read_text())
    (run / "request.json").write_text(json.dumps(document | {"georeference": {"ground": {"size": [3, 4]}}}))
    np.save(tmp_path / "truth.npy", np.ones((12, 10), np.uint8))
    result = special("evaluate", run, "--truth", tmp_path / "truth.npy")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("seed", ["a", None, -1, 2**32, 0.5, True, [1]])
def test_a_seed_that_is_none_is_one_line(made: Path, tmp_path: Path, seed: object) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    document = json.loads((run / "request.json").read_text())
    (run / "request.json").write_text(json.dumps({**document, "seed": seed}))
    result = special("report", run, "-q")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output


def test_a_seed_that_is_too_large_is_refused_with_the_range(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path / "scene")
    result = special("label", *files.options, "--seed", 2**32, "--out", tmp_path / "run", "-q")
    assert result.exit_code == 2 and "from 0 to 4294967295" in result.stderr
    assert not (tmp_path / "run").exists()
