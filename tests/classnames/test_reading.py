"""How class names are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from special.classnames.class_list import ClassList
from special.classnames.encoder import SentenceEncoder, default_encoder
from special.classnames.reading import Reading, normalise, read_names
from special.landcover.concepts import ConceptTable, load_concepts


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def read(table: ConceptTable, *names: str) -> list[Reading]:
    lines = [*names, "Zebra crossing"] if len(names) == 1 else list(names)
    return [group[0] for group in read_names(ClassList.parse(lines), table, default_encoder())][: len(names)]


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Water", "water"),
        ("Meadows", "meadow"),
        ("Self-Blocking Bricks", "paving bricks"),
        ("Vineyard_untrained", "vineyard"),
        ("Synthetic grass", "artificial turf"),
        ("winter wheat", "cereal"),
        ("solar panels (flat roof)", "solar panel"),
        ("Slash pine", "conifer forest"),
    ],
)
def test_a_name_that_the_table_knows_means_that_concept(table: ConceptTable, name: str, concept: str) -> None:
    assert read(table, name)[0].concepts == ((concept, 1.0),)


def test_names_that_the_table_knows_are_read_without_the_encoder_which_takes_seconds(table: ConceptTable) -> None:
    class Untouched:
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            raise AssertionError(texts)

    readings = read_names(ClassList.parse(["Water", "Corn-notill", "Gras", "Other"]), table, Untouched())
    assert [group[0].read_by for group in readings] == ["table", "table", "table", ""]


@pytest.mark.parametrize(
    ("name", "concept"),
    [("Romaine salad leaves", "lettuce"), ("Coniferous woodland", "conifer forest"), ("Tarred street", "asphalt")],
)
def test_a_name_that_the_table_lacks_means_the_nearest_concept(table: ConceptTable, name: str, concept: str) -> None:
    reading = read(table, name)[0]
    assert reading.concepts[0][0] == concept
    assert sum(weight for _, weight in reading.concepts) == pytest.approx(1)


def test_texts_have_the_vectors_that_they_have_alone() -> None:
    texts = ["bare soil", "a long sentence about green water in which there are algae", "sea"]
    alone = [SentenceEncoder().encode([text])[0] for text in texts]
    np.testing.assert_allclose(SentenceEncoder().encode(texts), alone, atol=1e-6)


def test_numbers_order_the_stages_of_a_series(table: ConceptTable) -> None:
    late, early, middle = read(table, "Lettuce 7wk", "Lettuce 4wk", "Lettuce 5wk")
    assert (early.stage, middle.stage, late.stage) == (0.0, 0.5, 1.0)
    assert early.series == middle.series == late.series is not None


def test_stages_are_ordered_by_age_and_not_by_the_number_alone(table: ConceptTable) -> None:
    assert [r.stage for r in read(table, "Lettuce 2 weeks", "Lettuce 10 days", "Lettuce 1 month")] == [0.5, 0.0, 1.0]


@pytest.mark.parametrize(
    ("name", "weeks"),
    [
        ("Lettuce_romaine_4wk", 4),
        ("Corn 6.5 weeks", 6.5),
        ("Corn 3 wks", 3),
        ("Soybean 14d", 2),
        ("Corn 2 months", 8.7),
        ("Alfalfa 2 years", 104.4),
        ("Corn or soybean 3 weeks", 3),
    ],
)
def test_a_crop_has_its_age_in_weeks(table: ConceptTable, name: str, weeks: float) -> None:
    assert read(table, name)[0].age == pytest.approx(weeks)


@pytest.mark.parametrize("name", ["Corn 2", "Corn 2 m", "Corn", "Parking lot 3 weeks", "Forest 4 years"])
def test_a_number_without_a_unit_of_time_or_of_what_is_no_crop_is_no_age(table: ConceptTable, name: str) -> None:
    assert read(table, name)[0].age is None


def test_numbered_things_that_do_not_grow_are_no_series(table: ConceptTable) -> None:
    assert [r.series for r in read(table, "Parking lot 1", "Parking lot 2")] == [None, None]


@pytest.mark.parametrize("name", ["Corn senesced", "wilted lawn", "Dry maize"])
def test_words_for_dry_plants_dry_the_canopy(table: ConceptTable, name: str) -> None:
    assert read(table, name)[0].dry > 0


def test_tillage_sets_the_residue_on_the_ground(table: ConceptTable) -> None:
    notill, mintill, clean = read(table, "Corn-notill", "Corn-mintill", "Corn-clean")
    assert notill.residue is not None and mintill.residue is not None and clean.residue is not None
    assert notill.residue > mintill.residue > clean.residue
    assert notill.concepts == mintill.concepts == (("corn", 1.0),)


def test_weeds_beside_a_crop_leave_the_crop_its_name(table: ConceptTable) -> None:
    reading = read(table, "Broccoli green weeds")[0]
    assert reading.weeds
    assert reading.concepts == (("broccoli", 1.0),)


def test_two_known_things_side_by_side_are_both_meant(table: ConceptTable) -> None:
    reading = read(table, "Grass-trees")[0]
    assert reading.parts
    assert {name for name, _ in reading.concepts} == {"grass", "tree"}


def test_other_means_no_concept(table: ConceptTable) -> None:
    assert read(table, "Other")[0].concepts == ()


def test_every_synonym_in_the_class_list_is_read(table: ConceptTable) -> None:
    group = read_names(ClassList.parse(["Water | snow", "Tree"]), table, default_encoder())[0]
    assert [reading.concepts[0][0] for reading in group] == ["water", "snow"]


def test_case_hyphens_and_brackets_do_not_matter() -> None:
    assert normalise("Self-Blocking_Bricks (grey)") == normalise("self blocking bricks") == "self blocking bricks"


def test_what_is_mown_keeps_more_of_its_green_than_what_is_senesced(table: ConceptTable) -> None:
    mown, senesced = read(table, "Grass mowed")[0], read(table, "Grass senesced")[0]
    assert 0 < mown.dry < senesced.dry


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Blue house", "painted metal sheets"),
        ("Buildings (dark)", "bitumen"),
        ("Man-made (red)", "red roof tiles"),
        ("Wooden houses", "wood shingle roof"),
        ("Tin building", "metal roof"),
    ],
)
def test_of_a_building_the_roof_is_seen(table: ConceptTable, name: str, concept: str) -> None:
    assert read(table, name)[0].concepts == ((concept, 1.0),)


def test_an_unknown_word_is_a_mineral_only_in_a_list_of_minerals(table: ConceptTable) -> None:
    unknown = "Gourdite"
    plain = read(table, unknown, "Grass", "Road")[0]
    among_minerals = read(table, unknown, "Kaolinite", "Alunite")[0]
    assert not table.minerals & {concept for concept, _ in plain.concepts}
    assert table.minerals & {concept for concept, _ in among_minerals.concepts}


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("Developed, High Intensity", {"commercial area"}),  # National Land Cover Database
        ("Green urban areas", {"grass"}),  # CORINE
        ("Evergreen Needleleaf Forests", {"conifer forest"}),  # IGBP
        ("Honeydew Melons", {"root crop"}),  # Cropland Data Layer
        ("Willow swamp", {"tree", "wetland"}),
        ("Turbid plume", {"turbid water"}),
    ],
)
def test_names_of_well_known_legends_are_known(table: ConceptTable, name: str, concepts: set[str]) -> None:
    reading = read(table, name)[0]
    assert reading.read_by == "table"
    assert {concept for concept, _ in reading.concepts} == concepts
