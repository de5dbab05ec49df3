"""A run that is told things: questions, answers, what runs again, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner

import special
from special.api.run import Answered, Run
from special.cli import main
from special.errors import AnswersError, RunError, SettingsError
from special.progress import Progress

ANSWERS = ((2, 5, "Water"), (6, 5, "grass"), (10, 5, "3"), (11, 9, "I don't know"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> small_scene.Files:
    return small_scene.write(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def first(scene: small_scene.Files) -> Run:
    """A run from names alone."""
    return label(scene, scene.scene.with_suffix(".special"))


@pytest.fixture(scope="module")
def told(scene: small_scene.Files, first: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Another run, of names first and then with answers."""
    out = tmp_path_factory.mktemp("told") / "run"
    label(scene, out)
    return label(scene, out, labels=table(out.parent / "answers.csv", *ANSWERS))


def label(scene: small_scene.Files, out: Path, **options: Any) -> Run:
    options = {"classes": scene.classes, "settings": small_scene.TINY, **options}
    return special.label(scene.scene, wavelengths=scene.wavelengths, clip="none", device="cpu", out=out, **options)


def table(path: Path, *answers: tuple[int, int, str]) -> Path:
    lines = [f"{row},{col},{said}" for row, col, said in answers]
    path.write_text("\n".join(["row,col,class", *lines]) + "\n", encoding="utf-8")
    return path


def ran(run: Run) -> dict[str, bool]:
    return {outcome.step: outcome.ran for outcome in run.outcomes}


def keys(run: Run) -> dict[str, str]:
    return {name: step["key"] for name, step in run.record["steps"].items()}


def test_a_run_without_answers_has_no_such_step(first: Run) -> None:
    assert list(ran(first)) == ["rgb", "pseudo", "warmup", "refine", "map", "report"]
    assert first.answers == []


def test_answers_run_what_depends_on_them_and_nothing_before(told: Run) -> None:
    assert ran(told) == {
        "rgb": False,
        "pseudo": False,
        "answers": True,
        "warmup": True,
        "refine": True,
        "map": True,
        "report": True,
    }


def test_the_same_answers_again_run_nothing(scene: small_scene.Files, told: Run) -> None:
    again = label(scene, told.path, labels=told.path.parent / "answers.csv")
    assert not any(ran(again).values())


def test_a_run_keeps_its_answers_when_none_are_given(scene: small_scene.Files, told: Run) -> None:
    assert not any(ran(label(scene, told.path)).values())


def test_a_run_says_what_it_was_told(told: Run) -> None:
    assert told.answers == [
        Answered(2, 5, "Water", 1),
        Answered(6, 5, "Grass", 1),
        Answered(10, 5, "Bare soil", 1),
    ]


def test_the_map_has_what_was_said(told: Run) -> None:
    assert [told.map[row, col] for row, col, _ in ANSWERS[:3]] == [1, 2, 3]
    assert told.confidence[2, 5] > 0.9


def test_the_record_counts_answers(told: Run) -> None:
    figures = told.record["steps"]["answers"]["figures"]
    assert (figures["answers"], figures["pixels"], figures["not_known"]) == (3, 4, 1)
    assert figures["per_class"] == {"Water": 1, "Grass": 1, "Bare soil": 1}


def test_more_answers_are_added_to_those_there_are(
    scene: small_scene.Files, told: Run, tmp_path: Path, copied: Path
) -> None:
    more = label(scene, copied, labels=table(tmp_path / "more.csv", (0, 0, "Water"), (6, 5, "Water")))
    assert [(one.row, one.col, one.name) for one in more.answers] == [
        (0, 0, "Water"),
        (2, 5, "Water"),
        (6, 5, "Water"),  # the newer one holds
        (10, 5, "Bare soil"),
    ]
    assert not ran(more)["pseudo"] and ran(more)["answers"]


def test_the_step_runs_again_with_other_settings(copied: Path) -> None:
    again = special.rerun(copied, "answers", {"answers.noise": 0.3}, until="answers")
    assert ran(again) == {"rgb": False, "pseudo": False, "answers": True}
    assert len(again.answers) == 3


