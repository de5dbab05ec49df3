"""What lies where: streets and houses, fields, woods, shores; maps of parcels in points finer than pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from worlds_of.materials import MATERIALS

SUB = 3  # a pixel is the mean of 3 x 3 points

# What may lie in each landscape; two of "core" always do.
CORE = {
    "town": ("asphalt", "broadleaf trees", "grass", "tile roof"),
    "farmland": ("bare field", "mature crop", "grass", "stubble"),
    "forest": ("broadleaf trees", "conifers", "grass", "soil"),
    "wetland": ("water", "reeds", "marsh", "mud"),
    "coast": ("water", "beach", "dune grass", "grass"),
    "desert": ("sand", "rock", "dry shrubs", "gravel"),
    "mine": ("soil",),
    "mixed": ("water", "broadleaf trees", "soil", "asphalt"),
}
MINERALS = tuple(name for name, material in MATERIALS.items() if material.swir)
MORE = {
    "town": (
        "concrete", "parking lot", "brick paving", "dark shingle roof", "light shingle roof", "wood shingle roof",
        "concrete roof", "metal roof", "gravel roof", "artificial turf", "soil", "water", "dry grass", "shrubs",
        "gravel",
    ),
    "farmland": (
        "young crop", "ripe grain", "broadleaf trees", "orchard", "vineyard", "dry grass", "stressed grass",
        "dirt road", "water", "metal roof", "asphalt", "tile roof",
    ),
    "forest": (
        "shrubs", "dead trees", "burnt", "dirt road", "water", "rock", "stressed grass", "snow", "dry grass", "marsh",
    ),
    "wetland": (
        "turbid water", "floating plants", "grass", "broadleaf trees", "shrubs", "sand", "dry grass", "wet sand",
        "concrete", "dirt road",
    ),
    "coast": (
        "turbid water", "wet sand", "mud", "rock", "marsh", "shrubs", "conifers", "concrete", "asphalt", "tile roof",
        "dry grass", "metal roof",
    ),
    "desert": (
        "light soil", "dark soil", "asphalt", "shrubs", "dirt road", "gypsum", "calcite", "water", "kaolinite",
        "dolomite", "alunite", "muscovite", "montmorillonite", "chlorite",
    ),
    "mine": (*MINERALS, "dirt road", "water", "turbid water", "dry shrubs", "gravel", "grass"),
    "mixed": (
        "grass", "mature crop", "sand", "concrete", "tile roof", "metal roof", "stubble", "conifers", "reeds", "shrubs",
        "parking lot", "dirt road", "rock", "dark shingle roof", "dry grass", "turbid water",
    ),
}  # fmt: skip
SHORES = ("wetland", "coast")


@dataclass
class Ground:
    """A map that is being painted, in points: ``kind`` the index of a material, ``parcel`` whose part it is."""

    kind: np.ndarray
    parcel: np.ndarray
    kinds: list[int] = field(default_factory=list)

    @classmethod
    def bare(cls, rows: int, cols: int) -> Ground:
        shape = (rows * SUB, cols * SUB)
        return cls(np.zeros(shape, np.int16), np.zeros(shape, np.int32))

    def paint(self, where: np.ndarray, kind: int) -> None:
        """Cover the points ``where``, bool (rows x 3, cols x 3), with a new parcel of one material."""
        if where.any():
            self.kind[where] = kind
            self.parcel[where] = len(self.kinds)
            self.kinds.append(kind)


def smooth(shape: tuple[int, int], reach: float, rng: np.random.Generator) -> np.ndarray:
    """A random field of mean 0 and standard deviation 1 that changes over ``reach``; float64 (rows, cols)."""
    values = gaussian_filter(rng.standard_normal(shape), reach, mode="wrap")
    return np.asarray((values - values.mean()) / (values.std() or 1.0))


def layout(landscape: str, materials: list[str], size: tuple[int, int], rng: np.random.Generator) -> Ground:
    """Paint the ``materials``, all of which cover some pixels, as they lie in a landscape, over ``size`` pixels."""
    ground = Ground.bare(*size)
    roles: dict[str, list[int]] = {}
    for index, name in enumerate(materials):
        roles.setdefault(MATERIALS[name].role, []).append(index)
    areas = roles.get("area", []) or roles.get("block", []) or [0]
    if landscape in SHORES:
        _shore(ground, roles.get("water", []), roles.get("shore", []), areas, rng)
    elif landscape in ("farmland", "town"):
        _blocks(ground, areas, 5 if landscape == "farmland" else 4, rng)
    else:
        _woods(ground, areas + roles.get("shore", []), rng)
    if landscape not in SHORES:
        for kind in roles.get("water", []):
            _pond(ground, kind, rng)
        if landscape in ("farmland", "town"):
            for kind in roles.get("shore", []):
                _pond(ground, kind, rng)
    for kind in roles.get("block", []):
        for _ in range(2):
            _rectangle(ground, kind, 0.10, 0.2, rng)
    if landscape in ("town", "mixed"):
        _crowns(ground, [k for k in areas if MATERIALS[materials[k]].tall], rng)
    for kind in roles.get("line", []):
        for _ in range(3 if landscape == "town" else 1):
            _street(ground, kind, rng)
    for kind in roles.get("roof", []):
        for _ in range(int(rng.integers(3, 7))):
            _rectangle(ground, kind, 0.05, 0.13, rng)
    _complete(ground, len(materials), rng)
    return ground


def _wander(ground: Ground, reach: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the points, bent so that no border is a ruler's."""
    down, across = np.indices(ground.kind.shape, dtype=float)
    bend = 0.5 * reach
    return down + bend * smooth(ground.kind.shape, reach, rng), across + bend * smooth(ground.kind.shape, reach, rng)


