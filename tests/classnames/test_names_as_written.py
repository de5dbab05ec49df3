"""Class names as users and the well-known public scenes write them."""

from __future__ import annotations

import pytest

from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import Reading, read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.teachers.spectrum_text.expected_spectra import NEGLIGIBLE

# Name -> what it has to mean: one concept, several side by side joined by " + ", or the likeliest of several, "a / b".
# From what the words mean; no scene was looked at.
SCENES = {
    "Pavia": {
        "Asphalt": "asphalt",
        "Meadows": "meadow",
        "Gravel": "gravel",
        "Trees": "tree",
        "Painted metal sheets": "painted metal sheets",
        "Bare Soil": "bare soil",
        "Bitumen": "bitumen",
        "Self-Blocking Bricks": "paving bricks",
        "Shadows": "shadow",
        "Tiles": "red roof tiles",
        "Water": "water",
    },
    "Salinas": {
        "Brocoli_green_weeds_1": "broccoli",
        "Fallow_rough_plow": "fallow",
        "Fallow_smooth": "fallow",
        "Stubble": "straw",
        "Celery": "lettuce",
        "Grapes_untrained": "vineyard",
        "Soil_vinyard_develop": "fallow",
        "Corn_senesced_green_weeds": "corn",
        "Lettuce_romaine_4wk": "lettuce",
        "Vinyard_untrained": "vineyard",
        "Vinyard_vertical_trellis": "vineyard",
    },
    "Indian Pines": {
        "Alfalfa": "alfalfa",
        "Corn-notill": "corn",
        "Grass-pasture": "meadow",
        "Grass-trees": "grass + tree",
        "Grass-pasture-mowed": "meadow",
        "Hay-windrowed": "straw",
        "Oats": "cereal",
        "Soybean-clean": "soybean",
        "Woods": "tree",
        "Buildings-Grass-Trees-Drives": "roof + grass + tree + pavement",
        "Stone-Steel-Towers": "rock + metal roof + roof",
    },
    "Kennedy Space Center": {
        "Scrub": "shrub",
        "Willow swamp": "tree + wetland",
        "CP hammock": "tree",
        "CP/Oak": "tree",
        "Slash pine": "conifer forest",
        "Oak/Broadleaf": "tree",
        "Hardwood": "tree",
        "Hardwood swamp": "tree + wetland",
        "Graminoid marsh": "wetland",
        "Spartina marsh": "wetland",
        "Cattail marsh": "wetland",
        "Salt marsh": "wetland",
        "Mud flats": "wet soil",
    },
    "Botswana": {
        "Hippo grass": "rice paddy",
        "Floodplain grasses 1": "meadow",
        "Reeds": "wetland",
        "Riparian": "tree",
        "Firescar": "burnt area",
        "Island interior": "dry grass",
        "Acacia woodlands": "tree",
        "Acacia shrublands": "shrub",
        "Acacia grasslands": "tree + grass",
        "Short mopane": "shrub",
        "Mixed mopane": "tree",
        "Exposed soils": "bare soil",
    },
    "Houston": {
        "Healthy grass": "grass",
        "Stressed grass": "dry grass",
        "Synthetic grass": "artificial turf",
        "Residential": "residential area",
        "Commercial": "commercial area",
        "Road": "asphalt",
        "Highway": "asphalt",
        "Railway": "railway",
        "Parking Lot 2": "parking lot",
        "Tennis Court": "running track",
        "Running Track": "running track",
        "Evergreen trees": "conifer forest / tree",
        "Bare earth": "bare soil",
        "Residential buildings": "roof",
        "Non-residential buildings": "gray roof",
        "Crosswalks": "pavement",
        "Major thoroughfares": "asphalt",
        "Paved parking lots": "parking lot",
        "Unpaved parking lots": "gravel",
        "Trains": "car",
        "Stadium seats": "plastic",
    },
    "WHU-Hi": {
        "Sesame": "crop",
        "Broad-leaf soybean": "soybean",
        "Narrow-leaf soybean": "soybean",
        "Roads and houses": "asphalt + roof",
        "Mixed weed": "weeds",
        "Strawberry": "root crop",
        "Cowpea": "soybean",
        "Sorghum": "corn",
        "Water spinach": "lettuce",
        "Greens": "crop",
        "Red roof": "red roof tiles",
        "Gray roof": "gray roof",
        "Bright object": "white roof",
        "Cotton firewood": "crop residue",
        "Rape": "rapeseed",
        "Tuber mustard": "rapeseed",
        "Brassica parachinensis": "broccoli",
        "Small Brassica chinensis": "lettuce",
        "Lactuca sativa": "lettuce",
        "Celtuce": "lettuce",
        "Film covered lettuce": "plastic + lettuce",
        "White radish": "root crop",
        "Garlic sprout": "crop",
        "Broad bean": "soybean",
    },
    "MUUFL Gulfport": {
        "Mostly grass": "grass",
        "Mixed ground surface": "ground",
        "Dirt and sand": "bare soil + sand",
        "Buildings shadow": "shadow",
        "Sidewalk": "pavement",
        "Yellow curb": "concrete",
        "Cloth panels": "cloth",
    },
    "Trento, Augsburg, Washington": {
        "Apple trees": "orchard",
        "Ground": "ground",
        "Residential area": "residential area",
        "Industrial area": "commercial area",
        "Low plants": "grass",
        "Allotment": "garden",
        "Path/Gravel": "gravel",
        "Asphalt road": "asphalt",
        "Metal": "metal roof",
    },
    "Cuprite": {
        "Alunite": "alunite",
        "Kaolinite 2": "kaolinite",
        "Nontronite": "nontronite",
        "Muscovite": "muscovite",
        "Calcite": "calcite",
        "Chalcedony": "chalcedony",
        "Desert varnish": "iron oxide",
        "Andradite": "garnet",
    },
    "geologists": {
        "Sericite": "muscovite",
        "white mica": "muscovite",
        "Phyllic alteration": "phyllic alteration",
        "argillic": "argillic alteration",
        "Advanced argillic zone": "advanced argillic alteration",
        "Propylitic": "propylitic alteration",
        "Clay minerals": "clay minerals",
        "Iron oxides": "iron oxide",
        "Carbonates": "carbonate minerals",
        "Gossan": "gossan",
        "Laterite": "red soil",
        "Tailings": "mine tailings",
        "Skarn": "skarn",
        "Limonite": "goethite",
        "Kaolinite, poorly ordered": "kaolinite",
        "Limestone": "limestone",
        "Clay": "clay",
    },
    "ice, water, roofs": {
        "Fresh snow": "fresh snow",
        "Firn": "old snow",
        "Melting snow": "wet snow",
        "Glacier": "glacier ice",
        "Turbid water": "turbid water",
        "Blue-green algae": "cyanobacteria bloom",
        "Oil spill": "oil slick",
        "Thatched roofs": "thatch",
        "Slate roof": "slate",
        "Oil palm": "palm",
        "Olive trees": "olive grove",
        "Eucalyptus trees": "eucalyptus",
        "Sugar beet": "sugar beet",
        "Peat": "peat",
    },
    "as users write": {
        "winter wheat": "cereal",
        "solar panels (flat roof)": "solar panel",
        "Roof (tiles)": "red roof tiles",
        "Roof, tiled": "red roof tiles",
        "Bare fields": "bare soil",
        "PLOUGHED FIELDS": "bare soil",
        "harvested wheat field": "straw",
        "Barley stubble": "straw",
        "Deciduous and coniferous forest": "tree + conifer forest",
        "Mixed forest": "mixed forest",
        "Trees or shrubs": "tree / shrub",
        "Roads & paths": "asphalt + gravel",
        "Water bodies": "water",
        "Muddy water": "turbid water",
        "Deep water": "deep water",
        "Flat roofs": "roof",
        "grey roof": "gray roof",
        "Burned forest": "burnt area",
        "Clear-cut": "crop residue",
        "concrete road": "concrete",
        "Tree shadow": "shadow",
        "Palm trees": "palm",
        "Vegetables": "crop",
        "Sparse vegetation": "green vegetation",
        "Urban fabric": "residential area",
        "Ulmus pumila": "tree",
        "brocolli": "broccoli",
        "Cars and trucks": "car",
        "1: Water": "water",
    },
}


