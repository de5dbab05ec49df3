"""The training loop: its schedule, its losses, the tiles of a scene, and what it says of values that are not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from learn_scene import COLS, ROWS, build, learn_scene, warmup_settings
from torch import Tensor, nn

from special.errors import TrainingError
from special.models.orientation import orient
from special.progress import SILENT, Progress
from special.steps.warmup import PseudoLabels
from special.training.loop import Part, TrainingLoop, rate
from special.training.objective import Term
from special.training.randomness import stage_generator
from special.training.scene_tiles import SceneTrainer
from special.training.standardise import standardise


def _trainer(model: nn.Module | None = None, **changes: Any) -> SceneTrainer:
    scene = learn_scene()
    torch.manual_seed(0)
    return SceneTrainer(
        "warmup",
        model or build(scene.cube.shape[-1], 3),
        standardise(scene.cube, scene.valid),
        scene.valid,
        warmup_settings(**changes),
        stage_generator(0, "warmup"),
        "cpu",
    )


def _pseudo_labels(**changes: Any) -> PseudoLabels:
    scene = learn_scene()
    return PseudoLabels(scene.pseudo, scene.valid, warmup_settings(**changes))


def test_the_rate_rises_to_its_peak_and_falls_to_a_hundredth_at_the_last_optimiser_step() -> None:
    rates = [rate(step, 60) for step in range(60)]
    peak = int(np.argmax(rates))
    assert rates[peak] == 1.0 and peak < 10
    assert np.all(np.diff(rates[peak:]) <= 0)
    assert rates[-1] < 0.02


def test_the_schedule_counts_optimiser_steps_however_many_tiles_there_are() -> None:
    ends = []
    for tile in (8, 64):
        trainer = _trainer(tile=tile)
        trainer.run(_pseudo_labels(), None, SILENT)
        ends.append(
            (
                next(iter(trainer.loop.optimiser.state.values()))["step"].item(),
                trainer.loop.optimiser.param_groups[0]["lr"],
            )
        )
    assert ends[0] == ends[1] == (12, pytest.approx(warmup_settings().learning_rate * rate(11, 12)))


class _Points:
    """Examples without a scene: one spectrum of class 2, whose loss has two parts."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.drawn = 0

    def begin_epoch(self, epoch: int, generator: np.random.Generator) -> dict[str, Any]:
        self.epochs.append(epoch)
        return {"seen": self.drawn}

    def draw(self, generator: np.random.Generator) -> _Points:
        self.drawn += 1
        return self

    def parts(self, model: nn.Module) -> Iterator[Part]:
        target, weight = torch.tensor([[0.0, 1.0, 0.0]]), torch.ones(1)
        yield Part("plain", 1.0, model(torch.ones(1, 4)), target, weight)
        yield Part("scaled", 0.5, model(torch.ones(1, 4)), target, weight, scale=3)


def _loop(**changes: Any) -> TrainingLoop:
    torch.manual_seed(0)
    return TrainingLoop("fit", nn.Linear(4, 3), warmup_settings(**changes), stage_generator(0, "x"), "cpu")


def test_the_loop_learns_from_whatever_gives_examples() -> None:
    loop, points = _loop(learning_rate=0.1), _Points()
    loop.run(points)
    assert points.epochs == [0, 1, 2] and points.drawn == 12
    assert [record["seen"] for record in loop.history] == [0, 4, 8]
    assert loop.history[-1]["loss"] < loop.history[0]["loss"] / 2


def test_a_part_counts_by_its_factor_and_its_scale() -> None:
    figures = _loop().step(0, _Points())
    assert figures["loss_scaled"] == pytest.approx(3 * figures["loss_plain"])
    assert figures["loss"] == pytest.approx(figures["loss_plain"] + 0.5 * figures["loss_scaled"])


def test_every_valid_pixel_belongs_to_one_tile() -> None:
    scene = learn_scene()
    trainer = _trainer(tile=9, overlap=3)
    count = np.zeros((ROWS, COLS), dtype=int)
    for window, owned in zip(trainer.windows, trainer.owned, strict=True):
        count[window] += owned
    np.testing.assert_array_equal(count, scene.valid)
    assert len(trainer.windows) > 4


