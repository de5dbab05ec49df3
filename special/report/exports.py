"""The map in every form that people open: NumPy, PNG, GeoTIFF for QGIS and GDAL, ENVI classification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from special.errors import DamagedError
from special.report.colours import palette
from special.report.envi import NO_ENVI_COPY, write_envi
from special.report.geotiff import write_confidence, write_geotiff
from special.report.legend import Legend
from special.report.metrics import count_labels
from special.report.picture import draw_map
from special.report.stac import write_item
from special.scene import Georeference
from special.scene.source import Ground
from special.storage.rasters import Raster, Rows, blocks


def label_map(
    probabilities: Rows, valid: NDArray[np.bool_], reject: float
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.float32]]:
    """Return each pixel's most probable class and how probable that is.

    Args:
        probabilities: float32 (rows, cols, K).
        valid: bool (rows, cols).
        reject: classes less probable than this become 0.

    Returns:
        labels, uint8 (uint16 for more than 255 classes) (rows, cols), 1..K, 0 = no data or rejected; and confidence,
        float32 (rows, cols), 0 where there is no data.
    """
    kind = np.uint8 if probabilities.shape[-1] <= 255 else np.uint16
    labels, confidence = np.zeros(valid.shape, kind), np.zeros(valid.shape, np.float32)
    for rows in blocks(probabilities.shape):
        shares, here = probabilities[rows], valid[rows]
        confidence[rows] = np.where(here, shares.max(axis=-1), 0)
        kept = here & (confidence[rows] >= np.float32(reject))
        labels[rows] = np.where(kept, 1 + shares.argmax(axis=-1), 0)
    return labels, confidence


def write_map(
    folder: Path,
    probabilities: Rows,
    valid: NDArray[np.bool_],
    names: Sequence[str],
    georeference: Georeference | None,
    *,
    reject: float,
    colours: NDArray[np.uint8] | None = None,
    concepts: Sequence[str] = (),
    acquired: str | None = None,
    ground: Ground | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write a map; the same arguments give the same bytes.

    Args:
        folder: where the files go; it exists.
        probabilities: float32 (rows, cols, K), finite; 0 at invalid pixels; read by windows where they lie in a file.
        valid: bool (rows, cols).
        names: the K classes, in order.
        georeference: where the scene lies, or None.
        reject: pixels whose best class is less probable than this stay 0 in the map.
        colours: of the classes, uint8 (K, 3), sRGB; chosen by their names when None.
        concepts: what each class is understood as, for the attribute table; left blank where none are given.
        acquired: when the scene was taken, ISO 8601, for the STAC item.
        ground: for a scene in sensor geometry, a grid on the ground and which pixel each of its cells shows.
        say: is told what the user must not miss.

    Returns:
        What was written: ``map.npy`` (1..K, 0 = no data or rejected), ``confidence.npy``, ``probabilities.npy``,
        ``map.png`` with a legend, ``map.tif`` with colours and class names (``map.tif.aux.xml`` for GDAL, ``map.qml``
        for QGIS), ``confidence.tif``, ``map_envi.hdr`` and ``map_envi.img`` (ENVI classification), without these two
        where an ENVI header cannot hold the place, of which ``say`` is told. With ``ground`` also ``map_ground.tif``,
        with its companions, and ``confidence_ground.tif``; the pixel counts in them are those of the scene. Last
        ``map.stac.json``, a STAC item of all of them. The GeoTIFFs are cloud-optimised, with overviews.

    Raises:
        ValueError: the arrays do not fit each other.
        DamagedError: the probabilities hold NaN, so that no step can have made them.
    """
    if probabilities.shape != (*valid.shape, len(names)):
        raise ValueError(f"probabilities {probabilities.shape} for {valid.shape} pixels and {len(names)} classes")
    if not all(np.isfinite(probabilities[rows]).all() for rows in blocks(probabilities.shape)):
        raise DamagedError("the probabilities hold NaN or Inf: make them again")
    labels, confidence = label_map(probabilities, valid, reject)
    colours = palette(names, concepts=concepts) if colours is None else colours
    legend = Legend(tuple(names), colours, tuple(concepts) or ("",) * len(names))
    counts = count_labels(labels, len(names))
    written = [folder / f"{name}.npy" for name in ("map", "confidence", "probabilities")]
    np.save(written[0], labels, allow_pickle=False)
    np.save(written[1], confidence, allow_pickle=False)
    stored = Raster.create(written[2], probabilities.shape)
    for rows in blocks(probabilities.shape):
        stored[rows] = probabilities[rows]
    written.append(draw_map(folder / "map.png", labels, names, colours))
    written += write_geotiff(folder / "map.tif", labels, legend, georeference, counts)
    written.append(write_confidence(folder / "confidence.tif", confidence, valid, georeference))
    copy = write_envi(folder / "map_envi.hdr", labels, names, colours, georeference)
    if not copy:
        say(NO_ENVI_COPY)
    written += copy
    place, shape = georeference, valid.shape
    if ground is not None:
        written += _write_on_ground(folder, labels, confidence, valid, legend, counts, ground)
        place, shape = ground.georeference, ground.shape
    written.append(write_item(folder / "map.stac.json", written, legend, labels, place, shape, acquired))
    return written


def _write_on_ground(
    folder: Path,
    labels: NDArray[np.uint8] | NDArray[np.uint16],
    confidence: NDArray[np.float32],
    valid: NDArray[np.bool_],
    legend: Legend,
    counts: NDArray[np.int64],
    ground: Ground,
) -> list[Path]:
    """Write the map and its confidence (rows, cols) on the grid on the ground; nothing is counted twice."""
    pixels, place = ground.pixels(), ground.georeference
    there = pixels >= 0
    shown = np.where(there, pixels, 0)
    laid = np.where(there, labels.ravel()[shown], 0).astype(labels.dtype)
    written = write_geotiff(folder / "map_ground.tif", laid, legend, place, counts)
    seen = there & valid.ravel()[shown]
    return [*written, write_confidence(folder / "confidence_ground.tif", confidence.ravel()[shown], seen, place)]
