"""The rgb step: what colours come out, and that nothing goes in twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from special.errors import SettingsError
from special.scene import Scene
from special.settings import load
from special.steps.rgb import RgbSettings, missing_colours, render

SETTINGS = RgbSettings(
    red_nm=655.0, green_nm=553.0, blue_nm=451.0, low_quantile=0.0, high_quantile=1.0, stretch="each", gamma=1.0
)
NM = np.array([440.0, 460.0, 540.0, 560.0, 640.0, 660.0, 900.0])


def ramp(rows: int = 4, cols: int = 5, bands: int = len(NM)) -> np.ndarray:
    """Every band rises from 1 to 2 over the pixels, in an order of its own."""
    steps = np.linspace(1.0, 2.0, rows * cols)
    return np.stack([np.roll(steps, band) for band in range(bands)], axis=1).reshape(rows, cols, bands)


def test_colours_are_interpolated_between_the_bands_on_both_sides() -> None:
    cube = ramp()
    image = render(Scene.from_array(cube, NM), SETTINGS)
    assert image is not None and image.dtype == np.uint8 and image.shape == (4, 5, 3)
    for channel, (below, above, share) in enumerate([(4, 5, 0.75), (2, 3, 0.65), (0, 1, 0.55)]):
        mixed = (1 - share) * cube[..., below] + share * cube[..., above]
        expected = 255 * (mixed - mixed.min()) / (mixed.max() - mixed.min())
        np.testing.assert_allclose(image[..., channel], expected, atol=0.51)


def test_a_band_exactly_at_a_colour_is_that_colour() -> None:
    cube = ramp(bands=3)
    image = render(Scene.from_array(cube, [451.0, 553.0, 655.0]), SETTINGS)
    assert image is not None
    np.testing.assert_array_equal(image[..., 0], np.rint(255 * (cube[..., 2] - 1)))


def test_a_scene_that_begins_a_little_late_uses_its_first_band_for_blue() -> None:
    cube = ramp(bands=3)
    image = render(Scene.from_array(cube, [475.0, 553.0, 655.0]), SETTINGS)
    assert image is not None
    np.testing.assert_array_equal(image[..., 2], np.rint(255 * (cube[..., 0] - 1)))


@pytest.mark.parametrize(
    ("wavelengths", "missing"),
    [
        ([490.0, 553.0, 655.0], ["blue"]),
        ([900.0, 1600.0, 2200.0], ["red", "green", "blue"]),
        ([440.0, 460.0, 2200.0], ["red", "green"]),
    ],
)
def test_a_scene_that_does_not_cover_the_visible_has_no_rgb(wavelengths: list[float], missing: list[str]) -> None:
    assert render(Scene.from_array(ramp(bands=3), wavelengths), SETTINGS) is None
    assert missing_colours(np.array(wavelengths), SETTINGS) == missing


def test_invalid_pixels_are_black_and_do_not_disturb_the_others() -> None:
    cube = ramp()
    clean = render(Scene.from_array(cube[1:], NM), SETTINGS)
    cube[0] = np.nan
    cube[0, 0] = -9999
    image = render(Scene.from_array(cube, NM), SETTINGS)
    assert image is not None and clean is not None
    assert not image[0].any()
    np.testing.assert_array_equal(image[1:], clean)


def test_quantiles_are_taken_over_valid_pixels() -> None:
    values = np.arange(1.0, 101.0).reshape(10, 10, 1) + np.zeros(3)
    cube = np.concatenate([values, np.full((10, 10, 3), np.nan)])
    image = render(
        Scene.from_array(cube, [451.0, 553.0, 655.0]),
        replace(SETTINGS, low_quantile=0.1, high_quantile=0.9),
    )
    assert image is not None
    red = image[:10, :, 0].ravel()
    assert (red[:10] == 0).all() and (red[90:] == 255).all() and 0 < red[11] < red[88] < 255


def test_each_channel_is_stretched_on_its_own() -> None:
    cube = ramp(bands=3) * [1.0, 1000.0, 0.001]
    image = render(Scene.from_array(cube, [451.0, 553.0, 655.0]), SETTINGS)
    assert image is not None
    assert (image.reshape(-1, 3).min(axis=0) == 0).all() and (image.reshape(-1, 3).max(axis=0) == 255).all()


def test_one_stretch_for_all_channels_keeps_the_hue() -> None:
    cube = ramp(bands=3) * [0.1, 0.2, 0.4]  # blue, green, red
    image = render(Scene.from_array(cube, [451.0, 553.0, 655.0]), replace(SETTINGS, stretch="together"))
    assert image is not None
    low, high = cube.min(), cube.max()
    np.testing.assert_allclose(image, 255 * (cube[..., ::-1] - low) / (high - low), atol=0.51)


def lit(air: float) -> Scene:
    """A scene whose bands differ by sunlight, and from which the air takes a share at 760 nm."""
    nm = np.array([451.0, 553.0, 655.0, 745.0, 761.0, 778.0])
    return Scene.from_array(ramp(bands=6) * [4.0, 3.0, 2.0, 1.0, 1.0 - air, 1.0], nm)


@pytest.mark.parametrize(("air", "like"), [(0.0, "together"), (0.6, "each")])
def test_what_the_air_takes_tells_how_the_channels_are_stretched(air: float, like: str) -> None:
    scene = lit(air)
    auto, expected = (render(scene, replace(SETTINGS, stretch=stretch)) for stretch in ("auto", like))
    other = render(scene, replace(SETTINGS, stretch="each" if like == "together" else "together"))
    assert auto is not None and expected is not None and other is not None
    np.testing.assert_array_equal(auto, expected)
    assert (auto != other).any()


def test_gamma_lifts_what_lies_between_black_and_white() -> None:
    scene = Scene.from_array(ramp(bands=3), [451.0, 553.0, 655.0])
    plain, lifted = render(scene, SETTINGS), render(scene, replace(SETTINGS, gamma=2.0))
    assert plain is not None and lifted is not None
    np.testing.assert_allclose(lifted, 255 * np.sqrt(plain / 255.0), atol=4)


def test_a_constant_channel_is_grey() -> None:
    cube = np.ones((4, 5, 4))
    cube[..., 3] = ramp(bands=1)[..., 0]
    # Two bands that mirror each other: none is constant, but half-way between them nothing changes.
    cube[..., 0], cube[..., 1] = cube[..., 3], 3.0 - cube[..., 3]
    cube[..., 2] = cube[..., 3]
    image = render(Scene.from_array(cube, [441.0, 461.0, 553.0, 655.0]), SETTINGS)
    assert image is not None
    assert (image[..., 2] == 128).all() and image[..., 0].max() == 255


def test_a_channel_that_is_constant_but_for_an_outlier_shows_the_outlier() -> None:
    cube = np.ones((10, 10, 3))
    cube[5, 5] = 2.0
    image = render(
        Scene.from_array(cube, [451.0, 553.0, 655.0]),
        replace(SETTINGS, low_quantile=0.02, high_quantile=0.98),
    )
    assert image is not None
    assert (image[5, 5] == 255).all() and image.sum() == 3 * 255


def test_rendering_leaves_the_scene_as_it_was() -> None:
    cube = ramp()
    before = cube.copy()
    scene = Scene.from_array(cube, NM)
    first, second = render(scene, SETTINGS), render(scene, SETTINGS)
    np.testing.assert_array_equal(cube, before)
    assert first is not None and second is not None
    np.testing.assert_array_equal(first, second)


def test_one_pixel_is_enough() -> None:
    image = render(Scene.from_array(ramp()[:1, :1], NM), SETTINGS)
    assert image is not None and image.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (0.5, 0.5, "low_quantile must be from 0 to below high_quantile, not 0.5"),
        (0.9, 0.1, "low_quantile must be from 0 to below high_quantile, not 0.9"),
        (-0.1, 1.0, "low_quantile must be from 0 to below high_quantile, not -0.1"),
        (0.0, 1.5, "high_quantile must be 0 to 1, not 1.5"),
    ],
)
def test_quantiles_that_do_not_rise_are_refused(low: float, high: float, message: str) -> None:
    with pytest.raises(SettingsError, match=rf"^rgb\.{message}$"):
        load(changes={"rgb.low_quantile": low, "rgb.high_quantile": high}).build(RgbSettings)


def test_the_default_pipeline_uses_the_wavelengths_of_the_paper() -> None:
    settings = load().build(RgbSettings)
    assert (settings.red_nm, settings.green_nm, settings.blue_nm) == (655, 553, 451)
