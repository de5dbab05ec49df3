"""What a spectrum must look like to be what it claims to be."""

from __future__ import annotations

import numpy as np
import pytest

from special.landcover.concepts import ConceptTable, Variant, load_concepts
from special.landcover.plausibility import KINDS, complaints
from special.llm.sketch import read_schema

PLANTS = ("grass", "tree", "conifer forest", "shrub", "corn", "soybean", "lettuce", "rapeseed", "wetland", "mangrove")
PLANTS += ("sunflower", "sugarcane", "sugar beet", "potato", "banana", "tea", "olive leaves", "palm", "eucalyptus")
PLANTS += ("rubber plantation", "rainforest", "bamboo", "fern", "cactus", "water hyacinth")
MINERALS = ("kaolinite", "alunite", "muscovite", "calcite", "jarosite", "hematite", "olivine", "quartz", "gypsum")
DARK = ("peat", "coal", "ash", "oil-soaked soil")
ROOFS = ("thatch", "slate", "rusty metal roof", "fiber cement roof", "black plastic", "blue tarpaulin", "plaster")
GROUND = ("bare soil", "red soil", "wet soil", "sand", "rock", "basalt", "limestone", "clay", "salt flat")
PURE = {
    "green vegetation": PLANTS,
    "dry vegetation": ("dry grass", "straw", "crop residue"),
    "soil or rock": (*GROUND, *DARK, *MINERALS),
    "water": ("water", "shallow water", "swimming pool", "turbid water", "deep water", "seagrass"),
    "snow or ice": ("snow", "fresh snow", "old snow", "wet snow", "dirty snow", "glacier ice", "sea ice"),
    "artificial": ("asphalt", "concrete", "white roof", "solar panel", "plastic", "car", "artificial turf", *ROOFS),
    "other": ("cloud", "shadow", "burnt area", "moss", "orchard"),
}


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def percent(variant: Variant) -> np.ndarray:
    return 100 * (variant.reflectance if variant.canopy is None else variant.canopy)


def first(table: ConceptTable, name: str) -> np.ndarray:
    return percent(table.concepts[name].variants[0])


def test_the_kinds_are_those_of_the_schema() -> None:
    assert tuple(read_schema(24)["properties"]["kind"]["enum"]) == KINDS == tuple(PURE)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PURE.items() for name in names])
def test_the_table_is_plausible(table: ConceptTable, kind: str, name: str) -> None:
    assert complaints(kind, table.wavelengths, first(table, name)) == []


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("asphalt", "green vegetation"),
        ("artificial turf", "green vegetation"),
        ("dry grass", "green vegetation"),
        ("bare soil", "green vegetation"),
        ("water", "green vegetation"),
        ("grass", "dry vegetation"),
        ("bare soil", "dry vegetation"),
        ("grass", "soil or rock"),
        ("water", "soil or rock"),
        ("asphalt", "water"),
        ("wet soil", "water"),
        ("tree", "water"),
        ("cloud", "snow or ice"),
        ("concrete", "snow or ice"),
    ],
)
def test_one_thing_cannot_claim_to_be_another(table: ConceptTable, name: str, claimed: str) -> None:
    assert complaints(claimed, table.wavelengths, first(table, name))


def changed(table: ConceptTable, name: str, nm: float, value: float) -> list[str]:
    spectrum = first(table, name).copy()
    spectrum[np.abs(table.wavelengths - nm).argmin()] = value
    return complaints("artificial", table.wavelengths, spectrum)


@pytest.mark.parametrize(
    ("nm", "value", "said"),
    [
        (860, 101, "between 0 and 100"),
        (860, -1, "between 0 and 100"),
        (860, float("nan"), "between 0 and 100"),
        (860, 90, "jumps from"),
        (860, 40, "stand alone"),
    ],
)
def test_one_wild_value_is_found(table: ConceptTable, nm: float, value: float, said: str) -> None:
    assert any(said in complaint for complaint in changed(table, "asphalt", nm, value))


def test_zigzag_is_found(table: ConceptTable) -> None:
    spectrum = first(table, "concrete") * np.where(np.arange(len(table.wavelengths)) % 2, 1.2, 1 / 1.2)
    assert any("up and down" in complaint for complaint in complaints("other", table.wavelengths, spectrum))


def test_all_black_is_nothing(table: ConceptTable) -> None:
    assert complaints("other", table.wavelengths, np.zeros_like(table.wavelengths))


@pytest.mark.parametrize(
    ("nm", "said"), [(980, "980 nm"), (1520, "1520 nm"), (2050, "2050 nm"), (680, "550 nm"), (705, "red edge")]
)
def test_each_mark_of_green_leaves_is_asked_for(table: ConceptTable, nm: float, said: str) -> None:
    spectrum = first(table, "grass").copy()
    near = np.abs(table.wavelengths - nm) < 30
    spectrum[near] = 28 if nm < 900 else 45
    assert any(said in complaint for complaint in complaints("green vegetation", table.wavelengths, spectrum))
