"""The map as a small picture in a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from special.classnames.class_list import ClassList
from special.cli.screen import show_map
from special.cli.terminal_map import picture

COLOURS = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)


def drawn(labels: np.ndarray, width: int = 80) -> list[list[tuple[str, tuple | None, tuple | None]]]:
    """The letters of every line, each with the colours of its ink and of its ground."""

    def rgb(colour) -> tuple | None:
        return None if colour is None else tuple(colour.triplet)

    console = Console(force_terminal=True, color_system="truecolor", width=200)
    lines = console.render_lines(picture(labels, COLOURS, width), pad=False)
    return [
        [
            (letter, rgb(part.style.color), rgb(part.style.bgcolor)) if part.style else (letter, None, None)
            for part in line
            for letter in part.text
        ]
        for line in lines
    ]


def test_a_letter_shows_two_pixels_one_above_the_other() -> None:
    assert drawn(np.array([[1, 2], [2, 2]])) == [
        [("▀", (255, 0, 0), (0, 0, 255)), ("▀", (0, 0, 255), (0, 0, 255))],
    ]


def test_what_is_not_mapped_stays_empty() -> None:
    assert drawn(np.array([[0, 0, 1], [0, 1, 0]])) == [
        [(" ", None, None), ("▄", (255, 0, 0), None), ("▀", (255, 0, 0), None)],
    ]


@pytest.mark.parametrize("shape", [(1000, 1000), (5000, 20), (20, 5000), (1, 1)])
def test_it_takes_half_a_screen_at_most(shape: tuple[int, int]) -> None:
    lines = drawn(np.ones(shape, np.uint8), width=60)
    assert 1 <= len(lines) <= 22 and 1 <= max(map(len, lines)) <= 60


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool, **names: str) -> str:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    for name in ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    classes = ["Water", "[b]Grass[/b]"]
    show_map(SimpleNamespace(map=np.ones((4, 4), np.uint8), classes=classes, class_list=ClassList.parse(classes)))
    return capsys.readouterr().out


@pytest.mark.parametrize("names", [{"COLORTERM": "truecolor", "TERM": "xterm"}, {"TERM": "xterm-256color"}])
def test_it_is_drawn_where_colours_are_to_be_had(monkeypatch, capsys, names: dict[str, str]) -> None:
    printed = shown(monkeypatch, capsys, True, **names)
    assert printed.count("▀") == 8
    assert "■" in printed and "Water" in printed and "[b]Grass[/b]" in printed


@pytest.mark.parametrize(
    ("terminal", "names"),
    [
        (False, {"TERM": "xterm-256color"}),
        (True, {"TERM": "dumb"}),
        (True, {"TERM": "xterm"}),
        (True, {"TERM": "xterm-256color", "NO_COLOR": "1"}),
    ],
)
def test_it_is_not_drawn_elsewhere(monkeypatch, capsys, terminal: bool, names: dict[str, str]) -> None:
    assert shown(monkeypatch, capsys, terminal, **names) == ""
