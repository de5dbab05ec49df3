"""GeoTIFF: wavelengths from tags in the usual forms, nodata, scales and offsets, georeference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from special.errors import SceneError
from special.scene.nanometres import lengths_in
from special.scene.readers.attribute_table import named_in_table
from special.scene.readers.base import Reader, ReadOptions
from special.scene.readers.joined import JoinedBlockReader
from special.scene.readers.raster import quiet_open, raster_source
from special.scene.readers.sidecar import named_beside, with_sidecar
from special.scene.source import Source

TIFF = tuple((0, magic) for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
"""The bytes that TIFF and BigTIFF start with, little and big endian."""


class GeotiffReader(Reader):
    """Reads GeoTIFF, and TIFF without a place on the map."""

    name = "geotiff"
    reads = "GeoTIFF"
    understands = (
        "wavelengths from tags, names of bands, a STAC item or an ENVI header beside it; nodata, masks, "
        "place; pages as bands"
    )
    signatures = TIFF

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the bands in order, without an alpha band.

        Raises:
            SceneError: damaged, or of complex numbers.
        """
        from rasterio.errors import RasterioError

        try:
            with quiet_open(str(path)) as dataset:
                if dataset.count == 1 and len(dataset.subdatasets) > 1:
                    return with_sidecar(_pages(path, dataset), path)
                return with_sidecar(raster_source(dataset, path, "GeoTIFF", (path,)), path)
        except RasterioError as error:
            raise SceneError(f"{path} cannot be read as GeoTIFF ({error}): it may be damaged") from None

    def class_names(self, path: Path) -> Mapping[int, str]:
        """Return the names in ``.aux.xml``, else in ``.vat.dbf``, else in tags ``class_1``, ``class_2``..."""
        return named_beside(path) or named_in_table(path) or self._tagged(path)

    def class_colours(self, path: Path) -> Mapping[int, str]:
        """Return the colour table, without what is transparent."""
        from rasterio.errors import RasterioError

        try:
            with quiet_open(str(path)) as dataset:
                table = dataset.colormap(1)
        except (RasterioError, ValueError):
            return {}
        return {number: f"#{r:02x}{g:02x}{b:02x}" for number, (r, g, b, alpha) in table.items() if alpha}

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


def _pages(path: Path, dataset: Any) -> Source:
    """The pages of a file as the bands of one cube; those of another size than the first, as thumbnails are, are left.

    Raises:
        SceneError: the pages have several bands each.
    """
    pages: list[Source] = []
    texts: list[str | None] = []
    others = 0
    for name in dataset.subdatasets:
        with quiet_open(name) as page:
            if page.count > 1:
                raise SceneError(f"{path} has pages of {page.count} bands: save it as one image of all bands")
            if (page.height, page.width, page.dtypes[0]) != (dataset.height, dataset.width, dataset.dtypes[0]):
                others += 1
                continue
            pages.append(raster_source(page, path, "TIFF", (path,)))
            texts.append(page.descriptions[0] or page.tags().get("TIFFTAG_IMAGEDESCRIPTION"))
    left = (f"{others} pages of another size were left out",) if others else ()
    return replace(
        raster_source(dataset, path, "TIFF", (path,)),
        shape=(dataset.height, dataset.width, len(pages)),
        read_block=JoinedBlockReader(tuple((page.read_block, 1) for page in pages)),
        wavelengths=lengths_in(texts),
        notes=(f"its {len(pages)} pages were taken for the bands, in their order", *left),
    )
