"""Small files laid out as the products of imaging spectrometers, with reflectance that is known."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

FILL = -9999.0


def reflectance(rows: int = 6, cols: int = 5, bands: int = 8) -> np.ndarray:
    """Reflectance (rows, cols, bands) in 0.05-0.65, float32; no two pixels and no two bands are alike."""
    return np.random.default_rng(11).uniform(0.05, 0.65, (rows, cols, bands)).astype(np.float32)


def write_emit(path: Path, cube: np.ndarray, nm: np.ndarray, good: np.ndarray, variable: str = "reflectance") -> Path:
    """EMIT L2A, or L1B with ``variable`` = "radiance"; bad bands hold -0.01, as the real ones do."""
    with h5py.File(path, "w") as file:
        file.attrs.update(instrument="EMIT", geotransform=[10.0, 5e-4, 0, 50.0, 0, -5e-4], spatial_ref="GEOGCS[...]")
        data = np.where(good == 1, cube, np.float32(-0.01)) if variable == "reflectance" else cube.copy()
        data[0, 0] = FILL
        file.create_dataset(variable, data=data, chunks=(2, *data.shape[1:]), compression="gzip")
        file[variable].attrs["_FillValue"] = np.array([FILL], dtype="f4")
        bands = file.create_group("sensor_band_parameters")
        bands["wavelengths"], bands["fwhm"] = nm.astype("f4"), np.full(len(nm), 8.5, dtype="f4")
        bands["wavelengths"].attrs["units"] = "nm"
        if variable == "reflectance":
            bands["good_wavelengths"] = good.astype("u1")
        for name in ("lat", "lon"):
            file[f"location/{name}"] = np.zeros(data.shape[:2])
        for name in ("glt_x", "glt_y"):
            file[f"location/{name}"] = np.ones((data.shape[0] + 3, data.shape[1] + 3), dtype="i4")
    return path