def test_force_forgets_answers(scene: small_scene.Files, copied: Path) -> None:
    assert label(scene, copied, force=True, until="rgb").answers == []


def test_answers_follow_their_classes_into_a_longer_list(scene: small_scene.Files, copied: Path) -> None:
    longer = label(scene, copied, classes=["Road", "Bare soil", "Water", "Grass"], until="answers")
    assert [one.name for one in longer.answers] == ["Water", "Grass", "Bare soil"]


def test_none_of_these_is_0_in_the_map(scene: small_scene.Files, copied: Path, tmp_path: Path) -> None:
    run = label(scene, copied, labels=table(tmp_path / "none.csv", (10, 5, "none of these")))
    assert run.map[10, 5] == 0
    assert run.answers[-1] == Answered(10, 5, None, 1)
    assert (run.map[:7] > 0).all()


def test_what_was_asked_is_not_asked_again(told: Run) -> None:
    for one in told.ask(20):
        assert [one.row, one.col] not in [[row, col] for row, col, _ in ANSWERS]


def test_as_many_questions_as_classes_are_asked(first: Run) -> None:
    assert [one.id for one in first.ask()] == [1, 2, 3]
    assert len(special.ask(first.path, questions=2)) == 2


def test_less_than_one_question_is_refused(first: Run) -> None:
    with pytest.raises(SettingsError, match="0 questions"):
        first.ask(0)


def test_nothing_is_asked_before_there_are_pseudo_labels(scene: small_scene.Files, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="pseudo"):
        label(scene, tmp_path / "run", until="rgb").ask()


def test_an_array_of_labels_does_as_well_as_a_file(scene: small_scene.Files, tmp_path: Path) -> None:
    labels = np.zeros(scene.truth.shape, dtype=int)
    labels[2, 5] = 1
    run = label(scene, tmp_path / "run", labels=[labels], until="answers")
    assert run.answers == [Answered(2, 5, "Water", 1)]


def test_labels_that_cannot_be_understood_leave_nothing_behind(scene: small_scene.Files, tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="no class of the list"):
        label(scene, tmp_path / "run", labels=table(tmp_path / "answers.csv", (2, 5, "Wine")))
    assert not (tmp_path / "run").exists()


def test_damaged_answers_are_said(scene: small_scene.Files, copied: Path) -> None:
    (copied / "answers.npy").write_bytes(b"x")
    with pytest.raises(RunError, match=r"answers\.npy is missing or damaged"):
        label(scene, copied)


def test_the_files_are_truth_and_training_labels_too(scene: small_scene.Files, told: Run, tmp_path: Path) -> None:
    path = table(tmp_path / "plots.csv", *((row, col, scene_class(row)) for row in range(12) for col in (1, 4, 7)))
    assert special.evaluate(told, path).final.pixels == 36
    job = special.prepare(
        special.FitOptions(
            scene=scene.scene, labels=path, classes=scene.classes, wavelengths=scene.wavelengths, out=tmp_path / "fit"
        )
    )
    assert job.labels is not None and np.count_nonzero(job.labels) == 36


