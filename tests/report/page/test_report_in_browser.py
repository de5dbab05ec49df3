"""The report as people use it: in a real browser, by mouse and by keys, on a wide window and a narrow one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from some_report import COLOURS, NAMES, confidence, labels, report

from special.report.page.page import write_report
from special.report.warning_list import MapWarning

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_OWN_READING = "willReadFrequently"  # what the browser thinks of a test that reads the canvas

LONG = ("Grassland" * 9, "Grünland 草地 " * 6, "<b>bold</b>, 'x' \"y\"", "Mixed agricultural land with trees " * 3)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1400, "height": 950}, reduced_motion="reduce")
    yield opened
    opened.close()


@pytest.fixture
def visit(context: BrowserContext, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a report; whatever the browser complains about fails the test."""
    complaints: list[str] = []

    def go(width: int = 1400, scheme: str = "light", **options) -> Page:
        path = write_report(tmp_path / "report.html", report(**options))
        opened = context.new_page()
        opened.on("console", lambda message: _OWN_READING in message.text or complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: request.url.startswith("http") and complaints.append(request.url))
        opened.set_viewport_size({"width": width, "height": 900})
        opened.emulate_media(color_scheme=scheme)
        opened.goto(path.as_uri())
        return opened

    yield go
    assert complaints == []


def at(opened: Page, across: float, down: float) -> list[int]:
    """The colour of the canvas, R G B A, at a share of its width and height."""
    return opened.evaluate(
        """([across, down]) => { const canvas = document.getElementById("canvas");
            const place = [Math.floor(across * canvas.width), Math.floor(down * canvas.height)];
            return [...canvas.getContext("2d").getImageData(...place, 1, 1).data]; }""",
        [across, down],
    )


def choose(opened: Page, name: str, value: str) -> None:
    opened.locator(f"input[name={name}][value={value}]").check()


def point(opened: Page, across: float, down: float) -> str:
    """What the page says of the place, at a share of the canvas, that the pointer is moved to."""
    canvas = opened.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    return opened.locator("#pixel").inner_text()


def test_scene_and_map_stand_side_by_side(visit) -> None:
    opened = visit()
    assert at(opened, 0.6, 0.3)[:3] == COLOURS[0].tolist() and at(opened, 0.9, 0.7)[:3] == COLOURS[3].tolist()
    scene = at(opened, 0.1, 0.6)
    assert scene[0] == scene[1] == scene[2] and scene[3] == 255


@pytest.mark.parametrize("width", [1400, 400])
def test_the_line_of_the_swipe_shows_more_of_the_scene_or_of_the_map(visit, width: int) -> None:
    opened = visit(width)
    choose(opened, "mode", "swipe")
    assert at(opened, 0.9, 0.8)[:3] == COLOURS[3].tolist()
    opened.locator("#split").focus()
    opened.keyboard.press("End")
    assert len(set(at(opened, 0.9, 0.8)[:3])) == 1, "all of it is the scene, which is grey"
    opened.keyboard.press("Home")
    assert at(opened, 0.2, 0.8)[:3] == COLOURS[2].tolist()


def test_the_line_can_be_drawn_by_the_mouse(visit) -> None:
    opened = visit()
    choose(opened, "mode", "swipe")
    box = opened.locator("#canvas").bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 60, steps=4)
    opened.mouse.up()
    assert float(opened.locator("#split").input_value()) == pytest.approx(95, abs=1.5)
    assert len(set(at(opened, 0.7, 0.8)[:3])) == 1


def test_the_line_is_there_in_the_swipe_alone(visit) -> None:
    opened = visit()
    assert not opened.locator("#split").is_visible()
    choose(opened, "mode", "swipe")
    assert opened.locator("#split").is_visible()


def test_a_narrow_window_begins_with_the_swipe(visit) -> None:
    assert visit(400).locator("input[value=swipe]").is_checked()
    assert visit(1400).locator("input[value=side]").is_checked()


def test_the_confidence_is_a_layer_with_a_scale(visit) -> None:
    opened = visit()
    assert not opened.locator("#scale").is_visible()
    choose(opened, "layer", "confidence")
    assert opened.locator("#scale").is_visible()
    left, right = at(opened, 0.52, 0.6), at(opened, 0.98, 0.6)
    assert left[2] > left[0] and right[0] > right[2], "from blue to yellow"


def test_the_scene_can_be_seen_in_other_colours(visit) -> None:
    opened = visit()
    before = at(opened, 0.2, 0.9)
    choose(opened, "scene", "scene-1")
    assert at(opened, 0.2, 0.9) != before


