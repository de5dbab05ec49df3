"""Figures of spectra that take the colours and the type of the page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from some_report import NM, spectrum

from special.report.class_spectra import SpectrumRange
from special.report.page.figures import spectrum_figures


@pytest.fixture(scope="module")
def figure() -> str:
    return spectrum_figures()(spectrum(0.2), spectrum(0.3))


def test_a_figure_is_whole_and_has_no_colour_of_its_own(figure: str) -> None:
    ElementTree.fromstring(figure)
    assert re.findall(r"#[0-9a-f]{6}\b", figure) == []
    assert {"var(--ink)", "var(--class)", "var(--rule)", "var(--quiet)"} <= set(re.findall(r"var\(--\w+\)", figure))


def test_its_text_is_text_in_the_type_of_the_page(figure: str) -> None:
    assert "wavelength, nm</text>" in figure
    assert set(re.findall(r"font-family: ([^;\"]*)", figure)) == {"inherit"}


def test_it_brings_no_style_and_no_script_into_the_page(figure: str) -> None:
    assert not re.search(r"<(style|script|metadata|image)\b|http(?!://www\.w3\.org/)", figure)


def test_figures_of_one_page_share_no_names() -> None:
    draw = spectrum_figures()
    one, other = (set(re.findall(r'\bid="([^"]+)"', draw(spectrum(0.2), None))) for _ in range(2))
    assert one and not one & other
    third = draw(spectrum(0.2), None)
    names = set(re.findall(r'\bid="([^"]+)"', third))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', third)) <= names


def test_the_same_spectra_are_the_same_figure() -> None:
    assert spectrum_figures()(spectrum(0.2), spectrum(0.3)) == spectrum_figures()(spectrum(0.2), spectrum(0.3))


def test_nothing_is_drawn_of_nothing() -> None:
    assert spectrum_figures()(None, None) == ""


def test_a_gap_between_bands_has_no_line(figure: str) -> None:
    line = next(path for path in re.findall(r'<path d="([^"]*)"[^>]*stroke: var\(--ink\)', figure) if "L" in path)
    assert line.count("M") == 2, "the bands from 1300 to 1500 nm are missing"
    assert np.diff(NM).max() == 200


def test_a_spectrum_of_one_band_can_be_drawn() -> None:
    nm = np.array([700.0])
    ElementTree.fromstring(spectrum_figures()(SpectrumRange(nm, nm / 1000, nm / 1100, nm / 900), None))
