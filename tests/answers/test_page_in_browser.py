"""The page of questions as people use it: in a real browser, by mouse and by keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from some_questions import NAMES, UTM, page

from special.answers.sheet.page import write_page
from special.answers.sheet.rows import Row
from special.answers.sheet.table import write_table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LONG = (
    *(f"class {number}" for number in range(1, 36)),
    "Grünland | 草地".replace(" | ", " ") * 4,
    "<b>bold</b>, 'x' \"y\"",
)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1400, "height": 950}, reduced_motion="reduce")
    yield opened
    opened.close()


@pytest.fixture
def visit(context: BrowserContext, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of questions; whatever the browser complains about fails the test."""
    complaints: list[str] = []

    def go(**options) -> Page:
        path = write_page(tmp_path / "questions.html", page(**options))
        opened = context.new_page()
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: request.url.startswith("http") and complaints.append(request.url))
        opened.goto(path.as_uri())
        return opened

    yield go
    assert complaints == []


def saved(opened: Page, save: Callable[[], None]) -> tuple[str, str]:
    """The name and the text of the file that the page lets the browser save."""
    with opened.expect_download() as download:
        save()
    return download.value.suggested_filename, Path(download.value.path()).read_text(encoding="utf-8")


def answers(text: str) -> list[str]:
    return [row["class"] for row in csv.DictReader(io.StringIO(text))]


def shown(opened: Page) -> str:
    return opened.locator("article:not([hidden]) h2").inner_text()


def choose(opened: Page, name: str) -> None:
    opened.get_by_role("button", name=name, exact=False).and_(opened.locator(".choice")).first.click()


def test_answers_given_by_mouse_and_by_keys_arrive_in_the_file(visit) -> None:
    opened = visit()
    choose(opened, "Grass")
    opened.keyboard.press("1")
    opened.keyboard.press("n")
    name, text = saved(opened, lambda: opened.locator("#save").click())
    assert name == "answers.csv"
    assert answers(text) == ["Grass", "Water", "none of these", ""]


def test_without_answers_the_file_is_the_table_of_questions(visit, tmp_path: Path) -> None:
    hostile = ("<b>bold</b>", 'Roof, "tiled"', "水 'x'")
    opened = visit(names=hostile, georeference=UTM)
    _, text = saved(opened, lambda: opened.keyboard.press("s"))
    content = page(names=hostile, georeference=UTM)
    rows = [Row.of(question, content.placement) for question in content.questions]
    assert text == write_table(tmp_path / "questions.csv", rows).read_text(encoding="utf-8")


def test_any_name_can_be_an_answer(visit) -> None:
    names = ("<b>bold</b>", 'Roof, "tiled"', "حقل", "={1}\\")
    opened = visit(names=names)
    for key in "2341":
        opened.keyboard.press(key)
    _, text = saved(opened, lambda: opened.keyboard.press("s"))
    assert answers(text) == [names[1], names[2], names[3], names[0]]


def test_an_answer_moves_on_to_the_next_open_question(visit) -> None:
    opened = visit()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    assert shown(opened) == "Question 4 of 4"
    opened.keyboard.press("1")
    assert shown(opened) == "Question 1 of 4"
    assert opened.locator("#count").inner_text() == "1 of 4 answered"


def test_undo_takes_back_one_answer_after_the_other(visit) -> None:
    opened = visit()
    for key in "12uu":
        opened.keyboard.press(key)
    assert shown(opened) == "Question 1 of 4"
    assert opened.locator("#count").inner_text() == "0 of 4 answered"
    assert opened.locator("#undo").is_disabled()


def test_an_answer_can_be_changed_and_cleared(visit) -> None:
    opened = visit()
    opened.keyboard.press("1")
    opened.keyboard.press("ArrowLeft")
    assert opened.locator(".choice[aria-pressed=true]").inner_text().split()[1] == "Water"
    opened.keyboard.press("3")
    opened.keyboard.press("2")
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Backspace")
    _, text = saved(opened, lambda: opened.keyboard.press("Control+s"))
    assert answers(text) == ["", "Grass", "", ""]


def test_the_second_of_a_double_click_does_not_answer_the_next_question(visit) -> None:
    opened = visit()
    opened.locator(".choice").first.dblclick()
    assert opened.locator("#count").inner_text() == "1 of 4 answered"


def test_a_key_that_is_held_answers_once(visit) -> None:
    opened = visit()
    opened.keyboard.down("1")
    opened.keyboard.down("1")
    assert opened.locator("#count").inner_text() == "1 of 4 answered"


def test_answers_are_there_again_after_a_reload_and_not_for_other_questions(visit) -> None:
    opened = visit()
    for key in "12":
        opened.keyboard.press(key)
    for _ in range(20):  # a page that loads at once may be faster than what another process of the browser has stored
        opened.reload()
        if opened.locator("#count").inner_text() == "2 of 4 answered":
            break
    assert opened.locator("#count").inner_text() == "2 of 4 answered"
    assert shown(opened) == "Question 3 of 4"
    assert "2 answers from your last visit" in opened.locator("#said").inner_text()
    assert visit(count=3).locator("#count").inner_text() == "0 of 3 answered"


