"""The protocol of OpenAI-compatible language models, with all that goes wrong on the way."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llm_server import Reply, Server, says, serve

from special.errors import LanguageModelError
from special.llm.answer_cache import AnswerCache, UnusableAnswer, ask, plain
from special.llm.client import Endpoint, LanguageModel, completions_url
from special.progress import Progress

QUESTION = [{"role": "user", "content": "What is asphalt?"}]


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


def connect(server: Server, **options: Any) -> tuple[LanguageModel, list[float]]:
    """A model at the server, and the pauses that it makes."""
    pauses: list[float] = []
    endpoint = Endpoint(completions_url(server.url), "tiny", **{"timeout": 5.0, **options})
    return LanguageModel(endpoint, sleep=pauses.append), pauses


def failure(model: LanguageModel) -> str:
    with pytest.raises(LanguageModelError) as error:
        model.complete(QUESTION)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_question_is_a_post_of_model_and_messages(server: Server) -> None:
    server.replies = [says("A road.")]
    assert connect(server, key="s3cret")[0].complete(QUESTION) == "A road."
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.body == {"model": "tiny", "messages": QUESTION}
    assert request.headers["Authorization"] == "Bearer s3cret"


def test_without_a_key_none_is_sent(server: Server) -> None:
    server.replies = [says("A road.")]
    connect(server)[0].complete(QUESTION)
    assert "Authorization" not in server.requests[0].headers


def test_an_answer_in_parts_is_joined(server: Server) -> None:
    server.replies = [says([{"type": "text", "text": "A "}, {"type": "text", "text": "road."}])]
    assert connect(server)[0].complete(QUESTION) == "A road."


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://host:11434", "http://host:11434/v1/chat/completions"),
        ("https://host/v1/", "https://host/v1/chat/completions"),
        ("https://host/api/chat/completions", "https://host/api/chat/completions"),
        ("https://host/openai?api-version=1", "https://host/openai/chat/completions?api-version=1"),
    ],
)
def test_addresses_as_people_write_them(given: str, meant: str) -> None:
    assert completions_url(given) == meant


@pytest.mark.parametrize("given", ["", "host", "file:///etc/passwd", "http://", "http://me:pw@host/v1", "http://h:x/"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(LanguageModelError, match="no address of a language model"):
        completions_url(given)


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPECIAL_LLM_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert Endpoint.from_user("http://h", "m").key is None
    monkeypatch.setenv("OPENAI_API_KEY", "general")
    assert Endpoint.from_user("http://h", "m").key == "general"
    monkeypatch.setenv("SPECIAL_LLM_KEY", "own\n")
    assert Endpoint.from_user("http://h", "m").key == "own"
    assert "own" not in repr(Endpoint.from_user("http://h", "m"))
    monkeypatch.setenv("SPECIAL_LLM_KEY", "two\nlines")
    with pytest.raises(LanguageModelError, match="SPECIAL_LLM_KEY"):
        Endpoint.from_user("http://h", "m")


def test_a_busy_server_is_asked_again_when_it_says(server: Server) -> None:
    server.replies = [Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "7"}), says("A road.")]
    model, pauses = connect(server)
    assert model.complete(QUESTION) == "A road."
    assert pauses == [7.0]


def test_a_server_cannot_make_one_wait_for_an_hour(server: Server) -> None:
    server.replies = [Reply({}, 503, {"Retry-After": "3600"}), says("A road.")]
    model, pauses = connect(server)
    model.complete(QUESTION)
    assert pauses == [60.0]


def test_pauses_double_and_attempts_end(server: Server) -> None:
    server.respond = lambda request: Reply({"error": {"message": "out of memory"}}, 500)
    model, pauses = connect(server)
    assert re.search(r"failed 4 times, at last with: HTTP 500: out of memory", failure(model))
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "bad",
    [
        Reply(b"<html>busy</html>"),
        Reply({"choices": []}),
        Reply(b"[]"),
        says(""),
        says(None),
        Reply(None),
        Reply({}, 502),
        Reply(b'{"choices": [{"mess', headers={"Content-Length": "500"}),
    ],
    ids=["no JSON", "no choice", "a list", "empty", "null", "closed", "502", "cut off"],
)
def test_what_is_no_answer_is_asked_for_again(server: Server, bad: Reply) -> None:
    server.replies = [bad, says("A road.")]
    model, pauses = connect(server)
    assert model.complete(QUESTION) == "A road."
    assert pauses == [1.0]


def test_every_new_attempt_is_told(server: Server) -> None:
    server.replies = [Reply({}, 502), says("A road.")]
    heard = Heard()
    LanguageModel(Endpoint(completions_url(server.url), "tiny"), progress=heard, sleep=lambda s: None).complete(
        QUESTION
    )
    assert len(heard.lines) == 1 and re.search("HTTP 502.*attempt 2 in 1 s", heard.lines[0])


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply({"choices": "x" * 100}, drip=True)], ids=["silent", "drips"])
def test_a_server_that_does_not_come_to_an_end_is_given_up(server: Server, reply: Reply) -> None:
    server.replies = [reply, says("A road.")]
    model, pauses = connect(server, timeout=0.3)
    assert model.complete(QUESTION) == "A road."
    assert pauses == [1.0]


def test_timeouts_are_the_reason_in_the_end(server: Server) -> None:
    server.respond = lambda request: Reply(hang=True)
    assert "no answer within 0.1 s" in failure(connect(server, timeout=0.1, attempts=2)[0])


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "SPECIAL_LLM_KEY"), (403, "SPECIAL_LLM_KEY"), (404, "no model 'tiny'"), (400, "refuses the question")],
)
def test_a_refusal_is_final_and_says_what_to_do(server: Server, status: int, said: str) -> None:
    server.replies = [Reply({"error": {"message": "because\nof s3cret"}}, status)]
    model, pauses = connect(server, key="s3cret")
    message = failure(model)
    assert said in message and "because of ..." in message and "s3cret" not in message
    assert pauses == []


def test_a_redirect_is_not_followed_with_the_key(server: Server) -> None:
    server.replies = [Reply({}, 302, {"Location": f"{server.url}/elsewhere"})]
    assert f"sends on to {server.url}/elsewhere" in failure(connect(server, key="s3cret")[0])
    assert len(server.requests) == 1


def test_where_nobody_listens_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        pauses: list[float] = []
        url = completions_url(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert "no language model answers at" in failure(LanguageModel(Endpoint(url, "tiny"), sleep=pauses.append))
    assert pauses == []


def test_an_answer_that_was_cut_off_is_an_error(server: Server) -> None:
    server.replies = [says("Asphalt is", finish="length")]
    assert "length limit" in failure(connect(server)[0])


def test_a_schema_is_sent_until_the_server_refuses_it(server: Server) -> None:
    server.replies = [says("{}"), Reply({"error": "no response_format here"}, 400), says("{}"), says("{}")]
    model, pauses = connect(server)
    for _ in range(3):
        model.complete(QUESTION, {"type": "object"})
    assert ["response_format" in request.body for request in server.requests] == [True, True, False, False]
    assert server.requests[0].body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert pauses == []


def number(answer: str) -> int:
    if not answer.isdigit():
        raise UnusableAnswer("it is no number")
    return int(answer)


def how_many(server: Server, answers: AnswerCache, question: str = "How many?", **options: Any) -> int:
    return ask(connect(server, **options)[0], answers, question, number, about="Roof")


def test_a_good_answer_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.replies = [says("3"), says("4")]
    assert [how_many(server, AnswerCache(tmp_path)) for _ in range(3)] == [3, 3, 3]
    assert len(server.requests) == 1


def test_another_question_or_model_is_asked(server: Server, tmp_path: Path) -> None:
    server.replies = [says("3"), says("4"), says("5")]
    answers = AnswerCache(tmp_path)
    other = LanguageModel(Endpoint(completions_url(server.url), "large"))
    got = how_many(server, answers), how_many(server, answers, "How few?")
    assert (*got, ask(other, answers, "How many?", number, about="Roof")) == (3, 4, 5)


def test_fresh_answers_replace_old_ones(server: Server, tmp_path: Path) -> None:
    server.replies = [says("3"), says("4")]
    assert how_many(server, AnswerCache(tmp_path)) == 3
    assert how_many(server, AnswerCache(tmp_path, fresh=True)) == 4
    assert how_many(server, AnswerCache(tmp_path)) == 4


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"question": {}, "answer": "9"}'])
def test_a_damaged_entry_is_asked_for_again(server: Server, tmp_path: Path, damage: str) -> None:
    server.replies = [says("3"), says("4")]
    how_many(server, AnswerCache(tmp_path))
    for entry in tmp_path.glob("*.json"):
        entry.write_text(damage)
    assert how_many(server, AnswerCache(tmp_path)) == 4


def test_an_unusable_answer_is_asked_for_once_more_with_the_complaint(server: Server, tmp_path: Path) -> None:
    server.replies = [says("three"), says("3")]
    assert how_many(server, AnswerCache(tmp_path)) == 3
    roles = [message["role"] for message in server.requests[1].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "it is no number" in server.requests[1].said
    assert how_many(server, AnswerCache(tmp_path)) == 3 and len(server.requests) == 2


def test_an_answer_that_is_unusable_twice_is_an_error_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.replies = [says("three"), says("four"), says("5")]
    with pytest.raises(
        LanguageModelError, match="what tiny wrote for 'Roof', asked twice, cannot be used: it is no nu"
    ):
        how_many(server, AnswerCache(tmp_path))
    assert how_many(server, AnswerCache(tmp_path)) == 5


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    server.replies = [says("3")]
    assert how_many(server, AnswerCache(tmp_path / "file" / "answers")) == 3


def test_thoughts_and_fences_are_taken_off() -> None:
    assert plain('<think>hm {"a": 2}</think>\nHere:\n```json\n{"a": 1}\n```\nDone.') == '{"a": 1}'
    assert plain("  a\n\nb ") == "a\n\nb"
