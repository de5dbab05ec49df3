"""What a careful person would want to know: each matter is said where it is so, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from special.report.warning_list import MISFIT, MapFigures, MapWarning, warnings_of

FINE = MapFigures(
    pixels=100,
    valid=100,
    masked=0,
    bands=90,
    dropped=10,
    mapped=[("Water", 40), ("Grass", 60)],
    misfit=0.01,
    confidence=0.8,
    unsure=0.1,
    saturated=0.3,
    teachers_confidence=0.7,
    agreement=0.9,
)


def kinds(**changes) -> list[str]:
    return [warning.kind for warning in warnings_of(replace(FINE, **changes))]


def texts(**changes) -> list[str]:
    return [warning.text for warning in warnings_of(replace(FINE, **changes))]


def test_a_map_that_has_nothing_to_be_said_of_has_no_warning() -> None:
    assert warnings_of(FINE) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"misfit": MISFIT + 0.01}, "calibration"),
        ({"agreement": 0.4}, "confidence"),
        ({"saturated": 0.96}, "confidence"),
        ({"unsure": 0.51}, "confidence"),
        ({"not_understood": ["Gavotte"]}, "names"),
        ({"alike": [("Water", "Grass", False)]}, "alike"),
        ({"kinds_of_one": [("roof", ["Roof 1", "Roof 2"])]}, "alike"),
        ({"mapped": [("Water", 100), ("Grass", 0)]}, "empty"),
        ({"mapped": [("Water", 91), ("Grass", 9)]}, "nearly_all"),
        ({"dropped": 31}, "bands"),
        ({"valid": 66}, "pixels"),
        ({"doubtful_answers": 2}, "answers"),
        ({"absent_teachers": [("image-text", "no network")]}, "teachers"),
        ({"assumptions": ["rows and columns were guessed"]}, "assumption"),
    ],
)
def test_each_matter_has_its_warning(changes: dict, kind: str) -> None:
    assert kind in kinds(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"misfit": MISFIT},
        {"misfit": None},
        {"agreement": 0.46},
        {"agreement": None, "teachers_confidence": None},
        {"saturated": 0.95},
        {"unsure": 0.5},
        {"mapped": [("Water", 90), ("Grass", 10)]},
        {"mapped": [("Water", 100)]},
        {"dropped": 30},
        {"valid": 67},
    ],
)
def test_up_to_its_limit_nothing_is_said(changes: dict) -> None:
    assert kinds(**changes) == []


def test_a_map_without_a_pixel_is_not_said_to_be_of_one_class() -> None:
    assert kinds(mapped=[("Water", 0), ("Grass", 0)]) == ["empty"]


def test_an_empty_rest_class_is_as_it_should_be() -> None:
    assert kinds(mapped=[("Water", 40), ("Grass", 60), ("Other", 0)], rest=["Other"]) == []


def test_the_gravest_comes_first_and_assumptions_last() -> None:
    found = kinds(assumptions=["a"], alike=[("Water", "Grass", False)], misfit=0.5, not_understood=["X"], dropped=80)
    assert found == ["calibration", "names", "alike", "bands", "assumption"]


def test_a_warning_names_the_classes_it_is_about() -> None:
    (warning,) = warnings_of(replace(FINE, alike=[("Water", "Grass", True)]))
    assert warning.classes == ("Water", "Grass") and "(but by their outlines)" in warning.text


def test_of_many_pairs_the_first_are_told_and_the_others_counted() -> None:
    pairs = [(f"Class {number}", "Grass", False) for number in range(8)]
    (warning,) = warnings_of(replace(FINE, alike=pairs))
    assert "'Class 4' and 'Grass'; 3 more pairs." in warning.text and "'Class 5'" not in warning.text
    assert warning.classes == ("Class 0", "Grass", *(f"Class {number}" for number in range(1, 8)))


def test_figures_are_those_that_were_found() -> None:
    assert "31 of 90 bands" in texts(dropped=31)[0]
    assert (
        "40 of 100 pixels" in texts(valid=60, masked=12)[0] and "12 of them by masks" in texts(valid=60, masked=12)[0]
    )
    assert "agree in 40% of the pixels alone, where both being right so often takes 50%" in texts(agreement=0.4)[0]


def test_a_warning_survives_json() -> None:
    warning = MapWarning("alike", "Water is <b>Grass</b>", ("Water", "Grass"))
    assert MapWarning.from_json(warning.to_json()) == warning
