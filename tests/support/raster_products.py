"""Small products in the layouts of what GDAL reads: EnMAP, and GeoTIFFs with all that people put into them."""

from __future__ import annotations

import tarfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

ENMAP_NAME = "ENMAP01-____{level}-DT0000000001_20220724T104526Z_001_V010111_20220726T014503Z-"
ENMAP_NM = np.array([418.24, 550.0, 650.5, 860.1, 901.96, 1600.0, 2200.0, 2445.3])
ENMAP_GAINS = np.linspace(1e-6, 2e-6, 8)
ENMAP_OFFSETS = np.linspace(0.04, 0.05, 8)


def write_tif(path: Path, cube: np.ndarray, **profile: Any) -> Path:
    """Write (rows, cols, bands) as GeoTIFF, by default 30 m pixels of UTM 33 N."""
    rows, cols, bands = cube.shape
    place = {"crs": "EPSG:32633", "transform": from_origin(366015, 5809965, 30, 30)}
    kind = {"driver": "GTiff", "height": rows, "width": cols, "count": bands, "dtype": cube.dtype} | place | profile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **{name: value for name, value in kind.items() if value is not None}) as file:
            file.write(np.moveaxis(cube, 2, 0))
    return path


def enmap_cube(seed: int = 3) -> np.ndarray:
    """Raw numbers int16 (6, 5, 8)."""
    return np.random.default_rng(seed).integers(100, 6000, (6, 5, 8)).astype(np.int16)


def enmap_xml(level: str, *, expected: Sequence[int] | None = None) -> str:
    """The metadata of a product of 8 bands."""
    bands = []
    for number, (nm, gain, offset) in enumerate(zip(ENMAP_NM, ENMAP_GAINS, ENMAP_OFFSETS, strict=True), 1):
        if level == "L2A":
            gain, offset = 0.0001, 0
        bands.append(
            f'<bandID number="{number}"><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand>'
            f"<FWHMOfBand>7</FWHMOfBand><GainOfBand>{gain!r}</GainOfBand>"
            f"<OffsetOfBand>{offset!r}</OffsetOfBand></bandID>".replace("np.float64(", "").replace(")<", "<")
        )
    listed = list(range(1, 9)) if expected is None else list(expected)
    vnir = ",".join(str(n) for n in listed if n <= 4)
    swir = ",".join(str(n) for n in listed if n > 4)
    return (
        '<level_X xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><base>'
        f"<level>{level}</level><format>ENMAP_{level}</format></base><specific>"
        f"<vnirProductQuality><expectedChannelsList>{vnir}</expectedChannelsList></vnirProductQuality>"
        f"<swirProductQuality><expectedChannelsList>{swir}</expectedChannelsList></swirProductQuality>"
        f"<bandCharacterisation>{''.join(bands)}</bandCharacterisation></specific></level_X>"
    )