def test_a_scene_of_one_picture_offers_no_choice(visit) -> None:
    assert visit(pictures=1).locator("input[name=scene]").count() == 0


def test_a_class_of_the_legend_shows_where_it_is(visit) -> None:
    opened = visit()
    buttons = opened.locator("button.class")
    buttons.nth(0).click()
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"
    assert at(opened, 0.6, 0.3) == [*COLOURS[0].tolist(), 255]
    assert at(opened, 0.9, 0.7)[3] < 60, "the others are faint"
    buttons.nth(3).click()
    assert at(opened, 0.9, 0.7) == [*COLOURS[3].tolist(), 255], "another one beside it"
    buttons.nth(0).click()
    buttons.nth(3).click()
    assert at(opened, 0.9, 0.3) == [*COLOURS[1].tolist(), 255], "none is all"


def test_a_class_that_is_asked_for_is_shown_on_the_map(visit) -> None:
    opened = visit()
    choose(opened, "layer", "confidence")
    opened.locator("button.class").nth(0).press("Enter")
    assert opened.locator("input[value=map]").is_checked()


def test_the_pixel_under_the_pointer_is_told(visit) -> None:
    opened = visit()
    told = point(opened, 0.76, 0.76)
    found = labels()
    row, col = (int(word.strip(",:")) for word in (told.split()[1], told.split()[3]))
    assert abs(row - 30) <= 1 and abs(col - 30) <= 1
    assert NAMES[found[row, col] - 1] in told
    assert float(told.split()[-1]) == pytest.approx(float(confidence(found)[row, col]), abs=0.02)
    assert "no data or rejected" in point(opened, 0.505, 0.02)


def test_names_are_told_as_they_are(visit) -> None:
    opened = visit(names=LONG)
    assert LONG[2] in point(opened, 0.6, 0.9)


def test_buttons_and_keys_zoom_to_single_pixels_and_back(visit) -> None:
    opened = visit()
    assert opened.locator("#out").is_disabled()
    for _ in range(4):
        opened.locator("#in").click()
    canvas = opened.locator("#canvas")
    assert not opened.locator("#out").is_disabled()
    canvas.focus()
    for _ in range(30):
        opened.keyboard.press("+")
    first = point(opened, 0.76, 0.51)
    assert first == point(opened, 0.78, 0.52), "a pixel is larger than that now"
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    assert point(opened, 0.76, 0.51) != first
    opened.keyboard.press("0")
    assert opened.locator("#out").is_disabled()


