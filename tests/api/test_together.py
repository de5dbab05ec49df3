"""Flight lines labelled as one: they meet without seams, in one run and one mosaic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import flight_lines
import numpy as np
import pytest
import rasterio
import small_scene
from flight_lines import Lines, seams

import special
from special.api.batch import Batch, batch
from special.cluster.rows import DONE
from special.errors import BatchError
from special.report.mosaic import Part, blended
from special.scene.overlap import common_grid, footprints
from special.scene.readers.together import GAP, open_members


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    return flight_lines.fly(tmp_path_factory.mktemp("lines"))


def options(lines: Lines) -> dict[str, Any]:
    settings = {**small_scene.TINY, "mambahsi.hidden": 16, "warmup.epochs": 3, "warmup.steps": 5}
    given = {"classes": lines.classes, "wavelengths": lines.wavelengths, "settings": settings}
    return {**given, "clip": "none", "device": "cpu"}


@pytest.fixture(scope="module")
def together(lines: Lines, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """The lines labelled as one; of the second one, two places are known."""
    folder = tmp_path_factory.mktemp("together")
    known = [tuple(place) for value in (1, 4) for place in np.argwhere(lines.truth[:, lines.spans[1]] == value)[:1]]
    names = {1: "Trees", 4: "Water"}
    told = [f"{r},{c},{names[int(lines.truth[:, lines.spans[1]][r, c])]}" for r, c in known]
    (folder / "known.csv").write_text("\n".join(["row,col,class", *told]) + "\n")
    rows = [f"{scene},{folder / 'known.csv' if number == 1 else ''}" for number, scene in enumerate(lines.scenes)]
    (folder / "manifest.csv").write_text("\n".join(["scene,labels", *rows]) + "\n")
    return batch(folder / "manifest.csv", out=folder / "maps", together=True, **options(lines))


def test_flight_lines_of_different_haze_meet_without_seams(lines: Lines, together: Batch, tmp_path: Path) -> None:
    assert [row.state for row in together.rows] == [DONE] * 4, together.rows[0].why
    with rasterio.open(together.path / "mosaic.tif") as file:
        as_one = seams(file.read(1), lines.truth, lines.spans)
    apart = [special.label(path, out=tmp_path / path.stem, **options(lines)) for path in lines.scenes]
    scenes = [special.open_scene(path, wavelengths=lines.wavelengths) for path in lines.scenes]
    places = footprints(scenes)
    assert places is not None
    grid = common_grid(places)
    assert grid is not None and grid.shape == lines.truth.shape
    alone = zip(places, apart, lines.scenes, strict=True)
    parts = [Part(place, run.probabilities, path) for place, run, path in alone]
    one_by_one = seams(blended(parts, grid, 5, 0.0)[0], lines.truth, lines.spans)
    assert as_one < 0.02 < one_by_one


def test_the_mosaic_is_cloud_optimised_and_the_vrt_shows_the_same(lines: Lines, together: Batch) -> None:
    with rasterio.open(together.path / "mosaic.tif") as file, rasterio.open(together.path / "mosaic.vrt") as virtual:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and file.colormap(1)[1][3] == 255
        assert (file.transform, file.crs, file.shape) == (virtual.transform, virtual.crs, virtual.shape)
        assert (file.read(1) == virtual.read(1)).mean() > 0.99
        assert (file.read(1) == lines.truth).mean() > 0.75
    assert (together.path / "mosaic.qml").is_file()
    with rasterio.open(together.path / "mosaic_confidence.tif") as file:
        assert np.nanmin(file.read(1)) > 0.2 and np.nanmax(file.read(1)) <= 1


def test_each_line_gets_its_part_of_the_map_where_it_lies(lines: Lines, together: Batch) -> None:
    whole = special.open_run(together.path / "together.special")
    for number, (row, scene) in enumerate(zip(together.rows, lines.scenes, strict=True)):
        with rasterio.open(together.path / row.links["GeoTIFF"]) as own, rasterio.open(scene) as line:
            assert own.transform == line.transform and own.shape == line.shape
            first = number * (line.shape[0] + GAP)
            np.testing.assert_array_equal(own.read(1), whole.map[first : first + line.shape[0], : line.shape[1]])
        assert row.pixels == 64 * 52 and (together.path / row.thumbnail).is_file() and row.links["Mosaic"]


def test_haze_is_found_where_lines_overlap(lines: Lines, together: Batch) -> None:
    listed = json.loads((together.path / "together.json").read_text())["scenes"]
    reference = next(number for number, one in enumerate(listed) if one["compared_with"] is None)
    haze = (np.loadtxt(lines.wavelengths) / 550.0) ** -3.0
    for one, more, sun in zip(listed, flight_lines.HAZE, flight_lines.SUN, strict=True):
        bands = one["bands"]
        gain = flight_lines.SUN[reference] / sun
        offset = flight_lines.HAZE[reference] * haze[bands] - gain * more * haze[bands]
        np.testing.assert_allclose(one["gain"], gain, atol=0.02)
        np.testing.assert_allclose(one["offset"], offset, atol=0.004)


def test_what_is_known_of_a_line_is_known_of_that_line(lines: Lines, together: Batch) -> None:
    answers = together.run("line1").answers
    assert sorted(one.name or "" for one in answers) == ["Trees", "Water"]
    for one in answers:
        row = one.row - (64 + GAP)
        assert lines.classes.read_text().splitlines()[lines.truth[:, lines.spans[1]][row, one.col] - 1] == one.name


def test_questions_are_asked_over_all_of_them(together: Batch) -> None:
    questions = special.ask(together.path / "together.special", questions=6)
    assert len(questions) == 6 and len({question.row // (64 + GAP) for question in questions}) > 1


def test_the_same_command_keeps_all_and_other_scenes_begin_anew(lines: Lines, together: Batch, tmp_path: Path) -> None:
    manifest = together.path.parent / "manifest.csv"
    again = batch(manifest, out=together.path, together=True, **options(lines))
    assert all(row.kept for row in again.done) and len(again.done) == 4


def test_scenes_of_two_sensors_are_not_labelled_together(lines: Lines, tmp_path: Path) -> None:
    other = small_scene.write(tmp_path, "other")
    (tmp_path / "m.csv").write_text(
        f"scene,wavelengths\n{lines.scenes[0]},{lines.wavelengths}\n{other.scene},{other.wavelengths}\n"
    )
    done = batch(tmp_path / "m.csv", lines.classes, out=tmp_path / "maps", together=True, clip="none")
    assert len(done.failed) == 2 and not done.understood
    assert "has other bands than" in done.failed[0].why and "without --together" in done.failed[0].why


def test_what_decides_the_classes_must_be_one(lines: Lines, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"scene,seed\n{lines.scenes[0]},1\n{lines.scenes[1]},2\n")
    with pytest.raises(BatchError, match="line0 and line1 differ in seed"):
        batch(tmp_path / "m.csv", out=tmp_path / "maps", together=True, **options(lines))
    with pytest.raises(BatchError, match="leave --part out"):
        batch(lines.scenes, out=tmp_path / "maps", together=True, part=(1, 2), **options(lines))


@pytest.mark.slow
def test_scenes_without_a_place_are_labelled_together_without_a_mosaic(tmp_path: Path) -> None:
    first, second = (small_scene.write(tmp_path, name) for name in ("first", "second"))
    given = {"classes": first.classes, "wavelengths": first.wavelengths, "clip": "none", "settings": small_scene.TINY}
    done = batch([first.scene, second.scene], out=tmp_path / "maps", together=True, **given)
    assert [row.state for row in done.rows] == [DONE, DONE]
    assert not (tmp_path / "maps" / "mosaic.tif").exists()
    assert len(open_members(tmp_path / "maps" / "together.json")) == 2
