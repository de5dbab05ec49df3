"""Products that are several files, or one that is packed: DESIS, Hyperion, SNAP's DIMAP, archives."""

from __future__ import annotations

import io
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import small_scene
from folder_products import (
    HISUI_NM,
    write_ahsi,
    write_desis,
    write_dimap,
    write_hisui,
    write_hyperion,
    write_hyperion_l1r,
)
from products import reflectance, write_emit, write_emit_mask, write_neon
from raster_products import pack, write_enmap, write_tif

import special
from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers.base import recognise
from special.scene.sensors import SENSORS

NM = np.array([401.3, 450.0, 550.0, 650.0, 700.0, 750.0, 850.0, 998.8])


def test_desis_is_reflectance_with_wavelengths_widths_masks_and_place(tmp_path: Path) -> None:
    cube = reflectance()
    metadata = write_desis(tmp_path, cube, NM)
    scene = open_scene(metadata)
    assert (recognise(metadata).name, scene.format, scene.scale_factor) == ("desis", "DESIS L2A", 10000)
    assert (scene.sensor, scene.level, scene.acquired) == ("DESIS", "L2A", "2022-04-04T19:32:59.5Z")
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert scene.fwhm is not None and set(scene.fwhm) == {3.5}
    assert sorted(map(tuple, np.argwhere(~scene.valid))) == [(0, 0), (1, 1), (2, 2)]
    assert not open_scene(metadata, mask="shadow").valid[3, 3]
    np.testing.assert_allclose(scene.read()[4:], cube[4:], atol=1e-4)
    with rasterio.open(next(tmp_path.glob("*SPECTRAL_IMAGE.tif"))) as file:
        assert scene.georeference is not None and scene.georeference.transform == tuple(file.transform)[:6]


def test_desis_l1c_is_radiance_by_the_gain_and_offset_of_every_band(tmp_path: Path) -> None:
    cube = reflectance()
    scene = open_scene(write_desis(tmp_path, cube, NM, "L1C"))
    assert scene.gains_applied and not scene.known_reflectance
    np.testing.assert_allclose(scene.read()[4:], cube[4:], atol=2e-4)


@pytest.mark.parametrize("name", ["folder", "image", "x.zip", "x.tar.gz"])
def test_desis_is_named_by_any_of_its_files(tmp_path: Path, name: str) -> None:
    metadata = write_desis(tmp_path / "a", reflectance(), NM)
    path = {"folder": metadata.parent, "image": next(metadata.parent.glob("*IMAGE.tif"))}.get(name)
    scene = open_scene(path or pack(metadata.parent, tmp_path / name))
    assert scene.format == "DESIS L2A" and scene.valid.sum() == 27
    np.testing.assert_array_equal(scene.read(), open_scene(metadata).read())


def test_what_a_desis_product_lacks_is_said(tmp_path: Path) -> None:
    metadata = write_desis(tmp_path, reflectance(), NM)
    metadata.write_text(
        metadata.read_text()
        .replace("<band><bandNumber>3<", "<x><bandNumber>3<")
        .replace("</band><band><bandNumber>4<", "</x><band><bandNumber>4<")
    )
    with pytest.raises(SceneError, match="describes 7 bands but the image has 8"):
        open_scene(metadata)
    next(tmp_path.glob("*IMAGE.tif")).unlink()
    with pytest.raises(SceneError, match=r"lacks a part of its DESIS product, .*SPECTRAL_IMAGE\.tif"):
        open_scene(metadata)


HYPERION = [*range(10, 15), 60, 80, 100]


@pytest.mark.parametrize("name", ["folder", "metadata", "band", "x.zip", "x.tar.gz"])
def test_hyperion_is_one_cube_of_its_bands(tmp_path: Path, name: str) -> None:
    radiance = 100 * reflectance()
    metadata = write_hyperion(tmp_path / "a", radiance, HYPERION)
    path = {
        "folder": metadata.parent,
        "metadata": metadata,
        "band": metadata.parent / "EO1H0010022013284110KF_B012_L1T.TIF",
    }
    scene = open_scene(path.get(name) or pack(metadata.parent, tmp_path / name))
    assert (scene.format, scene.acquired, scene.shape) == ("Hyperion L1T", "2013-10-11", (6, 5, 7))
    assert scene.bad_bands == {5: "marked bad in the file (not calibrated)"}
    assert scene.wavelengths[0] == pytest.approx(447.17, abs=0.5) and not scene.known_reflectance
    np.testing.assert_allclose(scene.read()[1:], np.delete(radiance, 5, axis=2)[1:], atol=0.02)
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    assert scene.georeference is not None and scene.georeference.transform == (30, 0, 366015, 0, -30, 5809965)