def write_enmap(
    folder: Path,
    level: str = "L2A",
    cube: np.ndarray | None = None,
    *,
    xml: str | bytes | None = None,
    cloud: np.ndarray | None = None,
    classes: np.ndarray | None = None,
    layers: Mapping[str, np.ndarray] | None = None,
    nodata: float | None = None,
) -> Path:
    """Write the files of a product into ``folder``, which is made, and return its metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    start = ENMAP_NAME.format(level=level)
    cube = enmap_cube() if cube is None else cube
    write_tif(folder / f"{start}SPECTRAL_IMAGE.TIF", cube, nodata=nodata)
    for name, mask in {"CLOUD": cloud, "CLASSES": classes, **(layers or {})}.items():
        if mask is not None:
            write_tif(folder / f"{start}QL_QUALITY_{name}.TIF", mask.astype(np.uint8)[:, :, None])
    metadata = folder / f"{start}METADATA.XML"
    text = enmap_xml(level) if xml is None else xml
    metadata.write_bytes(text if isinstance(text, bytes) else text.encode())
    return metadata


def rpc_xml(number: int, shape: tuple[int, int], down: int = 0, right: int = 0) -> str:
    """An RPC of a straight swath: 1e-4 degrees a pixel, the first at 48 N, 11 E; shifted by pixels."""
    rows, cols = shape
    fields = {"HEIGHT_OFF": 500, "HEIGHT_SCALE": 500, "LAT_OFF": 48 - 1e-4 * rows / 2, "LAT_SCALE": 1e-4 * rows / 2}
    fields |= {"LONG_OFF": 11 + 1e-4 * cols / 2, "LONG_SCALE": 1e-4 * cols / 2, "ROW_OFF": rows / 2 + down}
    fields |= {"ROW_SCALE": rows / 2, "COL_OFF": cols / 2 + right, "COL_SCALE": cols / 2}
    for name, at, value in (("ROW_NUM", 3, -1), ("ROW_DEN", 1, 1), ("COL_NUM", 2, 1), ("COL_DEN", 1, 1)):
        fields |= {f"{name}_{index:02d}": value if index == at else 0 for index in range(1, 21)}
    body = "".join(f"<{name}>{value!r}</{name}>" for name, value in fields.items())
    return f'<bandID number="{number}">{body}</bandID>'


ENMAP_L1B_NM = np.array([418.24, 550.0, 650.5, 985.2, 904.8, 1600.0, 2200.0, 2445.3])
"""Four bands of the VNIR, four of the SWIR: they overlap."""


def write_enmap_l1b(
    folder: Path,
    radiance: np.ndarray,
    down: int = -2,
    right: int = 1,
    *,
    nm: np.ndarray = ENMAP_L1B_NM,
    vnir: int = 4,
    rpcs: bool = True,
) -> Path:
    """EnMAP L1B of ``radiance`` (rows, cols, bands) as the VNIR sees the ground; the SWIR has it down and to the right.

    The first ``vnir`` of the wavelengths ``nm`` are the VNIR's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, shape = ENMAP_NAME.format(level="L1B"), radiance.shape[:2]
    gains = np.linspace(1e-6, 2e-6, len(nm))
    numbers = np.round(radiance / gains).astype(np.uint16)
    swir = np.zeros((*shape, len(nm) - vnir), dtype=np.uint16)
    to_rows, to_cols = (slice(max(0, by), size + min(0, by)) for by, size in zip((down, right), shape, strict=True))
    of_rows, of_cols = (slice(max(0, -by), size + min(0, -by)) for by, size in zip((down, right), shape, strict=True))
    swir[to_rows, to_cols] = numbers[of_rows, of_cols, vnir:]
    for name, cube in {"VNIR": numbers[:, :, :vnir], "SWIR": swir}.items():
        write_tif(folder / f"{start}SPECTRAL_IMAGE_{name}.TIF", cube, crs=None, transform=None)
    bands = "".join(
        f'<bandID number="{number}"><wavelengthCenterOfBand>{one}</wavelengthCenterOfBand><FWHMOfBand>7</FWHMOfBand>'
        f"<GainOfBand>{float(gain)!r}</GainOfBand><OffsetOfBand>0</OffsetOfBand></bandID>"
        for number, (one, gain) in enumerate(zip(nm, gains, strict=True), 1)
    )
    shifted = [(down, right) if index >= vnir else (0, 0) for index in range(len(nm))]
    listed = [rpc_xml(number, shape, *by) for number, by in enumerate(shifted, 1)] if rpcs else []
    metadata = folder / f"{start}METADATA.XML"
    metadata.write_text(
        f"<level_X><base><level>L1B</level></base><specific><numberOfVNIRBands>{vnir}</numberOfVNIRBands>"
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific>"
        f"<product><navigation><RPC>{''.join(listed)}</RPC></navigation></product></level_X>"
    )
    return metadata


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder into a ZIP or a tar.gz, by the suffix of ``archive``, as products are packed: in a folder."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in files:
                packed.write(path, f"{folder.name}/{path.name}")
    else:
        with tarfile.open(archive, "w:gz") as rolled:
            for path in files:
                rolled.add(path, f"{folder.name}/{path.name}")
    return archive
