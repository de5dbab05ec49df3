"""A lock keeps two runs apart, and dies with its process."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from toy_steps import execute

from special.cache import directory
from special.cache.directory import RunDirectory, latest
from special.errors import RunError


def _hold(path: str, held, release) -> None:
    with RunDirectory(Path(path)).locked():
        held.set()
        release.wait(30)


def test_a_run_that_is_in_use_is_refused_with_who_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_PATIENCE", 0.05)
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, release))
    process.start()
    try:
        assert held.wait(30)
        assert RunDirectory(tmp_path).in_use
        with pytest.raises(RunError, match=f"in use by process {process.pid} on "):
            execute(tmp_path)
    finally:
        release.set()
        process.join(30)
    assert not RunDirectory(tmp_path).in_use
    execute(tmp_path)


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), held, release))
    process.start()
    assert held.wait(30)
    process.kill()
    process.join(30)
    assert json.loads((tmp_path / ".holder.json").read_text())["pid"] == process.pid
    execute(tmp_path)
    assert not (tmp_path / ".holder.json").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="every folder can be written to here")
def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written to"):
        execute(tmp_path / "run")
    tmp_path.chmod(0o700)


def test_a_run_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written to"):
        execute(tmp_path / "file" / "run")


def test_the_latest_run_is_the_one_worked_on_last(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b", "c")):
        execute(tmp_path / name)
        os.utime(tmp_path / name / "request.json", (number, number))
    os.utime(tmp_path / "b" / "request.json", (9, 9))
    (tmp_path / "no-run").mkdir()
    assert latest(tmp_path) == RunDirectory(tmp_path / "b")
    assert latest(tmp_path / "a") == RunDirectory(tmp_path / "a"), "the working directory itself may be the run"


def test_a_folder_without_a_run_has_no_latest_one(tmp_path: Path) -> None:
    (tmp_path / "no-run").mkdir()
    assert latest(tmp_path) is None
