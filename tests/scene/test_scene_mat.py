"""MATLAB files, v5 and v7.3, and .npy: what is found in them and what is refused."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers import mat_child

SPAN = "430:860"


def cube(rows: int = 5, cols: int = 4, bands: int = 6, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(7).integers(1, 200, (rows, cols, bands)).astype(dtype)


def write_v73(path: Path, mark: bool = True, **arrays: np.ndarray) -> Path:
    """As MATLAB does: axes reversed, a block of its own in front, its class on every dataset."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            dataset = file.create_dataset(name, data=array.transpose())
            if mark:
                dataset.attrs["MATLAB_class"] = np.bytes_("double")
    if mark:
        with path.open("r+b") as stream:
            stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    return path


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("compressed", [False, True])
def test_v5_reads_back_what_was_written(tmp_path: Path, dtype: str, compressed: bool) -> None:
    written = cube(dtype=dtype)
    scipy.io.savemat(tmp_path / "scene.mat", {"paviaU": written}, do_compression=compressed)
    scene = open_scene(tmp_path / "scene.mat", wavelengths=SPAN)
    assert (scene.format, scene.key, scene.shape) == ("MATLAB v5", "paviaU", (5, 4, 6))
    np.testing.assert_array_equal(scene.read(), written.astype(np.float32))


def test_v73_axes_are_turned_round(tmp_path: Path) -> None:
    written = cube()
    scene = open_scene(write_v73(tmp_path / "scene.mat", scene=written), wavelengths=SPAN)
    assert scene.format == "MATLAB v7.3"
    np.testing.assert_array_equal(scene.read(), written)
    np.testing.assert_array_equal(scene.read(slice(1, 3), slice(2, 4)), written[1:3, 2:4])


def test_v73_without_matlabs_mark_may_be_turned_round_and_asks(tmp_path: Path) -> None:
    written = cube()
    path = write_v73(tmp_path / "scene.mat", False, scene=written)
    for given in (SPAN, np.linspace(400, 900, 6)):
        with pytest.raises(SceneError, match=r"which axis of 'scene' \(6 x 4 x 5\).*band,row,col or .*band,col,row"):
            open_scene(path, wavelengths=given)
        np.testing.assert_array_equal(open_scene(path, wavelengths=given, axes="band,col,row").read(), written)


def test_v73_without_matlabs_mark_goes_by_the_number_of_wavelengths(tmp_path: Path) -> None:
    written = cube()
    with h5py.File(tmp_path / "scene.mat", "w") as file:
        file["scene"] = written
    scene = open_scene(tmp_path / "scene.mat", wavelengths=np.linspace(400, 900, 6))
    np.testing.assert_array_equal(scene.read(), written)


@pytest.mark.parametrize("writer", ["v5", "v7.3", "npy"])
def test_bands_first_is_recognised_by_the_number_of_wavelengths(tmp_path: Path, writer: str) -> None:
    written = cube(5, 4, 6)
    stored, path = written.transpose(2, 0, 1), tmp_path / "scene.mat"
    if writer == "v5":
        scipy.io.savemat(path, {"x": stored})
    elif writer == "v7.3":
        write_v73(path, x=stored)
    else:
        path = tmp_path / "scene.npy"
        np.save(path, stored)
    scene = open_scene(path, wavelengths=np.linspace(400, 900, 6))
    np.testing.assert_array_equal(scene.read(), written)
    assert any("number of wavelengths" in note for note in scene.notes)


