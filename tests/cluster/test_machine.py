"""How a machine is shared: never more threads than cores, never more workers than memory is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from special.cluster import local, machine
from special.cluster.dispatch import Event
from special.cluster.local import LocalCrew, Shares, share
from special.errors import BatchError

GIGABYTE = machine.GIGABYTE


@pytest.fixture
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 16 cores with 10 GB free and no graphics card."""
    monkeypatch.setattr(machine, "cores", lambda: 16)
    monkeypatch.setattr(machine, "available_memory", lambda: 10 * GIGABYTE)
    monkeypatch.setattr(machine, "graphics_cards", lambda: [])


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_threads_are_cores_by_workers(sixteen: None, workers: int) -> None:
    shares = share(workers, 100, GIGABYTE)
    assert shares == Shares(workers, 16 // workers)
    assert shares.workers * shares.threads <= 16


def test_a_few_scenes_get_all_cores(sixteen: None) -> None:
    assert share(None, 2, GIGABYTE) == Shares(2, 8)


def test_where_memory_is_short_fewer_work_and_it_is_said(sixteen: None) -> None:
    shares = share(8, 100, 3 * GIGABYTE)
    assert (shares.workers, shares.threads) == (3, 5)
    assert shares.note == "10.0 GB of memory are free, and a worker takes 3.0 GB: 3 at work, not 8."


def test_one_works_however_little_memory_there_is(sixteen: None) -> None:
    assert share(8, 100, 50 * GIGABYTE).workers == 1


def test_by_default_a_graphics_card_has_one_worker(sixteen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "graphics_cards", lambda: ["0", "1"])
    assert share(None, 100, GIGABYTE).workers == 2
    assert share(None, 100, GIGABYTE, device="cpu").workers == 10


def test_fewer_work_once_one_was_seen_to_take_more(sixteen: None, tmp_path: Path) -> None:
    crew = LocalCrew("none:none", Shares(5, 1), 2 * GIGABYTE, tmp_path)
    assert crew.most() == 5
    crew.heard(Event("worker-1", {"kind": "done", "megabytes": 4500}))
    assert crew.most() == 2
    crew.heard(Event("worker-1", {"kind": "done", "megabytes": 1000}))
    assert crew.most() == 2


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2e9), ("500 MB", 5e8), ("1.5g", 1.5e9), ("3000000", 3e6), ("1GiB", 1e9)]
)
def test_amounts_of_memory(text: str, size: float) -> None:
    assert machine.parse_memory(text) == size


@pytest.mark.parametrize("text", ["much", "2 cores", "12", "-1GB", f"{'9' * 400}GB"])
def test_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(BatchError, match="is no amount of memory"):
        machine.parse_memory(text)


def test_who_allows_a_library_less_gets_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "64")
    environment = machine.thread_environment(4)
    assert (environment["OMP_NUM_THREADS"], environment["MKL_NUM_THREADS"], environment["GDAL_NUM_THREADS"]) == (
        "1",
        "4",
        "4",
    )


def test_a_container_has_as_many_cores_as_its_quota_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    all_of_them = machine.cores()
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert machine.cores() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.cores() == all_of_them


def test_a_container_has_as_much_memory_as_its_limit_leaves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert machine.available_memory() == 2_000_000


def test_cards_that_are_hidden_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert machine.graphics_cards() == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert machine.graphics_cards() == []


def test_a_worker_is_taken_for_what_one_of_common_size_takes() -> None:
    assert local.WORKER_MEMORY == 2 * GIGABYTE
