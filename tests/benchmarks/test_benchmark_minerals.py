"""``benchmarks/minerals.py``: scenes of minerals whose own samples the teacher is not given."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from special.landcover.concepts import load_concepts

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_minerals", ROOT / "benchmarks" / "minerals.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_seed_alone_decides_a_scene(bench: ModuleType) -> None:
    library = bench.Library.read()
    first, again, other = (bench.simulate(seed, library, size=12) for seed in (4, 4, 6))
    np.testing.assert_array_equal(first.cube, again.cube)
    assert first.names == again.names and first.drawn == again.drawn
    assert first.cube.shape != other.cube.shape or not np.array_equal(first.cube, other.cube)


def test_layers_of_grains_invert_to_their_albedo(bench: ModuleType) -> None:
    reflectance = np.linspace(0.01, 0.95, 20)
    np.testing.assert_allclose(bench.layer(bench.albedo(reflectance)), reflectance)


def test_an_intimate_mixture_is_darker_than_an_areal_one(bench: ModuleType) -> None:
    dark, bright = np.array([0.05]), np.array([0.8])
    mixed = bench.layer((bench.albedo(dark) + bench.albedo(bright)) / 2)
    assert dark < mixed < (dark + bright) / 2


def test_the_teacher_is_not_given_the_sample_that_a_scene_is_made_of(bench: ModuleType, tmp_path: Path) -> None:
    library = bench.Library.read()
    table = load_concepts([library.without({"kaolinite CM9", "talc GDS23"}, tmp_path)])
    assert [variant.name for variant in table.concepts["kaolinite"].variants] == ["poorly ordered"]
    assert len(table.concepts["talc"].variants) == 1, "it has no other sample"


def test_every_name_of_a_setting_is_a_mineral_of_the_table(bench: ModuleType) -> None:
    library = bench.Library.read()
    for names in bench.SETTINGS.values():
        assert all(library.samples[concept] for concept in names.values())


def test_calibration_error_is_the_gap_between_confidence_and_accuracy(bench: ModuleType) -> None:
    right = np.arange(100) < 60
    assert bench.calibration_error(np.full(100, 0.95), right) == pytest.approx(0.35)
    assert bench.calibration_error(np.full(100, 0.6), right) == pytest.approx(0.0)


def test_two_scenes_are_judged(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["minerals", "--smoke", "--json", str(tmp_path / "figures.json")])
    bench.main()
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading.startswith("2 scenes: OA 0.") and (tmp_path / "figures.json").is_file()
