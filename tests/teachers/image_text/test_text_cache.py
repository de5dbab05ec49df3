"""The vectors of class names are made once, and what is kept of them is never believed when it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from special.teachers.image_text.text_vectors import kept_embeddings

VECTORS = torch.tensor([[0.6, 0.8], [1.0, 0.0]])


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Tensor:
        self.asked += 1
        return VECTORS


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_the_second_run_makes_nothing(make: Maker, tmp_path: Path) -> None:
    found = [kept_embeddings(tmp_path / "cache", {"names": ["water"]}, make) for _ in range(2)]
    assert make.asked == 1
    assert all(torch.equal(vectors, VECTORS) for vectors in found)


def test_another_model_or_prompt_is_made_anew(make: Maker, tmp_path: Path) -> None:
    for weights, template in (("a", "a photo of {}"), ("b", "a photo of {}"), ("b", "a map of {}")):
        kept_embeddings(tmp_path, {"weights": weights, "templates": [template]}, make)
    assert make.asked == 3


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY"])
def test_what_is_damaged_is_made_anew(content: bytes, make: Maker, tmp_path: Path) -> None:
    kept_embeddings(tmp_path, {}, make)
    next(tmp_path.iterdir()).write_bytes(content)
    assert torch.equal(kept_embeddings(tmp_path, {}, make), VECTORS)
    assert make.asked == 2


def test_a_folder_that_cannot_be_made_is_no_matter(make: Maker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert torch.equal(kept_embeddings(tmp_path / "file" / "cache", {}, make), VECTORS)


def test_without_a_cache_nothing_is_kept(make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept_embeddings(None, {}, make)
    assert not list(tmp_path.iterdir())
