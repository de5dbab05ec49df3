"""Points and polygons as answers, in every format and coordinate system that people keep them in."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from special.answers.grid import Grid
from special.answers.reading import read_answers
from special.classnames.class_list import ClassList
from special.errors import AnswersError
from special.scene.source import Georeference

CLASSES = ClassList.parse(["Water", "Grass", "Road"])
CRS = "EPSG:32633"
LEFT, TOP, SIDE = 400000.0, 5000000.0, 30.0
GRID = Grid((20, 30), Georeference(CRS, (SIDE, 0.0, LEFT, 0.0, -SIDE, TOP)), np.ones((20, 30), dtype=bool))
UNPLACED = Grid((20, 30))


def at(row: float, col: float) -> tuple[float, float]:
    """Coordinates of a place in pixels."""
    return LEFT + SIDE * col, TOP - SIDE * row


def square(top: float, left: float, bottom: float, right: float) -> Any:
    return shapely.box(*at(bottom, left), *at(top, right))


def write(
    path: Path, shapes: Sequence[Any], classes: Sequence[Any], crs: str | None = CRS, field: str = "class", **more: Any
) -> Path:
    kinds = {shape.geom_type for shape in shapes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(shapes, dtype=object)),
            [np.array(classes, dtype=object if isinstance(classes[0], str | None) else None)],
            [field],
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
            crs=crs,
            **more,
        )
    return path


def read(path: Path, grid: Grid = GRID, **options: Any) -> tuple[np.ndarray, list[str]]:
    """The label image that a file comes to, and what was said of it."""
    said: list[str] = []
    return read_answers(path, grid, CLASSES, say=said.append, **options).labels(grid.shape), said


def refused(path: Path, grid: Grid = GRID) -> str:
    with pytest.raises(AnswersError) as caught:
        read_answers(path, grid, CLASSES)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["points.gpkg", "points.shp", "points.fgb", "points.geojson"])
def test_points_are_read_in_every_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("geojson"):  # which is always in longitude and latitude
        source = write(
            tmp_path / "points.gpkg", [shapely.Point(at(2.5, 3.5)), shapely.Point(at(9.5, 7.5))], ["Road", "Water"]
        )
        assert read(_in_degrees(source, path))[0][2, 3] == 3
        return
    labels, said = read(write(path, [shapely.Point(at(2.5, 3.5)), shapely.Point(at(9.5, 7.5))], ["Road", "Water"]))
    assert np.argwhere(labels).tolist() == [[2, 3], [9, 7]]
    assert (labels[2, 3], labels[9, 7]) == (3, 1)
    assert not said


def test_polygons_speak_for_the_pixels_whose_centres_they_cover(tmp_path: Path) -> None:
    labels, _ = read(write(tmp_path / "areas.gpkg", [square(2.4, 3.6, 5.6, 7.4)], ["Grass"]))
    expected = np.zeros((20, 30), dtype=int)
    expected[2:6, 4:7] = 2
    np.testing.assert_array_equal(labels, expected)


def test_a_polygon_is_one_answer(tmp_path: Path) -> None:
    path = write(tmp_path / "areas.gpkg", [square(1, 1, 4, 4), square(6, 6, 9, 9)], ["Grass", "Road"])
    assert read_answers(path, GRID, CLASSES).count == 2


def test_another_coordinate_system_is_transformed(tmp_path: Path) -> None:
    source = write(tmp_path / "a.gpkg", [square(2, 3, 6, 9)], ["Grass"])
    np.testing.assert_array_equal(read(_in_degrees(source, tmp_path / "b.geojson"))[0], read(source)[0])


def test_classes_by_number_and_in_a_field_of_another_name(tmp_path: Path) -> None:
    path = write(tmp_path / "points.gpkg", [shapely.Point(at(2.5, 3.5))], np.array([2], dtype=np.int64), field="code")
    assert "no field 'class', but code: name one with --labels-key" in refused(path)
    assert read(path, key="code")[0][2, 3] == 2


def test_a_field_that_is_called_as_others_call_it_is_found(tmp_path: Path) -> None:
    assert read(write(tmp_path / "p.gpkg", [shapely.Point(at(2.5, 3.5))], ["Road"], field="Label"))[0][2, 3] == 3


def test_a_picture_without_a_place_takes_the_coordinates_that_qgis_shows(tmp_path: Path) -> None:
    path = write(tmp_path / "points.gpkg", [shapely.Point(3.5, -2.5)], ["Road"], crs=None)
    assert read(path, UNPLACED)[0][2, 3] == 3


def test_without_a_coordinate_system_a_file_is_refused_where_the_scene_has_one(tmp_path: Path) -> None:
    assert "does not say its coordinate system" in refused(
        write(tmp_path / "points.gpkg", [shapely.Point(at(2.5, 3.5))], ["Road"], crs=None)
    )


def test_places_on_the_map_are_refused_where_the_scene_has_none(tmp_path: Path) -> None:
    path = write(tmp_path / "points.gpkg", [shapely.Point(at(2.5, 3.5))], ["Road"])
    assert "the scene has no place on the map" in refused(path, UNPLACED)


def test_points_of_another_scene_are_refused(tmp_path: Path) -> None:
    assert "is it of another scene?" in refused(
        write(
            tmp_path / "points.gpkg", [shapely.Point(at(900.5, 3.5)), shapely.Point(at(3.5, -80.5))], ["Road", "Water"]
        )
    )


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    shapes = [
        square(1, 1, 4, 4),
        square(500, 1, 504, 4),
        square(8.1, 8.1, 8.4, 8.4),
        shapely.LineString([at(0, 0), at(9, 9)]),
    ]
    labels, (line,) = read(write(tmp_path / "areas.gpkg", shapes, ["Grass"] * 4))
    assert (labels > 0).sum() == 9
    assert "Of 4 answers" in line
    for part in ("1 is outside the scene", "1 is smaller than a pixel", "1 is neither a point nor a polygon"):
        assert part in line


def test_pixels_of_polygons_that_contradict_each_other_are_nobodys(tmp_path: Path) -> None:
    path = write(tmp_path / "areas.gpkg", [square(0, 0, 4, 4), square(2, 2, 6, 6)], ["Grass", "Road"])
    labels, _ = read(path)
    assert (labels[2:4, 2:4] == 0).all()
    assert labels[0, 0] == 2 and labels[5, 5] == 3


def test_a_polygon_that_crosses_itself_covers_what_its_line_goes_around(tmp_path: Path) -> None:
    bow = shapely.Polygon([at(0, 0), at(10, 10), at(0, 10), at(10, 0)])
    assert not bow.is_valid
    labels, _ = read(write(tmp_path / "areas.gpkg", [bow], ["Grass"]))
    assert labels[5, 1] == labels[5, 8] == 2
    assert labels[1, 5] == labels[8, 5] == 0


def test_ten_thousand_polygons_are_read(tmp_path: Path) -> None:
    grid = Grid((200, 200), Georeference(CRS, (SIDE, 0.0, LEFT, 0.0, -SIDE, TOP)))
    corners = [(row, col) for row in range(0, 200, 2) for col in range(0, 200, 2)]
    shapes = [square(row, col, row + 2, col + 2) for row, col in corners]
    path = write(tmp_path / "many.gpkg", shapes, [("Grass", "Road")[(row + col) // 2 % 2] for row, col in corners])
    found = read_answers(path, grid, CLASSES)
    assert (len(found), found.count) == (40_000, 10_000)


def test_a_file_with_no_feature_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "none.geojson", [shapely.Point(0, 0)], ["Road"], crs="EPSG:4326")
    path.write_text('{"type": "FeatureCollection", "features": []}')
    refused(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "points.gpkg", [shapely.Point(at(2.5, 3.5))], ["Road"])
    path.write_bytes(path.read_bytes()[:600])
    assert "cannot be read" in refused(path)


def _in_degrees(source: Path, target: Path) -> Path:
    """Write the features of a file again in longitude and latitude."""
    from rasterio.warp import transform

    meta, _, shapes, (classes,) = pyogrio.raw.read(source)
    turned = shapely.transform(
        shapely.from_wkb(shapes), lambda xy: np.stack(transform(meta["crs"], "EPSG:4326", xy[:, 0], xy[:, 1]), axis=1)
    )
    return write(target, list(turned), list(classes), crs="EPSG:4326")
