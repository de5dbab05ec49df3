"""``special batch``: exit codes, what it prints, and what becomes of it when it or its workers are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special.cli import main

needs_signals = pytest.mark.skipif(os.name == "nt", reason="this system has no such signals")
LONG = ["--set", "warmup.epochs=2000", "--set", "warmup.steps=2"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> small_scene.Files:
    monkeypatch.chdir(tmp_path)
    small_scene.write(tmp_path, "second")
    return small_scene.write(tmp_path, "first")


def options(files: small_scene.Files) -> list[str]:
    return [*files.options[1:], "--device", "cpu", "--out", "maps"]


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows() -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(Path("maps/summary.json").read_text())["scenes"]}


def begin(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "special", "batch", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def until(found: Callable[[], object], child: subprocess.Popen[str]) -> None:
    """Wait for what a child is to do."""
    limit = time.monotonic() + 120
    while not found():
        assert child.poll() is None and time.monotonic() < limit, child.communicate()
        os.sched_yield()


def training(*names: str) -> bool:
    """Whether scenes of ``maps`` are in the middle of their warmup."""
    return all(list(Path("maps").glob(f"{name}.special/work/warmup-*/*.safetensors")) for name in names)


def test_scenes_become_runs_and_a_table(files: small_scene.Files) -> None:
    result = special("batch", "first.npy", "gone.npy", *options(files), *small_scene.tiny_options(), "--workers", 1)
    assert result.exit_code == 1
    assert "there is no file gone.npy" in result.stdout and "maps/index.html" in result.stdout
    assert "1 scene, 1 worker, " in result.stderr and "first: labelled in " in result.stderr
    table = special("status", "maps")
    assert table.exit_code == 0 and "failed" in table.stdout and "mean confidence" in table.stdout
    state = json.loads(special("status", "maps", "--json").stdout)["scenes"]
    assert {name: row["state"] for name, row in state.items()} == {"first": "done", "gone": "failed"}
    np.testing.assert_array_equal(np.load("maps/first.special/map.npy").shape, (12, 10))


def test_a_dry_run_lists_scenes_and_makes_nothing(files: small_scene.Files) -> None:
    result = special("batch", "first.npy", "gone.npy", *options(files), "--dry-run")
    assert result.exit_code == 0 and "waiting" in result.stdout and "there is no file gone.npy" in result.stdout
    assert not Path("maps").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x*.npy"], "no file matches 'x*.npy'"),
        (["first.npy", "folder/first.npy"], "two scenes are called first"),
        (["manifest.csv"], "a column 'klasses', which no scene can be told: did you mean classes?"),
        (["first.npy", "--part", "3/2"], "part 3 of 2 is none"),
        (["first.npy", "--memory", "much"], "'much' is no amount of memory"),
        (["first.npy", "--set", "warmup.epoch=1"], "warmup.epoch"),
        (["first.npy", "--classes", "no.txt"], "no.txt"),
    ],
)
def test_what_cannot_be_understood_is_one_line_and_leaves_nothing(
    files: small_scene.Files, arguments: list[str], said: str
) -> None:
    Path("manifest.csv").write_text("scene,klasses\nfirst.npy,classes.txt\n")
    result = special("batch", *options(files), *arguments)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1 and said in result.stderr
    assert not Path("maps").exists()


def test_where_no_scene_is_there_the_exit_code_is_that_of_bad_input(files: small_scene.Files) -> None:
    assert special("batch", "gone.npy", *options(files)).exit_code == 2


def test_a_part_is_two_numbers(files: small_scene.Files) -> None:
    result = special("batch", "first.npy", *options(files), "--part", "two")
    assert result.exit_code == 2 and "write 3/8 for the third of eight" in result.stderr


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_stopped_or_killed_it_leaves_no_worker_and_goes_on(files: small_scene.Files, number: signal.Signals) -> None:
    child = begin("first.npy", "second.npy", *options(files), *LONG, "--workers", "1")
    until(lambda: training("first"), child)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    if number is signal.SIGTERM:
        assert child.returncode == 143 and "Special stopped; what was finished is kept" in said
        assert (rows()["first"]["state"], rows()["second"]["state"]) == ("stopped", "waiting")
    limit = time.monotonic() + 60
    while special("status", "maps/first.special").stdout.count("a process is at work"):  # it lets go by itself
        assert time.monotonic() < limit
    state = json.loads(special("status", "maps", "--json").stdout)["scenes"]["first"]
    assert state["state"] == "stopped" and "the same command goes on from there" in state["why"]
    assert training("first"), "the checkpoint is kept"
    done = special("batch", "first.npy", *options(files), *small_scene.tiny_options(), "--workers", 1)
    assert done.exit_code == 0 and rows()["first"]["state"] == "done"


@pytest.mark.slow
@needs_signals
def test_a_scene_whose_worker_is_killed_in_training_ends_in_the_same_bits(files: small_scene.Files) -> None:
    settings = [*small_scene.tiny_options(), "--set", "warmup.epochs=150"]
    child = begin("first.npy", *options(files), *settings, "--workers", "1")
    until(lambda: training("first"), child)
    holder = json.loads(Path("maps/first.special/.holder.json").read_text())
    os.kill(holder["pid"], signal.SIGKILL)
    _, said = child.communicate(timeout=300)
    assert child.returncode == 0, said
    assert "its worker died (the process was ended by SIGKILL" in said and "another one takes it" in said
    assert rows()["first"]["tries"] == 2
    alone = [sys.executable, "-m", "special", "label", *files.options, "--device", "cpu", "--out", "alone", *settings]
    subprocess.run(alone, check=True, capture_output=True)
    np.testing.assert_array_equal(np.load("maps/first.special/probabilities.npy"), np.load("alone/probabilities.npy"))


@pytest.mark.slow
def test_where_no_scheduler_answers_nothing_is_begun(files: small_scene.Files) -> None:
    pytest.importorskip("distributed")
    result = special("batch", "first.npy", *options(files), "--cluster", "tcp://127.0.0.1:1")
    assert result.exit_code == 2 and not Path("maps").exists()
    assert "no Dask scheduler answers at tcp://127.0.0.1:1 within 10 s" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
