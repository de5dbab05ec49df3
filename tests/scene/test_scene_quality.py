"""Which bands and pixels of a scene count as good, and reading by windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from special.errors import SceneError
from special.scene import Scene, open_scene
from special.scene.quality import judge
from special.scene.readers.base import ArrayBlockReader
from special.scene.scene import row_blocks
from special.scene.source import Source

ROWS, COLS, BANDS = 6, 5, 8
NM = np.linspace(400.0, 1000.0, BANDS)


def cube(dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(1).integers(1, 100, (ROWS, COLS, BANDS)).astype(dtype)


def case(shared: Path, name: str) -> Path:
    folder = shared / "cases" / name
    if not folder.is_dir():
        pytest.skip("the case is not beside this checkout")
    return folder


def test_a_clean_scene_keeps_everything() -> None:
    scene = Scene.from_array(cube(), NM)
    assert scene.shape == (ROWS, COLS, BANDS) and scene.valid.all() and not scene.bad_bands and not scene.notes
    assert scene.read().dtype == np.float32 and scene.wavelengths.dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -9999, -32768, 3.4e38])
def test_one_missing_value_makes_its_pixel_invalid(value: float) -> None:
    values = cube()
    values[2, 3, 4] = value
    scene = Scene.from_array(values, NM)
    assert not scene.valid[2, 3] and scene.valid.sum() == ROWS * COLS - 1
    assert np.isnan(scene.read()[2, 3]).all() and np.isfinite(scene.read()[scene.valid]).all()
    assert "1 of 30 pixels are invalid (no data, zero or not finite)" in scene.notes


def test_a_spectrum_of_zeros_is_invalid_but_a_single_zero_is_not() -> None:
    values = cube("uint16")
    values[0, 0] = 0
    values[1, 1, 3] = 0
    scene = Scene.from_array(values, NM)
    assert not scene.valid[0, 0] and scene.valid[1, 1]


@pytest.mark.parametrize(
    ("fill", "reason"), [(0, "all zero"), (7, "constant"), (np.nan, "no data"), (-32768, "no data"), (-9999, "no data")]
)
def test_a_band_without_content_is_dropped_with_its_reason(fill: float, reason: str) -> None:
    values = cube()
    values[:, :, 2] = fill
    scene = Scene.from_array(values, NM)
    assert scene.bad_bands == {2: reason}
    assert scene.valid.all() and scene.shape == (ROWS, COLS, BANDS - 1)
    assert any(reason in note for note in scene.notes)


@pytest.mark.parametrize("fill", [0, -9999])
def test_a_border_without_data_does_not_hide_a_constant_band(fill: int) -> None:
    values = cube("int16")
    values[:, :, 2] = 7
    values[:2] = 0
    values[:, 0] = fill
    scene = Scene.from_array(values, NM)
    assert scene.bad_bands == {2: "constant"}
    np.testing.assert_array_equal(scene.valid, (values[:, :, 0] > 0))


def test_nodata_zero_leaves_an_honest_zero_in_its_band() -> None:
    values = cube("int16")
    values[0, 0] = 0
    values[1, 1, 3] = 0
    source = Source(
        path=None,
        format="test",
        shape=values.shape,
        dtype=values.dtype,
        read_block=lambda rows, cols, bands: values[rows, cols][..., bands],
        nodata=0.0,
    )
    valid = judge(source, [slice(0, ROWS)], has_wavelength=np.ones(BANDS, dtype=bool)).valid
    assert not valid[0, 0] and valid[1, 1] and valid.sum() == ROWS * COLS - 1


def test_a_band_that_most_pixels_lack_is_bad_and_one_that_few_lack_is_good() -> None:
    values = cube()
    values[:4, :, 1] = np.nan
    values[0, 0, 2] = np.nan
    scene = Scene.from_array(values, NM)
    assert scene.bad_bands == {1: "no data at 67% of the pixels"}
    assert scene.valid.sum() == ROWS * COLS - 1


def test_a_pixel_whose_only_values_were_in_dropped_bands_is_invalid() -> None:
    values = cube()
    values[:, :, 2] = 7
    values[3, 3] = 0
    values[3, 3, 2] = 7
    assert not Scene.from_array(values, NM).valid[3, 3]


def test_a_single_pixel_keeps_its_bands() -> None:
    values = cube()[:1, :1].copy()
    values[0, 0, 3] = 0
    scene = Scene.from_array(values, NM)
    assert scene.shape == (1, 1, BANDS - 1) and scene.bad_bands == {3: "all zero"}


def test_pixels_can_be_excluded_by_hand() -> None:
    allowed = np.ones((ROWS, COLS), dtype=bool)
    allowed[1] = False
    np.testing.assert_array_equal(Scene.from_array(cube(), NM, valid=allowed).valid, allowed)


@pytest.mark.parametrize("value", [0, np.nan, -9999])
def test_no_valid_pixel_is_an_error(value: float) -> None:
    with pytest.raises(SceneError, match="no valid pixel"):
        Scene.from_array(np.full((3, 3, BANDS), value), NM)


def test_no_good_band_is_an_error() -> None:
    source = Source(
        path=None,
        format="test",
        shape=(ROWS, COLS, BANDS),
        dtype=np.dtype("f4"),
        read_block=lambda r, c, b: cube()[r, c][..., b],
    )
    with pytest.raises(SceneError, match="every band is marked bad"):
        judge(source, [slice(0, ROWS)], has_wavelength=np.zeros(BANDS, dtype=bool))


@pytest.mark.parametrize(
    ("values", "wavelengths", "message"),
    [
        (np.ones((4, 5)), NM, "no cube"),
        (np.ones((4, 5, 8), dtype=complex), NM, "no cube"),
        (np.ones((0, 5, 8)), NM, "no cube"),
        (cube(), NM[:3], "3 wavelengths were given for 8 bands"),
        (cube(), np.arange(8), "not plausible"),
    ],
)
def test_arrays_that_make_no_scene_are_named(values: np.ndarray, wavelengths: np.ndarray, message: str) -> None:
    with pytest.raises(SceneError, match=message):
        Scene.from_array(values, wavelengths)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_window_equals_that_part_of_the_whole(data: st.DataObject) -> None:
    values = cube()
    values[1, 1] = np.nan
    scene = Scene.from_array(values, NM)
    bound = st.one_of(st.none(), st.integers(-7, 7))
    rows, cols = (slice(data.draw(bound), data.draw(bound)) for _ in range(2))
    np.testing.assert_array_equal(scene.read(rows, cols), scene.read()[rows, cols])


def test_reading_leaves_the_array_as_it_was() -> None:
    values = cube()
    values[1, 1, 1] = np.nan
    before = values.copy()
    scene = Scene.from_array(values, NM)
    scene.read()[:] = -1
    np.testing.assert_array_equal(values, before)


def test_windows_cover_every_row_once() -> None:
    scene = Scene.from_array(cube(), NM)
    rows = [row for part in scene.windows(max_bytes=2 * COLS * BANDS * 4) for row in range(part.start, part.stop)]
    assert rows == list(range(ROWS))
    assert len(list(scene.windows(max_bytes=1))) == ROWS


def test_windows_keep_to_what_is_stored_together_unless_that_is_far_too_much() -> None:
    def steps(row_step: int) -> list[int]:
        source = Source(
            path=None,
            format="test",
            shape=(100, 10, 10),
            dtype=np.dtype("u1"),
            read_block=lambda r, c, b: np.ones(1),
            row_step=row_step,
        )
        return [part.stop - part.start for part in row_blocks(source, 1000)]

    assert steps(4) == [8] * 12 + [4]
    assert steps(50) == [50, 50]
    assert steps(100) == [10] * 10


def test_a_large_scene_is_judged_in_small_blocks() -> None:
    largest = 0

    def reader(rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        nonlocal largest
        row = np.arange(rows.start, rows.stop)[:, None, None]
        block = (row + np.arange(cols.start, cols.stop)[:, None] + bands) % 251
        largest = max(largest, block.size * 2)
        return block.astype("i2")

    shape = (600, 500, 100)
    source = Source(path=None, format="test", shape=shape, dtype=np.dtype("i2"), read_block=reader)
    assert Scene(source, np.linspace(400, 2400, 100)).shape == shape
    assert largest <= 1 << 24 < 2 * np.prod(shape)


def test_the_content_hash_of_an_array_is_that_of_its_values() -> None:
    first = Scene.from_array(cube(), NM).content_hash()
    assert first == Scene.from_array(cube(), NM).content_hash()
    assert first != Scene.from_array(cube() + 1, NM).content_hash()


def gappy(rows: int = 10, cols: int = 10, bands: int = 40) -> np.ndarray:
    return np.random.default_rng(2).integers(1, 100, (rows, cols, bands)).astype("float32")


def source_of(values: np.ndarray, nodata: float | None = None) -> Source:
    nm = np.linspace(400, 1000, values.shape[2])
    return replace(
        Scene.from_array(gappy(2, 2, values.shape[2]), nm)._source,
        shape=values.shape,
        nodata=nodata,
        dtype=values.dtype,
        read_block=ArrayBlockReader(values, (0, 1, 2)),
        wavelengths=nm,
    )


def judged(values: np.ndarray, nodata: float | None = None) -> Scene:
    source = source_of(values, nodata)
    assert source.wavelengths is not None
    return Scene(source, source.wavelengths)


def test_one_band_with_gaps_goes_and_its_pixels_stay() -> None:
    values = gappy()
    values[:4, :, 7] = -9999
    scene = judged(values)
    assert scene.bad_bands == {7: "gaps at 40% of the pixels"} and scene.valid.all()
    assert "1 of 40 bands dropped: gaps at many pixels" in scene.notes


def test_a_band_with_a_few_gaps_stays() -> None:
    values = gappy()
    values[0, :5, 7] = -9999
    scene = judged(values)
    assert not scene.bad_bands and scene.valid.sum() == 95


def test_gaps_in_a_whole_detector_cost_pixels_and_not_its_bands() -> None:
    values = gappy()
    values[:4, :, 20:] = -9999
    scene = judged(values)
    assert not scene.bad_bands and scene.valid.sum() == 60


def test_the_band_with_gaps_of_the_case_goes(shared: Path) -> None:
    scene = open_scene(case(shared, "one-band-with-gaps") / "scene.hdr")
    assert scene.shape[2] == 59 and scene.valid.sum() == 900


@pytest.mark.parametrize("value", [-0.005, 65535, 3.25])
def test_a_spectrum_that_is_one_constant_is_no_data(value: float) -> None:
    values = gappy()
    values[3:5] = value
    values[0, 0] = np.r_[np.full(39, 5), 6]
    scene = judged(values)
    assert not scene.valid[3:5].any() and scene.valid.sum() == 80


def test_few_bands_may_be_equal_by_chance() -> None:
    values = gappy(bands=4)
    values[3] = 7
    assert judged(values).valid.all()


def test_fills_times_a_factor_of_each_band_are_no_data() -> None:
    values = gappy() / 100
    values[:4] = np.float32(-0.9999) * np.linspace(0.9, 1.9, 40, dtype=np.float32)
    values[5, 5] = -0.01
    values[5, 5, 3] = 0.01
    scene = judged(values, -0.9999)
    assert not scene.valid[:4].any() and scene.valid.sum() == 60
    assert not judged(values).valid[:4].any(), "no spectrum is below zero throughout, and alike at many places"


@pytest.mark.parametrize("fill", [-0.9999, -9999.0, -50.0])
def test_fills_times_factors_are_no_data_though_none_is_declared(fill: float) -> None:
    values = np.random.default_rng(0).uniform(0.05, 0.6, (9, 5, 12)).astype("f4")
    values[:4] = fill * np.linspace(0.9, 1.1, 12)
    scene = Scene.from_array(values, np.linspace(450, 950, 12))
    assert not scene.valid[:4].any() and scene.valid[4:].all()
    values[:4] = 0.3
    values[2, 1] = fill * np.linspace(0.9, 1.1, 12)  # one alone has to be far below
    assert Scene.from_array(values, np.linspace(450, 950, 12)).valid[2, 1] == (fill > -1)


def test_what_is_a_little_below_zero_or_centred_is_data() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0.05, 0.6, (9, 5, 12)).astype("f4")
    values[:4] = -np.abs(rng.normal(0.002, 0.001, (4, 5, 12)))  # deep shadow, corrected too much
    assert Scene.from_array(values, np.linspace(450, 950, 12)).valid.all()
    bright = rng.uniform(0.2, 1, (9, 5, 1)) * rng.uniform(0.9, 1.1, (9, 5, 12))
    assert Scene.from_array(bright - bright.mean(axis=(0, 1)), np.linspace(450, 950, 12)).valid.all()


def test_numbers_below_zero_are_data_where_an_offset_makes_reflectance_of_them(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0.01, 0.6, (9, 5, 12))
    values[:4] = 0.02
    values[:4] += 0.001 * np.arange(12)
    stored = np.round((values - 0.1) / 1e-4).astype("i2")
    listed = ", ".join(f"{one:.1f}" for one in np.linspace(450, 950, 12))
    (tmp_path / "x.hdr").write_text(
        "ENVI\nsamples = 5\nlines = 9\nbands = 12\ndata type = 2\ninterleave = bip\nbyte order = 0\n"
        f"wavelength = {{{listed}}}\ndata gain values = {{{', '.join(['1e-4'] * 12)}}}\n"
        f"data offset values = {{{', '.join(['0.1'] * 12)}}}\n"
    )
    (tmp_path / "x.img").write_bytes(stored.tobytes())
    scene = open_scene(tmp_path / "x.hdr")
    assert scene.valid.all()
    np.testing.assert_allclose(scene.read(), values, atol=1e-4)


def test_the_fills_of_the_case_are_no_data(shared: Path) -> None:
    scene = open_scene(case(shared, "fill-times-factor") / "scene.hdr")
    assert scene.valid.sum() == 540 and not scene.valid[:12].any()


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("ang20140912t192359_corr_v1c_img_2580-2590_540-550", 1.0),
        ("ang20150420t182808_corr_v1e_img_4200-4210_70-80", 1.0),
        ("ang20150422t163638_corr_v1e_img_4000-4010_550-560", 0.4),
    ],
)
def test_pixels_of_aviris_beside_the_swath_are_no_data(shared: Path, name: str, share: float) -> None:
    folder = shared / "products" / "aviris"
    if not folder.is_dir():
        pytest.skip("the AVIRIS scenes are not beside this checkout")
    scene = open_scene(folder / f"{name}.hdr")
    assert scene.valid.mean() == pytest.approx(share, abs=0.05)


def test_a_scene_wholly_beside_the_swath_has_no_valid_pixel(shared: Path) -> None:
    path = shared / "products" / "aviris" / "ang20140912t192359_corr_v1c_img_400-410_10-20.hdr"
    if not path.is_file():
        pytest.skip("the AVIRIS scenes are not beside this checkout")
    with pytest.raises(SceneError, match="no valid pixel"):
        open_scene(path)
