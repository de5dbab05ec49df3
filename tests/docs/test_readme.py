"""The README is a front page, and its commands are those that CI runs."""

from __future__ import annotations

import json
import re
import subprocess

import doc_pages

TEXT = doc_pages.README.read_text(encoding="utf-8")
ROWS = ("names and answers, constants of other families", "SVM, 1, 3, 5, 10 random labels for each class")
LINES = [line for block in doc_pages.blocks(doc_pages.README) for line in block.text.splitlines()]


def test_it_fits_on_a_page_and_has_a_picture() -> None:
    assert len(TEXT.splitlines()) <= 130
    pictures = re.findall(r"!\[[^\]]{20,}\]\((docs/pictures/[^)]+)\)", TEXT)
    assert len(pictures) == 1 and (doc_pages.ROOT / pictures[0]).stat().st_size < 200_000


def test_the_caption_says_how_much_of_the_pictures_is_right() -> None:
    made = json.loads((doc_pages.ROOT / "docs" / "pictures" / "figures.json").read_text(encoding="utf-8"))
    names, answers, materials = (f"{made['right'][which]:.0%}" for which in ("names", "answers", "materials"))
    for path in (doc_pages.README, doc_pages.ROOT / "docs" / "index.md"):
        caption = " ".join(path.read_text(encoding="utf-8").split())
        assert f"from names of what the land is used for, in which {names} of the pixels are right" in caption
        assert f"after twelve answers, in which {answers} are" in caption and made["questions"] == 12
        assert f"Named by their materials {materials} are right" in caption


def test_the_two_commands_are_those_that_ci_runs() -> None:
    told = subprocess.run([doc_pages.ROOT / ".ci" / "run", "--list"], check=True, capture_output=True, text=True).stdout
    assert told.splitlines() == [line for line in LINES if line.startswith("pip install")]
    first, second = told.splitlines()
    assert first.endswith("&& special demo") and re.search(r"&& pytest\b", second)


def test_the_extras_that_are_installed_exist() -> None:
    config = (doc_pages.ROOT / "setup.cfg").read_text(encoding="utf-8")
    for extra in re.findall(r"pip install -e \"\.\[(\w+)\]\"", TEXT):
        assert re.search(rf"^{extra} =$", config, re.MULTILINE), extra


def test_the_figures_that_stand_elsewhere_too_are_the_same() -> None:
    accuracy = (doc_pages.ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    rows = {
        cells[0]: float(cells[3]) for cells in re.findall(r"^\| (\w+) \| (\S+) \| (\S+) \| (\S+) \|$", accuracy, re.M)
    }
    unseen = re.search(r"^\| four public ones: (.*?) and (\w+) \| (\S+) \|", TEXT, re.MULTILINE)
    names = [*unseen[1].split(", "), unseen[2]]
    assert round(sum(rows[name] for name in names) / 4, 2) == float(unseen[3])
    every = re.search(r"^\| twelve public ones.*? \| (\S+) \| (\S+) \| (\S+) \|$", TEXT, re.MULTILINE)
    assert float(every[1]) == round(rows["mean"], 2)
    answers = (doc_pages.ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    held, svm = (re.search(rf"^\| {row}.*? \| \S* \| (\S+) \| \S+ \| (\S+) \|", answers, re.MULTILINE) for row in ROWS)
    assert (float(every[2]), float(every[3])) == (round(float(held[1]), 2), round(float(svm[2]), 2))
    simulated = re.search(r"held out, .*? \| (\S+) \|", TEXT)
    assert f"mean OA of {simulated[1]}" in accuracy