def test_a_hyperion_folder_without_its_scales_or_of_mixed_sizes_is_refused(tmp_path: Path) -> None:
    metadata = write_hyperion(tmp_path, 100 * reflectance(), HYPERION)
    text = metadata.read_text()
    metadata.write_text(text.replace("SCALING_FACTOR_SWIR", "X"))
    with pytest.raises(SceneError, match="has no SCALING_FACTOR_SWIR"):
        open_scene(metadata)
    metadata.write_text(text)
    write_tif(tmp_path / "EO1H0010022013284110KF_B012_L1T.TIF", np.zeros((6, 4, 1), "i2"))
    with pytest.raises(SceneError, match="differ in size or type"):
        open_scene(metadata)
    metadata.unlink()
    with pytest.raises(SceneError, match="lacks its MTL file"):
        open_scene(tmp_path)


@pytest.mark.parametrize("form", ["file", "folder", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize("beside", [True, False])
def test_hyperion_l1r_is_radiance_in_sensor_geometry(tmp_path: Path, form: str, beside: bool) -> None:
    pytest.importorskip("pyhdf")
    radiance = 100 * reflectance(bands=242)
    nominal = SENSORS["hyperion"].centres(242)
    assert nominal is not None
    path = write_hyperion_l1r(tmp_path / "a", radiance, nominal + 1 if beside else None)
    named = {"file": path, "folder": path.parent}.get(form) or pack(path.parent, tmp_path / form)
    scene = open_scene(named)
    assert (scene.format, scene.level, scene.acquired, scene.file_bands) == ("Hyperion L1R", "L1R", "2013-10-11", 242)
    assert len(scene.bad_bands) == 44 and not scene.known_reflectance and scene.georeference is None
    np.testing.assert_allclose(scene.wavelengths, nominal[scene.band_numbers] + beside, atol=0.01)
    assert (scene.fwhm is None) != beside
    np.testing.assert_allclose(scene.read()[1:], radiance[1:][:, :, scene.band_numbers], atol=0.02)
    np.testing.assert_array_equal(scene.read(slice(2, 4), slice(1, 3)), scene.read()[2:4, 1:3])
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    assert any(("those of EO1H0010022013284110KF.AUX" if beside else "nominal ones") in note for note in scene.notes)


def test_a_hyperion_l1r_that_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyhdf")
    path = write_hyperion_l1r(tmp_path, 100 * reflectance(bands=242))
    whole = path.read_bytes()
    for data in (whole[:100], whole[: len(whole) // 2], b"\x0e\x03\x13\x01" + bytes(100)):
        path.write_bytes(data)
        with pytest.raises(SceneError, match=r"cannot be read as HDF4|no Hyperion L1R, or damaged|it is damaged"):
            open_scene(path)
    monkeypatch.setattr("special.scene.readers.hyperion_l1r.find_spec", lambda name: None)
    with pytest.raises(SceneError, match=r"pip install 'special-hsi\[hdf4\]' to read it, or fetch the L1T"):
        open_scene(path)


AHSI_NM = np.array([400.0, 500.0, 600.0, 1020.0, 1004.0, 1600.0, 2200.0, 2500.0])


@pytest.mark.parametrize("form", ["folder", "VN", "SW", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize(("satellite", "separator"), [("GF5", "\t"), ("ZY1E", " "), ("GF5B", ", ")])
def test_the_detectors_of_ahsi_are_laid_on_one_another(
    tmp_path: Path, form: str, satellite: str, separator: str
) -> None:
    radiance = 100 * reflectance()
    vnir = write_ahsi(tmp_path / "a", radiance, AHSI_NM, 4, separator=separator, satellite=satellite)
    path = {"folder": vnir.parent, "VN": vnir, "SW": vnir.with_name(vnir.name.replace("_VN.", "_SW."))}.get(form)
    scene = open_scene(path or pack(vnir.parent, tmp_path / form))
    order = np.argsort(AHSI_NM)
    assert (scene.format, scene.level, scene.acquired) == ("AHSI L1", "L1", "2019-12-29 03:12:45")
    assert scene.sensor == {"GF5": "GF-5 AHSI", "GF5B": "GF-5B AHSI", "ZY1E": "ZY-1 AHSI"}[satellite]
    np.testing.assert_array_equal(scene.wavelengths, AHSI_NM[order])
    assert scene.fwhm is not None and set(scene.fwhm) == {8.0} and not scene.known_reflectance
    assert not scene.valid[0].any() and not scene.valid[:, 4].any() and scene.valid[1:, :4].all()
    np.testing.assert_allclose(scene.read()[1:, :4], radiance[1:, :4][:, :, order], atol=0.011)
    assert scene.ground is not None
    west, north = scene.ground.georeference.transform[2], scene.ground.georeference.transform[5]
    assert (north, west) == pytest.approx((32, 110), abs=1.1 / 4000)


def test_one_detector_of_ahsi_is_read_by_itself_with_a_warning(tmp_path: Path) -> None:
    vnir = write_ahsi(tmp_path, 100 * reflectance(), AHSI_NM, 4)
    vnir.unlink()
    scene = open_scene(tmp_path)
    assert list(scene.wavelengths) == [1004, 1600, 2200, 2500] and scene.ground is not None
    assert "the image of its other detector, VN, is not there" in scene.warnings


def test_what_an_ahsi_product_lacks_is_said(tmp_path: Path) -> None:
    vnir = write_ahsi(tmp_path, 100 * reflectance(), AHSI_NM, 4)
    table = tmp_path / "GF5_AHSI_SWIR_RadCal.raw"
    table.write_text("0.1 0\n0.1 0\n")
    with pytest.raises(SceneError, match="describes 2 bands but the image has 4"):
        open_scene(vnir)
    table.write_text("gain offset\n")
    with pytest.raises(SceneError, match="no number"):
        open_scene(vnir)
    table.unlink()
    with pytest.raises(SceneError, match=r"lacks \*AHSI_SWIR_RadCal\.raw"):
        open_scene(vnir)


@pytest.mark.parametrize("form", ["folder", "image", "x.zip", "x.tar.gz"])
def test_hisui_is_radiance_with_the_wavelengths_of_its_table(tmp_path: Path, form: str) -> None:
    radiance = 100 * reflectance(bands=185)
    image = write_hisui(tmp_path / "a", radiance)
    path = {"folder": image.parent, "image": image}.get(form)
    scene = open_scene(path or pack(image.parent, tmp_path / form))
    order = np.argsort(HISUI_NM, kind="stable")
    assert (scene.format, scene.sensor, scene.acquired) == ("HISUI L1G", "HISUI", "2023-05-23T07:27:20.1Z")
    np.testing.assert_array_equal(scene.wavelengths, HISUI_NM[order])
    assert scene.fwhm is not None and set(scene.fwhm) == {11.5} and not scene.known_reflectance
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_allclose(scene.read()[1:], radiance[1:][:, :, order], atol=0.006)
    assert scene.georeference is not None and scene.georeference.transform == (30, 0, 366015, 0, -30, 5809965)


def test_what_a_hisui_product_lacks_is_said(tmp_path: Path) -> None:
    image = write_hisui(tmp_path, 100 * reflectance(bands=185))
    table, text = (image.with_name(f"{image.stem}{end}") for end in ("_B.csv", ".txt"))
    before = text.read_text()
    text.write_text(before.replace("RadianceAddSWIR", "x"))
    with pytest.raises(SceneError, match="has no number RadianceAddSWIR"):
        open_scene(image)
    text.write_text(before)
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    with pytest.raises(SceneError, match="has no wavelengths of 185 bands"):
        open_scene(image)
    table.unlink()
    with pytest.raises(SceneError, match=r"lacks a part of its HISUI product, HSHL1G_.*_B\.csv"):
        open_scene(image)


def test_dimap_joins_its_spectral_bands_and_leaves_flags(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_dimap(tmp_path, cube, NM)
    scene = open_scene(path)
    assert (recognise(path).name, scene.shape, scene.sensor) == ("dimap", (6, 5, 8), "CHRIS")
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert scene.fwhm is not None and set(scene.fwhm) == {9}
    np.testing.assert_allclose(scene.read()[1:], cube[1:], atol=1e-4)
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    assert scene.georeference is not None and scene.georeference.transform == (17, 0, 500000, 0, -17, 5300000)
    assert "UTM zone 32N" in (scene.georeference.crs_wkt or "")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("scene.data/b3.hdr", "../../b3.hdr", "only those in its own folder"),
        ("scene.data/b3.hdr", "scene.data/gone.hdr", "which is missing"),
        ("<LOG10_SCALED>false", "<LOG10_SCALED>true", "holds logarithms"),
        ("BAND_WAVELEN>", "OTHER>", "no band with a wavelength"),
    ],
)
def test_a_dimap_that_cannot_be_read_says_why(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write_dimap(tmp_path, reflectance(), NM)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SceneError, match=words):
        open_scene(path)


def envi(folder: Path, cube: np.ndarray, nm: np.ndarray, name: str = "scene") -> Path:
    rows, cols, bands = cube.shape
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.img").write_bytes(cube.astype("<f4").tobytes())
    header = folder / f"{name}.hdr"
    header.write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
        f"wavelength = {{{', '.join(map(str, nm))}}}\n"
    )
    return header


PACKED: dict[str, Callable[[Path], Path]] = {
    "envi": lambda folder: envi(folder, reflectance(), NM),
    "emit": lambda folder: write_emit(folder / "EMIT_L2A_RFL_1.nc", reflectance(), NM, np.ones(8)),
    "neon": lambda folder: write_neon(folder / "NEON_reflectance.h5", reflectance(), NM),
    "dimap": lambda folder: write_dimap(folder, reflectance(), NM),
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_a_scene_in_an_archive_is_read(tmp_path: Path, kind: str, suffix: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    plain = open_scene(PACKED[kind](folder), mask="none")
    archive = tmp_path / f"x{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in sorted(folder.rglob("*")):
                packed.write(path, path.relative_to(tmp_path))
    else:
        with tarfile.open(archive, "w:gz") as rolled:
            rolled.add(folder, "inside")
    scene = open_scene(archive, mask="none")
    assert scene.format == plain.format and any("unpacked, inside/" in note for note in scene.notes)
    np.testing.assert_array_equal(scene.read(), plain.read())
    assert scene.content_hash() == open_scene(archive).content_hash()


def test_an_archive_of_two_scenes_asks_which(tmp_path: Path) -> None:
    for name in ("a", "b"):
        envi(tmp_path / "in", reflectance() + (name == "a"), NM, name)
    with pytest.raises(SceneError, match=r"holds 2 scenes \(in/a.hdr, in/b.hdr\): unpack it and name one"):
        open_scene(pack(tmp_path / "in", tmp_path / "x.zip"))


def test_an_archive_without_a_scene_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").write_text("nothing")
    with pytest.raises(SceneError, match="holds no scene that can be read"):
        open_scene(pack(tmp_path / "in", tmp_path / "x.zip"))


@pytest.mark.parametrize("name", ["../evil.hdr", "/evil.hdr", "a/../../evil.hdr"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_an_archive_that_writes_outside_itself_is_refused(tmp_path: Path, name: str, suffix: str) -> None:
    archive = tmp_path / "in" / f"x{suffix}"
    archive.parent.mkdir()
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr(name, "ENVI\n")
    else:
        with tarfile.open(archive, "w") as rolled:
            member = tarfile.TarInfo(name)
            member.size = 5
            rolled.addfile(member, io.BytesIO(b"ENVI\n"))
    with pytest.raises(SceneError, match="unsafe"):
        open_scene(archive)
    assert not list(tmp_path.glob("evil*"))


def test_an_archive_that_packs_too_well_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.dat", bytes(4 << 20))
    data = bytearray((tmp_path / "x.zip").read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = b"\xf0\xff\xff\x7f"
    (tmp_path / "x.zip").write_bytes(bytes(data))
    with pytest.raises(SceneError, match="absurd"):
        open_scene(tmp_path / "x.zip")


def test_an_archive_larger_than_the_scratch_space_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from special.scene.readers import scratch

    envi(tmp_path / "in", reflectance(), NM)
    monkeypatch.setattr(scratch, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(SceneError, match="has no room"):
        open_scene(pack(tmp_path / "in", tmp_path / "x.zip"))


def test_an_enmap_delivery_whose_product_is_packed_once_more_is_read(tmp_path: Path) -> None:
    metadata = write_enmap(tmp_path / "ENMAP01")
    inner = pack(tmp_path / "ENMAP01", tmp_path / f"{metadata.name[:-13]}.zip")
    with tarfile.open(tmp_path / "dims_op_oc_oc-en_1.tar.gz", "w:gz") as rolled:
        rolled.add(inner, f"dims_op_oc_oc-en_1/ENMAP.HSI.L2A/{inner.name}")
    scene = open_scene(tmp_path / "dims_op_oc_oc-en_1.tar.gz")
    assert scene.format == "EnMAP L2A"
    np.testing.assert_array_equal(scene.read(), open_scene(metadata).read())


def test_the_pages_of_a_tiff_are_its_bands(tmp_path: Path) -> None:
    from PIL import Image

    cube = np.random.default_rng(1).integers(1, 60000, (6, 5, 4)).astype("u2")
    pages = [Image.fromarray(np.ascontiguousarray(cube[:, :, band])) for band in range(4)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scene = open_scene(tmp_path / "x.tif", wavelengths="450:850")
    assert scene.format == "TIFF" and any("4 pages were taken for the bands" in note for note in scene.notes)
    np.testing.assert_array_equal(scene.read(), cube)


def test_pages_name_their_wavelengths(tmp_path: Path) -> None:
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    cube = np.random.default_rng(1).integers(1, 60000, (6, 5, 3)).astype("u2")
    stream = io.BytesIO()
    pages = []
    for band, nm in enumerate((450, 550, 650)):
        page = Image.fromarray(np.ascontiguousarray(cube[:, :, band]))
        own = ImageFileDirectory_v2()
        own[270] = f"{nm} nm"
        page.encoderinfo = {"tiffinfo": own}
        pages.append(page)
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], tiffinfo=pages[0].encoderinfo["tiffinfo"])
    (tmp_path / "x.tif").write_bytes(stream.getvalue())
    np.testing.assert_array_equal(open_scene(tmp_path / "x.tif").wavelengths, [450, 550, 650])


@pytest.mark.parametrize("kind", ["desis", "dimap", "zip"])
def test_products_of_several_files_are_labelled(tmp_path: Path, kind: str) -> None:
    cube, nm, truth = small_scene.cube()
    if kind == "zip":
        path = pack(envi(tmp_path / "in", cube, nm).parent, tmp_path / "x.zip")
    else:
        path = {"desis": write_desis, "dimap": write_dimap}[kind](tmp_path / "in", cube, nm)
    run = special.label(path, small_scene.CLASSES, out=tmp_path / "x.special", clip="none", until="pseudo")
    shares = run.probabilities_of("pseudo")
    seen = shares.sum(axis=2) > 0
    assert (1 + shares.argmax(axis=2) == truth)[seen].mean() == 1 and seen.sum() >= truth.size - 3


@pytest.mark.parametrize("kind", PACKED)
def test_a_folder_with_one_scene_names_it(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    plain = open_scene(PACKED[kind](folder), mask="none")
    (folder / "readme.txt").write_text("hello")
    scene = open_scene(folder, mask="none")
    np.testing.assert_array_equal(scene.read(), plain.read())
    assert any("in it was read" in note for note in scene.notes)


def test_the_folder_of_a_dimap_names_it(tmp_path: Path) -> None:
    path = write_dimap(tmp_path, reflectance(), NM)
    np.testing.assert_array_equal(open_scene(tmp_path / "scene.data").read(), open_scene(path).read())


def test_a_folder_of_an_emit_scene_brings_its_mask(tmp_path: Path) -> None:
    name = "EMIT_L2A_{}_001_20220903T163129_2224611_012.nc"
    write_emit(tmp_path / name.format("RFL"), reflectance(), NM, np.ones(8))
    write_emit_mask(tmp_path / name.format("MASK"), (6, 5), cloud=[(1, 1)])
    scene = open_scene(tmp_path)
    assert scene.format == "EMIT L2A" and not scene.valid[1, 1]


def test_a_folder_of_several_scenes_asks_which(tmp_path: Path) -> None:
    for name in ("a", "b"):
        envi(tmp_path, reflectance() + (name == "a"), NM, name)
    with pytest.raises(SceneError, match=r"is a folder of 2 scenes \(a.hdr, b.hdr\): name one of them"):
        open_scene(tmp_path)


def test_a_folder_without_a_scene_or_of_many_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="is a folder without a scene"):
        open_scene(tmp_path)
    for number in range(201):
        (tmp_path / f"{number}.txt").write_text("")
    with pytest.raises(SceneError, match="is a folder of 201 files: name the scene's file in it"):
        open_scene(tmp_path)
