"""benchmarks/answers.py: the user who knows the truth, and figures that mean what they say."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fields import NAMES, fields

from special.answers.questions import Question

FOLDER = Path(__file__).parents[2] / "benchmarks"
SHORT = (0, 1, 2)


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The benchmark's modules, as they are found when it is run as a script."""
    parts = ["answers", "scenes", *(f"answers_of.{one}" for one in ("cases", "asking", "choice", "peers", "speed"))]
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(FOLDER))
        found = {name.rpartition(".")[2]: importlib.import_module(name) for name in parts}
        yield SimpleNamespace(**found)
        for name in [*parts, "answers_of", "proof", "proof.runs"]:
            patched.delitem(sys.modules, name)


@pytest.fixture
def case(bench: SimpleNamespace) -> SimpleNamespace:
    given = fields()
    return bench.cases.Case("fields", given.scene, NAMES, given.truth, given.names, given.settings)


def question(*pixels: tuple[int, int]) -> Question:
    return Question(1, *pixels[0], np.array(pixels, dtype=np.int32), "Wheat", 0.5, (), 0)


def test_the_user_names_the_nearest_pixel_that_is_known(bench: SimpleNamespace) -> None:
    truth = np.array([[0, 0, 3], [0, 0, 0], [2, 0, 0]])
    user = bench.cases.User(truth, 3, np.random.default_rng(0))
    assert user.answer(question((1, 1), (0, 2), (2, 0), (1, 2))) in ((0, 2, 3), (2, 0, 2))
    assert user.answer(question((0, 2), (1, 2))) == (0, 2, 3)
    assert user.answer(question((1, 1), (1, 2))) == (1, 1, 0)


def test_one_answer_in_ten_is_wrong_and_no_other(bench: SimpleNamespace) -> None:
    user = bench.cases.User(np.full((1, 1), 2), 3, np.random.default_rng(0), wrong=4)
    said = [user.answer(question((0, 0)))[2] for _ in range(30)]
    assert [number for number, one in enumerate(said) if one != 2] == [4, 14, 24]


def test_draws_are_wrong_at_different_answers(bench: SimpleNamespace, case: SimpleNamespace) -> None:
    told = set()
    for draw in range(3):
        way = bench.asking.Way(wrong=True, draw=draw)
        *_, (answers, _) = bench.asking.answered(case, way, case.names, case.settings, 3)
        named = answers.table[answers.classes > 0]
        wrong = case.truth[named[:, 0], named[:, 1]] != named[:, 2]
        assert 1 <= wrong.sum() <= 2
        told.add(tuple(map(tuple, named[wrong, :3].tolist())))
    assert len(told) > 1


