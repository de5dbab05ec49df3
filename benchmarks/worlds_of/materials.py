"""What a world's ground is made of: materials as mixtures of stuffs, the same for either half.

A recipe names pools and the range of the share of each; shares are drawn, then made to sum to 1. Of several recipes the
first counts whose pools all have spectra: tree crowns as an imaging spectrometer saw them where there are any, leaves
with shade and wood between them where not. ``role`` is what the material does in a landscape, ``tall`` casts shadows,
``soaks`` darkens when it is wet, ``fades`` is the share that dies in the dry season, ``rough`` the standard deviation
of log brightness from pixel to pixel, ``swir`` marks what only the short-wave infrared tells, ``twin`` names what is
told from it with an effort.
"""

from __future__ import annotations

from dataclasses import dataclass

Recipe = tuple[tuple[str, float, float], ...]
SHADE, WATER = "shade", "water"  # of no library: see ``spectra.py``


@dataclass(frozen=True)
class Material:
    """One material. ``brightness``: quantiles of its first pool's brightness that it keeps to; ``wet``: always so."""

    recipes: tuple[Recipe, ...]
    role: str = "area"
    tall: bool = False
    soaks: bool = False
    fades: float = 0.0
    rough: float = 0.04
    swir: bool = False
    twin: str = ""
    brightness: tuple[float, float] = (0.0, 1.0)
    wet: bool = False
    water: str = ""


def _plain(pool: str, role: str = "area", **more: object) -> Material:
    return Material((((pool, 1.0, 1.0),),), role, **more)  # type: ignore[arg-type]


def _mineral(pool: str, *others: str, **more: object) -> Material:
    recipes = tuple(((name, 0.6, 0.95), ("soil", 0.05, 0.4)) for name in (pool, *others))
    return Material(recipes, rough=0.08, soaks=True, swir=True, **more)  # type: ignore[arg-type]


def _tree(crowns: str, *leaves: tuple[str, float, float], **more: object) -> Material:
    recipes = (((crowns, 0.9, 1.0), (SHADE, 0.0, 0.1)), leaves) if crowns else (leaves,)
    return Material(recipes, tall=True, rough=0.12, **more)  # type: ignore[arg-type]


