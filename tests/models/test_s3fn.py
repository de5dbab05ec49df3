"""S3FN: stage 1 trains a 3D-CNN, stage 2 lays its frozen features next to label embeddings."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from special.errors import SettingsError
from special.models.s3fn import S3FN, CubeCNN, CubeFeatures, S3FNSettings, SpectralMean
from special.settings import load

TEXTS = torch.tensor([[3.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])


def settings(**changes: Any) -> S3FNSettings:
    short = {"patch": 3, "components": 4, **changes}
    return load(changes={f"s3fn.{name}": value for name, value in short.items()}).build(S3FNSettings)


def model(stage: int, **changes: Any) -> S3FN:
    torch.manual_seed(0)
    made = S3FN(6, 3, settings(**changes), TEXTS)
    made.begin_step(0.0 if stage == 1 else 0.99)
    return made


def gradients(made: S3FN) -> dict[str, Tensor | None]:
    cubes = torch.randn(8, 4, 3, 3)
    (made.classify(cubes).square().sum() + made.penalty()).backward()
    return {name: parameter.grad for name, parameter in made.named_parameters()}


def test_stage_1_trains_the_features_and_the_plain_head() -> None:
    trained = {name.partition(".")[0] for name, grad in gradients(model(1)).items() if grad is not None}
    assert trained == {"features", "hidden", "head"}


def test_stage_2_trains_the_projection_alone() -> None:
    trained = {name.partition(".")[0] for name, grad in gradients(model(2)).items() if grad is not None}
    assert trained == {"projection"}


def test_stage_2_is_the_cosine_with_the_label_embeddings_over_the_temperature() -> None:
    made = model(2, temperature=0.5).eval()
    cubes = torch.randn(5, 4, 3, 3)
    expected = torch.cosine_similarity(made.projection(made.features(cubes))[:, None], TEXTS[None], dim=2) / 0.5
    torch.testing.assert_close(made.classify(cubes), expected)


def test_at_the_paper_s_temperature_no_answer_can_be_sure() -> None:
    shares = torch.softmax(model(2, temperature=1.0).eval().classify(torch.randn(50, 4, 3, 3)), dim=1)
    assert shares.max() <= torch.softmax(torch.tensor([1.0, -1.0, -1.0]), dim=0).max() + 1e-6


def test_the_stage_travels_with_the_weights() -> None:
    taught, fresh = model(2), model(1)
    fresh.load_state_dict(taught.state_dict())
    cubes = torch.randn(5, 4, 3, 3)
    assert torch.equal(fresh.eval().classify(cubes), taught.eval().classify(cubes))


def test_the_first_share_of_the_schedule_is_stage_1() -> None:
    made = model(1, stage1_share=0.6)
    stages = []
    for done in (0.0, 0.59, 0.61, 1.0):
        made.begin_step(done)
        stages.append(int(made.stage))
    assert stages == [1, 1, 2, 2]


def test_the_penalty_weighs_each_layer_by_its_own_factor() -> None:
    made = CubeCNN(6, 3, settings(l2=[1.0, 0.0, 0.0, 0.0, 10.0]))
    expected = made.features.first.weight.square().sum() + 10 * made.hidden.weight.square().sum()
    torch.testing.assert_close(made.penalty(), expected)


@pytest.mark.parametrize(("patch", "components"), [(1, 1), (2, 3), (5, 8), (16, 16), (17, 23)])
def test_features_of_cubes_of_any_size(patch: int, components: int) -> None:
    assert CubeFeatures(patch, components)(torch.zeros(2, components, patch, patch)).shape == (2, 128)


def test_the_paper_s_cube_has_its_number_of_features_before_the_dense_layer() -> None:
    # 32 x 32 x 23: 30 x 30 x 21, 15 x 15 x 10, 13 x 13 x 8, 11 x 11 x 6, 5 x 5 x 3, times 128 channels.
    assert CubeFeatures(32, 23).dense.in_features == 5 * 5 * 3 * 128


def test_the_spectral_mean_knows_no_space() -> None:
    made = SpectralMean(6, 3, settings()).eval()
    cubes = torch.randn(4, 4, 3, 3)
    shuffled = cubes.flatten(2)[..., torch.randperm(9)].reshape_as(cubes)
    torch.testing.assert_close(made.classify(cubes), made.classify(shuffled))


@pytest.mark.parametrize(
    "changes",
    [{"patch": 0}, {"components": 0}, {"dropout": 1.0}, {"l2": [0.1]}, {"stage1_share": 1.0}, {"temperature": 0.0}],
)
def test_settings_without_a_model_are_refused(changes: dict) -> None:
    with pytest.raises(SettingsError, match=rf"s3fn\.{next(iter(changes))} must be"):
        settings(**changes)