def test_bands_come_last_when_the_wavelengths_do_not_decide(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", cube(6, 4, 6))
    scene = open_scene(tmp_path / "scene.npy", wavelengths=np.linspace(400, 900, 6))
    np.testing.assert_array_equal(scene.read(), cube(6, 4, 6))


def test_a_wrong_list_that_is_as_long_as_a_row_is_an_error_not_another_layout(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", cube(5, 4, 6))
    with pytest.raises(SceneError, match=r"4 wavelengths but .* has 6 bands"):
        open_scene(tmp_path / "scene.npy", wavelengths=np.linspace(400, 900, 4))


@pytest.mark.parametrize("version", ["v5", "v7.3"])
def test_wavelengths_beside_the_cube_are_used(tmp_path: Path, version: str) -> None:
    arrays = {"cube": cube(), "wavelength": np.linspace(0.4, 0.9, 6)[None], "gt": np.ones((5, 4))}
    path = tmp_path / "scene.mat"
    if version == "v5":
        scipy.io.savemat(path, arrays)
    else:
        write_v73(path, **arrays)
    np.testing.assert_allclose(open_scene(path).wavelengths, np.linspace(400, 900, 6))


@pytest.mark.parametrize("version", ["v5", "v7.3"])
def test_two_candidates_are_listed_with_their_shapes_and_key_chooses(tmp_path: Path, version: str) -> None:
    arrays = {"raw": cube(5, 4, 6), "corrected": cube(5, 4, 3)}
    path = tmp_path / "scene.mat"
    if version == "v5":
        scipy.io.savemat(path, arrays)
    else:
        write_v73(path, **arrays)
    with pytest.raises(SceneError, match=r"--key.*5 x 4 x \d") as error:
        open_scene(path, wavelengths=SPAN)
    assert "'raw' (5 x 4 x 6)" in str(error.value) and "'corrected' (5 x 4 x 3)" in str(error.value)
    assert open_scene(path, key="corrected", wavelengths=SPAN).shape == (5, 4, 3)
    with pytest.raises(SceneError, match=r"no array named 'cube'.*'raw'"):
        open_scene(path, key="cube", wavelengths=SPAN)


def test_a_table_of_pixels_is_no_cube(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "table.mat", {"pixels": np.ones((20, 6)), "about": {"sensor": "x"}})
    with pytest.raises(SceneError, match=r"no cube.*'pixels' \(20 x 6\).*'about' \(1 x 1, struct\)"):
        open_scene(tmp_path / "table.mat", wavelengths=SPAN)
    with pytest.raises(SceneError, match=r"'pixels' \(20 x 6\) is not a cube"):
        open_scene(tmp_path / "table.mat", key="pixels", wavelengths=SPAN)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "scene.mat", {"x": cube() + 1j})
    with pytest.raises(SceneError, match="complex128"):
        open_scene(tmp_path / "scene.mat", wavelengths=SPAN)


def test_a_damaged_v5_file_is_one_line(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "good.mat", {"x": cube()})
    content = (tmp_path / "good.mat").read_bytes()
    (tmp_path / "bad.mat").write_bytes(content[:128] + b"\xff" * 300)
    with pytest.raises(SceneError, match="cannot be read as MATLAB v5") as error:
        open_scene(tmp_path / "bad.mat", wavelengths=SPAN)
    assert "\n" not in str(error.value)


def test_a_v5_file_that_declares_more_than_it_can_hold_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    scipy.io.savemat(path, {"x": cube(5, 4, 6, "float64")})
    dims = np.array([5, 4, 6], dtype="<i4").tobytes()
    path.write_bytes(path.read_bytes().replace(dims, np.array([1 << 16, 1 << 16, 1 << 8], dtype="<i4").tobytes()))
    with pytest.raises(SceneError, match="more than a file of its size can hold"):
        open_scene(path, wavelengths=SPAN)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory limit needs Linux")
def test_the_child_process_cannot_take_more_memory_than_it_is_given() -> None:
    code = (
        f"import runpy; child = runpy.run_path({mat_child.__file__!r}); import numpy as np\n"
        "child['limit_memory'](1 << 26)\n"
        "try: np.ones(1 << 27)\n"
        "except MemoryError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "refused"


def test_npy_is_read_without_pickle(tmp_path: Path) -> None:
    written = cube(dtype="float32")
    np.save(tmp_path / "scene.npy", written)
    np.testing.assert_array_equal(open_scene(tmp_path / "scene.npy", wavelengths=SPAN).read(), written)
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SceneError, match=r"not a readable \.npy"):
        open_scene(tmp_path / "objects.npy", wavelengths=SPAN)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(written))
    with pytest.raises(SceneError, match="no format that can be read"):
        open_scene(tmp_path / "pickle.npy", wavelengths=SPAN)


def test_content_decides_the_format_not_the_suffix(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", cube())
    (tmp_path / "scene.npy").rename(tmp_path / "scene.mat")
    assert open_scene(tmp_path / "scene.mat", wavelengths=SPAN).format == "NumPy"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.write_text("hello"), r"no format that can be read: give .*\.npy, .*ENVI "),
        (lambda path: np.save(path.open("wb"), cube(5, 4, 1)), "single band"),
    ],
)
def test_what_is_no_scene_is_named(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "scene.dat"
    make(path)  # type: ignore[operator]
    with pytest.raises(SceneError, match=message):
        open_scene(path, wavelengths=SPAN)


@pytest.mark.parametrize("version", ["v5", "v7.3", "npy"])
def test_a_scene_can_be_handed_to_another_process(tmp_path: Path, version: str) -> None:
    path = tmp_path / ("scene.npy" if version == "npy" else "scene.mat")
    if version == "v5":
        scipy.io.savemat(path, {"x": cube()})
    elif version == "v7.3":
        write_v73(path, x=cube())
    else:
        np.save(path, cube())
    scene = pickle.loads(pickle.dumps(open_scene(path, wavelengths=SPAN)))
    np.testing.assert_array_equal(scene.read(), cube())