def test_tiles_without_a_valid_pixel_are_left_out() -> None:
    scene = learn_scene()
    valid = scene.valid.copy()
    valid[:, :10] = False
    settings = warmup_settings(tile=7, overlap=0)
    trainer = SceneTrainer("warmup", build(12, 3), scene.cube, valid, settings, stage_generator(0, "x"), "cpu")
    assert all(owned.any() for owned in trainer.owned)
    assert all(cols.stop > 10 for _, cols in trainer.windows)


class _OnePixel:
    """An objective of one pixel, seen by a classifier that marks where it was."""

    def begin_epoch(
        self, epoch: int, predicted: Callable[[], np.ndarray], generator: np.random.Generator
    ) -> dict[str, Any]:
        return {}

    def terms(self, window: tuple[slice, slice], owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        target = np.array([[0.0, 1.0, 0.0]], dtype=np.float32)
        return [Term("one", 1.0, np.array([5 * COLS + 3]), target, np.ones(1, dtype=np.float32))]


class _PerPixel(nn.Module):
    """Logits that depend on the pixel alone; remembers the shapes it was shown."""

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(bands, classes, 1)
        self.shapes: set[tuple[int, ...]] = set()

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        turned = orient(x, view)
        self.shapes.add(tuple(turned.shape[-2:]))
        return self.head(turned)


def test_targets_follow_their_pixels_through_every_orientation() -> None:
    model = _PerPixel(12, 3)
    trainer = _trainer(model, epochs=1, steps=12, tile=64, learning_rate=0.0)
    trainer.run(_OnePixel(), None, SILENT)
    assert model.shapes == {(ROWS, COLS), (COLS, ROWS)}
    pixel = torch.from_numpy(trainer.spectra[5, 3])[None, :, None, None]
    expected = -torch.log_softmax(model.head(pixel).detach()[0, :, 0, 0], dim=0)[1].item()
    assert trainer.history[0]["loss"] == pytest.approx(expected, abs=1e-5)


class _Poison(nn.Module):
    """Logits of class 3 become infinite at the given forward pass."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.inner = build(12, 3)
        self.at, self.calls = at, 0

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        self.calls += 1
        logits: Tensor = self.inner(x, view)
        if self.calls == self.at:
            logits = logits + torch.tensor([0.0, 0.0, -torch.inf])[:, None, None]
        return logits


def test_a_loss_that_is_not_finite_is_an_error_that_names_stage_epoch_and_class() -> None:
    trainer = _trainer(_Poison(at=6), tile=64)
    with pytest.raises(TrainingError, match=r"warmup: the loss is not finite in epoch 2 of 3, class .*3"):
        trainer.run(_pseudo_labels(tile=64), None, SILENT)


class _SteepAtZero(nn.Module):
    """A finite loss whose gradient is not: the square root of 0."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = build(12, 3)
        self.nought = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        logits: Tensor = self.inner(x, view)
        return logits + torch.sqrt(self.nought)


def test_a_gradient_that_is_not_finite_is_an_error_too() -> None:
    with pytest.raises(TrainingError, match="warmup: the gradient is not finite in epoch 1 of 3"):
        _trainer(_SteepAtZero()).run(_pseudo_labels(), None, SILENT)


def test_a_scene_without_a_valid_pixel_is_an_error() -> None:
    scene = learn_scene()
    nothing = np.zeros_like(scene.valid)
    with pytest.raises(TrainingError, match="no valid pixel"):
        SceneTrainer("warmup", build(12, 3), scene.cube, nothing, warmup_settings(), stage_generator(0, "x"), "cpu")


def test_progress_is_told_of_every_step_with_its_loss() -> None:
    class Listener(Progress):
        def __init__(self) -> None:
            self.total, self.losses = 0, []

        def begin(self, what: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1, **figures: float) -> None:
            self.losses.append(figures["loss"])

    listener = Listener()
    trainer = _trainer()
    trainer.run(_pseudo_labels(), None, listener)
    assert listener.total == len(listener.losses) == 12
    assert trainer.history[0]["loss"] == pytest.approx(np.mean(listener.losses[:4]), abs=1e-5)


def test_the_averaged_weights_predict_and_differ_from_the_last_ones() -> None:
    trainer = _trainer()
    trainer.run(_pseudo_labels(), None, SILENT)
    averaged, last = trainer.weights(), trainer.model.state_dict()
    assert any(not torch.equal(averaged[name], last[name]) for name in averaged)
