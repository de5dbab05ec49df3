"""The class list."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from special.classnames.class_list import ClassList
from special.errors import ClassListError


def test_order_of_lines_is_kept() -> None:
    assert ClassList.parse(["Water", "Tree", "Asphalt"]).names == ["Water", "Tree", "Asphalt"]


def test_blank_lines_and_comments_are_skipped() -> None:
    assert ClassList.parse(["# my classes", "", "Water", "  ", "Tree"]).names == ["Water", "Tree"]


def test_bars_separate_synonyms_and_commas_do_not() -> None:
    roof, _ = ClassList.parse(["Roof, tiled | red roof | house", "Tree"])
    assert roof.name == "Roof, tiled"
    assert roof.synonyms == ("red roof", "house")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes("Water\nTree\n".encode("utf-8-sig"))
    assert ClassList.read(path).names == ["Water", "Tree"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "empty"),
        (["# nothing"], "empty"),
        (["Water"], "only one class"),
        (["Water", "Tree", " water "], "twice"),
        (["Water | lake", "Lake"], "twice"),
        (["| lake", "Tree"], "no name"),
    ],
)
def test_lists_that_make_no_map_are_refused(lines: list[str], said: str) -> None:
    with pytest.raises(ClassListError, match=said):
        ClassList.parse(lines)


def test_a_colon_begins_a_description() -> None:
    yard, roof = ClassList.parse(["Yard | court: light concrete: bright", "Roof"])
    assert (yard.name, yard.synonyms, yard.description) == ("Yard", ("court",), "light concrete: bright")
    assert roof.description == ""
    assert yard.prompts == ("Yard", "court", "light concrete: bright") and roof.prompts == ("Roof",)


@pytest.mark.parametrize("name", ["Zone 1:50", "1: Water", r"Plan\: B"])
def test_a_colon_in_a_plain_name_stays(name: str) -> None:
    entry, _ = ClassList.parse([name, "Tree"])
    assert (entry.name, entry.description) == (name.replace("\\", ""), "")


def test_where_two_names_would_be_one_the_colon_belongs_to_the_name() -> None:
    assert ClassList.parse(["Forest: pine", "Forest: oak", "Water"]).names == ["Forest: pine", "Forest: oak", "Water"]


def test_a_description_changes_no_name_and_is_not_a_synonym() -> None:
    classes = ClassList.parse(["Water: dark lake", "Lake: dark lake"])
    assert classes.names == ["Water", "Lake"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClassListError, match=r"nowhere\.txt"):
        ClassList.read(tmp_path / "nowhere.txt")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes(b"\xff\xfe\x00W")
    with pytest.raises(ClassListError, match="UTF-8"):
        ClassList.read(path)


names = st.text(st.characters(categories=["L", "N"], include_characters=" -,:\\"), min_size=1).map(
    lambda text: " ".join(text.split())
)


@given(st.lists(names.filter(bool), min_size=2, unique_by=str.casefold))
def test_lines_read_back_to_the_same_list(texts: list[str]) -> None:
    try:
        classes = ClassList.parse(texts)
    except ClassListError:
        return  # names that differ only in a letter's folding count as one
    assert ClassList.parse(classes.to_lines()) == classes
