"""A cube with known numbers, laid out as any product or archive that a reader claims, comes back as it was.

What comes back: reflectance or radiance, wavelengths, which pixels have data, and the place on the map.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import folder_products
import numpy as np
import products
import pytest
import raster_products
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from scipy.io import netcdf_file

from special.scene import open_scene

FEW = settings(max_examples=6, deadline=None, derandomize=True)
OFF_WATER = np.array([400.0, 480, 560, 640, 720, 800, 880, 960, 1040, 1150, 1250, 1500, 1600, 1700, 2050, 2200, 2300])
"""Wavelengths that no product takes for those of water in the air."""


@dataclass(frozen=True)
class Product:
    """How a product is written, and what of it is known.

    Attributes:
        write: of (folder, cube, nm), the path that a user names; the first pixel has no data.
        place: the transform, or None where it lies in sensor geometry.
        factor: what makes reflectance the number in the product: 1, or that of a radiance.
        atol: half a step of the numbers that the product holds.
        bands: how many it has to have, or None.
        reflectance: whether it says that its numbers are reflectance.
    """

    write: Callable[[Path, np.ndarray, np.ndarray], Path]
    place: tuple[float, ...] | None
    factor: float = 1
    atol: float = 1e-4
    bands: int | None = None
    reflectance: bool = True


def _prisma(level: str, folder: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    split = len(nm) // 2  # as stored, the wavelengths fall
    first, second = nm[:split][::-1], nm[split:][::-1]
    stored = np.concatenate([cube[:, :, :split][:, :, ::-1], cube[:, :, split:][:, :, ::-1]], axis=2)
    return products.write_prisma(folder / "PRS.he5", stored, first, second, level, corners=level == "L2D")


def _desis(level: str, folder: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    return folder_products.write_desis(folder, cube, nm, level)


def _hyperion(folder: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    return folder_products.write_hyperion(folder, cube, list(range(10, 10 + len(nm))))


def _hisui(folder: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    return folder_products.write_hisui(folder, cube)


UTM33 = (30.0, 0.0, 366015.0, 0.0, -30.0, 5809965.0)
PRODUCTS = {
    "EMIT L2A": Product(lambda to, cube, nm: products.write_emit(to / "x.nc", cube, nm, np.ones(len(nm))), None),
    "EMIT L1B": Product(
        lambda to, cube, nm: products.write_emit(to / "x.nc", cube, nm, np.ones(len(nm)), "radiance"),
        None,
        20,
        reflectance=False,
    ),
    "PRISMA L2D": Product(partial(_prisma, "L2D"), (30, 0, 499985, 0, -30, 5500015)),
    "PRISMA L2C": Product(partial(_prisma, "L2C"), None),
    "PRISMA L1": Product(partial(_prisma, "L1"), None, 5, 0.006, reflectance=False),
    "NEON": Product(lambda to, cube, nm: products.write_neon(to / "x.h5", cube, nm), (1, 0, 257000, 0, -1, 4112000)),
    "AVIRIS": Product(lambda to, cube, nm: products.write_aviris(to / "x.nc", cube, nm), (4, 0, 3e5, 0, -4, 3.8e6)),
    "Tanager ortho": Product(
        lambda to, cube, nm: products.write_tanager(to / "x.h5", cube, nm, np.ones(len(nm))), (30, 0, 5e5, 0, -30, 4e6)
    ),
    "Tanager basic": Product(
        lambda to, cube, nm: products.write_tanager(to / "x.h5", cube, nm, np.ones(len(nm)), ortho=False), None
    ),
    "PACE": Product(lambda to, cube, nm: products.write_pace(to / "x.nc", cube, nm), None),
    "DESIS L2A": Product(partial(_desis, "L2A"), UTM33),
    "DESIS L1C": Product(partial(_desis, "L1C"), UTM33, atol=2e-4, reflectance=False),
    "Hyperion": Product(_hyperion, UTM33, 100, 0.02, reflectance=False),
    "HISUI": Product(_hisui, UTM33, 100, 0.006, 185, reflectance=False),
    "DIMAP": Product(folder_products.write_dimap, (17, 0, 500000, 0, -17, 5300000), reflectance=False),
}
"""EnMAP, whose numbers stand in its metadata, and AHSI, whose detectors look past one another, are tested beside."""


@st.composite
def cubes(draw: st.DrawFn, bands: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Reflectance float32 (rows, cols, bands), 0.05 to 0.65, no two sizes equal; and its wavelengths, rising, nm."""
    rows, cols = draw(st.permutations([5, draw(st.integers(6, 9))]))
    count = bands or draw(st.integers(10, len(OFF_WATER)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nm = np.sort(rng.choice(OFF_WATER, min(count, len(OFF_WATER)), replace=False)) + rng.uniform(-20, 20)
    return rng.uniform(0.05, 0.65, (rows, cols, count)).astype(np.float32), nm.astype(np.float32).astype(float)


def packed(path: Path, folder: Path, form: str) -> Path:
    """What a user has: the file, its folder, or an archive of that."""
    if form in ("file", "folder"):
        return path if form == "file" else folder
    return Path(shutil.make_archive(str(folder.with_name("packed")), form, folder.parent, folder.name))


@pytest.mark.parametrize("name", PRODUCTS)
@FEW
@given(data=st.data(), form=st.sampled_from(["file", "folder", "zip", "gztar", "tar"]))
def test_a_product(name: str, data: st.DataObject, form: str) -> None:
    product = PRODUCTS[name]
    cube, nm = data.draw(cubes(product.bands))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "product"
        folder.mkdir()
        path = product.write(folder, product.factor * cube, nm)
        scene = open_scene(packed(path, folder, form), mask="none")
        assert scene.known_reflectance is product.reflectance
        wanted, wanted_nm = product.factor * cube, nm
        if name == "HISUI":  # its detectors overlap
            wanted, wanted_nm = wanted[:, :, scene.band_numbers], folder_products.HISUI_NM[scene.band_numbers]
        elif name == "Hyperion":  # whose wavelengths are those of its bands
            wanted_nm = scene.wavelengths
        np.testing.assert_allclose(scene.wavelengths, wanted_nm, atol=0.01)
        assert np.all(np.diff(scene.wavelengths) >= 0)
        valid = np.ones(cube.shape[:2], dtype=bool)
        valid[0, 0] = False
        np.testing.assert_array_equal(scene.valid, valid)
        read = scene.read()
        np.testing.assert_allclose(read[valid], wanted[valid], atol=product.atol)
        assert np.isnan(read[0, 0]).all()
        if product.place is None:
            assert scene.georeference is None
        else:
            assert scene.georeference is not None and scene.georeference.transform is not None
            np.testing.assert_allclose(scene.georeference.transform, product.place, atol=1e-3)


@FEW
@given(
    known=cubes(),
    order=st.sampled_from(["yxb", "byx", "ybx"]),
    version=st.sampled_from([1, 2]),
    stored=st.sampled_from(["packed", "f4", "f8"]),
    unit=st.sampled_from(["nm", "um"]),
    falling=st.booleans(),
    form=st.sampled_from(["file", "zip", "gztar"]),
)
def test_classic_netcdf(
    known: tuple[np.ndarray, np.ndarray], order: str, version: int, stored: str, unit: str, falling: bool, form: str
) -> None:
    cube, nm = known
    rows, cols, _ = cube.shape
    names = {"y": "northing", "x": "easting", "b": "wavelength"}
    values = {"y": 5600000 - 20 * (np.arange(rows) + 0.5), "x": 400000 + 20 * (np.arange(cols) + 0.5), "b": nm}
    standard = {"y": "projection_y_coordinate", "x": "projection_x_coordinate", "b": "radiation_wavelength"}
    if unit == "um":
        values["b"] = values["b"] / 1000
    numbers = np.round((cube - 0.1) / 1e-4).astype("i2") if stored == "packed" else cube.astype(stored)
    numbers[0, 0] = -32000
    if not falling:  # rows from south to north
        numbers, values["y"] = numbers[::-1], values["y"][::-1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "delivered"
        folder.mkdir()
        path = folder / "x.nc"
        with netcdf_file(path, "w", version=version) as file:
            for axis, name in names.items():
                file.createDimension(name, len(values[axis]))
                variable = file.createVariable(name, "f8", (name,))
                variable[:] = values[axis]
                variable.standard_name, variable.units = standard[axis], unit if axis == "b" else "m"
            refl = file.createVariable("refl", numbers.dtype.newbyteorder("="), tuple(names[axis] for axis in order))
            refl[:] = numbers.transpose(["yxb".index(axis) for axis in order])
            refl._FillValue, refl.grid_mapping = numbers.dtype.type(-32000), "crs"
            refl.standard_name = "surface_reflectance"
            if stored == "packed":
                refl.scale_factor, refl.add_offset = 1e-4, 0.1
            file.createVariable("crs", "i4", ()).crs_wkt = CRS.from_epsg(32632).to_wkt()
        scene = open_scene(packed(path, folder, form))
        read, place = scene.read(), (20.0, 0.0, 400000.0, 0.0, -20.0, 5600000.0)
        if not falling:
            read, place = read[::-1], (20.0, 0.0, 400000.0, 0.0, 20.0, 5600000.0 - 20 * rows)
        np.testing.assert_allclose(scene.wavelengths, nm, atol=0.01)
        np.testing.assert_allclose(read[1:], cube[1:], atol=1e-4)
        assert np.isnan(read[0, 0]).all() and np.isfinite(read[0, 1:]).all()
        assert scene.georeference is not None and scene.georeference.transform is not None
        np.testing.assert_allclose(scene.georeference.transform, place, atol=1e-6)


@FEW
@given(
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from(["L2A", "L1C"]),
    form=st.sampled_from(["folder", "zip", "gztar"]),
)
def test_enmap(seed: int, level: str, form: str) -> None:
    numbers = np.random.default_rng(seed).integers(100, 6000, (6, 5, 8)).astype(np.int16)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "product"
        metadata = raster_products.write_enmap(folder, level, numbers)
        scene = open_scene(packed(metadata, folder, form))
        gains, offsets = np.array(raster_products.ENMAP_GAINS), np.array(raster_products.ENMAP_OFFSETS)
        wanted = numbers * (1e-4 if level == "L2A" else gains) + (0 if level == "L2A" else offsets)
        np.testing.assert_allclose(scene.wavelengths, np.sort(raster_products.ENMAP_NM), atol=0.01)
        np.testing.assert_allclose(scene.read(), wanted[:, :, scene.band_numbers], atol=1e-6)
        assert scene.valid.all() and scene.georeference is not None
        assert scene.georeference.transform == UTM33


@FEW
@given(
    known=cubes(),
    detectors=st.sampled_from(["AHSI", "EnMAP L1B"]),
    down=st.integers(-2, 2),
    right=st.integers(-1, 1),
    form=st.sampled_from(["folder", "zip", "gztar"]),
)
def test_detectors_that_look_past_one_another(
    known: tuple[np.ndarray, np.ndarray], detectors: str, down: int, right: int, form: str
) -> None:
    cube, nm = known
    rows, cols, bands = cube.shape
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "product"
        if detectors == "AHSI":
            radiance = 100 * cube
            folder_products.write_ahsi(folder, radiance, nm, bands // 2, down=down, right=right)
            atol = 0.011
        else:
            radiance = 0.1 * cube
            raster_products.write_enmap_l1b(folder, radiance, down, right, nm=nm, vnir=bands // 2)
            atol = 2e-6
        scene = open_scene(packed(folder, folder, form))
        valid = np.zeros((rows, cols), dtype=bool)  # where both detectors have looked
        valid[max(0, -down) : rows - max(0, down), max(0, -right) : cols - max(0, right)] = True
        if detectors == "AHSI":
            valid[0, 0] = False
        np.testing.assert_allclose(scene.wavelengths, nm, atol=0.01)
        np.testing.assert_array_equal(scene.valid, valid)
        np.testing.assert_allclose(scene.read()[valid], radiance[valid], atol=atol)
