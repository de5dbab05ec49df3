"""The benchmarks of single parts run, and their tables hold figures. Those that label scenes are run by ``.ci/run``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _run(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> list[list[str]]:
    monkeypatch.setattr(sys, "argv", [name, "--smoke", *options])
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_training_step_is_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    best, median, worst, gigabytes = map(float, _run("train_step", monkeypatch, capsys)[-1])
    assert 0 < best <= median <= worst
    assert gigabytes > 0


def test_dense_clip_is_held_against_its_matrix_products(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dense, alone = _run("dense_clip", monkeypatch, capsys)[-2:]
    assert dense[1:3] == ["dense", "CLIP"] and alone[1:3] == ["products", "alone"]
    assert float(dense[-1].rstrip("%")) > 0 and alone[-1] == "100.0%"


def test_scan_and_step_are_held_against_what_the_machine_can_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _run("roofline", monkeypatch, capsys)
    shares = [line for line in lines if "alone" in line]
    assert [line[0] for line in shares] == 2 * ["exponentials", "multiply-adds", "bytes"]
    assert all(float(line[-1].rstrip("%")) >= 0 for line in shares), "how much depends on what else the machine does"


def test_the_way_from_the_command_to_the_first_step_is_traced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, _, *rows, _, last = _run("trace_label", monkeypatch, capsys, "--files")
    assert heading == ["|", "file", "|", "calls", "|"]
    files = {row[1]: int(row[3]) for row in rows}
    assert next(iter(files)) == "cli/__init__.py" and files["cli/label.py"] == 1
    assert "cache/runner.py" in files and "steps/rgb.py" not in files, "up to the first step, without it"
    assert " ".join(last) == f"{len(files)} files and {last[3]} moves between them until the step rgb begins"
    assert len(files) - 1 <= int(last[3]) < sum(files.values())