def _deal(kinds: list[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Deal materials to parcels: each once, then at random, some more often than others."""
    share = rng.dirichlet(np.full(len(kinds), 3.0))
    rest = rng.choice(kinds, max(0, count - len(kinds)), p=share)
    return np.concatenate([rng.permutation(kinds), rest])[:count]


def _woods(ground: Ground, kinds: list[int], rng: np.random.Generator) -> None:
    """Cells around random centres, with borders that wander."""
    rows, cols = ground.kind.shape
    count = max(3 * len(kinds), 14)
    down, across = _wander(ground, 9.0, rng)
    centres = rng.random((count, 2)) * (rows, cols)
    cells = cKDTree(centres).query(np.stack([down, across], axis=-1))[1]
    for cell, kind in enumerate(_deal(kinds, count, rng)):
        ground.paint(cells == cell, int(kind))


def _blocks(ground: Ground, kinds: list[int], depth: int, rng: np.random.Generator) -> None:
    """Fields or blocks: a rotated frame that is cut in two, again and again."""
    rows, cols = ground.kind.shape
    angle = rng.uniform(0, np.pi)
    down, across = np.indices(ground.kind.shape, dtype=float)
    u = (down - rows / 2) * np.cos(angle) + (across - cols / 2) * np.sin(angle)
    v = (across - cols / 2) * np.cos(angle) - (down - rows / 2) * np.sin(angle)
    parts = [np.ones(ground.kind.shape, bool)]
    for _ in range(depth):
        halves = []
        for part in parts:
            along = u if np.ptp(u[part]) > np.ptp(v[part]) else v
            low, high = along[part].min(), along[part].max()
            cut = low + (high - low) * rng.uniform(0.35, 0.65)
            halves += [half for half in (part & (along < cut), part & (along >= cut)) if half.sum() > 40]
        parts = halves or parts
    for part, kind in zip(parts, _deal(kinds, len(parts), rng), strict=True):
        ground.paint(part, int(kind))


def _shore(ground: Ground, water: list[int], shore: list[int], areas: list[int], rng: np.random.Generator) -> None:
    """Water below, what grows or lies at its edge in belts above it, land behind."""
    rows, _ = ground.kind.shape
    _woods(ground, areas, rng)
    down, _ = np.indices(ground.kind.shape, dtype=float)
    height = down / rows + 0.22 * smooth(ground.kind.shape, 14.0, rng)
    if rng.random() < 0.5:
        height = 1 - height
    belts = [*water, *rng.permutation(shore)]
    edges = np.quantile(height, np.linspace(0, 0.62, len(belts) + 1))
    for kind, low, high in zip(belts, edges, edges[1:], strict=False):
        ground.paint((height >= low if low > edges[0] else height >= -np.inf) & (height < high), int(kind))


def _pond(ground: Ground, kind: int, rng: np.random.Generator) -> None:
    """A blob of about a twelfth of the scene."""
    rows, cols = ground.kind.shape
    down, across = _wander(ground, 10.0, rng)
    centre = rng.uniform(0.15, 0.85, 2) * (rows, cols)
    radius = rng.uniform(0.13, 0.19) * rows
    ground.paint((down - centre[0]) ** 2 + (across - centre[1]) ** 2 < radius**2, kind)


def _rectangle(ground: Ground, kind: int, least: float, most: float, rng: np.random.Generator) -> None:
    """A house or a yard: sides of ``least`` to ``most`` of the scene's."""
    rows, cols = ground.kind.shape
    height, width = (rng.uniform(least, most, 2) * rows).round().astype(int)
    top, left = rng.integers(0, rows - height), rng.integers(0, cols - width)
    where = np.zeros(ground.kind.shape, bool)
    where[top : top + height, left : left + width] = True
    ground.paint(where, kind)


def _crowns(ground: Ground, kinds: list[int], rng: np.random.Generator) -> None:
    """Single trees."""
    rows, cols = ground.kind.shape
    down, across = np.indices(ground.kind.shape, dtype=float)
    for kind in kinds:
        for _ in range(10):
            centre, radius = rng.random(2) * (rows, cols), rng.uniform(2.5, 7)
            ground.paint((down - centre[0]) ** 2 + (across - centre[1]) ** 2 < radius**2, kind)


def _street(ground: Ground, kind: int, rng: np.random.Generator) -> None:
    """A straight or bent band from one side of the scene to another."""
    rows, cols = ground.kind.shape
    down, across = np.indices(ground.kind.shape, dtype=float)
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.25)
    away = (down - rng.uniform(0.15, 0.85) * rows) * np.cos(angle) - (across - rng.uniform(0.15, 0.85) * cols) * np.sin(
        angle
    )
    away = away + 4 * np.sin((down * np.sin(angle) + across * np.cos(angle)) / rng.uniform(30, 80))
    ground.paint(np.abs(away) < rng.uniform(2.5, 5.0), kind)


def _complete(ground: Ground, count: int, rng: np.random.Generator) -> None:
    """Give materials that lie nowhere, or nearly so, a place, until all have one."""
    least = 24 * SUB**2
    for _ in range(20):
        sizes = np.bincount(ground.kind.ravel(), minlength=count)
        missing = [kind for kind in range(count) if sizes[kind] < least]
        if not missing:
            return
        for kind in missing:
            _rectangle(ground, kind, 0.11, 0.16, rng)
