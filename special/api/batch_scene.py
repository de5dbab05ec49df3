"""One scene of a batch, as a worker labels it: a run like any other, and the figures of it for the batch's tables."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
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
    from special.report.legend import colours_of

    run = Path(order["run"])
    let_go(run)
    began = time.monotonic()
    done = label(**order["options"], out=run, progress=progress)
    thumbnail = Path(order["thumbnail"])
    links = links_of(done, thumbnail.parent.parent)
    kept = not any(one.ran for one in done.outcomes)
    if kept and order["known"] == map_hash(done) and thumbnail.is_file():
        return {"kept": True, "links": links}
    draw_thumbnail(thumbnail, done.map, colours_of(done.class_list))
    seconds = round(time.monotonic() - began, 2)
    return {**figures_of(done), "links": links, "kept": kept, **({} if kept else {"seconds": seconds})}


def figures_of(run: Run) -> dict[str, Any]:
    """Return what tables and page say of a run that has a map."""
    from special.report.legend import colours_of

    figures = figures_of_map(run.map, run.confidence, run.classes, colours_of(run.class_list))
    return {**figures, "map": map_hash(run)}


def figures_of_map(
    labels: np.ndarray, confidence: np.ndarray, names: Sequence[str], colours: np.ndarray
) -> dict[str, Any]:
    """Return how much of a map each class takes, and how sure it is.

    Args:
        labels: int (rows, cols), 1..K, 0 = nothing. confidence: float32 (rows, cols).
        names: of the K classes. colours: uint8 (K, 3).
    """
    counts = np.bincount(labels.ravel(), minlength=len(names) + 1)[1:]
    sums = np.bincount(labels.ravel(), weights=confidence.ravel(), minlength=len(names) + 1)[1:]
    pixels = int(counts.sum())
    areas = [
        {
            "name": name,
            "pixels": int(count),
            "share": round(int(count) / max(1, pixels), 6),
            "confidence": round(float(total) / max(1, int(count)), 4),
            "colour": f"#{bytes(colour).hex()}",
        }
        for name, count, total, colour in zip(names, counts, sums, colours, strict=True)
    ]
    return {"areas": areas, "pixels": pixels, "confidence": round(float(sums.sum()) / max(1, pixels), 4)}


def links_of(run: Run, folder: Path) -> dict[str, str]:
    """Return what there is to open of a run, titles to paths relative to ``folder``, in which it lies."""
    there = {title: run.path / name for title, name in _LINKS if (run.path / name).is_file()}
    return {title: path.resolve().relative_to(folder.resolve()).as_posix() for title, path in there.items()}


def map_hash(run: Run) -> str:
    """Return the hash of a run's map as its manifest has it; "" where it has none."""
    from special.cache.directory import RunDirectory

    manifest = RunDirectory(run.path).manifest("map")
    return "" if manifest is None else str(manifest.files.get("map.npy", ""))


def let_go(run: Path) -> None:
    """Wait a little for a run that another process is still letting go of: that of a worker that has just died."""
    from special.cache.directory import RunDirectory

    limit = time.monotonic() + _LEAVES_SECONDS
    while RunDirectory(run).in_use and time.monotonic() < limit:
        threading.Event().wait(_LOOKS_SECONDS)


def draw_thumbnail(path: Path, labels: np.ndarray, colours: np.ndarray) -> None:
    """Draw a label map (rows, cols), thinned, in ``colours`` uint8 (K, 3) of its classes; whole or not at all."""
    from PIL import Image

    step = -(-max(labels.shape) // THUMBNAIL)
    small = labels[::step, ::step].astype(np.int64)
    picture = np.vstack([np.full((1, 3), 255, np.uint8), colours])[small]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    Image.fromarray(picture).quantize(min(256, len(np.unique(small)) + 1)).save(aside, format="PNG")
    os.replace(aside, path)


def changed_since(folder: Path, run: str, known: str) -> bool:
    """Whether the map of a run in ``folder`` is another one than that with the hash ``known``, or is gone."""
    from special.cache.directory import RunDirectory
    from special.storage.files import sha256_of

    if (plain := folder / run / "map.npy").is_file() and not RunDirectory(folder / run).is_run:
        return sha256_of(plain) != known  # of a scene that was labelled together with others
    manifest = RunDirectory(folder / run).manifest("map")
    return manifest is None or manifest.files.get("map.npy") != known
