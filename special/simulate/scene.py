"""A landscape of parcels with mixed pixels at their borders, seen by a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from special.errors import SettingsError
from special.simulate.materials import MATERIALS, spectrum
from special.simulate.sensor import KINDS, Sensor

_SUB = 3  # a pixel is the mean of 3 x 3 points on the ground
_BLOCK = 1 << 22  # values that are worked on at once: memory does not grow with the scene
# How rough a material looks, as the standard deviation of its brightness from pixel to pixel.
_TEXTURE = {"trees": 0.10, "grass": 0.03, "dry grass": 0.04, "bare soil": 0.04, "tiled roofs": 0.05, "water": 0.02}


@dataclass(frozen=True)
class Simulated:
    """A simulated scene.

    Attributes:
        cube: float32 (rows, cols, bands), NaN at every band of a pixel without data.
        wavelengths: float64 (bands,), nm.
        truth: uint8 (rows, cols), 1..K for the material that covers most of a pixel, 0 where there is no data.
        names: the K materials, in the order of the truth.
        good_bands: bool (bands,), False where water vapour hides the ground.
        kind: ``reflectance``, ``radiance`` (uW / (cm2 nm sr)) or ``raw`` (numbers of 14 bits).
    """

    cube: NDArray[np.float32]
    wavelengths: NDArray[np.float64]
    truth: NDArray[np.uint8]
    names: tuple[str, ...]
    good_bands: NDArray[np.bool_]
    kind: str


def simulate(
    rows: int,
    cols: int,
    bands: int,
    classes: int | Sequence[str],
    seed: int = 0,
    *,
    kind: str = "reflectance",
    range_nm: tuple[float, float] = (400.0, 2450.0),
    noise: float = 0.01,
    nodata: float = 0.0,
) -> Simulated:
    """Simulate a scene; equal arguments give equal scenes.

    Args:
        rows, cols, bands: its size; the bands are evenly spaced over ``range_nm``.
        classes: names out of ``MATERIALS``, or how many of them to take from its top.
        seed: decides the landscape, the samples of each material and the noise.
        kind: ``reflectance`` (0-1), ``radiance`` or ``raw``.
        noise: noise of a bright band as a share of its signal; dim bands have more.
        nodata: share of the scene's width that a slanted edge without data takes.

    Raises:
        SettingsError: a size, a material or a kind that cannot be simulated.
    """
    names = _names(classes)
    if min(rows, cols, bands) < 1:
        raise SettingsError(f"cannot simulate {rows} x {cols} x {bands}: rows, columns and bands must be 1 or more")
    if kind not in KINDS:
        raise SettingsError(f"cannot simulate {kind!r}: choose from {', '.join(KINDS)}")
    if not 0.0 <= nodata < 1.0:
        raise SettingsError(f"nodata is {nodata}: it is the share of the width without data, from 0 to below 1")
    ground, light, air = (np.random.default_rng([seed, part]) for part in range(3))
    nm = np.linspace(*range_nm, bands) if bands > 1 else np.array([sum(range_nm) / 2])
    parcels, material = _parcels(rows, cols, len(names), ground)
    samples = _samples(names, material, nm, ground)
    truth = _cover(parcels, material, len(names))
    blend = _smooth(rows, cols, max(2.0, min(rows, cols) / 12), ground)
    slope = 1.0 + 0.06 * _smooth(rows, cols, max(2.0, min(rows, cols) / 5), light)
    rough = np.array([_TEXTURE.get(name, 0.02) for name in names])[truth - 1]
    level = slope * np.exp(rough * light.standard_normal((rows, cols)))
    sensor = Sensor.over(nm, air)
    cube = np.empty((rows, cols, bands), np.float32)
    step = max(1, _BLOCK // (cols * bands))
    for top in range(0, rows, step):
        part = slice(top, min(top + step, rows))
        mixed = _mix(parcels[part.start * _SUB : part.stop * _SUB], samples, blend[part])
        cube[part] = sensor.calibrated(sensor.noisy(mixed * level[part, :, None].astype(np.float32), noise, air), kind)
    outside = np.arange(cols) < nodata * cols * (0.5 + np.arange(rows)[:, None] / max(1, rows))
    cube[outside] = np.nan
    return Simulated(cube, nm, np.where(outside, 0, truth).astype(np.uint8), names, sensor.clear, kind)


def _names(classes: int | Sequence[str]) -> tuple[str, ...]:
    if isinstance(classes, int):
        if not 1 <= classes <= len(MATERIALS):
            raise SettingsError(f"cannot simulate {classes} classes: from 1 to {len(MATERIALS)} can be")
        return tuple(MATERIALS)[:classes]
    for name in classes:
        if name not in MATERIALS:
            raise SettingsError(f"cannot simulate {name!r}: choose from {', '.join(MATERIALS)}")
    if not classes or len(set(classes)) < len(classes):
        raise SettingsError("cannot simulate these classes: name one material or more, each once")
    return tuple(classes)


def _smooth(rows: int, cols: int, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random field with mean 0 and standard deviation 1 that changes over ``reach`` pixels."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal((rows, cols)), reach, mode="wrap")
    return (field - field.mean()) / (field.std() or 1.0)


def _parcels(
    rows: int, cols: int, classes: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the parcel of every point, int32 (3 rows, 3 cols), and the class of every parcel, counted from 0.

    Parcels are the cells around random centres, with borders that wander.
    """
    from scipy.spatial import cKDTree

    count = max(classes, min(6 * classes, rows * cols // 60))
    centres = rng.random((count, 2)) * (rows, cols)
    # Every class once, in random places; then at random, so that classes differ in size.
    material = np.concatenate([rng.permutation(classes), rng.integers(0, classes, count - classes)])
    tree = cKDTree(centres)
    across = (np.arange(cols * _SUB) + 0.5) / _SUB
    reach = 0.15 * np.sqrt(rows * cols / count)
    wander = [reach * _smooth(rows, cols, max(1.0, reach), rng) for _ in range(2)]
    parcels = np.empty((rows * _SUB, cols * _SUB), np.int32)
    for row in range(rows):
        down = row + (np.arange(_SUB) + 0.5) / _SUB
        shift = [np.repeat(field[row], _SUB) for field in wander]
        points = np.stack(np.broadcast_arrays(down[:, None] + shift[0], across + shift[1]), axis=-1)
        parcels[row * _SUB : (row + 1) * _SUB] = tree.query(points)[1]
    return parcels, material


def _samples(
    names: Sequence[str], material: NDArray[np.int64], nm: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Two samples for every parcel, float32 (parcels, 2, bands): a parcel is a blend of its two."""
    drawn = [[spectrum(names[kind], nm, rng) for _ in range(2)] for kind in material]
    return np.asarray(drawn, np.float32)


def _points(parcels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the points of every pixel, (9, rows, cols)."""
    return np.stack([parcels[i::_SUB, j::_SUB] for i in range(_SUB) for j in range(_SUB)])


def _cover(parcels: NDArray[np.int32], material: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return the class, from 1, that covers most of each pixel."""
    kinds = material[_points(parcels)]
    return 1 + np.argmax(np.stack([(kinds == kind).sum(axis=0) for kind in range(classes)]), axis=0)


def _mix(parcels: NDArray[np.int32], samples: NDArray[np.float32], blend: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mean reflectance of each pixel's points, float32 (rows, cols, bands)."""
    share = np.clip(0.5 + 0.25 * blend, 0.0, 1.0).astype(np.float32)[..., None]
    points = _points(parcels)

    def of(parcel: NDArray[np.int32], part: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples[parcel, 0] * (1 - part) + samples[parcel, 1] * part

    mixed = of(points[0], share)
    border = (points != points[0]).any(axis=0)
    if border.any():
        mixed[border] = sum(of(layer[border], share[border]) for layer in points) / len(points)
    return mixed
