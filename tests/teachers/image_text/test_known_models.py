"""Models by name, and files that are recognised."""

from __future__ import annotations

import re
from pathlib import Path

import open_clip
import pytest
import tiny_clip

from special.errors import SettingsError
from special.teachers.image_text.known import known_model, known_models, recognised
from special.teachers.image_text.weights import find_clip


def test_every_model_of_the_table_says_where_it_comes_from_and_under_which_terms() -> None:
    for model in known_models().values():
        assert bool(model.same_as) + bool(model.repo) + bool(model.url) == 1, model.name
        assert model.about, model.name
        assert model.page.startswith("https://"), model.name
        assert model.licence or "unknown" in model.terms, model.name
        assert bool(model.activation) == bool(model.activation_from), model.name
        assert all(re.fullmatch(r"[0-9a-f]{64}", text) for text in (*model.seen_as, *filter(None, [model.sha256])))


def test_the_architectures_and_tags_of_the_table_are_open_clip_s() -> None:
    pairs = {f"{model}:{tag}" for model, tag in open_clip.list_pretrained()}
    for model in known_models().values():
        assert not model.same_as or model.same_as in pairs
        assert not model.architecture or model.architecture in open_clip.list_models()


def test_names_are_found_in_any_case_and_misspelt_ones_offer_the_near_one() -> None:
    found = known_model("RemoteCLIP:vit-b-32")
    assert found is not None
    assert found.name == "remoteclip:ViT-B-32"
    assert known_model("ViT-B-16:openai") is None
    with pytest.raises(SettingsError, match=r"name one of remoteclip:ViT-B-32"):
        known_model("remoteclip:ViT-B-23")


def test_a_file_is_recognised_by_its_hash_whatever_its_name_and_else_by_its_name() -> None:
    remote = known_models()["remoteclip:ViT-B-32"]
    assert recognised(Path("renamed.bin"), remote.seen_as[0]) is remote
    assert recognised(Path("somewhere/remoteclip-vit-b-32.pt"), "") is remote
    assert recognised(Path("epoch_20.pt"), "0" * 64) is None


def test_a_known_file_s_activation_is_taken_without_being_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_clip.register()
    remote = known_models()["remoteclip:ViT-B-32"]
    mine = tiny_clip.save(tmp_path / remote.file)
    monkeypatch.setitem(known_models(), remote.name, type(remote)(**{**vars(remote), "architecture": "tiny"}))
    clip, _ = find_clip(str(mine), offline=True, device="cpu")
    assert clip is not None
    assert (clip.architecture, clip.activation) == ("tiny", "QuickGELU")
    assert clip.activation_from == f"remoteclip:ViT-B-32: {remote.activation_from}"


def test_a_known_model_that_is_not_here_is_an_error_offline_that_says_what_helps(tmp_path: Path) -> None:
    clip, reason = None, ""
    for name in ("remoteclip:ViT-B-32", "skyclip:ViT-B-32", "openai:ViT-B-32"):
        with pytest.raises(
            Exception, match=rf"the weights of {name} are not here and the network is off: .*--clip FILE"
        ):
            clip, reason = find_clip(name, offline=True, device="cpu", cache_dir=tmp_path)
    assert (clip, reason) == (None, "")
