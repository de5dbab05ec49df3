"""What is shown of a scene around a question."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from special.answers.questions import Question
from special.answers.sheet.pictures import Scale, Window, overview, picture


def asked(row: int, col: int, area: np.ndarray | None = None) -> Question:
    around = np.array([[row, col]], np.int32) if area is None else area.astype(np.int32)
    return Question(1, row, col, around, "Water", 0.5, (), 0)


def opened(address: str) -> tuple[str, np.ndarray]:
    kind, _, content = address.partition(";base64,")
    return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_a_window_has_its_question_in_the_middle_and_enough_around_it() -> None:
    assert Window.around(asked(100, 60), (200, 200)) == Window(80, 40, 40, 40)


def test_a_window_stays_inside_the_scene() -> None:
    assert Window.around(asked(0, 199), (200, 200)) == Window(0, 160, 40, 40)
    assert Window.around(asked(3, 5), (7, 9)) == Window(0, 0, 7, 9)


def test_a_window_shows_the_whole_area_and_more() -> None:
    area = np.argwhere(np.ones((60, 20), bool)) + 50
    window = Window.around(asked(60, 55, area), (300, 300))
    assert (window.top, window.left) < (50, 50)
    assert window.top + window.high > 110 and window.left + window.wide > 70


def test_a_window_that_cannot_hold_the_area_shows_the_pixel_in_question() -> None:
    area = np.argwhere(np.ones((1000, 10), bool))
    window = Window.around(asked(900, 4, area), (1000, 1000))
    assert window.high == 160
    assert window.top <= 900 < window.top + window.high


def test_an_outline_is_a_path_in_the_pixels_of_its_window() -> None:
    path = Window(10, 20, 40, 40).outline(np.array([[12, 25]], np.int32))
    corners = {tuple(map(float, corner.split())) for corner in path.strip("MZ").split("L")}
    assert corners == {(5, 2), (6, 2), (6, 3), (5, 3)}


def test_the_outline_of_an_area_that_goes_on_does_not_end_at_the_edge_of_the_window() -> None:
    area = np.argwhere(np.ones((90, 90), bool)).astype(np.int32)
    path = Window(20, 30, 40, 40).outline(area)
    corners = {tuple(map(float, corner.split())) for corner in path.strip("MZ").split("L")}
    assert corners == {(-1, -1), (41, -1), (41, 41), (-1, 41)}


def test_a_picture_holds_every_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    kind, read = opened(picture(image[:, ::-1]))
    assert kind == "data:image/png"
    np.testing.assert_array_equal(read, image[:, ::-1])


def test_a_picture_of_many_pixels_is_small_and_looks_the_same() -> None:
    slopes = np.indices((120, 120)).transpose(1, 2, 0)
    image = np.dstack([slopes, 120 - slopes[..., :1]]).astype(np.uint8)
    address = picture(image)
    kind, read = opened(address)
    assert kind == "data:image/jpeg"
    assert len(address) < image.size / 4
    assert np.abs(read.astype(int) - image).max() < 12


def test_the_overview_of_a_large_scene_is_small() -> None:
    kind, read = opened(overview(np.full((3000, 1500, 3), 90, np.uint8)))
    assert kind == "data:image/jpeg"
    assert read.shape == (480, 240, 3)


def test_the_overview_of_a_small_scene_is_the_scene() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(opened(overview(image))[1], image)


@pytest.mark.parametrize(
    ("pixels", "size", "unit", "text", "share"),
    [
        (40, 9.0, "m", "100 m", 100 / 360),
        (40, 1.3, "m", "20 m", 20 / 52),
        (100, 30.0, "m", "1 km", 1 / 3),
        (40, 1.0, "pixel", "10 pixels", 0.25),
        (3, 1.0, "pixel", "1 pixel", 1 / 3),
        (40, 0.004, "m", "0.05 m", 0.05 / 0.16),
    ],
)
def test_a_scale_bar_has_a_round_length(pixels: int, size: float, unit: str, text: str, share: float) -> None:
    scale = Scale.of(pixels, size, unit)
    assert scale.text == text
    assert scale.share == pytest.approx(share)
