"""The step ``refine``: confident and hard samples get soft labels from the spectra; the classifier learns from both.

Source: SPECIAL (arXiv 2501.16222), second stage, label refinement. The loss is the cross-entropy on random samples,
plus ``lambda_hard`` times that on hard ones, plus ``lambda_confident`` times that on confident ones. What comes out is
on the mean no surer than the pseudo-labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from special.cache.step import Step
from special.errors import WeightsError
from special.passes import HERE, Passes
from special.probabilities import bvsb, no_surer_than, require_finite
from special.progress import SILENT, Progress
from special.settings import Within
from special.steps.answers import learned
from special.steps.context import CLASSIFIER_APART, CLASSIFIER_SECTIONS, SceneContext
from special.storage.files import save_array, save_json, save_tensors
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.training.balanced_sampling import BalancedSet, OneHotTargets, Window
from special.training.certain_pixels import CertainPixels
from special.training.confident_hard import Split, split
from special.training.objective import Term
from special.training.randomness import own_randomness, stage_generator
from special.training.settings import NoisyLabelSettings
from special.training.soft_labels import SoftLabels, pca_features, soft_labels

if TYPE_CHECKING:
    from torch import Tensor

    from special.models.registry import Build
    from special.scene import Scene
    from special.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class RefineSettings(NoisyLabelSettings):
    """The ``[refine]`` section of a pipeline file, which says what each value means."""

    section: ClassVar[str] = "refine"

    lambda_hard: Annotated[float, Within(0, 1000)]
    lambda_confident: Annotated[float, Within(0, 1000)]
    pca_components: Annotated[int, Within(1, 1000)]
    mixture_components: Annotated[int, Within(1, 100)]
    temperature: Annotated[float, Within(1, 1e6)]
    class_prior_power: Annotated[float, Within(0, 100)]
    mixture_share: Annotated[float, Within(0, 1)]
    min_mixture_pixels: Annotated[int, Within(2)]
    max_mixture_pixels: Annotated[int, Within(100)]


@dataclass(frozen=True)
class Refined:
    """Weights; probabilities and soft labels, float32 (rows, cols, K); figures for the record (JSON, no times)."""

    state_dict: dict[str, Tensor]
    probabilities: Rows
    soft_labels: Rows
    figures: dict[str, Any]


class Refinement:
    """The objective of the refinement: three sets of pixels, split and labelled anew at the beginning of every epoch.

    Soft labels are made of the windows that the training asks for.

    Args:
        features: float32 (rows, cols, features), see ``pca_features``.
        valid: bool (rows, cols).
        anchor: float32 (rows, cols, K), the probabilities of the warmup.
        settings: the ``[refine]`` section.
        scratch: where large arrays go.
        known: bool (rows, cols), the valid pixels that have a class of the list; all of them when None.
        certain: int (rows, cols), 1..K where the user has named a pixel, else 0; None where he was not asked.
        passes: who blends and labels the windows.
        progress: told of the phases.
    """

    def __init__(
        self,
        features: Rows,
        valid: np.ndarray,
        anchor: Rows,
        settings: RefineSettings,
        scratch: ScratchSpace = MEMORY,
        *,
        known: np.ndarray | None = None,
        certain: np.ndarray | None = None,
        passes: Passes = HERE,
        progress: Progress = SILENT,
    ) -> None:
        self.features = features
        self.valid = valid
        self.known = valid if known is None else known
        self.answers = CertainPixels.of(certain, anchor.shape[-1], balance=settings.balance)
        self.anchor = anchor
        self.settings = settings
        self.scratch = scratch
        self.passes, self.progress = passes, progress
        self.parts: list[tuple[str, float, BalancedSet, SoftLabels | OneHotTargets]] = []

    def label(self, predicted: Rows, generator: np.random.Generator) -> tuple[Rows, Split, SoftLabels]:
        """Return the predictions held against the anchor, their split, and the soft labels that both make."""
        from special.training.predict import blend_with_prior

        settings = self.settings
        with self.progress.phase("blend"):
            held = blend_with_prior(
                predicted, self.anchor, self.valid, settings.prior_weight, self.scratch, self.passes
            )
        with self.progress.phase("split"):
            parts = split(
                held,
                self.known,
                smallest=settings.min_mixture_pixels,
                cap=settings.max_mixture_pixels,
                generator=generator,
            )
        with self.progress.phase("mixtures"):
            soft = soft_labels(
                self.features,
                parts,
                held,
                self.known,
                components=settings.mixture_components,
                temperature=settings.temperature,
                prior=settings.class_prior_power,
                smallest=settings.min_mixture_pixels,
                cap=settings.max_mixture_pixels,
                generator=generator,
                share=settings.mixture_share,
                scratch=self.scratch,
            )
        return held, parts, soft

    def begin_epoch(self, epoch: int, predicted: Callable[[], Rows], generator: np.random.Generator) -> dict[str, Any]:
        """Split and label anew, at first what the warmup handed on; the figures are the sizes of the sets per class."""
        settings = self.settings
        self.parts = []  # those of the epoch before take a few bytes for every pixel
        held, parts, soft = self.label(predicted() if epoch else self.anchor, generator)
        count = held.shape[-1]
        trust = bvsb(held)
        sets: dict[str, tuple[float, np.ndarray, SoftLabels | OneHotTargets, float]] = {
            "random": (1.0, self.known, OneHotTargets(parts.labels, count), settings.bvsb_power),
            "hard": (settings.lambda_hard, parts.hard, soft, 0.0),  # hard pixels have no BvSB that could guide
            "confident": (settings.lambda_confident, parts.confident, soft, settings.bvsb_power),
        }
        figures: dict[str, Any] = {}
        for name, (factor, members, targets, guide) in sets.items():
            labels = np.where(members, parts.labels, parts.labels.dtype.type(-1))
            balanced = BalancedSet(labels, trust, count, balance=settings.balance, guide=guide)
            self.parts.append((name, factor, balanced, targets))
            figures[name] = balanced.counts.tolist()
        return {"pixels": figures}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the three terms of the loss; and one for what the user has said, where there is any."""
        terms = []
        for name, factor, balanced, targets in self.parts:
            sample = balanced.draw(window, owned, per_class=self.settings.pixels_per_class, generator=generator)
            terms.append(Term.of(name, factor, sample, targets[window]))
        if self.answers is not None:
            per_class = self.settings.pixels_per_class
            terms.append(self.answers.term(window, owned, per_class=per_class, generator=generator))
        return terms


