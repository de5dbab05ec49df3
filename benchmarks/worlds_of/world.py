"""A world: a simulated scene, its class list and its truth, all from one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from worlds_of import naming, numbers
from worlds_of.draw import COUNTS, Draw, draw
from worlds_of.landscapes import CORE, MORE, SUB, Ground, layout, smooth
from worlds_of.materials import MATERIALS
from worlds_of.palette import Kind, Palette
from worlds_of.sensors import Sensor, sensor

SIZE = (48, 65)  # pixels, from and to
SAMPLES = 3  # spectra that a parcel is a blend of
SURE = 0.55  # share of a pixel that its class covers, at least
SHADOWED = 0.6  # share of a pixel in a cast shadow that is called a shadow, or nothing
ONLY_WHEN_DRY = ("wet sand",)  # names that tell nothing after rain
FEWEST = 3  # classes that are there, with no number at their end
SUNLESS = 0.85  # share of sunlight that a cast shadow takes
ALWAYS = 2  # materials of a landscape's core
# Of these one, or those that a name tells apart.
ALONE = ({"soil", "bare field", "light soil", "dark soil", "mud"}, {"sand", "beach", "light soil"})


@dataclass(frozen=True)
class World:
    """A scene and its truth.

    ``cube`` float32 (rows, cols, bands), own numbers; ``wavelengths`` (bands,) nm, as the file says; ``truth`` uint8
    (rows, cols), 1..K, 0 where nobody says; ``names`` the K classes; ``materials`` what each really is: a material,
    "shadow" or "rest".
    """

    draw: Draw
    cube: np.ndarray
    wavelengths: np.ndarray
    truth: np.ndarray
    names: tuple[str, ...]
    materials: tuple[str, ...]

    def hash(self) -> str:
        """Twelve hexadecimal digits that stand for all of it."""
        made = hashlib.sha256("\n".join([*self.names, *self.materials]).encode())
        for array in (self.cube, self.wavelengths, self.truth):
            made.update(np.ascontiguousarray(array).tobytes())
        return made.hexdigest()[:12]


@dataclass(frozen=True)
class Cast:
    """Who plays: materials on the ground, each with the class it is of, -1 where it has none; and the classes."""

    ground: list[str]
    class_of: list[int]
    classes: list[str]  # materials, "shadow", "rest"; absent ones as well
    numbers: dict[int, int]  # of a class that is told from its namesake by a number alone


def make(seed: int, folder: Path | None = None, fixed: Mapping[str, str] | None = None) -> World:
    """Make a world; the same seed and libraries give the same one.

    ``folder`` holds libraries that are no packages; ``fixed`` gives the level of some factors.
    """
    drawn = draw(seed, fixed)
    eye = sensor(drawn["sensor"], drawn.generator("sensor"))
    span = (float(eye.centres[0]), float(eye.centres[-1]))
    palette = Palette(drawn.half, span, drawn["season"], drawn["moisture"], drawn.generator("spectra"), folder)
    cast = choose(drawn, palette)
    size = tuple(int(side) for side in drawn.generator("size").integers(*SIZE, 2))
    ground = layout(drawn["landscape"], cast.ground, (size[0], size[1]), drawn.generator("layout"))
    flaws = drawn.generator("bands")
    shift = float(flaws.choice([-1, 1]) * flaws.uniform(*numbers.SHIFT)) if drawn["bands"] == "shifted" else 0.0
    light = numbers.air(drawn.seed % 2, eye, shift, drawn.generator("air"))
    reflectance, shadow = _lit(drawn, _mixed(drawn, cast, ground, palette, eye, shift), cast, ground, light)
    reflectance = numbers.noisy(reflectance, eye, drawn["bands"], flaws)
    cube = numbers.measured(drawn["numbers"], reflectance, eye, light, drawn.generator("numbers"))
    if drawn["bands"] == "smoothed":
        cube = numbers.smoothed(cube, flaws)
    kept = numbers.clear(eye) | (drawn["numbers"] not in numbers.AS_REFLECTANCE and flaws.random() < 0.6)
    return World(
        drawn,
        np.ascontiguousarray(cube[..., kept], np.float32),
        eye.centres[kept],
        _truth(drawn, cast, ground, shadow),
        tuple(_names(drawn, cast)),
        tuple(cast.classes),
    )


def choose(drawn: Draw, palette: Palette) -> Cast:
    """Choose what lies there and which classes are asked for."""
    rng = drawn.generator("classes")
    least, most = COUNTS[drawn["classes"]]
    count = int(rng.integers(least, most + 1))
    swir, rain = drawn["sensor"] != "VNIR", drawn["moisture"] == "wet"

    def possible(names: tuple[str, ...]) -> list[str]:
        told = [name for name in names if (swir or not MATERIALS[name].swir) and not (rain and name in ONLY_WHEN_DRY)]
        return [name for name in told if palette.has(name)]

    core = list(map(str, rng.permutation(possible(CORE[drawn["landscape"]]))))
    others = rng.permutation([*core[ALWAYS:], *possible(MORE[drawn["landscape"]])])
    order = [*core[:ALWAYS], *map(str, others)]
    pair: list[str] = []
    if drawn["twins"] == "described":
        pairs = [[name, MATERIALS[name].twin] for name in order if palette.has(MATERIALS[name].twin or name)]
        pairs = [both for both in pairs if both[1] and set(possible((both[0], both[1]))) == set(both)]
        pair = pairs[int(rng.integers(len(pairs)))] if pairs else []
    order = _together([*pair, *(name for name in order if name not in pair)])

    absent = min(count // 3, {"none": 0, "one": 1, "two or three": int(rng.integers(2, 4))}[drawn["absent"]])
    special = [name for name, asked in (
        ("rest", drawn["unnamed"] == "rest class"),
        ("shadow", drawn["shade"] == "cast" and rng.random() < 0.5),
    ) if asked]  # fmt: skip
    numbered = drawn["twins"] == "numbered"
    unnamed = 0 if drawn["unnamed"] == "none" else int(rng.integers(1, 3))
    here = min(max(FEWEST, count - absent - len(special) - numbered), len(order) - unnamed - absent)
    present, order = order[:here], order[here:]
    strangers, order = order[:unnamed], order[unnamed:]
    missing = order[:absent]

    classes = [*present, *missing, *special]
    rest = classes.index("rest") if "rest" in classes else -1
    ground, class_of, numbers_of = [*present, *strangers], [*range(len(present)), *(rest for _ in strangers)], {}
    if numbered:
        twin = int(rng.integers(len(present)))
        numbers_of = {twin: 1, len(classes): 2}
        ground.append(present[twin])
        class_of.append(len(classes))
        classes.append(present[twin])
    return Cast(ground, class_of, classes, numbers_of)


def _together(names: list[str]) -> list[str]:
    """Leave out what means the same as something before it."""
    kept: list[str] = []
    for name in names:
        clash = any(name in group and any(other in group for other in kept) for group in ALONE)
        told = any(MATERIALS[other].twin == name or MATERIALS[name].twin == other for other in kept)
        if name not in kept and (told or not clash):
            kept.append(name)
    return kept


def _mixed(drawn: Draw, cast: Cast, ground: Ground, palette: Palette, eye: Sensor, shift: float) -> np.ndarray:
    """Return float32 (rows, cols, bands), the reflectance of each pixel in even light."""
    rng = drawn.generator("ground")
    kinds: list[Kind] = []
    for index, name in enumerate(cast.ground):
        kinds.append(palette.kind(name, kinds[cast.ground.index(name)] if name in cast.ground[:index] else None))
    spectra = np.array([[kinds[kind].sample() for _ in range(SAMPLES)] for kind in ground.kinds])
    samples = eye.sees(np.nan_to_num(spectra), shift=shift).astype(np.float32)  # (parcels, SAMPLES, bands)
    rows, cols = (side // SUB for side in ground.kind.shape)
    fields = np.stack([smooth((rows, cols), 4.0, rng) for _ in range(SAMPLES)], axis=-1)
    share = np.exp(1.5 * fields)
    share = (share / share.sum(axis=-1, keepdims=True)).astype(np.float32)
    points = _points(ground.parcel)
    layers = points[len(points) // 2 :][:1] if drawn["edges"] == "sharp" else points
    mixed = sum(np.einsum("rcsb,rcs->rcb", samples[layer], share) for layer in layers) / np.float32(len(layers))
    rough = np.array([MATERIALS[name].rough for name in cast.ground])[_points(ground.kind)[SUB**2 // 2]]
    mixed = mixed * np.exp(rough * rng.standard_normal((rows, cols)))[..., None]
    if drawn["edges"] == "blurred":
        mixed = gaussian_filter(mixed, (0.8, 0.8, 0))
    return np.asarray(mixed, np.float32)


def _points(values: np.ndarray) -> np.ndarray:
    """Return the points of every pixel, (9, rows, cols)."""
    return np.stack([values[i::SUB, j::SUB] for i in range(SUB) for j in range(SUB)])


def _lit(
    drawn: Draw, reflectance: np.ndarray, cast: Cast, ground: Ground, light: numbers.Air
) -> tuple[np.ndarray, np.ndarray]:
    """Return reflectance (rows, cols, bands) as it seems in uneven light, and the share of shadow (rows, cols)."""
    rng = drawn.generator("shade")
    rows, cols = reflectance.shape[:2]
    shadow = np.zeros((rows, cols))
    if drawn["shade"] == "slopes":
        slope = np.clip(1 + 0.2 * smooth((rows, cols), 6.0, rng), 0.4, 1.5)
        return reflectance * slope[..., None].astype(np.float32), shadow
    if drawn["shade"] == "cast":
        tall = np.array([MATERIALS[name].tall for name in cast.ground])[ground.kind]
        dark = np.zeros_like(tall)
        direction, length = rng.uniform(-1, 1), int(rng.integers(4, 9))
        for step in range(1, length + 1):  # in points
            dark |= np.roll(tall, (-step, round(direction * step)), (0, 1))
        shadow = _points(dark & ~tall).mean(axis=0)
    sunless = 1 - SUNLESS * shadow[..., None] * (1 - light.sky)
    return np.asarray(reflectance * sunless, np.float32), shadow


def _truth(drawn: Draw, cast: Cast, ground: Ground, shadow: np.ndarray) -> np.ndarray:
    """Return uint8 (rows, cols): the class that covers most of a pixel, 0 where none does or it has no class."""
    classes = np.array(cast.class_of)[_points(ground.kind)]
    if drawn["edges"] == "sharp":
        classes = classes[SUB**2 // 2][None]
    shares = np.stack([(classes == index).mean(axis=0) for index in range(len(cast.classes))])
    truth = np.where(shares.max(axis=0) >= SURE, 1 + shares.argmax(axis=0), 0)
    dark = 1 + cast.classes.index("shadow") if "shadow" in cast.classes else 0
    return np.where(shadow >= SHADOWED, dark, truth).astype(np.uint8)


def _names(drawn: Draw, cast: Cast) -> list[str]:
    rng = drawn.generator("names")
    taken: set[str] = set()
    found: list[str] = []
    for index, material in enumerate(cast.classes):
        if cast.numbers.get(index) == 2:
            first = next(other for other, number in cast.numbers.items() if number == 1)
            found.append(f"{found[first]} 2")
            found[first] += " 1"
        else:
            found.append(naming.name(material, drawn["names"], taken, rng))
    return naming.spelled(found, naming.spelling(rng))
