"""What happens to a run from outside while it is worked on: clocks that jump, moves, and scenes that are replaced."""

from __future__ import annotations

import datetime
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

import special
from special.cli import main
from special.errors import SceneError
from special.progress import Progress


class Stopped(BaseException):
    """Stands for a machine that is switched off."""


class AtPhase(Progress):
    """Does something when a step has begun."""

    def __init__(self, phase: str, action: object) -> None:
        super().__init__()
        self.wanted, self.action = phase, action

    def phase(self, name: str):
        if name == self.wanted:
            self.action()
        return super().phase(name)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def label(files: small_scene.Files, out: Path, until: str = "pseudo", progress: Progress | None = None) -> special.Run:
    return special.label(
        files.scene,
        files.classes,
        wavelengths=files.wavelengths,
        clip="none",
        out=out,
        settings=small_scene.TINY,
        until=until,
        device="cpu",
        **({"progress": progress} if progress else {}),
    )


def stop() -> None:
    raise Stopped


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("undisturbed")
    run = label(small_scene.write(folder / "scene"), folder / "run")
    return run.probabilities_of("pseudo").tobytes()


def test_a_run_moved_to_another_machine_in_the_middle_goes_on_there(tmp_path: Path, undisturbed: bytes) -> None:
    here = small_scene.write(tmp_path / "here")
    with pytest.raises(Stopped):
        label(here, tmp_path / "here" / "run", progress=AtPhase("pseudo", stop))
    (tmp_path / "here" / "run" / ".holder.json").write_text('{"pid": 1, "host": "another"}')
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    shutil.rmtree(tmp_path / "here")
    there = small_scene.Files(
        *(tmp_path / "there" / path.name for path in (here.scene, here.classes, here.wavelengths)), here.truth
    )
    run = label(there, tmp_path / "there" / "run")
    assert {outcome.step: outcome.ran for outcome in run.outcomes} == {"rgb": False, "pseudo": True}
    assert run.probabilities_of("pseudo").tobytes() == undisturbed


@pytest.mark.parametrize("change", ["other numbers", "other size", "gone"])
def test_a_scene_that_is_replaced_in_the_middle_is_no_mixture(tmp_path: Path, undisturbed: bytes, change: str) -> None:
    files = small_scene.write(tmp_path / "scene")
    original = files.scene.read_bytes()

    def replace() -> None:
        if change == "gone":
            files.scene.unlink()
            return
        other = small_scene.cube(seed=5)[0] if change == "other numbers" else small_scene.cube(rows=9)[0]
        np.save(files.scene, other)

    with pytest.raises(SceneError, match=r"strips\.npy") as caught:
        label(files, tmp_path / "run", progress=AtPhase("pseudo", replace))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "steps" / "pseudo").exists()
    files.scene.write_bytes(original)
    run = label(files, tmp_path / "run")
    assert {outcome.step: outcome.ran for outcome in run.outcomes} == {"rgb": False, "pseudo": True}
    assert run.probabilities_of("pseudo").tobytes() == undisturbed


@pytest.mark.parametrize("when", [0, 4_102_444_800], ids=["1970", "2100"])
def test_the_times_of_files_decide_nothing(tmp_path: Path, when: int) -> None:
    files = small_scene.write(tmp_path / "scene")
    run = label(files, tmp_path / "run", until="rgb")
    for path in [files.scene, *run.path.rglob("*")]:
        os.utime(path, (when, when))
    assert [outcome.ran for outcome in label(files, tmp_path / "run", until="rgb").outcomes] == [False]
    status = command("status", run.path)
    assert status.exit_code == 0 and "rgb     done" in status.stdout


def test_a_clock_that_jumps_back_changes_nothing(
    tmp_path: Path, undisturbed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small_scene.write(tmp_path / "scene")
    now = [4_102_444_800.0]

    def earlier() -> float:
        now[0] -= 3600
        return now[0]

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return cls.fromtimestamp(earlier(), tz)

    monkeypatch.setattr(time, "time", earlier)
    monkeypatch.setattr(datetime, "datetime", Jumping)
    run = label(files, tmp_path / "run")
    assert run.probabilities_of("pseudo").tobytes() == undisturbed
    assert all(step["seconds"] >= 0 for step in run.record["steps"].values())
    assert [outcome.ran for outcome in label(files, tmp_path / "run").outcomes] == [False, False]
