"""The registry of readers: which one opens a file, ours and those of other distributions alike."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io

from special import registry
from special.errors import PluginError, SceneError, SettingsError
from special.registry import Registry
from special.scene import open_scene, readers
from special.scene.readers import base
from special.scene.readers.base import ANYTHING, FORMAT, PRODUCT, READERS, Reader, ReadOptions, open_source, recognise
from special.scene.readers.npy import NPY
from special.scene.source import Source
from special.scene.truth import read_truth

PRODUCTS = ["ahsi", "aviris_nc", "desis", "dimap", "emit", "enmap", "hisui", "hyperion", "neon", "pace", "prisma"]
PRODUCTS += ["hyperion_l1r", "stac", "tanager", "together"]
OTHERS = ["archive", "folder", "netcdf3", "zarr"]
OURS = ["envi", "gdal", "geotiff", "hdf5", "mat", "npy"]
SHARED_CODE = {
    "__init__",
    "arrays",
    "attribute_table",
    "base",
    "conventions",
    "detectors",
    "enmap_l1b",
    "envi_header",
    "hdf5_child",
    "hdf5_geometry",
    "hdf5_guard",
    "hdf5_product",
    "joined",
    "mapped",
    "markup",
    "mat_child",
    "product_files",
    "raster",
    "scratch",
    "sidecar",
}
EXAMPLE = Path(__file__).parents[1] / "plugins" / "reader"
CUBE = np.arange(1, 61, dtype="int16").reshape(4, 5, 3)
NM = [450.0, 550.0, 650.0]
HEADER = "ENVI\nsamples = 5\nlines = 4\nbands = 3\ndata type = 2\ninterleave = bip\n"

Install = Callable[..., None]


class Numpy(Reader):
    """Recognises what ``npy`` recognises, and opens it as ``npy`` does."""

    def __init__(self, name: str, precedence: int, named_arrays: bool = False) -> None:
        self.name, self.reads, self.precedence, self.named_arrays = name, f"{name} files", precedence, named_arrays
        self.options: list[ReadOptions] = []

    def recognises(self, path: Path, head: bytes) -> bool:
        return head.startswith(b"\x93NUMPY")

    def open(self, path: Path, options: ReadOptions) -> Source:
        self.options.append(options)
        return NPY.open(path, ReadOptions())


class Folder(Numpy):
    """Recognises a folder with a cube in it."""

    def recognises(self, path: Path, head: bytes) -> bool:
        return head == b"" and (path / "cube.npy").is_file()

    def open(self, path: Path, options: ReadOptions) -> Source:
        return NPY.open(path / "cube.npy", options)


@dataclass
class Point:
    """An entry point of another distribution."""

    name: str
    item: Any
    dist: ClassVar = SimpleNamespace(name="somebody-else")

    def load(self) -> Any:
        return self.item


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Looks for entry points again, until the test is over."""
    return lambda: monkeypatch.setattr(base, "READERS", Registry("special.readers", "reader", base._flaw))


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, fresh: Callable[[], None]) -> Install:
    """Lists a reader as another distribution would."""
    points: list[Point] = []

    def install(item: Any, name: str | None = None) -> None:
        points.append(Point(name or item.name, item))
        fresh()

    monkeypatch.setattr(registry, "entry_points", lambda group: [*entry_points(group=group), *points])
    return install


