"""What no honest class list holds is refused at once, with what to do; what older programs write is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from special.classnames.class_list import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    MOST_BYTES,
    MOST_CLASSES,
    MOST_SYNONYMS,
    ClassList,
)
from special.errors import ClassListError


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["Water", "x" * (LONGEST_NAME + 1)], "has 201 characters: write 200 at most"),
        (["Water", f"Grass: {'x' * (LONGEST_DESCRIPTION + 1)}"], "has 20001 characters: write 20000 at most"),
        (["Water", " | ".join(f"grass {n}" for n in range(MOST_SYNONYMS + 2))], "has more than 200 synonyms"),
        ([f"class {n}" for n in range(MOST_CLASSES + 1)], "has more than 1000 classes"),
        (["Water", "\x1b[31mGrass"], r"holds the control character '\\x1b': take it out"),
        (["Water", "Grass | la\x07wn"], r"holds the control character '\\x07'"),
        (["Water", "Grass: be\x00ll"], r"holds the control character '\\x00'"),
    ],
)
def test_what_no_honest_list_holds_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(ClassListError, match=said):
        ClassList.parse(lines)


def test_the_limits_themselves_are_allowed() -> None:
    names = [f"{n}{'x' * (LONGEST_NAME - len(str(n)))}" for n in range(MOST_CLASSES)]
    assert len(ClassList.parse([*names[:-1], f"{names[-1]}: {'y' * LONGEST_DESCRIPTION}"])) == MOST_CLASSES


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_list_as_older_programs_write_it_is_read_with_a_note(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "classes.txt"
    path.write_bytes("Wasser\nStraße\nGrünland\n".encode(encoding))
    found = ClassList.read(path)
    assert found.names == ["Wasser", "Straße", "Grünland"]
    assert found.notes == (f"{path} is not UTF-8 and was read as Windows-1252: look whether its names are right.",)
    path.write_text("Wasser\nStraße\n", encoding="utf-8")
    assert ClassList.read(path).notes == ()


@pytest.mark.parametrize("data", [bytes(range(256)), "Water\nGrass".encode("utf-16"), b"\x81\x8d\x8f\n"])
def test_what_is_not_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "classes.txt").write_bytes(data)
    with pytest.raises(ClassListError, match="is not text"):
        ClassList.read(tmp_path / "classes.txt")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "classes.txt").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    with pytest.raises(ClassListError, match="is larger than 8 MiB"):
        ClassList.read(tmp_path / "classes.txt")


def test_a_path_that_no_file_can_have_is_one_line() -> None:
    for path in ("x" * 5000, "a\0b"):
        with pytest.raises(ClassListError, match="cannot be read"):
            ClassList.read(path)
