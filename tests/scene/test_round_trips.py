"""A cube with known numbers, written in any dialect that a reader claims, comes back as it was, or is refused.

What comes back: reflectance, wavelengths, which pixels have data, and the place on the map.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
from folder_products import write_zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from products import write_cf
from raster_products import write_tif

from special.errors import SceneError
from special.scene import Scene, open_scene

EAST, NORTH, CELL = 400000.0, 5600000.0, 20.0
PLACE = (CELL, 0.0, EAST, 0.0, -CELL, NORTH)
FEW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Known:
    """Reflectance float64 (rows, cols, bands), multiples of 1/10000; nm (bands,); True where a pixel has data."""

    cube: np.ndarray
    nm: np.ndarray
    valid: np.ndarray


@st.composite
def known(draw: st.DrawFn, even: bool = False) -> Known:
    """No two sizes are equal, so that axes cannot be mixed up unseen; up to three pixels have no data."""
    rows, cols, bands = draw(st.permutations([4, 6, draw(st.integers(9, 14))]).filter(lambda sizes: sizes[2] > 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cube = rng.integers(300, 9000, (rows, cols, bands)) / 10000
    nm = np.round(np.linspace(430, draw(st.sampled_from([950, 2400])), bands), 2)
    if not even:
        nm = np.round(nm + rng.uniform(-3, 3, bands), 2)
    valid = np.ones((rows, cols), dtype=bool)
    for _ in range(draw(st.integers(0, 3))):
        valid[draw(st.integers(0, rows - 1)), draw(st.integers(0, cols - 1))] = False
    return Known(cube, nm, valid)


def compare(scene: Scene, wanted: Known, *, placed: bool = True, tolerance: float = 1e-5) -> None:
    assert scene.shape == wanted.cube.shape
    np.testing.assert_allclose(scene.wavelengths, wanted.nm, atol=0.02)
    np.testing.assert_array_equal(scene.valid, wanted.valid)
    read = scene.read()
    np.testing.assert_allclose(read[wanted.valid], wanted.cube[wanted.valid], atol=tolerance)
    assert np.isnan(read[~wanted.valid]).all()
    if placed:
        assert scene.georeference is not None and scene.georeference.transform is not None
        np.testing.assert_allclose(scene.georeference.transform, PLACE, atol=1e-6)
        assert scene.georeference.crs_wkt and "32N" in scene.georeference.crs_wkt.replace(" ", "")


def stored(wanted: Known, dtype: str, fill: float) -> tuple[np.ndarray, float]:
    """The numbers as a file holds them, and what they were multiplied by."""
    factor = 1.0 if np.dtype(dtype).kind == "f" else 10000.0
    numbers = wanted.cube * factor
    numbers[~wanted.valid] = fill
    return (numbers if factor == 1 else np.round(numbers)).astype(dtype), factor


@FEW
@given(
    wanted=known(),
    dtype=st.sampled_from([("2", "i2"), ("4", "f4"), ("5", "f8"), ("3", "i4"), ("12", "u2")]),
    interleave=st.sampled_from(["bsq", "bil", "bip"]),
    big=st.booleans(),
    offset=st.sampled_from([0, 7, 512]),
    unit=st.sampled_from(["Nanometers", "nm", "Micrometers", "um"]),
    capitals=st.booleans(),
    suffix=st.sampled_from([".img", ".dat", ""]),
)
def test_envi(
    wanted: Known,
    dtype: tuple[str, str],
    interleave: str,
    big: bool,
    offset: int,
    unit: str,
    capitals: bool,
    suffix: str,
) -> None:
    fill = 65535 if dtype[1] == "u2" else -9999
    numbers, factor = stored(wanted, (">" if big else "<") + dtype[1], fill)
    axes = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    rows, cols, bands = wanted.cube.shape
    nm = wanted.nm / 1000 if unit in ("Micrometers", "um") else wanted.nm
    fields = {
        "samples": cols,
        "lines": rows,
        "bands": bands,
        "header offset": offset,
        "data type": dtype[0],
        "interleave": interleave.upper() if capitals else interleave,
        "byte order": int(big),
        "wavelength units": unit,
        "wavelength": f"{{{', '.join(f'{one:.6g}' for one in nm)}}}",
        "data ignore value": fill,
        "map info": f"{{UTM, 1, 1, {EAST}, {NORTH}, {CELL}, {CELL}, 32, North, WGS-84, units=Meters}}",
    } | ({"reflectance scale factor": factor} if factor != 1 else {})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"scene{suffix}").write_bytes(bytes(offset) + numbers.transpose(axes).tobytes())
        lines = [f"{name.title() if capitals else name} = {value}" for name, value in fields.items()]
        (Path(folder) / "scene.hdr").write_text("\n".join(["ENVI", *lines, ""]))
        compare(open_scene(Path(folder) / "scene.hdr"), wanted)


@FEW
@given(
    wanted=known(),
    dtype=st.sampled_from(["int16", "uint16", "float32", "float64", "int32"]),
    layout=st.sampled_from([{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"interleave": "pixel"}]),
    packing=st.sampled_from([{}, {"compress": "deflate"}, {"compress": "lzw", "predictor": 2}, {"compress": "zstd"}]),
    big=st.booleans(),
    form=st.sampled_from(["wavelength", "descriptions", "list"]),
    scaled=st.sampled_from(["scales", "factor"]),
)
def test_geotiff(
    wanted: Known,
    dtype: str,
    layout: dict[str, Any],
    packing: dict[str, Any],
    big: bool,
    form: str,
    scaled: str,
) -> None:
    fill = 65535 if dtype == "uint16" else -9999
    numbers, factor = stored(wanted, dtype, fill)
    place = {"crs": "EPSG:32632", "transform": rasterio.Affine(*PLACE), "nodata": fill}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write_tif(
            Path(folder) / "scene.tif", numbers, **place, **layout, **packing, BIGTIFF="YES" if big else "NO"
        )
        with rasterio.open(path, "r+") as file:
            if factor != 1 and scaled == "scales":
                file.scales = [1 / factor] * file.count
            elif factor != 1:
                file.update_tags(reflectance_scale_factor=factor)
            if form == "list":
                file.update_tags(wavelength=", ".join(f"{one:.2f}" for one in wanted.nm), wavelength_units="nm")
            for band, one in enumerate(wanted.nm, 1):
                if form == "wavelength":
                    file.update_tags(band, wavelength=f"{one:.2f}", wavelength_units="Nanometers")
                elif form == "descriptions":
                    file.set_band_description(band, f"{one:.2f} nm")
        compare(open_scene(path), wanted)


@FEW
@given(
    wanted=known(even=True),
    dtype=st.sampled_from(["f4", ">f4", "f8", "f2"]),
    fortran=st.booleans(),
    kind=st.sampled_from(["npy", "mat", "mat packed", "mat 7.3"]),
    name=st.sampled_from(["cube", "data", "Änderung", "indian_pines"]),
)
def test_arrays_without_wavelengths_or_a_place(wanted: Known, dtype: str, fortran: bool, kind: str, name: str) -> None:
    numbers = wanted.cube.astype(dtype)
    numbers[~wanted.valid] = np.nan
    numbers = np.asfortranarray(numbers) if fortran else np.ascontiguousarray(numbers)
    name = name if kind == "mat 7.3" or name.isascii() else "cube"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scene.{kind[:3]}"
        if kind == "npy":
            np.save(path, numbers)
        elif kind == "mat 7.3":
            with h5py.File(path, "w", userblock_size=512) as file:
                file[name] = numbers.T
                file[name].attrs["MATLAB_class"] = np.bytes_("single")
            with path.open("r+b") as stream:
                stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
        else:
            numbers = numbers.astype("f4") if dtype == "f2" else numbers
            scipy.io.savemat(path, {name: numbers}, do_compression=kind == "mat packed")
        tolerance = 1e-5 if np.dtype(dtype).itemsize > 2 else 1e-3
        compare(open_scene(path, wavelengths=wanted.nm), wanted, placed=False, tolerance=tolerance)
        if kind == "npy":  # a span means the same for all of them, and a process reads a .mat file each time
            span = f"{wanted.nm[0]}:{wanted.nm[-1]}"
            compare(open_scene(path, wavelengths=span), wanted, placed=False, tolerance=tolerance)


@FEW
@given(
    wanted=known(),
    order=st.sampled_from(["yxb", "byx", "ybx"]),
    kind=st.sampled_from(["netCDF", "netCDF packed", "Zarr 2", "Zarr 3"]),
    chunk=st.integers(1, 7),
)
def test_arrays_by_the_conventions_of_cf(wanted: Known, order: str, kind: str, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cube = np.where(wanted.valid[:, :, None], wanted.cube, np.nan)
        if kind.startswith("netCDF"):
            valid = wanted.valid.copy()
            valid[0, 0] = False  # as the generator has it
            whole = Known(wanted.cube, wanted.nm, valid)
            numbers = np.where(valid[:, :, None], wanted.cube, -3.1)  # packed, that is the fill value
            if kind == "netCDF":
                numbers = np.where(valid[:, :, None], wanted.cube, -32000.0)
            path = write_cf(Path(folder) / "x.nc", numbers, wanted.nm, order, packed=kind != "netCDF")
            compare(open_scene(path), whole)
            return
        axes = tuple("yxb".index(axis) for axis in order)
        names = [{"y": "y", "x": "x", "b": "band"}[axis] for axis in order]
        arrays = {
            "r": (np.ascontiguousarray(cube.transpose(axes)).astype("f4"), names, {}),
            "wavelength": (wanted.nm, ["band"], {"units": "nm"}),
        }
        path = write_zarr(Path(folder) / "x.zarr", arrays, version=int(kind[-1]), chunk_rows=chunk)
        try:
            scene = open_scene(path)
        except SceneError as error:  # GDAL may not know version 3 as it is now
            assert kind == "Zarr 3" and "version" in str(error)
            return
        compare(scene, wanted, placed=False)


@FEW
@given(
    wanted=known(),
    unit=st.sampled_from(["nm", "um"]),
    turned=st.booleans(),
    separator=st.sampled_from([",", ";", "\t"]),
)
def test_wavelengths_beside_a_scene(wanted: Known, unit: str, turned: bool, separator: str) -> None:
    numbers = wanted.cube[:, :, ::-1] if turned else wanted.cube
    nm = wanted.nm[::-1] if turned else wanted.nm
    with tempfile.TemporaryDirectory() as folder:
        cube = np.where(wanted.valid[:, :, None], numbers, np.nan)
        np.save(Path(folder) / "scene.npy", cube)
        rows = [f"{number}{separator}{one / (1000 if unit == 'um' else 1):.6g}" for number, one in enumerate(nm, 1)]
        (Path(folder) / "nm.csv").write_text("\n".join([f"band{separator}wavelength ({unit})", *rows]) + "\n")
        scene = open_scene(Path(folder) / "scene.npy", wavelengths=Path(folder) / "nm.csv")
        compare(scene, wanted, placed=False)


@pytest.mark.parametrize("wrong", ["shape", "length"])
def test_what_does_not_fit_is_refused_and_not_guessed(tmp_path: Path, wrong: str) -> None:
    np.save(tmp_path / "scene.npy", np.random.default_rng(0).uniform(0.1, 0.6, (4, 6, 9)))
    nm = np.linspace(430, 950, 9 if wrong == "shape" else 8)
    if wrong == "shape":
        np.save(tmp_path / "scene.npy", np.ones((4, 6)))
    with pytest.raises(SceneError):
        open_scene(tmp_path / "scene.npy", wavelengths=nm)
