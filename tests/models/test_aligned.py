"""The aligned encoder: patches next to several prompts per class, contrasted with chosen wrong classes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from special.errors import SettingsError
from special.models.aligned import Aligned, AlignedSettings
from special.settings import load

ANCHORS = [torch.eye(6)[:2], torch.eye(6)[2:3], torch.eye(6)[3:4], torch.eye(6)[4:5], torch.eye(6)[5:6]]


def settings(**changes: Any) -> AlignedSettings:
    short = {"patch": 3, "components": 4, "width": 8, "layers": 1, "heads": 2, **changes}
    return load(changes={f"aligned.{name}": value for name, value in short.items()}).build(AlignedSettings)


def model(**changes: Any) -> Aligned:
    torch.manual_seed(0)
    return Aligned(7, 5, settings(**changes), ANCHORS).eval()


def test_logits_are_mean_cosines_with_the_prompts_times_the_scale() -> None:
    made, cubes = model(temperature=0.5), torch.randn(3, 4, 3, 3)
    features = made.probe(made.encoder(cubes))
    expected = [torch.cosine_similarity(features[:, None], own[None], dim=2).mean(dim=1) for own in ANCHORS]
    torch.testing.assert_close(made.classify(cubes), 2 * torch.stack(expected, dim=1))


def test_the_temperature_is_learned_and_the_prompts_are_not() -> None:
    made = model()
    made.classify(torch.randn(3, 4, 3, 3)).square().sum().backward()
    assert made.log_scale.grad is not None and made.log_scale.grad != 0
    assert "anchors" not in dict(made.named_parameters())


def test_the_hardest_wrong_classes_are_those_that_are_closest_now() -> None:
    logits = torch.tensor([[9.0, 1.0, 3.0, 2.0, 0.0], [0.0, 5.0, 4.0, 9.0, 1.0]])
    chosen = model(hard=2, semi_hard=0).choose(logits, torch.tensor([0, 1]))
    assert chosen.tolist() == [[True, False, True, True, False], [False, True, True, True, False]]


def test_distractors_are_drawn_from_the_other_classes_at_random() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[9.0, 8.0, 3.0, 2.0, 0.0]]).repeat(300, 1)
    chosen = model(hard=1, semi_hard=1).choose(logits, torch.zeros(300, dtype=torch.int64))
    assert chosen[:, :2].all() and (chosen.sum(dim=1) == 3).all()
    assert (chosen[:, 2:].float().mean(dim=0) > 0.2).all()


def test_with_few_classes_all_are_seen() -> None:
    assert model(hard=9, semi_hard=9).choose(torch.zeros(2, 5), torch.tensor([0, 4])).all()


def test_the_loss_sees_the_chosen_classes_alone() -> None:
    made = model(hard=1, semi_hard=0)
    logits = torch.tensor([[2.0, 1.0, 0.5, 0.0, -1.0]], requires_grad=True)
    loss = made.criterion(logits, torch.eye(5)[:1])
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits[:, :2], torch.tensor([0]))[None])
    loss.sum().backward()
    assert logits.grad is not None and logits.grad[0, 2:].abs().max() == 0


def test_soft_targets_count_where_their_classes_are_chosen() -> None:
    made = model(hard=1, semi_hard=0)
    logits, targets = torch.tensor([[2.0, 1.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.6, 0.2, 0.2, 0.0, 0.0]])
    expected = -(torch.tensor([0.75, 0.25]) * torch.log_softmax(logits[0, :2], dim=0)).sum()
    torch.testing.assert_close(made.criterion(logits, targets), expected[None])


def test_other_classes_can_be_handed_to_a_trained_head() -> None:
    made, cubes = model(), torch.randn(3, 4, 3, 3)
    before = made.classify(cubes)
    made.retarget([ANCHORS[4], ANCHORS[1]])
    torch.testing.assert_close(made.classify(cubes), before[:, [4, 1]])


def test_the_default_stays_well_under_a_million_parameters() -> None:
    default = Aligned(200, 16, load("aligned").build(AlignedSettings), [torch.randn(3, 384)] * 16)
    assert sum(parameter.numel() for parameter in default.parameters()) < 200_000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 7}, "aligned.width must be a multiple of the 2 heads"),
        ({"hard": 0, "semi_hard": 0}, "both 0"),
        ({"temperature": 0.0}, "aligned.temperature must be"),
        ({"patch": 0}, "aligned.patch must be 1 to 1024"),
    ],
)
def test_settings_without_a_model_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings(**changes)
