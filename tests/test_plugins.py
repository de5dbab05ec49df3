"""What another distribution adds works from the command line as what is ours does, as soon as it is installed.

The distributions in ``tests/plugins`` are built and installed as anybody's would be, into a folder that a process sees
or does not see.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene
from sites import WITHOUT, Site, installed

from special.resources import PIPELINES
from special.steps import LABEL

PLUGINS = Path(__file__).parent / "plugins"
BOTH = 'pseudo.teachers=["spectrum-text", "dark-to-bright"]'
LEADING = 'pseudo.teachers=["dark-to-bright", "spectrum-text"]'
HALF = "pseudo.image_weight=0.5"
TRUSTING = ("--set", "pseudo.luck=0", "--set", "pseudo.no_luck=0.5")  # a scene as small as ours tells little from luck
ALONE = 'pseudo.teachers=["dark-to-bright"]'
ORDERED = "pseudo.dark_to_bright.ordered=true"


def of(name: str, folder: Path) -> Site:
    """Install one of the distributions; from a copy, as building leaves traces beside what is built."""
    return installed(Path(shutil.copytree(PLUGINS / name, folder / f"{name}-source")), folder / name)


def written(folder: Path, group: str, code: str) -> Site:
    """Install a distribution of one module, ``special-ill``, which lists ``ill = ill:ILL`` in a group, by hand."""
    metadata = folder / "special_ill-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: special-ill\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{group}]\nill = ill:ILL\n", encoding="utf-8")
    (folder / "ill.py").write_text(code, encoding="utf-8")
    return Site((folder,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plugins")


@pytest.fixture(scope="module")
def reader(folder: Path) -> Site:
    return of("reader", folder)


@pytest.fixture(scope="module")
def teacher(folder: Path) -> Site:
    return of("teacher", folder)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Site:
    return of("classifier", folder)


@pytest.fixture(scope="module")
def scene(folder: Path) -> small_scene.Files:
    return small_scene.write(folder / "scene")


@pytest.fixture(scope="module")
def label(scene: small_scene.Files) -> Sequence[str]:
    """The words that label the scene in seconds."""
    return ("label", *scene.options, *small_scene.tiny_options(), "--device", "cpu", "--offline")


@pytest.fixture(scope="module")
def text(scene: small_scene.Files) -> Path:
    """The scene in the format of the reader."""
    return small_scene.write_text(scene.scene.with_suffix(".txt"))


@pytest.fixture(scope="module")
def before(folder: Path, label: Sequence[str]) -> Path:
    """A run that was made before anything was installed; tests work on copies."""
    WITHOUT.done(*label, "--out", folder / "before")
    return folder / "before"


@pytest.fixture
def run(before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "run"))


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text(encoding="utf-8")))


# A reader.


def test_a_new_format_is_understood_once_its_reader_is_installed(reader: Site, text: Path) -> None:
    assert "is in no format that can be read" in WITHOUT.refused("info", text)
    facts = json.loads(reader.done("info", text, "--json"))
    assert (facts["format"], facts["rows"], facts["cols"], facts["bands"]) == ("PLAINCUBE", 12, 10, 24)


def test_a_scene_of_a_new_format_is_labelled_with_a_new_teacher_in_the_lead(
    reader: Site, teacher: Site, scene: small_scene.Files, text: Path, tmp_path: Path
) -> None:
    words = ("label", text, "--classes", scene.classes, "--device", "cpu", *small_scene.tiny_options())
    told = ("--set", LEADING, "--set", ORDERED, "--set", HALF, *TRUSTING)
    (reader | teacher).done(*words, *told, "--out", tmp_path / "run")
    assert np.load(tmp_path / "run" / "map.npy").shape == scene.truth.shape
    teachers = record(tmp_path / "run")["teachers"]
    assert list(teachers) == ["dark-to-bright", "spectrum-text"]
    assert 0 < teachers["dark-to-bright"]["weight"] <= 1
    assert 0 < teachers["spectrum-text"]["weight"] <= 0.5


# A teacher.


def test_a_teacher_joins_ours_once_it_can_be_had(teacher: Site, label: Sequence[str], run: Path) -> None:
    said = teacher.special(*label, "--out", run, "--set", BOTH, "--until", "pseudo").stderr
    assert "No dark-to-bright teacher" in said
    assert list(record(run)["teachers"]) == ["spectrum-text"]
    assert record(run)["absent_teachers"]["dark-to-bright"] in said.splitlines()
    teacher.done(*label, "--out", run, "--set", BOTH, "--set", ORDERED, "--set", HALF, "--until", "pseudo")
    teachers = record(run)["teachers"]
    assert list(teachers) == ["spectrum-text", "dark-to-bright"]
    assert 0 < teachers["spectrum-text"]["weight"] <= 1
    assert 0 < teachers["dark-to-bright"].pop("weight") <= 0.5
    assert teachers["dark-to-bright"] == {"teacher": "dark-to-bright", "looks at": "RGB"}
    assert record(run)["plugins"] == ["special-dark-to-bright 0.1.0"]


def test_a_teacher_that_is_alone_and_absent_is_an_error_with_its_reason(
    teacher: Site, label: Sequence[str], tmp_path: Path
) -> None:
    done = teacher.special(*label, "--out", tmp_path / "run", "--set", ALONE)
    assert done.returncode == 2
    reason, error = done.stderr.splitlines()
    assert "if your class list goes from dark to bright, --set pseudo.dark_to_bright.ordered=true" in reason
    assert error.startswith("Error: no teacher is left")
    assert not (tmp_path / "run").exists()


def test_the_settings_of_a_teacher_are_settings_like_any(
    teacher: Site, label: Sequence[str], scene: small_scene.Files, tmp_path: Path
) -> None:
    words = (*label, "--out", tmp_path / "run", "--until", "pseudo", "--set", ALONE, "--set", ORDERED)
    teacher.done(*words, "--set", "pseudo.dark_to_bright.blur=0.25")
    assert record(tmp_path / "run")["settings"]["pseudo.dark_to_bright.blur"] == 0.25
    assert record(tmp_path / "run")["teachers"]["dark-to-bright"]["weight"] == 1
    assert "settings changed: pseudo.dark_to_bright.blur 0.25 -> 0.2\n" in teacher.done(*words, "--dry-run")
    wrong = teacher.refused(*words, "--set", "pseudo.dark_to_bright.blurr=0.1")
    assert "there is no setting 'pseudo.dark_to_bright.blurr': did you mean pseudo.dark_to_bright.blur" in wrong
    assert "blur takes a number such as 0.2" in teacher.refused(*words, "--set", "pseudo.dark_to_bright.blur=much")
    assert "blur must be more than 0" in teacher.refused(*words, "--set", "pseudo.dark_to_bright.blur=0")
    assert "pseudo.dark_to_bright" in WITHOUT.refused(*words)


# A classifier.


def test_a_classifier_learns_from_names(
    teacher: Site, classifier: Site, label: Sequence[str], run: Path, tmp_path: Path
) -> None:
    printed = (teacher | classifier).done(*label, "--out", run, "--classifier", "linear")
    what = dict(line.split()[:2] for line in printed.splitlines()[2:][: len(LABEL)])
    assert what == {step.name: "kept" if step.name in ("rgb", "pseudo") else "made" for step in LABEL}
    made = record(run)
    assert made["settings"]["classifier.name"] == "linear"
    assert made["settings"]["linear.band_dropout"] == 0.1
    assert made["settings"]["fit.learning_rate"] == 0.01, "the pipeline is its own"
    assert made["plugins"] == ["special-linear 0.1.0"]

    assert {step["state"] for step in classifier.states(run).values()} == {"done"}, "the teacher had no part in it"
    plan = classifier.done(
        *label, "--out", run, "--classifier", "linear", "--set", "linear.band_dropout=0.5", "--dry-run"
    )
    assert "linear.band_dropout 0.1 -> 0.5" in plan
    wrong = classifier.refused(*label, "--out", run, "--classifier", "linear", "--set", "linear.dropout=0.5")
    assert "there is no setting 'linear.dropout'" in wrong
    assert "there is no classifier 'linear'" in WITHOUT.refused("status", run)


def test_another_release_of_a_classifier_is_another_classifier(
    classifier: Site, label: Sequence[str], run: Path, tmp_path: Path
) -> None:
    classifier.done(*label, "--out", run, "--classifier", "linear", "--until", "warmup")
    shutil.copytree(classifier.folders[0], tmp_path / "later")
    (metadata,) = tmp_path.glob("later/*.dist-info/METADATA")
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("Version: 0.1.0", "Version: 0.2.0"))
    states = Site((tmp_path / "later",)).states(run)
    assert states["pseudo"]["state"] == "done"
    assert "linear.distribution special-linear 0.1.0 -> special-linear 0.2.0" in states["warmup"]["why"]


def test_a_classifier_learns_from_labels_and_predicts(
    classifier: Site, scene: small_scene.Files, tmp_path: Path
) -> None:
    np.save(tmp_path / "labels.npy", scene.truth)
    how = ("--classes", scene.classes, "--wavelengths", scene.wavelengths, "--device", "cpu")
    tiny = ("--set", "fit.epochs=2", "--set", "fit.steps=2", "--train-per-class", "5")
    words = ("fit", scene.scene, "--labels", tmp_path / "labels.npy", *how, *tiny, "--out", tmp_path / "fit")
    classifier.done(*words, "--classifier", "linear")
    model = json.loads((tmp_path / "fit" / "model.json").read_text(encoding="utf-8"))
    assert model["classifier"] == "linear"
    assert model["settings"]["linear.band_dropout"] == 0.1

    predict = ("predict", tmp_path / "fit", scene.scene, *how[2:], "--out", tmp_path / "predicted")
    assert "there is no classifier 'linear'" in WITHOUT.refused(*predict)
    classifier.done(*predict)
    same = np.load(tmp_path / "fit" / "probabilities.npy")
    np.testing.assert_allclose(np.load(tmp_path / "predicted" / "probabilities.npy"), same, atol=1e-5)


# All of them.


def test_a_run_that_was_made_before_stays_done(reader: Site, teacher: Site, classifier: Site, before: Path) -> None:
    states = WITHOUT.states(before)
    assert {step["state"] for step in states.values()} == {"done"}
    assert (reader | teacher | classifier).states(before) == states


def test_a_pipeline_that_was_written_before_goes_on_working(
    teacher: Site, classifier: Site, label: Sequence[str], run: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.toml"
    shutil.copy(PIPELINES / "special.toml", whole)  # extends nothing, so it names every setting there was
    plan = (teacher | classifier).done(*label, "--out", run, "--pipeline", whole, "--dry-run")
    assert plan.count("nothing has changed") == len(LABEL)


def test_names_that_nothing_has_are_answered_with_those_there_are(
    reader: Site, teacher: Site, classifier: Site, label: Sequence[str], scene: small_scene.Files, tmp_path: Path
) -> None:
    all_of_them = reader | teacher | classifier
    known = "there is no reader 'none': name one of "
    refused = all_of_them.refused("info", scene.scene, "--reader", "none")
    assert known in refused and ", npy, pace, plaincube, prisma" in refused
    words = (*label, "--out", tmp_path / "run")
    known = "there is no teacher 'none': name one of concept-segments, dark-to-bright, dense-text, image-text, "
    assert known in all_of_them.refused(*words, "--set", 'pseudo.teachers=["none"]')
    known = "there is no classifier 'none': name one of aligned, cnn3d, linear, mambahsi, mean, s3fn"
    assert known in all_of_them.refused(*words, "--classifier", "none")


FAILS = 'raise ImportError("libfoo.so is missing:\\nsee the log")'
TEACHER = """
from dataclasses import dataclass
from special.teachers.base import Teacher

