"""GeoTIFF scenes: wavelengths in each of the usual tags, nodata, scales, georeference."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from special.errors import SceneError
from special.scene import open_scene

NM = [450.0, 550.5, 650.0, 850.0]


def cube(dtype: str = "int16") -> np.ndarray:
    return np.random.default_rng(5).integers(1, 100, (6, 5, 4)).astype(dtype)


def write(path: Path, values: np.ndarray, tag: Callable[[Any], None] | None = None, **profile: Any) -> Path:
    rows, cols, bands = values.shape
    kind = {"driver": "GTiff", "height": rows, "width": cols, "count": bands, "dtype": values.dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **kind | profile) as file:
            file.write(values.transpose(2, 0, 1))
            if tag:
                tag(file)
    return path


def case(shared: Path, name: str) -> Path:
    folder = shared / "cases" / name
    if not folder.is_dir():
        pytest.skip("the case is not beside this checkout")
    return folder


def by_band(name: str, values: list[Any], units: str | None = None, ns: str | None = None) -> Callable[[Any], None]:
    def tag(file: Any) -> None:
        for band, value in enumerate(values, 1):
            tags = {name: value} | ({"wavelength_units": units} if units else {})
            file.update_tags(band, ns=ns, **tags)

    return tag


def described(texts: list[str]) -> Callable[[Any], None]:
    def tag(file: Any) -> None:
        for band, text in enumerate(texts, 1):
            file.set_band_description(band, text)

    return tag


@pytest.mark.parametrize(
    "tag",
    [
        by_band("wavelength", NM, "Nanometers"),
        by_band("WAVELENGTH", [w / 1000 for w in NM], "Micrometers"),
        by_band("wavelength", NM),
        by_band("wavelength", [w / 1000 for w in NM]),
        by_band("center_wavelength", [f"{w} nm" for w in NM]),
        by_band("CENTRAL_WAVELENGTH_UM", [w / 1000 for w in NM], ns="IMAGERY"),
        lambda file: file.update_tags(wavelength="{450.0, 550.5, 650.0, 850.0}", wavelength_units="Nanometers"),
        lambda file: file.update_tags(ns="ENVI", wavelength="{0.45,0.5505,0.65,0.85}", wavelength_units="Micrometers"),
        lambda file: file.update_tags(**{f"Band_{i}": f"{w} Nanometers" for i, w in enumerate(NM, 1)}),
        by_band("wavelength", NM, "Nanometers", ns="ENVI"),
        described([f"{w} nm" for w in NM]),
        described([f"Band_{w}" for w in NM]),
        described([f"{w}" for w in NM]),
        described([f"band {i} ({w / 1000:.4f} um)" for i, w in enumerate(NM, 1)]),
        described([f"B{i}: {w} Nanometers" for i, w in enumerate(NM, 1)]),
    ],
)
def test_wavelengths_are_found_in_each_of_the_usual_places(tmp_path: Path, tag: Callable[[Any], None]) -> None:
    scene = open_scene(write(tmp_path / "scene.tif", cube(), tag))
    np.testing.assert_allclose(scene.wavelengths, NM)
    assert scene.format == "GeoTIFF"


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [401, 402, 403, 404], [110, 120, 130, 140]])
def test_names_that_may_be_numbers_of_bands_are_no_wavelengths(tmp_path: Path, numbers: list[int]) -> None:
    path = write(tmp_path / "scene.tif", cube(), described([f"Band_{n}" for n in numbers]))
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(path)


@pytest.mark.parametrize("name", ["scene.stac.json", "scene.json", "scene.tif.json"])
@pytest.mark.parametrize("key", ["center_wavelength", "eo:center_wavelength"])
@pytest.mark.parametrize("place", ["properties", "asset"])
def test_a_stac_item_beside_the_image_names_its_wavelengths(tmp_path: Path, name: str, key: str, place: str) -> None:
    width = key.replace("center_wavelength", "full_width_half_max")
    bands = [{key: w / 1000, width: 0.008} for w in NM]
    about = {"datetime": "2024-05-01T10:00:00Z", "instruments": ["camera"]}
    item: dict[str, Any] = {"properties": {"eo:bands": bands, **about}}
    if place == "asset":
        other = {"href": "./other.tif", "bands": [{key: 1.0}] * 4}
        item = {"properties": about, "assets": {"other": other, "image": {"href": "./scene.tif", "bands": bands}}}
    (tmp_path / name).write_text(json.dumps(item))
    scene = open_scene(write(tmp_path / "scene.tif", cube()))
    np.testing.assert_allclose(scene.wavelengths, NM)
    assert f"the bands are described by {name}" in scene.notes
    assert scene.fwhm is not None and scene.fwhm == pytest.approx(8)
    assert (scene.acquired, scene.sensor) == ("2024-05-01T10:00:00Z", "camera")


def stac_item(**asset: Any) -> dict[str, Any]:
    bands = [{"name": f"b{w}", "center_wavelength": w / 1000, "full_width_half_max": 0.008} for w in NM]
    image = {"href": "./scene.tif", "eo:bands": bands, "roles": ["data"]} | asset
    others = {"look": {"href": "./look.tif", "roles": ["thumbnail"]}, "text": {"href": "./about.xml"}}
    about = {"datetime": "2024-05-01T10:00:00Z", "platform": "cube-1"}
    return {"type": "Feature", "stac_version": "1.0.0", "properties": about, "assets": {"image": image, **others}}


@pytest.mark.parametrize("href", ["./scene.tif", "https://example.org/a/scene.tif?key=1", "/vsicurl/x/scene.tif"])
def test_a_stac_item_names_the_image_beside_it(tmp_path: Path, href: str) -> None:
    write(tmp_path / "scene.tif", cube())
    write(tmp_path / "look.tif", cube())
    path = tmp_path / "item-of-today.json"
    path.write_text(json.dumps(stac_item(href=href)))
    scene = open_scene(path)
    np.testing.assert_allclose(scene.wavelengths, NM)
    np.testing.assert_array_equal(scene.read(), cube())
    assert (scene.path, scene.acquired, scene.sensor) == (path, "2024-05-01T10:00:00Z", "cube-1")
    assert {file.name for file in scene.files} == {path.name, "scene.tif"}
    (tmp_path / "look.tif").unlink()
    np.testing.assert_array_equal(open_scene(tmp_path).read(), cube())


@pytest.mark.parametrize("form", ["raster:bands", "bands"])
def test_a_stac_item_scales_what_its_image_does_not(tmp_path: Path, form: str) -> None:
    item = stac_item()
    image = item["assets"]["image"]
    if form == "raster:bands":
        image[form] = [{"scale": 0.5, "offset": 1, "nodata": -7}] * 4
    else:
        image["bands"] = [
            band | {"raster:scale": 0.5, "raster:offset": 1, "nodata": -7} for band in image.pop("eo:bands")
        ]
    (tmp_path / "scene.json").write_text(json.dumps(item))
    values = cube().astype("int16")
    values[0, 0] = -7
    scene = open_scene(write(tmp_path / "scene.tif", values))
    assert not scene.valid[0, 0] and scene.gains_applied
    np.testing.assert_allclose(scene.read()[1:], values[1:] * 0.5 + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"href": "./gone.tif"}, r"its image, gone\.tif, is not beside it: fetch it as well"),
        ({"href": "../scene.tif"}, None),
        ({"href": "./about.csv"}, "its image is not named in it"),
    ],
)
def test_a_stac_item_reaches_no_further_than_its_folder(
    tmp_path: Path, change: dict[str, Any], message: str | None
) -> None:
    item = stac_item(**change)
    del item["assets"]["look"]
    folder = tmp_path / "a"
    folder.mkdir()
    write(tmp_path / "scene.tif", cube())
    (folder / "x.json").write_text(json.dumps(item))
    with pytest.raises(SceneError, match=message or r"its image, scene\.tif, is not beside it"):
        open_scene(folder / "x.json")


def test_two_images_of_a_stac_item_are_asked_about(tmp_path: Path) -> None:
    item = stac_item()
    item["assets"]["other"] = item["assets"]["image"] | {"href": "./look.tif"}
    (tmp_path / "x.json").write_text(json.dumps(item))
    for name in ("scene.tif", "look.tif"):
        write(tmp_path / name, cube())
    with pytest.raises(SceneError, match=r"describes look\.tif and scene\.tif: name the one that is meant"):
        open_scene(tmp_path / "x.json")


def test_wavelengths_that_contradict_each_other_are_asked_about(tmp_path: Path) -> None:
    def tag(file: Any) -> None:
        by_band("wavelength", NM)(file)
        described([f"{w + 30} nm" for w in NM])(file)

    path = write(tmp_path / "scene.tif", cube(), tag)
    with pytest.raises(SceneError, match="wavelengths in the tags of the bands and others in the names of the bands"):
        open_scene(path)


@pytest.mark.parametrize("text", ["", "[1]", '{"properties": {"bands": [1, 2, 3, 4]}}', '{"assets": 3}', "[" * 100000])
def test_what_is_no_stac_item_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "scene.json").write_text(text)
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(write(tmp_path / "scene.tif", cube()))


def test_an_envi_header_beside_the_image_describes_its_bands(tmp_path: Path) -> None:
    (tmp_path / "scene.hdr").write_text(
        "ENVI\nwavelength units = Micrometers\nwavelength = {0.45, 0.5505, 0.65, 0.85}\nbbl = {1, 1, 0, 1}\n"
        "data gain values = {2, 2, 2, 2}\ndata offset values = {1, 1, 1, 1}\n"
    )
    scene = open_scene(write(tmp_path / "scene.tif", cube()))
    np.testing.assert_allclose(scene.wavelengths, [450.0, 550.5, 850.0])
    np.testing.assert_allclose(scene.read(), cube()[:, :, [0, 1, 3]] * 2.0 + 1)


@pytest.mark.parametrize(
    ("name", "nm"),
    [
        ("enmapbox_envidomain_bandlevel", [500]),
        ("enmapbox_envidomain_dslevel", [500]),
        ("gdal_wl_fwhm", [400, 500]),
        ("gdal_wl_only", [400, 500]),
        ("staclike", [4000, 5000]),
    ],
)
def test_every_way_of_other_programs_is_understood(shared: Path, name: str, nm: list[float]) -> None:
    folder = shared / "products" / "qps"
    if not folder.is_dir():
        pytest.skip("the files of other programs are not beside this checkout")
    np.testing.assert_allclose(open_scene(folder / f"{name}.tif").wavelengths, nm)


def test_without_such_tags_there_are_no_wavelengths(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", cube(), described(["red", "green", "blue", "nir"]))
    with pytest.raises(SceneError, match=r"6 x 5 pixels, 4 bands\) has no wavelengths.*--wavelengths FILE.*--sensor"):
        open_scene(path)


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"interleave": "pixel"}])
def test_windows_read_what_was_written(tmp_path: Path, layout: dict[str, Any]) -> None:
    path = write(tmp_path / "scene.tif", cube(), compress="deflate", **layout)
    scene = open_scene(path, wavelengths=NM)
    np.testing.assert_array_equal(scene.read(), cube())
    np.testing.assert_array_equal(scene.read(slice(2, 5), slice(1, 3)), cube()[2:5, 1:3])
    np.testing.assert_array_equal(scene.read(bands=[3, 0]), cube()[:, :, [3, 0]])


def test_nodata_pixels_are_invalid(tmp_path: Path) -> None:
    values = cube()
    values[2, 3] = -7
    scene = open_scene(write(tmp_path / "scene.tif", values, nodata=-7), wavelengths=NM)
    assert not scene.valid[2, 3] and scene.valid.sum() == 29
    assert np.isnan(scene.read()[2, 3]).all()


@pytest.mark.parametrize("internal", [True, False])
def test_masked_pixels_are_invalid(tmp_path: Path, internal: bool) -> None:
    def tag(file: Any) -> None:
        mask = np.full((6, 5), 255, dtype=np.uint8)
        mask[1] = 0
        file.write_mask(mask)

    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        path = write(tmp_path / "scene.tif", cube(), tag)
    scene = open_scene(path, wavelengths=NM)
    assert not scene.valid[1].any() and scene.valid.sum() == 25
    assert "5 of 30 pixels are invalid (masked, no data, zero or not finite)" in scene.notes


def test_wholly_transparent_pixels_are_invalid(tmp_path: Path) -> None:
    values = np.dstack([cube("uint8"), np.full((6, 5), 255, dtype=np.uint8)])
    values[3, :, 4] = 0

    path = write(tmp_path / "scene.tif", values)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [*file.colorinterp[:-1], ColorInterp.alpha]
    scene = open_scene(path, wavelengths=NM)
    assert scene.shape == (6, 5, 4) and not scene.valid[3].any() and scene.valid.sum() == 25


@pytest.mark.parametrize("name", ["mask", "alpha"])
def test_masked_pixels_of_the_case_are_invalid(shared: Path, name: str) -> None:
    scene = open_scene(case(shared, "geotiff-mask") / f"{name}.tif")
    assert scene.valid.sum() == 540 and not scene.valid[:12].any()


def test_scales_and_offsets_are_applied_per_band(tmp_path: Path) -> None:
    def tag(file: Any) -> None:
        file.scales, file.offsets = [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 5]

    scene = open_scene(write(tmp_path / "scene.tif", cube(), tag), wavelengths=NM)
    np.testing.assert_allclose(scene.read(), cube() * [0.1, 0.2, 0.3, 0.4] + [0, 0, 0, 5], rtol=1e-5)


def test_bad_bands_and_scale_factor_are_read_from_tags(tmp_path: Path) -> None:
    def tag(file: Any) -> None:
        file.update_tags(ns="ENVI", bbl="{1, 1, 0, 1}", reflectance_scale_factor="100")

    scene = open_scene(write(tmp_path / "scene.tif", cube(), tag), wavelengths=NM)
    np.testing.assert_array_equal(scene.band_numbers, [0, 1, 3])
    np.testing.assert_allclose(scene.read(), cube()[:, :, [0, 1, 3]] / 100, rtol=1e-6)


def test_the_georeference_travels(tmp_path: Path) -> None:
    transform = from_origin(500000, 5800000, 10, 10)
    scene = open_scene(write(tmp_path / "s.tif", cube(), crs="EPSG:32633", transform=transform), wavelengths=NM)
    assert scene.georeference is not None
    assert CRS.from_wkt(scene.georeference.crs_wkt) == CRS.from_epsg(32633)
    assert scene.georeference.transform == tuple(transform)[:6]


def test_a_file_without_place_has_no_georeference(tmp_path: Path) -> None:
    assert open_scene(write(tmp_path / "scene.tif", cube()), wavelengths=NM).georeference is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.tif", cube())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SceneError, match=r"cannot be read as GeoTIFF"):
        open_scene(path, wavelengths=NM)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="complex64"):
        open_scene(write(tmp_path / "scene.tif", cube("complex64")), wavelengths=NM)


def with_points(path: Path, bend: float = 0.0, corners: int = 4) -> Path:
    """A scene that ground control points at its corners place: 20 m pixels, the last point off by ``bend`` pixels."""
    places = [(0, 0), (0, 5), (6, 0), (6, 5)][:corners]
    points = [GroundControlPoint(row, col, 500000 + 20 * col, 5800000 - 20 * row) for row, col in places]
    points[-1].x += 20 * bend
    return write(path, cube(), gcps=points, crs="EPSG:32633")


def test_ground_control_points_that_lie_on_a_transform_place_the_scene(tmp_path: Path) -> None:
    scene = open_scene(with_points(tmp_path / "scene.tif"), wavelengths=NM)
    assert scene.georeference is not None and scene.georeference.transform is not None
    np.testing.assert_allclose(scene.georeference.transform, [20, 0, 500000, 0, -20, 5800000], atol=1e-6)
    assert "UTM zone 33N" in (scene.georeference.crs_wkt or "")
    assert any("placed by 4 ground control points; the map takes the affine" in note for note in scene.notes)


@pytest.mark.parametrize(("bend", "corners", "why"), [(10.0, 4, "no affine transform fits"), (0.0, 2, "too few")])
def test_ground_control_points_on_no_transform_are_dropped_with_a_note(
    tmp_path: Path, bend: float, corners: int, why: str
) -> None:
    scene = open_scene(with_points(tmp_path / "scene.tif", bend, corners), wavelengths=NM)
    assert scene.georeference is None
    assert any(why in note and "the map will carry no place" in note for note in scene.notes)


def test_the_points_of_the_case_place_it(shared: Path) -> None:
    place = open_scene(case(shared, "gcp-only") / "gcp.tif").georeference
    assert place is not None and place.transform is not None and "WGS 84" in (place.crs_wkt or "")
    assert place.transform[2] == pytest.approx(12.0, abs=1e-6) and place.transform[5] == pytest.approx(52.1, abs=1e-6)
