"""Pictures that the page holds."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from some_report import COLOURS, confidence, labels

from special.report.page import layers
from special.report.page.layers import LEVELS, confidence_colours, layers_of, map_picture, unlike


def opened(src: str) -> np.ndarray:
    """The pixels of a picture, uint8 (rows, cols, 4)."""
    packed = base64.b64decode(src.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(packed)).convert("RGBA"))


def drawn(found: np.ndarray, renderings: int = 1) -> layers.Layers:
    rng = np.random.default_rng(0)
    pictures = [("True colour", rng.integers(0, 255, (*found.shape, 3), np.uint8)) for _ in range(renderings)]
    return layers_of(pictures, found, confidence(found), COLOURS)


def test_every_pixel_of_the_map_has_the_colour_of_its_class_and_what_is_open_is_clear() -> None:
    found = labels()
    pixels = opened(drawn(found).map.src)
    np.testing.assert_array_equal(pixels[found > 0][:, :3], COLOURS[found[found > 0] - 1])
    assert (pixels[found == 0][:, 3] == 0).all() and (pixels[found > 0][:, 3] == 255).all()


def test_the_confidence_can_be_read_from_its_picture() -> None:
    found = labels()
    pixels = opened(drawn(found).confidence.src)
    table = {bytes(colour): level / (LEVELS - 1) for level, colour in enumerate(confidence_colours())}
    read = np.array([table[bytes(pixel)] for pixel in pixels[found > 0][:, :3]])
    np.testing.assert_allclose(read, confidence(found)[found > 0], atol=0.5 / (LEVELS - 1) + 1e-6)


def test_a_small_scene_is_shown_exactly() -> None:
    image = np.random.default_rng(1).integers(0, 255, (5, 7, 3), np.uint8)
    found = layers_of([("True colour", image)], labels(5, 7), confidence(labels(5, 7)), COLOURS)
    np.testing.assert_array_equal(opened(found.scene[0].src)[..., :3], image)


def test_a_larger_scene_is_shown_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MOST_PIXELS", 600)
    found = drawn(labels())
    assert (found.rows, found.cols, found.side) == (40, 60, 2)
    assert opened(found.map.src).shape == opened(found.scene[0].src).shape == (20, 30, 4)


def test_a_map_of_noise_and_a_scene_of_noise_fit_into_a_page() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (1000, 1000, 3), np.uint8)
    colours = rng.integers(0, 255, (200, 3), np.uint8)
    found = rng.integers(1, 201, (1000, 1000)).astype(np.uint8)
    made = layers_of([("a", noise), ("b", noise)], found, rng.random((1000, 1000), np.float32), colours)
    assert sum(len(one.src) for one in (*made.scene, made.map, made.confidence)) < 6_700_000


def test_classes_of_one_colour_can_be_told_apart_by_the_script() -> None:
    same = np.tile(np.array([[255, 0, 128]], np.uint8), (300, 1))
    apart = unlike(same)
    assert len({bytes(colour) for colour in apart}) == 300
    assert np.abs(apart.astype(int) - same).max() <= 8


def test_a_map_of_more_classes_than_a_palette_holds() -> None:
    found = np.arange(1, 301).reshape(10, 30)
    colours = unlike(np.zeros((300, 3), np.uint8))
    np.testing.assert_array_equal(opened(map_picture(found, colours))[..., :3].reshape(-1, 3), colours)
