"""Seconds from a run to its questions, from answers to corrected pseudo-labels, and to the map, on made scenes."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import label

from special.simulate import simulate, write_scene

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


def mapped(
    folder: Path, rows: int, cols: int, bands: int, classes: int, options: Sequence[str] = ()
) -> tuple[float, float]:
    """Return seconds of the processor and of the clock of ``special label --labels``, of 3 K answers to an earlier run.

    Args:
        folder: where the scene, the run and the answers go, some 2 GB for a scene as large as Pavia Centre.
        options: more of ``special label``.
    """
    import special

    simulated = simulate(rows, cols, bands, classes)
    files, run = write_scene(folder / "scene", simulated), folder / "scene.special"
    label(files.scene, files.classes, run, options)
    asked = special.open_run(run).ask(3 * len(simulated.names))
    answers = folder / "answers.csv"
    with answers.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["row", "col", "class"])
        lines.writerows((one.row, one.col, simulated.names[simulated.truth[one.row, one.col] - 1]) for one in asked)
    clock, _, _, processor = label(files.scene, files.classes, run, [*options, f"--labels={answers}"], resume=True)
    return processor, clock


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
