"""Models, pipelines and keys: what comes from others is read with care, and what is ours stays here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llm_server
import numpy as np
import platformdirs
import pytest
import small_scene
from click.testing import CliRunner, Result

from special.cli import main

SIZES = ("--set", "mambahsi.hidden=8", "--set", "mambahsi.blocks=1", "--set", "fit.epochs=1", "--device", "cpu", "-q")


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1 and result.stderr.startswith("Error: ")
    return result.stderr


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[small_scene.Files, Path]:
    folder = tmp_path_factory.mktemp("fitted")
    files = small_scene.write(folder)
    truth = folder / "strips_truth.npy"
    done = special("fit", *files.options[:-2], "--labels", truth, "--out", folder / "fit", *SIZES)
    assert done.exit_code == 0, done.output
    return files, folder / "fit"


def set_to(*names: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for name in names[:-1]:
            document = document[name]
        document[names[-1]] = value

    return change


DOCUMENTS = {
    "no list of wavelengths": set_to("wavelengths", value={"a": 1}),
    "wavelengths of words": set_to("wavelengths", value=["a"] * 24),
    "another number of wavelengths": set_to("wavelengths", value=[500.0, 600.0]),
    "wavelengths without end": set_to("wavelengths", value=[1e400] * 24),
    "a mean of other bands": set_to("normalisation", "mean", value=[0.0]),
    "a deviation in lists": set_to("normalisation", "deviation", value=[[1.0]] * 24),
    "no normalisation": set_to("normalisation", value=None),
    "classes of numbers": set_to("classes", value=[1, 2, 3]),
    "classes of lists": set_to("classes", value=[["Water"], "Grass"]),
    "a tile of nothing": set_to("settings", "fit.tile", value=0),
    "an overlap as large as a tile": set_to("settings", "fit.overlap", value=10_000),
    "a classifier that is none": set_to("settings", "classifier.name", value="../x"),
    "a classifier of other weights": set_to("settings", "classifier.name", value="cnn3d"),
    "settings of numbers": set_to("settings", value=3),
    "a level of its own": set_to("level", value="world"),
}


def copied(fitted: tuple[small_scene.Files, Path], folder: Path) -> tuple[Path, Path]:
    described, weights = folder / "model.json", folder / "model.safetensors"
    for path in (described, weights):
        path.write_bytes((fitted[1] / path.name).read_bytes())
    return described, weights


@pytest.mark.parametrize("wrong", DOCUMENTS)
def test_a_model_that_is_no_model_is_one_line(
    fitted: tuple[small_scene.Files, Path], tmp_path: Path, wrong: str
) -> None:
    described, _ = copied(fitted, tmp_path)
    document = json.loads(described.read_text())
    DOCUMENTS[wrong](document)
    described.write_text(json.dumps(document))
    refused(special("predict", tmp_path, *fitted[0].options[:1], *fitted[0].options[3:5], "--out", tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def header(data: bytes) -> bytes:
    return (2**40).to_bytes(8, "little") + data[8:]


def nan(data: bytes) -> bytes:
    return data[:-64] + np.full(16, np.nan, dtype="<f4").tobytes()


@pytest.mark.parametrize("damage", [cut, header, nan, lambda data: b"", lambda data: b"{}" * 8])
def test_weights_that_are_none_are_one_line_though_their_hash_fits(
    fitted: tuple[small_scene.Files, Path], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    described, weights = copied(fitted, tmp_path)
    weights.write_bytes(damage(weights.read_bytes()))
    document = json.loads(described.read_text())
    document["sha256"]["weights"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    described.write_text(json.dumps(document))
    refused(special("predict", tmp_path, *fitted[0].options[:1], *fitted[0].options[3:5], "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text",
    [
        'extends = "../../../../etc/hostname"',
        'extends = "special"\n[classifier]\nname = "os.system"',
        'extends = "special"\n[pseudo]\nteachers = ["subprocess:run"]',
        "extends = \"special\"\n[warmup]\nepochs = \"__import__('os').mkdir('trap')\"",
    ],
)
def test_a_pipeline_cannot_name_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    files = small_scene.write(tmp_path / "scene")
    (tmp_path / "mine.toml").write_text(text)
    refused(special("label", *files.options, "--pipeline", "mine.toml", "--out", "run"))
    assert sorted(os.listdir()) == ["mine.toml", "scene"]


@pytest.mark.parametrize("answer", ["good", "refuses", "echoes", "redirects"])
def test_the_key_is_written_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    key = "sk-never-to-be-seen-1234567890"
    monkeypatch.setenv("SPECIAL_LLM_KEY", key)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    (tmp_path / "classes.txt").write_text("Asphalt\nGrass\n")
    long = "is something that people see from above, and it has a colour, a texture and a spectrum of its own."
    replies = {
        "good": llm_server.says("\n\n".join([f"Asphalt {long}"] * 3)),
        "refuses": llm_server.Reply({"error": {"message": f"{key} is no key"}}, status=401),
        "echoes": llm_server.Reply({"error": {"message": f"Authorization: Bearer {key}"}}, status=400),
        "redirects": llm_server.Reply({}, status=302, headers={"Location": f"http://127.0.0.1:9/?key={key}"}),
    }
    with llm_server.serve() as server:
        server.respond = lambda request: replies[answer]
        words = ["--llm-url", server.url, "--llm-model", "tiny", "-o", tmp_path / "x.txt"]
        result = special("describe", "--classes", tmp_path / "classes.txt", *words, "--debug")
    assert key in server.requests[0].headers["Authorization"]
    assert key not in result.output
    for path in tmp_path.rglob("*"):
        assert key not in path.name and (path.is_dir() or key.encode() not in path.read_bytes())
