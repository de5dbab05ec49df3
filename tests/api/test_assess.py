"""From a map to a sample, and from the answered sample to accuracies and areas."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import small_scene
from click.testing import CliRunner

import special
from special.answers.sheet.rows import COLUMNS
from special.api.assess import assess
from special.api.sample import sample, samples
from special.cli import main
from special.errors import AnswersError, RunError, SettingsError
from special.progress import Progress

NAMES = small_scene.CLASSES
UNNAMED = '{"samples": [{"design": "stratified", "strata": [{"name": true, "pixels": 4}], "points": [[1, 1, 0]]}]}'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> special.Run:
    """A run that has learned from the truth, and so is nearly always right. No test changes it."""
    files = small_scene.write(tmp_path_factory.mktemp("scene"))
    out = tmp_path_factory.mktemp("made") / "strips.fit"
    return special.fit(
        files.scene, files.truth, list(NAMES), files.wavelengths, classifier="mean", out=out, device="cpu"
    )


@pytest.fixture
def run(made: special.Run, tmp_path: Path) -> special.Run:
    return special.Run(Path(shutil.copytree(made.path, tmp_path / "strips.fit")))


def answered(table: Path, answer: Callable[[Mapping[str, str]], str]) -> Path:
    """Fill in a table, as the page does, into another file."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    path = table.with_name("sample_answers.csv")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "class": answer(row)} for row in rows)
    return path


