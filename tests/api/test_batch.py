"""Many scenes in one call: each a run like any other, and what fails keeps no other from its map."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene

import special
from special.api.batch import Batch, batch, plan
from special.api.batch_record import Watch
from special.cluster.ledger import Ledger
from special.cluster.rows import DONE, FAILED, RUNNING, STOPPED
from special.errors import BatchError, ClassListError, SettingsError

QUICK: dict[str, Any] = {"clip": "none", "device": "cpu", "settings": small_scene.TINY}


class Lines(Watch):
    """Keeps what is said of a batch."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes; the last one is none."""
    folder = tmp_path_factory.mktemp("scenes")
    for name in ("first", "second"):
        small_scene.write(folder, name)
    (folder / "broken.npy").write_bytes(b"no scene at all")
    return folder


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Path:
    path = folder / "manifest.csv"
    lines = ["scene,wavelengths,seed,labels,warmup.epochs", "first.npy,wavelengths.csv,,,"]
    lines += ["second.npy,wavelengths.csv,7,answers.csv,1", "broken.npy,,,,", "gone.npy,,,,"]
    path.write_text("\n".join(lines) + "\n")
    (folder / "answers.csv").write_text("row,col,class\n2,5,Water\n6,5,Grass\n10,5,Bare soil\n")
    return path


