"""``report.html``: one file, whatever the names are."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from some_report import HOSTILE, NAMES, report

from special.report.page.page import write_report
from special.report.warning_list import MapWarning


class Elements(HTMLParser):
    """The elements of a page, with their attributes and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def said(page: str) -> str:
    """The text of a page, in one line."""
    return " ".join(" ".join(Elements(page).text).split())


def written(folder: Path, **options) -> str:
    return write_report(folder / "report.html", report(**options)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("page"))


def test_the_same_report_is_the_same_page(page: str, tmp_path: Path) -> None:
    assert written(tmp_path) == page


def test_names_that_run_from_right_to_left_do_not_turn_the_sentence_about_them(tmp_path: Path) -> None:
    names = ("<i>", "ماء", "ماء عميق", "Water")
    warning = MapWarning("alike", "Not told apart: 'ماء', 'ماء عميق', '<i>' and 'Water'.", names)
    page = written(tmp_path, names=names, warnings=[warning])
    assert "'<bdi>ماء</bdi>', '<bdi>ماء عميق</bdi>', '&lt;i&gt;' and 'Water'." in page.replace("&#39;", "'")


def test_a_name_is_not_told_to_be_understood_as_what_has_no_weight(tmp_path: Path) -> None:
    made = report()
    first, *others = made.classes
    first = replace(first, concepts=[("lake", 0.985), ("river", 0.011), ("fjord", 0.004)])
    page = write_report(tmp_path / "report.html", replace(made, classes=[first, *others])).read_text(encoding="utf-8")
    assert "lake 98%, river 1%<" in page and "fjord" not in page


def test_nothing_is_fetched(page: str) -> None:
    places = [value for _, attrs in Elements(page).found for name, value in attrs.items() if name in ("src", "href")]
    assert places and all(place is None or place.startswith(("data:", "#")) for place in places)
    assert not re.findall(r"url\((?!#)|@import", page)


def test_the_policy_lets_its_own_script_run_and_no_other(page: str) -> None:
    script = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert len(script) == 1
    told = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src &#39;sha256-{told}&#39;" in page or f"script-src 'sha256-{told}'" in page
    assert "default-src 'none'" in page


def test_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    warning = MapWarning("names", f"Not understood: {HOSTILE[0]} <img src=x>", (HOSTILE[0],))
    text = written(tmp_path, names=HOSTILE, scene="<i>scene</i>", warnings=[warning])
    plain = written(tmp_path, scene="scene", warnings=[MapWarning("names", "Not understood", (NAMES[0],))])
    count = [sorted(tag for tag, _ in Elements(one).found) for one in (text, plain)]
    assert count[0] == count[1], "a name has become an element"
    assert all(any(name in part for part in Elements(text).text) for name in HOSTILE)


def test_the_legend_has_pixels_shares_and_hectares(page: str, tmp_path: Path) -> None:
    text = said(page)
    assert "Water 24.7% 591 53.19 0.60" in text
    assert "no data or rejected 9" in text
    without = said(written(tmp_path, hectares=None))
    assert "Water 24.7% 591 0.60" in without


def test_it_says_what_a_name_was_understood_as(page: str) -> None:
    text = said(page)
    assert "In English water (German)" in text and "Understood as lake 70%, river 30%" in text
    assert "Might be Grass 12%" in text


def test_it_has_teachers_steps_settings_versions_and_the_command(page: str) -> None:
    text = said(page)
    for part in (
        "spectrum-text , weight 0.80, estimated skill 0.60",
        "f" * 64,
        "image-text had no say: no weights here",
    ):
        assert part in text
    for part in ("mambahsi learned 10.0% 0.60 75.0%", "warmup.epochs 40", "special 0.1.0", "--seed 7"):
        assert part in text


def test_it_has_scores_confusion_and_estimated_areas(page: str) -> None:
    text = said(page)
    assert "overall accuracy" in text and "Confusion: truth in rows, map in columns" in text
    assert "Water 10 90.0 ± 10.0 – 25.0 25.0 ± 5.0 1 234 ± 99" in text and "Few points." in text


def test_without_anything_known_of_the_ground_there_is_no_accuracy(tmp_path: Path) -> None:
    text = written(tmp_path, known=False, warnings=[])
    assert 'id="accuracy"' not in text and 'id="warnings"' not in text


def test_every_picture_and_figure_has_a_text_and_every_table_head_a_scope(page: str) -> None:
    for tag, attrs in Elements(page).found:
        if tag == "img":
            assert attrs.get("alt")
        if tag == "canvas":
            assert attrs.get("aria-label")
        if tag == "svg":
            assert attrs.get("aria-hidden") == "true"
        if tag == "th":
            assert attrs.get("scope") in ("row", "col")


def test_names_of_places_in_the_page_are_unique(page: str) -> None:
    names = [attrs["id"] for _, attrs in Elements(page).found if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["href"] for tag, attrs in Elements(page).found if tag == "a"} <= {f"#{name}" for name in names}
