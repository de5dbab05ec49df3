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
    for name in ("SPECTRAL_IMAGE_VNIR", "SPECTRAL_IMAGE_SWIR") if level == "L1B" else ("SPECTRAL_IMAGE",):
        write_tif(folder / f"{start}{name}.TIF", cube, nodata=nodata)
    for name, mask in {"CLOUD": cloud, "CLASSES": classes, **(layers or {})}.items():
        if mask is not None:
            write_tif(folder / f"{start}QL_QUALITY_{name}.TIF", mask.astype(np.uint8)[:, :, None])
    metadata = folder / f"{start}METADATA.XML"
    text = enmap_xml(level) if xml is None else xml
    metadata.write_bytes(text if isinstance(text, bytes) else text.encode())
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
