"""Descriptions of classes: the file that people edit, and the texts that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from special.classnames.class_list import ClassList
from special.classnames.descriptions import curated, format_descriptions, read_descriptions
from special.classnames.encoder import default_encoder
from special.errors import DescriptionError
from special.landcover.concepts import load_concepts
from special.resources import PROMPTS

CLASSES = ClassList.parse(["Roof (flat)", "Corn-notill | maize", "Open Water"])
GOOD = """# a comment

[Open water]
Dark and
smooth.

# another comment
Black in the infrared.

[Corn-notill]

Rows of plants.
[Roof (flat)]
Grey.
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "descriptions.txt"
    path.write_text(text, encoding="utf-8")
    return path


def describe(*names: str) -> list[tuple[str, ...]]:
    return curated(ClassList.parse(names), default_encoder())


def test_paragraphs_come_in_the_order_of_the_class_list(tmp_path: Path) -> None:
    assert read_descriptions(write(tmp_path, GOOD), CLASSES) == [
        ("Grey.",),
        ("Rows of plants.",),
        ("Dark and smooth.", "Black in the infrared."),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[Corn-notill]", "[Corn-mintill]"), r"line 10: \[Corn-mintill\] is not in the class list.*\[Corn-notill\]\?"),
        (("[Corn-notill]", "[Lava]"), "the classes are Roof"),
        (("[Corn-notill]", "[open  water]"), "line 10: .*stands there twice"),
        (("[Corn-notill]", ""), "does not describe Corn-notill: add a line"),
        (("Grey.", "# Grey."), r"\[Roof \(flat\)\] has no text"),
        (("Rows of plants.", ""), r"\[Corn-notill\] has no text"),
        (("# a comment", "a comment"), "line 1: 'a comment' stands before the first class"),
        (("[Corn-notill]", "[ ]"), "names no class"),
    ],
)
def test_a_malformed_file_is_refused_with_its_reason(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(DescriptionError, match=said) as error:
        read_descriptions(write(tmp_path, GOOD.replace(*change)), CLASSES)
    assert "\n" not in str(error.value) and "descriptions.txt" in str(error.value)


def test_an_empty_file_describes_no_class(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"does not describe Roof \(flat\), Corn-notill, Open Water"):
        read_descriptions(write(tmp_path, ""), CLASSES)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("[Straße]\nGrün.".encode("latin-1"))
    for name, said in (("absent.txt", "special describe writes them"), (".", "is a folder"), ("latin.txt", "UTF-8")):
        with pytest.raises(DescriptionError, match=said):
            read_descriptions(tmp_path / name, CLASSES)


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60)
paragraph = st.lists(words, min_size=1, max_size=40).map(" ".join).filter(lambda text: text[0] not in "#[")


@given(st.lists(st.lists(paragraph, min_size=1, max_size=3).map(tuple), min_size=3, max_size=3))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, ...]]) -> None:
    path = tmp_path_factory.mktemp("round") / "descriptions.txt"
    path.write_text(format_descriptions(zip(CLASSES.names, texts, strict=True), ["Edit", "", "me"]), encoding="utf-8")
    assert read_descriptions(path, CLASSES) == texts


def test_a_line_that_would_be_a_comment_stays_in_its_paragraph(tmp_path: Path) -> None:
    text = f"{'word ' * 19}#1 of them, and {'word ' * 16}[so]"
    entries = [(name, [text]) for name in CLASSES.names]
    assert read_descriptions(write(tmp_path, format_descriptions(entries)), CLASSES)[0] == (text,)


def test_every_concept_of_the_table_is_described_in_several_paragraphs() -> None:
    names = list(load_concepts().concepts)
    for name, paragraphs in zip(names, describe(*names), strict=True):
        assert len(paragraphs) >= 2, name
        assert all(len(text) > 60 for text in paragraphs), name


def test_the_packaged_texts_describe_concepts_of_the_table_only() -> None:
    lines = (PROMPTS / "descriptions.txt").read_text(encoding="utf-8").splitlines()
    headings = [line[1:-1] for line in lines if line.startswith("[")]
    assert len(headings) == len(set(headings)) > 60
    assert set(headings) - {"rest"} <= set(load_concepts().concepts)


def test_every_curated_paragraph_names_the_class() -> None:
    names = ["Meadows", "Vineyard_untrained", "Lettuce_romaine_4wk", "Grass-trees", "Zebra crossing", "Background"]
    for name, paragraphs in zip(names, describe(*names), strict=True):
        assert all(name.replace("_", " ") in text for text in paragraphs)
        assert not any("{}" in text for text in paragraphs)


def test_no_two_classes_are_described_alike() -> None:
    texts = describe("Corn", "Corn-notill", "Corn-mintill", "Maize, dry")
    assert len({tuple(t.partition(" is ")[2] or t for t in paragraphs) for paragraphs in texts}) == 4


def test_a_name_that_the_table_lacks_is_described_as_the_nearest_concept() -> None:
    assert "lettuce, spinach or celery" in describe("Romaine salad leaves", "Water")[0][0]


def test_the_words_beside_a_plant_add_a_paragraph() -> None:
    early, late = describe("Lettuce 4wk", "Lettuce 7wk")
    assert "young or sparse" in early[-1] and "cover the ground" in late[-1]
    assert "residue" in describe("Soybean-notill", "Water")[0][-1]


def test_dry_sand_is_not_said_to_wither() -> None:
    assert not any("chlorophyll is going" in text for text in describe("Dry sand", "Water")[0])


def test_a_name_of_two_covers_is_described_by_both() -> None:
    text = " ".join(describe("Grass-trees", "Water")[0])
    assert "short green grass" in text and "rounded crowns" in text and "side by side" in text


def test_a_synonym_that_the_table_knows_decides_over_a_name_that_it_does_not() -> None:
    assert "open water" in describe("Zorbium | lake", "Snow")[0][0]
