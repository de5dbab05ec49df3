"""Seconds from a run to its questions, and from answers to corrected pseudo-labels, on a scene that is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZES = ((100, 100, 200, 10), (1096, 715, 102, 9))
"""Rows, columns, bands, classes: the second as large as Pavia Centre."""


def measured(rows: int, cols: int, bands: int, classes: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return seconds of the processor and of the clock: of K questions, and of what 3 K answers correct."""
    from special.answers.answers import Answers
    from special.answers.correction import Before, correct
    from special.answers.groups import group
    from special.answers.questions import choose
    from special.answers.settings import AnswersSettings
    from special.settings import load

    settings = load("special").build(AnswersSettings)
    scene, truth, names = made(rows, cols, bands, classes, seed)
    listed = [f"class {k}" for k in range(1, classes + 1)]

    def ask(count: int) -> Any:
        groups = group(scene, classes, settings, seed=seed)
        belief = Before.of(groups, names, settings).given(Answers.none())
        return choose(groups, belief, names, listed, count, Answers.none())

    questions = ask(3 * classes)
    places = np.array([(one.row, one.col) for one in questions]).T
    answers = Answers.of(places[0], places[1], truth[places[0], places[1]], np.arange(len(questions)))

    def mend() -> Any:
        return correct(scene.valid, group(scene, classes, settings, seed=seed), names, answers, listed, settings)

    return {"questions": timed(lambda: ask(classes)), "corrected pseudo-labels": timed(mend)}


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of the processor and of the clock that a call takes."""
    processor, clock = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - processor, time.perf_counter() - clock


def made(rows: int, cols: int, bands: int, classes: int, seed: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return a scene of patches, its truth int (rows, cols), and a map of it that is half right, (rows, cols, K)."""
    from scipy import ndimage

    from special.scene import Scene

    generator = np.random.default_rng(seed)
    coarse = generator.integers(1, classes + 1, (rows // 12 + 1, cols // 12 + 1))
    truth = np.repeat(np.repeat(coarse, 12, axis=0), 12, axis=1)[:rows, :cols]
    nm = np.linspace(430, 860, bands)
    spectra = np.abs(ndimage.gaussian_filter1d(generator.normal(0.3, 0.6, (classes, bands)), bands / 12, axis=1))
    cube = spectra.astype(np.float32)[truth - 1]
    cube *= generator.normal(1, 0.05, (rows, cols, 1)).astype(np.float32)
    cube += generator.normal(0, 0.01, cube.shape).astype(np.float32)
    names = generator.dirichlet(np.ones(classes), (rows, cols)).astype(np.float32)
    half = generator.random((rows, cols)) < 0.5
    names[half] = 0.3 * names[half] + 0.7 * np.eye(classes, dtype=np.float32)[truth[half] - 1]
    return Scene.from_array(cube, nm), truth, names
