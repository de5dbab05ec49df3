"""Finding and loading image-text models: every form of --clip, and what is refused."""

from __future__ import annotations

import json
import pickle
import socket
from pathlib import Path

import open_clip.pretrained
import pytest
import tiny_clip
import torch
from safetensors.torch import save_file

from special.errors import SettingsError, WeightsError
from special.progress import Progress
from special.teachers.image_text import weights
from special.teachers.image_text.checkpoint import file_sha256
from special.teachers.image_text.weights import find_clip

REPO = "someone/tiny-clip"


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch):
    """The tiny architectures, and one published weight for them: tiny:published, trained with QuickGELU."""
    tiny_clip.register()
    entry = {"url": "", "hf_hub": f"{REPO}/", "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1), "quick_gelu": True}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"published": entry})
    return entry


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the network; every attempt fails."""
    attempts = []

    def refuse(*arguments, **_):
        attempts.append(arguments)
        raise OSError("no network in tests")

    for name in ("getaddrinfo", "create_connection", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return attempts


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self):
        self.lines, self.arrived = [], 0

    def say(self, line):
        self.lines.append(line)

    def advance(self, steps=1, **figures):
        self.arrived += steps


def load(spec, **options):
    clip, reason = find_clip(spec, **{"offline": True, "device": "cpu", **options})
    assert reason == ""
    return clip


def failure(spec, kind=WeightsError, **options):
    """Return the one line that the user sees."""
    with pytest.raises(kind) as caught:
        find_clip(spec, **{"offline": True, "device": "cpu", **options})
    line = str(caught.value)
    assert "\n" not in line
    return line


def same_weights(clip, model):
    given = clip.model.state_dict()
    return all(torch.equal(given[key], value) for key, value in model.state_dict().items())


# Files


@pytest.mark.parametrize("form", ["safetensors", "torch", "training checkpoint"])
def test_a_checkpoint_file_is_loaded_whatever_its_suffix(tmp_path, form):
    state = tiny_clip.make().state_dict()
    path = tmp_path / "weights.bin"
    if form == "safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    elif form == "torch":
        torch.save(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    clip = load(f"tiny:{path}")
    assert same_weights(clip, tiny_clip.make())
    assert clip.weights_sha256 == file_sha256(path)
    assert not clip.model.training
    assert all(parameter.dtype == torch.float32 for parameter in clip.model.parameters())


def test_half_precision_weights_are_computed_with_in_float32(tmp_path):
    path = tmp_path / "half.safetensors"
    save_file({key: value.half().contiguous() for key, value in tiny_clip.make().state_dict().items()}, path)
    assert next(load(f"tiny:{path}").model.parameters()).dtype == torch.float32


def test_the_identity_is_json_and_names_what_decides_the_answers(tmp_path, tiny_models):
    path = tiny_clip.save(tmp_path / "a.safetensors")
    identity = json.loads(json.dumps(load(f"tiny:{path}").identity()))
    assert identity == {
        "architecture": "tiny",
        "weights_sha256": file_sha256(path),
        # All published weights of this architecture (one) share these, so a bare file is taken to want them as well.
        "mean": list(tiny_models["mean"]),
        "std": list(tiny_models["std"]),
        "activation": "GELU",
    }


def test_a_missing_file_says_so(tmp_path):
    assert "no checkpoint at" in failure(f"tiny:{tmp_path / 'absent.pt'}")


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04 truncated", (9).to_bytes(8, "little") + b'{"a": 1} ']
)
def test_an_unreadable_file_says_so_in_one_line(tmp_path, content):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    assert "cannot be read as a checkpoint" in failure(f"tiny:{path}")


def test_half_a_download_says_so_in_one_line(tmp_path):
    path = tiny_clip.save(tmp_path / "whole.safetensors")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cannot be read as a checkpoint" in failure(f"tiny:{path}")


class Trap:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_code_in_a_checkpoint_is_never_run(tmp_path, save):
    save({"state_dict": Trap(tmp_path / "sprung")}, tmp_path / "trap.pt")
    assert "cannot be read as a checkpoint" in failure(f"tiny:{tmp_path / 'trap.pt'}")
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    path = tiny_clip.save(tmp_path / "wide.safetensors", "tiny-wide")
    assert "does not fit tiny: " in (line := failure(f"tiny:{path}"))
    assert "of another shape" in line


def test_missing_and_unknown_tensors_are_refused(tmp_path):
    state = {key: value.contiguous() for key, value in tiny_clip.make().state_dict().items()}
    state["visual.extra"] = state.pop("visual.proj")
    save_file(state, tmp_path / "odd.safetensors")
    line = failure(f"tiny:{tmp_path / 'odd.safetensors'}")
    assert "1 tensors missing (visual.proj)" in line
    assert "1 tensors unknown (visual.extra)" in line


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = {key: value.clone() for key, value in tiny_clip.make().state_dict().items()}
    state["visual.proj"][0, 0] = torch.nan
    save_file(state, tmp_path / "nan.safetensors")
    assert "visual.proj has values that are not finite" in failure(f"tiny:{tmp_path / 'nan.safetensors'}")


# Activation and preprocessing


def openai_layout(path):
    state = dict(tiny_clip.make().state_dict())
    state |= {"input_resolution": torch.tensor(32), "context_length": torch.tensor(77), "vocab_size": torch.tensor(9)}
    torch.save(state, path)
    return path


def test_openai_weights_in_an_architecture_without_quickgelu_are_an_error(tmp_path):
    path = openai_layout(tmp_path / "model.pt")
    line = failure(f"tiny:{path}")
    assert "was trained with QuickGELU" in line
    assert f"name tiny-quickgelu:{path}" in line
    assert load(f"tiny-quickgelu:{path}").activation == "QuickGELU"


def test_a_file_named_after_quickgelu_is_held_to_it(tmp_path):
    path = tiny_clip.save(tmp_path / "vit-quick-gelu-laion.safetensors")
    assert "was trained with QuickGELU (the file's name)" in failure(f"tiny:{path}")


def test_a_configuration_beside_the_file_decides_activation_and_preprocessing(tmp_path):
    path = tiny_clip.save_in_hub_cache(tmp_path, REPO, "tiny")
    assert "was trained with GELU (open_clip_config.json)" in failure(f"tiny-quickgelu:{path}")
    clip = load(f"tiny:{path}")
    assert (clip.mean, clip.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def test_published_weights_are_known_by_their_hash(tmp_path, tiny_models, monkeypatch):
    path = tiny_clip.save(tmp_path / "renamed.safetensors")
    entry = {**tiny_models, "url": f"https://openaipublic.example/{file_sha256(path)}/tiny.pt"}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"published": entry})
    assert "was trained with QuickGELU (published as tiny:published)" in failure(f"tiny:{path}")
    clip = load(f"tiny-quickgelu:{path}")
    assert (clip.mean, clip.std) == (tiny_models["mean"], tiny_models["std"])


def test_a_file_that_does_not_say_its_activation_is_taken_at_the_architecture_s_word_aloud(tmp_path):
    told = Told()
    clip = load(f"tiny:{tiny_clip.save(tmp_path / 'plain.safetensors')}", progress=told)
    assert clip.activation == "GELU"
    assert f"name tiny-quickgelu:{tmp_path / 'plain.safetensors'}" in told.lines[0]


# Published weights


def test_published_weights_in_the_cache_are_used_without_the_network(tmp_path, tiny_models, asked):
    path = tiny_clip.save_in_hub_cache(tmp_path, REPO)
    clip = load("tiny:published", cache_dir=tmp_path)
    assert same_weights(clip, tiny_clip.make())
    assert clip.weights_sha256 == file_sha256(path)
    assert (clip.mean, clip.std) == (tiny_models["mean"], tiny_models["std"])
    assert asked == []


def test_cached_weights_are_used_without_the_network_even_when_that_is_allowed(tmp_path, asked):
    tiny_clip.save_in_hub_cache(tmp_path, REPO)
    load("tiny:published", cache_dir=tmp_path, offline=False)
    load(f"hf-hub:{REPO}", cache_dir=tmp_path, offline=False)
    assert asked == []


def test_a_tag_trained_with_quickgelu_is_computed_with_quickgelu(tmp_path):
    tiny_clip.save_in_hub_cache(tmp_path, REPO)
    assert load("tiny:published", cache_dir=tmp_path).activation == "QuickGELU"


def test_openai_s_own_download_is_used_when_its_hash_is_right(tmp_path, tiny_models, monkeypatch):
    path = openai_layout(tmp_path / "tiny.pt")
    entry = {**tiny_models, "url": f"https://openaipublic.example/{file_sha256(path)}/tiny.pt"}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"published": entry})
    assert same_weights(load("tiny:published", cache_dir=tmp_path), tiny_clip.make())
    path.write_bytes(path.read_bytes() + b" ")
    assert "the network is off" in failure("tiny:published", cache_dir=tmp_path)


def test_a_hub_repository_brings_its_own_configuration(tmp_path, asked):
    tiny_clip.save_in_hub_cache(tmp_path, REPO, "tiny-quickgelu")
    clip = load(f"hf-hub:{REPO}", cache_dir=tmp_path)
    assert same_weights(clip, tiny_clip.make("tiny-quickgelu"))
    assert (clip.mean, clip.activation) == ((0.1, 0.2, 0.3), "QuickGELU")
    assert asked == []


def test_named_weights_that_are_not_here_are_an_error_offline(tmp_path, asked):
    line = failure("tiny:published", cache_dir=tmp_path)
    assert "the weights of tiny:published are not here and the network is off" in line
    assert "--clip none" in line
    assert asked == []


def test_hf_hub_offline_in_the_environment_is_offline(tmp_path, asked, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "the network is off" in failure("tiny:published", cache_dir=tmp_path, offline=False)
    assert asked == []


# auto and none


def test_none_is_silent():
    assert find_clip("none", offline=False, device="cpu") == (None, "")


def test_auto_without_weights_says_why_in_one_line_and_goes_on(tmp_path, asked):
    clip, reason = find_clip("auto", offline=True, device="cpu", cache_dir=tmp_path)
    assert clip is None
    assert reason.startswith("no CLIP: the weights of ViT-B-16:openai are not here")
    assert "\n" not in reason
    assert asked == []


def test_auto_uses_weights_that_are_here(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "AUTO_MODEL", "tiny:published")
    tiny_clip.save_in_hub_cache(tmp_path, REPO)
    assert load("auto", cache_dir=tmp_path).name == "tiny:published"


def test_a_machine_without_a_network_gives_up_at_once(tmp_path, asked):
    line = failure("tiny:published", offline=False, cache_dir=tmp_path)
    assert "the weights of tiny:published could not be fetched" in line
    assert "try again online" in line
    assert asked


# Specifications that mean nothing


def test_a_model_without_weights_named_shows_the_form():
    assert "MODEL:TAG" in failure("tiny", SettingsError)


@pytest.mark.parametrize("spec", ["hf-hub:", "hf-hub:tiny", "hf-hub:some one/tiny"])
def test_a_hub_name_without_organisation_and_name_shows_the_form(spec):
    assert "hf-hub:ORGANISATION/NAME" in failure(spec, SettingsError)


def test_an_unknown_architecture_offers_its_neighbours():
    assert "ViT-B-16" in failure("ViT-B-61:openai", SettingsError)


def test_an_unknown_tag_offers_those_that_exist():
    assert "expected one of published" in failure("tiny:unpublished")


@pytest.mark.parametrize("spec", ["RN50:openai", "coca_ViT-B-32:laion2b_s13b_b90k"])
def test_a_model_that_cannot_make_a_map_is_refused_before_anything_is_fetched(tmp_path, spec, asked):
    assert "ViT-B-16:openai" in failure(spec, offline=False, cache_dir=tmp_path)
    assert asked == []


def test_a_text_tower_from_the_hub_that_is_not_here_asks_nothing_offline(tmp_path, asked):
    line = failure("roberta-ViT-B-32:laion2b_s12b_b32k", cache_dir=tmp_path)
    assert "roberta-ViT-B-32:laion2b_s12b_b32k cannot be built" in line
    assert asked == []
