"""TorchScript archives: their tensors are read, their program is not run."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import tiny_clip
import torch
from torch import Tensor, nn

from special.errors import WeightsError
from special.teachers.image_text.checkpoint import read_state
from special.teachers.image_text.torchscript import is_torchscript, read_tensors
from special.teachers.image_text.weights import find_clip


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).reshape(2, 3).half())
        self.register_buffer("counts", torch.tensor([1, 2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.float()


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visual = Inner()
        self.turned = nn.Parameter(torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).t())
        self.sizes = [1, 2, 3]
        self.name = "outer"

    def forward(self, x: Tensor) -> Tensor:
        return self.visual(x)


def archive(path: Path, module: nn.Module | None = None) -> Path:
    torch.jit.save(torch.jit.script((module or Outer()).eval()), str(path))
    return path


def test_the_tensors_are_those_of_the_state_dict(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.pt")
    assert is_torchscript(path)
    found, expected = read_tensors(path), Outer().state_dict()
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value)


def test_a_plain_checkpoint_is_no_archive(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, tmp_path / "plain.pt")
    assert not is_torchscript(tmp_path / "plain.pt")


def test_openai_s_kind_of_file_is_loaded_without_torch_reading_its_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_clip.make()

    class Holder(nn.Module):
        """Has the parameters of a CLIP by their names, and the extra entries of OpenAI's."""

        def __init__(self, state: dict[str, Tensor]) -> None:
            super().__init__()
            for key, value in state.items():
                *path, last = key.split(".")
                home: nn.Module = self
                for part in path:
                    if part not in home._modules:
                        home.add_module(part, nn.Module())
                    home = home._modules[part]  # type: ignore[assignment]
                home.register_buffer(last, value)
            for name in ("input_resolution", "context_length", "vocab_size"):
                self.register_buffer(name, torch.tensor(32))

        def forward(self, x: Tensor) -> Tensor:
            return x

    path = archive(tmp_path / "clip.pt", Holder(dict(model.state_dict())))

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the program was opened")

    monkeypatch.setattr(torch.jit, "load", refuse)
    clip, _ = find_clip(f"tiny-quickgelu:{path}", offline=True, device="cpu")
    assert clip is not None
    assert all(torch.equal(clip.model.state_dict()[key], value) for key, value in model.state_dict().items())
    assert clip.activation_from == "OpenAI's own layout"


class Trap:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def rewritten(path: Path, out: Path, description: bytes | None = None, without: str = "") -> Path:
    """Copy an archive with another ``data.pkl``, or without one of its parts."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            if not without or not name.endswith(without):
                new = description if description is not None and name.endswith("/data.pkl") else source.read(name)
                target.writestr(name, new)
    return out


def test_code_in_an_archive_is_not_run(tmp_path: Path) -> None:
    trap = pickle.dumps({"weight": Trap(tmp_path / "sprung")})
    path = rewritten(archive(tmp_path / "model.pt"), tmp_path / "trap.pt", trap)
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        read_state(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("word", ["builtins.eval", "os.system", "torch.load", "torch._utils._rebuild_xla_tensor"])
def test_words_that_no_weights_have_end_the_reading(tmp_path: Path, word: str) -> None:
    module, _, name = word.rpartition(".")
    description = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"."
    path = rewritten(archive(tmp_path / "model.pt"), tmp_path / "odd.pt", description)
    with pytest.raises(pickle.UnpicklingError, match="is no part of a model's weights"):
        read_tensors(path)


def test_an_archive_that_lacks_a_tensor_s_numbers_is_refused(tmp_path: Path) -> None:
    path = rewritten(archive(tmp_path / "model.pt"), tmp_path / "half.pt", without="data/0")
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        read_state(path)


def test_a_tensor_larger_than_its_numbers_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "model.pt")
    with zipfile.ZipFile(source) as content:
        name = next(name for name in content.namelist() if name.endswith("/data.pkl"))
        description = content.read(name)
    larger = description.replace(b"(K\x02K\x03t", b"(K\x7fK\x7ft", 1)  # the size (2, 3) of the inner weight
    assert larger != description
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        read_state(rewritten(source, tmp_path / "large.pt", larger))


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    source = archive(tmp_path / "model.pt")
    with (
        zipfile.ZipFile(source) as content,
        zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in content.namelist():
            target.writestr(name, content.read(name))
    with pytest.raises(ValueError, match="compressed"):
        read_tensors(tmp_path / "small.pt")