def test_who_moves_by_keys_is_told_of_the_pixel_in_the_middle(visit) -> None:
    opened = visit()
    opened.locator("#canvas").focus()
    for _ in range(8):
        opened.keyboard.press("+")
    first = opened.locator("#pixel").inner_text()
    found = labels()
    row, col = (int(word.strip(",:")) for word in (first.split()[1], first.split()[3]))
    assert abs(row - found.shape[0] // 2) <= 1 and abs(col - found.shape[1] // 2) <= 1
    assert NAMES[found[row, col] - 1] in first
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    moved = opened.locator("#pixel").inner_text()
    assert int(moved.split()[3].strip(":")) > col and moved.split()[1] == first.split()[1]


def test_the_wheel_zooms_only_where_that_is_meant(visit) -> None:
    opened = visit()
    point(opened, 0.75, 0.5)
    opened.mouse.wheel(0, -300)
    assert opened.locator("#out").is_disabled(), "it scrolls the page"
    opened.locator("#canvas").focus()
    point(opened, 0.75, 0.5)
    opened.mouse.wheel(0, -300)
    opened.wait_for_function("() => !document.getElementById('out').disabled")


def test_dragging_moves_scene_and_map_together(visit) -> None:
    opened = visit()
    for _ in range(5):
        opened.locator("#in").click()
    before = point(opened, 0.26, 0.51), point(opened, 0.76, 0.51)
    assert before[0] == before[1], "both panes show the same place"
    box = opened.locator("#canvas").bounding_box()
    opened.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    opened.mouse.down()
    opened.mouse.move(box["x"] + 0.15 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    opened.mouse.up()
    after = point(opened, 0.26, 0.51), point(opened, 0.76, 0.51)
    assert after[0] == after[1] != before[0]


def test_a_theme_can_be_chosen_whatever_the_system_says(visit) -> None:
    opened = visit()
    light = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.locator("#theme").click()
    dark = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    assert visit(scheme="dark").evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_figures_are_in_the_colours_of_the_theme(visit) -> None:
    ink = """() => getComputedStyle(document.querySelector(".figure svg text")).fill"""
    assert visit(scheme="light").evaluate(ink) != visit(scheme="dark").evaluate(ink)


def test_everything_can_be_reached_without_a_mouse(visit) -> None:
    opened = visit()
    reached = []
    for _ in range(60):
        opened.keyboard.press("Tab")
        reached.append(
            opened.evaluate("(one => one.id || one.name || one.className || one.tagName)(document.activeElement)")
        )
    assert reached[0] == "skip"
    assert {"theme", "mode", "scene", "layer", "in", "fit", "canvas", "class", "scroll", "SUMMARY"} <= set(reached)


def test_without_a_script_the_pictures_are_there(browser: Browser, tmp_path: Path) -> None:
    path = write_report(tmp_path / "report.html", report())
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(path.as_uri())
    assert opened.locator(".stills img").count() == 4
    assert all(picture.is_visible() for picture in opened.locator(".stills img").all())
    assert not opened.locator("#canvas").is_visible() and not opened.locator("#theme").is_visible()
    context.close()


def test_on_paper_the_pictures_are_there_and_the_buttons_are_not(visit) -> None:
    opened = visit()
    opened.emulate_media(media="print")
    assert all(picture.is_visible() for picture in opened.locator(".stills img").all())
    assert not opened.locator("#theme").is_visible() and not opened.locator("#canvas").is_visible()


@pytest.mark.parametrize("names", [NAMES, LONG], ids=["short", "long"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_overflows(visit, width: int, scheme: str, names: tuple[str, ...]) -> None:
    warning = MapWarning("alike", f"{'x' * 90} and more, " * 4, (names[0],))
    opened = visit(width, scheme, names=names, scene="a_scene_with_a_very_long_name_" * 4, warnings=[warning])
    for summary in opened.locator("summary").all():
        summary.click()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    outside = opened.evaluate(
        """width => [...document.querySelectorAll("header *, main *, .about *")]
            .filter(one => one.checkVisibility() && !one.closest("svg, .scroll > table, .hidden, #split"))
            .filter(one => { const box = one.getBoundingClientRect(); return box.left < -1 || box.right > width + 1; })
            .map(one => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("shape", [(3, 400), (400, 3), (500, 500)])
@pytest.mark.parametrize("width", [1400, 400])
def test_a_scene_of_any_shape_fits(visit, width: int, shape: tuple[int, int]) -> None:
    opened = visit(width, rows=shape[0], cols=shape[1], known=False)
    box = opened.locator("#canvas").bounding_box()
    assert box is not None and 100 <= box["height"] <= 900 * 0.95 and box["width"] <= width
    choose(opened, "mode", "swipe")
    opened.locator("#split").focus()
    opened.keyboard.press("Home")
    colours = {tuple(at(opened, across, 0.5)[:3]) for across in np.linspace(0.02, 0.98, 49)}
    assert colours & {tuple(colour) for colour in COLOURS.tolist()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(visit, scheme: str) -> None:
    opened = visit(scheme=scheme)
    kinds = ["h1", ".kicker", "nav a", "#theme", ".about dt", ".tag", ".warnings li span:last-child", "#pixel", "#keys"]
    kinds += ["input:checked + span", ".legend th", ".legend p", ".card .quiet", ".card dt", ".caution", ".figures li"]
    kinds += [".grid caption", ".confusion td.right", ".confusion td.zero", ".steps td", ".hashes dt", "#command"]
    ratios = opened.evaluate(_CONTRAST, kinds)
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("width", [1400, 400])
def test_all_that_is_said_is_in_a_landmark(visit, width: int) -> None:
    stray = """() => [...document.body.children].filter(one => one.checkVisibility() && one.innerText.trim())
        .filter(one => !["HEADER", "MAIN"].includes(one.tagName) && !one.matches(".skip")).map(one => one.outerHTML)"""
    assert visit(width).evaluate(stray) == []


# The contrast of WCAG 2.2, of the first element that is shown of each kind, as the browser draws colours on each other.
_CONTRAST = """kinds => {
    const paint = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
    const drawn = colours => { paint.clearRect(0, 0, 1, 1);
        for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
        return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3); };
    const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    return Object.fromEntries(kinds.map(kind => {
        const one = [...document.querySelectorAll(kind)].find(one => one.checkVisibility());
        const grounds = [];
        for (let at = one; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
        const [a, b] = [drawn([...grounds, getComputedStyle(one).color]), drawn(grounds)].map(light);
        return [kind, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })); }"""
