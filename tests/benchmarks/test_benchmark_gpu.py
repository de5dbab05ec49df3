"""The benchmark of the GPU runs in miniature on a CPU, and one stage's misfortune is not that of the others."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("gpu")
    for name in [name for name in sys.modules if name == "gpu" or name.startswith("gpu_stages")]:
        del sys.modules[name]


def test_stages_are_measured_on_a_cpu_in_miniature(
    gpu: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "gpu.json"
    gpu.main(["--smoke", "--device", "cpu", "--only", "scan_errors", "scan_times", "--json", str(kept)])
    errors, times = json.loads(kept.read_text())["figures"]
    assert errors["ended"] == times["ended"] == "done"
    assert all(row["error"] <= row["limit"] for row in errors["rows"])
    assert {row["what"].split(",")[0] for row in times["rows"]} == {"cpu", "reference"}
    assert all(row["forward ms"] > 0 and row["backward ms"] > 0 for row in times["rows"])
    assert "## scan_times: done" in capsys.readouterr().out


def test_a_stage_whose_time_is_over_is_stopped(gpu: ModuleType) -> None:
    outcome = gpu.watch(gpu.STAGES[0], True, "cpu", 0.01)
    assert outcome.ended.startswith("stopped after") and not outcome.good


def test_a_stage_says_which_package_it_lacks(gpu: ModuleType) -> None:
    outcome = gpu.watch(replace(gpu.STAGES[0], needs=("numpy", "no_such_package")), True, "cpu", 30)
    assert outcome.ended == "lacks no_such_package" and outcome.good


def test_a_stage_that_fails_leaves_its_last_words(gpu: ModuleType) -> None:
    outcome = gpu.watch(replace(gpu.STAGES[0], module="no_such_stage"), True, "cpu", 30)
    assert outcome.ended == "failed with status 2" and not outcome.good
    assert "invalid choice: 'no_such_stage'" in outcome.log


def test_an_error_that_is_too_large_or_no_number_is_said_to_be_wrong(gpu: ModuleType) -> None:
    rows = [
        {"what": "right", "error": 1e-6, "limit": 1e-4},
        {"what": "timed", "ms": 3.0},
        {"what": "wrong", "error": 1e-3, "limit": 1e-4},
        {"what": "not a number", "error": float("nan"), "limit": 1e-4},
    ]
    assert gpu.too_far(rows) == ["wrong", "not a number"]


def test_all_stages_together_have_at_most_eight_minutes(gpu: ModuleType) -> None:
    assert sum(stage.seconds for stage in gpu.STAGES) <= gpu.LIMIT == 480


def test_a_busy_machine_has_more_time_for_the_miniature(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []

    def watch(stage: Any, small: bool, device: str, limit: float) -> Any:
        limits.append(limit)
        return gpu.Outcome(stage.module, "done")

    monkeypatch.setattr(gpu, "watch", watch)
    gpu.main(["--smoke", "--device", "cpu"])
    assert limits == [4 * stage.seconds for stage in gpu.STAGES]


def test_without_a_gpu_only_the_miniature_runs(gpu: ModuleType) -> None:
    with pytest.raises(SystemExit, match="--smoke runs in miniature"):
        gpu.main(["--device", "cpu"])
