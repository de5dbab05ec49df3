"""What ``special map`` writes, opened again with the programs that people use."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import spectral.io.envi
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning

from special.report.colours import palette
from special.report.exports import write_map
from special.report.picture import _font, enlarged
from special.scene import Georeference

NAMES = ["Water", "Grass", "Roof, tiled {red}", "Wasser & Öl <x>"]


def corner(x: float, y: float, wide: float, high: float) -> tuple[float, ...]:
    """The transform of a scene whose upper left corner is at x, y."""
    return (wide, 0.0, x, 0.0, -high, y)


TURNED = (7.794, 4.5, 391_000.0, 4.5, -7.794, 5_820_000.0)  # by 30 degrees
UTM = Georeference(CRS.from_epsg(32633).to_wkt(), corner(391_000, 5_820_000, 9, 9))


@pytest.fixture(autouse=True)
def no_warning_about_missing_places() -> None:
    warnings.simplefilter("ignore", NotGeoreferencedWarning)


def random_probabilities(rows: int, cols: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and valid pixels: all but the first."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.5), (rows, cols)).astype(np.float32)
    valid = np.ones((rows, cols), bool)
    valid[0, 0] = False
    probabilities[~valid] = 0
    return probabilities, valid


def write(
    folder: Path, *, rows: int = 7, cols: int = 11, names: list[str] = NAMES, place=None, reject=0.0
) -> np.ndarray:
    probabilities, valid = random_probabilities(rows, cols, len(names))
    folder.mkdir(exist_ok=True)
    written = write_map(folder, probabilities, valid, names, place, reject=reject)
    assert sorted(written) == sorted(folder.iterdir()), "what is returned is what is there"
    return np.load(folder / "map.npy")


def test_the_map_holds_the_most_probable_class_and_0_where_there_is_no_data(tmp_path: Path) -> None:
    probabilities, valid = random_probabilities(7, 11, 4)
    labels = write(tmp_path)
    assert labels.dtype == np.uint8 and labels[0, 0] == 0
    np.testing.assert_array_equal(labels[valid], 1 + probabilities.argmax(axis=-1)[valid])
    np.testing.assert_array_equal(np.load(tmp_path / "probabilities.npy"), probabilities)
    confidence = np.load(tmp_path / "confidence.npy")
    assert confidence.dtype == np.float32
    np.testing.assert_array_equal(confidence, probabilities.max(axis=-1))


def test_unsure_pixels_are_rejected_and_keep_their_confidence(tmp_path: Path) -> None:
    labels = write(tmp_path, reject=0.6)
    confidence = np.load(tmp_path / "confidence.npy")
    np.testing.assert_array_equal(labels == 0, confidence < 0.6)
    assert 0 < (labels == 0).sum() < labels.size


def test_a_pixel_as_probable_as_the_threshold_is_kept(tmp_path: Path) -> None:
    probabilities = np.full((1, 1, 5), 0.2, np.float32)
    write_map(tmp_path, probabilities, np.ones((1, 1), bool), list("abcde"), None, reject=0.2)
    assert np.load(tmp_path / "map.npy").item() == 1


def test_more_than_255_classes_need_two_bytes_everywhere(tmp_path: Path) -> None:
    labels = write(tmp_path, rows=20, cols=20, names=[f"class {k}" for k in range(300)])
    assert labels.dtype == np.uint16 and labels.max() > 255
    for name in ("map.tif", "map_envi.img"):
        with rasterio.open(tmp_path / name) as file:
            np.testing.assert_array_equal(file.read(1), labels)


@pytest.mark.parametrize("place", [None, UTM])
def test_the_geotiff_reads_back(tmp_path: Path, place: Georeference | None) -> None:
    labels = write(tmp_path, place=place)
    with rasterio.open(tmp_path / "map.tif") as file:
        np.testing.assert_array_equal(file.read(1), labels)
        assert (file.dtypes, file.nodata, file.compression.value) == (("uint8",), 0, "LZW")
        assert file.crs == (CRS.from_epsg(32633) if place else None)
        assert file.transform == (Affine(*place.transform) if place else Affine.identity())
        colours = [file.colormap(1)[k][:3] for k in range(1, 5)]
        assert file.tags(1)["class_3"] == NAMES[2]
    np.testing.assert_array_equal(colours, palette(NAMES))


def test_gdal_finds_the_class_names_of_the_geotiff(tmp_path: Path) -> None:
    write(tmp_path)
    # GDAL's virtual format writes down in XML what GDAL has understood of the file.
    rasterio.shutil.copy(tmp_path / "map.tif", tmp_path / "seen.vrt", driver="VRT")
    seen = ElementTree.parse(tmp_path / "seen.vrt").getroot().find("VRTRasterBand")
    assert [entry.text for entry in seen.iter("Category")] == ["no data or rejected", *NAMES]


def test_the_attribute_table_counts_and_colours_each_class(tmp_path: Path) -> None:
    labels = write(tmp_path)
    table = ElementTree.parse(tmp_path / "map.tif.aux.xml").getroot().find("PAMRasterBand/GDALRasterAttributeTable")
    rows = [[cell.text for cell in row] for row in table.iter("Row")]
    assert [field.findtext("Name") for field in table.iter("FieldDefn")] == [
        "Value", "Count", "Class", "Red", "Green", "Blue", "Concept",
    ]  # fmt: skip
    for k, (name, colour) in enumerate(zip(NAMES, palette(NAMES), strict=True), start=1):
        assert rows[k] == [str(k), str((labels == k).sum()), name, *map(str, colour), None]


def test_the_attribute_table_says_what_is_understood_and_how_large_it_is(tmp_path: Path) -> None:
    probabilities, valid = random_probabilities(7, 11, 4)
    concepts = ["water", "grass", "red roof tiles", "oil <slick> & \x00"]
    write_map(tmp_path, probabilities, valid, NAMES, UTM, reject=0.0, concepts=concepts)
    table = ElementTree.parse(tmp_path / "map.tif.aux.xml").getroot().find("PAMRasterBand/GDALRasterAttributeTable")
    rows = [[cell.text for cell in row] for row in table.iter("Row")]
    assert [row[6] for row in rows] == [None, "water", "grass", "red roof tiles", "oil <slick> & \u0020"]
    assert [float(row[7]) for row in rows] == [81.0 * int(row[1]) for row in rows], "m², pixels of 9 m x 9 m"
    assert sum(int(row[1]) for row in rows) == 77


def test_the_geotiffs_are_cloud_optimised_and_overviews_show_what_most_pixels_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 5, (300, 520)).repeat(2, axis=0).repeat(2, axis=1)  # 600 x 1040: blocks of one class
    noise = rng.random(labels.shape) < 0.1  # of four pixels rarely more than one
    labels = np.where(noise, 1 + labels % 4, labels)
    probabilities = np.eye(5, dtype=np.float32)[labels][..., 1:]
    write_map(tmp_path, probabilities, np.ones(labels.shape, bool), NAMES, UTM, reject=0.0)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.overviews(1) == [2, 4, 8]
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and file.block_shapes == [(256, 256)]
        assert file.colormap(1)[1][:3] == tuple(palette(NAMES)[0])
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as file:
        seen = file.read(1)
    four = np.stack([labels[r::2, c::2] for r in (0, 1) for c in (0, 1)])
    counts = np.stack([(four == k).sum(axis=0) for k in range(1, 5)])
    clear = np.sort(counts, axis=0)[-1] > np.sort(counts, axis=0)[-2]
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(seen[clear], (1 + counts.argmax(axis=0))[clear])
    with rasterio.open(tmp_path / "confidence.tif") as file:
        assert file.overviews(1) == [2, 4, 8] and file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_an_overview_has_the_colours_and_no_class_that_the_map_lacks(tmp_path: Path) -> None:
    labels = np.where(np.add.outer(np.arange(600), np.arange(600)) % 2, 1, 3)  # a mean would be 2
    write_map(
        tmp_path, np.eye(5, dtype=np.float32)[labels][..., 1:], np.ones((600, 600), bool), NAMES, None, reject=0.0
    )
    with rasterio.open(tmp_path / "map.tif", overview_level=1) as file:
        assert set(np.unique(file.read(1))) <= {1, 3}
        assert file.colormap(1)[3][:3] == tuple(palette(NAMES)[2])


def test_the_qgis_style_names_and_colours_each_class(tmp_path: Path) -> None:
    write(tmp_path)
    root = ElementTree.parse(tmp_path / "map.qml").getroot()
    entries = [entry.attrib for entry in root.find("pipe/rasterrenderer[@type='paletted']/colorPalette")]
    assert [entry["label"] for entry in entries] == NAMES
    assert [entry["value"] for entry in entries] == ["1", "2", "3", "4"]
    assert [tuple(bytes.fromhex(entry["color"][1:])) for entry in entries] == [
        tuple(c) for c in palette(NAMES).tolist()
    ]


def test_the_confidence_raster_has_nan_where_there_is_no_data(tmp_path: Path) -> None:
    write(tmp_path, place=UTM)
    with rasterio.open(tmp_path / "confidence.tif") as file:
        values = file.read(1)
        assert np.isnan(file.nodata) and file.crs == CRS.from_epsg(32633)
    assert np.isnan(values[0, 0])
    np.testing.assert_array_equal(values.ravel()[1:], np.load(tmp_path / "confidence.npy").ravel()[1:])


def test_the_envi_classification_reads_back_with_spectral_python(tmp_path: Path) -> None:
    labels = write(tmp_path, place=UTM)
    image = spectral.io.envi.open(tmp_path / "map_envi.hdr")
    np.testing.assert_array_equal(np.asarray(image.load())[..., 0], labels)
    told = image.metadata
    assert told["file type"] == "ENVI Classification" and told["classes"] == "5"
    # ENVI separates the names by commas and ends them with a brace.
    assert told["class names"] == ["Unclassified", "Water", "Grass", "Roof; tiled (red)", "Wasser & Öl <x>"]
    lookup = np.array(told["class lookup"], int).reshape(-1, 3)
    np.testing.assert_array_equal(lookup[1:], palette(NAMES))


@pytest.mark.parametrize(
    "place",
    [
        None,
        UTM,
        Georeference(CRS.from_epsg(4326).to_wkt(), corner(-121.5, 38.25, 0.0005, 0.0005)),
        Georeference(CRS.from_epsg(3035).to_wkt(), corner(4_500_000, 3_200_000, 30, 30)),
        Georeference(CRS.from_epsg(32633).to_wkt(), TURNED),
        Georeference(None, corner(0, 0, 2, 2)),
        Georeference(CRS.from_epsg(32633).to_wkt(), None),
    ],
    ids=["nowhere", "UTM", "longitude and latitude", "a national grid", "rotated", "no projection", "no corner"],
)
def test_the_envi_classification_lies_where_the_scene_lies(tmp_path: Path, place: Georeference | None) -> None:
    labels = write(tmp_path, place=place)
    with rasterio.open(tmp_path / "map_envi.img") as file:
        np.testing.assert_array_equal(file.read(1), labels)
        expected = Affine(*place.transform) if place and place.transform else Affine.identity()
        np.testing.assert_allclose(file.transform[:6], expected[:6], rtol=1e-9, atol=1e-6)
        if place and place.crs_wkt and place.transform:
            assert file.crs.to_dict() == CRS.from_wkt(place.crs_wkt).to_dict()


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write(tmp_path / name, place=UTM)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (100, 20), (20, 1000), (1000, 3), (40, 60)])
@pytest.mark.parametrize("classes", [2, 9, 40])
def test_the_picture_shows_every_pixel_and_every_class(tmp_path: Path, rows: int, cols: int, classes: int) -> None:
    names = [f"class {k}" for k in range(classes)]
    labels = write(tmp_path, rows=rows, cols=cols, names=names)
    picture = np.asarray(Image.open(tmp_path / "map.png"))
    assert max(picture.shape) < 4500 and min(picture.shape[:2]) > 60
    colours = np.vstack([[[255, 255, 255]], palette(names)])
    side = enlarged(np.zeros((rows, cols, 3), np.uint8)).shape[0] // rows
    drawn = picture[16 : 16 + rows * side, 16 : 16 + cols * side]
    np.testing.assert_array_equal(drawn[side // 2 :: side, side // 2 :: side], colours[labels])
    legend = picture.copy()
    legend[15 : 17 + rows * side, 15 : 17 + cols * side] = 255
    for colour in palette(names):
        assert (legend == colour).all(axis=-1).sum() >= 100, "the legend has a swatch for the class"


def test_a_very_long_name_is_cut_and_a_strange_one_drawn(tmp_path: Path) -> None:
    write(tmp_path, names=["x" * 500, "$\\frac{1", "一"])
    assert Image.open(tmp_path / "map.png").size[0] < 2000


@pytest.mark.parametrize("letters", ["Öłğ–…", "ΔΎάςω", "ЖщґїЯ"], ids=["Latin", "Greek", "Cyrillic"])
def test_the_legend_has_the_letters_of_its_classes(letters: str) -> None:
    font = _font()
    box = bytes(font.getmask("\uffff"))  # what stands for a letter that the font lacks
    drawn = [bytes(font.getmask(letter)) for letter in letters]
    assert box not in drawn and len(set(drawn)) == len(letters)


def test_a_large_scene_is_thinned(tmp_path: Path) -> None:
    write(tmp_path, rows=2, cols=9000, names=["a", "b"])
    assert max(Image.open(tmp_path / "map.png").size) < 4500


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    probabilities, valid = random_probabilities(3, 4, 2)
    with pytest.raises(ValueError, match="for \\(3, 4\\) pixels and 3 classes"):
        write_map(tmp_path, probabilities, valid, list("abc"), None, reject=0)
    probabilities[1, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        write_map(tmp_path, probabilities, valid, list("ab"), None, reject=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "transform",
    [
        (10.0, 3.0, 391_000.0, 0.0, -10.0, 5_820_000.0),
        (9.0, 0.0, 391_000.0, 0.0, 9.0, 5_820_000.0),
        (-9.0, 0.0, 391_000.0, 0.0, -9.0, 5_820_000.0),
        (7.794, 9.0, 391_000.0, 4.5, -15.588, 5_820_000.0),
    ],
    ids=["sheared", "south up", "mirrored", "rotated, not square"],
)
def test_a_place_that_an_envi_header_cannot_hold_leaves_that_copy_out(
    tmp_path: Path, transform: tuple[float, ...]
) -> None:
    probabilities, valid = random_probabilities(7, 11, 4)
    place, said = Georeference(CRS.from_epsg(32633).to_wkt(), transform), []
    written = write_map(tmp_path, probabilities, valid, NAMES, place, reject=0.0, say=said.append)
    assert not list(tmp_path.glob("map_envi*")) and sorted(written) == sorted(tmp_path.iterdir())
    assert len(said) == 1 and "map_envi is left out" in said[0]
    with rasterio.open(tmp_path / "map.tif") as file:
        np.testing.assert_allclose(file.transform[:6], transform)
