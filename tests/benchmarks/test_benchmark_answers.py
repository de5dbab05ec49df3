"""benchmarks/answers.py: the user who knows the truth, and figures that mean what they say."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from fields import NAMES, fields

from special.answers.questions import Question

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    sys.path.insert(0, str(FOLDER))
    try:
        import answers
    finally:
        sys.path.remove(str(FOLDER))
    return answers


def question(*pixels: tuple[int, int]) -> Question:
    return Question(1, *pixels[0], np.array(pixels, dtype=np.int32), "Wheat", 0.5, (), 0)


def test_the_user_names_the_nearest_pixel_that_is_known(benchmark: ModuleType) -> None:
    truth = np.array([[0, 0, 3], [0, 0, 0], [2, 0, 0]])
    user = benchmark.User(truth, 3, np.random.default_rng(0))
    assert user.answer(question((1, 1), (0, 2), (2, 0), (1, 2))) in ((0, 2, 3), (2, 0, 2))
    assert user.answer(question((0, 2), (1, 2))) == (0, 2, 3)
    assert user.answer(question((1, 1), (1, 2))) == (1, 1, 0)


def test_a_user_who_is_always_wrong_never_tells_the_truth(benchmark: ModuleType) -> None:
    user = benchmark.User(np.full((1, 1), 2), 3, np.random.default_rng(0), wrong=1.0)
    assert {user.answer(question((0, 0)))[2] for _ in range(20)} == {1, 3}


def test_scores_are_accuracy_recall_and_calibration(benchmark: ModuleType) -> None:
    probabilities = np.array([[[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]])
    oa, aa, ece = benchmark.scores(probabilities, np.array([[1, 1, 2, 2]]))
    assert (oa, aa) == (0.75, 0.75)
    assert ece == pytest.approx(0.75 * abs(0.9 - 2 / 3) + 0.25 * 0.2)
    assert benchmark.scores(probabilities, np.array([[1, 0, 0, 2]]))[0] == 1.0


def test_every_method_is_measured_at_every_budget(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "BUDGETS", (0, 1, 2))
    given = fields()
    case = benchmark.Case("fields", given.scene, NAMES, given.truth, given.names, given.settings)
    found, unknown = benchmark.measure(case, 1)
    assert list(found) == ["answers", "no names", "10 % wrong", "SVM", "SVM, even", "BT"]
    assert unknown == 0
    for name, (figures,) in found.items():
        assert set(figures) - {0} == {1, 2}
        assert figures[2][0] >= 0.3, name
    (ours,) = found["answers"]
    assert ours[0][0] == 0.0 and ours[1][0] > 0.95


def test_where_questions_run_out_the_last_figures_stand(benchmark: ModuleType) -> None:
    figures = benchmark.mean([{0: (0.5, 0.5, 0.1), 1: (0.7, 0.6, 0.1)}])
    assert figures[10] == (0.7, 0.6, 0.1)


def test_mambahsi_is_given_as_many_labels_of_every_class(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import special

    given, seen = fields(), []

    def fit(scene: object, labels: np.ndarray, *rest: object, **options: object) -> SimpleNamespace:
        seen.append(np.bincount(labels.ravel())[1:].tolist())
        assert np.isin(labels[labels > 0], given.truth).all() and (labels == given.truth)[labels > 0].all()
        return SimpleNamespace(map=given.truth)

    monkeypatch.setattr(benchmark, "BUDGETS", (0, 1, 3))
    monkeypatch.setattr(special, "fit", fit)
    source = SimpleNamespace(cube="x", classes="y", wavelengths=None)
    case = benchmark.Case("fields", given.scene, NAMES, given.truth, given.names, given.settings, source)
    assert benchmark.network(case, 0) == {1: (1.0, 1.0, 0.0), 3: (1.0, 1.0, 0.0)}
    assert seen == [[1, 1, 1, 1], [3, 3, 3, 3]]


def test_curves_are_drawn_of_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(FOLDER))
    import curves

    by_budget = {str(times): [0.5 + 0.04 * times, 0.5, 0.1] for times in (0, 1, 2)}
    later = {"0": [0.0, 0.0, 0.0], "1": [0.6, 0.5, 0.0], "2": [0.7, 0.5, 0.0]}
    table = {"answers": {"a": by_budget, "b": by_budget}, "SVM": {"a": later, "b": later}}
    assert curves.curve(table["answers"], None) == ([0, 1, 2], pytest.approx([0.5, 0.54, 0.58]))
    assert curves.curve(table["SVM"], "a") == ([1, 2], [0.6, 0.7])
    curves.picture(table, tmp_path / "x.svg", scenes=True)
    text = (tmp_path / "x.svg").read_text()
    assert "names and answers" in text and "mean of 2 scenes" in text and ">a<" in text
