"""Spectra at wavelengths of their own, and the files that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from special.errors import SettingsError
from special.landcover.curves import Curve, read_spectra, slit_matrix

NM = np.arange(400.0, 1001.0, 50.0)
GOOD = "# measured by hand\nnm,rust,moss\n" + "\n".join(f"{nm:g},{nm / 50:g},{10 + nm / 100:g}" for nm in NM) + "\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "spectra.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_spectra_reads_back_by_the_names_of_its_columns(tmp_path: Path) -> None:
    curves, data = read_spectra(write(tmp_path, GOOD))
    assert list(curves) == ["rust", "moss"] and data == GOOD.encode()
    np.testing.assert_allclose(curves["moss"].on(np.array([400.0, 1000.0])), [0.14, 0.20])


def test_a_curve_is_flat_beyond_its_ends() -> None:
    curve = Curve(NM, np.linspace(10, 40, len(NM)))
    np.testing.assert_allclose(curve.on(np.array([350.0, 2400.0])), [0.10, 0.40])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("nm,rust,moss", "nm,rust"), "names 2 columns"),
        (("nm,rust,moss", "nm,rust,rust"), "each once"),
        (("400,8,14", "400,8"), "comma-separated"),
        (("400,8,14", "400,eight,14"), "comma-separated"),
        (("400,8,14", "400,-8,14"), "between 0 and 150"),
        (("400,8,14", "400,nan,14"), "between 0 and 150"),
        (("450,9,", "390,9,"), "rising"),
    ],
)
def test_a_file_of_spectra_of_another_form_is_refused_with_its_reason(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read_spectra(write(tmp_path, GOOD.replace(*change)))
    assert "\n" not in str(error.value) and "spectra.csv" in str(error.value)


def test_an_empty_or_missing_file_of_spectra_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"spectra\.csv is not a table"):
        read_spectra(write(tmp_path, "# nothing\n"))
    with pytest.raises(SettingsError, match=r"no file of spectra at .*absent\.csv"):
        read_spectra(tmp_path / "absent.csv")


def test_wide_bands_wash_out_what_narrow_ones_show() -> None:
    grid = np.arange(2000.0, 2401.0, 5.0)
    dip = 1 - 0.5 * np.exp(-0.5 * ((grid - 2200) / 10) ** 2)
    depths = [1 - (slit_matrix(grid, np.arange(2000.0, 2401.0, step)) @ dip).min() for step in (5.0, 20.0, 80.0)]
    assert depths[0] > 0.45 and depths[0] > depths[1] > 0.3 and depths[2] < 0.2


def test_a_gap_between_bands_does_not_make_them_wide() -> None:
    grid = np.arange(1300.0, 2401.0, 5.0)
    dip = 1 - 0.5 * np.exp(-0.5 * ((grid - 2000) / 15) ** 2)
    centres = np.concatenate([np.arange(1300.0, 1331.0, 10.0), np.arange(2000.0, 2401.0, 10.0)])
    assert 1 - (slit_matrix(grid, centres) @ dip)[grid == 2000] > 0.4
