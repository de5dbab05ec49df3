"""``benchmarks/scenes.py``: finds scenes, prints the table that the README shows."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import small_scene

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scenes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_scenes", ROOT / "benchmarks" / "scenes.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scenes, one without wavelengths of its own, and a folder that is none."""
    for name in ("strips", "bands"):
        files = small_scene.write(tmp_path / name, name)
        np.save(tmp_path / name / f"{name}_gt.npy", files.truth)
    (tmp_path / "bands" / "wavelengths.csv").unlink()
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_scenes_are_found_by_name(scenes: ModuleType, folder: Path) -> None:
    bands, strips = scenes.find(folder)
    assert (bands.name, bands.wavelengths) == ("bands", None)
    assert strips.cube == folder / "strips" / "strips.npy" and strips.truth == folder / "strips" / "strips_gt.npy"
    assert strips.wavelengths == folder / "strips" / "wavelengths.csv"


def test_a_scene_without_truth_is_named(scenes: ModuleType, folder: Path) -> None:
    (folder / "bands" / "bands_gt.npy").unlink()
    with pytest.raises(SystemExit, match="bands_gt"):
        scenes.find(folder)


def row(scenes: ModuleType, name: str, oa: float, seconds: float) -> dict:
    figures = {"oa": oa, "aa": oa, "kappa": oa, "miou": oa}
    return {"scene": name, "seconds": seconds, "megabytes": 10, **figures, "steps": {s: figures for s in scenes.STEPS}}


def test_the_last_line_has_the_means_and_the_longest_time(scenes: ModuleType) -> None:
    rows = [row(scenes, "a", 0.5, 20.0), row(scenes, "b", 0.75, 60.0)]
    assert scenes.line(rows[0]) == "| a | 0.500 | 0.500 | 0.500 | 0.500 | 0.500 | 0.500 | 0.500 | 20 | 10 |"
    assert scenes.line(scenes.mean(rows)).split(" | ")[1:] == ["0.625"] * 7 + ["60", "10 |"]


@pytest.mark.slow
def test_a_scene_is_labelled_and_measured(scenes: ModuleType, folder: Path) -> None:
    strips = scenes.find(folder)[1]
    measured = scenes.measure(strips, folder / "run", ["--clip", "none", *small_scene.tiny_options()])
    assert measured["scene"] == "strips" and measured["seconds"] > 0 and measured["megabytes"] > 50
    assert 0 <= measured["oa"] <= 1 and set(measured["steps"]) == set(scenes.STEPS)
