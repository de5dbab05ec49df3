"""Which classes the spectrum-text teacher cannot tell apart, by its own uncertainty, and on a scene's own bands.

Spectra are drawn from what a class may look like, as a scene with that class would show them, and named by the same
likelihood. Where more than a third of the draws of two classes look more like the other one, a map that tells the two
apart would be a guess. Ground truth has no part in this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.reading import Reading
from special.teachers.confusion import ConfusedPair
from special.teachers.spectrum_text.absorption_features import AbsorptionFeatures, absorption_features, names_minerals
from special.teachers.spectrum_text.calibrated_scene import CalibratedScene, Knowledge
from special.teachers.spectrum_text.calibration import Calibration
from special.teachers.spectrum_text.expected_spectra import Expected
from special.teachers.spectrum_text.likelihood import DARK, KINDS, SpectralLikelihood, softmax
from special.teachers.spectrum_text.outlines import tendencies
from special.teachers.spectrum_text.regions import Regions

if TYPE_CHECKING:
    from special.scene.scene import Scene

CONFUSED = 0.35  # share of wrong draws from which two classes count as one to the teacher; a coin gets 0.5
GRID = np.arange(400.0, 2401.0, 10.0)  # nm: bands where there is no scene
_DRAWS = 300  # per class


def confused_pairs(
    teacher: Knowledge, classes: ClassList, wavelengths: np.ndarray = GRID, scene: Scene | None = None
) -> list[ConfusedPair]:
    """Return the pairs of classes that the teacher cannot tell apart, the worst first.

    Stages of growth of one crop, and numbered kinds of one thing, are left out: what is known of them is their number.

    Args:
        teacher: whose table, encoder and settings count.
        classes: the class list.
        wavelengths: (bands,), nm, of bands whose reflectance is known.
        scene: whose own bands and calibration count instead: what it takes to read its numbers adds to the doubt.
    """
    readings = teacher.readings(classes)
    if scene is None:
        regions = Regions.of(wavelengths, through_air=False)
        table = teacher.table.seen_by(regions.centres) if names_minerals(readings, teacher.table) else teacher.table
        spectra = teacher.spectra(readings, classes, wavelengths, None, regions, table)
        likelihood = SpectralLikelihood(spectra, table, regions.centres, teacher.settings.uncertainty)
        nothing = np.zeros(len(regions))
        found = [Calibration(nothing, nothing, np.zeros((len(KINDS), len(regions))), nothing, 1.0)]
        bands = table.resample(np.stack([spectrum.reflectance for spectrum in spectra]), wavelengths)
        features = None
        if teacher.measured is None:
            features = absorption_features(
                readings, teacher.table, wavelengths, bands, teacher.settings, through_air=None
            )
    else:
        calibrated = CalibratedScene.of(scene, classes, readings, teacher)
        spectra, likelihood = calibrated.spectra, calibrated.likelihood
        found, features = calibrated.calibrations, calibrated.features
    shares = confusion(spectra, likelihood, found, len(classes), features=features, seed=teacher.seed)
    outlines = tendencies(readings, teacher.table)
    pairs = [
        ConfusedPair(
            a, b, float(shares[a, b]), float(shares[b, a]), any(runs_on[a] * runs_on[b] < 0 for runs_on in outlines)
        )
        for a in range(len(classes))
        for b in range(a + 1, len(classes))
        if (shares[a, b] + shares[b, a]) / 2 > CONFUSED and not _ordered(readings[a], readings[b])
    ]
    return sorted(pairs, key=lambda pair: -(pair.first_as_second + pair.second_as_first))


def confusion(
    spectra: Sequence[Expected],
    likelihood: SpectralLikelihood,
    found: Sequence[Calibration],
    classes: int,
    *,
    features: AbsorptionFeatures | None = None,
    seed: int = 0,
    draws: int = _DRAWS,
) -> np.ndarray:
    """Return (K, K): the share of spectra drawn from class ``k`` that are likelier under class ``j``, ties by half.

    Every draw is seen under one of the calibrations ``found``, as likely as that is, and named under all of them;
    ``features``: and by the absorptions of its minerals.
    """
    rng = np.random.default_rng(seed)
    owners = np.array([spectrum.class_index for spectrum in spectra])
    weights = np.exp([spectrum.log_weight for spectrum in spectra])
    chances = np.array([calibration.weight for calibration in found])
    shares = np.zeros((classes, classes))
    for k in range(classes):
        own = np.flatnonzero(owners == k)
        if not len(own):
            continue
        chosen = rng.choice(own, draws, p=weights[own] / weights[own].sum())
        logs = _drawn(likelihood, chosen, rng)
        true = rng.choice(len(found), draws, p=chances / chances.sum())
        shifts = np.stack([c.shifts for c in found])[true, likelihood.kinds[chosen]]
        reflectance = np.maximum(np.exp(logs + shifts) - DARK, 0.0)
        signals = reflectance * np.exp([found[i].gain for i in true]) + [found[i].offset for i in true]
        absorptions = features.per_spectrum(features.draw(chosen, rng)) if features else 0.0
        named = np.zeros((draws, classes))
        for calibration in found:
            each = calibration.densities(signals, likelihood) + absorptions
            named += calibration.weight * softmax(likelihood.per_class(each, classes))
        difference = np.log(np.maximum(named, 1e-30)) - np.log(np.maximum(named[:, [k]], 1e-30))
        shares[k] = ((difference > 1e-6) + 0.5 * (np.abs(difference) <= 1e-6)).mean(axis=0)
    return shares


def _drawn(likelihood: SpectralLikelihood, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw log reflectance (draws, regions) from Student's t around the expected spectra ``chosen``."""
    drawn = np.empty((len(chosen), likelihood.means.shape[1]))
    widths = np.sqrt(likelihood.degrees / rng.chisquare(likelihood.degrees, len(chosen)))
    for i in np.unique(chosen):
        at = np.flatnonzero(chosen == i)
        root = np.linalg.cholesky(np.linalg.inv(likelihood.precisions[i]))
        noise = rng.standard_normal((len(at), len(root))) @ root.T
        drawn[at] = likelihood.means[i] + widths[at, None] * noise
    return drawn


def _ordered(first: Sequence[Reading], second: Sequence[Reading]) -> bool:
    """Whether two classes are stages, or numbered kinds, of one thing: nobody expects their spectra to tell which."""
    return any(
        getattr(first[0], by) is not None and getattr(first[0], by) == getattr(second[0], by)
        for by in ("series", "kind_of")
    )
