"""How large pixels are on the ground."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.crs import CRS

from special.report.areas import class_areas, pixel_areas
from special.scene import Georeference

WGS84 = CRS.from_epsg(4326).to_wkt()


def test_a_projection_says_how_large_a_pixel_is_in_its_own_unit() -> None:
    turned = (7.794, 4.5, 391_000.0, 4.5, -7.794, 5_820_000.0)
    np.testing.assert_allclose(pixel_areas(Georeference(CRS.from_epsg(32633).to_wkt(), turned), 2), 7.794**2 + 4.5**2)
    feet = Georeference(CRS.from_epsg(2263).to_wkt(), (10.0, 0, 0, 0, -10.0, 0))  # US survey feet
    np.testing.assert_allclose(pixel_areas(feet, 1), (10 * 1200 / 3937) ** 2)


def test_degrees_over_the_whole_earth_make_the_surface_of_the_ellipsoid() -> None:
    areas = pixel_areas(Georeference(WGS84, (360.0, 0, -180, 0, -1.0, 90)), 180)
    np.testing.assert_allclose(areas.sum(), 510_065_621.724e6, rtol=1e-9)  # WGS 84
    assert areas[0] < areas[45] < areas[89]


@pytest.mark.parametrize(
    "place",
    [
        None,
        Georeference(WGS84, None),
        Georeference(None, (1.0, 0, 0, 0, -1, 0)),
        Georeference(WGS84, (0.1, 0.1, 0, 0.1, -0.1, 0)),
        Georeference('LOCAL_CS["a grid of a drone",UNIT["metre",1]]', (1.0, 0, 0, 0, -1, 0)),
    ],
    ids=["nowhere", "no corner", "no projection", "turned degrees", "local"],
)
def test_of_what_has_no_place_nobody_knows_the_size(place: Georeference | None) -> None:
    assert pixel_areas(place, 3) is None
    assert class_areas(np.zeros((3, 2), np.uint8), 2, place) is None


def test_the_area_of_a_class_is_that_of_its_pixels_row_by_row() -> None:
    place = Georeference(WGS84, (0.5, 0, 10, 0, -0.5, 60))
    each = pixel_areas(place, 2)
    areas = class_areas(np.array([[1, 1, 0], [2, 1, 1]], np.uint8), 2, place)
    np.testing.assert_allclose(areas, [each[0], 2 * each[0] + 2 * each[1], each[1]])
