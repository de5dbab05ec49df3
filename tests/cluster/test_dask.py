"""Workers of a real Dask cluster on this machine: scenes are done, a killed worker costs nothing but time."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

distributed = pytest.importorskip("distributed", reason='Dask is not installed: pip install "special-hsi[cluster]"')

import window_work  # noqa: E402
from batch_heard import Heard, answers  # noqa: E402

from special.cluster import dask_crew  # noqa: E402
from special.cluster.dask_crew import DaskCrew, connect, usable  # noqa: E402
from special.cluster.dispatch import Task, dispatch  # noqa: E402
from special.cluster.spread import Spread  # noqa: E402
from special.cluster.windows import WORK  # noqa: E402
from special.errors import BatchError  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tasks of these tests kill by signals")
SUPPORT = Path(__file__).parents[1] / "support"
LIMIT_SECONDS = 100
"""How long is waited for what others do."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(SUPPORT)
    made = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    yield made
    ending = threading.Thread(target=made.close, daemon=True)  # Dask waits for a worker that is just dying
    ending.start()
    ending.join(LIMIT_SECONDS)
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def do(address: str, folder: Path, *tasks: dict[str, Any], heard: Heard | None = None) -> Heard:
    heard = heard or Heard()
    crew = DaskCrew("batch_tasks:work", connect(address), 10**6, folder / "logs", heard.lines.append)
    dispatch([Task(str(number), given) for number, given in enumerate(tasks)], crew, heard)
    return heard


def test_tasks_are_done_by_processes_of_dask_s_workers(cluster: Any, tmp_path: Path) -> None:
    heard = do(cluster.scheduler_address, tmp_path, *answers(1, 2, 3), {"do": "refuse"})
    assert sorted(result["answer"] for result in heard.results.values()) == [1, 2, 3]
    assert len({result["pid"] for result in heard.results.values()}) <= 2
    assert heard.reasons["3"] == ("no such scene: name another one", False)
    assert {worker for _, worker in heard.begun} <= {worker.worker_address for worker in cluster.workers.values()}


def test_what_a_task_says_on_another_machine_is_heard_here(cluster: Any, tmp_path: Path) -> None:
    heard = do(cluster.scheduler_address, tmp_path, *answers(1))
    assert heard.lines == ["thought"] and ("think", "thinking", 0, 2) in heard.steps


def test_a_process_that_dies_below_a_worker_costs_a_second_try(cluster: Any, tmp_path: Path) -> None:
    heard = do(cluster.scheduler_address, tmp_path, {"do": "die", "once": str(tmp_path / "died")}, {"do": "die"})
    assert heard.results["0"]["answer"] == "alive"
    assert heard.reasons["1"][0].startswith(
        "its worker died, and so did the next one: the process was ended by SIGKILL"
    )


class Forget(Heard):
    """Makes Dask forget the tasks that are under way, as a lost connection does, and ends what worked on them."""

    def __init__(self, client: Any, here: Path) -> None:
        super().__init__()
        self.client, self.here = client, here

    def progress(self, task: Task, what: Any) -> None:
        self.client.cancel([distributed.Future(key, client=self.client) for key in list(self.client.futures)])
        os.kill(int(self.here.read_text()), signal.SIGKILL)


class KillWorker(Heard):
    """Kills the Dask worker of a task as soon as that is in the middle of it."""

    def __init__(self, cluster: Any, here: Path) -> None:
        super().__init__()
        self.cluster, self.here = cluster, here
        self.children: list[int] = []

    def progress(self, task: Task, what: Any) -> None:
        if task.name != "0":
            return
        worker = dict(self.begun)["0"]
        nanny = next(nanny for nanny in self.cluster.workers.values() if nanny.worker_address == worker)
        os.kill(nanny.pid, signal.SIGKILL)


def test_a_scene_whose_dask_worker_is_killed_is_done_by_another(cluster: Any, tmp_path: Path) -> None:
    heard = KillWorker(cluster, tmp_path)
    task = {"do": "linger", "here": str(tmp_path / "here"), "once": str(tmp_path / "lingered")}
    do(cluster.scheduler_address, tmp_path, task, *answers(5), heard=heard)
    assert heard.results["0"]["answer"] == "second" and heard.results["1"]["answer"] == 5
    assert heard.taken_over == ["its Dask worker has gone"]
    first, second = (worker for name, worker in heard.begun if name == "0")
    assert first != second
    gone(int((tmp_path / "here").read_text()))


def test_a_scene_that_dask_forgets_is_done_once_more(cluster: Any, tmp_path: Path) -> None:
    client = connect(cluster.scheduler_address)
    heard = Forget(client, tmp_path / "here")
    task = {"do": "linger", "here": str(tmp_path / "here"), "once": str(tmp_path / "lingered")}
    dispatch(
        [Task("0", task)], DaskCrew("batch_tasks:work", client, 10**6, tmp_path / "logs", heard.lines.append), heard
    )
    assert heard.results["0"]["answer"] == "second"
    assert heard.taken_over == ["Dask has given it up (cancelled)"]