@pytest.fixture(scope="module")
def made(folder: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return batch(manifest, folder / "classes.txt", out=tmp_path_factory.mktemp("batch") / "maps", workers=1, **QUICK)


@pytest.fixture
def again(made: Batch, tmp_path: Path) -> Path:
    """A copy of that batch, to be spoilt."""
    shutil.copytree(made.path, tmp_path / "maps")
    return tmp_path / "maps"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads as a worker of two cores by two has."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def states(rows: Any) -> dict[str, str]:
    return {row.name: row.state for row in rows}


def test_what_can_be_labelled_is_and_what_cannot_says_why(made: Batch) -> None:
    assert states(made.rows) == {"first": DONE, "second": DONE, "broken": FAILED, "gone": FAILED}
    broken, gone = made.failed
    assert "broken.npy" in broken.why and "\n" not in broken.why
    assert gone.why.startswith("there is no file") and "gone.npy" in gone.why
    assert made.understood and not made.lost


def test_a_row_s_options_and_the_call_s_make_a_run(made: Batch) -> None:
    first, second = made.run("first").request, made.run("second").request
    assert (first.seed, second.seed) == (0, 7)
    assert (first.settings.values["warmup.epochs"], second.settings.values["warmup.epochs"]) == (2, 1)
    assert first.answers is None and second.answers is not None
    assert first.classes.names == second.classes.names == list(small_scene.CLASSES)


def test_the_bits_are_those_of_special_label(folder: Path, tmp_path: Path, one_thread: None, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    given = {"classes": folder / "classes.txt", "wavelengths": folder / "wavelengths.csv", **QUICK}
    scenes = [folder / "first.npy", folder / "second.npy"]
    many = batch(scenes, out=tmp_path / "maps", workers=1, **given)
    for scene in scenes:  # the second one is labelled by a process that has labelled another before
        alone = special.label(scene, out=tmp_path / "alone" / scene.stem, **given)
        np.testing.assert_array_equal(many.run(scene.stem).probabilities, alone.probabilities)
        hashes = [
            {name: s["files"] for name, s in run.record["steps"].items() if name != "report"}  # it names its folder
            for run in (many.run(scene.stem), alone)
        ]
        assert hashes[0] == hashes[1]


def test_tables_and_page_show_every_scene(made: Batch) -> None:
    with (made.path / "summary.csv").open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert sum(float(rows["first"][f"share of {name}"]) for name in small_scene.CLASSES) == pytest.approx(1, abs=1e-5)
    page = (made.path / "index.html").read_text()
    assert "first.special/map.png" in page and "thumbnails/first.png" in page and made.failed[0].why[:20] in page
    for row in made.done:
        assert (made.path / row.thumbnail).is_file() and all(
            (made.path / link).is_file() for link in row.links.values()
        )
        assert row.pixels == 120 and row.seconds and row.megabytes


def test_a_report_is_linked_where_there_is_one(made: Batch, tmp_path: Path) -> None:
    from special.api.batch_scene import links_of

    assert links_of(made.run("first"), made.path)["Report"] == "first.special/report.html"
    copy = tmp_path / "maps" / "first.special"
    shutil.copytree(made.run("first").path, copy)
    (copy / "report.html").unlink()
    assert "Report" not in links_of(special.open_run(copy), tmp_path / "maps")


def test_started_again_it_keeps_what_is_done_and_tries_what_failed(folder: Path, manifest: Path, again: Path) -> None:
    times = {row.name: (row.seconds, row.megabytes) for row in Batch(again).done}
    np.save(again.parent / "broken.npy", small_scene.cube()[0])
    watch = Lines()
    done = batch(manifest, folder / "classes.txt", out=again, workers=1, watch=watch, **QUICK)
    assert "Failed before, tried again: broken, gone." in watch.lines
    assert all(row.kept for row in done.done) and len(done.done) == 2
    assert {row.name: (row.seconds, row.megabytes) for row in done.done} == times


def test_a_batch_whose_process_is_gone_is_not_said_to_run(again: Path) -> None:
    ledger = Ledger(again)
    row = ledger.row("first")
    assert row is not None
    from dataclasses import replace

    ledger.write(replace(row, state=RUNNING))
    assert states(Batch(again).rows)["first"] == STOPPED
    with special.api.run.RunDirectory(again / "first.special").locked():
        assert states(Batch(again).rows)["first"] == RUNNING


def test_a_run_that_was_changed_since_is_told_from_the_one_in_the_table(again: Path) -> None:
    assert not Batch(again).done[0].why
    special.rerun(again / "first.special", "map", {"map.reject": 0.999})
    assert "has changed since" in Batch(again).done[0].why
    shutil.rmtree(again / "first.special")
    assert "has changed since" in Batch(again).done[0].why


def test_other_classes_are_refused_before_anything_is_touched(folder: Path, again: Path, tmp_path: Path) -> None:
    (tmp_path / "others.txt").write_text("Snow\nIce\n")
    before = json.loads((again / "summary.json").read_text())
    for scene in ("first.npy", "new.npy"):
        with pytest.raises(BatchError, match=r"was made from other classes \(Water, Grass, Bare soil, \.\.\.\)"):
            batch(folder / scene, tmp_path / "others.txt", out=again, **QUICK)
    assert json.loads((again / "summary.json").read_text()) == before


def test_a_plan_says_how_scenes_stand_and_writes_nothing(folder: Path, manifest: Path, again: Path) -> None:
    before = sorted(again.rglob("*"))
    rows = plan(manifest, classes=folder / "classes.txt", out=again, **QUICK)
    assert states(rows) == {"first": DONE, "second": DONE, "broken": FAILED, "gone": FAILED}
    assert sorted(again.rglob("*")) == before
    fresh = plan(manifest, classes=folder / "classes.txt", out=again / "no", **QUICK)
    assert states(fresh)["first"] == "waiting"
    assert not (again / "no").exists()


def test_parts_are_all_of_the_list_and_share_a_table(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n".join(f"{number}.npy" for number in range(5)))
    for number in (1, 2):
        part = batch(tmp_path / "list.txt", folder / "classes.txt", out=tmp_path / "maps", part=(number, 2), **QUICK)
        assert [row.name for row in part.rows] == (["0", "2", "4"] if number == 1 else ["1", "3"])
    assert [row.name for row in Batch(tmp_path / "maps").rows] == list("01234")


def test_where_nothing_is_there_nothing_is_understood(folder: Path, tmp_path: Path) -> None:
    assert not batch(["x.npy", "y.npy"], folder / "classes.txt", out=tmp_path / "maps", **QUICK).understood


def test_there_must_be_classes(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="first has no class list: give --classes FILE, or a column classes"):
        batch(folder / "first.npy", out=tmp_path / "maps", **QUICK)
    with pytest.raises(ClassListError):
        batch(folder / "first.npy", "no such file.txt", out=tmp_path / "maps", **QUICK)
    assert not (tmp_path / "maps").exists()


def test_a_row_that_makes_no_sense_is_named_and_nothing_begins(folder: Path, tmp_path: Path) -> None:
    for cells, said in (("seed,first.npy", "seed is 'seed'"), ("", "")):
        if cells:
            (tmp_path / "m.csv").write_text(f"seed,scene\n{cells}\n")
            with pytest.raises(SettingsError, match=f"m.csv, line 2: {said}"):
                batch(tmp_path / "m.csv", folder / "classes.txt", out=tmp_path / "maps", **QUICK)
    (tmp_path / "m.csv").write_text("warmup.epoch,scene\n3,first.npy\n")
    with pytest.raises(SettingsError, match=r"m\.csv, line 2: .*warmup\.epoch"):
        batch(tmp_path / "m.csv", folder / "classes.txt", out=tmp_path / "maps", **QUICK)
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"workers": 0}, "0 workers are none"),
        ({"part": (3, 2)}, "part 3 of 2 is none"),
        ({"memory": "much"}, "no amount of memory"),
        ({"cluster": "tcp://x:1", "slurm": {}}, "not both"),
    ],
)
def test_where_the_work_cannot_be_done_is_said(folder: Path, tmp_path: Path, where: dict[str, Any], said: str) -> None:
    with pytest.raises(BatchError, match=said):
        batch(folder / "first.npy", folder / "classes.txt", out=tmp_path / "maps", **where, **QUICK)
