"""GeoTIFF: wavelengths from tags in the usual forms, nodata, scales and offsets, georeference."""

from __future__ import annotations

from pathlib import Path

from special.errors import SceneError
from special.scene.readers.base import Reader, ReadOptions
from special.scene.readers.raster import quiet_open, raster_source
from special.scene.readers.sidecar import with_sidecar
from special.scene.source import Source

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF and BigTIFF, little and big endian


class GeotiffReader(Reader):
    """Reads GeoTIFF, and TIFF without a place on the map."""

    name = "geotiff"
    reads = "GeoTIFF"
    signatures = tuple((0, magic) for magic in _MAGIC)

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


GEOTIFF = GeotiffReader()
