"""EnMAP L1B, L1C and L2A: GeoTIFFs beside their METADATA.XML, in a folder, a ZIP or a tar.gz.

Layout: DLR, EnMAP HSI Level 1B/1C/2A product specification. Bands of L1C and L2A ascend in wavelength, whatever
detector they are from; those of L1B are in an image for each detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.enmap_l1b import joined
from special.scene.readers.geotiff import TIFF
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.readers.product_files import ARCHIVES, ProductFiles, first_name, is_zip, product_files
from special.scene.readers.raster import RasterBlockReader, RasterLayer, quiet_open, raster_source
from special.scene.readers.scratch import unpacked
from special.scene.source import QualityMask, Source

_METADATA = "METADATA.XML"
_IMAGES = ("SPECTRAL_IMAGE.TIF", "SPECTRAL_IMAGE_COG.TIF", "SPECTRAL_IMAGE_COG.TIFF", "SPECTRAL_IMAGE.TIFF")
_DETECTORS = tuple(
    tuple(f"SPECTRAL_IMAGE_{detector}{end}" for end in (".TIF", "_COG.TIF", "_COG.TIFF", ".TIFF"))
    for detector in ("VNIR", "SWIR")
)
_ROOT = b"<level_X"
# The layers of masks: what --mask calls each, the values in it that mask a pixel, and whether it is used by default.
_MASKS = {
    "QUALITY_CLASSES": ("nodata", (3,), True),
    "QUALITY_CLOUD": ("cloud", (1,), True),
    "QUALITY_CLOUDSHADOW": ("shadow", (1,), False),
    "QUALITY_CIRRUS": ("cirrus", (1, 2, 3), False),
    "QUALITY_HAZE": ("haze", (1,), False),
    "QUALITY_SNOW": ("snow", (1,), False),
}
_L2A_FILL, _L1_FILL = -32768.0, 0.0


@dataclass(frozen=True)
class _Product:
    """The files of one product in a folder or archive, by their names in it, and in what it was packed once more.

    ``images`` is one, or those of the two detectors.
    """

    files: ProductFiles
    metadata: str
    images: tuple[str, ...]
    delivered: Path | None = None


class EnmapReader(Reader):
    """Reads EnMAP products, named by the image, the metadata, the folder or the archive."""

    name = "enmap"
    reads = "EnMAP L1B, L1C and L2A (folder, archive, METADATA.XML or image)"
    understands = (
        "wavelengths, widths, gains and masks from the product; the detectors of L1B laid on one another; "
        "a delivery may be packed once more"
    )
    precedence = PRODUCT
    signatures = (*TIFF, (0, b"<"), (0, b"\xef\xbb\xbf<"), *ARCHIVES)
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By the metadata: the file itself, the one beside an image, the one in a folder; or an archive's names."""
        if path.is_dir():
            return any(_is_metadata(item) for item in path.iterdir() if item.name.upper().endswith(_METADATA))
        if (prefix := _prefix(path.name)) is not None:
            return any(_is_metadata(path.with_name(name)) for name in _spellings(prefix + _METADATA))
        if path.name.upper().endswith(_METADATA):
            return _ROOT in head
        name = first_name(path, head)
        if is_zip(head) and "enmap" not in f"{path.name} {name}".lower():
            return name.upper().endswith((_METADATA, *_IMAGES)) and "DESIS" not in name
        return bool(name) and ("enmap" in f"{path.name} {name}".lower() or name.startswith("dims_op_oc"))

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube of a product: L1B and L1C as radiance, L2A as reflectance.

        Raises:
            SceneError: it is no such product, or lacks a file.
        """
        product = _product(path)
        _refuse_empty(product)
        root = parse_xml(product.files.read(product.metadata, MOST_BYTES), _said(product, product.metadata))
        level = (root.findtext("base/level") or "").strip()
        if level not in ("L1B", "L1C", "L2A"):
            said = f"is of level {level}" if level else "names no level of EnMAP"
            raise SceneError(f"{_said(product, product.metadata)} {said}: give an EnMAP product of L1B, L1C or L2A")
        if (level == "L1B") != (len(product.images) == 2):
            raise SceneError(f"{path} has the metadata of {level} and an image of another level: fetch it again")
        source, *others = (_image(product, name, path, level) for name in product.images)
        for swir in others:
            source = joined(source, swir, root, _L1_FILL, _said(product, product.metadata))
        bands = _Bands.of(root, source.shape[2], _said(product, product.metadata))
        scale = _common_scale(bands) if level == "L2A" else None
        masks, used, warnings = _masks(product, source)
        fill = _L2A_FILL if level == "L2A" else _L1_FILL
        return replace(
            source,
            files=product.files.parts([*product.images, product.metadata, *used]),
            wavelengths=bands.wavelengths,
            fwhm=bands.fwhm if np.isfinite(bands.fwhm).all() else None,
            good_bands=bands.expected,
            nodata=fill if source.nodata is None else source.nodata,
            gains=None if scale else bands.gains,
            offsets=None if scale else bands.offsets,
            scale_factor=scale,
            masks=(*source.masks, *masks),
            sensor="EnMAP",
            level=level,
            acquired=root.findtext("base/temporalCoverage/startTime"),
            warnings=(*source.warnings, *warnings),
        )


ENMAP = EnmapReader()


@dataclass(frozen=True)
class _Bands:
    """What the metadata say of each band of an image, all (bands,): wavelengths and widths in nm, ``expected`` bool."""

    wavelengths: np.ndarray
    fwhm: np.ndarray
    gains: np.ndarray
    offsets: np.ndarray
    expected: np.ndarray

    @classmethod
    def of(cls, root: Any, count: int, name: str) -> _Bands:
        """Read them for an image of ``count`` bands; ``name`` is what messages call the metadata.

        Raises:
            SceneError: they are for another number of bands, or hold something that is no number.
        """
        entries = root.findall("specific/bandCharacterisation/bandID")
        lists = [
            root.findtext(f"specific/{detector}ProductQuality/expectedChannelsList") for detector in ("vnir", "swir")
        ]
        try:
            numbers = np.array([int(entry.get("number", "")) for entry in entries], dtype=np.int64)
            expected = {int(word) for text in lists for word in (text or "").split(",") if word.strip()}
            values = np.array(
                [
                    [
                        float(entry.findtext(field) or default)
                        for field, default in (
                            ("wavelengthCenterOfBand", "nan"),
                            ("FWHMOfBand", "nan"),
                            ("GainOfBand", "1"),
                            ("OffsetOfBand", "0"),
                        )
                    ]
                    for entry in entries
                ]
            ).reshape(-1, 4)
        except ValueError:
            raise SceneError(f"{name} describes a band by something that is no number: fetch it again") from None
        there = np.isin(numbers, list(expected)) if expected else np.ones(len(numbers), dtype=bool)
        if len(numbers) != count and there.sum() == count:  # the image has the expected channels only
            numbers, values, there = numbers[there], values[there], there[there]
        if len(numbers) != count:
            raise SceneError(
                f"{name} describes {len(numbers)} bands but the image has {count}: they do not belong together"
            )
        return cls(values[:, 0], values[:, 1], values[:, 2], values[:, 3], there)


def _common_scale(bands: _Bands) -> float | None:
    """Return what divides the numbers to give reflectance, where it is one for all bands."""
    gain = float(bands.gains[0])
    if gain <= 0 or np.any(bands.gains != gain) or np.any(bands.offsets != 0):
        return None
    scale = 1.0 / gain
    return float(round(scale)) if abs(scale - round(scale)) < 1e-6 * scale else scale


def _masks(product: _Product, source: Source) -> tuple[tuple[QualityMask, ...], list[str], list[str]]:
    """Return the masks that are there, the names of their files, and warnings."""
    from rasterio.errors import RasterioError

    prefix = product.metadata[: -len(_METADATA)]
    found, used, warnings = [], [], []
    for layer, (mask, values, by_default) in _MASKS.items():
        wanted = {f"{prefix}QL_{layer}{end}".upper() for end in (".TIF", ".TIFF", "_COG.TIF", "_COG.TIFF")}
        for name in (name for name in product.files.names if name.upper() in wanted):
            gdal_name = product.files.gdal_name(name)
            try:
                with quiet_open(gdal_name) as dataset:
                    fits = (dataset.height, dataset.width) == source.shape[:2]
            except RasterioError:
                fits = False
            if not fits:
                if by_default:
                    warnings.append(f"the mask QL_{layer} is damaged or of another size and was left out")
                continue
            reader = RasterLayer(RasterBlockReader(product.files.path / name, gdal_name), values, source.shape[1])
            found.append(QualityMask(mask, f"QL_{layer}", reader, by_default))
            used.append(name)
    return tuple(found), used, warnings


def _product(path: Path) -> _Product:
    """Find the metadata and the image of the product that a path names."""
    prefix = None
    if not path.is_dir():
        prefix = path.name[: -len(_METADATA)] if path.name.upper().endswith(_METADATA) else _prefix(path.name)
    files = product_files(path if prefix is None else path.parent)
    metadata = [name for name in files.names if name.upper().endswith(_METADATA)]
    if prefix is not None:
        metadata = [name for name in metadata if name[: -len(_METADATA)] == prefix]
    if not metadata:
        inner = [name for name in files.names if name.upper().endswith(".ZIP")]
        if len(inner) == 1 and not path.is_dir():  # a delivery, whose one product is packed once more
            return replace(_product(unpacked(path, inner[0]) / inner[0]), delivered=path)
        if inner:
            raise SceneError(
                f"{path} holds {len(inner)} packed products: unpack it and name one, {Path(inner[0]).name}"
            )
        raise SceneError(f"{path} holds no EnMAP product: its METADATA.XML is missing")
    if len(metadata) > 1:
        raise SceneError(f"{path} holds {len(metadata)} EnMAP products: name the METADATA.XML of one of them")
    start = metadata[0][: -len(_METADATA)]
    beside = [name for name in files.names if name.startswith(start)]
    if prefix is not None and path.name.upper().endswith(_IMAGES):
        images = [path.name]
    else:
        images = [name for name in beside if name[len(start) :].upper() in _IMAGES]
    detectors = [[name for name in beside if name[len(start) :].upper() in names] for names in _DETECTORS]
    if not images and any(detectors):
        for found, names in zip(detectors, _DETECTORS, strict=True):
            if not found:
                raise SceneError(f"{path} lacks one of its images, {Path(start + names[0]).name}: fetch it as well")
        images = [found[0] for found in detectors]
        return _Product(files, metadata[0], tuple(images))
    if not images:
        raise SceneError(f"{path} lacks the image of its product, {Path(start + _IMAGES[0]).name}: fetch it as well")
    return _Product(files, metadata[0], (images[0],))


def _refuse_empty(product: _Product) -> None:
    """Refuse a product with a file of no bytes, as deliveries that were cut short and stubs for tests have.

    Raises:
        SceneError: there is one.
    """
    for name in (product.metadata, *product.images):
        if product.files.sizes[name] == 0:
            raise SceneError(f"{_said(product, name)} is empty: fetch the product again")


def _image(product: _Product, name: str, path: Path, level: str) -> Source:
    from rasterio.errors import RasterioError

    try:
        with quiet_open(product.files.gdal_name(name)) as dataset:
            return raster_source(dataset, path, f"EnMAP {level}", ())
    except RasterioError as error:
        reason = str(error).partition("\n")[0]
        raise SceneError(f"{_said(product, name)} cannot be read ({reason}): fetch it again") from None


def _said(product: _Product, name: str) -> str:
    return f"{Path(name).name} in {product.delivered}" if product.delivered else str(product.files.path / name)


def _prefix(name: str) -> str | None:
    """Return the part of an image's name that it shares with its metadata, or None when it is no such image."""
    upper = name.upper()
    for end in (*_IMAGES, *(name for names in _DETECTORS for name in names)):
        if upper.endswith(end):
            return name[: -len(end)]
    return None


def _spellings(name: str) -> Sequence[str]:
    return (name, name[: -len(_METADATA)] + _METADATA.lower())


def _is_metadata(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _ROOT in stream.read(4096)
    except OSError:
        return False
