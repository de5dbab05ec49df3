"""What comes from special itself or from other programs: runs, models, checkpoints, answers of a language model."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import llm_server
import numpy as np
import small_scene
import tiny_clip
from kind import Kind
from texts import changed, of_bytes, of_json, of_text
from values import anything, word

import special.llm.client as client

SCENE = ("scene.npy", "--wavelengths", "wavelengths.csv")


def _special(*words: object) -> None:
    from special.cli import main

    try:
        main(args=[*map(str, words), "-q"], prog_name="special")
    except SystemExit as ending:
        if ending.code:
            raise RuntimeError(f"special {words} ended with {ending.code}") from None


def _run(folder: Path) -> None:
    files = small_scene.write(folder, "scene")
    out = folder / "run.special"
    _special("label", *files.options, "--out", out, *small_scene.tiny_options())
    _special("sample", out, "--per-class", 2)
    _special("ask", out)
    with (out / "sample.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (out / "sample.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows({**row, "class": small_scene.CLASSES[number // 2]} for number, row in enumerate(rows))


def _fit(folder: Path) -> None:
    files = small_scene.write(folder, "scene")
    scene = (files.scene, "--wavelengths", files.wavelengths, "--classes", files.classes)
    tiny = ("--set", "mambahsi.hidden=8", "--set", "mambahsi.blocks=1", "--set", "fit.epochs=2")
    _special("fit", *scene, "--labels", folder / "scene_truth.npy", "--out", folder / "fitted", *tiny)
    (folder / "model.fit").mkdir()
    for name in ("model.json", "model.safetensors"):
        shutil.copy(folder / "fitted" / "steps" / "fit" / name, folder / "model.fit")
    shutil.rmtree(folder / "fitted")


def _consistent_model(rng: np.random.Generator, folder: Path) -> None:
    """Whoever makes a hostile model writes its hash as well."""
    described, weights = folder / "model.fit" / "model.json", folder / "model.fit" / "model.safetensors"
    try:
        document = json.loads(described.read_bytes())
        document["sha256"]["weights"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        described.write_text(json.dumps(document))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass


def _consistent_run(rng: np.random.Generator, folder: Path) -> None:
    """The same of a run: the hashes of files in manifests, and the keys of what they were made from."""
    from special.storage.files import digest

    for manifest in sorted((folder / "run.special" / "steps").glob("*/manifest.json")):
        try:
            document = json.loads(manifest.read_bytes())
            for name in document["files"]:
                path = manifest.parent / name
                if path.is_file() and path.stat().st_size < 1 << 20:
                    document["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
            document["key"] = digest(document["ingredients"])
            manifest.write_text(json.dumps(document))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass


@cache
def _checkpoint() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return tiny_clip.save(Path(folder) / "x.safetensors").read_bytes()


def _clip(suffix: str, folder: Path) -> None:
    small_scene.write(folder, "scene")
    path = folder / f"clip{suffix}"
    if suffix == ".safetensors":
        path.write_bytes(_checkpoint())
    else:
        import torch

        torch.save(tiny_clip.make("tiny").state_dict(), path)


class _Trap:
    """Unpickled, it would leave a file behind."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("../trapped",)


def _of_torch(rng: np.random.Generator, data: bytes) -> bytes:
    """Damage the pickle, the members or the bytes of a torch checkpoint; or put a trap into it."""
    if rng.random() < 0.4:
        return of_bytes(rng, data)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        entries = old.infolist()
        chosen = int(rng.integers(len(entries)))
        for place, entry in enumerate(entries):
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                match rng.integers(4):
                    case 0:
                        content = pickle.dumps(_Trap() if rng.random() < 0.5 else {"state_dict": _Trap()}, 2)
                    case 1:
                        content = pickle.dumps(anything(rng), 2)
                    case 2:
                        content = of_bytes(rng, content)
            elif place == chosen:
                content = of_bytes(rng, content)[: len(content) + 64]
            new.writestr(entry, content)
    return out.getvalue()


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
CLIP = ("label", *SCENE, "--classes", "classes.txt", "--out", "out", "--until", "pseudo", "-q", "--clip")
PREDICT = (("predict", "model.fit", *SCENE, "--out", "out", "-q"),)
MODEL = ("model.fit/*",)
RUN_COMMANDS = (
    ("status", "run.special"),
    ("status", "run.special", "--json"),
    ("map", "run.special", "-q"),
    ("evaluate", "run.special", "--truth", "scene_truth.npy"),
    ("ask", "run.special", "-q"),
    ("rgb", "run.special", "-q"),
    ("sample", "run.special", "--per-class", "2", "-q"),
    ("label", *SCENE, "--classes", "classes.txt", "--clip", "none", "--out", "run.special", "--until", "rgb", "-q"),
)
RUNS = (
    Kind("run-json", _run, RUN_COMMANDS, ("run.special/*.json",), mend=_consistent_run),
    Kind("run-files", _run, RUN_COMMANDS[:6], ("run.special/*",), mend=_consistent_run),
    Kind("sample", _run, (("assess", "run.special", "run.special/sample.csv"),), ("run.special/sample*.*s*",)),
    Kind("model", _fit, PREDICT, MODEL, mend=_consistent_model),
    Kind("clip-safetensors", partial(_clip, ".safetensors"), ((*CLIP, "tiny:clip.safetensors"),), ("clip*",)),
    Kind("clip-torch", partial(_clip, ".pt"), ((*CLIP, "tiny:clip.pt"),), ("clip*",), {"*": _of_torch}),
    Kind(
        "language-model",
        _questions,
        (("describe", *ASK, "-o", "x.txt"), ("describe", *ASK, "--spectra", "--all", "-o", "x.toml")),
        ("cards.json",),
        {"*": _seed},
        around=_model,
    ),
)
