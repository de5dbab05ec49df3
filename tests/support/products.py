"""Small files laid out as the products of imaging spectrometers, with reflectance that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rasterio.crs import CRS

FILL = -9999.0


def reflectance(rows: int = 6, cols: int = 5, bands: int = 8) -> np.ndarray:
    """Reflectance (rows, cols, bands) in 0.05-0.65, float32; no two pixels and no two bands are alike."""
    return np.random.default_rng(11).uniform(0.05, 0.65, (rows, cols, bands)).astype(np.float32)


def write_emit(path: Path, cube: np.ndarray, nm: np.ndarray, good: np.ndarray, variable: str = "reflectance") -> Path:
    """EMIT L2A, or L1B with ``variable`` = "radiance"; bad bands hold -0.01, as the real ones do."""
    with h5py.File(path, "w") as file:
        file.attrs.update(instrument="EMIT", time_coverage_start="2022-09-03T16:31:29+0000")
        data = np.where(good == 1, cube, np.float32(-0.01)) if variable == "reflectance" else cube.copy()
        data[0, 0] = FILL
        file.create_dataset(variable, data=data, chunks=(2, *data.shape[1:]), compression="gzip")
        file[variable].attrs["_FillValue"] = np.array([FILL], dtype="f4")
        bands = file.create_group("sensor_band_parameters")
        bands["wavelengths"], bands["fwhm"] = nm.astype("f4"), np.full(len(nm), 8.5, dtype="f4")
        bands["wavelengths"].attrs["units"] = "nm"
        if variable == "reflectance":
            bands["good_wavelengths"] = good.astype("u1")
        _write_glt(file, *data.shape[:2])
    return path


def _write_glt(file: h5py.File, rows: int, cols: int) -> None:
    """A swath that leans: every line is one cell further east, and as far south; the grid begins at 10 E, 50 N."""
    step = 5e-4
    row, col = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    table = np.zeros((2, rows + 1, cols + rows + 1), dtype="i4")
    table[:, row, col + row] = col + 1, row + 1
    lat, lon = 50 - step * (row + 0.5), 10 + step * (col + row + 0.5)
    file.attrs.update(geotransform=[10.0, step, 0, 50.0, 0, -step], spatial_ref=CRS.from_epsg(4326).to_wkt())
    file["location/lat"], file["location/lon"] = lat, lon
    file["location/glt_x"], file["location/glt_y"] = table


EMIT_SHAPE = (1280, 1242, 285)
EMIT_STORED: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunks": {"chunks": (256, 249, 57)},
    "packed": {"chunks": (256, 249, 57), "compression": "gzip", "compression_opts": 1},
}
"""How netCDF stores so large a variable: in one piece, in the chunks that it chooses, and those packed."""


def write_whole_emit(
    path: Path, cube: np.ndarray, nm: np.ndarray, shape: tuple[int, int, int] = EMIT_SHAPE, stored: str = "contiguous"
) -> Path:
    """EMIT L2A of a whole scene's size that repeats ``cube``; where that has no data nothing is written.

    A cube of no data but a few rows makes a file that is sparse: it takes the room of those.
    """
    with h5py.File(path, "w") as file:
        file.attrs.update(instrument="EMIT", time_coverage_start="2022-09-03T16:31:29+0000")
        layout = EMIT_STORED[stored]
        chunks = tuple(min(size, chunk) for size, chunk in zip(shape, layout.get("chunks", shape), strict=True))
        layout = layout | ({"chunks": chunks} if "chunks" in layout else {})
        written = file.create_dataset("reflectance", shape, "f4", fillvalue=FILL, **layout)
        written.attrs["_FillValue"] = np.array([FILL], dtype="f4")
        across = -(-shape[1] // cube.shape[1])
        for start in range(0, shape[0], chunks[0] if "chunks" in layout else 64):
            rows = slice(start, min(shape[0], start + (chunks[0] if "chunks" in layout else 64)))
            part = cube[np.arange(rows.start, rows.stop) % len(cube)]
            if (part != FILL).any():
                written[rows] = np.tile(part, (1, across, 1))[:, : shape[1]]
        bands = file.create_group("sensor_band_parameters")
        bands["wavelengths"], bands["fwhm"] = nm.astype("f4"), np.full(len(nm), 8.5, dtype="f4")
        bands["wavelengths"].attrs["units"] = "nm"
        bands["good_wavelengths"] = np.ones(len(nm), dtype="u1")
        _write_glt(file, *shape[:2])
    return path


def write_emit_mask(path: Path, shape: tuple[int, int], **layers: list[tuple[int, int]]) -> Path:
    """EMIT's mask file: ``cloud=[(row, col)]`` and so on are the pixels that are masked."""
    names = ["Cloud flag", "Cirrus flag", "Water flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550"]
    names += ["H2O (g cm-2)", "Aggregate Flag"]
    mask = np.zeros((*shape, len(names)), dtype="f4")
    for name, pixels in layers.items():
        layer = [title.lower().split()[0] for title in names].index(name)
        for row, col in pixels:
            mask[row, col, layer] = 1
    with h5py.File(path, "w") as file:
        file["mask"] = mask
        file["sensor_band_parameters/mask_bands"] = np.array(names, dtype=h5py.string_dtype())
    return path