BY_NAME = {"Cuprite", "geologists", "ice, water, roofs", "as users write"}  # lists that name minerals and other kinds


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def read(table: ConceptTable, *lines: str) -> list[Reading]:
    padded = [*lines, "Zebra crossing", "Snow"]
    return [group[0] for group in read_names(ClassList.parse(padded), table, default_encoder())][: len(lines)]


@pytest.mark.parametrize("scene", SCENES)
def test_names_of_known_scenes_mean_what_their_words_mean(table: ConceptTable, scene: str) -> None:
    expected = SCENES[scene]
    wrong = {}
    for name, reading in zip(expected, read(table, *expected), strict=True):
        if " / " in expected[name]:
            right = {reading.concepts[0][0], reading.concepts[1][0]} == set(expected[name].split(" / "))
        elif " + " in expected[name]:
            right = reading.parts and [concept for concept, _ in reading.concepts] == expected[name].split(" + ")
        else:
            right = reading.concepts[0][0] == expected[name] and reading.concepts[0][1] > 0.5
        if not right:
            wrong[name] = reading.concepts
    assert not wrong


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene not in BY_NAME])
def test_covers_that_must_be_named_are_not_read_into_other_lists(table: ConceptTable, scene: str) -> None:
    apart = table.apart | table.minerals
    for name, reading in zip(SCENES[scene], read(table, *SCENES[scene]), strict=True):
        assert not {c for c, weight in reading.concepts if weight >= NEGLIGIBLE} & apart, name


