"""What a command shows: a bar per piece of work while it runs, tables when it is done.

Plain text where nobody looks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.cli.bars import Bars
from special.cli.echo import echo, shown
from special.progress import Progress

if TYPE_CHECKING:
    from special.api.run import Run
    from special.cache.runner import Verdict
    from special.profiling import Phase

_EVERY_SECONDS = 30.0


@dataclass
class _Bar:
    """One piece of work under way."""

    what: str
    total: int
    done: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)
    task: Any = None

    def text(self) -> str:
        """The figures, as they stand beside the bar."""
        return " ".join(f"{name} {value:.4g}" for name, value in self.figures.items())


class Screen(Bars, Progress):
    """Draws bars on a terminal, writes lines elsewhere, and is silent when ``quiet``."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._bars: list[_Bar] = []

    def begin(self, what: str, total: int) -> None:
        """Start a bar."""
        bar = _Bar(what, total)
        if self._rich is not None:
            bar.task = self._add(what, total or None)
        self._bars.append(bar)

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Move the bar begun last."""
        if not self._bars:
            return
        bar = self._bars[-1]
        bar.done += steps
        bar.figures |= figures
        if self._rich is not None:
            self._rich.update(bar.task, advance=steps, beside=bar.text())
        elif not self._quiet and time.monotonic() - bar.shown > _EVERY_SECONDS:
            bar.shown = time.monotonic()
            self._line(bar)

    def end(self) -> None:
        """Finish the bar begun last."""
        if not self._bars:
            return
        bar = self._bars.pop()
        if self._rich is not None:
            self._rich.update(bar.task, completed=bar.done, total=bar.done)
            self._rich.stop_task(bar.task)
        elif not self._quiet:
            self._line(bar)

    def say(self, line: str) -> None:
        """Show a line above the bars."""
        self.line(line)

    def _line(self, bar: _Bar) -> None:
        parts = [f"{bar.done} of {bar.total}" if bar.total else str(bar.done)]
        parts += [bar.text()] if bar.figures else []
        parts.append(f"{time.monotonic() - bar.started:.1f} s")
        echo(f"{bar.what}: {', '.join(parts)}", err=True)


def show_plan(path: Path, verdicts: Sequence[Verdict], notes: Sequence[str] = ()) -> None:
    """Print of every step how it stands and why, and what else there is to say."""
    show_table(f"{path}", ("step", "state", "why"), [(v.step, v.state, v.reason) for v in verdicts])
    for note in notes:
        echo(f"Note: {note}")


def show_outcomes(run: Run) -> None:
    """Print what an invocation has made: every step, whether it ran, in how long, and what it left."""
    rows = [
        (
            outcome.step,
            "made" if outcome.ran else "kept",
            f"{outcome.seconds:.1f}" if outcome.ran else "-",
            ", ".join(outcome.files) or f"steps/{outcome.step}/",
        )
        for outcome in run.outcomes
    ]
    show_table(f"{run.path}", ("step", "", "seconds", "files"), rows, right=(2,))


def show_areas(run: Run) -> None:
    """Print how much of the map each class takes."""
    areas = run.areas()
    rows = [
        (
            str(number),
            area.name,
            str(area.pixels),
            f"{area.share:.1%}",
            f"{area.confidence:.2f}" if area.pixels else "-",
        )
        for number, area in enumerate(areas, start=1)
    ]
    empty = run.map.size - sum(area.pixels for area in areas)
    if empty:
        rows.append(("0", "no data or rejected", str(empty), "", ""))
    echo()
    show_table("", ("", "class", "pixels", "share", "mean confidence"), rows, right=(0, 2, 3, 4))


def show_map(run: Run) -> None:
    """Draw the map on a terminal that has colours; nothing elsewhere."""
    if not sys.stdout.isatty():
        return
    from rich.console import Console

    console = Console()
    # 16 colours would give several classes one; and half blocks are letters that not every encoding has.
    few = console.no_color or console.color_system in (None, "standard")
    if few or not console.encoding.startswith("utf"):
        return
    from special.cli.terminal_map import legend, picture
    from special.report.legend import colours_of

    colours = colours_of(run.class_list)
    console.print()
    console.print(picture(run.map, colours, console.width))
    console.print(legend(run.classes, colours))


def show_warnings(run: Run) -> None:
    """Print what a careful person would want to know of the map."""
    warnings = run.warnings
    if not warnings:
        return
    echo(f"\n{len(warnings)} {'warning' if len(warnings) == 1 else 'warnings'}:")
    for warning in warnings:
        echo(f"- {warning.text}")


def show_result(run: Run) -> None:
    """Print what there is to see of a finished map: classes, a picture, warnings, and the path of the report last."""
    made = {outcome.step for outcome in run.outcomes}
    if "map" in made:
        show_areas(run)
        show_map(run)
    show_report(run)


def show_report(run: Run) -> None:
    """Print the warnings, and last where the report is, where the invocation has come as far as that."""
    if any(outcome.step == "report" for outcome in run.outcomes):
        show_warnings(run)
        echo(f"\nReport: {run.path / 'report.html'}")


def show_profile(whole: Phase) -> None:
    """Print where the time and the memory of an invocation went, phase by phase."""
    rows = [
        (
            "  " * depth + phase.name,
            str(phase.calls),
            f"{phase.seconds:.2f}",
            f"{phase.seconds / max(whole.seconds, 1e-9):.1%}",
            f"{phase.busy:.2f}",
            f"{phase.megabytes:.0f}",
        )
        for depth, phase in whole.rows()
    ]
    headings = ("phase", "calls", "seconds", "share", "CPU seconds", "peak MB")
    show_table("", headings, rows, right=(1, 2, 3, 4, 5))


def show_facts(lines: Sequence[tuple[str, str]]) -> None:
    """Print what is known of one thing: names beside what they stand for, which is folded where it is long."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(shown(name), shown(value))
    Console().print(table)


def show_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print a table to stdout: drawn by rich on a terminal, plain columns elsewhere; ``right`` aligns columns so."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for index, heading in enumerate(headings):
            table.add_column(shown(heading), justify="right" if index in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(shown(cell) for cell in row))
        console = Console()
        if title:  # above the table, not in it: there it would be broken at the table's width
            console.print(shown(title, style="bold"), soft_wrap=True)
        console.print(table)
        return
    widths = [max(len(line[index]) for line in (headings, *rows)) for index in range(len(headings))]
    if title:
        echo(title)
    for line in (headings, *rows):
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        echo("  ".join(cells).rstrip())
