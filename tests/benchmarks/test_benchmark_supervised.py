"""``benchmarks/supervised.py``: the same pixels for every row, texts that are really shuffled, a run that goes on."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import small_scene

from special.classnames.class_list import ClassList

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def supervised() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_supervised", ROOT / "benchmarks" / "supervised.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = small_scene.write(tmp_path / "scenes" / "strips", "strips")
    np.save(tmp_path / "scenes" / "strips" / "strips_gt.npy", files.truth)
    return tmp_path / "scenes"


def test_shuffled_texts_are_those_of_other_classes(supervised: ModuleType) -> None:
    classes = ClassList.parse(["Water", "Grass", "Bare soil", "Asphalt"])
    right = supervised.vectors("curated", "minilm", classes, 0)
    wrong = supervised.vectors("shuffled", "minilm", classes, 0)
    owner = [int(np.abs(right.labels - label).sum(axis=1).argmin()) for label in wrong.labels]
    assert sorted(owner) == [0, 1, 2, 3]
    assert all(k != own for k, own in enumerate(owner))
    assert all(np.array_equal(wrong.anchors[k], right.anchors[own]) for k, own in enumerate(owner))


def test_a_row_that_goes_on_from_a_first_stage_comes_to_the_result_it_has_alone(
    supervised: ModuleType, folder: Path
) -> None:
    changes = {"fit.epochs": 4, "fit.steps": 2, "s3fn.patch": 3, "s3fn.components": 4}
    scene = supervised.find(folder)[0]
    alone, shared = (supervised.divided(scene, "random", 0.1, 0) for _ in range(2))
    supervised.learned(shared, supervised.ROWS["s3fn"], 0, changes)
    maps = [supervised.learned(data, supervised.ROWS["s3fn, shuffled"], 0, changes) for data in (alone, shared)]
    assert shared.first.state is not None
    assert np.array_equal(*maps)


def test_what_another_text_adds_is_the_mean_over_the_same_pixels(
    supervised: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    gains = {"a": (0.5, 0.4), "b": (0.7, 0.4)}
    results = {
        supervised.key(scene, row, "random", 0): {"oa": oa}
        for scene, values in gains.items()
        for row, oa in zip(("s3fn", "cnn3d"), values, strict=True)
    }
    supervised.differences(["random"], ["a", "b"], ["cnn3d", "s3fn"], results, 1)
    assert "| s3fn, less cnn3d | +0.200 ± 0.100 |" in capsys.readouterr().out


def test_results_are_kept_and_not_made_again(
    supervised: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = folder / "kept.jsonl"
    arguments = [str(folder), "--rows", "svm", "mean", "--splits", "random", "--seeds", "1", "--keep", str(kept)]
    monkeypatch.setattr(sys, "argv", ["supervised.py", *arguments, "--set", "fit.epochs=1", "fit.steps=2"])
    supervised.main()
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [line["key"] for line in lines] == ["strips/svm/random/0", "strips/mean/random/0"]
    assert f"| svm | {lines[0]['oa']:.3f} | {lines[0]['oa']:.3f} | {lines[0]['aa']:.3f} |" in printed
    monkeypatch.setattr(supervised, "measure", None)
    supervised.main()
    assert capsys.readouterr().out == printed
