"""Every command and program of the pages is run, in the order of its page, on scenes of a few pixels.

What a reader has to bring is there: a scene in three formats, a class list, truth, answers, a library. Training is
short.
"""

from __future__ import annotations

import csv
import functools
import re
import runpy
import shutil
import sys
from pathlib import Path

import doc_pages
import fruit
import learn_images
import library_files
import numpy as np
import pytest
import rasterio
import scipy.io
import small_scene
from click.testing import CliRunner

import special
from special.cli import main
from special.simulate import simulate, write_scene

MATERIALS = ["trees", "grass", "bare soil", "water"]
SHORT = {**small_scene.TINY, "fit.epochs": 1, "fit.steps": 2, "aligned.layers": 1}
# Another size than the demonstration's own: it is there to show, not to be waited for.
SMALL_DEMO = ["--rows", "24", "--cols", "30", "--bands", "40"]
_INSTALLS = re.compile(r"(pip install|python3? -m venv)\b")


def pages() -> list[Path]:
    return [path for path in doc_pages.PAGES if any(block.is_run for block in doc_pages.blocks(path))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages take for granted, in the working directory."""
    made = simulate(12, 10, 40, MATERIALS, 0)
    files = write_scene(tmp_path, made)
    truth = np.load(files.truth)
    for suffix in (".hdr", ".img"):
        shutil.copy(files.scene.with_suffix(suffix), tmp_path / f"other{suffix}")
        for name in ("a", "b"):
            (tmp_path / "lines").mkdir(exist_ok=True)
            shutil.copy(files.scene.with_suffix(suffix), tmp_path / "lines" / f"{name}{suffix}")
    cube = np.nan_to_num(made.cube)
    np.save(tmp_path / "scene.npy", cube)
    scipy.io.savemat(tmp_path / "scene.mat", {"cube": cube})
    for name in ("truth", "gt"):
        scipy.io.savemat(tmp_path / f"{name}.mat", {name: truth})
    with rasterio.open(tmp_path / "truth.tif", "w", "GTiff", 10, 12, 1, dtype="uint8") as file:
        file.write(truth, 1)
    (tmp_path / "others.txt").write_text("forest\nlawn\nwater\n", encoding="utf-8")
    write_points(tmp_path / "plots.gpkg", truth)
    values, names, classes = library_files.spectra()
    library_files.write_sli(tmp_path, values, names)
    for suffix in (".sli", ".hdr"):
        (tmp_path / f"lib{suffix}").rename(tmp_path / f"library{suffix}")
    beside = library_files.write_metadata(tmp_path / "library.csv", names, classes)
    beside.write_text(beside.read_text(encoding="utf-8").replace("Level_1", "Level_2"), encoding="utf-8")
    fruit.write(tmp_path / "fruit")
    for path in (tmp_path / "fruit" / "Ripe").glob("00.*"):
        shutil.copy(path, tmp_path / f"new{path.suffix}")
    shutil.copy(doc_pages.ROOT / "examples" / "concepts.toml", tmp_path / "my.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_points(path: Path, truth: np.ndarray) -> None:
    """Every fifth pixel of the scene as a point with its class, where QGIS shows a scene without a place."""
    import pyogrio
    import shapely

    rows, cols = (part.ravel()[::5] for part in np.indices(truth.shape))
    names = np.array([MATERIALS[truth[row, col] - 1] for row, col in zip(rows, cols, strict=True)], dtype=object)
    where = shapely.to_wkb(shapely.points(cols + 0.5, -rows - 0.5))
    pyogrio.raw.write(path, where, [names], ["class"], geometry_type="Point", crs=None)


def answered(table: Path, saved: Path) -> None:
    """Somebody answers a table of questions: the truth."""
    truth = np.load("truth.npy")
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["class"] = MATERIALS[truth[int(row["row"]), int(row["col"])] - 1]
    with saved.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def shortened(words: list[str]) -> list[str]:
    """The same command with little training, on the CPU, without a network."""
    changes = [part for name, value in SHORT.items() for part in ("--set", f"{name}={value}")]
    if words[0] == "demo":
        return [*words, *SMALL_DEMO]
    if words[0] in {"label", "batch"}:
        return [*words, *changes, "--device", "cpu", *([] if "--clip" in words else ["--clip", "none"])]
    if words[:2] == ["fit", "--dataset"]:
        changes = [part for name, value in learn_images._QUICK.items() for part in ("--set", f"{name}={value}")]
    return [*words, *changes, "--device", "cpu"] if words[0] == "fit" else words


def run(words: list[str]) -> None:
    """Run a command, after what a reader of the page has done by then by hand."""
    if words[0] in {"ask", "evaluate", "map", "refine", "sample", "status"} and not list(Path().glob("*.special")):
        run(["label", "scene.hdr", "--classes", "classes.txt"])
    if words[0] == "assess" and not Path(words[-1]).exists():
        answered(Path(words[1]) / "sample.csv", Path(words[-1]))
    if "answers.csv" in words and Path("scene.special/questions.csv").exists():
        answered(Path("scene.special/questions.csv"), Path("answers.csv"))
    done = CliRunner().invoke(main, shortened(words), catch_exceptions=False)
    assert done.exit_code == 0, f"special {' '.join(words)}\n{done.output}"


def paste(block: doc_pages.Block, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what a block of commands does: write its files, call special, run programs that the page has written."""
    for name, text in block.pasted():
        if name:
            Path(name).write_text(text, encoding="utf-8")
            continue
        for words in doc_pages.calls(text, "special"):
            if words != ["demo"] or path != doc_pages.README:  # which CI has run, as it stands there
                run(words)
        for words in doc_pages.calls(text, "python"):
            with monkeypatch.context() as patched:
                patched.setattr(sys, "argv", words)
                runpy.run_path(words[0], run_name="__main__")


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_what_a_page_says_can_be_done_can_be_done(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = functools.partial(special.label, settings=small_scene.TINY, clip="none", device="cpu")
    names: dict[str, object] = {}
    for block in doc_pages.blocks(path):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.is_run and block.language == "python":
            with monkeypatch.context() as patched:
                patched.setattr(special, "label", quick)
                exec(compile(block.text, path.name, "exec"), names)
        elif block.is_run:
            paste(block, path, monkeypatch)


@pytest.mark.parametrize("path", doc_pages.PAGES, ids=lambda path: path.stem)
def test_whatever_is_not_run_says_why(path: Path) -> None:
    texts = {name for block in doc_pages.blocks(path) for name, _ in block.pasted()}
    for block in doc_pages.blocks(path):
        for name, line in block.pasted() if block.is_run else ():
            programs = [words[0] for words in doc_pages.calls(line, "python")]
            known = name or line.startswith("special ") or _INSTALLS.match(line)
            assert known or (programs and set(programs) <= texts), line


def test_few_blocks_are_not_run() -> None:
    found = [block for path in doc_pages.PAGES for block in doc_pages.blocks(path) if block.language == "sh"]
    run_here = [len(list(block.calls())) for block in found if block.is_run]
    left_out = [len(list(block.calls())) for block in found if not block.is_run]
    assert sum(run_here) > 2 * sum(left_out)


def test_the_python_of_the_page_is_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    code = next(block.text for block in doc_pages.blocks(doc_pages.ROOT / "docs" / "python.md"))
    assert (doc_pages.ROOT / "examples" / "from_python.py").read_text(encoding="utf-8").endswith(code)
