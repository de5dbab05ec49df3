"""What is understood of a scene, before anything is done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from special.api.opening import SceneOptions, told
from special.api.source import ground_of
from special.scene import Scene, open_scene
from special.settings import load
from special.steps.rgb import RgbSettings, missing_colours

GLANCE_BYTES = 1 << 26
"""How much of a far larger file is looked at, so that it is described at once."""


def info(
    scene: str | Path,
    wavelengths: str | Path | Sequence[float] | np.ndarray | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    reader: str | None = None,
    mask: str | None = None,
    white: str | Path | None = None,
    dark: str | Path | None = None,
    axes: str | None = None,
    full: bool = False,
) -> dict[str, Any]:
    """Open a scene and say what is understood of it.

    Args:
        scene: a file.
        wavelengths: nm, one per band, (bands,); or a file, or ``"430:860"``.
        key, sensor, reader, mask, white, dark, axes: as :func:`special.open_scene` takes them.
        full: look at every pixel of a large file, and hash it; else at some rows, evenly spread.

    Raises:
        SceneError: the file or its wavelengths cannot be understood; the message says what to do.
    """
    how = SceneOptions(
        wavelengths=wavelengths, key=key, sensor=sensor, reader=reader, mask=mask, white=white, dark=dark, axes=axes
    )
    return describe(open_scene(scene, **told(how), most_bytes=None if full else GLANCE_BYTES))


def describe(scene: Scene) -> dict[str, Any]:
    """Say what is understood of a scene, as JSON. Band numbers are counted from 1, as ENVI and QGIS do."""
    missing = missing_colours(scene.wavelengths, load().build(RgbSettings))
    rows, cols, bands = scene.shape
    place = scene.georeference
    return {
        "path": str(scene.path),
        "format": scene.format,
        "key": scene.key,
        "rows": rows,
        "cols": cols,
        "bands": bands,
        "file_bands": scene.file_bands,
        "wavelengths_nm": scene.wavelengths.tolist(),
        "bad_bands": [{"band": number + 1, "reason": reason} for number, reason in scene.bad_bands.items()],
        "pixels_looked_at": sum(scene.valid[part].size for part in scene.looked_at),
        "valid_pixels": sum(int(scene.valid[part].sum()) for part in scene.looked_at),
        "scale_factor": scene.scale_factor,
        "known_reflectance": scene.known_reflectance,
        "gains_applied": scene.gains_applied,
        "georeference": place and {"crs_wkt": place.crs_wkt, "transform": place.transform},
        "ground": ground_of(scene),
        "sensor": scene.sensor,
        "level": scene.level,
        "acquired": scene.acquired,
        "masks": [asdict(mask) for mask in scene.masked],
        "rgb": not missing,
        "missing_colours": missing,
        "notes": list(scene.notes),
        "content_hash": scene.content_hash() if _is_whole(scene) else None,
    }


def _is_whole(scene: Scene) -> bool:
    return sum(part.stop - part.start for part in scene.looked_at) == scene.shape[0]
