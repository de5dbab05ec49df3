"""A training that is killed and goes on ends in the same bits as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learn_scene import build, learn_scene, refine_settings, warmup_settings

from special.progress import SILENT, Progress
from special.steps.refine import refine
from special.steps.warmup import warmup
from special.training.checkpoint import Checkpoint, State

STATE = State({"a": torch.arange(3.0), "b.c": torch.tensor([7], dtype=torch.uint8)}, {"history": [1], "big": 2**100})


class Killed(Exception):
    pass


class KillAfter(Progress):
    """Raise in the middle of a training, as a kill would."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.left -= steps
        if self.left < 0:
            raise Killed


def _warmup(checkpoint: Checkpoint | None, progress: Progress) -> Any:
    scene = learn_scene()
    return warmup(
        scene.cube,
        scene.valid,
        scene.pseudo,
        warmup_settings(),
        build,
        seed=1,
        checkpoint=checkpoint,
        progress=progress,
    )


def _refine(checkpoint: Checkpoint | None, progress: Progress) -> Any:
    scene = learn_scene()
    torch.manual_seed(5)
    start = build(scene.cube.shape[-1], 3).state_dict()
    return refine(
        scene.cube,
        scene.valid,
        scene.pseudo,
        start,
        refine_settings(),
        build,
        seed=1,
        checkpoint=checkpoint,
        progress=progress,
    )


@pytest.mark.parametrize("train", [_warmup, _refine])
@pytest.mark.parametrize("steps", [2, 6, 11])
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(
    tmp_path: Path, train: Callable[..., Any], steps: int
) -> None:
    whole = train(None, SILENT)
    checkpoint = Checkpoint(tmp_path, "key")
    with pytest.raises(Killed):
        train(checkpoint, KillAfter(steps))
    torch.manual_seed(99)  # the world outside has moved on
    resumed = train(checkpoint, SILENT)
    assert resumed.figures == whole.figures
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)
    assert all(torch.equal(resumed.state_dict[name], whole.state_dict[name]) for name in whole.state_dict)


def test_a_resumed_training_does_not_repeat_finished_epochs(tmp_path: Path) -> None:
    class Count(Progress):
        def __init__(self) -> None:
            self.steps: list[int] = []

        def advance(self, steps: int = 1, **figures: float) -> None:
            self.steps.append(steps)

    checkpoint = Checkpoint(tmp_path, "key")
    with pytest.raises(Killed):
        _warmup(checkpoint, KillAfter(9))  # epochs of four steps: two are finished
    count = Count()
    _warmup(checkpoint, count)
    assert count.steps == [8, 1, 1, 1, 1]


def test_a_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "new" / "folder", "key")
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    loaded = checkpoint.load()
    assert loaded is not None and loaded.progress == STATE.progress
    assert loaded.tensors.keys() == STATE.tensors.keys()
    assert all(torch.equal(loaded.tensors[name], STATE.tensors[name]) for name in STATE.tensors)


def test_a_state_of_other_settings_is_refused(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "settings A").save(STATE)
    assert Checkpoint(tmp_path, "settings B").load() is None


class Listener(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize("damage", ["cut", "flipped in a tensor", "flipped in the header", "empty"])
def test_a_damaged_checkpoint_is_said_in_one_line_and_not_resumed_from(tmp_path: Path, damage: str) -> None:
    checkpoint, listener = Checkpoint(tmp_path, "key"), Listener()
    checkpoint.save(STATE)
    data = bytearray(checkpoint.path.read_bytes())
    if damage == "flipped in a tensor":
        data[-3] ^= 1
    elif damage == "flipped in the header":
        data[data.index(b"progress") + 14] ^= 1
    checkpoint.path.write_bytes({"cut": data[:40], "empty": b""}.get(damage, data))
    assert checkpoint.load(listener) is None
    assert len(listener.lines) == 1 and "is damaged: the step is trained from its beginning" in listener.lines[0]


def _wrong(state: State, what: str) -> State:
    """A state whose hash will be right, as whoever sends a run to do harm would write it."""
    tensors, progress = dict(state.tensors), dict(state.progress)
    match what:
        case "other shapes":
            tensors = {name: value[..., :1] if value.ndim else value for name, value in tensors.items()}
        case "weights that are no numbers":
            tensors = {
                name: value * float("nan") if value.is_floating_point() else value for name, value in tensors.items()
            }
        case "half an optimiser":
            tensors = {name: value for name, value in tensors.items() if not name.endswith("exp_avg_sq")}
        case "another random state":
            tensors["random.torch"] = tensors["random.torch"][:100]
        case "no generator":
            progress["random"] = {"bit_generator": "PCG64", "state": [1]}
        case "a history of words":
            progress["history"] = ["a", "b"]
        case "a history without end":
            progress["history"] = [{"epoch": number, "loss": 1.0} for number in range(1, 1000)]
    return State(tensors, progress)


@pytest.mark.parametrize(
    "what",
    [
        *("other shapes", "weights that are no numbers", "half an optimiser", "another random state"),
        *("no generator", "a history of words", "a history without end"),
    ],
)
def test_a_state_that_fits_no_training_is_said_in_one_line_and_not_resumed_from(tmp_path: Path, what: str) -> None:
    undisturbed = _warmup(None, SILENT).state_dict
    checkpoint = Checkpoint(tmp_path, "key")
    with pytest.raises(Killed):
        _warmup(checkpoint, KillAfter(warmup_settings().steps + 1))
    state = checkpoint.load()
    assert state is not None
    checkpoint.save(_wrong(state, what))
    listener = Listener()
    weights = _warmup(checkpoint, listener).state_dict
    assert len(listener.lines) == 1 and "is damaged: the step is trained from its beginning" in listener.lines[0]
    assert all(torch.equal(weights[name], value) for name, value in undisturbed.items())


def test_progress_that_is_nested_too_deeply_is_damage(tmp_path: Path) -> None:
    from safetensors.torch import save

    from special.training.checkpoint import _digest

    checkpoint, listener, progress = Checkpoint(tmp_path, "key"), Listener(), "[" * 100_000 + "]" * 100_000
    tensors = {"a": torch.arange(3.0)}
    header = {"key": "key", "progress": progress, "sha256": _digest(tensors, progress)}
    checkpoint.path.write_bytes(save(tensors, header))
    assert checkpoint.load(listener) is None
    assert len(listener.lines) == 1 and "is damaged" in listener.lines[0]


def test_a_failed_save_leaves_the_old_state_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.save(STATE)

    def full(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("special.training.checkpoint.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save(State({}, {"history": []}))
    loaded = checkpoint.load()
    assert loaded is not None and loaded.progress["history"] == [1]
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.path.name]


def test_training_leaves_the_random_state_of_its_caller_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    _warmup(None, SILENT)
    assert torch.equal(torch.get_rng_state(), before)
