"""Models of transformers for teachers: found, fetched with their terms said first, or refused with what helps."""

from __future__ import annotations

from pathlib import Path

import hub_server
import pytest
import tiny_transformers

from special.errors import SettingsError, SpecialError, WeightsError
from special.progress import SILENT, Progress
from special.settings import load
from special.teachers.base import TEACHERS
from special.teachers.dense_text import DenseTextSettings, DenseTextTeacher
from special.teachers.hub_models import folder_stamp, model_folder

REPO = "someone/siglip"


def test_both_teachers_are_found_by_their_names() -> None:
    assert TEACHERS.get("dense-text") is DenseTextTeacher
    assert TEACHERS.get("concept-segments").model_setting == "model"


def test_the_terms_are_said_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made").mkdir()
    tiny_transformers.save_siglip(tmp_path / "made")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    said: list[tuple[str, int]] = []
    with hub_server.as_the_hub(monkeypatch) as hub:
        hub.files = {f"{REPO}/{path.name}": path.read_bytes() for path in (tmp_path / "made").iterdir()}
        hub.licences[REPO] = "apache-2.0"

        class Told(Progress):
            def say(self, line: str) -> None:
                said.append((line, len(hub.bodies())))

        folder = model_folder(REPO, ["siglip"], False, Told())
        assert said[0] == (f"{REPO}: licence apache-2.0; see https://huggingface.co/{REPO}", 0)
        bodies = len(hub.bodies())
        assert model_folder(REPO, ["siglip"], False, SILENT) == folder
        assert len(hub.bodies()) == bodies, "what is here is not fetched again"
    assert DenseTextTeacher(folder, load().build(DenseTextSettings), "cpu", REPO).model == REPO


def test_a_gated_model_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with hub_server.as_the_hub(monkeypatch) as hub:
        hub.files = {f"{REPO}/config.json": b"{}", f"{REPO}/model.safetensors": b""}
        hub.gated.add(REPO)
        hub.refused[REPO] = (403, "GatedRepo")
        with pytest.raises(WeightsError, match=r"could not be fetched .*accept them on its page at the hub") as caught:
            model_folder(REPO, ["siglip"], False, SILENT)
    assert not caught.value.passing


def test_other_weights_in_a_folder_are_noticed_without_reading_them(tmp_path: Path) -> None:
    assert folder_stamp("someone/model") == ""
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = folder_stamp(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"another")
    assert before not in ("", folder_stamp(str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("nowhere", SettingsError, "name a folder, or ORGANISATION/NAME"),
        ("someone/absent-model", WeightsError, "is not here and the network is off"),
    ],
)
def test_what_cannot_be_had_says_what_helps(
    name: str, kind: type[SpecialError], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=said):
        model_folder(name, ["siglip"], True, SILENT)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has no config.json"),
        ({"config.json": '{"model_type": "bert"}'}, "of the kind 'bert': expected siglip or clipseg"),
        ({"config.json": '{"model_type": "siglip"}'}, "has no model.safetensors"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(WeightsError, match=said):
        model_folder(str(tmp_path), ["siglip", "clipseg"], True, SILENT)