@dataclass(frozen=True)
class Settings:
    section = "{section}"
    size: int{default}

class ILL(Teacher):
    name = "ill"
    settings_type = Settings
    make = identity = {predict} = None
"""


@pytest.mark.parametrize(
    ("group", "code", "said"),
    [
        ("special.readers", FAILS, "cannot be loaded (ImportError: libfoo.so is missing: see the log): install that"),
        ("special.teachers", FAILS, "cannot be loaded (ImportError"),
        ("special.classifiers", FAILS, "cannot be loaded (ImportError"),
        ("special.readers", "ILL = 1", "not usable: its entry point must lead to an object of a subclass of"),
        ("special.teachers", "ILL = 1", "not usable: its entry point must lead to a subclass of"),
        ("special.classifiers", "ILL = 1", "not usable: its entry point must lead to an object of"),
        (
            "special.teachers",
            TEACHER.format(section="pseudo.other", default=" = 1", predict="predict"),
            "not usable: the section of its settings is pseudo.other, not pseudo.ill",
        ),
        (
            "special.teachers",
            TEACHER.format(section="pseudo.ill", default=" = 1", predict="_"),
            "not usable: it lacks predict",
        ),
        (
            "special.teachers",
            TEACHER.format(section="pseudo.ill", default="", predict="predict"),
            "not usable: its settings must be a dataclass with a section and a default for every field",
        ),
        (
            "special.teachers",
            TEACHER.format(section="mambahsi", default=" = 1", predict="predict"),
            "not usable: the section mambahsi of its settings is another one's",
        ),
    ],
)
def test_a_broken_plugin_is_one_line_that_names_its_distribution(
    label: Sequence[str], scene: small_scene.Files, tmp_path: Path, group: str, code: str, said: str
) -> None:
    site = written(tmp_path / "site", group, code)
    choice = {"special.teachers": ("--set", 'pseudo.teachers=["ill"]'), "special.classifiers": ("--classifier", "ill")}
    line = site.refused(*label, "--out", tmp_path / "run", *choice.get(group, ()))
    kind = group.removeprefix("special.").removesuffix("s")
    assert line.startswith(f"Error: the {kind} 'ill' of special-ill ")
    assert said in line
