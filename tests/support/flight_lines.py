"""A simulated strip of land, flown in lines that overlap, each through another haze."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import rasterio

from special.simulate import simulate

HAZE = (0.0, 0.06, 0.02, 0.09)
"""Reflectance that lies on top of every pixel at 550 nm, line by line."""
SUN = (1.0, 0.92, 1.05, 0.97)
"""What the sun's height does to a line."""
SIZE, NORTH, WEST = 10.0, 5_800_000.0, 500_000.0


@dataclass(frozen=True)
class Lines:
    """``scenes``: GeoTIFF; ``spans``: the columns of each; ``truth``: of the whole strip, 1..K."""

    scenes: list[Path]
    spans: list[slice]
    classes: Path
    wavelengths: Path
    truth: np.ndarray


def fly(folder: Path, rows: int = 64, wide: int = 52, overlap: int = 12, bands: int = 40, seed: int = 3) -> Lines:
    """Write four lines side by side."""
    count = len(HAZE)
    cols = count * wide - (count - 1) * overlap
    land = simulate(
        rows, cols, bands, ["trees", "grass", "bare soil", "water", "concrete"], seed, range_nm=(420.0, 980.0)
    )
    spans = [slice(i * (wide - overlap), i * (wide - overlap) + wide) for i in range(count)]
    scatter = (land.wavelengths / 550.0) ** -3.0
    scenes = []
    for number, (span, haze, sun) in enumerate(zip(spans, HAZE, SUN, strict=True)):
        values = (sun * land.cube[:, span] + haze * scatter).astype(np.float32)
        path = folder / f"line{number}.tif"
        place = rasterio.Affine(SIZE, 0, WEST + SIZE * span.start, 0, -SIZE, NORTH)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=rows,
            width=wide,
            count=bands,
            dtype="float32",
            crs="EPSG:32633",
            transform=place,
        ) as file:
            file.write(values.transpose(2, 0, 1))
        scenes.append(path)
    (folder / "classes.txt").write_text("Trees\nGrass\nBare soil\nWater\nConcrete\n", encoding="utf-8")
    (folder / "wavelengths.csv").write_text("".join(f"{nm}\n" for nm in land.wavelengths), encoding="utf-8")
    return Lines(scenes, spans, folder / "classes.txt", folder / "wavelengths.csv", land.truth)


def seams(labels: np.ndarray, truth: np.ndarray, spans: list[slice]) -> float:
    """Share of the neighbours of one class across the lines where overlaps begin and end that a map tells apart."""
    edges = sorted({edge for one, other in pairwise(spans) for edge in (other.start, one.stop)})
    changed = total = 0
    for edge in edges:
        same = truth[:, edge - 1] == truth[:, edge]
        changed += int((labels[same, edge - 1] != labels[same, edge]).sum())
        total += int(same.sum())
    return changed / total
