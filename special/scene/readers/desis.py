"""DESIS L1C and L2A (DLR, on the space station): a GeoTIFF beside its METADATA.xml, in a folder, a ZIP or a tar.gz.

Layout: DLR, DESIS product specification. L2A holds reflectance x 10000, L1C radiance by the gain of every band.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.masks import AnyOf
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.geotiff import TIFF
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.readers.product_files import ARCHIVES, ProductFiles, first_name, product_files
from special.scene.readers.raster import RasterBlockReader, RasterLayer, raster_source
from special.scene.source import QualityMask, Source

_PART = re.compile(
    r"(.*DESIS-HSI-L(?:1C|2A)-.*-)(SPECTRAL_IMAGE\.tif|METADATA\.xml|SPECTRAL_IMAGE\.hdr)", re.IGNORECASE
)
_QUALITY = "QL_QUALITY-2.tif"
# What --mask calls the bands of the quality layer of L2A, counted from 1, and whether they are used by default.
_MASKS = {"cloud": ((6, 7), True), "shadow": ((1,), False), "haze": ((4, 5), False), "snow": ((3,), False)}
_FILL = -32768.0


class DesisReader(Reader):
    """Reads DESIS products, named by the image, the metadata, the folder or the archive."""

    name = "desis"
    reads = "DESIS L1C and L2A (folder, archive, METADATA.xml or image)"
    understands = "wavelengths, gains and masks from the product"
    precedence = PRODUCT
    signatures = (*TIFF, (0, b"<"), (0, b"\xef\xbb\xbf<"), (0, b"ENVI"), *ARCHIVES)
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By the names that its files have, and the metadata beside an image."""
        if path.is_dir():
            return any(_PART.fullmatch(item.name) for item in path.iterdir())
        part = _PART.fullmatch(path.name)
        if part:
            return path.name.lower().endswith(".xml") or _beside(path, part[1] + "METADATA.xml") is not None
        return "DESIS-HSI-L" in first_name(path, head)

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube of a product: L1C as radiance, L2A as reflectance.

        Raises:
            SceneError: it is no such product, or lacks a file.
        """
        files, start = _product(path)
        names = {name.lower(): name for name in files.names}
        metadata, image = (names.get(f"{start}{end}".lower()) for end in ("METADATA.xml", "SPECTRAL_IMAGE.tif"))
        if metadata is None or image is None:
            lacks = "METADATA.xml" if metadata is None else "SPECTRAL_IMAGE.tif"
            raise SceneError(f"{path} lacks a part of its DESIS product, {Path(start).name}{lacks}: fetch it as well")
        root = parse_xml(files.read(metadata, MOST_BYTES), str(files.path / metadata))
        level = "L2A" if "-L2A-" in Path(start).name.upper() else "L1C"
        with files.opened(image) as dataset:
            source = raster_source(dataset, path, f"DESIS {level}", ())
        nm, fwhm, gains, offsets = _bands(root, source.shape[2], str(files.path / metadata))
        quality = names.get(f"{start}{_QUALITY}".lower())
        masks = () if quality is None else _masks(files, quality, source)
        whole = np.all(gains == gains[0]) and not offsets.any() and level == "L2A"
        return replace(
            source,
            files=files.parts([image, metadata, *([quality] if masks and quality else [])]),
            wavelengths=nm,
            fwhm=fwhm,
            nodata=_FILL if source.nodata is None else source.nodata,
            gains=None if whole else gains,
            offsets=None if whole else offsets,
            scale_factor=float(np.round(1 / gains[0], 6)) if whole else None,
            masks=masks,
            sensor="DESIS",
            level=level,
            acquired=root.findtext(".//startTime"),
        )


DESIS = DesisReader()


def _product(path: Path) -> tuple[ProductFiles, str]:
    """The files that a path names, and what the names of those of the product begin with.

    Raises:
        SceneError: there is none, or more than one.
    """
    part = None if path.is_dir() else _PART.fullmatch(path.name)
    files = product_files(path.parent if part else path)
    found = {match[1] for name in files.names if (match := _PART.fullmatch(name))}
    starts = [part[1]] if part else sorted(found)
    if len(starts) != 1:
        raise SceneError(f"{path} holds {len(starts) or 'no'} DESIS products: name the METADATA.xml of one")
    return files, starts[0]


def _bands(root: Any, count: int, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Wavelengths, widths (nm), gains and offsets, all (bands,).

    Raises:
        SceneError: they are for another number of bands, or something is no number.
    """
    fields = ("wavelengthCenterOfBand", "wavelengthWidthOfBand", "gainOfBand", "offsetOfBand")
    defaults = ("nan", "nan", "1", "0")
    entries = [band for band in root.iter("band") if band.findtext(fields[0])]
    try:
        values = np.array(
            [
                [float(band.findtext(field) or other) for field, other in zip(fields, defaults, strict=True)]
                for band in entries
            ]
        )
    except ValueError:
        raise SceneError(f"{name} describes a band by something that is no number: fetch it again") from None
    if len(values) != count:
        raise SceneError(f"{name} describes {len(values)} bands but the image has {count}: they do not belong together")
    return values[:, 0], values[:, 1], values[:, 2], values[:, 3]


def _masks(files: ProductFiles, name: str, source: Source) -> tuple[QualityMask, ...]:
    try:
        with files.opened(name) as dataset:
            fits = (dataset.height, dataset.width) == source.shape[:2] and dataset.count >= 8
    except SceneError:
        fits = False
    if not fits:
        return ()
    read = RasterBlockReader(files.path / name, files.gdal_name(name))
    masks = []
    for mask, (bands, by_default) in _MASKS.items():
        layers = tuple(RasterLayer(read, (1,), source.shape[1], band - 1) for band in bands)
        masks.append(QualityMask(mask, "QL_QUALITY-2", AnyOf(layers), by_default))
    return tuple(masks)


def _beside(path: Path, name: str) -> Path | None:
    return next((item for item in path.parent.iterdir() if item.name.lower() == name.lower()), None)
