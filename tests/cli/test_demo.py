"""``special demo``: the first thing a new user runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special import settings
from special.cli import main
from special.simulate import MATERIALS


@pytest.fixture(scope="module")
def quick() -> pytest.MonkeyPatch:
    """Tiny settings, which the demonstration itself has no option for."""
    real = settings.load
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "special.api.options.load", lambda pipeline, changes: real(pipeline, {**small_scene.TINY, **changes})
        )
        yield patched


def demo(*options: object) -> Result:
    small = ["--rows", 24, "--cols", 30, "--bands", 40, "--device", "cpu"]
    return CliRunner().invoke(main, ["demo", *map(str, [*small, *options])])


@pytest.fixture(scope="module")
def shown(quick: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder that the command was run in, and what it printed. No test changes it."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        result = demo()
    assert result.exit_code == 0, result.output
    return folder, result


def test_it_leaves_a_scene_a_class_list_wavelengths_a_truth_and_a_map(shown: tuple[Path, Result]) -> None:
    out = shown[0] / "special-demo"
    for name in ("scene.hdr", "scene.img", "classes.txt", "wavelengths.csv", "truth.npy", "scene.special/map.png"):
        assert (out / name).is_file(), name
    truth, labels = np.load(out / "truth.npy"), np.load(out / "scene.special" / "map.npy")
    assert truth.shape == labels.shape == (24, 30)
    assert (out / "classes.txt").read_text(encoding="utf-8").splitlines() == list(MATERIALS)[:6]


def test_it_says_where_the_map_is_and_how_well_it_agrees(shown: tuple[Path, Result]) -> None:
    folder, result = shown
    lines = result.stdout.splitlines()
    assert str(Path("special-demo") / "scene.special" / "map.png") in result.stdout
    table = lines[lines.index(next(line for line in lines if line.endswith("labelled pixels"))) + 1 :]
    assert table[0].split() == ["after", "OA", "AA", "kappa", "mIoU"]
    assert [line.split()[0] for line in table[1:5]] == ["pseudo", "warmup", "refine", "map"]
    truth = np.load(folder / "special-demo" / "truth.npy")
    labels = np.load(folder / "special-demo" / "scene.special" / "map.npy")
    assert table[4].split()[1] == f"{(truth == labels).mean():.4f}"


def test_it_says_how_much_of_the_map_each_class_takes(shown: tuple[Path, Result]) -> None:
    rows = [line.split() for line in shown[1].stdout.splitlines() if "%" in line]
    assert [" ".join(row[1:-3]) for row in rows] == list(MATERIALS)[:6]
    assert sum(int(row[-3]) for row in rows) == 24 * 30


def test_its_pseudo_labels_find_what_was_simulated(shown: tuple[Path, Result]) -> None:
    line = next(line for line in shown[1].stdout.splitlines() if line.startswith("pseudo  0"))
    assert float(line.split()[1]) > 0.7


def test_its_report_has_the_scores(shown: tuple[Path, Result]) -> None:
    report = shown[0] / "special-demo" / "scene.special" / "report.html"
    assert f"The report:       {Path('special-demo') / 'scene.special' / 'report.html'}" in shown[1].stdout
    assert "Against the ground truth" in report.read_text(encoding="utf-8")


def test_it_says_that_a_simulation_proves_nothing_about_accuracy(shown: tuple[Path, Result]) -> None:
    assert "They say nothing of real ground: the scene is simulated" in shown[1].stdout
    assert "without CLIP" in shown[1].stderr


def test_the_commands_that_it_names_work(
    shown: tuple[Path, Result], quick: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(shown[0])
    told = {
        name.strip(): words.split()[1:]
        for name, _, words in (line.partition(":") for line in shown[1].stdout.splitlines())
        if words.strip().startswith("special ")
    }
    evaluated = CliRunner().invoke(main, [*told["Class by class"], "--json"])
    assert evaluated.exit_code == 0 and len(json.loads(evaluated.stdout)["per_class"]) == 6
    again = CliRunner().invoke(main, [*told["The same by hand"], "--out", str(tmp_path / "run"), "--dry-run"])
    assert again.exit_code == 0 and again.stdout.count("never run") == 6 * 2


def test_it_asks_for_no_clip_and_no_network(shown: tuple[Path, Result]) -> None:
    asked = json.loads((shown[0] / "special-demo" / "scene.special" / "request.json").read_text(encoding="utf-8"))
    record = json.loads((shown[0] / "special-demo" / "scene.special" / "run.json").read_text(encoding="utf-8"))
    assert asked["offline"] is True and record["clip"]["asked"] == "none"


def test_a_second_time_it_uses_what_is_there(
    shown: tuple[Path, Result], quick: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shown[0])
    result = demo()
    assert result.exit_code == 0
    steps = [line.split()[:2] for line in result.stdout.splitlines() if line.split()[1:2] in (["kept"], ["made"])]
    assert steps == [[step, "kept"] for step in ("rgb", "pseudo", "warmup", "refine", "map", "report")]


def test_another_scene_needs_another_folder(
    shown: tuple[Path, Result], quick: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shown[0])
    result = demo("--seed", 1)
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("Error: special-demo holds 'scene.img'") and "--out" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("Dear reader", encoding="utf-8")
    result = demo("--out", tmp_path)
    assert result.exit_code == 2 and "thesis.tex" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
