"""A pass over one scene that others make: what comes back is what one process would have made, in its order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import window_work

from special.cluster.local import LocalCrew, Shares
from special.cluster.parcels import pack, unpack
from special.cluster.spread import Spread
from special.cluster.windows import WORK
from special.errors import BatchError, DamagedError
from special.passes import HERE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the work of these tests kills by signals")
SUPPORT = Path(__file__).parents[1] / "support"
ROWS = [slice(start, start + 1) for start in range(6)]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def spread(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Spread]:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    folder = tmp_path / "run" / "work" / "workers"
    with Spread(LocalCrew(WORK, Shares(2, 1), 10**6, folder / "logs"), folder, said.append) as passes:
        yield passes
    assert not folder.parent.exists(), "nothing is left behind"


def test_two_passes_give_what_one_process_gives_in_its_order(spread: Spread) -> None:
    values = np.random.default_rng(0).normal(size=(6, 50_000))
    work = partial(window_work.squared, values)
    for found, expected in zip(spread.over(ROWS, work), HERE.over(ROWS, work), strict=True):
        np.testing.assert_array_equal(found, expected)
    several = list(spread.over(ROWS, partial(window_work.two, values)))
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in several]), values)
    pids = {int(pid) for _, pid in several}
    assert os.getpid() not in pids and len(pids) <= 2


def test_what_a_worker_does_to_its_arrays_others_do_not_see(spread: Spread) -> None:
    values = np.ones((6, 50_000))  # large: mapped by all
    for _ in spread.over(ROWS, partial(window_work.overwrite, values)):
        pass
    for found in spread.over(ROWS, partial(window_work.squared, values)):
        np.testing.assert_array_equal(found, 1)


def test_an_array_that_has_changed_since_the_pass_before_is_sent_again(spread: Spread) -> None:
    values = np.ones((6, 50_000))
    work = partial(window_work.squared, values)
    assert sum(found.sum() for found in spread.over(ROWS, work)) == values.size
    values[:] = 2
    assert sum(found.sum() for found in spread.over(ROWS, work)) == 4 * values.size


def test_a_pass_over_no_window_asks_nobody(tmp_path: Path) -> None:
    with Spread(LocalCrew(WORK, Shares(2, 1), 10**6, tmp_path / "logs"), tmp_path / "workers", print) as passes:
        assert list(passes.over([], window_work.refuse)) == []
    assert not (tmp_path / "workers").exists()


def test_at_the_end_it_is_said_how_much_memory_a_worker_took(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    folder = tmp_path / "workers"
    with Spread(LocalCrew(WORK, Shares(1, 1), 10**6, folder / "logs"), folder, said.append) as passes:
        list(passes.over(ROWS, partial(window_work.squared, np.ones((6, 1)))))
    (line,) = said
    assert re.fullmatch(r"A worker took up to 0\.\d\d GB\.", line)


def test_a_worker_that_is_killed_in_the_middle_costs_nothing_but_time(
    spread: Spread, said: list[str], tmp_path: Path
) -> None:
    found = list(spread.over(ROWS, partial(window_work.die, tmp_path / "died")))
    assert [int(each) for each in found] == list(range(6))
    (line,) = said
    assert line.startswith("A worker has died, and another one does its part: the process was ended by SIGKILL")


def test_a_window_that_costs_two_workers_ends_the_pass_in_one_line(spread: Spread) -> None:
    with pytest.raises(BatchError, match="could not be done: its worker died, and so did the next one") as caught:
        list(spread.over(ROWS, partial(window_work.die, None)))
    assert "\n" not in str(caught.value)


def test_what_a_worker_cannot_do_it_says_in_one_line(spread: Spread) -> None:
    with pytest.raises(BatchError, match="could not be done: the scene has changed: copy it again"):
        list(spread.over(ROWS, window_work.refuse))


def test_large_arrays_are_written_once_by_their_content(tmp_path: Path) -> None:
    large, small = np.arange(200_000.0).reshape(2, -1), np.arange(3)
    first, second = pack(tmp_path, (large, small)), pack(tmp_path, [large.copy()])
    assert len(list(tmp_path.glob("*.npy"))) == 1
    for found in (unpack(first)[0], unpack(second)[0]):
        np.testing.assert_array_equal(found, large)
        assert type(found) is np.ndarray
    np.testing.assert_array_equal(unpack(first)[1], small)
    assert first.path.stat().st_size < 1000


def test_a_parcel_that_somebody_else_has_written_is_not_opened(tmp_path: Path) -> None:
    parcel = pack(tmp_path, window_work.refuse)
    parcel.path.write_bytes(pack(tmp_path, os.getcwd).path.read_bytes())
    with pytest.raises(DamagedError, match="is not what was sent"):
        unpack(parcel)


def test_what_cannot_be_sent_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="workers cannot be given what goes over this scene") as caught:
        pack(tmp_path, lambda rows: rows)
    assert "\n" not in str(caught.value)
