"""Plain HDF5: whose axes and wavelengths are found where the file tells them, and asked for where it does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import small_scene
from click.testing import CliRunner
from products import reflectance, write_emit

import special
from special.cli import main
from special.errors import SceneError
from special.scene import open_scene

NM = np.linspace(400, 900, 6)


def cube() -> np.ndarray:
    return np.random.default_rng(7).integers(1, 200, (5, 4, 6)).astype("uint16")


def write(path: Path, **arrays: np.ndarray) -> Path:
    """A file of these arrays; two underscores stand for a folder."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("beside", [True, False])
def test_the_number_of_wavelengths_finds_the_bands_on_any_axis(
    tmp_path: Path, axes: tuple[int, int, int], beside: bool
) -> None:
    arrays = {"cube": cube().transpose(axes)} | ({"wavelength": NM} if beside else {})
    scene = open_scene(write(tmp_path / "x.h5", **arrays), wavelengths=None if beside else NM)
    np.testing.assert_array_equal(scene.read(), cube())
    np.testing.assert_array_equal(scene.wavelengths, NM)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
def test_the_wavelengths_may_be_an_attribute_of_the_cube(tmp_path: Path, axes: tuple[int, int, int]) -> None:
    path = write(tmp_path / "x.h5", cube=cube().transpose(axes))
    with h5py.File(path, "a") as file:
        file["cube"].attrs.update(center_wavelengths=NM / 1000, center_wavelengths_units="Micrometers")
    scene = open_scene(path)
    np.testing.assert_array_equal(scene.read(), cube())
    np.testing.assert_allclose(scene.wavelengths, NM)


@pytest.mark.parametrize("name", ["good_wavelengths", "wavelength_index", "wavelengthFlags", "wavelengths__fwhm"])
def test_what_is_named_for_wavelengths_but_is_none_is_passed_over(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "x.h5", cube=cube(), **{name: np.linspace(0.5, 9.5, 6)}, wavelengths_nm=NM)
    np.testing.assert_array_equal(open_scene(path).wavelengths, NM)


