"""``special evaluate``: every step of a run against the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import special
from special.api.request import Request
from special.api.source import SceneSource
from special.cache.directory import RunDirectory
from special.cache.runner import execute
from special.cache.step import Step
from special.cache.workspace import Workspace
from special.classnames.class_list import ClassList
from special.cli import main
from special.errors import RunError, SceneError
from special.settings import load
from special.storage.files import save_array

TRUTH = np.array([[1, 1, 1, 1], [2, 2, 2, 0]])
# What each step believes of the eight pixels: more of them right every time; the last pixel has no data.
BELIEVED = {
    "pseudo": [[2, 2, 1, 1], [2, 1, 1, 0]],
    "warmup": [[1, 2, 1, 1], [2, 2, 1, 0]],
    "refine": [[1, 1, 1, 1], [2, 2, 1, 0]],
    "map": [[0, 1, 1, 1], [2, 2, 1, 0]],
}
ACCURACY = {"pseudo": 3 / 7, "warmup": 5 / 7, "refine": 6 / 7, "map": 5 / 7}


def leave(work: Workspace, folder: Path) -> None:
    labels = np.array(BELIEVED[work.step.name])
    if work.step.name == "map":
        save_array(folder / "map.npy", labels.astype(np.uint8))
    else:
        save_array(folder / "probabilities.npy", np.eye(3, dtype=np.float32)[labels][..., 1:])


def make(folder: Path, names: Iterable[str] = BELIEVED) -> Path:
    """Make a run of steps that leave what they are said to believe; the real ones read a scene and train."""
    run = RunDirectory(folder)
    asked = Request(
        source=SceneSource(folder / "scene.npy"),
        content={"files": "f0", "bands": "b0", "valid pixels": "v0"},
        georeference=None,
        classes=ClassList.parse(["water", "grass"]),
        settings=load(),
        seed=0,
        device="cpu",
        offline=True,
    )
    steps = [Step(name, 1, leave) for name in names]
    with run.locked():
        asked.write(run)
        execute(run, steps, asked.given(), lambda step, key: Workspace(run, step, key))
    np.save(folder.parent / "truth.npy", TRUTH)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make(tmp_path / "run")


def evaluate(run: Path, *options: object) -> Result:
    arguments = ["evaluate", run, "--truth", run.parent / "truth.npy", *options]
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_every_step_is_scored(run: Path) -> None:
    evaluation = special.evaluate(run, TRUTH)
    assert {name: scores.oa for name, scores in evaluation.steps.items()} == {
        name: pytest.approx(ACCURACY[name]) for name in ("pseudo", "warmup", "refine")
    }


def test_the_final_score_is_the_map_s_with_rejected_pixels_wrong(run: Path) -> None:
    evaluation = special.evaluate(run, TRUTH)
    assert (evaluation.made_by, evaluation.final.oa) == ("map", pytest.approx(ACCURACY["map"]))
    assert evaluation.final.confusion[0].tolist() == [3, 0, 1]


def test_the_truth_may_be_a_file_and_the_run_an_object(run: Path) -> None:
    assert special.evaluate(special.open_run(run), run.parent / "truth.npy").final.oa == pytest.approx(ACCURACY["map"])


def test_the_json_has_the_final_map_at_the_top_and_the_steps_below(run: Path) -> None:
    told = json.loads(evaluate(run, "--json").stdout)
    for part in (told, *told["steps"].values()):
        assert {"oa", "aa", "kappa", "miou", "per_class", "confusion"} <= set(part)
    assert told["oa"] == pytest.approx(ACCURACY["map"])
    assert {name: part["oa"] for name, part in told["steps"].items()} == {
        name: pytest.approx(ACCURACY[name]) for name in ("pseudo", "warmup", "refine")
    }


def test_the_tables_show_each_step_each_class_and_the_confusion(run: Path) -> None:
    lines = evaluate(run).stdout.splitlines()
    assert lines[0] == f"{run}: 7 labelled pixels"
    assert lines[1].split() == ["after", "OA", "AA", "kappa", "mIoU"]
    assert [line.split()[:2] for line in lines[2:6]] == [[name, f"{oa:.4f}"] for name, oa in ACCURACY.items()]
    assert lines[8].split() == ["1", "water", "4", "0.7500", "0.7500", "0.7500", "0.6000"]
    confusion = lines[lines.index("Confusion: truth in rows, map in columns") + 1 :]
    assert confusion[0].split() == ["truth", "1", "2", "none"]
    assert [line.split() for line in confusion[1:3]] == [["water", "1", "3", "0", "1"], ["grass", "2", "1", "2", "0"]]


def test_a_truth_that_counts_from_another_number_is_noticed(tmp_path: Path) -> None:
    found = make(tmp_path / "counted", ["refine"])
    counted_from_zero = special.evaluate(found, np.array([[0, 0, 0, 0], [1, 1, 0, 0]]))
    assert len(counted_from_zero.notes) == 1
    assert "0% of the truth, and in 100% if the numbers of the truth go one up" in counted_from_zero.notes[0]
    assert "'water' is number 1" in counted_from_zero.notes[0]


@pytest.mark.parametrize(("turned", "words"), [(np.s_[::-1], "upside down"), (np.s_[:, ::-1], "mirrored")])
def test_a_truth_that_is_turned_is_noticed(tmp_path: Path, turned: Any, words: str) -> None:
    believed = np.array(BELIEVED["refine"])[turned]
    notes = special.evaluate(make(tmp_path / "turned", ["refine"]), believed).notes
    assert len(notes) == 1 and f"in 100% if the truth is read {words}" in notes[0]


def test_a_square_truth_whose_rows_and_columns_are_exchanged_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    square = [[1, 1, 1], [2, 2, 1], [2, 2, 1]]
    monkeypatch.setitem(BELIEVED, "refine", square)
    notes = special.evaluate(make(tmp_path / "square", ["refine"]), np.array(square).T).notes
    assert len(notes) == 1 and "in 100% if the truth is read with its rows and columns exchanged" in notes[0]


def test_a_truth_that_agrees_as_it_is_gets_no_note(run: Path) -> None:
    assert special.evaluate(run, TRUTH).notes == ()


def test_a_run_without_a_map_is_scored_as_far_as_it_is(tmp_path: Path) -> None:
    run = make(tmp_path / "run", ["pseudo", "warmup"])
    evaluation = special.evaluate(run, TRUTH)
    assert (evaluation.made_by, list(evaluation.steps)) == ("warmup", ["pseudo", "warmup"])
    assert evaluation.final.oa == pytest.approx(ACCURACY["warmup"])
    assert "this run has no map yet: these are the figures of warmup" in evaluate(run).stdout


def test_a_run_with_nothing_to_compare_says_what_to_do(tmp_path: Path) -> None:
    run = make(tmp_path / "run", [])
    with pytest.raises(RunError, match=r"nothing to compare yet: run special pseudo"):
        special.evaluate(run, TRUTH)


def test_steps_older_than_their_settings_are_named(run: Path) -> None:
    # The steps that made this run are not the real ones, so by their lights all of it is out of date.
    assert special.evaluate(run, TRUTH).stale == ("pseudo", "warmup", "refine", "map")
    assert "would come out anew: see special status" in evaluate(run).stdout


def test_a_truth_of_another_shape_is_one_line(run: Path) -> None:
    np.save(run.parent / "truth.npy", TRUTH.T)
    result = evaluate(run)
    assert result.exit_code == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "4 x 2" in result.stderr and "2 x 4" in result.stderr


def test_a_truth_with_more_classes_than_the_run_is_one_line(run: Path) -> None:
    with pytest.raises(SceneError, match="the truth holds 3 but the class list has 2 classes"):
        special.evaluate(run, np.where(TRUTH == 0, 3, TRUTH))


def test_a_damaged_step_is_not_scored(run: Path) -> None:
    path = run / "steps" / "warmup" / "probabilities.npy"
    path.write_bytes(path.read_bytes()[:-4] + b"\1\1\1\1")
    with pytest.raises(RunError, match="is damaged: run the step warmup again"):
        special.evaluate(run, TRUTH)