def scene_class(row: int) -> str:
    return small_scene.CLASSES[row // 4]


def test_answers_that_others_deny_are_named_on_the_screen_and_recorded(
    scene: small_scene.Files, tmp_path: Path
) -> None:
    water = [(row, col, "Water") for row in range(4) for col in range(0, 10, 2)]
    answers = [*water, (1, 5, "Grass"), (6, 5, "Grass"), (10, 5, "Bare soil")]
    heard = Listener()
    run = label(
        scene, tmp_path / "run", labels=table(tmp_path / "answers.csv", *answers), until="answers", progress=heard
    )
    (line,) = [line for line in heard.lines if "look at again" in line]
    assert "row 1, column 5: Grass, where answers say Water" in line
    (one,) = run.record["steps"]["answers"]["figures"]["to_look_at_again"]
    assert (one["row"], one["col"], one["said"], one["against"]) == (1, 5, "Grass", "Water")


class Listener(Progress):
    """Keeps what the user must not miss."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_what_a_file_has_too_much_is_said(scene: small_scene.Files, tmp_path: Path) -> None:
    heard = Listener()
    answers = table(tmp_path / "answers.csv", (2, 5, "Water"), (90, 5, "Water"), (2, 6, "Gras"))
    label(scene, tmp_path / "run", labels=answers, until="rgb", progress=heard)
    assert any("1 is outside the scene" in line and "'Grass'" in line for line in heard.lines)


def test_polygons_in_degrees_are_answers_and_truth_of_a_scene_on_the_map(
    scene: small_scene.Files, tmp_path: Path
) -> None:
    """Where a GeoTIFF lies in metres and the plots were drawn on a web map."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.warp import transform_bounds

    cube, _, _ = small_scene.cube()
    place = from_origin(400000, 5800000, 30, 30)
    with rasterio.open(
        tmp_path / "scene.tif", "w", driver="GTiff", height=12, width=10, count=cube.shape[2], dtype="float32",
        crs="EPSG:32633", transform=place,
    ) as target:  # fmt: skip
        target.write(np.moveaxis(cube, 2, 0))
    features = []
    for name, top in zip(small_scene.CLASSES, (0, 4, 8), strict=True):
        west, north = place * (2, top + 1)
        east, south = place * (5, top + 3)
        left, bottom, right, top_ = transform_bounds("EPSG:32633", "EPSG:4326", west, south, east, north)
        ring = [[left, bottom], [right, bottom], [right, top_], [left, top_], [left, bottom]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"class": name}, "geometry": geometry})
    plots = tmp_path / "plots.geojson"
    plots.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    run = special.label(
        tmp_path / "scene.tif", scene.classes, scene.wavelengths, clip="none", device="cpu", out=tmp_path / "run",
        settings=small_scene.TINY, labels=plots, until="answers",
    )  # fmt: skip
    assert [(one.row, one.name, one.pixels) for one in run.answers] == [
        (1, "Water", 6),
        (5, "Grass", 6),
        (9, "Bare soil", 6),
    ]
    scores = special.evaluate(run, plots).final
    assert (scores.pixels, scores.oa) == (18, 1.0)


def test_status_counts_answers(told: Run) -> None:
    text = CliRunner().invoke(main, ["status", str(told.path)]).output
    assert "3 answers: 1 Water, 1 Grass, 1 Bare soil" in text
    shown = json.loads(CliRunner().invoke(main, ["status", str(told.path), "--json"]).output)
    assert shown["answers"] == 3
    assert shown["steps"]["answers"]["state"] == "done"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nothing.csv", None, "no labels at"),
        ("empty.csv", "row,col,class\n", "is empty"),
        ("open.csv", "row,col,class\n2,5,\n", "has no answer yet"),
        ("far.csv", "row,col,class\n200,5,Water\n", "is it of another scene?"),
        ("strange.csv", "row,col,class\n2,5,Watr\n", "which has 'Water'"),
        ("points.geojson", '{"type": "FeatureCollection", "features": []}', "points.geojson"),
    ],
)
def test_bad_answers_are_one_line_and_leave_nothing_behind(
    scene: small_scene.Files, tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = ["label", *scene.options, "--out", str(tmp_path / "run"), "--labels", str(tmp_path / name)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    (line,) = result.output.strip().splitlines()
    assert line.startswith("Error: ") and message in line
    assert not (tmp_path / "run").exists()


def test_the_step_is_refused_where_nothing_was_said(first: Run) -> None:
    result = CliRunner().invoke(main, ["answers", str(first.path)])
    assert result.exit_code == 2
    assert "has no answers" in result.output


def test_a_run_without_answers_has_the_keys_that_it_always_had(scene: small_scene.Files, first: Run, told: Run) -> None:
    assert keys(first)["pseudo"] == keys(told)["pseudo"]
    manifest = json.loads((first.path / "steps" / "warmup" / "manifest.json").read_text())
    assert list(manifest["ingredients"]["upstream"]) == ["pseudo"]
    assert list(manifest["ingredients"]["inputs"]) == ["scene", "seed", "texts"]
    assert not any(name.startswith("answers.") for name in manifest["ingredients"]["settings"])


@pytest.fixture
def copied(told: Run, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(told.path, tmp_path / "copied"))
