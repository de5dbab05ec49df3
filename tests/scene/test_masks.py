"""Masks that come with products: what they leave out by default, what --mask names, what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import small_scene
from click.testing import CliRunner
from products import reflectance, write_emit, write_emit_mask, write_pace, write_prisma, write_tanager
from raster_products import write_enmap

import special
from special.cli import main
from special.errors import SceneError
from special.scene import open_scene
from special.scene.masks import Masked

NM = np.array([400.0, 450.0, 550.0, 650.0, 850.0, 1000.0, 1650.0, 2200.0])
GOOD = np.ones(8)


def emit(folder: Path) -> Path:
    path = write_emit(folder / "EMIT_L2A_RFL_001_20220903T163129_2224611_012.nc", reflectance(), NM, GOOD)
    beside = folder / "EMIT_L2A_MASK_001_20220903T163129_2224611_012.nc"
    write_emit_mask(beside, (6, 5), cloud=[(1, 1), (2, 1)], dilated=[(1, 1), (1, 2)], cirrus=[(5, 4)])
    return path


def test_clouds_are_left_out_by_default_and_nothing_else_that_may_be_ground(tmp_path: Path) -> None:
    scene = open_scene(emit(tmp_path))
    assert sorted(map(tuple, np.argwhere(~scene.valid))) == [(0, 0), (1, 1), (2, 1)]
    used = {mask.name: (mask.pixels, mask.used) for mask in scene.masked}
    assert used == {
        "cloud": (2, True),
        "cirrus": (1, False),
        "water": (0, False),
        "spacecraft": (0, True),
        "cloud-edge": (2, False),
    }


def test_masks_are_named_by_the_user(tmp_path: Path) -> None:
    path = emit(tmp_path)
    assert sorted(map(tuple, np.argwhere(~open_scene(path, mask="cirrus, cloud-edge").valid))) == [
        (0, 0),
        (1, 1),
        (1, 2),
        (5, 4),
    ]
    assert open_scene(path, mask="none").valid.sum() == 29
    with pytest.raises(
        SceneError, match="has no mask 'snow': its masks are cloud, cirrus, water, spacecraft, cloud-ed"
    ):
        open_scene(path, mask="snow")


def test_a_mask_file_of_another_scene_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = emit(tmp_path)
    write_emit_mask(tmp_path / "EMIT_L2A_MASK_001_20220903T163129_2224611_012.nc", (6, 4), cloud=[(1, 1)])
    scene = open_scene(path)
    assert scene.masked == () and scene.valid.sum() == 29
    assert any("do not fit the scene" in warning for warning in scene.warnings)


def test_a_mask_file_that_changes_makes_another_scene(tmp_path: Path) -> None:
    path = emit(tmp_path)
    before = open_scene(path).content_hash()
    write_emit_mask(tmp_path / "EMIT_L2A_MASK_001_20220903T163129_2224611_012.nc", (6, 5), cloud=[(3, 3)])
    assert open_scene(path).content_hash() != before


def test_tanager_masks_clouds_and_pixels_without_data(tmp_path: Path) -> None:
    scene = open_scene(write_tanager(tmp_path / "x.h5", reflectance(), NM, GOOD))
    assert scene.masked == (
        Masked("nodata", "nodata_pixels", 1, True),
        Masked("cloud", "beta_cloud_mask", 1, True),
        Masked("cirrus", "beta_cirrus_mask", 1, False),
    )
    assert not scene.valid[1, 1] and scene.valid.sum() == 28


def test_no_data_is_left_out_whatever_is_named(tmp_path: Path) -> None:
    scene = open_scene(write_tanager(tmp_path / "x.h5", reflectance(), NM, GOOD), mask="none")
    assert [mask.name for mask in scene.masked if mask.used] == ["nodata"]


def test_pace_has_a_mask_for_each_bit_of_its_flags(tmp_path: Path) -> None:
    path = write_pace(tmp_path / "x.nc", reflectance(), NM)
    counts = {mask.name: (mask.pixels, mask.used) for mask in open_scene(path).masked}
    assert counts == {"cloud": (1, True), "glint": (1, False), "land": (1, False)}
    assert not open_scene(path, mask="glint").valid[2, 2] and open_scene(path, mask="glint").valid[1, 1]
    with h5py.File(path, "r+") as file:
        del file["geophysical_data/l2_flags"].attrs["flag_meanings"]
    assert not open_scene(path).valid[1, 1], "without names the bits are the customary ones"


def test_prisma_drops_bands_by_its_flags_and_pixels_by_its_clouds(tmp_path: Path) -> None:
    path = write_prisma(tmp_path / "x.he5", 5 * reflectance(), NM[:4], NM[4:], "L1")
    with h5py.File(path, "r+") as file:
        file.attrs["List_Cw_Vnir_Flags"] = np.array([1, 0, 1, 1], dtype="i4")
        file.attrs["List_Cw_Swir_Flags"] = np.ones(4, dtype="i4")
    scene = open_scene(path)
    assert scene.bad_bands == {1: "marked bad in the file (List_Cw_Flags)"}
    assert not scene.valid.diagonal().any() and scene.valid.sum() == 25


def test_enmap_offers_shadow_snow_and_cirrus(tmp_path: Path) -> None:
    layers = {name: np.zeros((6, 5)) for name in ("CLOUDSHADOW", "SNOW", "CIRRUS")}
    layers["CLOUDSHADOW"][2], layers["SNOW"][3], layers["CIRRUS"][4] = 1, 1, 3
    metadata = write_enmap(tmp_path, layers=layers)
    assert open_scene(metadata).valid.all()
    assert not open_scene(metadata, mask="shadow,snow,cirrus").valid[2:5].any()


def test_info_says_what_was_masked_and_what_was_not(tmp_path: Path) -> None:
    path = emit(tmp_path)
    said = " ".join(CliRunner().invoke(main, ["info", str(path)]).output.split())
    assert "masked cloud 2 pixels (mask), spacecraft 0 pixels (mask)" in said
    assert "not masked cirrus 1 pixels (mask), water 0 pixels (mask), cloud-edge 2 pixels (mask)" in said
    facts = json.loads(CliRunner().invoke(main, ["info", str(path), "--json", "--mask", "cirrus"]).output)
    assert [mask["name"] for mask in facts["masks"] if mask["used"]] == ["cirrus"]


def test_a_scene_without_masks_refuses_their_names(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    done = CliRunner().invoke(main, ["label", *files.options, "--mask", "cloud", "--out", str(tmp_path / "x.special")])
    assert done.exit_code == 2 and "has no mask 'cloud': it has no masks" in done.output
    assert not (tmp_path / "x.special").exists()


def test_a_scene_that_is_all_cloud_says_so(tmp_path: Path) -> None:
    path = emit(tmp_path)
    everywhere = [(row, col) for row in range(6) for col in range(5)]
    write_emit_mask(tmp_path / "EMIT_L2A_MASK_001_20220903T163129_2224611_012.nc", (6, 5), cloud=everywhere)
    with pytest.raises(SceneError, match=r"no pixel that is not masked \(cloud \(mask\): 30 pixels\)"):
        open_scene(path)


def test_a_run_keeps_the_masks_that_it_was_begun_with(tmp_path: Path) -> None:
    cube, nm, truth = small_scene.cube()
    path = write_tanager(tmp_path / "x.h5", cube, nm, np.ones(24))
    out = tmp_path / "x.special"
    run = special.label(path, small_scene.CLASSES, out=out, mask="cirrus", clip="none", until="pseudo")
    pseudo = run.probabilities_of("pseudo")
    assert pseudo[1, 2].sum() == 0 and pseudo[1, 1].sum() == pytest.approx(1)
    seen = pseudo.sum(axis=2) > 0
    assert (1 + pseudo.argmax(axis=2) == truth)[seen].mean() == 1
    again = special.rerun(out, "pseudo", until="pseudo")
    assert not any(outcome.ran for outcome in again.outcomes)


def test_labelling_says_what_masks_have_left_out(tmp_path: Path) -> None:
    cube, nm, _ = small_scene.cube()
    path = write_tanager(tmp_path / "x.h5", cube, nm, np.ones(24))
    said = "Left out by the product's masks: cloud (beta_cloud_mask): 1 pixels; --mask says which."
    options = {"scene": path, "classes": small_scene.CLASSES}
    assert special.LabelOptions(**options).open().notes == (said,)
    assert special.LabelOptions(**options, mask="none").open().notes == ()