def truth(row: Mapping[str, str]) -> str:
    return NAMES[int(row["row"]) * 3 // 12]


def test_the_sample_does_not_tell_what_the_map_says(run: special.Run) -> None:
    _, sheet = sample(run, per_class=5)
    with sheet.table.open(encoding="utf-8") as stream:
        assert {(row["guess"], row["confidence"], row["runners_up"]) for row in csv.DictReader(stream)} == {
            ("", "", "")
        }
    about, _, _, columns = pyogrio.raw.read(sheet.geopackage)
    fields = dict(zip(about["fields"], columns, strict=True))
    assert not any(fields["guess"]) and np.isnan(fields["confidence"]).all()
    text = sheet.page.read_text(encoding="utf-8")
    assert "Percentages" not in text and "as mapped" not in text and '"shares": {}' in text
    assert "sample_answers.csv" in sheet.command and sheet.command.startswith("special assess ")


def test_the_sample_tells_it_when_asked_to(run: special.Run) -> None:
    _, sheet = sample(run, per_class=5, show_map=True)
    with sheet.table.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            assert row["guess"] == run.classes[run.map[int(row["row"]), int(row["col"])] - 1]


def test_an_answered_sample_gives_accuracy_and_areas(run: special.Run) -> None:
    right = run.map == small_scene.cube()[2]
    _, sheet = sample(run, per_class=400)  # all there is
    found = assess(run, answered(sheet.table, truth))
    assert found.points == found.pixels == 120
    assert found.estimates.overall.value == pytest.approx(right.mean())
    assert found.estimates.overall.error == 0
    assert [one.value for one in found.estimates.areas] == pytest.approx([1 / 3] * 3)
    assert found.estimates.names == NAMES
    assert found.hectares is None and found.notes == ()


def test_what_is_in_no_class_and_what_the_map_leaves_open_have_their_lines(run: special.Run) -> None:
    run.map[:2] = 0
    _, sheet = sample(run, per_class=10)
    found = assess(run, answered(sheet.table, lambda row: "None of these" if row["row"] == "0" else truth(row)))
    assert found.estimates.names == (*NAMES, "none of these", "no data or rejected")
    assert found.estimates.users[4] is not None and found.estimates.users[4].value == 0


def test_the_layer_comes_back_as_the_table_does(run: special.Run) -> None:
    _, sheet = sample(run, per_class=10)
    by_table = assess(run, answered(sheet.table, truth))
    about, _, shapes, (numbers, *_) = pyogrio.raw.read(sheet.geopackage)
    with sheet.table.open(encoding="utf-8") as stream:
        answers = {int(row["id"]): truth(row) for row in csv.DictReader(stream)}
    path = sheet.geopackage.with_name("back.gpkg")
    columns = [numbers, np.array([answers[int(number)] for number in numbers], object)]
    pyogrio.raw.write(path, shapes, columns, ["id", "class"], driver="GPKG", geometry_type="Point", crs=about["crs"])
    assert assess(run, path).to_json() == by_table.to_json()


def test_a_table_that_a_spreadsheet_has_saved_its_own_way_comes_back(run: special.Run, tmp_path: Path) -> None:
    _, sheet = sample(run, per_class=10)
    path = answered(sheet.table, truth)
    other = tmp_path / "saved.csv"
    other.write_bytes(path.read_text(encoding="utf-8").replace(",", ";").replace("\n", "\r\n").encode("cp1252"))
    assert assess(run, other).to_json() == assess(run, path).to_json()


def test_points_without_an_answer_are_said_and_left_out(run: special.Run) -> None:
    _, sheet = sample(run, per_class=10)
    doubtful = {"1": "", "2": "I don't know", "3": "mixed"}
    found = assess(run, answered(sheet.table, lambda row: doubtful.get(row["id"], truth(row))))
    assert found.points == 27
    assert "3 of 30 points have no answer that is one class: the others of their stratum stand for them" in found.notes


def test_strata_without_a_second_answer_are_named_for_their_intervals_are_too_narrow(run: special.Run) -> None:
    _, sheet = sample(run, per_class=10)

    def as_mapped(row: Mapping[str, str]) -> str:
        return "Water" if row["row"] == "11" else NAMES[run.map[int(row["row"]), int(row["col"])] - 1]

    path = answered(sheet.table, as_mapped)
    (note,) = assess(run, path).notes
    assert note == "all points of Water, Grass have one answer: what little else may be there is in no interval"


def test_a_map_that_has_changed_since_is_assessed_by_the_strata_of_then(run: special.Run) -> None:
    _, sheet = sample(run, per_class=10)
    path = answered(sheet.table, truth)
    run.map[:] = 1
    found = assess(run, path)
    assert found.estimates.overall.value == pytest.approx(1 / 3, abs=0.1)
    assert found.estimates.users[1] is None
    assert found.estimates.matrix[0].sum() == pytest.approx(1)


def test_answers_to_an_earlier_sample_still_count(run: special.Run) -> None:
    _, sheet = sample(run, per_class=5)
    path = answered(sheet.table, truth)
    sample(run, per_class=6, seed=1)
    assert len(samples(run)) == 2
    assert assess(run, path).points == 15


def test_what_is_no_probability_sample_is_refused(run: special.Run, tmp_path: Path) -> None:
    _, sheet = sample(run, per_class=5)
    lines = answered(sheet.table, truth).read_text(encoding="utf-8").splitlines(keepends=True)
    for strange in (lines[:-1], [lines[0], "1,0,0,0.5,-0.5,Water,,,\n"]):
        (tmp_path / "answers.csv").write_text("".join(strange), encoding="utf-8")
        with pytest.raises(AnswersError, match="not a probability sample"):
            assess(run, tmp_path / "answers.csv")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Gras", "question 1 with 'Gras', no class of .*: the nearest is 'Grass'"),
        ("", "0 answers in the stratum 'Water'"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(run: special.Run, answer: str, said: str) -> None:
    _, sheet = sample(run, per_class=5)
    rows = answered(sheet.table, lambda row: answer if row["id"] == "1" or not answer else truth(row))
    with pytest.raises(AnswersError, match=said):
        assess(run, rows)


def test_files_that_are_no_answers_are_refused(run: special.Run, tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="no answers at"):
        assess(run, tmp_path / "nowhere.csv")
    for name in ("strange.csv", "strange.gpkg"):
        (tmp_path / name).write_bytes(b"strange,file\n\x00\xff")
        with pytest.raises(AnswersError, match="not a sheet of questions"):
            assess(run, tmp_path / name)


@pytest.mark.parametrize(
    "options",
    [{}, {"per_class": 5, "total": 10}, {"total": 5}, {"per_class": 1}, {"per_class": 5, "design": "systematic"}],
)
def test_samples_that_cannot_be_are_refused(run: special.Run, options: dict) -> None:
    with pytest.raises(SettingsError):
        sample(run, **options)
    assert not list(run.path.glob("sample*"))


def test_a_damaged_record_is_said(run: special.Run) -> None:
    _, sheet = sample(run, per_class=5)
    (run.path / "samples.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        assess(run, answered(sheet.table, truth))


@pytest.mark.parametrize("content", ["83873", "[]", '{"samples": 3}', '{"samples": [{}]}', UNNAMED, "not JSON"])
def test_a_sample_is_drawn_over_a_damaged_record_which_is_said(run: special.Run, content: str) -> None:
    class Told(Progress):
        def say(self, line: str) -> None:
            said.append(line)

    said: list[str] = []
    (run.path / "samples.json").write_text(content, encoding="utf-8")
    sample(run, per_class=2, progress=Told())
    assert len(samples(run)) == 1
    assert [line for line in said if "samples.json was damaged" in line]


def test_the_commands_go_from_the_map_to_the_figures(run: special.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path.parent)

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    drawn = call("sample", "--total", "30").splitlines()
    assert drawn[1].split() == ["stratum", "pixels", "points"]
    assert sum(int(line.split()[-1]) for line in drawn[2:5]) == 30
    path = answered(run.path / "sample.csv", truth)
    shown = call("assess", "strips.fit", str(path))
    assert "Overall accuracy " in shown and "Error matrix in shares of the area" in shown
    found = json.loads(call("assess", "strips.fit", str(path), "--json"))
    assert set(found["classes"]) == set(NAMES)
    assert set(found["overall_accuracy"]) == {"estimate", "standard_error", "ci95"}


def test_a_size_must_be_given_to_the_command() -> None:
    result = CliRunner().invoke(main, ["sample"])
    assert result.exit_code == 2
    assert "--per-class or --total" in result.stderr
