"""A folder that is whole or not there, and what killed processes have left of theirs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from special.storage.files import scratch_folder, whole_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system cannot tell which processes are there")


def left_by(pid: int, folder: Path, name: str = "out") -> Path:
    made = folder / f".{name}.{socket.gethostname()}-{pid}-abc"
    made.mkdir()
    (made / "half.npy").write_bytes(b"half")
    return made


def test_what_a_killed_process_has_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stale, alive, other = (
        left_by(dead.pid, tmp_path),
        left_by(os.getpid(), tmp_path),
        left_by(dead.pid, tmp_path, "other"),
    )
    with whole_folder(tmp_path / "out") as folder:
        (folder / "whole.npy").write_bytes(b"whole")
    assert not stale.exists() and alive.exists() and other.exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole.npy"]


def test_scratch_of_a_killed_process_goes_with_the_next_one_s(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left_by(dead.pid, tmp_path)
    with scratch_folder(tmp_path / "out") as folder:
        (folder / "large.npy").touch()
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_what_ends_badly_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "before").touch()
    with pytest.raises(KeyError), whole_folder(tmp_path / "out"):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["before"]


@pytest.mark.parametrize("give", [scratch_folder, whole_folder])
def test_an_interrupt_while_the_folder_is_made_leaves_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, give: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    mkdir = Path.mkdir

    def interrupted(path: Path, *args: Any, **options: Any) -> None:
        mkdir(path, *args, **options)
        if path != tmp_path:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), give(tmp_path / "out"):
        pass
    assert not list(tmp_path.iterdir())
