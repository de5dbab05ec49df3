"""Supervised use: fit, keep, evaluate on the test pixels alone, predict another scene."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result
from safetensors.numpy import load_file

import special
from special.cli import main
from special.errors import ClassListError, RunError, SceneError, SettingsError, TrainingError
from special.progress import Progress
from special.storage.files import sha256_of
from special.training.saved_model import Model

QUICK = {
    "mambahsi.hidden": 8,
    "mambahsi.blocks": 1,
    "fit.epochs": 2,
    "fit.steps": 12,
    "fit.views": 1,
    "s3fn.patch": 3,
    "s3fn.components": 4,
    "aligned.patch": 3,
    "aligned.components": 4,
    "aligned.width": 8,
    "aligned.layers": 1,
    "aligned.heads": 2,
}
QUICK_OPTIONS = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> small_scene.Files:
    return small_scene.write(tmp_path_factory.mktemp("fit"))


def fitted(files: small_scene.Files, out: Path, **options: object) -> special.Run:
    changes = {**QUICK, **options.pop("settings", {})}  # type: ignore[dict-item]
    chosen = {"device": "cpu", "descriptions": "names", "train_per_class": 5, **options}
    return special.fit(files.scene, files.truth, files.classes, files.wavelengths, out=out, settings=changes, **chosen)


@pytest.fixture(scope="module")
def aligned(files: small_scene.Files) -> special.Run:
    """A finished run that no test changes."""
    return fitted(files, files.scene.parent / "aligned.fit", classifier="aligned", settings={"fit.epochs": 6})


@pytest.mark.parametrize("name", ["mambahsi", "s3fn", "cnn3d", "mean"])
def test_every_classifier_learns_from_labels(files: small_scene.Files, tmp_path: Path, name: str) -> None:
    made = fitted(files, tmp_path / "run", classifier=name, settings={"fit.steps": 40})
    assert special.evaluate(made, files.truth).final.oa > 0.8


@pytest.mark.parametrize("name", ["s3fn", "aligned"])
def test_every_classifier_learns_from_pseudo_labels(files: small_scene.Files, tmp_path: Path, name: str) -> None:
    tiny = {"warmup.epochs": 2, "warmup.steps": 10, "refine.epochs": 1, "refine.steps": 4}
    made = special.label(
        files.scene,
        files.classes,
        files.wavelengths,
        out=tmp_path / "run",
        clip="none",
        classifier=name,
        descriptions="names",
        device="cpu",
        settings={**{k: v for k, v in QUICK.items() if not k.startswith(("fit", "model"))}, **tiny},
    )
    assert special.evaluate(made, files.truth).final.oa > 0.8


def test_a_run_leaves_its_model_and_its_map(aligned: special.Run) -> None:
    names = {path.name for path in aligned.path.iterdir()}
    assert {"split.npy", "model.safetensors", "model.json", "map.tif", "map.png", "map.npy", "run.json"} <= names


def test_the_model_says_how_it_was_made(aligned: special.Run, files: small_scene.Files) -> None:
    told = json.loads((aligned.path / "model.json").read_text(encoding="utf-8"))
    assert told["classes"] == list(small_scene.CLASSES)
    assert told["wavelengths"] == pytest.approx(small_scene.cube()[1].tolist())
    assert len(told["normalisation"]["mean"]) == len(told["normalisation"]["deviation"]) == 24
    assert set(told["sha256"]) == {"weights", "scene", "labels"}
    assert told["parameters"]["frozen"] > 20_000_000 > told["parameters"]["trained"] > 0


def test_only_test_pixels_are_evaluated(aligned: special.Run, files: small_scene.Files) -> None:
    evaluation = special.evaluate(aligned, files.truth)
    assert evaluation.split is not None
    assert (evaluation.split["train"], evaluation.split["test"]) == (15, files.truth.size - 15)
    assert evaluation.final.pixels == files.truth.size - 15
    # A truth that is wrong wherever something was learned, and right elsewhere, gives the same figures.
    parts = np.load(aligned.path / "steps" / "split" / "split.npy")
    lie = np.where(parts == 1, 1 + files.truth % 3, files.truth)
    assert special.evaluate(aligned, lie).final.oa == evaluation.final.oa


def test_the_report_says_that_a_random_split_flatters(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))  # the command keeps what it has found
    result = run("evaluate", out, "--truth", files.scene.with_name("strips_truth.npy"))
    assert "105 test (random split) pixels" in result.stdout
    assert "Neighbours of the test pixels were learned from" in result.stdout


@pytest.mark.parametrize("change", [{"test": None}, {"train": "10"}, {"kind": 3}, {"unused": [1]}])
def test_a_record_of_another_split_is_one_line(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path, change: dict[str, object]
) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    record, manifest = (out / "steps" / "split" / name for name in ("record.json", "manifest.json"))
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    document = json.loads(manifest.read_text())
    document["files"]["record.json"] = sha256_of(record)
    manifest.write_text(json.dumps(document))
    result = run("evaluate", out, "--truth", files.scene.with_name("strips_truth.npy"))
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert "does not say how the labels were divided" in result.stderr


def test_the_same_seed_gives_the_same_model_and_another_one_another(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    options = {"classifier": "aligned", "settings": {"fit.epochs": 6}}
    again = fitted(files, tmp_path / "again", **options)
    other = fitted(files, tmp_path / "other", seed=1, **options)
    first, second, third = (load_file(one.path / "model.safetensors") for one in (aligned, again, other))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["probe.weight"], third["probe.weight"])


def test_what_is_done_is_kept(aligned: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    again = fitted(files, out, classifier="aligned", settings={"fit.epochs": 6})
    assert [outcome.ran for outcome in again.outcomes] == [False] * 4


def test_settings_of_another_classifier_change_nothing(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    again = fitted(files, out, classifier="aligned", settings={"fit.epochs": 6, "s3fn.patch": 5})
    assert [outcome.ran for outcome in again.outcomes] == [False] * 4


def test_other_labels_are_learned_anew(aligned: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    truth = files.truth.copy()
    truth[0, 0] = 0
    labels = small_scene.Files(files.scene, files.classes, files.wavelengths, truth)
    assert [o.ran for o in fitted(labels, out, classifier="aligned").outcomes] == [True] * 4


def test_a_map_can_be_made_again(aligned: special.Run, tmp_path: Path) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    again = special.rerun(out, "map", {"map.reject": 0.99})
    assert [(outcome.step, outcome.ran) for outcome in again.outcomes] == [
        ("split", False),
        ("fit", False),
        ("map", True),
        ("report", True),
    ]
    with pytest.raises(SettingsError, match="made by special fit and has no warmup"):
        special.rerun(out, "warmup")


def test_the_model_predicts_its_own_scene_as_the_fit_did(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    done = special.predict(aligned, files.scene, files.wavelengths, out=tmp_path / "out", device="cpu")
    np.testing.assert_allclose(done.probabilities, aligned.probabilities, atol=1e-5)


def test_the_model_predicts_another_scene_of_the_sensor(aligned: special.Run, tmp_path: Path) -> None:
    cube, nm, truth = small_scene.cube(rows=15, cols=7, seed=3)
    done = special.predict(aligned.path, cube[::-1], nm, out=tmp_path / "out", device="cpu")
    assert (done.map == truth[::-1]).mean() > 0.8


def test_the_map_of_a_prediction_says_what_its_classes_are(aligned: special.Run, tmp_path: Path) -> None:
    cube, nm, _ = small_scene.cube()
    done = special.predict(aligned, cube, nm, out=tmp_path / "out", device="cpu")
    item = json.loads((done.path / "map.stac.json").read_text(encoding="utf-8"))
    classes = item["assets"]["map"]["classification:classes"]
    assert [one["title"] for one in classes[1:]] == list(small_scene.CLASSES)
    assert [one["description"] for one in classes[1:]] == ["Water: water", "Grass: grass", "Bare soil: bare soil"]


def test_other_bands_are_resampled(aligned: special.Run, tmp_path: Path) -> None:
    cube, nm, truth = small_scene.cube(bands=61, seed=3)
    said: list[str] = []

    class Listener(Progress):
        def say(self, line: str) -> None:
            said.append(line)

    done = special.predict(aligned, cube, nm, out=tmp_path / "out", device="cpu", progress=Listener())
    assert (done.map == truth).mean() > 0.8
    assert "resampled to the model's 24" in said[0]


def test_wavelengths_that_do_not_overlap_name_both_ranges(aligned: special.Run, tmp_path: Path) -> None:
    cube = small_scene.cube()[0]
    with pytest.raises(SceneError, match=r"from 1500 to 2400 nm, but .* from 420 to 980 nm: they do not overlap"):
        special.predict(aligned, cube, np.linspace(1500, 2400, 24), out=tmp_path / "out", device="cpu")
    assert not list(tmp_path.iterdir())


def test_a_head_of_text_takes_other_classes(aligned: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    same = [small_scene.CLASSES[k] for k in (2, 0, 1)]
    done = special.predict(
        aligned, files.scene, files.wavelengths, out=tmp_path / "out", classes=same, descriptions="names", device="cpu"
    )
    np.testing.assert_allclose(done.probabilities, aligned.probabilities[..., [2, 0, 1]], atol=1e-5)


def test_a_head_without_text_takes_none(files: small_scene.Files, tmp_path: Path) -> None:
    made = fitted(files, tmp_path / "run", classifier="mean")
    with pytest.raises(ClassListError, match="knows its own classes only"):
        special.predict(made, files.scene, files.wavelengths, out=tmp_path / "out", classes=["Roof", "Road"])


def test_a_damaged_model_is_refused(aligned: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        shutil.copy(aligned.path / name, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 99)
    with pytest.raises(RunError, match=r"is not what .* was written for"):
        Model.read(tmp_path / "model.safetensors")
    with pytest.raises(RunError, match="there is no model"):
        Model.read(tmp_path / "nowhere")


def test_what_is_there_is_not_overwritten(aligned: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="there already"):
        special.predict(aligned, files.scene, files.wavelengths, out=tmp_path, force=True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"train_per_class": 3, "train_fraction": 0.1}, SettingsError, "not both"),
        ({"classifier": "svm"}, SettingsError, "no classifier 'svm': name one of aligned"),
        ({"classifier": "s3fn", "encoder": "nobody/nothing", "offline": True}, Exception, "no text encoder"),
        ({"classifier": "s3fn", "descriptions": "nowhere.txt"}, Exception, "no descriptions at nowhere.txt"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    files: small_scene.Files, tmp_path: Path, options: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fitted(files, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_labels_of_one_class_are_one_line(files: small_scene.Files, tmp_path: Path) -> None:
    one = small_scene.Files(files.scene, files.classes, files.wavelengths, np.where(files.truth == 1, 1, 0))
    with pytest.raises(TrainingError, match="1 of the 3 classes"):
        fitted(one, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_labelled_run_is_not_turned_into_a_fitted_one(
    aligned: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(aligned.path, tmp_path / "copy"))
    with pytest.raises(RunError, match="was made by special fit"):
        special.label(files.scene, files.classes, files.wavelengths, out=out, clip="none")


def test_the_commands_work_together(files: small_scene.Files, tmp_path: Path) -> None:
    truth = files.scene.with_name("strips_truth.npy")
    base = ["--labels", truth, "--classes", files.classes, "--wavelengths", files.wavelengths]
    out = tmp_path / "run"
    chosen = ["--classifier", "mean", "--split", "disjoint", "--train-fraction", "0.2", "--set", "split.gap=1"]
    planned = run("fit", files.scene, *base, *chosen, "--out", out, *QUICK_OPTIONS, "--dry-run")
    assert planned.stdout.count("never run") == 8 and not out.exists()
    made = run("fit", files.scene, *base, *chosen, "--out", out, *QUICK_OPTIONS, "--device", "cpu")
    assert made.exit_code == 0, made.output
    assert "model.safetensors" in made.stdout
    told = json.loads(run("evaluate", out, "--truth", truth, "--json").stdout)
    assert told["split"]["kind"] == "disjoint" and told["made_by"] == "map"
    target = tmp_path / "other"
    mapped = run("predict", out, files.scene, "--wavelengths", files.wavelengths, "--out", target, "--device", "cpu")
    assert mapped.exit_code == 0 and (target / "map.tif").is_file()
    assert run("status", out).stdout.count("done") == 3


def test_the_shares_of_trained_and_frozen_parameters_are_printed(files: small_scene.Files, tmp_path: Path) -> None:
    truth = files.scene.with_name("strips_truth.npy")
    base = [
        "--labels",
        truth,
        "--classes",
        files.classes,
        "--wavelengths",
        files.wavelengths,
        "--descriptions",
        "names",
    ]
    result = run("fit", files.scene, *base, "--classifier", "aligned", "--out", tmp_path / "run", *QUICK_OPTIONS)
    told = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))["parameters"]
    assert f"aligned trains {told['trained']} parameters, " in result.stderr
    assert f"% of all: {told['frozen']} are frozen." in result.stderr


def test_fit_without_labels_says_what_is_missing(files: small_scene.Files) -> None:
    result = run("fit", files.scene, "--classes", files.classes)
    assert result.exit_code == 2 and "--labels" in result.stderr
