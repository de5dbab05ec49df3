"""Files that kill the C libraries that read them: the process that a user works in lives on."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
import products
import pytest

from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers import hdf5_guard

CASE = Path(__file__).parents[2] / "fuzz" / "corpus" / "hdf5-crash" / "files" / "scene.nc"


def test_an_hdf5_file_that_crashes_its_library_is_one_line() -> None:
    """The file is one that the fuzzer found; a library that has been mended since may read it, or complain of it."""
    try:
        open_scene(CASE)
    except SceneError as error:
        assert "\n" not in str(error) and str(CASE) in str(error)


@pytest.mark.parametrize("ending", [-signal.SIGSEGV, -signal.SIGABRT, 0xC0000005])
def test_a_reader_that_died_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: int) -> None:
    path = products.write_cf(tmp_path / "scene.nc", products.reflectance(), np.linspace(450.0, 950.0, 8))
    monkeypatch.setattr(hdf5_guard.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, ending))
    with pytest.raises(SceneError, match="makes the library that reads it crash"):
        open_scene(path)


def test_one_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = products.write_cf(tmp_path / "scene.nc", products.reflectance(), np.linspace(450.0, 950.0, 8))

    def never(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("python", 1)

    monkeypatch.setattr(hdf5_guard.subprocess, "run", never)
    with pytest.raises(SceneError, match="to look through"):
        open_scene(path)


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="this system has no limits on a processor's time")
def test_one_that_the_library_goes_round_in_is_given_up_by_its_processor_s_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = products.write_cf(tmp_path / "scene.nc", products.reflectance(), np.linspace(450.0, 950.0, 8))
    child = tmp_path / "child.py"
    text = Path(hdf5_guard.__file__).with_name("hdf5_child.py").read_text()
    child.write_text(
        text.replace("_CPU_SECONDS = 10", "_CPU_SECONDS = 1").replace(
            "    limit()\n", "    limit()\n    while True: pass\n"
        )
    )
    monkeypatch.setattr(hdf5_guard, "_CHILD", child)
    with pytest.raises(SceneError, match="takes too long to look through"):
        open_scene(path)


def test_a_file_is_looked_at_once_as_long_as_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = products.write_cf(tmp_path / "scene.nc", products.reflectance(), np.linspace(450.0, 950.0, 8))
    looked: list[object] = []
    real = subprocess.run
    monkeypatch.setattr(hdf5_guard.subprocess, "run", lambda *a, **k: (looked.append(a), real(*a, **k))[1])
    open_scene(path)
    open_scene(path)
    assert len(looked) == 1
    with h5py.File(path, "r+") as file:
        file.attrs["more"] = 1
    open_scene(path)
    assert len(looked) == 2
