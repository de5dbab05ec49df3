"""``special info``: the table and the JSON say what was understood."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from special.cli.info import _place, info
from special.errors import SceneError


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    values = np.random.default_rng(2).integers(1, 9000, (6, 5, 8)).astype("<i2")
    values[0, 0] = 0
    values[:, :, 5] = 0
    (tmp_path / "scene.dat").write_bytes(values.transpose(2, 0, 1).tobytes())
    listed = ", ".join(str(430 + 40 * i) for i in range(8))
    (tmp_path / "scene.hdr").write_text(
        "ENVI\nsamples = 5\nlines = 6\nbands = 8\ndata type = 2\ninterleave = bsq\nbyte order = 0\n"
        f"wavelength = {{{listed}}}\nwavelength units = nm\nbbl = {{0, 0, 1, 1, 1, 1, 1, 1}}\n"
        "reflectance scale factor = 10000\nmap info = {UTM, 1, 1, 383000, 5818000, 30, 30, 33, North, WGS-84}\n"
    )
    return tmp_path / "scene.hdr"


def test_json_says_what_was_understood(scene: Path) -> None:
    result = CliRunner().invoke(info, [str(scene), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.output)
    assert (facts["rows"], facts["cols"], facts["bands"], facts["file_bands"]) == (6, 5, 5, 8)
    assert facts["wavelengths_nm"] == [510, 550, 590, 670, 710]
    assert facts["bad_bands"] == [
        {"band": 1, "reason": "marked bad in the file (bbl)"},
        {"band": 2, "reason": "marked bad in the file (bbl)"},
        {"band": 6, "reason": "all zero"},
    ]
    assert facts["valid_pixels"] == 29 and facts["scale_factor"] == 10000
    assert facts["georeference"]["transform"] == [30, 0, 383000, 0, -30, 5818000]
    assert facts["rgb"] is False and facts["missing_colours"] == ["blue"]


def test_the_table_says_the_same_in_words(scene: Path) -> None:
    text = CliRunner().invoke(info, [str(scene)]).output
    for words in (
        "ENVI bsq",
        "6 rows x 5 columns",
        "5 of 8 in the file",
        "510.0 to 710.0 nm",
        "1-2: marked bad in the file (bbl)",
        "6: all zero",
        "29 of 30",
        "reflectance x 10000",
        "UTM zone 33N",
        "no: blue is not covered",
    ):
        assert words in text


def test_the_options_reach_the_scene(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", np.random.default_rng(0).uniform(1, 2, (3, 4, 115)))
    result = CliRunner().invoke(info, [str(tmp_path / "scene.npy"), "--sensor", "rosis", "--json"])
    assert json.loads(result.output)["rgb"] is True
    result = CliRunner().invoke(info, [str(tmp_path / "scene.npy"), "--wavelengths", "900:1700", "--json"])
    assert json.loads(result.output)["missing_colours"] == ["red", "green", "blue"]


def test_a_scene_that_cannot_be_read_is_a_scene_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(info, [str(tmp_path / "nothing.mat")])
    assert isinstance(result.exception, SceneError)


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ((30, 0, 383000, 0, -30, 5818000), "pixel 30"),
        ((30, 0, 383000, 0, -20, 5818000), "pixel 30 x 20"),
        ((30, 0, 383000, 0, 30, 5818000), "pixel 30, mirrored"),
        ((-30, 0, 383000, 0, -30, 5818000), "pixel 30, mirrored"),
        ((10 * 3**0.5, 5, 100, 10, -5 * 3**0.5, 200), "pixel 20 x 10, rotated by 30 degrees"),
        ((30, 10, 383000, 0, -30, 5818000), "pixel 30 x 31.6228, sheared"),
    ],
)
def test_the_pixel_is_measured_along_its_own_sides(transform: tuple[float, ...], words: str) -> None:
    assert _place({"crs_wkt": None, "transform": list(transform)}).endswith(words)


def test_gains_that_are_applied_are_said(tmp_path: Path) -> None:
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5.8e6)}
    with rasterio.open(
        tmp_path / "s.tif", "w", driver="GTiff", height=2, width=3, count=2, dtype="int16", **place
    ) as file:
        file.write(np.arange(1, 13, dtype=np.int16).reshape(2, 2, 3))
        file.scales = [1e-4, 1e-4]
    result = CliRunner().invoke(info, [str(tmp_path / "s.tif"), "--wavelengths", "450:650"])
    assert "gains and offsets from the file are applied on reading" in result.output
    result = CliRunner().invoke(info, [str(tmp_path / "s.tif"), "--wavelengths", "450:650", "--json"])
    assert json.loads(result.output)["gains_applied"] is True


def test_a_large_file_is_described_by_some_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from special.api import info as api
    from special.scene import scene as module

    monkeypatch.setattr(module, "_JUDGED_BYTES", 4 * 6 * 4)  # a row
    monkeypatch.setattr(api, "GLANCE_BYTES", 3 * 4 * 6 * 4)
    values = np.random.default_rng(0).uniform(0.1, 0.5, (101, 4, 6)).astype(np.float32)
    values[50, 1], values[:, :, 3] = 0, 0.25
    values[1] = 0  # a row that is not looked at
    np.save(tmp_path / "x.npy", values)
    facts = api.info(tmp_path / "x.npy", "450:950")
    assert (facts["pixels_looked_at"], facts["valid_pixels"], facts["content_hash"]) == (12, 11, None)
    assert [bad["reason"] for bad in facts["bad_bands"]] == ["constant"]
    assert "1 of 12 pixels are invalid (no data, zero or not finite)" in facts["notes"]
    text = " ".join(CliRunner().invoke(info, [str(tmp_path / "x.npy"), "--wavelengths", "450:950"]).output.split())
    assert "11 of 12 (91.7%) looked at; all with --full" in text
    whole = api.info(tmp_path / "x.npy", "450:950", full=True)
    assert (whole["pixels_looked_at"], whole["valid_pixels"]) == (404, 399) and whole["content_hash"]
