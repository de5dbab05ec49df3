"""Numbers that no instrument writes: refused, or read as if they were not there, before anything is begun."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import raster_products
import small_scene
from click.testing import CliRunner, Result

from special.cli import main

RUNS = ("--until", "rgb", "-q")


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def envi(folder: Path, **fields: str) -> tuple[object, ...]:
    """The options of a scene whose header says so; its numbers are reflectance x 10000."""
    files = small_scene.write(folder)
    cube, nm, _ = small_scene.cube()
    (folder / "scene.img").write_bytes(np.round(cube * 10000).astype("<i2").transpose(2, 0, 1).tobytes())
    header = {
        "samples": "10",
        "lines": "12",
        "bands": "24",
        "data type": "2",
        "interleave": "bsq",
        "byte order": "0",
        "wavelength": f"{{{', '.join(map(str, nm))}}}",
        "map info": "{UTM, 1, 1, 400000, 5600000, 30, 30, 32, North, WGS-84, units=Meters}",
        **fields,
    }
    (folder / "scene.hdr").write_text("\n".join(["ENVI", *(f"{name} = {value}" for name, value in header.items())]))
    return folder / "scene.hdr", "--classes", files.classes, "--clip", "none", "--out", folder / "run", *RUNS


@pytest.mark.parametrize("number", ["inf", "nan", "-inf", "1e39", "1e-310", "-1"])
def test_a_scale_factor_that_makes_no_reflectance_is_left_out_and_told(tmp_path: Path, number: str) -> None:
    options = envi(tmp_path, **{"reflectance scale factor": number})
    result = special("label", *options[:-1])
    assert result.exit_code == 0, result.stderr
    assert "its scale factor is" in result.stderr and "it was left out" in result.stderr
    facts = json.loads(special("info", options[0], "--json").stdout)
    assert facts["scale_factor"] is None and not facts["known_reflectance"]


@pytest.mark.parametrize("number", ["inf", "nan", "1e39", "1e-310", "0"])
@pytest.mark.parametrize("field", ["data gain values", "data offset values", "data reflectance gain values"])
def test_gains_and_offsets_that_make_no_numbers_make_bad_bands(tmp_path: Path, field: str, number: str) -> None:
    if "offset" in field and number in ("0", "1e-310"):
        pytest.skip("that is an honest offset")
    few, all_of_them = ["1"] * 20 + [number] * 4, [number] * 24
    facts = json.loads(special("info", envi(tmp_path, **{field: f"{{{', '.join(few)}}}"})[0], "--json").stdout)
    assert [bad["reason"] for bad in facts["bad_bands"]] == ["its gain or offset makes no numbers"] * 4
    result = special("label", *envi(tmp_path, **{field: f"{{{', '.join(all_of_them)}}}"}))
    assert result.exit_code == 2 and "mend its band list" in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("place", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("number", ["nan", "inf", "1e400"])
def test_a_place_that_is_no_number_is_no_place(tmp_path: Path, place: int, number: str) -> None:
    parts = ["UTM", "1", "1", "400000", "5600000", "30", "30", "32", "North", "WGS-84"]
    parts[place] = number
    result = special("info", envi(tmp_path, **{"map info": f"{{{', '.join(parts)}}}"})[0], "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["georeference"] is None
    assert any("place" in note for note in json.loads(result.stdout)["notes"])


@pytest.mark.parametrize("kind", ["one pixel", "one spectrum"])
def test_a_scene_without_two_spectra_is_refused_before_a_run_is_begun(tmp_path: Path, kind: str) -> None:
    files = small_scene.write(tmp_path)
    cube = np.load(files.scene)
    if kind == "one pixel":
        cube[:] = np.where(np.arange(cube.shape[0] * cube.shape[1]).reshape(*cube.shape[:2], 1) == 7, cube, np.nan)
    else:
        cube[:] = cube[0, 0]
    np.save(files.scene, cube)
    for command in ("label", "fit"):
        options = [*files.options, "-q"] if command == "label" else [*files.options[:-2], "-q"]
        more = () if command == "label" else ("--labels", tmp_path / "strips_truth.npy")
        result = special(command, *options, *more, "--out", tmp_path / "run")
        assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.stderr
        assert not (tmp_path / "run").exists()


def test_tags_that_are_no_utf_8_are_read_or_left_out_without_a_word_of_python(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cube, nm, _ = small_scene.cube()
    path = raster_products.write_tif(tmp_path / "scene.tif", cube, description="MARKmark", software="MARKmark")
    import rasterio

    with rasterio.open(path, "r+") as file:
        file.update_tags(note="MARKmark", wavelength=",".join(map(str, nm)), wavelength_units="nm")
        file.set_band_description(1, "MARKmark")
    data = path.read_bytes()
    assert data.count(b"MARKmark") > 1
    path.write_bytes(data.replace(b"MARKmark", b"\xff\xfe\xe9\x80mark"))
    result = special("info", path, "--full", "--wavelengths", f"{nm[0]}:{nm[-1]}")
    assert result.exit_code in (0, 2), result.output
    said = result.output + "".join(capfd.readouterr())
    assert "Exception ignored" not in said and "Traceback" not in said
