"""Maps of several scenes as one: blended by confidence where they overlap, a cloud-optimised GeoTIFF and a VRT."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from special.report.geotiff import write_confidence, write_geotiff
from special.report.legend import Legend
from special.scene.overlap import CommonGrid, Footprint

_CELLS = 1 << 20  # of a block of rows that is worked on at once


@dataclass(frozen=True)
class Part:
    """A scene of a mosaic.

    Attributes:
        footprint: where it lies.
        probabilities: float32 (rows, cols, K), an array or a map of one in a file.
        map: its map as a GeoTIFF, for the VRT.
    """

    footprint: Footprint
    probabilities: np.ndarray
    map: Path


def blended(parts: Sequence[Part], grid: CommonGrid, classes: int, reject: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the label map, 1..K and 0 = nothing, and its confidence, float32, both (rows, cols) of ``grid``.

    Where several scenes show a cell, their probabilities are averaged, each with the weight of its confidence: the
    probability of its best class. Cells less sure than ``reject`` stay 0.
    """
    labels = np.zeros(grid.shape, np.uint8 if classes < 256 else np.uint16)
    confidence = np.zeros(grid.shape, np.float32)
    cols = np.arange(grid.shape[1])
    step = max(1, _CELLS // grid.shape[1])
    for start in range(0, grid.shape[0], step):
        rows = np.arange(start, min(start + step, grid.shape[0]))
        total = np.zeros((len(rows) * len(cols), classes), np.float32)
        weights = np.zeros((len(rows) * len(cols), 1), np.float32)
        for part in parts:
            numbers = part.footprint.numbers(grid, rows, cols).ravel()
            seen = np.flatnonzero(numbers >= 0)
            if len(seen):
                shares = np.asarray(part.probabilities.reshape(-1, classes)[numbers[seen]])
                sure = shares.max(axis=1, keepdims=True)
                total[seen] += sure * shares
                weights[seen] += sure
        mean = total / np.maximum(weights, 1e-12)
        best = mean.max(axis=1)
        found = np.where((weights[:, 0] > 0) & (best >= reject), 1 + mean.argmax(axis=1), 0)
        labels[rows] = found.reshape(len(rows), -1)
        confidence[rows] = best.reshape(len(rows), -1)
    return labels, confidence


def write_mosaic(
    folder: Path,
    parts: Sequence[Part],
    grid: CommonGrid,
    legend: Legend,
    reject: float,
) -> list[Path]:
    """Write ``mosaic.tif`` with its companions and ``mosaic_confidence.tif``, both COG, and ``mosaic.vrt``.

    The VRT lays the scenes' own maps on the grid, later ones on top; it is left out where one of them would have to be
    warped for that, in another reference system or not north up.
    """
    labels, confidence = blended(parts, grid, len(legend), reject)
    written = []
    with tempfile.TemporaryDirectory(prefix=".mosaic.", dir=folder) as name:
        scratch = Path(name)
        made = write_geotiff(scratch / "mosaic.tif", labels, legend, grid.georeference)
        made.append(write_confidence(scratch / "mosaic_confidence.tif", confidence, confidence > 0, grid.georeference))
        for path in made:
            os.replace(path, folder / path.name)
            written.append(folder / path.name)
        tree = _virtual(folder, parts, grid, labels.dtype)
        target = folder / "mosaic.vrt"
        target.unlink(missing_ok=True)
        if tree is not None:
            ElementTree.indent(tree)
            ElementTree.ElementTree(tree).write(scratch / "mosaic.vrt", encoding="utf-8")
            os.replace(scratch / "mosaic.vrt", target)
            written.append(target)
    return written


def _virtual(folder: Path, parts: Sequence[Part], grid: CommonGrid, dtype: Any) -> ElementTree.Element | None:
    """The VRT, or None where a map would have to be warped."""
    place = grid.georeference
    assert place.transform is not None
    step, _, west, _, _, north = place.transform
    kind = "Byte" if np.dtype(dtype).itemsize == 1 else "UInt16"
    rows, cols = grid.shape
    root = ElementTree.Element("VRTDataset", rasterXSize=str(cols), rasterYSize=str(rows))
    if place.crs_wkt:
        ElementTree.SubElement(root, "SRS").text = place.crs_wkt
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, (west, step, 0.0, north, 0.0, -step)))
    band = ElementTree.SubElement(root, "VRTRasterBand", dataType=kind, band="1")
    ElementTree.SubElement(band, "NoDataValue").text = "0"
    for part in parts:
        own = part.footprint.transform
        if part.footprint.place.crs_wkt != place.crs_wkt or own.b or own.d or own.a <= 0 or own.e >= 0:
            return None
        source = ElementTree.SubElement(band, "ComplexSource", resampling="nearest")
        name = ElementTree.SubElement(source, "SourceFilename", relativeToVRT="1")
        name.text = part.map.relative_to(folder).as_posix()
        ElementTree.SubElement(source, "SourceBand").text = "1"
        high, wide = part.footprint.shape
        window = {"xOff": 0.0, "yOff": 0.0, "xSize": float(wide), "ySize": float(high)}
        ElementTree.SubElement(source, "SrcRect", {key: repr(value) for key, value in window.items()})
        at = {"xOff": (own.c - west) / step, "yOff": (north - own.f) / step}
        size = {"xSize": wide * own.a / step, "ySize": -high * own.e / step}
        ElementTree.SubElement(source, "DstRect", {key: repr(float(value)) for key, value in {**at, **size}.items()})
        ElementTree.SubElement(source, "NODATA").text = "0"
    return root
