"""One scene of a batch, as a worker labels it: a run like any other, and the figures of it for the batch's tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.progress import Progress

if TYPE_CHECKING:
    from special.api.run import Run

WORK = "special.api.batch_scene:label_scene"
"""How workers are told of ``label_scene``."""

THUMBNAIL = 224
"""Longest side of the small map, pixels."""

_LEAVES_SECONDS, _LOOKS_SECONDS = 20.0, 0.2
_LINKS = (("Report", "report.html"), ("Map", "map.png"), ("GeoTIFF", "map.tif"), ("RGB", "rgb.png"))


def label_scene(order: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Label a scene.

    Args:
        order: ``options`` of ``LabelOptions``, as JSON; ``run``, the directory to make; ``thumbnail``, the file to draw
            the map into; ``known``, the hash of the map that the table has figures of already, or "".
        progress: who listens.

    Returns:
        The fields of a ``Row`` that are known now.

    Raises:
        SpecialError: as :func:`special.label`.
    """
    from special.api.label import label

    run = Path(order["run"])
    _let_go(run)
    began = time.monotonic()
    done = label(**order["options"], out=run, progress=progress)
    thumbnail = Path(order["thumbnail"])
    links = links_of(done, thumbnail.parent.parent)
    kept = not any(one.ran for one in done.outcomes)
    if kept and order["known"] == map_hash(done) and thumbnail.is_file():
        return {"kept": True, "links": links}
    _draw(thumbnail, done)
    seconds = round(time.monotonic() - began, 2)
    return {**figures_of(done), "links": links, "kept": kept, **({} if kept else {"seconds": seconds})}


def figures_of(run: Run) -> dict[str, Any]:
    """Return what tables and page say of a run that has a map."""
    from special.report.colours import colours_of

    colours = colours_of(run.class_list)
    areas: list[dict[str, Any]] = [
        {
            "name": area.name,
            "pixels": area.pixels,
            "share": round(area.share, 6),
            "confidence": round(area.confidence, 4),
            "colour": f"#{bytes(colour).hex()}",
        }
        for area, colour in zip(run.areas(), colours, strict=True)
    ]
    pixels = sum(area["pixels"] for area in areas)
    mean = sum(area["pixels"] * area["confidence"] for area in areas) / max(1, pixels)
    return {
        "areas": areas,
        "pixels": pixels,
        "confidence": round(mean, 4),
        "map": map_hash(run),
    }


def links_of(run: Run, folder: Path) -> dict[str, str]:
    """Return what there is to open of a run, titles to paths relative to ``folder``, in which it lies."""
    there = {title: run.path / name for title, name in _LINKS if (run.path / name).is_file()}
    return {title: path.resolve().relative_to(folder.resolve()).as_posix() for title, path in there.items()}


def map_hash(run: Run) -> str:
    """Return the hash of a run's map as its manifest has it; "" where it has none."""
    from special.cache.directory import RunDirectory

    manifest = RunDirectory(run.path).manifest("map")
    return "" if manifest is None else str(manifest.files.get("map.npy", ""))


def _let_go(run: Path) -> None:
    """Wait a little for a run that another process is still letting go of: that of a worker that has just died."""
    from special.cache.directory import RunDirectory

    limit = time.monotonic() + _LEAVES_SECONDS
    while RunDirectory(run).in_use and time.monotonic() < limit:
        threading.Event().wait(_LOOKS_SECONDS)


def _draw(path: Path, run: Run) -> None:
    """Draw the map, thinned or enlarged by a whole factor, in its colours; whole or not at all."""
    import os

    from PIL import Image

    from special.report.colours import colours_of

    labels = np.asarray(run.map)
    longest = max(labels.shape)
    step = -(-longest // THUMBNAIL)
    small = labels[::step, ::step].astype(np.int64)
    picture = np.vstack([np.full((1, 3), 255, np.uint8), colours_of(run.class_list)])[small]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    Image.fromarray(picture).quantize(min(256, len(np.unique(small)) + 1)).save(aside, format="PNG")
    os.replace(aside, path)


def changed_since(folder: Path, run: str, known: Mapping[str, Any] | str) -> bool:
    """Whether the map of a run in ``folder`` is another one than that with the hash ``known``, or is gone."""
    from special.cache.directory import RunDirectory

    manifest = RunDirectory(folder / run).manifest("map")
    return manifest is None or manifest.files.get("map.npy") != known
