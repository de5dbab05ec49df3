"""Tables and label images as answers: what is understood, what is left out, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from special.answers.answers import NO_ANSWER, NONE_OF_THESE, Answers
from special.answers.grid import Grid
from special.answers.reading import codes, read_answers, read_labels
from special.classnames.class_list import ClassList
from special.errors import AnswersError
from special.scene.source import Georeference

CLASSES = ClassList.parse(["Water | lake", "Dry grass", "Road"])
GRID = Grid((6, 5), valid=np.ones((6, 5), dtype=bool))
PLACED = Grid((6, 5), Georeference("EPSG:32633", (30.0, 0.0, 400000.0, 0.0, -30.0, 5000000.0)))


def table(tmp_path: Path, *lines: str, header: str = "id,row,col,class") -> Path:
    path = tmp_path / "answers.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def read(path: Path, grid: Grid = GRID) -> tuple[list[list[int]], list[str]]:
    said: list[str] = []
    return read_answers(path, grid, CLASSES, say=said.append).table[:, :3].tolist(), said


def refused(path: Path, grid: Grid = GRID) -> str:
    with pytest.raises(AnswersError) as caught:
        read_answers(path, grid, CLASSES)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", ["Water", "water", " LAKE ", "1", "1.0"])
def test_a_class_is_its_name_a_synonym_or_its_number(text: str) -> None:
    assert codes([text], CLASSES).tolist() == [1]


@pytest.mark.parametrize("text", ["dry_grass", "Dry-Grass", "dry   grass"])
def test_a_name_may_be_written_as_fields_have_it(text: str) -> None:
    assert codes([text], CLASSES).tolist() == [2]


def test_what_is_no_class_is_understood_as_well() -> None:
    assert codes(["none of these", "mixed", "I don’t know"], CLASSES).tolist() == [NONE_OF_THESE, NO_ANSWER, NO_ANSWER]


def test_none_of_these_is_the_class_for_the_rest_where_the_list_has_one() -> None:
    assert codes(["none of these"], ClassList.parse(["Water", "Other"])).tolist() == [2]


def test_a_class_may_be_called_what_else_is_no_answer() -> None:
    assert codes(["mixed"], ClassList.parse(["Water", "Mixed"])).tolist() == [2]


def test_a_filled_in_table_is_read_by_row_and_column(tmp_path: Path) -> None:
    found, said = read(table(tmp_path, "1,0,1,Water", "2,5,4,Road", "3,2,2,", "4,3,3,mixed"))
    assert found == [[0, 1, 1], [3, 3, NO_ANSWER], [5, 4, 3]]
    assert not said


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_put_other_marks_between_columns(tmp_path: Path, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in ("1,0,1,Water",)]
    assert read(table(tmp_path, *lines, header="id,row,col,class".replace(",", delimiter)))[0] == [[0, 1, 1]]


def test_coordinates_stand_in_for_row_and_column(tmp_path: Path) -> None:
    path = table(tmp_path, "400045,4999985,Road", header="x,y,class")
    assert read(path, PLACED)[0] == [[0, 1, 3]]


def test_without_a_place_on_the_map_coordinates_are_those_of_the_picture(tmp_path: Path) -> None:
    assert read(table(tmp_path, "1.5,-3.5,Road", header="x,y,class"))[0] == [[3, 1, 3]]


def test_what_is_left_out_is_said_with_counts_and_the_nearest_name(tmp_path: Path) -> None:
    valid = np.ones((6, 5), dtype=bool)
    valid[1, 1] = False
    path = table(tmp_path, "1,0,0,Water", "2,9,9,Water", "3,1,1,Road", "4,2,2,Dry gras", "5,2,3,Dry gras")
    found, said = read(path, Grid((6, 5), valid=valid))
    assert found == [[0, 0, 1]]
    (line,) = said
    assert "Of 5 answers" in line
    assert "1 is outside the scene" in line and "1 is on pixels without data" in line
    assert "2 name 'Dry gras' (not in the list, which has 'Dry grass')" in line


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    assert "is empty" in refused(table(tmp_path))


def test_questions_that_nobody_has_answered_are_refused(tmp_path: Path) -> None:
    assert "has no answer yet: fill in the class of its 2 places" in refused(table(tmp_path, "1,0,0,", "2,1,1,"))


def test_a_table_of_another_scene_is_refused(tmp_path: Path) -> None:
    assert "is it of another scene?" in refused(table(tmp_path, "1,90,90,Water", "2,91,90,Road"))


def test_a_table_whose_coordinates_are_elsewhere_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "1,0,1,700045,4999985,Road", header="id,row,col,x,y,class")
    assert "is it of another scene?" in refused(path, PLACED)


def test_a_table_of_other_classes_is_refused(tmp_path: Path) -> None:
    message = refused(table(tmp_path, "1,0,0,Rod", "2,1,1,Sand"))
    assert "names no class of the list" in message and "which has 'Road'" in message


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("id,row,col,kind", "1,0,0,Water", "no column 'class', but id, row, col, kind"),
        ("id,class", "1,Water", "says not where"),
        ("id,row,col,class", "1,zero,0,Water", "line 2"),
        ("id,row,col,class", "1,0,0,Water,more", "more cells than its header"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(tmp_path: Path, header: str, line: str, message: str) -> None:
    assert message in refused(table(tmp_path, line, header=header))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no labels at" in refused(tmp_path / "nothing.csv")


def test_label_images_are_answers_pixel_by_pixel(tmp_path: Path) -> None:
    labels = np.zeros((6, 5), dtype=np.uint8)
    labels[0, 1], labels[4, 4] = 3, 1
    np.save(tmp_path / "labels.npy", labels)
    assert read(tmp_path / "labels.npy")[0] == [[0, 1, 3], [4, 4, 1]]
    assert read_answers(labels, GRID, CLASSES).count == 2


def test_a_label_image_with_more_classes_than_the_list_is_refused() -> None:
    with pytest.raises(AnswersError, match="has the class 9, but the list has 3"):
        read_answers(np.full((6, 5), 9), GRID, CLASSES)


def test_an_empty_label_image_is_refused() -> None:
    with pytest.raises(AnswersError, match="labels no pixel"):
        read_answers(np.zeros((6, 5), dtype=int), GRID, CLASSES)


def test_the_same_files_are_label_images_for_training_and_truth(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "1,0,1,Water", "2,5,4,mixed", "3,5,3,none of these"), GRID, CLASSES)
    assert np.argwhere(labels).tolist() == [[0, 1]]


def test_reading_gives_answers(tmp_path: Path) -> None:
    assert isinstance(read_answers(table(tmp_path, "1,0,1,Water"), GRID, CLASSES), Answers)
