"""SIGTERM, which schedulers send, and SIGINT are answered alike: at once, in one line, with nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small_scene
from click.testing import CliRunner

from special.classnames.class_list import ClassList
from special.cli import main
from special.cli.stopping import Stopping
from special.errors import ClassListError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system has no such signals")
LONG = ["--set", "warmup.epochs=2000", "--set", "warmup.steps=2"]


def begin(files: small_scene.Files, out: Path) -> subprocess.Popen[str]:
    """Begin a run, and return when its training has kept a checkpoint."""
    command = [sys.executable, "-m", "special", "label", *files.options, "--out", str(out), *LONG]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    limit = time.monotonic() + 300
    while not list(out.glob("work/warmup-*/*.safetensors")):
        if child.poll() is not None or time.monotonic() > limit:
            child.kill()  # it would train for hours before it says anything
            raise AssertionError(child.communicate())
        os.sched_yield()
    return child


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_at_once_and_lets_go_of_the_run(tmp_path: Path, number: int, code: int) -> None:
    files = small_scene.write(tmp_path)
    child = begin(files, tmp_path / "run")
    sent = time.monotonic()
    child.send_signal(number)
    _, said = child.communicate(timeout=30)
    assert time.monotonic() - sent < 10
    assert child.returncode == code
    assert "Special stopped; what was finished is kept" in said and "Traceback" not in said
    assert not (tmp_path / "run" / ".holder.json").exists() and not (tmp_path / "run" / ".partial").exists()
    assert list((tmp_path / "run").glob("work/warmup-*/*.safetensors"))
    status = CliRunner().invoke(main, ["status", str(tmp_path / "run")])
    assert "pseudo  done" in status.stdout and "warmup  never run" in status.stdout


def test_a_pipe_as_scene_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = CliRunner().invoke(main, ["info", str(tmp_path / "pipe")])
    assert result.exit_code == 2 and "is no file but a pipe or a device" in result.stderr


@pytest.mark.parametrize("path", ["x" * 5000, "\udcff.mat"])
def test_a_path_that_no_file_can_have_is_one_line(path: str) -> None:
    result = CliRunner().invoke(main, ["info", path])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_a_library_takes_for_an_error_is_no_error(
    monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def read(*_: object) -> None:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            raise ClassListError("classes.txt is damaged") from None

    monkeypatch.setattr(ClassList, "read", read)
    result = CliRunner().invoke(main, ["classes", "--classes", "classes.txt"])
    assert result.exit_code == code
    assert "Special stopped" in result.stderr and "damaged" not in result.stderr


def test_a_second_sigterm_does_not_disturb_the_clearing_up() -> None:
    with Stopping() as stopping:
        stopping.begin()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert stopping.asked is not None and stopping.asked.exit_code == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_the_command_line_is_read_is_answered_as_later(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("special.cli.stopping.os._exit", leave)
    monkeypatch.setattr("special.version.own_version", lambda: os.kill(os.getpid(), number))
    assert CliRunner().invoke(main, ["--version"]).exit_code == code
    assert "the same command goes on from there" in capfd.readouterr().err


def test_what_is_over_is_not_stopped_and_signals_are_answered_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Stopping() as stopping:
        stopping.begin()
        stopping.end()
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_python_cannot_raise_is_raised_a_moment_later(capfd: pytest.CaptureFixture[str]) -> None:
    class Dying:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    with Stopping() as stopping:
        stopping.begin()
        with pytest.raises(KeyboardInterrupt):
            dying = Dying()
            del dying
            signal.sigtimedwait((signal.SIGUSR1,), 60)
        assert stopping.asked is not None and stopping.asked.exit_code == 143
    assert not capfd.readouterr().err
