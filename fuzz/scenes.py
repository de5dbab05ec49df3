"""Scenes in every format that a reader claims, small; and what is given beside them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import folder_products
import h5py
import numpy as np
import products
import raster_products
import scipy.io
import small_scene
from binaries import of_hdf5
from kind import Kind, Mend
from texts import Mutator, of_bytes

Make = Callable[[Path], object]
BANDS = 8
NM = np.linspace(450.0, 950.0, BANDS)
GOOD = np.ones(BANDS)
SPAN = ("--wavelengths", "450:950")


def _commands(scene: str, *more: str) -> tuple[tuple[str, ...], ...]:
    label = (
        "label",
        scene,
        "--classes",
        "classes.txt",
        "--clip",
        "none",
        "--out",
        "out",
        "--until",
        "rgb",
        "-q",
        *more,
    )
    return (("info", scene, *more), ("info", scene, "--full", "--json", *more), label)


def _scene(
    name: str,
    make: Make,
    scene: str,
    *more: str,
    files: Sequence[str] = (),
    mutators: Mapping[str, Mutator] | None = None,
    mend: Mend | None = None,
) -> Kind:
    def write(folder: Path) -> None:
        make(folder)
        (folder / "classes.txt").write_text("Water\nGrass\nBare soil\n")

    return Kind(name, write, _commands(scene, *more), files or (f"{scene}*",), mutators or {}, mend)


def _cube(bands: int = BANDS) -> np.ndarray:
    return products.reflectance(6, 5, bands)


def _envi(folder: Path) -> None:
    (folder / "scene.img").write_bytes(np.round(_cube() * 10000).astype("<i2").transpose(2, 0, 1).tobytes())
    (folder / "scene.hdr").write_text(
        "ENVI\ndescription = {a scene}\nsamples = 5\nlines = 6\nbands = 8\nheader offset = 0\n"
        "file type = ENVI Standard\ndata type = 2\ninterleave = bsq\nbyte order = 0\n"
        "reflectance scale factor = 10000\ndata ignore value = -9999\n"
        "map info = {UTM, 1, 1, 400000, 5600000, 30, 30, 32, North, WGS-84, units=Meters}\ndefault bands = {3, 2, 1}\n"
        f"wavelength units = Nanometers\nwavelength = {{{', '.join(map(str, NM))}}}\n"
        f"fwhm = {{{', '.join(['10'] * 8)}}}\n"
        f"bbl = {{{', '.join(['1'] * 8)}}}\ndata gain values = {{{', '.join(['1.0'] * 8)}}}\n"
        "band names = {a, b, c, d, e, f, g, h}\nacquisition time = 2020-07-15T10:21:00Z\n"
    )


def _mat(folder: Path) -> None:
    scipy.io.savemat(folder / "scene.mat", {"cube": _cube(), "wavelength": NM}, do_compression=True)


def _mat_v73(folder: Path) -> None:
    with h5py.File(folder / "scene.mat", "w", userblock_size=512) as file:
        file["cube"] = _cube().T
        file["cube"].attrs["MATLAB_class"] = np.bytes_("single")
        file["wavelength"] = NM[:, None]
    with (folder / "scene.mat").open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")


def _tif(folder: Path) -> None:
    raster_products.write_tif(folder / "scene.tif", np.round(_cube() * 10000).astype("i2"), nodata=-9999)
    (folder / "scene.tif.aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='wavelength'>" + ",".join(map(str, NM)) + "</MDI></Metadata></PAMDataset>"
    )


def _npy(folder: Path) -> None:
    np.save(folder / "scene.npy", _cube())


def _netcdf3(folder: Path) -> None:
    with scipy.io.netcdf_file(folder / "scene.nc3", "w") as file:
        for name, values in (("lat", 50 - 0.01 * np.arange(6)), ("lon", 0.01 * np.arange(5)), ("wavelength", NM)):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        variable = file.createVariable("rhos", "i2", ("lat", "lon", "wavelength"))
        variable[:] = np.round(_cube() / 1e-4)
        variable.scale_factor, variable._FillValue = 1e-4, np.int16(-32000)


def _zarr(folder: Path) -> None:
    arrays = {"r": (_cube(), ["y", "x", "band"], {}), "wavelength": (NM, ["band"], {"units": "nm"})}
    folder_products.write_zarr(folder / "scene.zarr", arrays)


def _enmap(folder: Path) -> None:
    mask = np.zeros((6, 5))
    raster_products.write_enmap(folder / "scene", cloud=mask, classes=mask)


def _dimap(folder: Path) -> None:
    folder_products.write_dimap(folder / "scene", _cube(), NM)


def _enmap_swath(folder: Path) -> None:
    raster_products.write_enmap_l1b(folder / "scene", 60 * _cube(), -1, 1)


def _desis(folder: Path) -> None:
    folder_products.write_desis(folder / "scene", _cube(), NM)


def _hyperion(folder: Path) -> None:
    folder_products.write_hyperion(folder / "scene", _cube() * 100, list(range(20, 28)))


def _ahsi(folder: Path) -> None:
    folder_products.write_ahsi(folder / "scene", _cube() * 100, NM, 4)


def _hisui(folder: Path) -> None:
    folder_products.write_hisui(folder / "scene", _cube(185) * 100)


def _npz(folder: Path) -> None:
    np.savez(folder / "scene.npz", cube=_cube())


def _together(folder: Path) -> None:
    """Two scenes that are read as one, the second with a gain and an offset."""
    scenes = []
    for name, gain in (("a", 1.0), ("b", 1.1)):
        np.save(folder / f"{name}.npy", _cube())
        same = {"bands": list(range(BANDS)), "gain": [gain] * BANDS, "offset": [0.0] * BANDS}
        scenes.append({"name": name, "path": f"{name}.npy", "how": {"wavelengths": NM.tolist()}, **same})
    (folder / "together.json").write_text(json.dumps({"special": "scenes together", "scenes": scenes}, indent=2) + "\n")


def _still_together(rng: np.random.Generator, folder: Path) -> None:
    """The reader knows the list by how it begins."""
    path = folder / "together.json"
    with contextlib.suppress(OSError, ValueError, RecursionError):
        document = json.loads(path.read_bytes())
        if isinstance(document, dict) and next(iter(document), "") == "special":
            path.write_text(json.dumps(document, indent=2) + "\n")


def _archive(suffix: str, write: Make) -> Make:
    def make(folder: Path) -> None:
        (folder / "inside").mkdir()
        write(folder / "inside")
        held = folder / "inside" / "scene" if (folder / "inside" / "scene").is_dir() else folder / "inside"
        raster_products.pack(held, folder / f"scene{suffix}")
        shutil.rmtree(folder / "inside")

    return make


def _vrt(folder: Path) -> None:
    raster_products.write_tif(folder / "data.tif", np.round(_cube() * 10000).astype("i2"))
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{n}"><Metadata><MDI key="wavelength">{nm}</MDI></Metadata>'
        f'<SimpleSource><SourceFilename relativeToVRT="1">data.tif</SourceFilename><SourceBand>{n}</SourceBand>'
        '<SrcRect xOff="0" yOff="0" xSize="5" ySize="6"/><DstRect xOff="0" yOff="0" xSize="5" ySize="6"/>'
        "</SimpleSource></VRTRasterBand>"
        for n, nm in enumerate(NM, 1)
    )
    place = "<SRS>EPSG:32633</SRS><GeoTransform>366015,30,0,5809965,0,-30</GeoTransform>"
    (folder / "scene.vrt").write_text(f'<VRTDataset rasterXSize="5" rasterYSize="6">{place}{bands}</VRTDataset>')


def _esri(folder: Path) -> None:
    (folder / "scene.bil").write_bytes(np.round(_cube() * 10000).astype("<i2").transpose(0, 2, 1).tobytes())
    (folder / "scene.hdr").write_text(
        "BYTEORDER I\nLAYOUT BIL\nNROWS 6\nNCOLS 5\nNBANDS 8\nNBITS 16\nPIXELTYPE SIGNEDINT\nBANDROWBYTES 10\n"
        "TOTALROWBYTES 80\nULXMAP 400000\nULYMAP 5600000\nXDIM 30\nYDIM 30\nNODATA -9999\n"
    )


def _references(folder: Path) -> None:
    _envi(folder)
    for name in ("WHITEREF_scene", "DARKREF_scene"):
        (folder / f"{name}.hdr").write_text((folder / "scene.hdr").read_text().replace("lines = 6", "lines = 1"))
        (folder / f"{name}.img").write_bytes((folder / "scene.img").read_bytes()[:80])


def _wavelengths(folder: Path) -> None:
    np.save(folder / "scene.npy", _cube())
    lines = "".join(f"{number},{nm},10,1\n" for number, nm in enumerate(NM, 1))
    (folder / "wavelengths.csv").write_text(f"band,wavelength (nm),fwhm,good\n{lines}")


def _small(folder: Path) -> None:
    small_scene.write(folder, "scene")


def _vnir_swir(level: str) -> Make:
    return lambda folder: products.write_prisma(folder / "scene.he5", _cube(), NM[:5], NM[5:] + 500, level)


WHOLE = ("scene/*",)
SCENES = (
    _scene("envi", _envi, "scene.hdr", files=("scene.hdr", "scene.img")),
    _scene("mat", _mat, "scene.mat", *SPAN),
    _scene("mat-v7.3", _mat_v73, "scene.mat", *SPAN, mutators={"*": of_hdf5}),
    _scene("geotiff", _tif, "scene.tif", *SPAN),
    _scene("npy", _npy, "scene.npy", *SPAN),
    _scene("netcdf-3", _netcdf3, "scene.nc3"),
    _scene("zarr", _zarr, "scene.zarr", files=("scene.zarr/*",)),
    _scene("vrt", _vrt, "scene.vrt", files=("scene.vrt", "data.tif")),
    _scene("esri", _esri, "scene.bil", *SPAN, files=("scene.*",)),
    _scene("emit", lambda folder: products.write_emit(folder / "scene.nc", _cube(), NM, GOOD), "scene.nc"),
    _scene("prisma", _vnir_swir("L2D"), "scene.he5"),
    _scene("prisma-swath", _vnir_swir("L1"), "scene.he5"),
    _scene("neon", lambda folder: products.write_neon(folder / "scene.h5", _cube(), NM), "scene.h5"),
    _scene("aviris", lambda folder: products.write_aviris(folder / "scene.nc", _cube(), NM), "scene.nc"),
    _scene("tanager", lambda folder: products.write_tanager(folder / "scene.h5", _cube(), NM, GOOD), "scene.h5"),
    _scene("pace", lambda folder: products.write_pace(folder / "scene.nc", _cube(), NM), "scene.nc"),
    _scene("netcdf-4", lambda folder: products.write_cf(folder / "scene.nc", _cube(), NM), "scene.nc"),
    _scene("enmap", _enmap, "scene", files=WHOLE),
    _scene("enmap-swath", _enmap_swath, "scene", files=WHOLE),
    _scene("desis", _desis, "scene", files=WHOLE),
    _scene("hyperion", _hyperion, "scene", files=WHOLE),
    _scene("ahsi", _ahsi, "scene", files=WHOLE),
    _scene("hisui", _hisui, "scene", files=WHOLE),
    _scene("dimap", _dimap, "scene/scene.dim", files=WHOLE),
    _scene("zip", _archive(".zip", _envi), "scene.zip"),
    _scene("tar", _archive(".tar.gz", _envi), "scene.tar.gz"),
    _scene("npz", _npz, "scene.npz", *SPAN),
    _scene("enmap-zip", _archive(".zip", _enmap), "scene.zip"),
    _scene("enmap-tar", _archive(".tar.gz", _enmap), "scene.tar.gz"),
    _scene("desis-zip", _archive(".zip", _desis), "scene.zip"),
    _scene("hyperion-tar", _archive(".tar.gz", _hyperion), "scene.tar.gz"),
    _scene("ahsi-zip", _archive(".zip", _ahsi), "scene.zip"),
    _scene("together", _together, "together.json", files=("*.json", "?.npy"), mend=_still_together),
    _scene("references", _references, "scene.hdr", files=("*REF_*",)),
    _scene("wavelengths", _wavelengths, "scene.npy", "--wavelengths", "wavelengths.csv", files=("wavelengths.csv",)),
    _scene("no-format", _small, "scene.npy", *SPAN, mutators={"*": lambda rng, data: of_bytes(rng, data[:4096])}),
)