def positions(rows: int, cols: int, metres: float, middle: float = 45.0) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of pixels on a grid whose cells are so many metres wide at the latitude ``middle``."""
    step = np.degrees(metres / 6371007.2)
    wide = step / np.cos(np.radians(middle))
    lat = middle + step * ((rows - 1) / 2 - np.arange(rows))
    lon = 9.0 + wide * np.arange(cols)
    return np.meshgrid(lat, lon, indexing="ij")


def write_prisma(
    path: Path, cube: np.ndarray, vnir: np.ndarray, swir: np.ndarray, level: str = "L2D", corners: bool = True
) -> Path:
    """PRISMA: the bands of ``cube`` (rows, cols, bands) are those of ``vnir`` (nm), then of ``swir``, as stored.

    ``corners`` lie at the centres of the outer pixels, 30 m apart, in UTM 32 N. A band at 0 nm is all zero, as is the
    first pixel.
    """
    rows, cols, _ = cube.shape
    with h5py.File(path, "w") as file:
        start = 0
        for detector, nm, low, high in (("Vnir", vnir, 0.0, 0.8), ("Swir", swir, 0.01, 0.7)):
            part = cube[:, :, start : start + len(nm)]
            start += len(nm)
            if level == "L1":
                numbers = (part + 0.0) * 100
                file.attrs[f"ScaleFactor_{detector}"], file.attrs[f"Offset_{detector}"] = np.float32(100), np.float32(0)
            else:
                numbers = (part - low) / (high - low) * 65535
                file.attrs[f"L2Scale{detector}Min"], file.attrs[f"L2Scale{detector}Max"] = np.float32([low, high])
            numbers = np.where(nm > 0, np.clip(np.round(numbers), 1, 65535), 0).astype("u2")
            numbers[0, 0] = 0
            fields = f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields/{detector.upper()}"
            file.create_dataset(f"{fields}_Cube", data=numbers.transpose(0, 2, 1), chunks=(2, len(nm), cols))
            file[f"{fields}_PIXEL_{level}_ERR_MATRIX"] = np.zeros((rows, len(nm), cols), dtype="u1")
            file.attrs[f"List_Cw_{detector}"] = nm.astype("f4")
            file.attrs[f"List_Fwhm_{detector}"] = np.where(nm > 0, 10, 0).astype("f4")
        file.attrs["Product_StartTime"] = "2020-07-15T10:21:00.123456"
        if level != "L2D":
            lat, lon = positions(rows, cols, 30)
            end = "_VNIR" if level == "L1" else ""
            for name, values in (("Latitude", lat), ("Longitude", lon)):
                file[f"HDFEOS/SWATHS/PRS_{level}_HCO/Geolocation Fields/{name}{end}"] = values.astype("f4")
        if level == "L1":
            file[f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields/Cloud_Mask"] = np.eye(rows, cols, dtype="u1")
        file[f"HDFEOS/SWATHS/PRS_{level}_PCO/Data Fields/Cube"] = np.ones((6 * rows, 6 * cols), dtype="u2")
        if corners:
            file.attrs["Epsg_Code"] = np.uint32(32632)
            file.attrs["Product_ULcorner_easting"] = np.float32(500000)
            file.attrs["Product_ULcorner_northing"] = np.float32(5500000)
            file.attrs["Product_LRcorner_easting"] = np.float32(500000 + 30 * (cols - 1))
            file.attrs["Product_LRcorner_northing"] = np.float32(5500000 - 30 * (rows - 1))
    return path


def write_neon(path: Path, cube: np.ndarray, nm: np.ndarray, info: str = "1, 1, 257000.0, 4112000.0, 1.0, 1.0") -> Path:
    """NEON AOP: int16 x 10000 with two water windows; ``info`` is the middle of its map info, in UTM 11 N."""
    data = np.round(cube * 10000).astype("i2")
    data[0, 0] = FILL
    with h5py.File(path, "w") as file:
        base = file.create_group("SJER/Reflectance")
        base.attrs["Band_Window_1_Nanometers"] = np.array([1340, 1445])
        base.attrs["Band_Window_2_Nanometers"] = np.array([1790, 1955])
        base["Reflectance_Data"] = data
        base["Reflectance_Data"].attrs.update(Scale_Factor=10000.0, Data_Ignore_Value=FILL)
        spectral, system = (base.create_group(f"Metadata/{name}") for name in ("Spectral_Data", "Coordinate_System"))
        spectral["Wavelength"], spectral["FWHM"] = nm.astype("f4"), np.full(len(nm), 5.7, dtype="f4")
        system["Map_Info"], system["EPSG Code"] = f"UTM, {info}, 11, North, WGS-84, units=Meters", "32611"
        base["Metadata/Ancillary_Imagery/Aerosol_Optical_Depth"] = np.zeros(cube.shape[:2], dtype="i2")
    return path


def write_aviris(path: Path, cube: np.ndarray, nm: np.ndarray, quantity: str = "reflectance") -> Path:
    """AVIRIS-3: the bands first, 4 m apart in UTM 11 N; the outer corner of the first pixel is 300000, 3800000."""
    rows, cols, _ = cube.shape
    data = cube.copy()
    data[0, 0] = FILL
    with h5py.File(path, "w") as file:
        file["easting"], file["northing"] = 300002.0 + 4 * np.arange(cols), 3799998.0 - 4 * np.arange(rows)
        file["transverse_mercator"] = np.bytes_("")
        mapping = file["transverse_mercator"].attrs
        mapping["spatial_ref"], mapping["GeoTransform"] = CRS.from_epsg(32611).to_wkt(), "300000 4 0 3800000 0 -4"
        group = file.create_group(quantity)
        group.create_dataset(quantity, data=data.transpose(2, 0, 1), chunks=(len(nm), 2, cols))
        group[quantity].attrs.update(_FillValue=np.float32([FILL]), grid_mapping="transverse_mercator")
        group["wavelength"], group["fwhm"] = nm.astype("f4"), np.full(len(nm), 7.4, dtype="f4")
        group["wavelength"].attrs["units"] = "nm"
    return path


def write_tanager(path: Path, cube: np.ndarray, nm: np.ndarray, good: np.ndarray, ortho: bool = True) -> Path:
    """Tanager: the bands first; ortho lies on a grid of 30 m in UTM 13 N, whose outer corner is 500000, 4000000."""
    rows, cols, bands = cube.shape
    folder = f"HDFEOS/{'GRIDS' if ortho else 'SWATHS'}/HYP"
    data = cube.copy()
    data[0, 0] = FILL
    with h5py.File(path, "w") as file:
        fields = file.create_group(f"{folder}/Data Fields")
        fields["surface_reflectance"] = data.transpose(2, 0, 1)
        fields["surface_reflectance"].attrs.update(
            wavelengths=nm, fwhm=np.full(bands, 5.5), good_wavelengths=good, _FillValue=FILL
        )
        fields["surface_reflectance_uncertainty"] = np.full((bands, rows, cols), 0.01, dtype="f4")
        fields["nodata_pixels"] = (data[:, :, 0] == FILL).astype("u1")
        cloud = np.zeros((rows, cols), dtype="u1")
        cloud[1, 1] = 1
        fields["beta_cloud_mask"], fields["beta_cirrus_mask"] = cloud, np.roll(cloud, 1)
        if ortho:
            file[folder].attrs["epsg_code"] = 32613
            file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(
                f'GROUP=GridStructure\n\tGROUP=GRID_1\n\t\tGridName="HYP"\n\t\tXDim={cols}\n\t\tYDim={rows}\n'
                "\t\tUpperLeftPointMtrs=(500000.000000,4000000.000000)\n"
                f"\t\tLowerRightMtrs=({500000 + 30 * cols}.000000,{4000000 - 30 * rows}.000000)\n"
                "\t\tProjection=HE5_GCTP_UTM\n\t\tZoneCode=13\n\tEND_GROUP=GRID_1\nEND_GROUP=GridStructure\nEND\n"
            )
        else:
            for name, values in zip(("Latitude", "Longitude"), positions(rows, cols, 30), strict=True):
                file[f"{folder}/Geolocation Fields/{name}"] = values
    return path


def write_pace(path: Path, cube: np.ndarray, nm: np.ndarray) -> Path:
    """PACE OCI L2: int16 that CF's scale and offset make reflectance."""
    data = np.round((cube - 0.05) / 2e-5).astype("i2")
    data[0, 0] = -32767
    with h5py.File(path, "w") as file:
        file["geophysical_data/rhos"] = data
        file["geophysical_data/rhos"].attrs.update(
            scale_factor=np.float32([2e-5]), add_offset=np.float32([0.05]), _FillValue=np.int16([-32767])
        )
        file.attrs["time_coverage_start"] = "2024-06-01T12:00:00.000Z"
        flags = np.zeros(cube.shape[:2], dtype="i4")
        flags[1, 1], flags[2, 2] = 512 | 2, 8
        file["geophysical_data/l2_flags"] = flags
        file["geophysical_data/l2_flags"].attrs.update(
            flag_masks=np.array([1, 2, 8, 512], dtype="i4"), flag_meanings="ATMFAIL LAND HIGLINT CLDICE"
        )
        file["sensor_band_parameters/wavelength_3d"] = nm.astype("f4")
        file["sensor_band_parameters/wavelength"] = np.linspace(314, 2258, 286, dtype="f4")
        for name, values in zip(("latitude", "longitude"), positions(*cube.shape[:2], 1200), strict=True):
            file[f"navigation_data/{name}"] = values.astype("f4")
    return path


