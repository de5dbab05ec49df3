"""The page of questions as text: all in one file, nothing from a network, no text that becomes code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from some_questions import NAMES, UTM, page

from special.answers.sheet.page import write_page
from special.answers.sheet.rows import COLUMNS

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><b>bold</b>",
    "{{ 7 * 7 }} {% raw %}",
    "\u6c34 & \u062d\u0642\u0644 'field'",
)


class Parsed(HTMLParser):
    """Elements with their attributes, and the text inside each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self._open: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs) if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.inside.append((self._open, data))
        else:
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> dict:
        return json.loads(next(text for attributes, text in self.inside if attributes.get("id") == "data"))


@pytest.fixture
def written(tmp_path: Path):
    def write(**options) -> Parsed:
        return Parsed(write_page(tmp_path / "questions.html", page(**options)).read_text(encoding="utf-8"))

    return write


def test_nothing_is_fetched(written) -> None:
    found = written()
    addresses = [value for _, attributes in found.elements for key in ("src", "href") if (value := attributes.get(key))]
    assert addresses and all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not found.of("link") and not found.of("iframe")
    style = next(text for attributes, text in found.inside if not attributes)
    assert "url(" not in style and "@import" not in style


def test_the_policy_lets_the_one_script_run_and_nothing_else(written) -> None:
    found = written()
    policy = next(m["content"] for m in found.of("meta") if m.get("http-equiv") == "Content-Security-Policy")
    script = [text for attributes, text in found.inside if not attributes][-1]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_stay_text(written) -> None:
    found = written(names=HOSTILE, count=5, scene="<i>scene</i>")
    assert not found.of("b") and not found.of("img") and not found.of("i")
    assert len(found.of("script")) == 2
    chosen = [a["data-answer"] for a in found.of("button") if "choice" in (a.get("class") or "")]
    assert chosen == [*HOSTILE, "none of these", "mixed", "I don't know"]
    assert set(HOSTILE) <= set(found.words)
    assert [question["guess"] for question in found.data["questions"]] == list(HOSTILE)


def test_every_question_has_its_pictures_and_its_place(written) -> None:
    found = written(count=4, georeference=UTM)
    articles = [a for a in found.of("article") if a["class"] == "question"]
    pictures = [a for a in found.of("svg") if a.get("class") == "picture"]
    assert (len(articles), len(pictures)) == (4, 2 * 4 + 1)
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
    text = " ".join(" ".join(found.words).split())
    assert "row 2, column 2, 9 pixels (729 m²)" in text
    assert "50 m" in text


def test_the_data_are_the_lines_of_the_file_that_is_saved(written) -> None:
    data = written().data
    assert tuple(data["columns"]) == COLUMNS
    assert data["questions"][0]["cells"] == ["1", "2", "2", "2.5", "-2.5", "", "Water", "0.6250", "Grass 0.25", ""]
    assert data["questions"][0]["shares"] == {"Water": "62%", "Grass": "25%"}


def test_other_questions_have_another_memory(written) -> None:
    assert written(count=4).data["key"] == written(count=4).data["key"]
    assert (
        len({written(count=4).data["key"], written(count=3).data["key"], written(names=NAMES[::-1]).data["key"]}) == 3
    )


def test_every_answer_has_a_key_of_its_own_as_far_as_there_are_keys(written) -> None:
    found = written(names=[f"class {number}" for number in range(40)], count=2)
    keys = [a.get("aria-keyshortcuts") for a in found.of("button") if "choice" in (a.get("class") or "")]
    given = [key for key in keys if key]
    assert len(given) == len(set(given)) == 30 + 3
    assert keys[:10] == [*"123456789", "a"] and keys[-3:] == ["n", "m", "i"]
    others = {a.get("aria-keyshortcuts") for a in found.of("button") if "choice" not in (a.get("class") or "")}
    assert not others & set(given)


def test_a_long_list_can_be_searched(written) -> None:
    assert not written(names=[f"class {number}" for number in range(12)]).of("input")
    assert len(written(names=[f"class {number}" for number in range(13)]).of("input")) == 1


def test_the_question_is_about_the_pixel_or_about_the_area(written) -> None:
    def asked(areas: bool) -> str:
        return " ".join(" ".join(written(areas=areas).words).split())

    assert "What is at the marked pixel?" in asked(False)
    assert "What is inside the outline?" in asked(True)


def test_colours_are_those_of_the_map(written) -> None:
    found = written()
    colours = [f"#{bytes(colour).hex()}" for colour in page().colours]
    assert [a["data-colour"] for a in found.of("button") if a.get("data-colour")] == colours
    swatches = [a["style"] for a in found.of("span") if a.get("class") == "swatch"]
    assert swatches == [f"background:{colour}" for colour in colours]


def test_every_button_has_a_name(written) -> None:
    text = re.sub(r"<svg.*?</svg>", "", written().text, flags=re.DOTALL)
    for attributes, inside in re.findall(r"<button([^>]*)>(.*?)</button>", text, flags=re.DOTALL):
        assert "aria-label" in attributes or re.sub(r"<[^>]+>", "", inside).strip()
