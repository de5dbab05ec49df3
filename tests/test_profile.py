"""Where the time goes: phases are counted, nested and kept."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from special.profiling import Profiler, peak_megabytes
from special.progress import Progress


class Listener(Progress):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, line: str) -> None:
        self.heard.append(line)


def test_phases_are_counted_under_the_one_they_lie_in() -> None:
    profiler = Profiler()
    with profiler.phase("outer"):
        for _ in range(3):
            with profiler.phase("inner"):
                pass
    names = [(depth, phase.name, phase.calls) for depth, phase in profiler.stop().rows()]
    assert names == [(0, "all", 1), (1, "outer", 1), (2, "inner", 3)]


def test_a_phase_takes_no_longer_than_the_one_around_it() -> None:
    profiler = Profiler()
    with profiler.phase("outer"), profiler.phase("inner"):
        sum(range(100_000))
    whole = profiler.stop()
    outer = whole.inner["outer"]
    assert 0 < outer.inner["inner"].seconds <= outer.seconds <= whole.seconds


def test_what_the_cores_worked_is_counted_beside_the_time_that_passed() -> None:
    profiler = Profiler()
    with profiler.phase("work"):
        sum(range(300_000))
    whole = profiler.stop()
    assert 0 < whole.inner["work"].busy <= whole.busy


def test_what_fails_is_timed_as_well() -> None:
    profiler = Profiler()
    with pytest.raises(ValueError), profiler.phase("failing"):
        raise ValueError
    assert profiler.stop().inner["failing"].calls == 1


def test_the_step_that_ended_last_goes_into_the_record() -> None:
    profiler = Profiler()
    for name in ("rgb", "pseudo"):
        with profiler.phase(name), profiler.phase("part"):
            pass
    record = profiler.figures()["profile"]
    assert (record["phase"], record["inner"][0]["phase"]) == ("pseudo", "part")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux resets the peak")
def test_the_peak_of_a_phase_is_its_own() -> None:
    profiler = Profiler()
    with profiler.phase("large"):
        np.ones(30_000_000).sum()
    with profiler.phase("small"):
        pass
    phases = profiler.stop().inner
    assert phases["large"].megabytes > phases["small"].megabytes + 100


def test_a_listener_hears_what_the_profiler_hears() -> None:
    listener = Listener()
    Profiler(listener).say("a line")
    assert listener.heard == ["a line"]


def test_a_process_holds_memory() -> None:
    assert peak_megabytes() > 10
