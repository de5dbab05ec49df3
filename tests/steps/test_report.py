"""The step ``report``: what is known of a map, kept with the run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

import special
from special.api.findings import EVALUATION, findings_of
from special.cache.directory import RunDirectory
from special.cli import main
from special.errors import RunError


def call(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> small_scene.Files:
    return small_scene.write(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def made(files: small_scene.Files, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A finished run with one name that nobody understands, and what the command printed. No test changes it."""
    out = tmp_path_factory.mktemp("made") / "strips.special"
    classes = files.classes.with_name("odd.txt")
    classes.write_text("\n".join([*small_scene.CLASSES, "Zxqv <b>bold</b>"]), encoding="utf-8")
    options = [classes if word == str(files.classes) else word for word in files.options]
    return out, call("label", *options, *small_scene.tiny_options(), "--device", "cpu", "--seed", 3, "--out", out)


@pytest.fixture
def run(made: tuple[Path, Result], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "strips.special"))


def test_the_warnings_are_in_the_run_the_record_and_on_the_screen(made: tuple[Path, Result]) -> None:
    out, printed = made
    warnings = special.open_run(out).warnings
    assert {"names", "assumption"} <= {warning.kind for warning in warnings}
    assert [one["text"] for one in special.open_run(out).record["warnings"]] == [one.text for one in warnings]
    lines = printed.stdout.splitlines()
    assert f"{len(warnings)} warnings:" in lines
    assert [line[2:] for line in lines if line.startswith("- ")] == [one.text for one in warnings]


def test_the_path_of_the_report_comes_last(made: tuple[Path, Result]) -> None:
    assert made[1].stdout.splitlines()[-1] == f"Report: {made[0] / 'report.html'}"


def test_a_run_that_has_no_report_yet_says_how_to_get_one(files: small_scene.Files, tmp_path: Path) -> None:
    run = special.label(
        files.scene, files.classes, files.wavelengths, clip="none", device="cpu", out=tmp_path / "run", until="rgb"
    )
    with pytest.raises(RunError, match="special report"):
        _ = run.warnings


def test_a_damaged_list_of_warnings_is_not_handed_out(run: Path) -> None:
    (run / "steps" / "report" / "record.json").write_text('{"warnings": []}', encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        _ = special.open_run(run).warnings


def test_what_was_assumed_about_axes_is_a_warning(tmp_path: Path) -> None:
    cube, nm, _ = small_scene.cube()
    np.save(tmp_path / "turned.npy", np.moveaxis(cube, 2, 0))
    settings = small_scene.TINY
    run = special.label(
        tmp_path / "turned.npy", list(small_scene.CLASSES), nm, clip="none", settings=settings, out=tmp_path / "run"
    )
    assert any("was read as 12 x 10 pixels" in one.text for one in run.warnings if one.kind == "assumption")


def test_an_evaluation_makes_the_report_anew_and_nothing_else(run: Path, files: small_scene.Files) -> None:
    truth = run.parent / "truth.npy"
    np.save(truth, files.truth)
    call("evaluate", run, "--truth", truth)
    states = json.loads(call("status", run, "--json").stdout)["steps"]
    assert {name: one["state"] for name, one in states.items()} == {
        **dict.fromkeys(("rgb", "pseudo", "warmup", "refine", "map"), "done"),
        "report": "stale",
    }
    assert "what is known of the map" in states["report"]["why"]
    again = special.rerun(run, "report")
    assert [outcome.step for outcome in again.outcomes if outcome.ran] == ["report"]
    assert {one.state for one in special.status(run)[0]} == {"done"}


def test_an_evaluation_that_cannot_be_kept_is_printed_all_the_same(run: Path, files: small_scene.Files) -> None:
    truth = run.parent / "truth.npy"
    np.save(truth, files.truth)
    with RunDirectory(run).locked():
        result = call("evaluate", run, "--truth", truth)
    assert "OA" in result.stdout and "the report will not have these figures" in result.stderr
    assert EVALUATION not in findings_of(RunDirectory(run))


@pytest.mark.parametrize("content", ["no json", "[1, 2]", '{"oa": NaN}', "[" * 100_000])
def test_a_damaged_evaluation_is_as_good_as_none(run: Path, content: str) -> None:
    (run / "evaluation.json").write_text(content, encoding="utf-8")
    assert {one.state for one in special.status(run)[0]} == {"done"}
