"""EnMAP: named by any of their files, with wavelengths, gains and masks from the product."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from raster_products import (
    ENMAP_GAINS,
    ENMAP_L1B_NM,
    ENMAP_NM,
    ENMAP_OFFSETS,
    enmap_cube,
    enmap_xml,
    pack,
    write_enmap,
    write_enmap_l1b,
    write_tif,
)

from special.errors import SceneError
from special.scene import open_scene
from special.scene.masks import Masked
from special.scene.readers import product_files
from special.scene.readers.base import READERS, recognise


def image_of(metadata: Path) -> Path:
    return metadata.with_name(metadata.name.replace("METADATA.XML", "SPECTRAL_IMAGE.TIF"))


@pytest.mark.parametrize("form", ["image", "metadata", "folder", "zip", "tar.gz"])
def test_a_product_is_named_by_any_of_its_files(tmp_path: Path, form: str) -> None:
    metadata = write_enmap(tmp_path / "product")
    named = {"image": image_of(metadata), "metadata": metadata, "folder": metadata.parent}
    path = named[form] if form in named else pack(metadata.parent, tmp_path / f"ENMAP_L2A.{form}")
    scene = open_scene(path)
    assert scene.format == "EnMAP L2A" and scene.path == path
    np.testing.assert_allclose(scene.wavelengths, ENMAP_NM)
    np.testing.assert_allclose(scene.read(), enmap_cube() * 1e-4, rtol=1e-6)
    assert scene.scale_factor == 10000
    assert scene.georeference is not None and "UTM zone 33N" in (scene.georeference.crs_wkt or "")
    assert scene.georeference.transform == (30, 0, 366015, 0, -30, 5809965)


def test_gains_and_offsets_of_l1c_make_radiance(tmp_path: Path) -> None:
    scene = open_scene(write_enmap(tmp_path, "L1C", enmap_cube().astype(np.uint16)))
    np.testing.assert_allclose(scene.read(), enmap_cube() * ENMAP_GAINS + ENMAP_OFFSETS, rtol=1e-6)
    assert scene.scale_factor is None


@pytest.mark.parametrize(("level", "fill"), [("L2A", -32768), ("L1C", 0)])
def test_the_fill_of_the_level_is_no_data(tmp_path: Path, level: str, fill: int) -> None:
    cube = enmap_cube()
    cube[:2] = fill
    scene = open_scene(write_enmap(tmp_path, level, cube))
    assert not scene.valid[:2].any() and scene.valid[2:].all()


def test_clouds_and_background_are_masked(tmp_path: Path) -> None:
    cloud, classes = np.zeros((6, 5)), np.ones((6, 5))
    cloud[0], classes[5] = 1, 3
    metadata = write_enmap(tmp_path, cloud=cloud, classes=classes)
    scene = open_scene(metadata)
    assert not scene.valid[[0, 5]].any() and scene.valid[1:5].all()
    assert scene.masked == (
        Masked("nodata", "QL_QUALITY_CLASSES", 5, True),
        Masked("cloud", "QL_QUALITY_CLOUD", 5, True),
    )
    assert open_scene(metadata, mask="none").valid.sum() == 25
    before = scene.content_hash()
    cloud[1] = 1
    write_enmap(tmp_path, cloud=cloud, classes=classes)
    assert open_scene(metadata).content_hash() != before


def test_a_mask_that_does_not_fit_is_left_out_with_a_note(tmp_path: Path) -> None:
    metadata = write_enmap(tmp_path, cloud=np.ones((3, 3)))
    scene = open_scene(metadata)
    assert scene.valid.all()
    assert "the mask QL_QUALITY_CLOUD is damaged or of another size and was left out" in scene.notes


def test_an_image_of_the_expected_channels_takes_their_wavelengths(tmp_path: Path) -> None:
    xml = enmap_xml("L2A", expected=[1, 2, 3, 5, 6, 8])
    scene = open_scene(write_enmap(tmp_path, cube=enmap_cube()[:, :, :6], xml=xml))
    np.testing.assert_allclose(scene.wavelengths, ENMAP_NM[[0, 1, 2, 4, 5, 7]])


def test_a_channel_that_is_not_expected_is_bad(tmp_path: Path) -> None:
    scene = open_scene(write_enmap(tmp_path, xml=enmap_xml("L2A", expected=[1, 2, 3, 4, 5, 6, 8])))
    assert list(scene.bad_bands) == [6]


def test_metadata_of_another_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="describes 8 bands but the image has 5"):
        open_scene(write_enmap(tmp_path, cube=enmap_cube()[:, :, :5]))


RADIANCE = np.random.default_rng(5).uniform(0.01, 0.06, (9, 7, 8))


@pytest.mark.parametrize("form", ["folder", "metadata", "VNIR", "SWIR", "zip"])
def test_the_detectors_of_l1b_are_laid_on_one_another(tmp_path: Path, form: str) -> None:
    metadata = write_enmap_l1b(tmp_path / "product", RADIANCE)
    images = {
        name: metadata.with_name(metadata.name.replace("METADATA.XML", f"SPECTRAL_IMAGE_{name}.TIF"))
        for name in ("VNIR", "SWIR")
    }
    path = {"folder": metadata.parent, "metadata": metadata, **images}.get(form)
    scene = open_scene(path or pack(metadata.parent, tmp_path / "ENMAP.zip"))
    order = np.argsort(ENMAP_L1B_NM)
    assert (scene.format, scene.level, scene.shape) == ("EnMAP L1B", "L1B", (9, 7, 8))
    np.testing.assert_array_equal(scene.wavelengths, ENMAP_L1B_NM[order])
    assert not scene.valid[:2].any() and not scene.valid[:, 6].any() and scene.valid[2:, :6].all()
    np.testing.assert_allclose(scene.read()[2:, :6], RADIANCE[2:, :6][:, :, order], atol=2e-6)
    np.testing.assert_allclose(
        scene.read(slice(3, 5), slice(1, 4), bands=[7, 0]), RADIANCE[3:5, 1:4][:, :, order[[7, 0]]], atol=2e-6
    )
    assert any("moved onto the VNIR by -2 rows and 1 columns" in note for note in scene.notes)


def test_l1b_lies_where_its_rpcs_say(tmp_path: Path) -> None:
    scene = open_scene(write_enmap_l1b(tmp_path, RADIANCE))
    assert scene.georeference is None and scene.ground is not None
    pixels, (a, _, c, _, e, f) = scene.ground.pixels(), scene.ground.georeference.transform
    for number in np.unique(pixels[pixels >= 0]):
        rows, cols = np.nonzero(pixels == number)
        lat, lon = 48 - 1e-4 * (number // 7), 11 + 1e-4 * (number % 7)
        assert np.abs(f + e * (rows + 0.5) - lat).min() < 0.6e-4 and np.abs(c + a * (cols + 0.5) - lon).min() < 0.8e-4
    assert np.unique(pixels[pixels >= 0]).size == 63


def test_l1b_without_rpcs_is_joined_as_it_is_with_a_warning(tmp_path: Path) -> None:
    scene = open_scene(write_enmap_l1b(tmp_path, RADIANCE, 0, 0, rpcs=False))
    np.testing.assert_allclose(scene.read(), RADIANCE[:, :, np.argsort(ENMAP_L1B_NM)], atol=2e-6)
    assert scene.ground is None and any("were not laid on one another" in one for one in scene.warnings)


def test_l1b_without_one_of_its_images_or_of_two_sizes_is_refused(tmp_path: Path) -> None:
    metadata = write_enmap_l1b(tmp_path, RADIANCE)
    swir = metadata.with_name(metadata.name.replace("METADATA.XML", "SPECTRAL_IMAGE_SWIR.TIF"))
    write_tif(swir, np.ones((9, 6, 4), np.uint16))
    with pytest.raises(SceneError, match="differ in size or type"):
        open_scene(metadata)
    swir.unlink()
    with pytest.raises(SceneError, match=r"lacks one of its images, .*SPECTRAL_IMAGE_SWIR\.TIF"):
        open_scene(metadata)


@pytest.mark.parametrize("part", ["METADATA.XML", "SPECTRAL_IMAGE.TIF"])
def test_a_file_of_no_bytes_is_said_to_be_empty(tmp_path: Path, part: str) -> None:
    metadata = write_enmap(tmp_path / "product")
    metadata.with_name(metadata.name.replace("METADATA.XML", part)).write_bytes(b"")
    with pytest.raises(SceneError, match=f"{part} is empty: fetch the product again"):
        open_scene(pack(metadata.parent, tmp_path / "ENMAP_L2A.zip"))


def test_metadata_without_their_image_say_so(tmp_path: Path) -> None:
    metadata = write_enmap(tmp_path)
    image_of(metadata).unlink()
    with pytest.raises(SceneError, match=r"lacks the image of its product.*SPECTRAL_IMAGE\.TIF"):
        open_scene(metadata)


@pytest.mark.parametrize(
    "head",
    [
        b'<?xml version="1.0"?><!DOCTYPE level_X [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        b'<!DOCTYPE level_X [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    ],
)
def test_metadata_with_entities_are_refused(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(SceneError, match="document type"):
        open_scene(write_enmap(tmp_path, xml=head + enmap_xml("L2A").encode()))


def test_damaged_metadata_are_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"METADATA\.XML is damaged"):
        open_scene(write_enmap(tmp_path, xml=enmap_xml("L2A")[:-20]))


@pytest.mark.parametrize("name", ["/etc/x-METADATA.XML", "../x-METADATA.XML", "a/../../x-METADATA.XML"])
@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_an_archive_with_unsafe_paths_is_refused(tmp_path: Path, name: str, form: str) -> None:
    metadata = write_enmap(tmp_path / "product")
    archive = tmp_path / f"ENMAP.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(metadata, name)
    else:
        with tarfile.open(archive, "w:gz") as rolled:
            entry = rolled.gettarinfo(metadata)
            entry.name = name
            with metadata.open("rb") as stream:
                rolled.addfile(entry, stream)
    with pytest.raises(SceneError, match="unsafe"):
        open_scene(archive)


def test_an_archive_that_declares_an_absurd_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(write_enmap(tmp_path / "product").parent, tmp_path / "ENMAP.zip")
    monkeypatch.setattr(product_files, "_MOST_BYTES", 1000)
    with pytest.raises(SceneError, match="more files or bytes"):
        open_scene(archive)


def test_a_cut_archive_is_named(tmp_path: Path) -> None:
    for form in ("zip", "tar.gz"):
        archive = pack(write_enmap(tmp_path / "product").parent, tmp_path / f"ENMAP.{form}")
        archive.write_bytes(archive.read_bytes()[:600])
        with pytest.raises(SceneError, match="fetch it again"):
            open_scene(archive)


def test_other_images_and_archives_are_left_to_others(tmp_path: Path) -> None:
    tif = write_tif(tmp_path / "x-SPECTRAL_IMAGE.TIF", enmap_cube())
    assert recognise(tif).name == "geotiff"
    (tmp_path / "x-METADATA.XML").write_text("<hsi_doc></hsi_doc>")
    assert recognise(tif).name == "geotiff"
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("readme.txt", "nothing")
    assert not READERS.get("enmap").recognises(tmp_path / "other.zip", (tmp_path / "other.zip").read_bytes())


@pytest.fixture
def real(shared: Path) -> Path:
    """Real metadata of a simulated product, whose images are empty."""
    folder = shared / "products" / "enmap"
    if not folder.is_dir():
        pytest.skip("the EnMAP products are not beside this checkout")
    return folder


@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_real_metadata_give_wavelengths_gains_and_channels(real: Path, tmp_path: Path, level: str) -> None:
    with zipfile.ZipFile(real / f"enmap_{level}_gtif_qualification.zip") as packed:
        xml = packed.read(next(name for name in packed.namelist() if name.endswith("METADATA.XML")))
    cube = np.random.default_rng(0).integers(100, 6000, (4, 4, 218)).astype(np.int16)
    scene = open_scene(write_enmap(tmp_path, level, cube, xml=xml))
    assert scene.shape == (4, 4, 218)
    assert (scene.wavelengths[0], scene.wavelengths[90], scene.wavelengths[-1]) == (423.03, 960.57, 2438.6)
    if level == "L2A":
        assert scene.scale_factor == 10000
    else:
        value = cube[0, 0, 217] * 5.00642835594e-08 - 5.1522298474e-05
        assert scene.read()[0, 0, 217] == pytest.approx(value, rel=1e-5)


def test_real_rpcs_of_l1b_say_that_the_detectors_look_twenty_lines_apart(real: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(real / "enmap_L1B_gtif_qualification.zip") as packed:
        xml = packed.read(next(name for name in packed.namelist() if name.endswith("METADATA.XML")))
    metadata = write_enmap_l1b(tmp_path, RADIANCE)
    metadata.write_bytes(xml)
    vnir, swir = (
        np.random.default_rng(seed).integers(100, 6000, (60, 50, bands)).astype(np.uint16)
        for seed, bands in ((0, 88), (1, 130))
    )
    for name, cube in {"VNIR": vnir, "SWIR": swir}.items():
        image = metadata.name.replace("METADATA.XML", f"SPECTRAL_IMAGE_{name}.TIF")
        write_tif(tmp_path / image, cube, crs=None, transform=None)
    scene = open_scene(metadata)
    assert scene.shape == (60, 50, 218) and not scene.valid[:20].any() and scene.valid[20:, :49].all()
    gain, offset = (float(xml.split(b"<%sOfBand>" % name)[218].split(b"<")[0]) for name in (b"Gain", b"Offset"))
    last = swir[30 - 20, 10 + 1, 129] * gain + offset
    assert scene.read()[30, 10, 217] == pytest.approx(last, rel=1e-4)
    assert scene.ground is not None and scene.ground.georeference.transform is not None
    assert scene.ground.georeference.transform[5] == pytest.approx(47.7875, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("enmap_L1B_gtif_qualification.zip", r"SPECTRAL_IMAGE_VNIR\.TIF is empty"),
        ("enmap_L1C_gtif_qualification.zip", r"SPECTRAL_IMAGE\.TIF is empty"),
        ("enmap_L2A_noPrefix.zip", r"SPECTRAL_IMAGE\.TIF is empty"),
        ("dims_op_oc_oc-en_701293165_1.tar.gz", r"METADATA\.XML in .*tar\.gz is empty"),
    ],
)
def test_real_archives_whose_images_are_empty_say_what_is_wrong(real: Path, name: str, message: str) -> None:
    with pytest.raises(SceneError, match=message):
        open_scene(real / name)
