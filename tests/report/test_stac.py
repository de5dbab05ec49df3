"""The STAC item beside a map, as the reference library reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pystac
import pytest
from affine import Affine
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from rasterio.crs import CRS

from special.report.exports import write_map
from special.report.stac import _moment
from special.scene import Georeference

NAMES = ["Water", "Grass & herbs", "水", 'Roof, "tiled"']
UTM = Georeference(CRS.from_epsg(32633).to_wkt(), (9.0, 0, 391_000, 0, -9.0, 5_820_000))


def item(folder: Path, place: Georeference | None = UTM, **more: object) -> pystac.Item:
    shares = np.random.default_rng(0).dirichlet(np.ones(4), (7, 11)).astype(np.float32)
    folder.mkdir(exist_ok=True)
    write_map(folder, shares, np.ones((7, 11), bool), NAMES, place, reject=0.0, **more)
    return pystac.Item.from_file(folder / "map.stac.json")


def test_the_item_says_which_number_is_which_class(tmp_path: Path) -> None:
    found = item(tmp_path, concepts=["water", "", "", "roof"])
    classes = ClassificationExtension.ext(found.assets["map"]).classes
    assert [one.value for one in classes] == [0, 1, 2, 3, 4] and classes[0].nodata
    assert [one.title for one in classes[1:]] == NAMES
    assert classes[4].description == 'Roof, "tiled": roof'
    names = [one.name for one in classes]
    assert len(set(names)) == 5 and all(re.fullmatch(r"[0-9A-Za-z_-]+", name) for name in names)
    assert all(re.fullmatch(r"[0-9A-F]{6}", one.color_hint) for one in classes[1:])
    labels = np.load(tmp_path / "map.npy")
    assert [one.count for one in classes[1:]] == [int((labels == k).sum()) for k in range(1, 5)]
    assert abs(sum(one.percentage for one in classes[1:]) - 100) < 0.01


@pytest.mark.parametrize("place", [UTM, None], ids=["UTM", "nowhere"])
@pytest.mark.parametrize("acquired", ["2020-01-01", None], ids=["dated", "undated"])
def test_the_item_keeps_to_the_schema_of_stac(tmp_path: Path, place: Georeference | None, acquired: str | None) -> None:
    found = item(tmp_path, place, acquired=acquired)
    found.stac_extensions = []  # their schemas are on the network
    assert found.validate()


def test_every_file_that_it_names_is_there_and_is_named_from_beside_it(tmp_path: Path) -> None:
    found = item(tmp_path)
    assert set(found.assets) == {"map", "confidence", "picture", "style"}
    for asset in json.loads((tmp_path / "map.stac.json").read_text())["assets"].values():
        assert asset["href"].startswith("./") and (tmp_path / asset["href"]).is_file()
    assert found.assets["map"].media_type == pystac.MediaType.COG


def test_it_says_where_the_scene_lies(tmp_path: Path) -> None:
    found = item(tmp_path)
    projection = ProjectionExtension.ext(found)
    assert (projection.code, projection.shape) == ("EPSG:32633", [7, 11])
    assert Affine(*projection.transform) == Affine(*UTM.transform)
    west, south, east, north = found.bbox
    assert 13.3 < west < east < 13.5 and 52.4 < south < north < 52.6
    ring = np.array(found.geometry["coordinates"][0])
    assert (ring[0] == ring[-1]).all() and np.allclose([*ring.min(axis=0), *ring.max(axis=0)], found.bbox)
    x, y = (ring - ring.mean(axis=0)).T
    assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0, "counter-clockwise"


def test_over_the_date_line_the_outline_is_cut(tmp_path: Path) -> None:
    place = Georeference(CRS.from_epsg(32660).to_wkt(), (30_000.0, 0, 700_000, 0, -30_000.0, 5_820_000))
    found = item(tmp_path, place)
    assert found.geometry["type"] == "MultiPolygon" and found.bbox[0] > 170 > -170 > found.bbox[2]


@pytest.mark.parametrize(
    "place",
    [
        None,
        Georeference(None, UTM.transform),
        Georeference('LOCAL_CS["a grid of a drone",UNIT["metre",1]]', (1.0, 0, 0, 0, -1, 0)),
    ],
    ids=["nowhere", "no projection", "local"],
)
def test_a_scene_without_a_place_has_an_item_without_one(tmp_path: Path, place: Georeference | None) -> None:
    found = item(tmp_path, place)
    assert found.geometry is None and found.bbox is None


def test_it_says_when_the_scene_was_taken_or_that_nobody_knows(tmp_path: Path) -> None:
    dated = item(tmp_path / "dated", acquired="2022-09-03T16:31:29Z")
    assert dated.datetime.isoformat() == "2022-09-03T16:31:29+00:00"
    undated = item(tmp_path / "undated")
    assert undated.datetime is None and undated.properties["start_datetime"] < undated.properties["end_datetime"]
    assert "does not say when" in undated.properties["title"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2016-04-25T17:33:09.123456", "2016-04-25T17:33:09.123456+00:00"),
        ("2021-07-01T12:00:00+02:00", "2021-07-01T12:00:00+02:00"),
        ("2021-07-01 sometime", "2021-07-01T00:00:00+00:00"),
        ("first of July", None),
        (None, None),
    ],
)
def test_dates_are_read_as_products_write_them(said: str | None, found: str | None) -> None:
    moment = _moment(said)
    assert (moment.isoformat() if moment else None) == found


def test_two_maps_have_two_names_and_one_map_has_one(tmp_path: Path) -> None:
    first, again = item(tmp_path / "first"), item(tmp_path / "again")
    shares = np.eye(4, dtype=np.float32)[np.zeros((7, 11), int)]
    (tmp_path / "other").mkdir()
    write_map(tmp_path / "other", shares, np.ones((7, 11), bool), NAMES, UTM, reject=0.0)
    assert first.id == again.id != pystac.Item.from_file(tmp_path / "other" / "map.stac.json").id