def test_ones_are_no_wavelengths_whatever_they_are_called(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(write(tmp_path / "x.h5", cube=cube(), wavelength=np.ones(6)))


def test_different_wavelengths_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", cube=cube(), wavelength=NM, wl=NM + 50)
    with pytest.raises(
        SceneError,
        match=r"different wavelengths in 'wavelength' and 'wl': give --wavelengths",
    ):
        open_scene(path)
    np.testing.assert_array_equal(open_scene(path, wavelengths=NM).read(), cube())
    path = write(tmp_path / "x.h5", cube=cube(), wavelength=NM, wavelength_um=NM / 1000)
    np.testing.assert_array_equal(open_scene(path).wavelengths, NM)


def test_the_wavelengths_in_the_folder_of_the_cube_are_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", a__cube=cube(), a__wavelength=NM, b__cube=cube(), b__wavelength=NM + 900)
    np.testing.assert_array_equal(open_scene(path, key="b/cube").wavelengths, NM + 900)


def test_a_span_cannot_tell_the_axes(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", cube=cube())
    with pytest.raises(
        SceneError,
        match=r"which axis of 'cube' \(5 x 4 x 6\) are the bands, .*give --axes row,col,band or band,row,col or",
    ):
        open_scene(path, wavelengths="400:900")
    path = write(tmp_path / "x.h5", cube=cube(), wavelength=NM)
    np.testing.assert_array_equal(open_scene(path, wavelengths="500:800").read(), cube())


def test_the_case_of_prisma_by_its_array(cases: Path) -> None:
    path = cases / "prisma-he5" / "prisma.he5"
    key = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"
    for reader in (None, "hdf5"):
        scene = open_scene(path, key=key, wavelengths=path.with_name("vnir.csv"), reader=reader)
        assert scene.shape == (20, 30, 24) and (scene.wavelengths[0], scene.wavelengths[-1]) == (400, 970)
        assert scene.bad_bands == {24: "no wavelength", 25: "no wavelength"}
    with pytest.raises(SceneError, match="a span fits each of them: give --axes"):
        open_scene(path, key=key, wavelengths="970:400", reader="hdf5")


def test_the_flags_of_the_case_of_emit_are_refused(cases: Path) -> None:
    folder = cases / "emit-good-wavelengths"
    with pytest.raises(SceneError, match="reads as wavelengths"):
        open_scene(folder / "emit.nc", wavelengths=folder / "flags.csv")
    assert open_scene(folder / "emit.nc", reader="hdf5").wavelengths[-1] == 2493


def test_chunks_are_unpacked_once_however_few_rows_a_block_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from special.scene.readers import hdf5
    from special.scene.scene import row_blocks

    values = np.random.default_rng(0).uniform(0.1, 0.5, (90, 8, 12)).astype("f4")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("cube", data=values, chunks=(32, 4, 5), compression="gzip")
    dataset = hdf5.Hdf5Dataset(tmp_path / "x.h5", "cube", values.shape, values.dtype)
    read: list[tuple[slice, ...]] = []
    whole = hdf5._whole_chunks

    def counted(*about: Any) -> Any:
        read.append(found := whole(*about))
        return found

    monkeypatch.setattr(hdf5, "_whole_chunks", counted)
    for start in range(0, 90, 8):
        np.testing.assert_array_equal(dataset[start : start + 8, 0:8, 0:12], values[start : start + 8])
    assert [part and part[0] for part in read] == [slice(0, 32), slice(32, 64), slice(64, 90)]
    assert hdf5.Hdf5Dataset._kept is None, "what was unpacked is let go at its end"
    np.testing.assert_array_equal(dataset[3:5, 0:8, 0:12], values[3:5])
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file["cube"][4] = 9
    os.utime(tmp_path / "x.h5", ns=(1, 1))
    assert (dataset[4:5, 0:8, 0:12] == 9).all(), "a file that has changed is read again"
    scene = open_scene(tmp_path / "x.h5", wavelengths=np.linspace(450, 950, 12))
    blocks = list(row_blocks(scene._source, 8 * 8 * 12 * 4 // 16))
    assert all(one.start // 32 == (one.stop - 1) // 32 for one in blocks) and blocks[-1].stop == 90


@pytest.mark.parametrize("shape", [(6, 4, 6), (6, 6, 4), (4, 6, 6), (6, 6, 6)])
@pytest.mark.parametrize("given", [NM, "400:900"])
def test_axes_that_fit_in_more_than_one_way_are_asked_about(
    tmp_path: Path, shape: tuple[int, ...], given: np.ndarray | str
) -> None:
    values = np.random.default_rng(0).integers(1, 200, shape).astype("uint16")
    path = write(tmp_path / "x.h5", cube=values)
    with pytest.raises(SceneError, match=r"does not say which axis of 'cube' \(.*\) are the bands, .*: give --axes"):
        open_scene(path, wavelengths=given)
    place = shape.index(6)
    words = ["row", "col"]
    words.insert(place, "band")
    read = open_scene(path, wavelengths=given, axes=",".join(words)).read()
    np.testing.assert_array_equal(read, np.moveaxis(values, place, 2))


@pytest.mark.parametrize("words", ["row,col", "x,y,band", "row,row,band", ""])
def test_what_names_no_axes_is_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(SceneError, match="does not say what the axes are: write row, col and band"):
        open_scene(write(tmp_path / "x.h5", cube=cube()), wavelengths=NM, axes=words)


@pytest.mark.parametrize("name", ["x.npy", "x.mat", "x.h5"])
def test_axes_may_be_said_of_any_stored_array_and_a_run_keeps_them(tmp_path: Path, name: str) -> None:
    values, _, _ = small_scene.cube()
    stored = values.transpose(0, 2, 1)
    path = tmp_path / name
    if name == "x.npy":
        np.save(path, stored)
    elif name == "x.mat":
        scipy.io.savemat(path, {"cube": stored})
    else:
        write(path, cube=stored)
    told = {"wavelengths": "420:980", "axes": "row,band,col"}
    assert special.info(path, **told)["bands"] == 24
    out = tmp_path / "x.special"
    special.label(path, small_scene.CLASSES, out=out, clip="none", until="pseudo", **told)
    again = special.open_run(out).request.source
    assert again.axes == "row,band,col"
    result = CliRunner().invoke(main, ["info", str(path), "--wavelengths", "420:980", "--axes", "row,band,col"])
    assert result.exit_code == 0 and "12 rows x 10 columns" in result.output


def test_axes_are_not_said_of_what_says_them_itself(tmp_path: Path) -> None:
    (tmp_path / "x.hdr").write_text("ENVI\nsamples = 2\nlines = 2\nbands = 2\ndata type = 1\nwavelength = {500, 600}\n")
    (tmp_path / "x.img").write_bytes(bytes(range(8)))
    with pytest.raises(SceneError, match="says itself what its axes are"):
        open_scene(tmp_path / "x.hdr", axes="row,band,col")
    path = write_emit(tmp_path / "e.nc", reflectance(), np.linspace(400, 900, 8), np.ones(8))
    with pytest.raises(SceneError, match="says itself what its axes are: leave out --axes"):
        open_scene(path, axes="row,band,col")