def test_scores_are_accuracy_recall_and_calibration(bench: SimpleNamespace) -> None:
    probabilities = np.array([[[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]])
    oa, aa, ece = bench.cases.scores(probabilities, np.array([[1, 1, 2, 2]]))
    assert (oa, aa) == (0.75, 0.75)
    assert ece == pytest.approx(0.75 * abs(0.9 - 2 / 3) + 0.25 * 0.2)
    assert bench.cases.scores(probabilities, np.array([[1, 0, 0, 2]]))[0] == 1.0


def test_every_method_is_measured_at_every_budget_and_kept(
    bench: SimpleNamespace, case: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = bench.answers.Answers(tmp_path, 1, SHORT)
    found = benchmark.rows(case, bench.answers.METHODS)
    assert list(found) == ["answers", "no names", "10 % wrong", "SVM", "SVM, even", "BT"]
    assert len(found["10 % wrong"]) == bench.answers.DRAWS
    for name, rows in found.items():
        for figures in rows:
            assert set(figures) - {0} == {1, 2}
            assert figures[2][0] >= 0.3, name
    (ours,) = found["answers"]
    assert ours[0][0] == 0.0 and ours[1][0] > 0.95
    monkeypatch.setattr(bench.answers, "asked", None)  # nothing is asked again
    assert bench.answers.Answers(tmp_path, 1, SHORT).rows(case, bench.answers.METHODS) == found
    assert list(benchmark.rows(case, ["BT"])) == ["BT"]


def test_where_questions_run_out_the_last_figures_stand(bench: SimpleNamespace) -> None:
    figures = bench.answers.mean([{0: (0.5, 0.5, 0.1), 1: (0.7, 0.6, 0.1)}])
    assert figures[10] == (0.7, 0.6, 0.1)


def test_the_cell_where_others_are_nearest_is_found(bench: SimpleNamespace) -> None:
    ours = {"a": {1: (0.7, 0, 0), 3: (0.9, 0, 0)}, "b": {1: (0.8, 0, 0), 3: (0.8, 0, 0)}}
    theirs = {"a": {1: (0.6, 0, 0), 3: (0.7, 0, 0)}, "b": {1: (0.5, 0, 0), 3: (0.85, 0, 0)}}
    ahead, scene, times = bench.answers.least_ahead({"answers": ours, "SVM": theirs}, "answers", "SVM")
    assert (round(ahead, 3), scene, times) == (-0.05, "b", 3)


def test_constants_are_chosen_on_other_families_alone(bench: SimpleNamespace) -> None:
    good = {"a": bench.choice.GRID[1], "b": bench.choice.GRID[1], "c": bench.choice.GRID[2]}
    asked: list[str] = []

    def figures(name: str, way: object) -> dict[int, tuple[float, float, float]]:
        asked.append(name)
        value = 0.9 if way.changes == good[name] else 0.5
        return {times: (value, value, 0.0) for times in (0, 1, 3)}

    found = bench.choice.chosen(["a", "b", "c"], [["a", "b"]], figures)
    assert found == {"a": good["c"], "b": good["c"], "c": good["a"]}


def test_mambahsi_is_given_as_many_labels_of_every_class(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import special

    given, seen = fields(), []

    def fit(scene: object, labels: np.ndarray, *rest: object, **options: object) -> SimpleNamespace:
        seen.append(np.bincount(labels.ravel())[1:].tolist())
        assert np.isin(labels[labels > 0], given.truth).all() and (labels == given.truth)[labels > 0].all()
        return SimpleNamespace(map=given.truth)

    monkeypatch.setattr(special, "fit", fit)
    source = SimpleNamespace(cube="x", classes="y", wavelengths=None)
    case = bench.cases.Case("fields", given.scene, NAMES, given.truth, given.names, given.settings, source)
    found = bench.peers.network(case, 0, (0, 1, 3))
    assert found == {1: (1.0, 1.0, 0.0), 3: (1.0, 1.0, 0.0)}
    assert seen == [[1, 1, 1, 1], [3, 3, 3, 3]]


def test_seconds_are_those_of_questions_and_of_what_answers_correct(bench: SimpleNamespace) -> None:
    found = bench.speed.measured(24, 30, 8, 3)
    assert list(found) == ["questions", "corrected pseudo-labels"]
    assert all(seconds > 0 for both in found.values() for seconds in both)


def test_curves_are_drawn_of_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(FOLDER))
    import curves

    by_budget = {str(times): [0.5 + 0.04 * times, 0.5, 0.1] for times in (0, 1, 2)}
    better = {times: [one[0] + 0.1, *one[1:]] for times, one in by_budget.items()}
    later = {"1": [0.6, 0.5, 0.0], "2": [0.7, 0.5, 0.0]}
    figures = {"answers": {"a": [by_budget, better], "b": [by_budget]}, "SVM": {"a": [later], "b": [later]}}
    assert curves.curve(figures["answers"], "a") == ([0, 1, 2], pytest.approx([0.55, 0.59, 0.63]))
    assert curves.curve(figures["answers"], None) == ([0, 1, 2], pytest.approx([0.525, 0.565, 0.605]))
    assert curves.curve(figures["SVM"], "a") == ([1, 2], [0.6, 0.7])
    (tmp_path / "x.json").write_text(json.dumps({"figures": {"methods": figures}}))
    curves.picture(curves.read(tmp_path / "x.json"), tmp_path / "x.svg", scenes=True)
    text = (tmp_path / "x.svg").read_text()
    assert "names and answers" in text and "mean of 2 scenes" in text and ">a<" in text
