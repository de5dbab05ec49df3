"""AHSI of GF-5, GF-5B and ZY-1 (China): a GeoTIFF for each detector, and text files with what their numbers mean.

Layout, from readers that are public: ``NAME_VN`` and ``NAME_SW`` end in ``.geotiff``, ``.tif`` or ``.tiff`` and carry
RPCs; ``*RadCal*`` has gain and offset of every band of a detector, one line a band, and ``*Spectralresponse*`` its
centre and width in nm. Their names have VNIR or SWIR before or after that word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.readers.detectors import ground_by_rpc, join
from special.scene.readers.geotiff import TIFF
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.readers.product_files import ARCHIVES, ProductFiles, first_name, product_files
from special.scene.readers.raster import raster_source
from special.scene.source import Source

_IMAGE = re.compile(r"(.*\b(GF5|GF5A|GF5B|ZY1\w?)_AHSI_[^/]*)_(VN|SW)\.(?:geotiff|tiff?)", re.IGNORECASE)
_SATELLITES = {"GF5": "GF-5", "GF5A": "GF-5A", "GF5B": "GF-5B"}
_DETECTORS = ("VN", "SW")
_MOST_TEXT = 1 << 20
_FILL = 0.0


@dataclass(frozen=True)
class _Detector:
    """An image and what its bands are: centres and widths (nm), gains and offsets, all (bands,); its RPC or None."""

    source: Source
    bands: np.ndarray
    rpc: Any
    files: tuple[str, ...]


class AhsiReader(Reader):
    """Reads AHSI L1, named by one of its images, its folder or its archive."""

    name = "ahsi"
    reads = "GF-5 and ZY-1 AHSI (folder, archive or image)"
    understands = "both detectors laid on one another, wavelengths and gains from the text files beside them"
    precedence = PRODUCT
    signatures = (*TIFF, *ARCHIVES)
    folders = True

    def holds(self, path: Path, head: bytes) -> bool:
        """By the names that its files have."""
        if path.is_dir():
            return any(_IMAGE.fullmatch(item.name) for item in path.iterdir())
        return bool(_IMAGE.fullmatch(path.name)) or "_AHSI_" in first_name(path, head).upper()

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube of radiance: both detectors, or the one that is there.

        Raises:
            SceneError: a part of the product is missing or damaged, or its detectors differ in size.
        """
        named = None if path.is_dir() else _IMAGE.fullmatch(path.name)
        files = product_files(path.parent if named else path)
        found = [match for name in files.names if (match := _IMAGE.fullmatch(name))]
        starts = {match[1] for match in found if named is None or match[1] == named[1]}
        if len(starts) != 1:
            raise SceneError(f"{path} holds {len(starts) or 'no'} AHSI scenes: name an image of one")
        (start,) = starts
        images = {match[3].upper(): match[0] for match in found if match[1] == start}
        parts = [_detector(files, path, images[one], one) for one in _DETECTORS if one in images]
        source = parts[0].source
        notes = source.notes
        if len(parts) == 2:
            rpcs = None if any(part.rpc is None for part in parts) else (parts[0].rpc, parts[1].rpc)
            source = join(source, parts[1].source, rpcs, _FILL, str(path))
        elif parts[0].rpc is not None and source.georeference is None:
            ground, said = ground_by_rpc(parts[0].rpc, source.shape[:2])
            source = replace(source, ground=ground, notes=(*notes, said))
        missing = next((one for one in _DETECTORS if one not in images), None)
        alone = (f"the image of its other detector, {missing}, is not there",) if missing else ()
        nm, fwhm, gains, offsets = np.concatenate([part.bands for part in parts]).T
        about, acquired = _about(files, start)
        return replace(
            source,
            files=files.parts([*about, *(name for part in parts for name in part.files)]),
            wavelengths=nm,
            fwhm=fwhm,
            nodata=_FILL,
            gains=gains,
            offsets=offsets,
            sensor=f"{_SATELLITES.get(found[0][2].upper(), 'ZY-1')} AHSI",
            level="L1",
            acquired=acquired,
            warnings=(*source.warnings, *alone),
        )


AHSI = AhsiReader()


def _detector(files: ProductFiles, path: Path, image: str, detector: str) -> _Detector:
    """Describe one of the two images.

    Raises:
        SceneError: a file of it is missing or damaged, or is for another number of bands.
    """
    with files.opened(image) as dataset:
        source, rpc = raster_source(dataset, path, "AHSI L1", ()), dataset.rpcs
    names, tables = [image], []
    for word, default in (("Spectralresponse", None), ("RadCal", 0.0)):
        pattern = re.compile(rf".*AHSI_(?:{detector}IR_{word}|{word}_{detector}IR)\.(?:raw|txt)", re.IGNORECASE)
        name = next((name for name in files.names if pattern.fullmatch(name)), None)
        if name is None:
            raise SceneError(f"{path} lacks *AHSI_{detector}IR_{word}.raw, which says what its bands are: fetch it too")
        names.append(name)
        tables.append(_table(files, name, source.shape[2], default))
    return _Detector(source, np.concatenate(tables, axis=1), rpc, tuple(names))


def _table(files: ProductFiles, name: str, bands: int, default: float | None) -> np.ndarray:
    """Two numbers of every band (bands, 2); ``default`` is the second one where there is none.

    One line stands for all bands.

    Raises:
        SceneError: it holds something else.
    """
    lines = files.read(name, _MOST_TEXT).decode("utf-8-sig", errors="replace").splitlines()
    try:
        rows = [[float(word) for word in re.split(r"[\s,;]+", line.strip()) if word] for line in lines if line.strip()]
    except ValueError:
        raise SceneError(f"{files.path / name} holds something that is no number: fetch it again") from None
    rows = [row if len(row) > 1 or default is None else [*row, default] for row in rows]
    if len(rows) == 1:
        rows = rows * bands
    if len(rows) != bands or any(len(row) < 2 for row in rows):
        raise SceneError(f"{files.path / name} describes {len(rows)} bands but the image has {bands}: fetch it again")
    return np.array([row[:2] for row in rows])


def _about(files: ProductFiles, start: str) -> tuple[list[str], str | None]:
    """The metadata, as a list of no or one name, and when the scene was taken, as they say."""
    name = f"{start}.xml"
    if name not in files.names:
        return [], None
    root = parse_xml(files.read(name, MOST_BYTES), str(files.path / name))
    return [name], (root.findtext(".//StartTime") or "").strip() or None