def test_a_dask_worker_that_is_killed_in_a_window_costs_the_pass_nothing_but_time(cluster: Any, tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "workers"
    crew = DaskCrew(WORK, connect(cluster.scheduler_address), 10**6, folder / "logs", said.append)
    killer = threading.Thread(target=kill_who_is_named_in, args=(tmp_path / "here",))
    killer.start()
    with Spread(crew, folder, said.append) as passes:
        found = passes.over([slice(n, n + 1) for n in range(6)], partial(window_work.linger, tmp_path / "here"))
        assert [int(each) for each in found] == list(range(6))
    killer.join(LIMIT_SECONDS)
    assert said[0] == "A worker has died, and another one does its part: its Dask worker has gone."


def kill_who_is_named_in(path: Path) -> None:
    """Wait until a process writes a number into a file, and kill the process of that number."""
    limit = time.monotonic() + LIMIT_SECONDS
    while not path.exists():
        if time.monotonic() > limit:
            return
        os.sched_yield()
    os.kill(int(path.read_text()), signal.SIGKILL)


def gone(pid: int) -> None:
    """Wait until a process has ended."""
    limit = time.monotonic() + LIMIT_SECONDS
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < limit
        os.sched_yield()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker in processes of their own."""
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}

    def begin(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, env=environment, cwd=tmp_path, **quiet)

    told = str(tmp_path / "scheduler.json")  # the system finds a free port
    made = begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", told)
    worker = begin(
        "worker", "--scheduler-file", told, "--nthreads", "1", "--no-dashboard", "--death-timeout", str(LIMIT_SECONDS)
    )
    limit = time.monotonic() + LIMIT_SECONDS
    while not Path(told).exists():
        assert made.poll() is None and time.monotonic() < limit, "the scheduler does not begin"
        os.sched_yield()
    yield told, made
    for each in (worker, made):
        each.kill()
        each.wait()


class KillScheduler(Heard):
    """Kills the scheduler when a task is in the middle of its work."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__()
        self.process = process

    def progress(self, task: Task, what: Any) -> None:
        self.process.kill()


@pytest.mark.slow
def test_a_scheduler_that_is_killed_ends_the_work_in_one_line(
    scheduler: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    address, process = scheduler
    task = {"do": "linger", "here": str(tmp_path / "here"), "once": str(tmp_path / "lingered")}
    with pytest.raises(BatchError, match=r"the Dask scheduler at .* has gone; the same command goes on from here"):
        do(address, tmp_path, task, heard=KillScheduler(process))
    gone(int((tmp_path / "here").read_text()))


def test_where_no_scheduler_answers_it_is_said_within_ten_seconds() -> None:
    with socket.socket() as deaf:  # it takes no connection
        deaf.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(BatchError, match=f"no Dask scheduler answers at {address} within 10 s") as caught:
            connect(address)
        assert time.monotonic() - began < 15 and "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "ftp://127.0.0.1:1"])
def test_what_is_no_address_is_one_line(address: str) -> None:
    with pytest.raises(BatchError, match="no Dask scheduler answers at"):
        connect(address)


def test_a_client_that_has_failed_is_gone_before_another_begins() -> None:
    """Dask's clients stop a loop when they are collected: within the start of the next one that never ends."""
    gc.collect()
    before = {id(one) for one in gc.get_objects() if isinstance(one, distributed.Client)}
    gc.disable()
    try:
        with pytest.raises(BatchError, match="no Dask scheduler answers at"):
            connect("nonsense")
        left = [one for one in gc.get_objects() if isinstance(one, distributed.Client) and id(one) not in before]
    finally:
        gc.enable()
    assert not left


@pytest.mark.usefixtures("cluster")  # which lets workers find the tests' tasks
def test_who_waits_for_the_first_worker_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dask_crew, "_ALONE_SECONDS", 0.5)
    with distributed.LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as empty:
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            empty.scale(1)

        heard = Heard()
        crew = DaskCrew("batch_tasks:work", connect(empty.scheduler_address), 10**6, tmp_path / "logs", say)
        dispatch([Task("0", answers(4)[0])], crew, heard)
        assert heard.results["0"]["answer"] == 4
        assert said == [f"no worker is there; waiting for one (start one with dask worker {empty.scheduler_address})"]


def test_on_a_host_with_little_memory_not_all_workers_work() -> None:
    workers = {f"tcp://a:{n}": {"host": "a", "memory_limit": 3 * 10**9} for n in range(4)}
    workers |= {"tcp://b:1": {"host": "b", "memory_limit": 10**9}, "tcp://c:1": {"host": "c", "memory_limit": 0}}
    assert usable(workers, 5 * 10**9) == ["tcp://a:0", "tcp://a:1", "tcp://b:1", "tcp://c:1"]
    assert usable(workers, 5 * 10**9, ["tcp://a:3"])[:2] == ["tcp://a:3", "tcp://a:0"]
