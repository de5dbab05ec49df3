"""A colour for every class: the usual one of what it is, the same from scene to scene, and unlike all others of a map.

Unlike to everybody: also to those who cannot tell red from green, or blue from yellow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from special.report.vision import lab, seen, unlikeness


@dataclass(frozen=True)
class _Family:
    """Land cover of one colour.

    ``words``: what it is called where no concept is known. ``concepts``: of the table of land cover; the first has the
    first shade, the next the next, and round again. The first shades of all families were searched for, each within
    the hues and lightness that maps give it, so that the least of the distances between any two, in any vision, is as
    large as can be.
    """

    words: str
    concepts: str
    shades: tuple[str, ...]


# The first row that matches counts.
_FAMILIES: tuple[_Family, ...] = (
    _Family(r"shadows?|shade", "shadow, ash, burnt area, coal, old burn scar, black plastic", ("#281030", "#403068")),
    _Family(
        r"snow|ice",
        "snow, fresh snow, glacier ice, old snow, cloud, sea ice, wet snow, dirty snow",
        ("#f8f8f0", "#d0e8f8"),
    ),
    _Family(
        r"roofs?|buildings?|bricks?|houses?|tiles?|tiled",
        "roof, red roof tiles, gray roof, residential area, brown roof, commercial area, built-up area, bitumen, "
        "slate, rusty metal roof, fiber cement roof, wood shingle roof, gravel roof, thatch, car, running track",
        ("#c81000", "#f86840", "#c87880"),
    ),
    _Family(
        r"asphalt|roads?|streets?|tarmac|bitumen|parking",
        "asphalt, parking lot, railway, tea, oil slick",
        ("#606870", "#605048"),
    ),
    _Family(
        r"pavements?|concrete|gravel|paved",
        "concrete, pavement, paving bricks, gravel, plaster, limestone, rock, siliceous rock, white roof",
        ("#a8b0a8", "#d8d0b8"),
    ),
    _Family(
        r"water|lakes?|rivers?|sea|ponds?|ocean",
        "water, deep water, shallow water, turbid water, swimming pool",
        ("#1888f8", "#0048c8", "#98a0f8"),
    ),
    _Family(
        r"trees?|forests?|woods?|woodland|shrubs?",
        "tree, conifer forest, shrub, mixed forest, rainforest, orchard, eucalyptus, palm, olive grove, bamboo, "
        "mangrove, rubber plantation, tree savanna, olive leaves, garden, vineyard, fern, banana",
        ("#103820", "#087810", "#20a038"),
    ),
    _Family(
        r"soils?|bare|earth|fallow",
        "bare soil, fallow, red soil, ground, wet soil, clay, bark, dirt road, red dirt road, crop residue, peat, "
        "oil-soaked soil, iron-stained rock, dead trees, autumn forest, mine tailings, basalt",
        ("#a07858", "#682800", "#804830"),
    ),
    _Family(r"sand|beach", "sand, dry grass, straw, sandstone, salt flat", ("#e8c898", "#b8b068")),
    _Family(
        r"grass|grasses|meadows?|lawns?|pastures?|vegetation|weeds?",
        "grass, weeds, green vegetation, meadow, cover crop, wetland, moss, artificial turf, cactus",
        ("#a8f068", "#c0e818", "#88b078"),
    ),
    _Family(
        r"crops?|cereals?",
        "crop, corn, soybean, cereal, alfalfa, lettuce, broccoli, root crop, rapeseed, cotton, rice paddy, sunflower, "
        "sugarcane, sugar beet, potato",
        ("#f09000", "#f8b840", "#f8e898", "#d0b058"),
    ),
    _Family(
        r"metal|aluminium|aluminum",
        "metal roof, painted metal sheets, solar panel, glass, boat, blue tarpaulin, greenhouse film",
        ("#28d8f8", "#6890a0"),
    ),
    _Family(
        r"plastic|algae",
        "plastic, cloth, aquatic vegetation, seagrass, kelp, water hyacinth, cyanobacteria bloom, marine debris",
        ("#a028a0", "#f888d0"),
    ),
)
_HOMES = {
    concept: (place, number % len(family.shades))
    for place, family in enumerate(_FAMILIES)
    for number, concept in enumerate(family.concepts.split(", "))
}
# For every other class, from a place that its name decides. No blue: on a map it is water.
_OTHERS = ("#eda31a", "#7b4fb5", "#e0559a", "#16a08f", "#f2722b", "#5b2a6e", "#d8d02f", "#b0413e", "#9fd4a3", "#c77cff")
# CIE 1976 distances, to whom two colours look most alike. From the first on, the colour of its own is given to a class;
# else the colour nearest to that of its own that keeps the largest of these distances.
_APART = (20.0, 16.0, 13.0, 10.0, 8.0, 6.0, 4.0)


def palette(names: Sequence[str], given: Sequence[str] = (), concepts: Sequence[str] = ()) -> NDArray[np.uint8]:
    """Choose a colour for each class, uint8 (K, 3), sRGB.

    Every concept of land cover has a colour of its own, and so has every name, so that it is the same from scene to
    scene. Where two of a map are too like, for people with normal vision or without one kind of cones, the less usual
    one gives way to the nearest colour that is unlike enough. The order of the classes changes nothing.

    Args:
        names: of the classes, in English.
        given: colours, ``#rrggbb``, that stay as they are; "" where one is to be chosen.
        concepts: what each class means, by the name of a concept; "" where that is not known, and the name decides.
    """
    grid = _grid()
    grid_lab, grid_seen = lab(grid), seen(grid)
    chosen = np.zeros((len(names), 3), np.uint8)
    nearest = np.full(len(grid), np.inf)
    used = np.empty((0, *grid_seen.shape[1:]))

    def put(index: int, colour: NDArray[np.uint8]) -> None:
        nonlocal used, nearest
        chosen[index] = colour
        used = np.concatenate([used, seen(colour)[None]])
        nearest = np.minimum(nearest, unlikeness(grid_seen, used[-1]))

    def choose(own: Sequence[str]) -> NDArray[np.uint8]:
        wanted = np.array([_rgb(colour) for colour in own], np.uint8)
        for colour, as_seen in zip(wanted, seen(wanted), strict=True):
            if (unlikeness(used, as_seen) >= _APART[0]).all():
                return colour
        far = next((grade for grade in _APART if (nearest >= grade).any()), nearest.max())
        distance = np.where(nearest >= far, np.linalg.norm(grid_lab - lab(wanted[0]), axis=1), np.inf)
        return grid[int(distance.argmin())]

    wanted = [*given, *[""] * (len(names) - len(given))]
    means = [*concepts, *[""] * (len(names) - len(concepts))]
    for index, colour in enumerate(wanted):
        if colour:
            put(index, np.array(_rgb(colour), np.uint8))
    own = {index: _own(names[index], means[index]) for index in range(len(names)) if not wanted[index]}
    for index in sorted(own, key=lambda index: (own[index][0], names[index].casefold(), index)):
        put(index, choose(own[index][1]))
    return chosen


def _own(name: str, concept: str) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return how usual a class is, the most usual first, and the colours that it would have, the best first."""
    place, shade = _HOMES.get(concept, (-1, 0))
    if place < 0:
        words = (re.search(rf"\b(?:{family.words})\b", name.casefold()) for family in _FAMILIES)
        place = next((at for at, found in enumerate(words) if found), -1)
    if place >= 0:
        shades = _FAMILIES[place].shades
        return (shade, place), (*shades[shade:], *shades[:shade])
    start = hashlib.sha256((concept or name.casefold()).encode()).digest()[0] % len(_OTHERS)
    return (len(_FAMILIES), 0), (*_OTHERS[start:], *_OTHERS[:start])


def _rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def _grid() -> NDArray[np.uint8]:
    """Colours over all of sRGB, without what is too pale or too dark to be told from paper and lettering."""
    level = np.linspace(0, 255, 14).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    lightness = lab(grid)[:, 0]
    return grid[(lightness > 15) & (lightness < 93)]
