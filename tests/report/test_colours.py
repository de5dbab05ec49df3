"""The colours of maps: usual, the same from scene to scene, and told apart by everybody."""

from __future__ import annotations

import numpy as np
import pytest

from special.classnames.class_list import ClassList
from special.landcover.concepts import load_concepts
from special.report.colours import _HOMES, palette
from special.report.legend import colours_of, known_concepts, legend_of
from special.report.vision import VISIONS, lab, seen, simulated

LISTS = {
    "four": "Trees, Grass, Bare soil, Water",
    "a town": "Asphalt, Meadows, Gravel, Trees, Painted metal sheets, Bare Soil, Bitumen, "
    "Self-Blocking Bricks, Shadows",
    "a farm": "Alfalfa, Corn, Soybean, Wheat, Oats, Woods, Pasture, Hay, Buildings, Road",
    "minerals": "kaolinite, alunite, muscovite, calcite, hematite, jarosite, goethite, chlorite, dickite, opal",
    "a coast": "Water, Deep water, Shallow water, Sand, Salt marsh, Mangrove, Mud, Seagrass, Clouds, Boat",
    "every usual one": "Water, Trees, Grass, Crops, Bare soil, Roof, Asphalt, Concrete, Shadow, Metal roof, Sand, Snow",
    "nothing known": "zig, zag, zog, zug, zeg, zyg, bip, bop, bup, bap",
}
# Viénot, Brettel and Mollon 1999 (doi 10.1002/(SICI)1520-6378(199908)24:4<243::AID-COL5>3.0.CO;2-3): another simulation
# than the one that colours are chosen by. Linear sRGB to cones and back; who lacks one kind sees the plane between the
# others.
TO_CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
PLANES = {
    "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}


def classes(text: str) -> ClassList:
    return ClassList.parse(text.split(", "))


def closest(places: np.ndarray) -> float:
    """The least CIE 1976 distance of colours (n, 3); 2.3 is just noticeable side by side."""
    distances = np.linalg.norm(places[:, None] - places, axis=-1)
    return distances[np.triu_indices(len(places), 1)].min()


def by_vienot(colours: np.ndarray, kind: str) -> np.ndarray:
    """What dichromats see, as sRGB, uint8 (n, 3)."""
    part = colours / 255.0
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    shrunk = linear * 0.992052 + 0.003974  # so that what is seen lies within sRGB
    there = np.clip(shrunk @ (np.linalg.inv(TO_CONES) @ PLANES[kind] @ TO_CONES).T, 0, 1)
    back = np.where(there <= 0.0031308, 12.92 * there, 1.055 * there ** (1 / 2.4) - 0.055)
    return (255 * back).round().astype(np.uint8)


def test_distances_are_measured_in_the_space_of_cie_1976() -> None:
    colours = np.array([[255, 255, 255], [255, 0, 0], [0, 0, 255], [0, 0, 0]], np.uint8)
    published = [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [0, 0, 0]]
    np.testing.assert_allclose(lab(colours), published, atol=0.15)


def test_grey_is_grey_to_everybody_and_red_is_no_red_without_its_cones() -> None:
    grey = seen(np.array([128, 128, 128], np.uint8))
    np.testing.assert_allclose(grey, np.broadcast_to(grey[0], grey.shape), atol=0.1)
    red = seen(np.array([255, 0, 0], np.uint8))
    assert VISIONS[1] == "protanopia" and red[1, 0] < red[0, 0] - 10, "it looks dark"
    assert VISIONS[2] == "deuteranopia" and abs(red[2, 1]) < abs(red[0, 1]) / 2, "it looks yellowish"


def test_what_is_shown_of_a_vision_is_what_is_measured() -> None:
    colours = np.array([[255, 0, 0], [10, 120, 60], [255, 255, 255]], np.uint8)
    assert simulated(colours)[:, 0].tolist() == colours.tolist()
    np.testing.assert_allclose(lab(simulated(colours)), seen(colours), atol=1.5)


@pytest.mark.parametrize("vision", range(len(VISIONS)), ids=VISIONS)
@pytest.mark.parametrize("name", LISTS)
def test_everybody_can_tell_the_classes_of_a_list_apart(name: str, vision: int) -> None:
    assert closest(seen(colours_of(classes(LISTS[name])))[:, vision]) >= 20


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("name", LISTS)
def test_by_another_simulation_they_can_be_told_apart_too(name: str, kind: str) -> None:
    assert closest(lab(by_vienot(colours_of(classes(LISTS[name])), kind))) >= 12


@pytest.mark.parametrize(("count", "apart"), [(2, 20), (10, 20), (16, 20), (20, 16), (40, 10)])
def test_the_more_classes_the_closer_their_colours_and_not_closer_than_must_be(count: int, apart: float) -> None:
    looks = seen(palette([f"class {k}" for k in range(count)]))
    assert min(closest(looks[:, vision]) for vision in range(len(VISIONS))) >= apart


def test_a_land_cover_has_the_same_colour_in_every_scene() -> None:
    town, coast = legend_of(classes("Asphalt, Trees, Grass, Water, Shadow")), legend_of(classes("Sand, Water, Trees"))
    farm = legend_of(classes("Forest, Corn, meadow, lake"))
    colour = {name: rgb.tolist() for name, rgb in zip(town.names, town.colours, strict=True)}
    assert coast.colours[1].tolist() == farm.colours[3].tolist() == colour["Water"]
    assert coast.colours[2].tolist() == farm.colours[0].tolist() == colour["Trees"]
    assert farm.colours[2].tolist() == colour["Grass"], "a meadow is grass"


def test_the_order_of_a_list_changes_no_colour() -> None:
    names = LISTS["a town"].split(", ")
    forwards, backwards = colours_of(ClassList.parse(names)), colours_of(ClassList.parse(names[::-1]))
    np.testing.assert_array_equal(forwards, backwards[::-1])


def test_the_colours_of_the_list_win_and_the_others_keep_away_from_them() -> None:
    found = colours_of(ClassList.parse(["Water #103820", "Trees", "Grass #ffffff"]))
    assert found[0].tolist() == [0x10, 0x38, 0x20] and found[2].tolist() == [255, 255, 255]
    assert min(closest(seen(found)[:, vision]) for vision in range(len(VISIONS))) >= 20


def test_two_classes_may_be_given_one_colour() -> None:
    assert palette(["a", "b"], ["#112233", "#112233"]).tolist() == [[0x11, 0x22, 0x33]] * 2


def test_every_concept_but_minerals_has_a_usual_colour() -> None:
    table = load_concepts()
    assert set(table.concepts) - table.minerals == set(_HOMES)


def test_colours_say_what_the_classes_are() -> None:
    water, trees, soil, corn = palette(["Clear water", "Trees", "bare soil", "Corn"]).astype(int)
    assert water[2] > water[0] and trees[1] > max(trees[0], trees[2]) and soil[0] > soil[1] > soil[2]
    assert corn[2] < corn.max(), "what is not water is not blue"


def test_a_word_inside_another_is_not_that_word() -> None:
    water, melon = palette(["Water"])[0], palette(["Watermelon"])[0]
    assert water.tolist() != melon.tolist()


def test_a_legend_says_what_is_meant_by_the_words_alone() -> None:
    listed = ClassList.parse(["Wald", "Roads and houses", "Hydrocarbon stuff", "Grünfläche x17 | lawn"])
    meant, english = known_concepts(listed, load_concepts())
    assert meant[0] == ("tree",) and set(meant[1]) == {"asphalt", "roof"} and meant[2] == () and meant[3] == ("grass",)
    assert legend_of(listed).concepts[1] in ("asphalt + roof", "roof + asphalt") and english[0] != "Wald"