@pytest.mark.parametrize("name", ["Other", "Unknown class", "Background/unknown", "Clutter", "No data", "other areas"])
def test_all_ways_to_say_other_mean_no_concept(table: ConceptTable, name: str) -> None:
    assert read(table, name)[0].concepts == ()


@pytest.mark.parametrize(
    ("name", "dry"),
    [
        ("wilted lawn", True),
        ("Corn (senesced)", True),
        ("dying conifers", True),
        ("mature corn", True),
        ("mature forest", False),
        ("Yellow curb", False),
        ("dry sand", False),
    ],
)
def test_only_what_is_green_dries_and_only_crops_ripen(table: ConceptTable, name: str, dry: bool) -> None:
    assert bool(read(table, name)[0].dry) is dry


def test_a_modifier_in_brackets_or_after_a_comma_modifies(table: ConceptTable) -> None:
    young, sparse = read(table, "Maize (young)", "Barley, sparse")
    assert (young.concepts, young.stage) == ((("corn", 1.0),), 0.0)
    assert (sparse.concepts, sparse.stage) == ((("cereal", 1.0),), 0.0)


def test_a_misspelt_word_is_the_word_it_nearly_is(table: ConceptTable) -> None:
    assert read(table, "Vinyard")[0].read_by == "table"


def test_no_two_concepts_share_a_phrase_in_any_number_or_spelling(table: ConceptTable) -> None:
    from special.classnames.vocabulary import normalise, stem

    owners: dict[str, str] = {}
    for concept in table.concepts.values():
        for text in concept.texts:
            key = " ".join(map(stem, normalise(text).split()))
            assert owners.setdefault(key, concept.name) == concept.name, text


def test_a_description_says_what_an_unknown_name_means(table: ConceptTable) -> None:
    reading = read(table, "Zorbium plains: dry grass and bare salty soil")[0]
    assert reading.read_by == "description"
    assert [name for name, _ in reading.concepts] == ["dry grass", "bare soil"]


def test_a_description_in_free_words_goes_through_the_encoder(table: ConceptTable) -> None:
    reading = read(table, "Target 3: a blue tarpaulin laid out for calibration flights")[0]
    assert reading.concepts[0][0] == "blue tarpaulin"


def test_a_description_weighs_more_than_a_known_name_and_does_not_replace_it(table: ConceptTable) -> None:
    plain, described = read(table, "Road", "Highway: light concrete")
    assert plain.concepts == (("asphalt", 1.0),)
    assert [name for name, _ in described.concepts] == ["concrete", "asphalt"]
    assert described.concepts[0][1] > 0.6


def test_a_description_adds_modifiers_to_a_known_name(table: ConceptTable) -> None:
    reading = read(table, "Grass: dry and yellow in August")[0]
    assert reading.concepts == (("grass", 1.0),) and reading.dry > 0


def test_an_unknown_name_means_what_its_known_synonym_means(table: ConceptTable) -> None:
    reading = read(table, "Zorbium | dry grass")[0]
    assert (reading.concepts, reading.read_by) == ((("dry grass", 1.0),), "synonym")


def test_a_described_other_still_takes_the_rest(table: ConceptTable) -> None:
    assert read(table, "Other: cars and boats")[0].concepts == ()
