"""The main job on a small simulated scene, which shows that an installation works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from special.api.evaluate import Evaluation, evaluate
from special.api.findings import EVALUATION, keep_finding
from special.api.label import label, rerun
from special.api.run import Run
from special.cache.directory import RunDirectory
from special.progress import SILENT, Progress
from special.simulate import simulate, write_scene
from special.simulate.files import SceneFiles


@dataclass(frozen=True)
class Demonstration:
    """The files of the simulated scene, its run, and how well the map agrees with the truth."""

    files: SceneFiles
    run: Run
    evaluation: Evaluation


def demo(
    out: str | Path = "special-demo",
    *,
    rows: int = 80,
    cols: int = 100,
    bands: int = 120,
    classes: int = 6,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Demonstration:
    """Simulate a small scene, label it, and compare the map with the truth. No CLIP is asked for, nor the network.

    Args:
        out: folder to make.
        rows, cols: of the scene, in pixels. bands: 400 to 2450 nm. classes: kinds of land cover, 2 to 11.
        seed: another seed, another scene.
        device: ``auto``, ``cpu`` or ``cuda``. progress: who listens.

    Raises:
        SpecialError: the folder holds something else.
    """
    files = write_scene(Path(out), simulate(rows, cols, bands, classes, seed))
    progress.say(
        f"Simulated {files.scene}: {rows} x {cols} pixels, {bands} bands, {classes} classes. "
        "Labelling it without CLIP, which a demonstration does not download."
    )
    run = label(
        files.scene,
        files.classes,
        out=Path(out) / "scene.special",
        clip="none",
        offline=True,
        device=device,
        seed=seed,
        progress=progress,
    )
    evaluation = evaluate(run, files.truth)
    keep_finding(RunDirectory(run.path), EVALUATION, evaluation.to_json())
    rerun(run, "report")  # with what is known now
    return Demonstration(files, run, evaluation)
