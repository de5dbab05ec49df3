"""The server of a language model, whose answers are wrong."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llm_server
import numpy as np
from kind import Kind
from texts import changed, of_bytes, of_json, of_text
from values import anything, word

import special.llm.client as client


def _questions(folder: Path) -> None:
    (folder / "classes.txt").write_text("Asphalt\nSaffron field | crocus\nOther\n")
    (folder / "cards.json").write_text('{"seed": null}\n')


def _seed(rng: np.random.Generator, data: bytes) -> bytes:
    return json.dumps({"seed": int(rng.integers(2**31))}).encode()


def _sketch(name: str) -> dict[str, Any]:
    """A sketch as a good model writes it."""
    from special.landcover.concepts import load_concepts

    crop = load_concepts().concepts["crop"].variants[0].canopy
    assert crop is not None
    return {
        "name": name,
        "sentence": "Rows of small plants with flowers.",
        "kind": "green vegetation",
        "level_sd": 0.3,
        "shape_sd": 0.15,
        "cover": [0.9, 0.3],
        "background": "bare soil",
        "variants": [{"name": "closed rows", "percent": [round(100 * float(value), 2) for value in crop]}],
    }


def _honest(request: llm_server.Request) -> tuple[str, bool]:
    """What a good model says, and whether that is JSON."""
    question = request.body["messages"][0]["content"]
    found = re.search(r'(?:the class|the land cover) "([^"]*)"', question)
    name = found[1] if found else "Asphalt"
    if "the land cover" in question:
        return json.dumps(_sketch(name)), True
    seen = "is something that people see from above, and it has a colour, a texture and a spectrum of its own."
    return "\n\n".join([f"{name} {seen}"] * 3), False


@contextmanager
def _model() -> Iterator[dict[str, str]]:
    """A server whose answers are wrong as the seed in ``cards.json`` has it, and right where that is null."""
    drawn = Path("cards.json").read_text() if Path("cards.json").exists() else ""
    seed = json.loads(drawn or '{"seed": 0}')["seed"]
    rng = np.random.default_rng(seed)

    def respond(request: llm_server.Request) -> llm_server.Reply:
        said, is_json = _honest(request)
        if seed is None:
            return llm_server.says(said)
        if rng.random() < 0.6:
            said = (of_json if is_json else of_text)(rng, said.encode()).decode("utf-8", "replace")
        reply = llm_server.says(said if rng.random() < 0.9 else anything(rng))
        if rng.random() < 0.4:
            reply.body = json.dumps(changed(rng, reply.body)).encode("utf-8", "surrogatepass")
        if rng.random() < 0.1:
            whole = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            reply.body = of_bytes(rng, whole)
        if rng.random() < 0.2:
            reply.status = int(rng.choice([201, 204, 301, 302, 307, 400, 401, 404, 418, 422, 500, 999]))
            reply.headers["Location"] = ELSEWHERE[rng.integers(len(ELSEWHERE))]
        if rng.random() < 0.1:
            name = HEADERS[rng.integers(len(HEADERS))]
            reply.headers[name] = "".join(one for one in word(rng) if " " <= one < "\x7f")[:1000]
        return reply

    os.environ["SPECIAL_LLM_KEY"] = "sk-never-to-be-seen"
    client.LONGEST_WAIT = 0.0  # between two attempts
    with llm_server.serve() as server:
        server.respond = respond
        yield {"url": server.url}


ELSEWHERE = ("http://192.0.2.1/x", "file:///etc/hostname", "//192.0.2.1", "\x9b31m")
HEADERS = ("Content-Type", "Content-Encoding", "Retry-After", "Transfer-Encoding", "Set-Cookie")
ASK = ("--classes", "classes.txt", "--llm-url", "{url}", "--llm-model", "tiny", "--fresh", "--timeout", "3", "--force")
LANGUAGE = (
    Kind(
        "language-model",
        _questions,
        (("describe", *ASK, "-o", "x.txt"), ("describe", *ASK, "--spectra", "--all", "-o", "x.toml")),
        ("cards.json",),
        {"*": _seed},
        around=_model,
    ),
)
