"""The step ``warmup``: the classifier learns the pseudo-labels, classes balanced, guided by how sure they are.

Source: SPECIAL (arXiv 2501.16222), second stage, warmup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from special.cache.step import Step
from special.passes import HERE, Passes
from special.probabilities import best, bvsb, require_finite
from special.progress import SILENT, Progress
from special.steps.answers import learned
from special.steps.context import CLASSIFIER_APART, CLASSIFIER_SECTIONS, SceneContext
from special.storage.files import save_array, save_json, save_tensors
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.training.balanced_sampling import BalancedSet, OneHotTargets, Window
from special.training.certain_pixels import CertainPixels
from special.training.objective import Term
from special.training.randomness import own_randomness, stage_generator
from special.training.settings import NoisyLabelSettings

if TYPE_CHECKING:
    from torch import Tensor

    from special.models.registry import Build
    from special.scene import Scene
    from special.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class WarmupSettings(NoisyLabelSettings):
    """The ``[warmup]`` section of a pipeline file, which says what each value means."""

    section: ClassVar[str] = "warmup"


@dataclass(frozen=True)
class Trained:
    """Weights, probabilities float32 (rows, cols, K), and figures for the record (JSON, the same in every rerun)."""

    state_dict: dict[str, Tensor]
    probabilities: Rows
    figures: dict[str, Any]


class PseudoLabels:
    """The objective of the warmup: balanced samples of the pseudo-labels' best classes.

    Args:
        probabilities: float32 (rows, cols, K).
        known: bool (rows, cols), pixels that have a class of the list.
        settings: the ``[warmup]`` section.
        certain: int (rows, cols), 1..K where the user has named a pixel, else 0; None where he was not asked.
    """

    def __init__(
        self, probabilities: Rows, known: np.ndarray, settings: WarmupSettings, certain: np.ndarray | None = None
    ) -> None:
        labels = best(probabilities, known)
        count = probabilities.shape[-1]
        self.set = BalancedSet(labels, bvsb(probabilities), count, balance=settings.balance, guide=settings.bvsb_power)
        self.targets = OneHotTargets(labels, count)
        self.per_class = settings.pixels_per_class
        self.answers = CertainPixels.of(certain, count, balance=settings.balance)

    def begin_epoch(self, epoch: int, predicted: Callable[[], Rows], generator: np.random.Generator) -> dict[str, Any]:
        """The labels stay as they are."""
        return {}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the term of the loss; and one for what the user has said, where there is any."""
        sample = self.set.draw(window, owned, per_class=self.per_class, generator=generator)
        terms = [Term.of("random", 1.0, sample, self.targets[window])]
        if self.answers is not None:
            terms.append(self.answers.term(window, owned, per_class=self.per_class, generator=generator))
        return terms


def warmup(
    cube: np.ndarray | Scene,
    valid: np.ndarray,
    probabilities: Rows,
    settings: WarmupSettings,
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
) -> Trained:
    """Train a fresh classifier on pseudo-labels.

    Args:
        cube: float32 (rows, cols, bands), any unit; or a scene, which is read by windows where it is large.
        valid: bool (rows, cols).
        probabilities: pseudo-labels, float32 (rows, cols, K), sums to 1 at valid pixels.
        settings: the ``[warmup]`` section.
        build: makes the classifier of (bands, classes).
        seed: the run's.
        known: bool (rows, cols), the valid pixels that have a class of the list; all of them when None.
        certain: int (rows, cols), 1..K where the user has named a pixel, else 0.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept, so that a killed training goes on; None keeps none.
        scratch: where large arrays go, the result among them.
        passes: who goes over the windows of a large scene, whatever is done to all of its pixels.
        progress: told of every step.

    Raises:
        TrainingError: no valid pixel, or a value that is not finite.
    """
    from special.training.predict import blend_with_prior
    from special.training.scene_tiles import SceneTrainer, prepare
    from special.training.standardise import spectra_of

    require_finite(probabilities, valid, "pseudo-labels")
    generator = stage_generator(seed, "warmup")
    with own_randomness(generator, device):
        model = build(cube.shape[-1], probabilities.shape[-1])
        with progress.phase("standardise"):
            spectra = spectra_of(cube, valid, passes)
        prepare(model, spectra, valid, generator, passes)
        trainer = SceneTrainer("warmup", model, spectra, valid, settings, generator, device, scratch, passes)
        objective = PseudoLabels(probabilities, valid if known is None else known, settings, certain)
        trainer.run(objective, checkpoint, progress)
        learned = trainer.predicted(settings.views)
    figures = {
        "classes": {"pixels": objective.set.counts.tolist(), "shares": objective.set.shares.round(6).tolist()},
        "epochs": trainer.history,
    }
    blended = blend_with_prior(learned, probabilities, valid, settings.prior_weight, scratch, passes)
    return Trained(trainer.weights(), blended, figures)


def _run(context: SceneContext, folder: Path) -> None:
    """Train the classifier on the pseudo-labels."""
    learn = learned(context)
    result = warmup(
        context.scene,
        context.scene.valid,
        context.rows(context.step.upstream[-1], "probabilities.npy"),
        context.settings(WarmupSettings),
        context.builder(announce=True),
        seed=context.seed,
        known=learn.known,
        certain=learn.certain,
        device=context.device,
        checkpoint=context.checkpoint,
        scratch=context.scratch,
        passes=context.passes,
        progress=context.progress,
    )
    learn.keep_certain(result.probabilities)
    save_array(folder / "probabilities.npy", result.probabilities)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", result.figures)


STEP = Step(
    name="warmup",
    version=2,
    function=_run,
    summary="Train on the pseudo-labels of RUN, and do what follows.",
    examples=(
        "special warmup",
        "special warmup scene.special --set warmup.epochs=20",
        "special warmup scene.special --device cuda --until warmup",
    ),
    upstream=("pseudo",),
    settings=(WarmupSettings, *CLASSIFIER_SECTIONS),
    chosen=("classifier",),
    apart=CLASSIFIER_APART,
    inputs={"scene": "the scene", "seed": "the seed", "texts": "what the classifier reads"},
)

AFTER_ANSWERS = replace(STEP, upstream=("pseudo", "answers"))
"""The same step in a run with answers: it learns what they have made of the pseudo-labels."""
