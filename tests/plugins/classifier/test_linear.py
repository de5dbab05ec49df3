"""The classifier by itself, without its entry point."""

from __future__ import annotations

import pytest
import torch
from special_linear import LINEAR, LinearSettings

from special.models.orientation import COUNT, orient
from special.settings import load


@pytest.mark.parametrize("view", range(COUNT))
def test_a_view_is_as_if_the_image_were_turned_before(view: int) -> None:
    network = LINEAR.build(LinearSettings(), None)(6, 3).eval()
    image = torch.randn(1, 6, 4, 5, generator=torch.Generator().manual_seed(view))
    logits = network(image, view)
    assert logits.shape[:2] == (1, 3)
    torch.testing.assert_close(logits, network(orient(image, view)))


def test_its_pipeline_extends_the_default_one() -> None:
    assert load(LINEAR.pipeline).values["warmup.learning_rate"] == 0.01
