"""The pictures of the documentation, made by real commands on a simulated scene: no data of anybody is in them.

    python docs/tools/pictures.py [--keep FOLDER]    # minutes; needs the extra `test` and a browser for the page

The scene is that of ``special demo``, the class list that of the tutorial, and the truth answers. ``figures.json``
beside the pictures says how much of each map is right; a test holds the captions to it. ``--keep`` leaves the scene and
its runs there, for a second try.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from special.api.evaluate import evaluate
from special.classnames.class_list import ClassList
from special.report.legend import Legend, legend_of
from special.report.picture import _font, enlarged
from special.report.vision import VISIONS, simulated
from special.storage import files
from special.version import own_version

PICTURES = Path(__file__).parents[1] / "pictures"
QUESTIONS = 12
TOWN = "Asphalt, Meadows, Gravel, Trees, Painted metal sheets, Bare soil, Tiled roofs, Paving stones, Shadows, Water"
GAP, PAPER, INK = 12, (255, 255, 255), (30, 30, 30)


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder of the scene and its run")
    keep = parser.parse_args().keep
    folder = keep or Path(tempfile.mkdtemp())
    PICTURES.mkdir(exist_ok=True)
    scene, names, truth = folder / "demo" / "scene.hdr", folder / "uses.txt", folder / "demo" / "truth.npy"
    materials, draft, answered = (
        folder / "demo" / "scene.special",
        folder / "draft.special",
        folder / "answered.special",
    )
    label = ("label", scene, "--classes", names, "--clip", "none", "--out")
    if not (draft / "report.html").exists():
        special("demo", "--out", folder / "demo")
        names.write_text(tutorial_names(), encoding="utf-8")
        special(*label, draft)
    photograph(draft / "report.html", PICTURES / "report.webp")
    special("ask", draft, "--questions", QUESTIONS)
    photograph(draft / "questions.html", PICTURES / "questions.webp")
    answer(draft / "questions.csv", names, truth, folder / "answers.csv")
    if not answered.exists():
        shutil.copytree(draft, answered)
        special(*label, answered, "--labels", folder / "answers.csv")
    runs = {"materials": materials, "names": draft, "answers": answered}
    right = {which: accuracy(run, truth) for which, run in runs.items()}
    files.save_json(PICTURES / "figures.json", {"version": own_version(), "questions": QUESTIONS, "right": right})
    legend = legend_of(ClassList.read(names))
    rgb = picture(np.asarray(Image.open(draft / "rgb.png").convert("RGB")))
    save("answers", page([rgb, drawn(draft, legend), drawn(answered, legend)], legend))
    save("confidence", page([rgb, drawn(draft, legend), confidence(draft)], legend))
    save("colours", legends(legend_of(ClassList.parse(TOWN.split(", ")))))
    if not keep:
        shutil.rmtree(folder)


def special(*words: object) -> None:
    """Run a command as a user would."""
    subprocess.run([sys.executable, "-m", "special", *map(str, words)], check=True)


def accuracy(run: Path, truth: Path) -> float:
    """The share of the pixels that a map has right."""
    return round(evaluate(run, truth).final.oa, 4)


def save(name: str, image: Image.Image) -> None:
    """Save a picture without loss, small."""
    image.save(PICTURES / f"{name}.webp", lossless=True, quality=100, method=6)


def picture(array: np.ndarray) -> Image.Image:
    """An array (rows, cols, 3), enlarged as ``map.png`` is."""
    return Image.fromarray(enlarged(array))


def confidence(run: Path) -> Image.Image:
    """How sure the map is, from black, half sure or less, to white."""
    sure = np.load(run / "confidence.npy")
    grey = (255 * np.clip(2 * sure - 1, 0, 1)).astype(np.uint8)
    return picture(grey[..., None].repeat(3, axis=2))


def drawn(run: Path, legend: Legend) -> Image.Image:
    """The map of a run in its colours."""
    return picture(np.vstack([np.array([PAPER], np.uint8), legend.colours])[np.load(run / "map.npy")])


def page(images: Sequence[Image.Image], legend: Legend) -> Image.Image:
    """Pictures side by side, at half their size, above the legend."""
    half = [image.resize((image.width // 2, image.height // 2), Image.Resampling.NEAREST) for image in images]
    wide, high = sum(image.width + GAP for image in half) - GAP, max(image.height for image in half)
    made, font = Image.new("RGB", (wide, high + 36), PAPER), _font()
    at = 0
    for image in half:
        made.paste(image, (at, 0))
        at += image.width + GAP
    draw, at = ImageDraw.Draw(made), 0
    for name, colour in zip(legend.names, legend.colours, strict=True):
        draw.rectangle((at, high + 14, at + 16, high + 30), tuple(map(int, colour)))
        draw.text((at + 24, high + 22), name, INK, font, anchor="lm")
        at += 24 + int(font.getlength(name)) + 24
    return made


def legends(legend: Legend) -> Image.Image:
    """The legend as each vision sees it, one column each."""
    font, row, wide = _font(), 30, 150
    made = Image.new("RGB", (220 + wide * len(VISIONS), row * (1 + len(legend))), PAPER)
    draw = ImageDraw.Draw(made)
    for k, name in enumerate(legend.names, start=1):
        draw.text((0, row * k + row // 2), name, INK, font, anchor="lm")
    for column, vision in enumerate(VISIONS):
        left = 220 + wide * column
        draw.text((left, row // 2), vision, INK, font, anchor="lm")
        for k, colour in enumerate(simulated(legend.colours)[:, column], start=1):
            draw.rectangle((left, row * k + 3, left + wide - GAP, row * (k + 1) - 3), tuple(map(int, colour)))
    return made


def tutorial_names() -> str:
    """Return the class list of the tutorial, as a reader pastes it."""
    text = (PICTURES.parent / "tutorial.md").read_text(encoding="utf-8")
    found = re.search(r"^cat > uses.txt <<'END'\n(.*?)^END$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, "the tutorial writes uses.txt"
    return found[1]


def answer(questions: Path, classes: Path, truth: Path, answers: Path) -> None:
    """Fill in the questions from the truth, which only a simulation knows."""
    names, labels = ClassList.read(classes).names, np.load(truth)
    with questions.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for one in rows:
        one["class"] = names[labels[int(one["row"]), int(one["col"])] - 1]
    with answers.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def photograph(sheet: Path, target: Path) -> None:
    """Open a page in a browser, and keep what a person sees of it first."""
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1200, "height": 800})
        view.goto(sheet.resolve().as_uri())
        view.wait_for_load_state("networkidle")
        shot = target.with_suffix(".png")
        view.screenshot(path=shot)
        browser.close()
    Image.open(shot).convert("RGB").save(target, quality=85, method=6)
    shot.unlink()


if __name__ == "__main__":
    main()
