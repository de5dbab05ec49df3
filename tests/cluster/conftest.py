"""Whoever waits for others may wait for ever: not in these tests."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Iterator

import pytest

_LIMIT_SECONDS = 150


@pytest.fixture(autouse=True)
def no_wait_for_ever() -> Iterator[None]:
    """End a test that hangs, wherever it is, so that it fails and says where."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(number: int, frame: object) -> None:
        faulthandler.dump_traceback(sys.__stderr__)
        raise TimeoutError(f"the test has waited for {_LIMIT_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
