"""Ground truth: a label image of the scene's size, 0 where nothing is known. Only ``evaluate`` reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import ReadOptions, recognise


def read_truth(
    path: str | Path, shape: tuple[int, int], *, key: str | None = None, reader: str | None = None
) -> np.ndarray:
    """Read a label image: int32 (rows, cols), 1..K in the order of the class list, 0 = unlabelled.

    Every format that has a reader is read; ``shape`` is the scene's (rows, cols). Of several images in a ``.mat`` file
    the one of that shape is taken, or the one that ``key`` names. ``reader`` names the reader to use, where the
    content of the file shall not decide. Nodata and NaN become 0.

    Raises:
        SceneError: the file cannot be understood, has another shape, or holds something other than labels.
        SettingsError: there is no such reader.
    """
    path = Path(path)
    labels, nodata = recognise(path, reader).labels(path, shape, ReadOptions(key))
    return _as_labels(labels, nodata, path)


def _as_labels(labels: np.ndarray, nodata: float | None, path: Path) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        raise SceneError(f"{path} holds {labels.dtype} values: the truth must be whole numbers, 0 for unlabelled")
    unknown = np.zeros(labels.shape, dtype=bool) if nodata is None else labels == nodata
    if labels.dtype.kind == "f":
        unknown |= np.isnan(labels)
    known = np.where(unknown, 0, labels)
    if known.min() < 0 or known.max() > 65535 or not np.array_equal(known, np.floor(known)):
        raise SceneError(
            f"{path} holds values from {known.min():g} to {known.max():g}, not labels: "
            "the truth must be whole numbers, 1 for the first class and 0 for unlabelled"
        )
    return known.astype(np.int32)
