"""Refinement: confident and hard samples get soft labels from the spectra, and the classifier learns from both.

Source: SPECIAL (arXiv 2501.16222), second stage, label refinement: loss = random + lambda1 * hard + lambda2 * confident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from special.errors import WeightsError
from special.learn.checkpoint import Checkpoint
from special.learn.inputs import standardise
from special.learn.predict import blend
from special.learn.sampling import class_weights, draw
from special.learn.soft_labels import pca_features, soft_labels
from special.learn.split import bvsb, require_finite, split
from special.learn.train import Build, Term, Trainer, TrainSettings, Window, stage_generator
from special.learn.warmup import harden
from special.progress import SILENT, Progress


@dataclass(frozen=True)
class RefineSettings(TrainSettings):
    """See ``pipelines/special.toml`` for what each value does."""

    balance: float
    trust: float
    softness: float
    anchor: float
    lambda_hard: float
    lambda_confident: float
    features: int
    components: int
    temperature: float
    prior: float
    spectral: float
    minimum: int
    fit_pixels: int


@dataclass(frozen=True)
class Refined:
    """Weights; probabilities and soft labels, float32 (rows, cols, K); figures for the record (JSON, no times)."""

    state_dict: dict[str, Tensor]
    probabilities: np.ndarray
    soft_labels: np.ndarray
    figures: dict[str, Any]


class Refinement:
    """The objective of the refinement: three samples, split and labelled anew in every epoch."""

    def __init__(self, features: np.ndarray, valid: np.ndarray, anchor: np.ndarray, settings: RefineSettings) -> None:
        self.features = features
        self.valid = valid
        self.anchor = anchor
        self.settings = settings
        self.sets: list[tuple[str, float, np.ndarray, np.ndarray, np.ndarray]] = []
        self.trust = np.zeros(0)

    def label(self, predicted: np.ndarray, generator: np.random.Generator):
        s = self.settings
        reference = blend(predicted, self.anchor, s.anchor)
        parts = split(reference, self.valid, minimum=s.minimum, cap=s.fit_pixels, generator=generator)
        soft = soft_labels(self.features, parts, reference, self.valid, components=s.components, temperature=s.temperature,
            prior=s.prior, minimum=s.minimum, cap=s.fit_pixels, generator=generator)
        soft = s.spectral * soft + (1 - s.spectral) * reference
        return reference, parts, soft.astype(np.float32)

    def begin_epoch(self, predicted: Callable[[], np.ndarray], generator: np.random.Generator) -> dict[str, Any]:
        s = self.settings
        reference, parts, self.soft = self.label(predicted(), generator)
        count = reference.shape[-1]
        self.trust = bvsb(reference) ** s.trust
        hard = harden(reference, s.softness)
        self.sets = []
        for name, factor, mask, targets in (
            ("random", 1.0, self.valid, hard),
            ("hard", s.lambda_hard, parts.hard, self.soft),
            ("confident", s.lambda_confident, parts.confident, self.soft),
        ):
            labels = np.where(mask, parts.labels, -1)
            shares = class_weights(labels, bvsb(reference), count, s.balance)
            pixel = shares / np.maximum(np.bincount(labels[mask], minlength=count), 1)
            self.sets.append((name, factor, labels, targets, pixel))
        sizes = lambda m: np.bincount(parts.labels[m], minlength=count).tolist()
        return {"confident": sizes(parts.confident), "hard": sizes(parts.hard)}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        trust = self.trust[window].ravel()
        terms = []
        for name, factor, labels, targets, pixel in self.sets:
            sample = draw(np.where(owned, labels[window], -1).ravel(), np.ones_like(trust) if name == "hard" else trust, pixel, per_class=self.settings.pixels_per_class, generator=generator)
            terms.append(Term(name, factor, sample.index, targets[window].reshape(-1, targets.shape[-1])[sample.index], sample.weights))
        return terms


def refine(
    cube: np.ndarray,
    valid: np.ndarray,
    probabilities: np.ndarray,
    weights: Mapping[str, Tensor],
    settings: RefineSettings,
    build: Build,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
) -> Refined:
    require_finite(probabilities, valid, "probabilities of the warmup")
    generator = stage_generator(seed, "refine")
    spectra = standardise(cube, valid)
    with torch.random.fork_rng(enabled=True):
        torch.manual_seed(int(generator.integers(2**62)))
        model = build(cube.shape[-1], probabilities.shape[-1])
        try:
            model.load_state_dict(dict(weights))
        except RuntimeError as error:
            raise WeightsError(f"the weights of the warmup do not fit the classifier ({error})") from None
        trainer = Trainer("refine", model.to(device), spectra, valid, settings, generator, device)
        features = pca_features(spectra, valid, count=settings.features, cap=settings.fit_pixels, generator=generator)
        objective = Refinement(features, valid, probabilities, settings)
        trainer.run(objective, checkpoint, progress)
        final, parts, soft = objective.label(trainer.predicted(settings.views), generator)
    figures = {"epochs": trainer.history}
    kept = {name: value.detach().cpu().clone() for name, value in trainer.average.state_dict().items()}
    return Refined(kept, final, soft, figures)