def refine(
    cube: np.ndarray | Scene,
    valid: np.ndarray,
    probabilities: Rows,
    weights: Mapping[str, Tensor],
    settings: RefineSettings,
    build: Build,
    *,
    seed: int,
    known: np.ndarray | None = None,
    certain: np.ndarray | None = None,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    scratch: ScratchSpace = MEMORY,
    passes: Passes = HERE,
    progress: Progress = SILENT,
) -> Refined:
    """Train the warmup's classifier on, with labels that its own predictions and the spectra make.

    Args:
        cube: float32 (rows, cols, bands), any unit; or a scene, which is read by windows where it is large.
        valid: bool (rows, cols).
        probabilities: the warmup's, float32 (rows, cols, K), sums to 1 at valid pixels.
        weights: the warmup's.
        settings: the ``[refine]`` section.
        build: makes the classifier of (bands, classes).
        seed: the run's.
        known: bool (rows, cols), the valid pixels that have a class of the list; all of them when None.
        certain: int (rows, cols), 1..K where the user has named a pixel, else 0.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept, so that a killed training goes on; None keeps none.
        scratch: where large arrays go, the results among them.
        passes: who goes over the windows of a large scene, whatever is done to all of its pixels.
        progress: told of every step.

    Raises:
        TrainingError: no valid pixel, spectra that are all alike, or a value that is not finite.
        WeightsError: the weights are not those of such a classifier.
    """
    from special.training.scene_tiles import SceneTrainer
    from special.training.standardise import spectra_of

    require_finite(probabilities, valid, "probabilities of the warmup")
    generator = stage_generator(seed, "refine")
    with progress.phase("standardise"):
        spectra = spectra_of(cube, valid, passes)
    with own_randomness(generator, device):
        model = build(cube.shape[-1], probabilities.shape[-1])
        try:
            model.load_state_dict(dict(weights))
        except RuntimeError:
            raise WeightsError(
                "the weights of the warmup are not those of this classifier: run the warmup again"
            ) from None
        trainer = SceneTrainer("refine", model, spectra, valid, settings, generator, device, scratch, passes)
        with progress.phase("features"):
            features = pca_features(
                spectra,
                valid,
                count=settings.pca_components,
                cap=settings.max_mixture_pixels,
                generator=generator,
                scratch=scratch,
                passes=passes,
            )
        objective = Refinement(
            features,
            valid,
            probabilities,
            settings,
            scratch,
            known=known,
            certain=certain,
            passes=passes,
            progress=progress,
        )
        trainer.run(objective, checkpoint, progress)
        objective.parts = []
        predicted = trainer.predicted(settings.views)
        with progress.phase("labels"):
            final, _, soft = objective.label(predicted, generator)
            with progress.phase("soften"):
                everywhere = soft.everywhere(passes)
    return Refined(trainer.weights(), final, everywhere, {"epochs": trainer.history})


def _run(context: SceneContext, folder: Path) -> None:
    """Split the predictions, soften the labels, train on."""
    learn = learned(context)
    result = refine(
        context.scene,
        context.scene.valid,
        context.rows("warmup", "probabilities.npy"),
        context.tensors("warmup", "weights.safetensors"),
        context.settings(RefineSettings),
        context.builder(),
        seed=context.seed,
        known=learn.known,
        certain=learn.certain,
        device=context.device,
        checkpoint=context.checkpoint,
        scratch=context.scratch,
        passes=context.passes,
        progress=context.progress,
    )
    taught = context.rows("pseudo", "probabilities.npy") if learn.corrected is None else learn.corrected
    figures = {**result.figures, "tempered": no_surer_than(taught, result.probabilities, context.scene.valid)}
    learn.keep_certain(result.probabilities)
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "soft_labels.npy", result.soft_labels)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", figures)


STEP = Step(
    name="refine",
    version=3,
    function=_run,
    summary="Refine the classifier of RUN, and map what comes out.",
    examples=(
        "special refine",
        "special refine scene.special --set refine.lambda_hard=0.2",
        "special refine scene.special --set refine.lambda_hard=0.2 --dry-run",
    ),
    upstream=("warmup", "pseudo"),
    settings=(RefineSettings, *CLASSIFIER_SECTIONS),
    chosen=("classifier",),
    apart=CLASSIFIER_APART,
    inputs={"scene": "the scene", "seed": "the seed", "texts": "what the classifier reads"},
)

AFTER_ANSWERS = replace(STEP, upstream=("warmup", "answers"))
"""The same step in a run with answers."""
