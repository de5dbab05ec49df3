"""Scenes labelled by the workers of a Dask cluster: whoever is killed, the maps are those of one machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene

import special
from special.api.batch import Batch, batch
from special.api.batch_record import Watch
from special.cluster.dispatch import Task
from special.cluster.rows import DONE, STOPPED

distributed = pytest.importorskip("distributed", reason='Dask is not installed: pip install "special-hsi[cluster]"')
pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system has no such signals")


class InTraining(Watch):
    """Does something once, when a scene is in the middle of its warmup, and keeps what is said."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act
        self.lines: list[str] = []

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        if self.act is not None and what["step"] == "warmup" and what["done"] > 0:
            act, self.act = self.act, None
            act()

    def line(self, text: str) -> None:
        self.lines.append(text)


def options(folder: Path, epochs: int) -> dict[str, Any]:
    settings = {**small_scene.TINY, "warmup.epochs": epochs}
    given = {"classes": folder / "classes.txt", "wavelengths": folder / "wavelengths.csv", "settings": settings}
    return {**given, "clip": "none", "device": "cpu"}


@pytest.mark.slow
def test_a_dask_worker_that_is_killed_in_training_changes_no_bit(tmp_path: Path) -> None:
    scenes = [small_scene.write(tmp_path, name).scene for name in ("first", "second")]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        watch = InTraining(lambda: os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL))
        given = options(tmp_path, epochs=300)
        done = batch(scenes, out=tmp_path / "maps", cluster=cluster.scheduler_address, watch=watch, **given)
    assert watch.act is None and any("dashboard" in line for line in watch.lines)
    assert sorted(row.tries for row in done.done) == [1, 2]
    script = "import sys, special; special.label(sys.argv[1], out=sys.argv[2], **eval(sys.argv[3]))"
    told = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    alone = [sys.executable, "-c", script, str(scenes[0]), str(tmp_path / "alone"), repr(told)]
    subprocess.run(alone, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    np.testing.assert_array_equal(done.run("first").probabilities, special.open_run(tmp_path / "alone").probabilities)


@pytest.mark.slow
def test_a_scheduler_that_is_killed_loses_nothing_that_is_done(tmp_path: Path) -> None:
    scene = small_scene.write(tmp_path, "first").scene
    script = "import sys, distributed as d\nif __name__ == '__main__':\n" + (
        "    c = d.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "    print(c.scheduler_address, flush=True)\n    sys.stdin.read()\n"
    )
    (tmp_path / "scheduler.py").write_text(script)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "scheduler.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as scheduler:
        assert scheduler.stdout is not None
        address = scheduler.stdout.readline().strip()
        watch = InTraining(scheduler.kill)
        given = options(tmp_path, epochs=5000)
        lost = batch(scene, out=tmp_path / "maps", cluster=address, watch=watch, **given)
    assert watch.act is None, "it was killed in training"
    assert "has gone; the same command goes on from here" in lost.lost
    assert [row.state for row in lost.rows] == [STOPPED]
    assert (tmp_path / "maps" / "first.special" / "steps" / "pseudo" / "manifest.json").is_file()
    again = batch(scene, out=tmp_path / "maps", workers=1, **options(tmp_path, epochs=2))
    assert [row.state for row in again.rows] == [DONE] == [row.state for row in Batch(tmp_path / "maps").rows]
