"""Checkpoints in the layouts in which people have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_clip
import torch
from torch import Tensor

from special.errors import WeightsError
from special.teachers.image_text.weights import LoadedClip, find_clip


@pytest.fixture(autouse=True)
def tiny_models() -> None:
    tiny_clip.register()


def load(path: Path) -> LoadedClip:
    clip, reason = find_clip(f"tiny:{path}", offline=True, device="cpu")
    assert reason == ""
    assert clip is not None
    return clip


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def state() -> dict[str, Tensor]:
    return dict(tiny_clip.make().state_dict())


def named(prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{key}": value for key, value in state().items()}


def same_weights(clip: LoadedClip) -> bool:
    given = clip.model.state_dict()
    return all(torch.equal(given[key], value) for key, value in state().items())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "clip.", "module._orig_mod.", "model.clip_model."])
def test_names_of_wrappers_are_taken_off(tmp_path: Path, prefix: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", named(prefix))))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "ema"])
def test_what_training_keeps_beside_the_weights_is_passed_over(tmp_path: Path, key: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", {"epoch": 3, key: named("module.")})))


@pytest.mark.parametrize("extra", ["attn_mask", "logit_bias", "text.attn_mask"])
def test_what_changes_no_answer_is_left_out(tmp_path: Path, extra: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", {**state(), extra: torch.zeros(())})))


def test_positions_of_another_image_size_are_interpolated(tmp_path: Path) -> None:
    weights = state()
    own = weights["visual.positional_embedding"]
    side = round((len(own) - 1) ** 0.5)
    ramp = torch.arange(2 * side).float().repeat(2 * side)[:, None].expand(-1, own.shape[1])
    weights["visual.positional_embedding"] = torch.cat([own[:1], ramp])
    found = load(saved(tmp_path / "weights.pt", weights)).model.state_dict()["visual.positional_embedding"]
    assert torch.equal(found[0], own[0])
    along = found[1:, 0].reshape(side, side)
    assert torch.allclose(along, along[:1].expand_as(along), atol=1e-4)
    assert bool((along.diff(dim=1) > 0.5).all())


@pytest.mark.parametrize("name", ["visual.positional_embedding", "positional_embedding"])
def test_positions_that_are_no_grid_are_refused(tmp_path: Path, name: str) -> None:
    weights = state()
    weights[name] = torch.cat([weights[name], weights[name][:2]])
    with pytest.raises(WeightsError, match="of another shape"):
        load(saved(tmp_path / "weights.pt", weights))


@pytest.mark.parametrize(
    ("extra", "said"),
    [("vision_model.embeddings.class_embedding", "transformers"), ("positional_embedding_res", "248 tokens")],
)
def test_foreign_checkpoints_are_refused_with_what_helps(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        load(saved(tmp_path / "weights.pt", {**state(), extra: torch.zeros(3)}))
