"""What a person is shown to judge a place by: the scene as pictures, and spectra of places and classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from special.answers.questions import Question
from special.answers.sheet.page import Evidence, Rendering
from special.answers.sheet.spectra import Reference, Spectrum
from special.api.run import Run
from special.cache.directory import RunDirectory
from special.errors import RunError

if TYPE_CHECKING:
    from special.scene import Scene
    from special.teachers.spectrum_text.as_seen import SeenSpectra

_SPECTRA = 256  # pixels of an area whose spectra are looked at: those nearest to the pixel in question
_MAPPED = 500  # pixels of a class in the map that its mean spectrum is made of
_REFERENCES, _LEAST_SHARE = 3, 0.02  # leading classes that are shown, and how probable they are at least


def renderings(run: Run, scene: Scene) -> list[Rendering]:
    """Show the scene in true colour and in colour infrared, as far as it has the bands; else in three that it has."""
    from special.settings import DEFAULT, load
    from special.steps import rgb

    try:
        true_colour: np.ndarray | None = run.left("rgb", "rgb.npy")
    except RunError:
        true_colour = None
    settings = load(DEFAULT, {}).build(rgb.RgbSettings)
    return [Rendering(title, image) for title, image in rgb.renderings(scene, settings, true_colour)]


def evidence(run: Run, scene: Scene, questions: Sequence[Question]) -> tuple[str, list[Evidence]]:
    """Return the unit that spectra are shown in, and for each question its spectrum and those of the leading classes.

    Expected spectra are shown where a teacher of the run knew some, on its regions of bands and as it read the scene's
    numbers. Where none did, and for a class that nothing is expected of, it is the spectra of what the map
    gives the class.
    """
    seen = _seen(run, scene)
    unit = "reflectance" if seen or scene.known_reflectance else "in the numbers of the file"
    nm = seen.wavelengths if seen else scene.wavelengths
    leading = [_leading(question) for question in questions]
    wanted = {run.classes.index(name) for names in leading for name in names}
    lacking = wanted - set(seen.owners.tolist()) if seen else wanted

    def shown(spectra: np.ndarray) -> Spectrum:
        return Spectrum.of_pixels(nm, seen.reflectance(spectra) if seen else spectra.astype(np.float64))

    mapped = {index: shown(spectra) for index, spectra in _mapped(run, scene, lacking).items()}

    def reference(name: str, area: Spectrum) -> Reference | None:
        index = run.classes.index(name)
        if seen and (found := seen.expected(index, area.middle)) is not None:
            return Reference(name, "expected, ± 1 SD", Spectrum(nm, *found))
        return Reference(name, "as mapped, 80 % of its pixels", mapped[index]) if index in mapped else None

    found = []
    for question, names in zip(questions, leading, strict=True):
        area = shown(_spectra(scene, question))
        references = (reference(name, area) for name in names)
        found.append(Evidence(area, tuple(one for one in references if one is not None)))
    return unit, found


def _leading(question: Question) -> list[str]:
    if not question.guess:  # who answers shall not know it
        return []
    others = [name for name, share in question.runners_up if share >= _LEAST_SHARE]
    return [question.guess, *others][:_REFERENCES]


def _seen(run: Run, scene: Scene) -> SeenSpectra | None:
    """What the spectrum-text teacher has left; None where the run has not asked it, or an earlier version has."""
    from special.teachers.spectrum_text import as_seen

    try:
        stored = RunDirectory(run.path).payload("pseudo", as_seen.FILE)
    except RunError:
        return None
    return as_seen.SeenSpectra.load(stored, scene.shape[2])


def _spectra(scene: Scene, question: Question) -> np.ndarray:
    """The spectra (pixels, bands) of an area, own numbers: those of the pixels nearest to the one in question."""
    area = question.area[scene.valid[question.area[:, 0], question.area[:, 1]]]
    distance = np.hypot(area[:, 0] - question.row, area[:, 1] - question.col)
    near = area[np.argsort(distance, kind="stable")[:_SPECTRA]]
    top, left = near.min(axis=0)
    bottom, right = near.max(axis=0) + 1
    window = scene.read(slice(int(top), int(bottom)), slice(int(left), int(right)))
    return np.asarray(window[near[:, 0] - top, near[:, 1] - left])


def _mapped(run: Run, scene: Scene, classes: Collection[int]) -> dict[int, np.ndarray]:
    """The spectra (pixels, bands) of some pixels that the run gives each of ``classes``, counted from 0, if any."""
    if not classes:
        return {}
    labels = _labels(run, scene)
    chosen = np.full(labels.shape, -1, np.int32)
    for index in classes:
        own = np.argwhere(labels == index + 1)
        if len(own):
            some = own[np.linspace(0, len(own) - 1, min(_MAPPED, len(own))).round().astype(int)]
            chosen[some[:, 0], some[:, 1]] = index
    parts: dict[int, list[np.ndarray]] = {}
    for rows in scene.windows():
        present = [index for index in classes if (chosen[rows] == index).any()]
        if present:
            cube = scene.read(rows)
            for index in present:
                parts.setdefault(index, []).append(cube[chosen[rows] == index])
    return {index: np.concatenate(found) for index, found in parts.items()}


def _labels(run: Run, scene: Scene) -> np.ndarray:
    """The map, or what the pseudo-labels say where there is no map yet."""
    from special.probabilities import best

    try:
        labels = run.map
    except RunError:
        labels = 1 + best(run.probabilities_of("pseudo"), scene.valid)
    return np.where(scene.valid, labels, 0)
