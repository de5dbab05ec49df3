"""Ctrl-C, and SIGTERM, which schedulers send: both end a command at once, in one line, with nothing lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO, Any

import click

from special.cli.echo import echo

_LATER_SECONDS = 0.01
_LINE = "\nSpecial stopped; what was finished is kept, and the same command goes on from there."


class Stopped(click.ClickException):
    """The user pressed Ctrl-C."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__(_LINE)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line."""
        echo(self.message, err=True, file=file)


class StoppedBySystem(Stopped):
    """A scheduler sent SIGTERM."""

    exit_code = 143


class Stopping:
    """Answers signals while a command is read, at work, and over. They are answered as before when it is left.

    At work the first one raises KeyboardInterrupt, so that what is held is let go of. A library may take that for an
    error of its own and raise another one, which is then none: so ``asked`` is kept. Where Python cannot raise it, as
    in what it calls when an object goes, it is raised a moment later. Before, there is nothing to let go of; and what
    is over can no longer be stopped.
    """

    def __init__(self) -> None:
        self.asked: Stopped | None = None
        self._phase = "read"
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._unraisable = sys.unraisablehook

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._answer) for number in (signal.SIGINT, signal.SIGTERM)}
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._raise_later
        return self

    def __exit__(self, *_: object) -> None:
        if self._before:
            sys.unraisablehook = self._unraisable
        for number, handler in self._before.items():
            if handler is not None:  # which nobody in Python has set
                signal.signal(number, handler)

    def begin(self) -> None:
        """The command begins to work."""
        self._phase = "at work"

    def end(self) -> None:
        """It has done its work, or given it up."""
        self._phase = "over"

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if self._phase == "over":
            return
        stopped = StoppedBySystem() if number == signal.SIGTERM else Stopped()
        if self._phase == "read":
            os.write(2, f"{_LINE}\n".encode())
            os._exit(stopped.exit_code)
        if self.asked is None or number == signal.SIGINT:  # who presses Ctrl-C again will not wait for the clearing up
            self.asked = self.asked or stopped
            raise KeyboardInterrupt

    def _raise_later(self, unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            self._unraisable(unraisable)
        elif self._phase == "at work":
            threading.Timer(_LATER_SECONDS, _interrupt).start()


def _interrupt() -> None:
    main = threading.main_thread().ident
    if main is None or not hasattr(signal, "pthread_kill"):
        signal.raise_signal(signal.SIGINT)
    else:
        signal.pthread_kill(main, signal.SIGINT)  # which wakes it, whatever it waits for
