"""A run may come from somebody else: it is read with care, and nothing is written outside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy_steps import execute, ran

from special.cache.directory import RunDirectory
from special.errors import RunError
from special.storage.files import digest, sha256_of


def rewrite(folder: Path, **changes: object) -> None:
    """Change a manifest as somebody would who knows how it is checked."""
    document = {**json.loads((folder / "manifest.json").read_text()), **changes}
    document["key"] = digest(document["ingredients"])
    (folder / "manifest.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    "name", ["../../../stolen.npy", "result/../../../../stolen.npy", "/tmp/stolen.npy", "..\\..\\stolen.npy", "", "."]
)
def test_a_manifest_that_names_a_file_outside_is_a_miss(tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    execute(run)
    folder = run / "steps" / "third"
    payload = folder / "result.npy"
    (tmp_path / "stolen.npy").write_bytes(b"as it was")
    rewrite(folder, files={"result.npy": sha256_of(payload), name: sha256_of(payload)})
    assert ran(execute(run)) == ["third"]
    assert (tmp_path / "stolen.npy").read_bytes() == b"as it was"
    assert {path.name for path in tmp_path.iterdir()} == {"run", "stolen.npy"}


@pytest.mark.parametrize("content", [[1, 2], 3, None, {"a": {"b": []}}, "text"])
@pytest.mark.parametrize("field", ["files", "ingredients", "key", "environment"])
def test_a_manifest_with_other_content_is_a_miss_or_harmless(tmp_path: Path, field: str, content: object) -> None:
    execute(tmp_path)
    path = tmp_path / "steps" / "first" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: content}))
    assert ran(execute(tmp_path)) in ([], ["first"])


@pytest.mark.parametrize("place", ["steps", "work", ".partial", ".lock", "steps/third"])
def test_a_link_in_place_of_what_is_written_to_is_refused(tmp_path: Path, place: str) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    execute(run)
    if (run / place).is_dir():
        (run / place).rename(elsewhere)
    elif place == ".lock":
        (run / place).unlink(missing_ok=True)
        elsewhere.write_text("precious")
    else:
        elsewhere.mkdir()
    (run / place).symlink_to(elsewhere)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()}
    with pytest.raises(RunError, match="is a link, and a run keeps its files inside itself"):
        execute(run)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()}
    assert after == before


def test_a_link_in_place_of_a_deliverable_is_replaced_and_not_followed(tmp_path: Path) -> None:
    run, precious = tmp_path / "run", tmp_path / "precious"
    execute(run)
    precious.write_bytes(b"as it was")
    (run / "result.npy").unlink()
    (run / "result.npy").symlink_to(precious)
    execute(run)
    assert precious.read_bytes() == b"as it was" and not (run / "result.npy").is_symlink()


def test_a_run_may_lie_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    execute(tmp_path / "run")
    assert RunDirectory(tmp_path / "disk").manifest("third") is not None
