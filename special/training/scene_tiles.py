"""Training on one scene: its tiles go through the training loop, and an objective says what each of them teaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from special.errors import TrainingError
from special.models.orientation import COUNT, restore
from special.models.patches import PatchClassifier
from special.models.tiling import Windows, tiles
from special.passes import HERE, Passes
from special.progress import SILENT, Progress
from special.storage.rasters import MEMORY, Rows, ScratchSpace, pick, positions
from special.training.balanced_sampling import Window
from special.training.checkpoint import Checkpoint
from special.training.loop import Part, TrainingLoop
from special.training.objective import Objective, Term
from special.training.predict import predict
from special.training.settings import SceneTrainingSettings

PCA_PIXELS = 20_000
"""Most pixels from which a classifier finds its principal components."""


def prepare(
    model: nn.Module,
    spectra: Windows,
    valid: np.ndarray,
    generator: np.random.Generator,
    passes: Passes = HERE,
) -> None:
    """Let a classifier of patches look at the spectra before its training, at ``PCA_PIXELS`` valid pixels at most.

    Args:
        model: any classifier.
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        generator: the stage's.
        passes: who reads the windows.
    """
    count = int(valid.sum())
    if not isinstance(model, PatchClassifier) or not count:
        return
    model.prepare(pick(spectra, positions(valid, pca_sample(count, generator)), passes))


def pca_sample(count: int, generator: np.random.Generator) -> np.ndarray:
    """Return which of ``count`` pixels principal components are found from: int (pixels,), rising."""
    if count <= PCA_PIXELS:
        return np.arange(count)
    return np.sort(generator.choice(count, PCA_PIXELS, replace=False))


@dataclass(frozen=True)
class TileBatch:
    """The drawn pixels of one tile.

    Attributes:
        image: float32 (rows, cols, bands), standardised.
        terms: the parts of the loss.
        view: how the tile is turned; see ``special.models.orientation``.
        scale: how many tiles the scene has.
        device: "cpu" or "cuda".
    """

    image: np.ndarray | Tensor
    terms: Sequence[Term]
    view: int
    scale: int
    device: str

    def parts(self, model: nn.Module) -> Iterator[Part]:
        """Classify the tile; yield a part of the loss for every term."""
        logits = self._logits(model)
        for term in self.terms:
            index, targets, weights = (
                torch.from_numpy(array).to(self.device) for array in (term.index, term.targets, term.weights)
            )
            yield Part(term.name, term.factor, logits[index], targets, weights, self.scale)

    def _logits(self, model: nn.Module) -> Tensor:
        """Return the logits of the tile's pixels, (pixels, K); a classifier of patches looks at the drawn ones alone.

        The others' stay 0, and no term asks for them.
        """
        image = torch.as_tensor(self.image).permute(2, 0, 1)[None].to(self.device)  # channels last: no copy
        if not isinstance(model, PatchClassifier):
            return restore(model(image, self.view), self.view)[0].flatten(1).T
        drawn = np.unique(np.concatenate([term.index for term in self.terms]))
        drawn = drawn if len(drawn) else np.zeros(1, dtype=np.int64)  # the loss of a step needs a gradient, if of 0
        index = torch.from_numpy(drawn).to(self.device)
        some = model.logits_at(image, index, self.view)
        return some.new_zeros(image.shape[-2] * image.shape[-1], some.shape[1]).index_copy(0, index, some)


class SceneTiles:
    """The tiles of a scene as the examples of a training: every pass over the scene takes them in another order.

    Args:
        spectra: float32 (rows, cols, bands), standardised; windows are read as they are drawn.
        windows: of the tiles.
        owned: for every tile bool (its rows, its cols), the pixels that may be drawn from it.
        objective: what is learned.
        predicted: gives the averaged weights' class probabilities, float32 (rows, cols, K).
        device: "cpu" or "cuda".
    """

    def __init__(
        self,
        spectra: Windows,
        windows: Sequence[Window],
        owned: Sequence[np.ndarray],
        objective: Objective,
        predicted: Callable[[], Rows],
        device: str,
    ) -> None:
        self.spectra, self.windows, self.owned = spectra, windows, owned
        self.objective, self.predicted = objective, predicted
        self.device = device
        self._left: list[int] = []

    def begin_epoch(self, epoch: int, generator: np.random.Generator) -> dict[str, Any]:
        """Let the objective get ready, and begin a new pass."""
        self._left = []
        return self.objective.begin_epoch(epoch, self.predicted, generator)

    def draw(self, generator: np.random.Generator) -> TileBatch:
        """Return drawn pixels of the next tile, turned at random."""
        self._left = self._left or [int(i) for i in generator.permutation(len(self.windows))]
        number = self._left.pop()
        window = self.windows[number]
        terms = self.objective.terms(window, self.owned[number], generator)
        view = int(generator.integers(COUNT))
        return TileBatch(self.spectra[window], terms, view, len(self.windows), self.device)


@dataclass
class SceneTrainer:
    """Trains ``model`` on one scene.

    Args:
        stage: name of the step, for progress and messages.
        model: starts from the weights it has.
        spectra: float32 (rows, cols, bands), standardised; windows are read as they are needed.
        valid: bool (rows, cols).
        settings: see ``SceneTrainingSettings``.
        generator: the stage's; with torch's own state it is the only source of chance.
        device: "cpu" or "cuda".
        scratch: where predictions go. passes: who looks at the windows of a prediction.

    Raises:
        TrainingError: no pixel is valid.
    """

    stage: str
    model: nn.Module
    spectra: Windows
    valid: np.ndarray
    settings: SceneTrainingSettings
    generator: np.random.Generator
    device: str
    scratch: ScratchSpace = MEMORY
    passes: Passes = HERE
    loop: TrainingLoop = field(init=False)
    progress: Progress = field(init=False, default=SILENT)

    def __post_init__(self) -> None:
        if not self.valid.any():
            raise TrainingError(f"{self.stage}: the scene has no valid pixel to learn from")
        self.loop = TrainingLoop(self.stage, self.model, self.settings, self.generator, self.device)
        self.windows, self.owned = owned_tiles(self.valid, self.settings.tile, self.settings.overlap)

    def run(self, objective: Objective, checkpoint: Checkpoint | None, progress: Progress) -> None:
        """Train to the end of the schedule; see ``TrainingLoop.run``."""
        self.progress = progress
        examples = SceneTiles(self.spectra, self.windows, self.owned, objective, self.predicted, self.device)
        self.loop.run(examples, checkpoint, progress)

    def predicted(self, views: int = 1) -> Rows:
        """Return the averaged weights' class probabilities: float32 (rows, cols, K), 0 at invalid pixels."""
        with self.progress.phase("predict"):
            return predict(
                self.loop.average,
                self.spectra,
                self.valid,
                self.settings.tile,
                self.settings.overlap,
                views=views,
                device=self.device,
                scratch=self.scratch,
                passes=self.passes,
            )

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the averaged weights, on the CPU."""
        return self.loop.weights()

    @property
    def history(self) -> list[dict[str, Any]]:
        """One record an epoch, as JSON."""
        return self.loop.history


def owned_tiles(valid: np.ndarray, tile: int, overlap: int) -> tuple[list[Window], list[np.ndarray]]:
    """Cut a scene as prediction does, and give every valid pixel to one tile: where two overlap, each owns half.

    The balance of the classes then holds over a pass, however the tiles lie. Tiles that own nothing are left out.

    Args:
        valid: bool (rows, cols).
        tile, overlap: as in ``special.models.tiling.tiles``.

    Returns:
        The windows of the tiles, and for each bool (its rows, its cols): the pixels it owns.
    """
    windows = tiles(valid.shape[0], valid.shape[1], tile, overlap)
    owner = np.zeros(valid.shape, dtype=np.uint16 if len(windows) < 2**16 else np.int32)
    for number, (rows, cols) in enumerate(windows):
        top, left = (part.start + (overlap // 2 if part.start > 0 else 0) for part in (rows, cols))
        owner[top : rows.stop, left : cols.stop] = number
    owned = [(owner[window] == number) & valid[window] for number, window in enumerate(windows)]
    kept = [number for number, mask in enumerate(owned) if mask.any()]
    return [windows[number] for number in kept], [owned[number] for number in kept]