MATERIALS: dict[str, Material] = {
    # what is built
    "asphalt": _plain("asphalt", "line", soaks=True, twin="parking lot"),
    "parking lot": _plain("parking", "block", soaks=True, rough=0.05),
    "concrete": _plain("concrete", "line", soaks=True),
    "brick paving": _plain("brick", "block", soaks=True),
    "tile roof": _plain("tile", "roof", tall=True, rough=0.06, twin="wood shingle roof"),
    "dark shingle roof": _plain("shingle dark", "roof", tall=True, rough=0.05, twin="light shingle roof"),
    "light shingle roof": _plain("shingle light", "roof", tall=True, rough=0.05),
    "wood shingle roof": _plain("wood shingle", "roof", tall=True, rough=0.06),
    "concrete roof": _plain("concrete tile", "roof", tall=True, rough=0.05),
    "metal roof": _plain("metal", "roof", tall=True, rough=0.08),
    "gravel roof": _plain("gravel roof", "roof", tall=True, rough=0.05),
    "artificial turf": _plain("artificial turf", "block"),
    # bare ground
    "soil": _plain("soil", soaks=True),
    "bare field": _plain("soil", soaks=True, twin="stubble"),
    "light soil": _plain("soil", soaks=True, brightness=(0.75, 1.0), twin="dark soil"),
    "dark soil": _plain("soil", soaks=True, brightness=(0.0, 0.25)),
    "sand": _plain("sand", soaks=True, twin="wet sand"),
    "beach": _plain("sand", "shore", soaks=True, twin="wet sand"),
    "wet sand": _plain("sand", "shore", soaks=True, wet=True),
    "mud": _plain("soil", "shore", brightness=(0.0, 0.5), wet=True, soaks=True),
    "dirt road": _plain("dirt", "line", soaks=True),
    "gravel": _plain("gravel", "block", soaks=True, rough=0.07, twin="rock"),
    "rock": _plain("rock", rough=0.1),
    "burnt": Material(((("char", 0.6, 0.95), ("soil", 0.05, 0.3)),), rough=0.12),
    "snow": _plain("snow", rough=0.03),
    # plants
    "broadleaf trees": _tree(
        "tree crowns", ("leaves of trees", 0.55, 0.8), (SHADE, 0.15, 0.35), ("wood", 0.0, 0.08), fades=0.15,
        twin="conifers",
    ),
    "conifers": _tree("", ("leaves of conifers", 0.3, 0.5), (SHADE, 0.4, 0.6), ("wood", 0.02, 0.1)),
    "dead trees": _tree("", ("wood", 0.45, 0.7), (SHADE, 0.2, 0.35), ("soil", 0.05, 0.2)),
    "shrubs": Material(
        (
            (("shrub crowns", 0.75, 1.0), ("soil", 0.0, 0.25)),
            (("leaves of shrubs", 0.35, 0.6), ("soil", 0.1, 0.3), ("wood", 0.05, 0.15), (SHADE, 0.1, 0.25)),
        ),
        fades=0.25, rough=0.1, twin="dry shrubs",
    ),
    "dry shrubs": Material(
        ((("leaves of shrubs", 0.08, 0.2), ("straw", 0.1, 0.25), ("wood", 0.05, 0.15), ("soil", 0.4, 0.7)),), rough=0.1
    ),
    "grass": Material(
        (
            (("lawns", 0.9, 1.0), ("soil", 0.0, 0.1)),
            (("leaves of grass", 0.75, 0.95), ("straw", 0.0, 0.12), ("soil", 0.0, 0.1)),
        ),
        fades=0.35, twin="stressed grass",
    ),
    "stressed grass": Material(
        ((("leaves of grass", 0.35, 0.55), ("straw", 0.3, 0.5), ("soil", 0.05, 0.15)),), fades=0.3
    ),
    "dry grass": Material(
        ((("straw", 0.7, 0.95), ("soil", 0.03, 0.2), ("leaves of grass", 0.0, 0.08)),), rough=0.05, twin="stubble"
    ),
    "mature crop": Material(
        ((("leaves of crops", 0.9, 1.0), ("soil", 0.0, 0.1)),), rough=0.03, fades=0.1, twin="young crop"
    ),
    "young crop": Material(((("leaves of crops", 0.2, 0.4), ("soil", 0.6, 0.8)),), rough=0.04, soaks=True),
    "ripe grain": Material(((("yellow leaves", 0.15, 0.35), ("straw", 0.5, 0.75), ("soil", 0.0, 0.1)),)),
    "stubble": Material(((("straw", 0.35, 0.55), ("soil", 0.45, 0.65)),), soaks=True),
    "orchard": Material(
        ((("leaves of trees", 0.35, 0.5), (SHADE, 0.1, 0.2), ("soil", 0.25, 0.4), ("straw", 0.05, 0.15)),),
        tall=True, rough=0.12, fades=0.1,
    ),
    "vineyard": Material(
        ((("leaves of shrubs", 0.25, 0.4), (SHADE, 0.05, 0.12), ("soil", 0.45, 0.65)),), rough=0.08, fades=0.15
    ),
    "reeds": Material(
        ((("leaves of grass", 0.3, 0.5), ("straw", 0.3, 0.5), (SHADE, 0.1, 0.2)),), "shore", fades=0.3, rough=0.07
    ),
    "marsh": Material(
        ((("leaves of grass", 0.4, 0.6), ("straw", 0.1, 0.2), (WATER, 0.25, 0.4)),), "shore", fades=0.2, rough=0.07
    ),
    "floating plants": Material(((("leaves of crops", 0.5, 0.8), (WATER, 0.2, 0.5)),), "shore", rough=0.06),
    "dune grass": Material(((("leaves of grass", 0.2, 0.35), ("straw", 0.1, 0.25), ("sand", 0.45, 0.65)),), fades=0.3),
    # water
    "water": Material((((WATER, 1.0, 1.0),),), "water", rough=0.03, twin="turbid water", water="clear"),
    "turbid water": Material((((WATER, 1.0, 1.0),),), "water", rough=0.03, water="turbid"),
    # minerals
    "kaolinite": _mineral("kaolinite", "full kaolinite", twin="alunite"),
    "alunite": _mineral("alunite"),
    "muscovite": _mineral("muscovite", twin="montmorillonite"),
    "montmorillonite": _mineral("montmorillonite"),
    "jarosite": _mineral("jarosite", "full jarosite"),
    "chlorite": _mineral("chlorite", "full chlorite", twin="epidote"),
    "epidote": _mineral("epidote"),
    "gypsum": _mineral("gypsum"),
    "talc": _mineral("talc"),
    "pyrophyllite": _mineral("pyrophyllite"),
    "calcite": _mineral("calcite", twin="dolomite"),
    "dolomite": _mineral("dolomite", "full dolomite"),
    "illite": _mineral("illite"),
    "buddingtonite": _mineral("buddingtonite"),
    "serpentine": _mineral("serpentine"),
}  # fmt: skip
