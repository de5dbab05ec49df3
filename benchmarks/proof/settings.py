"""Settings that are varied: what is switched off, what else a constant might be, and the search among those values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Ablation:
    """What is switched off: settings, the scene's bands but three; ``clip``: makes a difference to CLIP alone."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    three_bands: bool = False
    clip: bool = False


ABLATIONS = {
    "RGB only": Ablation(three_bands=True),
    "no resolution scaling": Ablation({"pseudo.image_text.scales": [1]}, clip=True),
    "no calibration": Ablation(
        {"pseudo.spectrum_text.scale_steps": 0, "pseudo.spectrum_text.calibration_iterations": 0}
    ),
    "no outlines": Ablation({"pseudo.spectrum_text.outline_own": 0.0, "pseudo.spectrum_text.outline_material": 0.0}),
    "no shared chlorophyll": Ablation({"pseudo.spectrum_text.shared_chlorophyll_sd": 0.0}),
    "no whitening": Ablation({"pseudo.spectrum_text.cluster_whitening": 0.0}),
    "random set only": Ablation({"refine.lambda_hard": 0.0, "refine.lambda_confident": 0.0}),
    "random + hard": Ablation({"refine.lambda_confident": 0.0}),
    "random + confident": Ablation({"refine.lambda_hard": 0.0}),
    "soft labels off": Ablation({"refine.mixture_share": 0.0}),
}

# Constants that were chosen by looking at scenes, and what else they might be; the default is always a candidate. Those
# of the teachers are judged by the pseudo-labels (--judges: with tables that err as well), the others by the map.
CONSTANTS: dict[str, Sequence[Any]] = {
    "pseudo.spectrum_text.level_sd": (0.10, 0.15, 0.25),
    "pseudo.spectrum_text.additive_sd": (0.0, 0.005, 0.01, 0.02),
    "pseudo.spectrum_text.breadth": (0.0, 0.5, 1.0),
    "pseudo.spectrum_text.rest_log_weight": (-10.0, -8.0, -6.0),
    "pseudo.spectrum_text.degrees_of_freedom": (10.0, 30.0, 100.0),
    "pseudo.spectrum_text.scale_sd": (0.3, 0.6, 1.0),
    "pseudo.spectrum_text.reflectance_gain_sd": (0.015, 0.03, 0.06),
    "pseudo.spectrum_text.radiance_gain_sd": (0.15, 0.3, 0.5),
    "pseudo.spectrum_text.radiance_band_sd": (0.1, 0.2, 0.3),
    "pseudo.spectrum_text.shared_level_sd": (0.05, 0.15, 0.3),
    "pseudo.spectrum_text.shared_shape_sd": (0.05, 0.1, 0.2),
    "pseudo.spectrum_text.shared_chlorophyll_sd": (0.15, 0.3, 0.5),
    "pseudo.spectrum_text.clusters_per_class": ([2, 3, 5], [2, 4, 8, 16]),
    "pseudo.spectrum_text.cluster_whitening": (0.0, 0.5, 0.7, 1.0),
    "pseudo.spectrum_text.outline_own": (0.5, 1.0, 2.0),
    "pseudo.spectrum_text.outline_material": (1.0, 2.0, 4.0),
    "warmup.prior_weight": (0.1, 0.3, 0.5),
    "refine.prior_weight": (0.2, 0.5),
}


def search(
    constants: Mapping[str, Sequence[Any]], defaults: Mapping[str, Any], score: Callable[[dict[str, Any]], float]
) -> dict[str, Any]:
    """Return the settings that score best, one constant after the other: those that are not the default.

    The default of a constant is always a candidate; another value must do better than it, not as well.
    """
    found: dict[str, Any] = {}
    for name, values in constants.items():
        candidates = [defaults[name], *(value for value in values if value != defaults[name])]
        best = max(candidates, key=lambda value: score({**found, name: value}))  # of equals the first: the default
        if best != defaults[name]:
            found[name] = best
    return found


def draws(
    constants: Mapping[str, Sequence[Any]], defaults: Mapping[str, Any], count: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Return ``count`` settings with every constant drawn from its values and its default, each as likely as another.

    The same seed gives the same draws, and more of them begin with the fewer.
    """
    rng = np.random.default_rng(seed)
    candidates = {
        name: [defaults[name], *(v for v in values if v != defaults[name])] for name, values in constants.items()
    }
    return [{name: values[rng.integers(len(values))] for name, values in candidates.items()} for _ in range(count)]
