"""Known models from where they lie: the hub, and zip archives elsewhere."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hub_server
import pytest
import tiny_clip
import torch
from hub_server import HubServer

from special.errors import WeightsError
from special.progress import Progress
from special.teachers.image_text.known import KnownModel, known_models
from special.teachers.image_text.sources import is_here
from special.teachers.image_text.weights import load_clip


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    tiny_clip.register()
    with hub_server.as_the_hub(monkeypatch) as hub:
        yield hub


def tiny(monkeypatch: pytest.MonkeyPatch, name: str, **changes: str) -> KnownModel:
    """Let a known model be of the tiny architecture."""
    model = replace(known_models()[name], architecture="tiny", **changes)  # type: ignore[arg-type]
    monkeypatch.setitem(known_models(), name, model)
    return model


def as_torch(state: dict[str, torch.Tensor]) -> bytes:
    content = io.BytesIO()
    torch.save({"epoch": 20, "state_dict": {f"module.{key}": value for key, value in state.items()}}, content)
    return content.getvalue()


def weights() -> bytes:
    return as_torch(dict(tiny_clip.make().state_dict()))


def test_a_known_model_comes_by_name_with_its_terms_said_and_its_own_activation(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny(monkeypatch, "remoteclip:ViT-B-32")
    server.files[f"{model.repo}/{model.file}"] = weights()
    told = Told()
    clip = load_clip(model.name, offline=False, device="cpu", cache_dir=tmp_path, progress=told)
    assert clip is not None
    assert (clip.name, clip.activation) == (model.name, "QuickGELU")
    assert told.lines[0] == f"{model.name}: licence unknown to special: see {model.page}"
    assert is_here(model, tmp_path)
    again = Told()
    load_clip(model.name, offline=True, device="cpu", cache_dir=tmp_path, progress=again)
    assert again.lines == []


def test_another_file_than_the_table_knows_is_refused(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny(monkeypatch, "remoteclip:ViT-B-32", sha256="0" * 64)
    server.files[f"{model.repo}/{model.file}"] = weights()
    with pytest.raises(WeightsError, match="no longer the file that special knows") as caught:
        load_clip(model.name, offline=False, device="cpu", cache_dir=tmp_path)
    assert not caught.value.passing


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def sky(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """SkyCLIP, which lies in a zip archive of its own."""
    server.files["ckpt/sky/SkyCLIP.zip"] = zipped({"SkyCLIP/notes.txt": b"", "SkyCLIP/epoch_20.pt": weights()})
    return tiny(monkeypatch, "skyclip:ViT-L-14", url=f"{server.url}/ckpt/sky/SkyCLIP.zip")


def test_a_model_in_a_zip_archive_is_taken_out_and_said_to_be_unchecked(sky: KnownModel, tmp_path: Path) -> None:
    told = Told()
    clip = load_clip(sky.name, offline=False, device="cpu", cache_dir=tmp_path, progress=told)
    assert clip is not None
    assert clip.activation == "QuickGELU"
    assert "states no hash to check it by" in told.lines[1]
    assert [path.name for path in tmp_path.iterdir()] == ["skyclip-ViT-L-14.pt"]
    assert load_clip(sky.name, offline=True, device="cpu", cache_dir=tmp_path) is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [(zipped({"other.pt": b""}), "has no epoch_20.pt in it"), (b"PK\x03\x04 damaged", "came damaged: try again")],
)
def test_an_archive_that_is_not_as_expected_leaves_nothing(
    sky: KnownModel, server: HubServer, tmp_path: Path, content: bytes, said: str
) -> None:
    server.files["ckpt/sky/SkyCLIP.zip"] = content
    with pytest.raises(WeightsError, match=said):
        load_clip(sky.name, offline=False, device="cpu", cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_transformers_comes_from_the_hub_by_its_configuration(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_layouts import transformers_folder

    transformers_folder(tmp_path / "made")
    repo = known_models()["rsicd:ViT-B-32"].repo
    server.files |= {f"{repo}/{path.name}": path.read_bytes() for path in (tmp_path / "made").iterdir()}
    told = Told()
    clip = load_clip("rsicd:ViT-B-32", offline=False, device="cpu", cache_dir=tmp_path / "cache", progress=told)
    assert told.lines[0] == "rsicd:ViT-B-32: licence Apache-2.0 (the repository of the code)"
    assert clip is not None
    assert (clip.activation, clip.mean) == ("QuickGELU", (0.1, 0.2, 0.3))


def test_a_gated_model_says_what_to_do(server: HubServer, tmp_path: Path) -> None:
    server.refused["some/gated"] = (403, "GatedRepo")
    with pytest.raises(WeightsError, match="accept them on its page at the hub, then hf auth login") as caught:
        load_clip("hf-hub:some/gated", offline=False, device="cpu", cache_dir=tmp_path)
    assert "try again online" not in str(caught.value)
