"""Disks that are full, read-only, failing or not there: one clear line, and what was done stays usable."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import small_scene
from click.testing import CliRunner, Result

from special.cli import main
from special.storage import files as storage

FAILING = Path("/proc/self/mem")  # a file whose every read at its beginning is an input/output error
ROOT = Path(__file__).parents[2]


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result, *parts: str) -> str:
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == 2, result.output
    assert [line for line in lines if line.startswith("Error: ")] == lines[-1:], result.stderr
    for part in parts:
        assert part in lines[-1]
    return lines[-1]


def label(files: small_scene.Files, out: Path, *more: object) -> Result:
    return special("label", *files.options, "--out", out, *small_scene.tiny_options(), "-q", *more)


def payload(run: Path, step: str) -> dict[str, bytes]:
    folder = run / "steps" / step
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".npy", ".png")}


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """Mount a small file system in memory at ``folder``; what is given can change its options."""
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("file systems can be mounted by root on Linux alone")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this machine does not let file systems be mounted")
    try:
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def files(tmp_path: Path) -> small_scene.Files:
    return small_scene.write(tmp_path / "scene")


@pytest.mark.parametrize("size", ["4k", "16k", "28k"])
def test_a_full_disk_is_one_line_and_with_room_the_run_goes_on(
    tmp_path: Path, files: small_scene.Files, size: str
) -> None:
    assert label(files, tmp_path / "undisturbed", "--until", "rgb").exit_code == 0
    with disk(tmp_path / "disk", size) as change:
        refused(label(files, tmp_path / "disk" / "run", "--until", "rgb"), "make room")
        change("size=4m")
        assert label(files, tmp_path / "disk" / "run", "--until", "rgb").exit_code == 0
        assert payload(tmp_path / "disk" / "run", "rgb") == payload(tmp_path / "undisturbed", "rgb")
        assert not (tmp_path / "disk" / "run" / ".partial").exists()


def test_a_disk_that_became_read_only_leaves_the_run_readable(tmp_path: Path, files: small_scene.Files) -> None:
    with disk(tmp_path / "disk", "8m") as change:
        run = tmp_path / "disk" / "run"
        assert label(files, run, "--until", "rgb").exit_code == 0
        change("ro")
        refused(label(files, run, "--until", "pseudo"), "Read-only file system")
        refused(label(files, tmp_path / "disk" / "other"), "Read-only file system")
        status = special("status", run)
        assert status.exit_code == 0 and "rgb     done" in status.stdout
        change("rw")
        assert label(files, run, "--until", "rgb").exit_code == 0


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", [1, 2, 4, 7])
def test_a_disk_that_fails_when_files_are_synced(
    tmp_path: Path, files: small_scene.Files, monkeypatch: pytest.MonkeyPatch, number: int, call: int
) -> None:
    assert label(files, tmp_path / "undisturbed", "--until", "rgb").exit_code == 0
    real, left = os.fsync, call

    def fail(handle: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(number, os.strerror(number))
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(storage.os, "fsync", fail)
        result = label(files, tmp_path / "run", "--until", "rgb")
    assert result.exit_code == 0 or refused(result, "goes on")
    assert label(files, tmp_path / "run", "--until", "rgb").exit_code == 0
    assert payload(tmp_path / "run", "rgb") == payload(tmp_path / "undisturbed", "rgb")


@pytest.mark.skipif(not FAILING.exists(), reason="this system has no file that fails when it is read")
@pytest.mark.parametrize("option", ["--classes", "--wavelengths", "--labels", "--pipeline", "--concepts", "--library"])
def test_an_input_that_cannot_be_read_is_one_line(tmp_path: Path, files: small_scene.Files, option: str) -> None:
    failing = tmp_path / ("failing.toml" if option in ("--pipeline", "--concepts") else "failing.csv")
    failing.symlink_to(FAILING)
    refused(label(files, tmp_path / "run", option, failing), "Input/output error")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not FAILING.exists(), reason="this system has no file that fails when it is read")
@pytest.mark.parametrize("suffix", [".npy", ".hdr", ".tif", ".mat"])
def test_a_scene_that_cannot_be_read_is_one_line(tmp_path: Path, files: small_scene.Files, suffix: str) -> None:
    failing = tmp_path / f"failing{suffix}"
    failing.symlink_to(FAILING)
    refused(special("info", failing), "failing")
    np.save(tmp_path / "scene.npy", np.ones((12, 10), dtype="u1"))
    refused(special("fit", *files.options[:-2], "--labels", failing, "--out", tmp_path / "run"), "failing")


def test_a_full_temporary_folder_is_one_line(
    tmp_path: Path, files: small_scene.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = tmp_path / "scene.mat"
    scipy.io.savemat(scene, {"cube": small_scene.cube()[0]})
    with disk(tmp_path / "disk", "8k"):
        environment = {**os.environ, "TMPDIR": str(tmp_path / "disk"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "special", "info", str(scene), "--wavelengths", "420:980"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert "No space left on device" in done.stderr or "TMPDIR" in done.stderr
        assert list((tmp_path / "disk").iterdir()) == []


def test_without_a_home_and_a_cache_all_is_done_all_the_same(tmp_path: Path, files: small_scene.Files) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    nowhere = str(tmp_path / "file" / "home")
    environment = {**os.environ, "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "PYTHONPATH": str(ROOT)}
    environment.pop("NUMBA_CACHE_DIR", None)
    out = tmp_path / "run"
    # The spectrum-text teacher has compiled code as well, which is sooner compiled than that of the scan.
    quick = (*small_scene.tiny_options(), "--set", "scan.backend=reference", "-q")
    command = [sys.executable, "-m", "special", "label", *files.options, "--out", str(out), *quick]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (out / "map.tif").is_file() and "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, files: small_scene.Files) -> None:
    (tmp_path / "file").write_text("")
    refused(label(files, tmp_path / "file" / "run"), "file")
    refused(special("describe", "--classes", files.classes, "-o", tmp_path / "no" / "x.txt"), "x.txt")
    files.scene.unlink()
    refused(label(files, tmp_path / "run"), "strips.npy")
