"""Workers are processes: what they do, say and share, and what becomes of tasks when they die."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from batch_heard import Heard, answers

from special.cluster import machine
from special.cluster.dispatch import Listener, Task, dispatch
from special.cluster.local import LocalCrew, Shares
from special.errors import BatchError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tasks of these tests kill by signals")
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


def do(folder: Path, *tasks: dict[str, Any], workers: int = 1, threads: int = 1) -> Heard:
    heard = Heard()
    crew = LocalCrew("batch_tasks:work", Shares(workers, threads), 10**6, folder / "logs")
    dispatch([Task(str(number), given) for number, given in enumerate(tasks)], crew, heard)
    return heard


def test_a_worker_does_one_task_after_the_other_in_one_process(tmp_path: Path) -> None:
    heard = do(tmp_path, *answers(1, 2, 3))
    assert [result["answer"] for result in heard.results.values()] == [1, 2, 3]
    assert len({result["pid"] for result in heard.results.values()}) == 1
    assert {result["pid"] for result in heard.results.values()} != {os.getpid()}


def test_what_a_task_says_is_heard_and_what_libraries_print_is_logged(tmp_path: Path) -> None:
    heard = do(tmp_path, *answers(1))
    assert heard.lines == ["thought"]
    assert ("think", "thinking", 0, 2) in heard.steps
    log = (tmp_path / "logs" / "worker-1.log").read_text()
    assert "a library talks" in log and "one in C as well" in log


def test_a_task_that_fails_keeps_no_other_from_being_done(tmp_path: Path) -> None:
    heard = do(tmp_path, {"do": "refuse"}, {"do": "break_down"}, *answers(7))
    assert heard.reasons["0"] == ("no such scene: name another one", False)
    assert heard.reasons["1"] == ("something went wrong inside special (ZeroDivisionError: one by nothing)", True)
    assert heard.results["2"]["answer"] == 7
    assert "Traceback" in (tmp_path / "logs" / "worker-1.log").read_text()


def test_a_task_whose_worker_is_killed_goes_to_another_one(tmp_path: Path) -> None:
    heard = do(tmp_path, {"do": "die", "once": str(tmp_path / "died")}, *answers(7))
    assert heard.results["0"]["answer"] == "alive" and heard.results["1"]["answer"] == 7
    assert [worker for name, worker in heard.begun if name == "0"] == ["worker-1", "worker-2"]
    assert heard.taken_over == ["the process was ended by SIGKILL, as a system does with what takes too much memory"]


def test_a_task_that_costs_two_workers_has_failed_and_the_others_go_on(tmp_path: Path) -> None:
    heard = do(tmp_path, {"do": "die"}, *answers(7))
    reason, fault = heard.reasons["0"]
    assert reason.startswith("its worker died, and so did the next one: the process was ended by SIGKILL") and fault
    assert heard.results["1"]["answer"] == 7


def test_workers_that_cannot_begin_are_said_once_and_not_tried_for_ever(tmp_path: Path) -> None:
    crew = LocalCrew("batch_tasks:no_such_function", Shares(2, 1), 10**6, tmp_path / "logs")
    with pytest.raises(BatchError, match=r"no worker could be started: .*no_such_function"):
        dispatch([Task("0", {})], crew, Heard())


def test_all_libraries_of_a_worker_share_its_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in machine.thread_environment(1):
        monkeypatch.delenv(name, raising=False)
    (result,) = do(tmp_path, {"do": "threads"}, threads=2).results.values()
    assert result["pools"] and set(result["pools"].values()) == {2}
    assert (result["torch"], result["numba"], result["gdal"]) == (2, 2, "2")


class Stop(Exception):
    """Stands for whatever ends the coordinator's work."""


class StopWhen(Listener):
    """Ends the work when the second task is done."""

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        raise Stop


def test_when_the_work_is_stopped_no_worker_is_left(tmp_path: Path) -> None:
    crew = LocalCrew("batch_tasks:work", Shares(2, 1), 10**6, tmp_path / "logs")
    pids: list[int] = []
    begin = crew.assign

    def assign(worker: str, task: Task) -> None:
        pids.append(crew.pids[worker])
        begin(worker, task)

    crew.assign = assign  # type: ignore[method-assign]
    with pytest.raises(Stop):
        dispatch(
            [Task("0", {"do": "wait", "here": str(tmp_path / "here")}), Task("1", answers(1)[0])], crew, StopWhen()
        )
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
