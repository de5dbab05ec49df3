"""EO-1 Hyperion L1T (USGS): 242 GeoTIFFs of one band each, and ``*_MTL_L1T.TXT``, in a folder or an archive.

The values are radiance times a factor for each detector. Of the 242 bands, those outside 8-57 and 77-224 were never
calibrated (EO-1 User Guide 2.3).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.geotiff import TIFF
from special.scene.readers.joined import JoinedBlockReader
from special.scene.readers.product_files import ARCHIVES, ProductFiles, first_name, product_files
from special.scene.readers.raster import RasterBlockReader, quiet_open, raster_source
from special.scene.sensors import SENSORS
from special.scene.source import Source

_PART = re.compile(r"(.*EO1H\w*?)_(?:B(\d{3})|(MTL))_L1\w+\.(?:TIF|TXT)", re.IGNORECASE)
_BANDS, _VNIR = 242, 70
_CALIBRATED = ((8, 57), (77, 224))
_MOST_TEXT = 1 << 20
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\"?([^\"\r\n]*?)\"?\s*$", re.MULTILINE)


class HyperionReader(Reader):
    """Reads Hyperion L1T, named by its MTL file, any of its bands, its folder or its archive."""

    name = "hyperion"
    reads = "Hyperion L1T (folder, archive, MTL file or a band)"
    understands = "a TIF for each of 242 bands, scaled to radiance, those that were never calibrated left out"
    precedence = PRODUCT
    signatures = (*TIFF, (0, b"GROUP"), *ARCHIVES)
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By the names that its files have."""
        if path.is_dir():
            return any(_PART.fullmatch(item.name) for item in path.iterdir())
        return bool(_PART.fullmatch(path.name) or _PART.fullmatch(first_name(path, head)))

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the bands as one cube of radiance, W / (m2 sr um).

        Raises:
            SceneError: a part of the product is missing or damaged, or its bands differ in size.
        """
        from rasterio.errors import RasterioError

        part = None if path.is_dir() else _PART.fullmatch(path.name)
        files = product_files(path.parent if part else path)
        found = [match for name in files.names if (match := _PART.fullmatch(name))]
        starts = {match[1] for match in found if part is None or match[1] == part[1]}
        if len(starts) != 1:
            raise SceneError(f"{path} holds {len(starts) or 'no'} Hyperion scenes: name the MTL file of one")
        mine = [match for match in found if match[1] in starts]
        bands = {int(match[2]): match[0] for match in mine if match[2] and 1 <= int(match[2]) <= _BANDS}
        metadata = next((match[0] for match in mine if match[3]), None)
        if metadata is None or len(bands) < 2:
            raise SceneError(f"{path} lacks its {'MTL file' if metadata is None else 'bands'}: fetch the whole product")
        fields = dict(_FIELD.findall(files.read(metadata, _MOST_TEXT).decode("utf-8", errors="replace")))
        numbers = np.array(sorted(bands))
        try:
            sources = [self._band(files, path, bands[int(number)]) for number in numbers]
        except RasterioError as error:
            raise SceneError(f"{path} cannot be read ({error}): fetch it again") from None
        first = sources[0]
        if any((source.shape[:2], source.dtype) != (first.shape[:2], first.dtype) for source in sources):
            raise SceneError(f"the bands of {path} differ in size or type: they are not of one scene")
        centres = SENSORS["hyperion"].centres(_BANDS)
        assert centres is not None
        return replace(
            first,
            format="Hyperion L1T",
            shape=(*first.shape[:2], len(numbers)),
            read_block=JoinedBlockReader(tuple((source.read_block, 1) for source in sources)),
            files=files.parts([metadata, *(bands[int(number)] for number in numbers)]),
            wavelengths=centres[numbers - 1],
            good_bands=calibrated(numbers),
            good_bands_name="not calibrated",
            nodata=0.0,
            gains=1 / np.where(numbers <= _VNIR, _factor(fields, "VNIR", path), _factor(fields, "SWIR", path)),
            offsets=None,
            sensor="EO-1 Hyperion",
            level="L1T",
            acquired=fields.get("ACQUISITION_DATE"),
            notes=(*first.notes, "its wavelengths are the nominal ones of the sensor"),
        )

    @staticmethod
    def _band(files: ProductFiles, path: Path, name: str) -> Source:
        gdal_name = files.gdal_name(name)
        with quiet_open(gdal_name) as dataset:
            source = raster_source(dataset, path, "GeoTIFF", ())
        return replace(source, read_block=RasterBlockReader(files.path / name, gdal_name))


HYPERION = HyperionReader()


def calibrated(numbers: np.ndarray) -> np.ndarray:
    """Return bool (n,), whether bands, by their numbers int (n,) from 1 to 242, were ever calibrated."""
    return np.asarray(np.any([(numbers >= low) & (numbers <= high) for low, high in _CALIBRATED], axis=0))


def _factor(fields: dict[str, str], detector: str, path: Path) -> float:
    """What the radiance of a detector was multiplied by.

    Raises:
        SceneError: the metadata do not say.
    """
    try:
        value = float(fields[f"SCALING_FACTOR_{detector}"])
    except (KeyError, ValueError):
        value = 0.0
    if not value > 0:
        raise SceneError(f"the MTL file of {path} has no SCALING_FACTOR_{detector}: fetch it again")
    return value
