"""What ``special batch`` shows while it works on a terminal."""

from __future__ import annotations

import pytest

from special.cli.batch_screen import BatchScreen
from special.cluster.dispatch import Task


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> BatchScreen:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return BatchScreen()


def test_scenes_have_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    line, other = Task("line", {}), Task("other [2]", {})
    with on_a_terminal(monkeypatch) as screen:
        screen.begin(2)
        screen.started(line, "worker 1")
        screen.progress(line, {"total": 5, "done": 3, "step": "warmup"})
        screen.started(other, "worker 2")
        screen.failed(other, "it is no scene", False)
    drawn = capsys.readouterr().err
    assert "all scenes" in drawn and "1/2" in drawn and "1 failed" in drawn
    assert "3/5" in drawn and "warmup" in drawn
    assert "other [2]: failed: it is no scene (1 of 2)" in drawn


def test_no_name_of_a_scene_orders_the_terminal_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task("line\x1b]0;title\x07", {})
    with on_a_terminal(monkeypatch) as screen:
        screen.begin(1)
        screen.started(task, "worker 1")
        screen.said(task, "its bands \x1b[2J are few")
    drawn = capsys.readouterr().err
    assert "\x1b]0;" not in drawn and "\x1b[2J" not in drawn
    assert "its bands \\u001b[2J are few" in drawn
