"""GeoTIFF: wavelengths from tags in the usual forms, nodata, scales and offsets, georeference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from special.errors import SceneError
from special.scene.readers.base import Reader, ReadOptions
from special.scene.readers.raster import quiet_open, raster_source
from special.scene.readers.sidecar import named_beside, with_sidecar
from special.scene.source import Source

TIFF = tuple((0, magic) for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
"""The bytes that TIFF and BigTIFF start with, little and big endian."""


class GeotiffReader(Reader):
    """Reads GeoTIFF, and TIFF without a place on the map."""

    name = "geotiff"
    reads = "GeoTIFF"
    signatures = TIFF

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the bands in order, without an alpha band.

        Raises:
            SceneError: damaged, or of complex numbers.
        """
        from rasterio.errors import RasterioError

        try:
            with quiet_open(str(path)) as dataset:
                return with_sidecar(raster_source(dataset, path, "GeoTIFF", (path,)), path)
        except RasterioError as error:
            raise SceneError(f"{path} cannot be read as GeoTIFF ({error}): it may be damaged") from None

    def class_names(self, path: Path) -> Mapping[int, str]:
        """Return category names or the attribute table in ``.aux.xml``, else tags ``class_1``, ``class_2``..."""
        return named_beside(path) or self._tagged(path)

    @staticmethod
    def _tagged(path: Path) -> Mapping[int, str]:
        from rasterio.errors import RasterioError

        try:
            with quiet_open(str(path)) as dataset:
                tags = dataset.tags(1)
        except RasterioError as error:
            raise SceneError(f"{path} cannot be read as GeoTIFF ({error}): it may be damaged") from None
        numbered = {name.removeprefix("class_"): text for name, text in tags.items() if name.startswith("class_")}
        return {int(number): text for number, text in numbered.items() if number.isdecimal()}


GEOTIFF = GeotiffReader()
