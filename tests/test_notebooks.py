"""The notebooks of ``examples`` do what they say, from the first cell to the last."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


def cells(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def run(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run every cell in an empty folder, and return the names that they leave."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells(path), start=1):
        exec(compile("".join(cell["source"]), f"{path.name}, code cell {number}", "exec"), names)
    return names


def test_answers_make_the_map_of_the_notebook_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(path for path in NOTEBOOKS if path.name == "answers.ipynb")
    names = run(path, tmp_path, monkeypatch)
    assert names["first"] < 0.7
    assert names["second"] > names["first"] + 0.25
    overall = names["found"].estimates.overall
    assert abs(overall.value - names["second"]) < 2 * overall.margin


def test_areas_from_a_sample_hold_the_truth_where_counts_of_the_map_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(path for path in NOTEBOOKS if path.name == "areas.ipynb")
    names = run(path, tmp_path, monkeypatch)
    estimates, pixels = names["found"].estimates, names["found"].pixels
    counted = [area.pixels / pixels for area in names["run"].areas()]
    true = [float((names["truth"] == k).mean()) for k in range(1, 1 + len(counted))]
    assert max(abs(one - other) for one, other in zip(counted, true, strict=True)) > 0.1
    assert names["inside"] >= len(true) - 1
    few = 0.005  # of the area: where all points of a class have one answer, its margin is 0
    for area, share in zip(estimates.areas, true, strict=True):
        assert abs(area.value - share) < 2 * area.margin + few


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_as_it_was_run(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert [cell["execution_count"] for cell in cells(path)] == list(range(1, 1 + len(cells(path))))
    kinds = {kind for cell in cells(path) for output in cell["outputs"] for kind in output.get("data", {})}
    assert "image/png" in kinds
    assert not [output for cell in cells(path) for output in cell["outputs"] if output["output_type"] == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_names_no_place_of_the_machine_it_was_run_on(path: Path) -> None:
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert str(Path.home()) not in text
    assert not re.search(rf"{re.escape(os.sep)}(tmp|home|root|Users|var|work){re.escape(os.sep)}", text)
