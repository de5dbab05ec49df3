"""``special models``: what is known by name, and what is known of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import hub_server
import open_clip.pretrained
import pytest
import tiny_clip
from click.testing import CliRunner

from special.cli import main


@pytest.fixture(autouse=True)
def tiny_models() -> None:
    tiny_clip.register()


def said(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["models", *words])
    assert done.exit_code == code, done.output
    return done.output


def test_the_list_has_names_activations_and_licences() -> None:
    lines = {line.split()[0]: line for line in said("list").splitlines()}
    assert "QuickGELU" in lines["remoteclip:ViT-B-32"]
    assert "unknown" in lines["remoteclip:ViT-B-32"], "its licence is not established"
    assert "MIT" in lines["openai:ViT-B-16"]
    found = json.loads(said("list", "--all", "--json"))
    assert "ViT-B-16-SigLIP2:webli" in {model["name"] for model in found}


def test_info_of_a_name_says_what_says_so() -> None:
    text = " ".join(said("info", "georsclip:ViT-H-14").split())
    assert "GELU (the authors' inference script" in text
    facts = json.loads(said("info", "openai:ViT-B-16", "--json"))
    assert (facts["architecture"], facts["activation"]) == ("ViT-B-16", "QuickGELU")
    assert "no model 'openai:ViT-B-61': name one of openai:ViT-B-16" in said("info", "openai:ViT-B-61", code=2)


def test_info_of_a_checkpoint_says_its_architecture_and_what_is_not_known(tmp_path: Path) -> None:
    path = tiny_clip.save(tmp_path / "mine.safetensors")
    facts = json.loads(said("info", str(path), "--json"))
    assert (facts["architecture"], facts["activation"]) == ("tiny", "GELU")
    assert "does not say its activation" in facts["notes"][0]
    assert "no checkpoint at" in said("info", str(tmp_path / "absent.pt"), code=2)


def test_fetch_brings_a_model_and_checks_that_it_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"url": "", "hf_hub": "some/tiny/", "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1), "quick_gelu": True}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"published": entry})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    weights = tiny_clip.save(tmp_path / "remote.safetensors").read_bytes()
    with hub_server.as_the_hub(monkeypatch) as hub:
        hub.files["some/tiny/open_clip_model.safetensors"] = weights
        assert "QuickGELU" in said("fetch", "tiny:published")
        hub.refused["some/tiny"] = (403, "GatedRepo")
        said("fetch", "tiny:published")  # it is here now
        entry["hf_hub"] = "some/gated/"
        hub.refused["some/gated"] = (403, "GatedRepo")
        line = said("fetch", "tiny:published", code=2)
    assert "the weights of tiny:published could not be fetched (its owners let in only those" in line
    assert len(line.splitlines()) == 1