@pytest.fixture
def plaincube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Callable[[], None]) -> None:
    """The example distribution, found as any that is installed."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = tmp_path / "site" / "special_plain_text-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    listed = project["entry-points"]["special.readers"]
    (metadata / "entry_points.txt").write_text(
        "[special.readers]\n" + "".join(f"{name} = {value}\n" for name, value in listed.items())
    )
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.syspath_prepend(metadata.parent)
    fresh()


def write_text(path: Path, values: np.ndarray) -> Path:
    rows, cols, bands = values.shape
    nm = " ".join(map(str, NM[:bands]))
    path.write_text(f"PLAINCUBE {rows} {cols} {bands}\n{nm}\n" + " ".join(map(str, values.ravel())) + "\n")
    return path


def write_as(name: str, folder: Path) -> Path:
    path = folder / "scene.dat"
    if name == "envi":
        path.write_bytes(CUBE.tobytes())
        (folder / "scene.hdr").write_text(HEADER)
    elif name == "geotiff":
        place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5.8e6)}
        with rasterio.open(path, "w", driver="GTiff", height=4, width=5, count=3, dtype="int16", **place) as file:
            file.write(CUBE.transpose(2, 0, 1))
    elif name == "gdal":
        with rasterio.open(path, "w", driver="HFA", height=4, width=5, count=3, dtype="int16") as file:
            file.write(CUBE.transpose(2, 0, 1))
    elif name == "hdf5":
        with h5py.File(path, "w", userblock_size=512) as file:
            file["cube"] = CUBE
    elif name == "mat":
        with path.open("wb") as stream:
            scipy.io.savemat(stream, {"cube": CUBE})
    else:
        with path.open("wb") as stream:
            np.save(stream, CUBE)
    return path


@pytest.mark.parametrize("name", [*PRODUCTS, *OURS])
def test_each_of_our_readers_is_listed_as_any_other(name: str) -> None:
    assert name in READERS.names
    reader = READERS.get(name)
    assert isinstance(reader, Reader)
    assert reader.name == name and reader.reads and PRODUCT <= reader.precedence <= ANYTHING
    assert (reader.precedence == PRODUCT) == (name in PRODUCTS)
    assert not reader.recognises(Path("missing"), b"") and not reader.recognises(Path(__file__).parent, b"")


def test_every_module_of_a_format_is_listed() -> None:
    folder = Path(readers.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - SHARED_CODE == {*PRODUCTS, *OTHERS, *OURS}


@pytest.mark.parametrize("name", OURS)
def test_content_finds_the_reader_and_its_name_alone_does_too(tmp_path: Path, name: str) -> None:
    path = write_as(name, tmp_path)
    assert recognise(path).name == name
    scene = open_scene(path, wavelengths=NM)
    np.testing.assert_array_equal(scene.read(), CUBE)
    assert open_scene(path, wavelengths=NM, reader=name).content_hash() == scene.content_hash()


@pytest.mark.parametrize("name", OURS)
def test_a_scene_can_be_sent_to_another_process(name: str, tmp_path: Path) -> None:
    sent = pickle.loads(pickle.dumps(open_scene(write_as(name, tmp_path), wavelengths=NM)))
    np.testing.assert_array_equal(sent.read(slice(1, 3), slice(2, 5)), CUBE[1:3, 2:5])


def test_choosing_a_reader_imports_no_library_of_another_format(tmp_path: Path) -> None:
    path = write_as("npy", tmp_path)
    code = (
        "import sys; from pathlib import Path; from special.scene.readers.base import recognise\n"
        f"assert recognise(Path({str(path)!r})).name == 'npy'\n"
        "print(sorted({'h5py', 'rasterio', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_product_goes_before_the_format_it_is_stored_in(tmp_path: Path, install: Install) -> None:
    install(Numpy("product", PRODUCT))
    assert recognise(write_as("npy", tmp_path)).name == "product"
    install(Numpy("better", PRODUCT - 1))
    assert recognise(tmp_path / "scene.dat").name == "better"


def test_a_header_beside_a_file_counts_least_and_a_name_beats_that(tmp_path: Path) -> None:
    path = write_as("npy", tmp_path)
    (tmp_path / "scene.hdr").write_text(HEADER + "header offset = 128\n")
    assert open_scene(path, wavelengths=NM).format == "NumPy"
    scene = open_scene(path, wavelengths=NM, reader="envi")
    assert scene.format == "ENVI bip"
    np.testing.assert_array_equal(scene.read(), CUBE)


def test_two_readers_of_the_same_precedence_need_a_name(tmp_path: Path, install: Install) -> None:
    install(Numpy("other", FORMAT))
    path = write_as("npy", tmp_path)
    with pytest.raises(SceneError, match=r"scene\.dat is recognised by the readers npy and other: .*--reader"):
        open_scene(path, wavelengths=NM)
    assert recognise(path, "npy").name == "npy"
    assert recognise(path, "other").name == "other"


def test_an_unknown_reader_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write_as("npy", tmp_path)
    names = ", ".join(sorted(OURS + OTHERS + PRODUCTS))
    with pytest.raises(SettingsError, match=f"no reader 'numpy': name one of {names}"):
        open_scene(path, wavelengths=NM, reader="numpy")


@pytest.mark.parametrize("name", OURS + OTHERS + PRODUCTS)
def test_a_named_reader_says_what_it_cannot_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path / "notes.txt", tmp_path, tmp_path / "missing"):
        with pytest.raises(SceneError) as error:
            open_scene(path, wavelengths=NM, reader=name)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["envi", "geotiff", "npy"])
def test_a_key_is_only_for_formats_with_named_arrays(tmp_path: Path, name: str) -> None:
    with pytest.raises(SceneError, match="one cube without a name: --key is for"):
        open_scene(write_as(name, tmp_path), wavelengths=NM, key="cube")


def test_a_third_party_says_whether_it_takes_a_key(tmp_path: Path, install: Install) -> None:
    plain, archive = Numpy("plain", PRODUCT), Numpy("bundle", PRODUCT - 1, named_arrays=True)
    install(plain)
    path = write_as("npy", tmp_path)
    with pytest.raises(SceneError, match="one cube without a name"):
        open_source(path, ReadOptions("cube"))
    install(archive)
    open_source(path, ReadOptions("cube", (3,)))
    assert (plain.options, archive.options) == ([], [ReadOptions("cube", (3,))])


def test_a_folder_can_be_a_product(tmp_path: Path, install: Install) -> None:
    assert recognise(tmp_path).name == "folder"
    np.save(tmp_path / "cube.npy", CUBE)
    install(Folder("product", PRODUCT))
    np.testing.assert_array_equal(open_scene(tmp_path, wavelengths=NM).read(), CUBE)


def test_the_list_of_formats_comes_from_the_readers(tmp_path: Path, install: Install) -> None:
    install(Numpy("other", PRODUCT))
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SceneError, match=r"give .*; the raw file") as error:
        recognise(tmp_path / "notes.txt")
    assert "other files" in str(error.value)
    assert not [reader.reads for reader in base.READERS if reader.reads not in str(error.value)]


@pytest.mark.parametrize(("item", "name"), [(Numpy, "other"), (Numpy("other", FORMAT), "another"), (None, "other")])
def test_what_is_no_reader_is_named(tmp_path: Path, install: Install, item: Any, name: str) -> None:
    install(item, name)
    with pytest.raises(PluginError, match=f"the reader '{name}' of somebody-else is not usable"):
        recognise(write_as("npy", tmp_path))


@pytest.mark.usefixtures("plaincube")
def test_the_reader_of_another_distribution_opens_its_files(tmp_path: Path) -> None:
    scene = open_scene(write_text(tmp_path / "scene.txt", CUBE))
    assert scene.format == "PLAINCUBE"
    np.testing.assert_array_equal(scene.wavelengths, NM)
    np.testing.assert_array_equal(scene.read(), CUBE)
    assert open_scene(tmp_path / "scene.txt", reader="plaincube").shape == (4, 5, 3)


@pytest.mark.usefixtures("plaincube")
def test_any_reader_reads_ground_truth(tmp_path: Path) -> None:
    labels = np.arange(20).reshape(4, 5, 1)
    path = write_text(tmp_path / "truth.txt", labels)
    np.testing.assert_array_equal(read_truth(path, (4, 5)), labels[:, :, 0])
    with pytest.raises(SceneError, match="is 4 x 5 but the scene is 5 x 4 pixels"):
        read_truth(path, (5, 4))
    with pytest.raises(SceneError, match="has 3 bands: the truth must be one band"):
        read_truth(write_text(path, CUBE), (4, 5))


def test_the_reader_of_the_truth_can_be_named(tmp_path: Path, install: Install) -> None:
    install(Numpy("other", FORMAT))
    np.save(tmp_path / "truth.npy", CUBE[:, :, 0])
    with pytest.raises(SceneError, match="readers npy and other"):
        read_truth(tmp_path / "truth.npy", (4, 5))
    np.testing.assert_array_equal(read_truth(tmp_path / "truth.npy", (4, 5), reader="npy"), CUBE[:, :, 0])


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_a_path_that_no_file_can_have_is_one_line(path: str) -> None:
    with pytest.raises(SceneError, match=r"is no path of a file|cannot be read"):
        open_scene(path)


@pytest.mark.parametrize("text", ['{"id": "PRS_L2D"}', "<level_Y/>", "\ufeff[1]"])
def test_text_that_describes_a_product_is_told_from_a_scene(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SceneError, match=r"is text that describes something \(JSON or XML\), and holds no cube"):
        open_scene(path)


def test_formats_come_before_products_in_what_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(1, 200)))
    with pytest.raises(SceneError, match=r"in no format that can be read: give (GeoTIFF|HDF5|MATLAB)"):
        open_scene(path)


def test_the_table_of_inputs_in_the_pages_is_that_of_the_registry() -> None:
    page = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
    told = page[page.index("| input |") : page.index("<!-- end -->")].strip()
    assert told == base.inputs_table()
    assert all(reader.understands for reader in READERS)