def test_when_all_is_answered_the_page_says_so(visit) -> None:
    opened = visit()
    for key in "123m":
        opened.keyboard.press(key)
    assert "All questions are answered" in opened.locator("#said").inner_text()
    assert opened.locator("progress").evaluate("bar => bar.value") == 4


def test_everything_can_be_reached_and_done_without_a_mouse(visit) -> None:
    opened = visit()
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("ArrowDown")
    assert "Grass" in opened.evaluate("document.activeElement.textContent")
    opened.keyboard.press("Enter")
    assert opened.locator("#count").inner_text() == "1 of 4 answered"
    assert "1: Grass. Now question 2." in opened.locator("[role=status]").inner_text()


def test_steps_say_what_was_answered(visit) -> None:
    opened = visit()
    opened.keyboard.press("i")
    steps = opened.locator(".step")
    assert steps.nth(0).get_attribute("aria-label") == "Question 1, answered: I don't know"
    assert steps.nth(1).get_attribute("aria-current") == "true"
    steps.nth(3).click()
    assert shown(opened) == "Question 4 of 4"


def test_a_class_is_found_by_a_part_of_its_name(visit) -> None:
    opened = visit(names=LONG)
    opened.keyboard.press("/")
    opened.keyboard.type("草地")
    assert opened.locator(".choice[data-colour]:visible").count() == 1
    opened.keyboard.press("Enter")
    _, text = saved(opened, lambda: opened.keyboard.press("s"))
    assert answers(text) == [LONG[-2], "", "", ""]


@pytest.mark.parametrize("number", [0, 34, 3])
def test_what_the_map_thinks_can_be_seen_in_a_list_that_scrolls(visit, number: int) -> None:
    opened = visit(names=LONG, count=len(LONG))
    opened.set_viewport_size({"width": 1400, "height": 700})
    opened.locator("nav button").nth(20).click()
    opened.locator("nav button").nth(number).click()
    chosen = opened.locator(".choice:has(.share.guess)")
    assert chosen.get_attribute("data-answer") == LONG[number]
    shown = "one => [one, one.closest('.choices')].map(it => it.getBoundingClientRect()).map(it => [it.top, it.bottom])"
    (top, bottom), (first, last) = chosen.evaluate(shown)
    assert first <= top < bottom <= last
    assert opened.evaluate("scrollY") == 0


def test_keys_of_other_scripts_answer_as_the_latin_ones_do(visit) -> None:
    opened = visit()
    opened.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'т', code: 'KeyN', bubbles: true}))"
    )
    _, text = saved(opened, lambda: opened.keyboard.press("s"))
    assert answers(text)[0] == "none of these"


def test_keys_typed_into_the_search_are_no_answers(visit) -> None:
    opened = visit(names=LONG)
    opened.keyboard.press("/")
    opened.keyboard.type("1nmu")
    opened.keyboard.press("Escape")
    assert opened.locator("#count").inner_text() == "0 of 4 answered"
    assert opened.locator(".choice[data-colour]:visible").count() == len(LONG)


def test_swatches_have_the_colours_of_the_map(visit) -> None:
    opened = visit()
    colours = opened.locator(".swatch").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert colours == [f"rgb({', '.join(map(str, colour))})" for colour in page().colours.tolist()]


@pytest.mark.parametrize("names", [NAMES, LONG], ids=["short", "long"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_overflows(visit, width: int, scheme: str, names: tuple[str, ...]) -> None:
    opened = visit(names=names, count=60, scene="a_scene_with_a_very_long_name_" * 4)
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=scheme)
    opened.keyboard.press("1")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    outside = opened.evaluate(
        """width => [...document.querySelectorAll("header *, main *, nav button, footer *")]
            .filter(one => one.checkVisibility() && !one.closest("svg.picture, .plot svg"))
            .filter(one => { const box = one.getBoundingClientRect(); return box.left < -1 || box.right > width + 1; })
            .map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(visit, scheme: str) -> None:
    opened = visit()
    opened.emulate_media(color_scheme=scheme)
    opened.keyboard.press("1")
    ratios = opened.evaluate(
        _CONTRAST,
        [
            "h1",
            "header .quiet",
            "#count",
            "#save",
            ".choice .name",
            ".share",
            "figcaption",
            ".tick",
            ".legend .quiet",
            ".hint",
            "#said",
            "kbd",
            ".step",
            "footer p",
            "code",
        ],
    )
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


# The contrast of WCAG 2.2, of the first element that is shown of each kind.
_CONTRAST = """kinds => Object.fromEntries(kinds.map(kind => {
    const numbers = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const one = [...document.querySelectorAll(kind)].find(one => one.checkVisibility());
    let ground = one;
    while ((numbers(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
    const [a, b] = [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor].map(numbers).map(light);
    return [kind, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
}))"""
