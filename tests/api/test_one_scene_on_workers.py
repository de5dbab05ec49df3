"""One scene whose passes are spread over workers: whoever is killed, the bits are those of one process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene
import torch
from click.testing import CliRunner
from threadpoolctl import threadpool_limits

import special
from special.api.predict import Prediction
from special.api.run import Run
from special.cli import main
from special.errors import BatchError
from special.progress import Progress
from special.storage.rasters import ScratchSpace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="this system has no such signals")
TILES = {f"{step}.{name}": size for step in ("warmup", "refine") for name, size in (("tile", 10), ("overlap", 2))}
SETTINGS = {**small_scene.TINY, **TILES, "warmup.views": 2}
COMPARED = (
    *("pseudo/probabilities", "warmup/probabilities", "refine/probabilities", "refine/soft_labels"),
    *("map/map", "map/confidence"),
)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What holds of large scenes holds of small ones: windows of few pixels, arrays in files. One thread each."""
    monkeypatch.setattr("special.teachers.spectrum_text.pixels.PIXELS", 50)
    monkeypatch.setattr("special.training.standardise.KEPT", 0)
    monkeypatch.setattr("special.cache.workspace.ScratchSpace", partial(ScratchSpace, most=0))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def label(folder: Path, name: str, **options: Any) -> Run:
    files = small_scene.write(folder, "scene")
    np.save(files.scene, small_scene.cube(24, 20)[0])
    given = {"classes": files.classes, "wavelengths": files.wavelengths, "settings": SETTINGS}
    return special.label(files.scene, **given, clip="none", device="cpu", out=folder / name, **options)


def assert_same_bits(run: Run, expected: Run) -> None:
    for name in COMPARED:
        found, wanted = (np.load(one.path / "steps" / f"{name}.npy") for one in (run, expected))
        np.testing.assert_array_equal(found, wanted, err_msg=name)
    assert not (run.path / "work").exists()


class Listening(Progress):
    """Keeps what is said, and does something once, at the beginning of a phase."""

    def __init__(self, phase: str = "", act: Callable[[], None] | None = None) -> None:
        self.lines: list[str] = []
        self.acted = False
        self._at, self._act = phase, act

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        if name == self._at and self._act is not None and not self.acted:
            self.acted = True
            self._act()
        yield


def test_processes_of_this_machine_give_the_bits_of_one(tmp_path: Path) -> None:
    progress = Listening()
    spread = label(tmp_path, "spread", workers=2, progress=progress)
    assert any(line.startswith("2 workers go over the scene") for line in progress.lines)
    assert_same_bits(spread, label(tmp_path, "alone"))


def test_a_dask_worker_that_is_killed_in_a_scene_changes_no_bit(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason='Dask is not there: pip install "special-hsi[cluster]"')
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        progress = Listening("predict", lambda: os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL))
        spread = label(tmp_path, "spread", cluster=cluster.scheduler_address, progress=progress)
    assert progress.acted and any("dashboard" in line for line in progress.lines)
    assert_same_bits(spread, label(tmp_path, "alone"))


FIT = {"mambahsi.hidden": 8, "mambahsi.blocks": 1, "fit.epochs": 1, "fit.steps": 2, "fit.views": 2}
SMALL_TILES = {"fit.tile": 10, "fit.overlap": 2}


def predict(folder: Path, name: str, **options: Any) -> Prediction:
    files = small_scene.write(folder, "small")
    model = folder / "small.fit"
    if not model.is_dir():
        settings = {**FIT, **SMALL_TILES}
        given = (files.scene, files.truth, files.classes, files.wavelengths)
        special.fit(*given, out=model, settings=settings, device="cpu", train_per_class=5)
    np.save(folder / "large.npy", small_scene.cube(24, 20)[0])
    made = special.predict(model, folder / "large.npy", files.wavelengths, out=folder / name, device="cpu", **options)
    assert isinstance(made, Prediction)
    return made


def test_a_fitted_model_maps_a_scene_on_workers_in_the_bits_of_one_process(tmp_path: Path) -> None:
    progress = Listening()
    spread = predict(tmp_path, "spread", workers=2, progress=progress)
    alone = predict(tmp_path, "alone")
    assert progress.lines[-2].startswith("2 workers go over the scene")
    assert progress.lines[-1].startswith("A worker took up to")
    np.testing.assert_array_equal(spread.probabilities, alone.probabilities)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("small.npy", "small_truth.npy", "classes.txt", "wavelengths.csv"),
        *("small.fit", "large.npy", "spread", "alone"),
    }


def test_a_prediction_whose_scheduler_does_not_answer_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason='Dask is not there: pip install "special-hsi[cluster]"')
    with pytest.raises(BatchError, match="no Dask scheduler answers at nonsense"):
        predict(tmp_path, "spread", cluster="nonsense")
    assert not any("spread" in path.name for path in tmp_path.iterdir())


def test_where_no_scheduler_answers_it_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason='Dask is not there: pip install "special-hsi[cluster]"')
    with pytest.raises(BatchError, match="no Dask scheduler answers at nonsense"):
        label(tmp_path, "spread", cluster="nonsense")
    assert not (tmp_path / "spread").exists()


def test_the_command_line_takes_workers_and_what_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path, "scene")
    predict(tmp_path, "first")
    fitted, wavelengths = str(tmp_path / "small.fit"), ["--wavelengths", str(files.wavelengths)]
    for command in (["label", *files.options], ["predict", fitted, str(files.scene), *wavelengths]):
        told = [*command, "--out", str(tmp_path / "run"), "--workers", "2", "--memory", "much"]
        done = CliRunner().invoke(main, told)
        assert done.exit_code == 2
        assert done.stderr == "Error: 'much' is no amount of memory: write 2GB, or 500MB\n"
        assert not (tmp_path / "run").exists()
