"""The tables of the fusion benchmark, and the teachers it is made with."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = ("fusion", "simulated_teachers", "given_teacher", "measure")


@pytest.fixture
def fusion(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("fusion")
    for name in OURS:
        sys.modules.pop(name, None)


def row(scene: str, kind: str, seed: int, fused: float, weight: float = 0.5) -> dict[str, Any]:
    figures = {"first": 0.5, "second": 0.6, "fused": fused, "weights": [1.0, weight]}
    return {"step": "pseudo", "scene": scene, "kind": kind, "seed": seed, **figures}


def test_a_scene_s_change_is_the_mean_over_the_seeds(fusion: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    fusion.show(
        [row("a", "60 %", 0, 0.4), row("a", "60 %", 1, 0.8), row("b", "60 %", 0, 0.46), row("b", "60 %", 1, 0.44)]
    )
    kind, demand = (line.split(" | ") for line in capsys.readouterr().out.splitlines() if "useful" in line)
    assert kind[2:] == ["0.500", "0.600", "0.600", "0.525", "+0.025", "-0.050", "+0.100 |"]
    assert demand[1:] == ["+0.025", "-0.050", "1 of 2 |"]


def test_the_settings_are_kept_and_a_line_for_each_scene_and_kind(
    fusion: ModuleType,
) -> None:
    rows = [row("a", "60 %", 0, 0.4, 0.2), row("a", "60 %", 1, 0.8, 0.4)]
    found = fusion.kept(["luck=0.7"], rows)
    assert found["settings"]["pseudo.luck"] == 0.7
    assert [(one["scene"], one["fused"], one["weights"]) for one in found["rows"]] == [("a", 0.6, [1.0, 0.3])]


def test_simulated_teachers_are_as_right_and_as_sure_as_they_are_asked_to_be(fusion: ModuleType) -> None:
    labels = np.arange(60)[:, None] // 10 + np.zeros((1, 60), int)
    valid = np.ones(labels.shape, bool)
    for name, right, sure in (("80 %", 0.8, 0.8), ("20 %, over-confident", 0.2, 0.97), ("noise", 1 / 6, 0.6)):
        kind = next(kind for kind in fusion.KINDS if kind.name == name)
        said = fusion.simulate_teacher(kind, labels, 6, labels, valid, np.random.default_rng(0))
        assert (said.argmax(axis=-1) == labels).mean() == pytest.approx(right, abs=0.06)
        assert said.max(axis=-1).mean() == pytest.approx(sure, abs=0.03)
        np.testing.assert_allclose(said.sum(axis=-1), 1, atol=1e-5)


def test_what_a_file_says_is_a_teacher_that_special_finds(
    fusion: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from special.registry import Registry

    monkeypatch.setattr(sys, "path", list(sys.path))
    fusion.given_teacher.install(tmp_path / "site")
    kind = Registry("special.teachers", "teacher").get("given")
    np.save(tmp_path / "said.npy", np.full((2, 3, 4), 0.25))
    assert kind(tmp_path / "said.npy").predict().dtype == np.float32
