"""Kill it anywhere, run it again, get the same bits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from toy_steps import execute, given, payload, ran, with_step

from special.progress import Progress
from special.storage import files


class Killed(BaseException):
    """Stands for a power cut: no ``except Exception`` sees it."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    execute(folder)
    return payload(folder)


class KillAfter(Progress):
    """Kills after some epochs of the training step."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.left -= steps
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_killed_in_training_it_goes_on_from_the_checkpoint(tmp_path: Path, undisturbed, epochs: int) -> None:
    with pytest.raises(Killed):
        execute(tmp_path, progress=KillAfter(epochs))
    assert len(list(tmp_path.glob("work/second-*/*.npy"))) == epochs
    assert ran(execute(tmp_path)) == ["second", "third"]
    assert payload(tmp_path) == undisturbed


def test_checkpoints_go_when_the_step_is_done(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        execute(tmp_path, given({"second.rate": 0.1}), progress=KillAfter(2))
    execute(tmp_path)
    assert list(tmp_path.glob("work*")) == []


def test_checkpoints_of_other_settings_are_not_resumed(tmp_path: Path, undisturbed) -> None:
    with pytest.raises(Killed):
        execute(tmp_path, given({"second.rate": 0.1}), progress=KillAfter(2))
    execute(tmp_path)
    assert payload(tmp_path) == undisturbed


@pytest.mark.parametrize("function", ["save_array", "_sync", "_sync_folder", "move_in", "replace_copy", "sha256_of"])
@pytest.mark.parametrize("call", [1, 2, 5])
def test_killed_while_writing_it_leaves_nothing_half_done(
    tmp_path: Path, undisturbed, monkeypatch: pytest.MonkeyPatch, function: str, call: int
) -> None:
    calls = 0
    real = getattr(files, function)

    def kill(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*arguments)

    modules = [
        m
        for n, m in sys.modules.items()
        if (n.startswith(("special.cache", "special.storage")) or n == "toy_steps") and hasattr(m, function)
    ]
    with monkeypatch.context() as patched:
        for module in modules:
            patched.setattr(module, function, kill)
        try:
            execute(tmp_path)
        except Killed:
            pass
        else:
            assert calls < call
    execute(tmp_path)
    assert payload(tmp_path) == undisturbed
    assert not (tmp_path / files.PARTIAL).exists()


def test_killed_between_the_two_moves_the_step_never_ran(
    tmp_path: Path, undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(tmp_path, given({"second.rate": 0.1}))
    real = os.rename
    calls = []

    def rename(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise Killed
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", rename)
        patched.setattr(shutil, "rmtree", lambda *a, **k: None)  # a dead process tidies nothing up
        with pytest.raises(Killed):
            execute(tmp_path)
    assert not (tmp_path / "steps" / "second").exists()
    assert ran(execute(tmp_path)) == ["second", "third"]
    assert payload(tmp_path) == undisturbed


_CHILD = """
    import os, signal, sys
    from pathlib import Path
    sys.path[:0] = {paths!r}
    from toy_steps import execute
    from special.progress import Progress

    left = {call}

    def counted(real):
        def call(*arguments, **options):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)
        return call

    class Listener(Progress):
        pass

    if {where!r} == "epoch":
        Listener.advance = counted(Listener.advance)
    else:
        setattr(os, {where!r}, counted(getattr(os, {where!r})))
    execute(Path({run!r}), progress=Listener())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize(("where", "call"), [("epoch", 2), ("fsync", 4), ("rename", 1), ("rename", 2), ("replace", 3)])
def test_a_process_that_is_killed_leaves_neither_its_lock_nor_other_bits(
    tmp_path: Path, undisturbed, where: str, call: int
) -> None:
    paths = [str(path) for path in (Path(__file__).parents[1] / "support", Path(__file__).parents[2])]
    code = textwrap.dedent(_CHILD).format(paths=paths, run=str(tmp_path / "run"), where=where, call=call)
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert (tmp_path / "run" / ".holder.json").exists(), "it died while it held the run"
    assert "second" in ran(execute(tmp_path / "run")) or where == "replace"
    assert payload(tmp_path / "run") == undisturbed


def test_a_step_that_fails_leaves_the_earlier_result_in_place(tmp_path: Path) -> None:
    execute(tmp_path)
    before = payload(tmp_path)

    def fails(context, folder: Path) -> None:
        (folder / "half.npy").write_bytes(b"half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        execute(tmp_path, given({"third.reject": 0.5}), with_step(2, function=fails))
    assert payload(tmp_path) == before
    assert not (tmp_path / files.PARTIAL).exists()
