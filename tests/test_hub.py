"""Weights from a hub: what is cached, what is fetched, and what is said where it cannot be had."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import hub_server
import pytest
import tiny_transformers
from hub_server import HubServer

from special.hub import Unavailable, answer, cached, fetch, fetch_texts, refuse_endless, terms
from special.progress import SILENT, Progress

REPO = "someone/model"
CONTENT = b"weights" * 1000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server.as_the_hub(monkeypatch) as serving:
        serving.files[f"{REPO}/model.safetensors"] = CONTENT
        yield serving


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrived = 0
        self.totals: list[int] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def begin(self, what: str, total: int) -> None:
        self.totals.append(total)

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.arrived += steps


def refusal(server: HubServer, cache: Path, **options: str) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        fetch(REPO, ["model.safetensors"], cache, SILENT, **options)
    return caught.value


def test_a_file_is_fetched_once_and_found_where_the_hub_s_client_looks(server: HubServer, tmp_path: Path) -> None:
    told = Told()
    path = fetch(REPO, ["other.bin", "model.safetensors"], tmp_path, told)
    assert path.read_bytes() == CONTENT
    assert cached(REPO, ["model.safetensors"], tmp_path) == path
    assert (told.arrived, told.totals) == (len(CONTENT), [len(CONTENT)])
    assert server.bodies() == [""]


def test_a_large_file_is_announced_with_its_size(server: HubServer, tmp_path: Path) -> None:
    server.files[f"{REPO}/model.safetensors"] = bytes(3_000_000)
    told = Told()
    fetch(REPO, ["model.safetensors"], tmp_path, told)
    assert told.lines == [f"fetching {REPO}/model.safetensors once (3 MB)"]


def test_a_download_that_broke_off_is_gone_on_with(server: HubServer, tmp_path: Path) -> None:
    server.breaks_after = [100]
    assert fetch(REPO, ["model.safetensors"], tmp_path, SILENT).read_bytes() == CONTENT
    assert server.bodies() == ["", "bytes=100-"]


def test_a_file_that_has_not_the_hash_that_the_hub_states_is_not_kept(server: HubServer, tmp_path: Path) -> None:
    server.etags[f"{REPO}/model.safetensors"] = hashlib.sha256(b"else").hexdigest()
    assert "it is not what was published" in str(refusal(server, tmp_path))
    assert cached(REPO, ["model.safetensors"], tmp_path) is None


def test_a_file_that_is_no_longer_the_known_one_is_refused_before_it_is_fetched(
    server: HubServer, tmp_path: Path
) -> None:
    reason = refusal(server, tmp_path, sha256=hashlib.sha256(b"known").hexdigest())
    assert "no longer the file that special knows" in str(reason)
    assert not reason.passing
    assert server.bodies() == []


@pytest.mark.parametrize(
    ("status", "code", "said", "passing"),
    [
        (403, "GatedRepo", "accept them on its page at the hub, then hf auth login, or set HF_TOKEN", False),
        (401, "RepoNotFound", "no such repository, or it is private: check its name", False),
        (404, "RepoNotFound", "no such repository, or it is private: check its name", False),
        (503, "", "the hub answers 503", True),
    ],
)
def test_a_refusal_names_the_remedy(
    server: HubServer, tmp_path: Path, status: int, code: str, said: str, passing: bool
) -> None:
    server.refused[REPO] = (status, code)
    reason = refusal(server, tmp_path)
    assert said in str(reason)
    assert reason.passing is passing
    assert "\n" not in str(reason)


def test_a_repository_without_any_of_the_files_says_which_it_lacks(server: HubServer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"someone/model has none of a\.bin, b\.bin") as caught:
        fetch(REPO, ["a.bin", "b.bin"], tmp_path, SILENT)
    assert not caught.value.passing


def test_the_small_files_of_a_repository_come_without_the_large_ones(server: HubServer, tmp_path: Path) -> None:
    server.files |= {f"{REPO}/tokenizer.json": b"{}", f"{REPO}/vocab.txt": b"a", f"{REPO}/deep/config.json": b"{}"}
    fetch_texts(REPO, tmp_path)
    assert cached(REPO, ["tokenizer.json"], tmp_path) is not None
    assert cached(REPO, ["vocab.txt"], tmp_path) is not None
    assert cached(REPO, ["model.safetensors"], tmp_path) is None


def test_the_terms_of_a_repository_are_what_the_hub_says(server: HubServer) -> None:
    assert terms(REPO) == "its page states no licence"
    server.licences[REPO] = "apache-2.0"
    assert terms(REPO) == "licence apache-2.0"
    server.gated.add(REPO)
    assert terms(REPO).startswith("licence apache-2.0; gated: its owners let in those")


def test_a_question_that_is_never_answered_is_given_up() -> None:
    hung_up = threading.Event()
    try:
        with pytest.raises(Unavailable, match="nothing came within 0 s") as caught:
            answer(lambda: hung_up.wait(20), 0.05)
        assert caught.value.passing
    finally:
        hung_up.set()


def test_an_abandoned_thread_says_nothing_into_later_steps(capsys: pytest.CaptureFixture[str]) -> None:
    logger, handler = logging.getLogger("huggingface_hub"), logging.StreamHandler()
    logger.addHandler(handler)
    abandoned, finished = threading.Event(), threading.Event()

    def ask() -> None:
        abandoned.wait(20)
        logger.error("Retrying in 8 s [Retry 5/5].")
        finished.set()

    try:
        with pytest.raises(Unavailable):
            answer(ask, 0.05)
        abandoned.set()
        assert finished.wait(20)
        logger.error("of the main thread")
    finally:
        logger.removeHandler(handler)
    said = capsys.readouterr()
    assert "Retrying" not in said.err + said.out


@pytest.mark.parametrize("part", ["vision_config", "text_config"])
def test_a_model_of_more_layers_than_its_weights_have_tensors_is_refused_before_it_is_made(
    part: str, tmp_path: Path
) -> None:
    tiny_transformers.save_siglip(tmp_path)
    refuse_endless(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config[part]["num_hidden_layers"] = 88453
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="asks for 88453 layers, its weights have"):
        refuse_endless(tmp_path)
