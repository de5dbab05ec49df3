"""EnMAP L1C and L2A: named by any of their files, with wavelengths, gains and masks from the product."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from raster_products import (
    ENMAP_GAINS,
    ENMAP_NM,
    ENMAP_OFFSETS,
    enmap_cube,
    enmap_xml,
    pack,
    write_enmap,
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


@pytest.mark.parametrize("form", ["folder", "metadata", "VNIR"])
def test_l1b_is_refused_with_what_to_give(tmp_path: Path, form: str) -> None:
    metadata = write_enmap(tmp_path / "product", "L1B")
    vnir = metadata.with_name(metadata.name.replace("METADATA.XML", "SPECTRAL_IMAGE_VNIR.TIF"))
    with pytest.raises(SceneError, match=r"L1B.*give its L1C or L2A"):
        open_scene({"folder": metadata.parent, "metadata": metadata, "VNIR": vnir}[form])


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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("enmap_L1B_gtif_qualification.zip", "L1B.*give its L1C or L2A"),
        ("enmap_L1C_gtif_qualification.zip", r"SPECTRAL_IMAGE\.TIF cannot be read"),
        ("enmap_L2A_noPrefix.zip", "level unknown"),
        ("dims_op_oc_oc-en_701293165_1.tar.gz", r"METADATA\.XML in .*tar\.gz is damaged"),
    ],
)
def test_real_archives_whose_images_are_empty_say_what_is_wrong(real: Path, name: str, message: str) -> None:
    with pytest.raises(SceneError, match=message):
        open_scene(real / name)
