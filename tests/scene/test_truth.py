"""Ground truth: formats, shapes and what is no label image."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io

from special.errors import SceneError
from special.scene.truth import read_truth

LABELS = np.array([[0, 1, 2], [3, 0, 1]])


def write(path: Path, labels: np.ndarray, **profile: Any) -> Path:
    if path.suffix == ".npy":
        np.save(path, labels)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"gt": labels})
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["gt"] = labels.T
            file["gt"].attrs["MATLAB_class"] = np.bytes_("uint8")
    else:
        kind = {"driver": "GTiff" if path.suffix == ".tif" else "ENVI", "height": 2, "width": 3, "count": 1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(path, "w", dtype=labels.dtype, **kind | profile) as file:
                file.write(labels, 1)
    return path


@pytest.mark.parametrize("name", ["gt.mat", "gt.npy", "gt.h5", "gt.tif", "gt.img"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_labels_are_read_from_every_format(tmp_path: Path, name: str, dtype: str) -> None:
    labels = read_truth(write(tmp_path / name, LABELS.astype(dtype)), (2, 3))
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("name", ["gt.mat", "gt.npy", "gt.tif"])
def test_another_shape_names_both(tmp_path: Path, name: str) -> None:
    with pytest.raises(SceneError, match=r"is 2 x 3 but the scene is 5 x 4 pixels"):
        read_truth(write(tmp_path / name, LABELS.astype("uint8")), (5, 4))


def test_the_transpose_is_another_shape(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"is 2 x 3 but the scene is 3 x 2"):
        read_truth(write(tmp_path / "gt.mat", LABELS), (3, 2))


def test_of_several_images_the_one_of_the_right_shape_is_taken(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "gt.mat", {"other": np.ones((4, 4)), "gt": LABELS, "cube": np.ones((2, 3, 9))})
    np.testing.assert_array_equal(read_truth(tmp_path / "gt.mat", (2, 3)), LABELS)


def test_several_images_of_the_right_shape_need_a_key(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "gt.mat", {"train": LABELS, "test": LABELS + 1})
    with pytest.raises(SceneError, match=r"'train', 'test' with --truth-key"):
        read_truth(tmp_path / "gt.mat", (2, 3))
    np.testing.assert_array_equal(read_truth(tmp_path / "gt.mat", (2, 3), key="test"), LABELS + 1)
    with pytest.raises(SceneError, match="no image named 'gt'"):
        read_truth(tmp_path / "gt.mat", (2, 3), key="gt")


def test_a_label_cube_of_one_band_is_an_image(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_truth(write(tmp_path / "gt.npy", LABELS[:, :, None]), (2, 3)), LABELS)


def test_nodata_and_nan_are_unlabelled(tmp_path: Path) -> None:
    marked = np.where(LABELS == 0, 255, LABELS).astype("uint8")
    np.testing.assert_array_equal(read_truth(write(tmp_path / "gt.tif", marked, nodata=255), (2, 3)), LABELS)
    holes = np.where(LABELS == 0, np.nan, LABELS)
    np.testing.assert_array_equal(read_truth(write(tmp_path / "gt.npy", holes), (2, 3)), LABELS)


@pytest.mark.parametrize("labels", [LABELS - 1, LABELS + 0.5, LABELS * 100000])
def test_values_that_are_no_labels_are_named(tmp_path: Path, labels: np.ndarray) -> None:
    with pytest.raises(SceneError, match="not labels"):
        read_truth(write(tmp_path / "gt.npy", labels), (2, 3))


def test_a_file_without_an_image_is_named(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "gt.mat", {"cube": np.ones((2, 3, 4))})
    with pytest.raises(SceneError, match=r"holds no label image.*'cube' \(2 x 3 x 4\)"):
        read_truth(tmp_path / "gt.mat", (2, 3))
    with pytest.raises(SceneError, match="no such file"):
        read_truth(tmp_path / "missing.mat", (2, 3))


def test_several_bands_are_no_truth(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "gt.tif",
        "w",
        driver="GTiff",
        height=2,
        width=3,
        count=2,
        dtype="uint8",
        crs="EPSG:4326",
        transform=rasterio.Affine(1, 0, 5, 0, -1, 5),
    ) as file:
        file.write(np.stack([LABELS, LABELS]).astype("uint8"))
    with pytest.raises(SceneError, match="has 2 bands"):
        read_truth(tmp_path / "gt.tif", (2, 3))


CLASSES = [("Water",), ("Grass", "lawn"), ("Roof, tiled {red}",)]


def named_envi(folder: Path, names: str, labels: np.ndarray = LABELS) -> Path:
    path = write(folder / "gt.img", labels.astype("uint8"))
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text() + f"class names = {{{names}}}\n")
    return header


def named_tif(folder: Path, body: str, labels: np.ndarray = LABELS) -> Path:
    path = write(folder / "gt.tif", labels.astype("uint8"))
    beside = path.with_name("gt.tif.aux.xml")
    beside.write_text(f'<PAMDataset><PAMRasterBand band="1">{body}</PAMRasterBand></PAMDataset>')
    return path


def categories(*names: str) -> str:
    return f"<CategoryNames>{''.join(f'<Category>{name}</Category>' for name in names)}</CategoryNames>"


TABLE = (
    "<GDALRasterAttributeTable>"
    '<FieldDefn index="0"><Name>Name</Name><Type>2</Type><Usage>2</Usage></FieldDefn>'
    '<FieldDefn index="1"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>'
    '<Row index="0"><F>lawn</F><F>1</F></Row><Row index="1"><F>WATER</F><F>3</F></Row>'
    '<Row index="2"><F>Roof; tiled (red)</F><F>2</F></Row></GDALRasterAttributeTable>'
)


def dbf(path: Path, fields: list[tuple[str, str, int]], rows: list[list[str]]) -> None:
    """A dBase table, as ArcGIS writes it; the first row is marked as deleted."""
    width = 1 + sum(size for _, _, size in fields)
    head = b"\x03\x7b\x01\x01" + len(rows).to_bytes(4, "little")
    head += (33 + 32 * len(fields)).to_bytes(2, "little") + width.to_bytes(2, "little") + bytes(20)
    for title, kind, size in fields:
        head += title.encode().ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([size, 0]) + bytes(14)
    records = b""
    for number, row in enumerate(rows):
        cells = (
            text.encode("cp1252").rjust(size) if kind == "N" else text.encode("cp1252").ljust(size)
            for text, (_, kind, size) in zip(row, fields, strict=True)
        )
        records += (b"*" if number == 0 else b" ") + b"".join(cells)
    path.write_bytes(head + b"\r" + records + b"\x1a")


FIELDS = [("OID", "N", 4), ("Value", "N", 8), ("Count", "N", 8), ("Class_name", "C", 20)]
ROWS = [
    ["0", "9", "0", "gone"],
    ["1", "1", "2", "lawn"],
    ["2", "2", "2", "Roof; tiled (red)"],
    ["3", "3", "1", "Water"],
]


def test_a_damaged_attribute_table_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "gt.tif", LABELS.astype("uint8"))
    dbf(tmp_path / "gt.tif.vat.dbf", FIELDS, ROWS)
    table = tmp_path / "gt.tif.vat.dbf"
    table.write_bytes(table.read_bytes()[:100])
    with pytest.raises(SceneError, match=r"vat\.dbf is damaged or no table of classes"):
        read_truth(path, (2, 3), classes=CLASSES)


def test_an_attribute_table_without_names_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "gt.tif", LABELS.astype("uint8"))
    dbf(tmp_path / "gt.tif.vat.dbf", FIELDS[:3], [row[:3] for row in ROWS])
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES), LABELS)


@pytest.mark.parametrize("kind", ["ENVI", "categories", "table", "tags", "dbf"])
def test_a_file_that_names_its_classes_is_matched_by_name(tmp_path: Path, kind: str) -> None:
    names = ("Unclassified", "lawn", "roof;  tiled (red)", "WATER")
    if kind == "ENVI":
        path = named_envi(tmp_path, ", ".join(names))
    elif kind == "dbf":
        path = write(tmp_path / "gt.tif", LABELS.astype("uint8"))
        dbf(tmp_path / "gt.tif.vat.dbf", FIELDS, ROWS)
    elif kind == "tags":
        path = write(tmp_path / "gt.tif", LABELS.astype("uint8"))
        with rasterio.open(path, "r+") as file:
            file.update_tags(1, **{f"class_{k}": name for k, name in enumerate(names[1:], start=1)})
    else:
        path = named_tif(tmp_path, TABLE if kind == "table" else categories(*names))
    said: list[str] = []
    found = read_truth(path, (2, 3), classes=CLASSES, say=said.append)
    np.testing.assert_array_equal(found, np.array([0, 2, 3, 1])[LABELS])
    assert len(said) == 1 and "matched by name: 1 is lawn, class 2 of the list" in said[0]
    np.testing.assert_array_equal(read_truth(path, (2, 3)), LABELS)


def test_names_in_the_order_of_the_list_need_no_word(tmp_path: Path) -> None:
    said: list[str] = []
    path = named_envi(tmp_path, "Unclassified, Water, Grass, Roof; tiled (red)")
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES, say=said.append), LABELS)
    assert not said


def test_names_that_the_list_does_not_have_leave_the_order(tmp_path: Path) -> None:
    said: list[str] = []
    path = named_envi(tmp_path, "Unclassified, Wasser, Wiese, Dach")
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES, say=said.append), LABELS)
    assert len(said) == 1 and "does not name, 1 (Wasser), 2 (Wiese), 3 (Dach)" in said[0]


def test_another_order_with_a_name_that_the_list_lacks_is_an_error(tmp_path: Path) -> None:
    path = named_envi(tmp_path, "Unclassified, Grass, Water, Road")
    with pytest.raises(SceneError, match=r"another order than the class list, which lacks 3 \(Road\)"):
        read_truth(path, (2, 3), classes=CLASSES)


def test_a_class_may_be_called_0_and_a_rest_is_unlabelled(tmp_path: Path) -> None:
    path = named_envi(tmp_path, "Water, Grass, Roof; tiled (red), Background")
    found = read_truth(path, (2, 3), classes=CLASSES)
    np.testing.assert_array_equal(found, np.array([1, 2, 3, 0])[LABELS])


@pytest.mark.parametrize("body", ["", "<CategoryNames/>", "<GDALRasterAttributeTable/>", "<Histograms/>"])
def test_a_file_beside_that_names_nothing_changes_nothing(tmp_path: Path, body: str) -> None:
    np.testing.assert_array_equal(read_truth(named_tif(tmp_path, body), (2, 3), classes=CLASSES), LABELS)


@pytest.mark.parametrize("option", ["--truth-key", "--labels-key"])
def test_of_several_images_the_option_of_the_command_is_advised(tmp_path: Path, option: str) -> None:
    scipy.io.savemat(tmp_path / "gt.mat", {"train": LABELS, "test": LABELS})
    with pytest.raises(SceneError, match=f"with {option}$"):
        read_truth(tmp_path / "gt.mat", (2, 3), key_option=option)


def test_the_named_truths_of_the_case_say_the_same(shared: Path) -> None:
    folder = shared / "cases" / "truth-class-names"
    if not folder.is_dir():
        pytest.skip("the case is not beside this checkout")
    classes = [(name,) for name in (folder / "classes.txt").read_text().splitlines()]
    for name in ("truth_envi.hdr", "truth_envi.img", "truth.tif"):
        found = read_truth(folder / name, (30, 30), classes=classes)
        np.testing.assert_array_equal(found, np.load(folder / "truth.npy"))


def test_the_case_of_two_truths_is_advised_what_the_command_has(shared: Path) -> None:
    path = shared / "cases" / "truth-key-advice" / "t2.mat"
    if not path.is_file():
        pytest.skip("the case is not beside this checkout")
    for option in ("--truth-key", "--labels-key"):
        with pytest.raises(SceneError, match=f"name one of 'TRLabel', 'TSLabel' with {option}$"):
            read_truth(path, (30, 30), key_option=option)
    assert read_truth(path, (30, 30), key="TRLabel").max() > 0


@pytest.mark.parametrize(("value", "dtype"), [(255, "uint8"), (65535, "uint16"), (-1, "int16"), (-9999, "float32")])
def test_a_number_that_is_no_class_counts_as_no_data_and_is_told(tmp_path: Path, value: int, dtype: str) -> None:
    said: list[str] = []
    np.save(tmp_path / "gt.npy", np.where(LABELS == 0, value, LABELS).astype(dtype))
    found = read_truth(tmp_path / "gt.npy", (2, 3), classes=CLASSES, say=said.append)
    np.testing.assert_array_equal(found, LABELS)
    assert len(said) == 1 and f"has {value}, which is no class: such pixels count as unlabelled" in said[0]


def test_a_truth_that_counts_from_0_is_told_where_it_has_another_number_for_no_data(tmp_path: Path) -> None:
    said: list[str] = []
    np.save(tmp_path / "gt.npy", np.array([[255, 0, 1], [2, 0, 1]], dtype=np.uint8))
    read_truth(tmp_path / "gt.npy", (2, 3), classes=CLASSES, say=said.append)
    assert any("may count its classes from 0" in line and "add 1 to them" in line for line in said)
    said.clear()
    np.save(tmp_path / "gt.npy", np.array([[255, 1, 1], [1, 0, 1]], dtype=np.uint8))
    read_truth(tmp_path / "gt.npy", (2, 3), classes=CLASSES, say=said.append)
    assert not any("count its classes from 0" in line for line in said), "one class is missing: nobody can tell"


def test_no_data_is_none_of_the_classes_though_one_is_called_0(tmp_path: Path) -> None:
    path = named_envi(tmp_path, "Water, Grass, Roof; tiled (red)")
    path.write_text(path.read_text() + "data ignore value = 3\n")
    found = read_truth(path, (2, 3), classes=CLASSES)
    np.testing.assert_array_equal(found, np.array([1, 2, 3, 0])[LABELS])


@pytest.mark.parametrize("name", ["GRASS", "grass", "Dry_grass", "dry-GRASS"])
def test_names_are_told_apart_by_their_words(tmp_path: Path, name: str) -> None:
    path = named_envi(tmp_path, f"Unclassified, {name}, water, roof;_tiled-(red)")
    classes = [("Water",), ("Grass", "dry grass"), ("Roof, tiled {red}",)]
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=classes), np.array([0, 2, 1, 3])[LABELS])


def test_a_table_without_usages_is_read_by_its_titles(tmp_path: Path) -> None:
    fields = "".join(f"<FieldDefn><Name>{one}</Name><Usage>0</Usage></FieldDefn>" for one in ("VALUE", "Class_Name"))
    rows = "".join(
        f"<Row><F>{n}</F><F>{one}</F></Row>" for n, one in enumerate(("roof; tiled (red)", "water", "grass"), 1)
    )
    path = named_tif(tmp_path, f"<GDALRasterAttributeTable>{fields}{rows}</GDALRasterAttributeTable>")
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES), np.array([0, 3, 1, 2])[LABELS])


def test_a_style_beside_a_truth_names_its_classes(tmp_path: Path) -> None:
    path = named_tif(tmp_path, "")
    entries = "".join(
        f'<paletteEntry value="{n}" label="{one}" color="#000000"/>'
        for n, one in enumerate(("grass", "roof; tiled (red)", "water"), 1)
    )
    path.with_suffix(".qml").write_text(
        f"<qgis><pipe><rasterrenderer><colorPalette>{entries}</colorPalette></rasterrenderer></pipe></qgis>"
    )
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES), np.array([0, 2, 3, 1])[LABELS])


@pytest.mark.parametrize("kind", ["tif", "envi"])
def test_colours_name_classes_where_the_list_has_them(tmp_path: Path, kind: str) -> None:
    colours = ("#0000ff", "#00ff00", "#ff0000")
    shown = [(0, 0, 0), (0, 255, 0), (255, 0, 0), (0, 0, 255)]
    if kind == "tif":
        path = named_tif(tmp_path, "")
        with rasterio.open(path, "r+") as file:
            file.write_colormap(1, {n: (*rgb, 255) for n, rgb in enumerate(shown)})
    else:
        path = named_envi(tmp_path, "")
        lookup = ", ".join(str(value) for rgb in shown for value in rgb)
        text = "".join(line for line in path.read_text().splitlines(True) if not line.startswith("class names"))
        path.write_text(f"{text}class lookup = {{{lookup}}}\n")
    said: list[str] = []
    found = read_truth(path, (2, 3), classes=CLASSES, colours=colours, say=said.append)
    np.testing.assert_array_equal(found, np.array([0, 2, 3, 1])[LABELS])
    assert "matched by name: 1 is grass, class 2" in said[0].lower()
    others = ("#0000ff", "#00ff00", "#aaaaaa")
    np.testing.assert_array_equal(read_truth(path, (2, 3), classes=CLASSES, colours=others), LABELS)


@pytest.mark.parametrize("name", ["gt.npy", "gt.tif"])
def test_a_truth_of_the_exchanged_shape_is_told_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(SceneError, match=r"3 x 2 but the scene is 2 x 3 pixels: give .* scene, turned round"):
        read_truth(write(tmp_path / name, LABELS.T.astype("uint8"), height=3, width=2), (2, 3))