def write_cf(
    path: Path, cube: np.ndarray, nm: np.ndarray, order: str = "yxb", *, packed: bool = True, coordinates: bool = True
) -> Path:
    """NetCDF-4 as CF has it: ``order`` of the axes, packed in int16, 20 m cells in UTM 32 N from 400000, 5600000."""
    rows, cols, bands = cube.shape
    axes = {"y": ("northing", rows), "x": ("easting", cols), "b": ("wavelength", bands)}
    values = {"y": 5600000 - 20 * (np.arange(rows) + 0.5), "x": 400000 + 20 * (np.arange(cols) + 0.5), "b": nm / 1000}
    names = {"y": "projection_y_coordinate", "x": "projection_x_coordinate", "b": "radiation_wavelength"}
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"] = "CF-1.8"
        stored = cube.transpose(["yxb".index(axis) for axis in order])
        numbers = np.round((stored - 0.1) / 1e-4).astype("i2") if packed else stored
        numbers[tuple(0 if axis != "b" else slice(None) for axis in order)] = -32000
        file["refl"] = numbers
        own = {"_FillValue": numbers.dtype.type(-32000), "grid_mapping": "crs", "standard_name": "surface_reflectance"}
        file["refl"].attrs.update(own | ({"scale_factor": 1e-4, "add_offset": 0.1} if packed else {}))
        for axis, (name, _) in axes.items():
            file[name] = values[axis] if coordinates or axis == "b" else np.zeros(len(values[axis]), "f4")
            empty = f"This is a netCDF dimension but not a netCDF variable. {len(values[axis]):9d}"
            file[name].make_scale(name if coordinates or axis == "b" else empty)
            file[name].attrs.update(standard_name=names[axis], units="um" if axis == "b" else "m")
            file["refl"].dims[order.index(axis)].attach_scale(file[name])
        file["crs"] = np.int32(0)
        file["crs"].attrs["crs_wkt"] = CRS.from_epsg(32632).to_wkt()
    return path
