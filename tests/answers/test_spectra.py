"""Spectra as lines of a figure."""

from __future__ import annotations

import re

import numpy as np
import pytest

from special.answers.sheet.spectra import Reference, Spectrum, figure


def flat(nm: np.ndarray, level: float, spread: float = 0.0) -> Spectrum:
    middle = np.full(len(nm), level)
    return Spectrum(nm, middle, middle - spread, middle + spread)


def points(path: str) -> np.ndarray:
    return np.array([[float(number) for number in point.split()] for point in re.split("[ML]", path.strip("Z"))[1:]])


NM = np.linspace(500, 900, 5)


def test_the_spectrum_of_an_area_is_its_mean_and_most_of_its_pixels() -> None:
    spectra = np.linspace(0, 1, 11)[:, None] * np.ones(5)
    found = Spectrum.of_pixels(NM, spectra)
    assert (found.middle[0], found.low[0], found.high[0]) == pytest.approx((0.5, 0.1, 0.9))


def test_lines_run_from_side_to_side_and_brighter_is_higher() -> None:
    drawn = figure(flat(NM, 0.2), [Reference("Soil", "expected", flat(NM, 0.4))])
    area, soil = points(drawn.area.line), points(drawn.references[0].line)
    assert (area[0, 0], area[-1, 0]) == (0, drawn.wide)
    assert (soil[:, 1] < area[:, 1]).all()
    assert area[0, 1] == pytest.approx(drawn.high * (1 - 0.2 / (0.4 * 1.06)), abs=0.1)


def test_a_spread_that_goes_beyond_the_lines_is_cut_at_the_edge() -> None:
    drawn = figure(flat(NM, 0.2), [Reference("Soil", "expected", flat(NM, 0.4, spread=5.0))])
    band = points(drawn.references[0].band)
    assert band[:, 1].min() == 0
    assert band[:, 1].max() == drawn.high


def test_bands_far_apart_are_not_joined() -> None:
    nm = np.array([1300.0, 1310, 1320, 1330, 1500, 1510, 1520])
    assert figure(flat(nm, 0.3), []).area.line.count("M") == 2


def test_ticks_are_round_and_where_they_say() -> None:
    drawn = figure(flat(NM, 0.5), [])
    assert [tick.text for tick in drawn.across] == ["500", "600", "700", "800", "900"]
    assert [tick.share for tick in drawn.across] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert [tick.text for tick in drawn.up] == ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]


@pytest.mark.parametrize("level", [0.0, -3.0, 12000.0, 1e-9])
def test_any_numbers_can_be_drawn(level: float) -> None:
    drawn = figure(flat(NM, level), [])
    assert np.isfinite(points(drawn.area.line)).all()
    assert 2 <= len(drawn.up) <= 9


def test_a_scene_of_one_band_can_be_drawn() -> None:
    drawn = figure(flat(np.array([650.0]), 0.2), [])
    assert len(points(drawn.area.line)) == 1
