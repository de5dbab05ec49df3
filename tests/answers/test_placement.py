"""Where pixels lie, and how large they are."""

from __future__ import annotations

import numpy as np
import pytest
from some_questions import UTM

from special.answers.sheet.placement import Placement, outline
from special.scene import Georeference

L_SHAPE = np.array([[2, 3], [3, 3], [3, 4]], np.int32)


def test_the_middle_of_a_pixel_is_half_a_pixel_from_its_corner() -> None:
    assert Placement.of(UTM).centre(2, 1) == (383851.349 + 13.5, 5819308.225 - 22.5)


def test_a_turned_scene_turns_its_pixels() -> None:
    turned = Georeference(UTM.crs_wkt, (3.0, 4.0, 1000.0, 4.0, -3.0, 2000.0))
    assert Placement.of(turned).centre(0, 1) == (1000 + 3 * 1.5 + 4 * 0.5, 2000 + 4 * 1.5 - 3 * 0.5)
    assert Placement.of(turned).pixel_size(0, 0) == (5.0, 5.0)


def test_without_a_place_y_falls_from_the_top_as_qgis_shows_pictures() -> None:
    placement = Placement.of(None)
    assert placement.centre(2, 1) == (1.5, -2.5)
    assert (placement.crs_wkt, placement.unit, placement.pixel_size(2, 1)) == (None, "pixel", (1.0, 1.0))


def test_an_outline_goes_around_its_pixels() -> None:
    found = outline(L_SHAPE)
    assert found.area == 3
    assert found.bounds == (3, 2, 5, 4)


def test_pixels_that_touch_at_a_corner_and_holes_make_valid_outlines() -> None:
    ring = np.argwhere(np.pad(np.zeros((1, 1), bool), 1, constant_values=True))
    found = outline(np.vstack([ring, [[3, 3]]]).astype(np.int32))
    assert found.is_valid
    assert found.area == 9
    assert len(found.geoms) == 2


def test_an_outline_lies_where_the_scene_does() -> None:
    found = Placement.of(UTM).outline(L_SHAPE)
    assert found.bounds == pytest.approx((383878.349, 5819272.225, 383896.349, 5819290.225))
    assert found.area == pytest.approx(3 * 81)


def test_pixels_are_measured_in_metres_whatever_the_coordinates_are() -> None:
    feet = Georeference("EPSG:2263", (10.0, 0.0, 980000.0, 0.0, -10.0, 200000.0))
    degrees = Georeference("EPSG:4326", (0.001, 0.0, 10.0, 0.0, -0.001, 60.0))
    assert Placement.of(feet).pixel_size(0, 0) == pytest.approx((3.048, 3.048), rel=1e-4)
    assert Placement.of(degrees).pixel_size(0, 0) == pytest.approx((55.6, 111.2), rel=1e-2)


def test_coordinates_of_no_known_system_have_no_metres() -> None:
    nowhere = Placement.of(Georeference(None, (2.0, 0.0, 100.0, 0.0, -2.0, 50.0)))
    assert (nowhere.unit, nowhere.pixel_size(0, 0)) == ("unit", (2.0, 2.0))
