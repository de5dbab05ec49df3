"""The step ``report``: what is known of a map, kept with the run."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

import special
from special.api.findings import ASSESSMENT, EVALUATION, MAP, findings_of
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


def text_of(page: Path) -> str:
    """The text of a page, in one line, without its script and its style."""
    plain = re.sub(r"<(script|style)\b.*?</\1>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", plain)).split())


def command_in(page: Path) -> list[str]:
    """The words of the command that a report says makes its run again."""
    found = re.search(r'<code id="command">(.*?)</code>', page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert found
    return shlex.split(html.unescape(found[1]))


def test_the_report_shows_the_run(made: tuple[Path, Result]) -> None:
    text = text_of(made[0] / "report.html")
    run = special.open_run(made[0])
    for area in run.areas():
        assert f"{area.name} {f'{area.share:.1%}' if area.pixels else '0%'}" in text
    assert all(warning.text in text for warning in run.warnings)
    assert "spectrum-text , weight 1.00" in text and run.record["teachers"]["spectrum-text"]["encoder_sha256"] in text
    for step in ("rgb", "pseudo", "warmup", "refine", "map"):
        assert step in text
    assert "warmup.epochs 2" in text and f"special {special.__version__}" in text


def test_a_class_says_what_is_doubtful_of_it(made: tuple[Path, Result]) -> None:
    text = text_of(made[0] / "report.html")
    odd = text[text.rindex("Zxqv <b>bold</b> ", 0, text.index("How it was made")) :]
    assert text.count("The name is not understood, and taken for what comes nearest.") == 1
    assert odd.index("The name is not understood") < 400


def test_the_command_in_the_report_is_what_was_asked(made: tuple[Path, Result]) -> None:
    words = command_in(made[0] / "report.html")
    assert words[:2] == ["special", "label"]
    told = call(*words[1:], "--dry-run").stdout
    assert [line.split()[1] for line in told.splitlines()[2:]] == ["done"] * 6


def test_a_run_that_is_moved_keeps_its_report(run: Path) -> None:
    assert {one.state for one in special.status(run)[0]} == {"done"}


def test_the_same_run_has_the_same_report(run: Path) -> None:
    pages = []
    for _ in range(2):
        shutil.rmtree(run / "steps" / "report")
        special.rerun(run, "report")
        pages.append((run / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_scores_are_shown_until_the_map_is_another_one(run: Path, files: small_scene.Files) -> None:
    truth = run.parent / "truth.npy"
    np.save(truth, files.truth)
    call("evaluate", run, "--truth", truth)
    special.rerun(run, "report")
    oa = special.evaluate(run, truth).final.oa
    text = text_of(run / "report.html")
    assert "Against the ground truth" in text and f"{oa:.1%} overall accuracy" in text
    special.rerun(run, "map", {"map.reject": 0.9})
    assert "Against the ground truth" not in text_of(run / "report.html")


def test_estimated_areas_are_shown(run: Path) -> None:
    interval = {"estimate": 0.25, "standard_error": 0.01, "ci95": 0.02}
    entry = {"points": 5, "users_accuracy": interval, "producers_accuracy": None, "area_share": interval}
    keep(
        run,
        ASSESSMENT,
        {
            "design": "stratified",
            "points": 20,
            "overall_accuracy": interval,
            "notes": [],
            "classes": {"Water": {**entry, "mapped_share": 0.3}},
        },
    )
    assert "Water 5 25.0 ± 2.0 – 30.0 25.0 ± 2.0" in text_of(run / "report.html")


def keep(run: Path, name: str, document: dict) -> None:
    """Put a finding about the map of a run into it, and make the report again."""
    manifest = RunDirectory(run).manifest("map")
    assert manifest is not None
    (run / f"{name}.json").write_text(json.dumps({MAP: manifest.files["map.npy"], **document}), encoding="utf-8")
    special.rerun(run, "report")


@pytest.mark.parametrize("name", [EVALUATION, ASSESSMENT])
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"confusion": [[1]], "names": ["a"], "steps": {}, "classes": {}},
        {"confusion": "many", "classes": [1, 2]},
        {"confusion": [[10**30] * 5] * 4, "classes": {"Water": 3}},
        {"confusion": [[-1] * 5] * 4, "design": 3, "points": "x"},
    ],
)
def test_a_finding_that_is_no_finding_is_left_out(run: Path, name: str, document: dict) -> None:
    keep(run, name, document)
    assert 'id="accuracy"' not in (run / "report.html").read_text(encoding="utf-8")


def test_a_run_with_answers_reports_on_them(run: Path, files: small_scene.Files) -> None:
    table = run.parent / "answers.csv"
    table.write_text("row,col,class\n2,5,Water\n6,5,Grass\n10,5,Bare soil\n", encoding="utf-8")
    words = command_in(run / "report.html")
    words[words.index("--out") + 1] = str(run)
    call(*words[1:], "--labels", table)
    text = text_of(run / "report.html")
    assert "3 answers, of 3 pixels, corrected the pseudo-labels" in text and "Against your answers" in text
    assert "The run keeps the 3 answers" in text


def test_a_supervised_run_reports_on_its_test_pixels(files: small_scene.Files, tmp_path: Path) -> None:
    run = special.fit(
        files.scene,
        files.truth,
        files.classes,
        files.wavelengths,
        classifier="mean",
        train_per_class=3,
        out=tmp_path / "strips.fit",
        device="cpu",
    )
    text = text_of(run.path / "report.html")
    assert "Against the test pixels" in text and f"{special.evaluate(run, files.truth).final.oa:.1%}" in text
    assert "weight" not in text.partition("Again")[0].partition("Steps")[2], "nobody taught it"
    told = call(*command_in(run.path / "report.html")[1:], "--dry-run").stdout
    assert [line.split()[1] for line in told.splitlines()[2:]] == ["done"] * 4


def test_a_scene_on_the_ground_has_hectares(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    cube, nm, _ = small_scene.cube()
    path = tmp_path / "placed.tif"
    transform = rasterio.transform.from_origin(500_000, 5_800_000, 30, 30)
    with rasterio.open(
        path, "w", driver="GTiff", height=12, width=10, count=24, dtype="float32", crs="EPSG:32633", transform=transform
    ) as file:
        file.write(np.moveaxis(cube, 2, 0))
    run = special.label(
        path, list(small_scene.CLASSES), nm, clip="none", device="cpu", settings=small_scene.TINY, out=tmp_path / "run"
    )
    water = run.areas()[0]
    assert f"{water.pixels} {water.pixels * 0.09:.2f} {water.confidence:.2f}" in text_of(run.path / "report.html")


def test_a_scene_without_the_visible_is_shown_in_the_colours_that_it_has(tmp_path: Path) -> None:
    cube, nm, _ = small_scene.cube()
    options = {"clip": "none", "device": "cpu", "settings": small_scene.TINY, "out": tmp_path / "run"}
    run = special.label(cube[..., 16:], list(small_scene.CLASSES), nm[16:], **options)
    assert "False colour:" in text_of(run.path / "report.html")


def test_a_notebook_shows_a_run(made: tuple[Path, Result], tmp_path: Path, files: small_scene.Files) -> None:
    shown = special.open_run(made[0])._repr_html_()
    assert shown is not None and "data:image/png" in shown and "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert "were taken for reflectance" in shown
    options = {"clip": "none", "device": "cpu", "out": tmp_path / "run", "until": "rgb"}
    assert special.label(files.scene, files.classes, files.wavelengths, **options)._repr_html_() is None
