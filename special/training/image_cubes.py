"""Image-level classification: an image shows one thing; cubes drawn from it are classified, and the majority decides.

Source: S3FN (arXiv 2510.07556): cubes of 32 x 32 pixels from the area that is not masked, and voting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from special.errors import TrainingError
from special.models.orientation import COUNT, orient
from special.models.patches import PatchClassifier
from special.progress import SILENT, Progress
from special.training.balanced_sampling import class_shares
from special.training.loop import rate
from special.training.randomness import own_randomness, stage_generator
from special.training.settings import CubeSettings


class Image:
    """One image: standardised spectra, and where a cube may stand.

    Args:
        spectra: float32 (rows, cols, bands), standardised, 0 where masked.
        unmasked: bool (rows, cols).
        side: of a cube, in pixels. A smaller image is repeated at its edges up to that size.
    """

    def __init__(self, spectra: np.ndarray, unmasked: np.ndarray, side: int) -> None:
        short = [max(0, side - length) for length in unmasked.shape]
        self.enlarged = any(short)
        grow = [(add // 2, add - add // 2) for add in short]
        self.spectra = np.pad(spectra, (*grow, (0, 0)), mode="edge")
        self.unmasked = np.pad(unmasked, grow, mode="edge")
        self.side = side
        rows, cols = self.unmasked.shape
        # The corners whose cube has an unmasked pixel in its middle.
        middles = self.unmasked[side // 2 : side // 2 + rows - side + 1, side // 2 : side // 2 + cols - side + 1]
        if not middles.any():  # the thing lies at the edge, or is smaller than half a cube
            middles = np.ones_like(middles)
        self.corners = np.argwhere(middles)

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Return up to ``count`` cubes from different places: float32 (cubes, bands, side, side)."""
        chosen = generator.choice(len(self.corners), min(count, len(self.corners)), replace=False)
        return np.stack([self._cube(*self.corners[number]) for number in chosen])

    def _cube(self, row: int, col: int) -> np.ndarray:
        return self.spectra[row : row + self.side, col : col + self.side].transpose(2, 0, 1)


@dataclass(frozen=True)
class Vote:
    """The answer for one image.

    Attributes:
        label: 0..K-1, the class of most cubes; of equal ones the more probable.
        shares: float64 (K,), the share of the cubes that said each class.
        cubes: how many voted.
    """

    label: int
    shares: np.ndarray
    cubes: int


def train(
    images: list[Image],
    labels: np.ndarray,
    model: PatchClassifier,
    settings: CubeSettings,
    *,
    seed: int,
    device: str = "cpu",
    progress: Progress = SILENT,
) -> list[float]:
    """Train ``model`` on cubes of images; return the mean loss of every epoch. Weights are averaged at the end.

    Args:
        images: the training images. labels: int (images,), 0..K-1.
        model: a classifier of cubes.
        settings: the ``[cubes]`` section.
        seed: the run's. device: "cpu" or "cuda". progress: told of every step.

    Raises:
        TrainingError: a loss is not finite.
    """
    import copy

    generator = stage_generator(seed, "cubes")
    groups = {k: np.flatnonzero(labels == k) for k in np.unique(labels)}
    counts = np.bincount(labels)
    weights = class_shares(counts, settings.balance)
    losses = []
    total = settings.epochs * settings.steps
    progress.begin("fit", total)
    with own_randomness(generator, device):
        model.to(device).train()
        average = copy.deepcopy(model)
        optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
        for step in range(total):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * rate(step, total)
            model.begin_step(step / total)
            cubes, targets, heard = [], [], []
            for k, members in groups.items():
                drawn = generator.choice(members, settings.cubes_per_class)
                cubes.append(np.concatenate([images[i].draw(1, generator) for i in drawn]))
                targets.append(np.full(len(drawn), k))
                heard.append(np.full(len(drawn), weights[k] / len(drawn)))
            batch = _tensor(np.concatenate(cubes), device)
            logits = model.classify(model.reduce(orient(batch, int(generator.integers(COUNT)))))
            wanted = nn.functional.one_hot(torch.from_numpy(np.concatenate(targets)).to(device), logits.shape[1])
            loss = (_tensor(np.concatenate(heard), device) * model.criterion(logits, wanted.float())).sum()
            loss = loss + model.penalty()
            if not torch.isfinite(loss):
                raise TrainingError(f"fit: the loss is not finite in step {step + 1}: lower cubes.learning_rate")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
            optimiser.step()
            decay = min(settings.ema_decay, (step + 1) / (step + 10))
            with torch.no_grad():
                for kept, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                    kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)
            losses.append(loss.item())
            progress.advance(1, loss=losses[-1])
    progress.end()
    model.load_state_dict(average.state_dict())
    model.eval()
    return [float(part.mean()) for part in np.split(np.array(losses), settings.epochs)]


def vote(image: Image, model: PatchClassifier, count: int, generator: np.random.Generator, device: str) -> Vote:
    """Classify up to ``count`` cubes of an image and let the majority decide."""
    with torch.inference_mode():
        logits = model.classify(model.reduce(_tensor(image.draw(count, generator), device)))
        shares = torch.softmax(logits, dim=1).cpu().numpy().astype(np.float64)
    votes = np.bincount(shares.argmax(axis=1), minlength=shares.shape[1]) / len(shares)
    # Less than one vote apart, and so only where votes are equal: how probable a class is to all of them.
    label = int((votes + 0.5 / len(shares) * shares.mean(axis=0)).argmax())
    return Vote(label, votes, len(shares))


def _tensor(array: np.ndarray, device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
