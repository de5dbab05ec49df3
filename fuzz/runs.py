"""Runs that come from somebody else, and the files in which questions about them are answered."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import fruit
import numpy as np
import pyogrio
import raster_products
import shapely
import small_scene
from kind import Kind
from rasterio.transform import from_origin
from weights import TINY, quick_images, special

SCENE = ("scene.npy", "--wavelengths", "wavelengths.csv")
STEP = 0.001


def _run(folder: Path) -> None:
    files = small_scene.write(folder, "scene")
    out = folder / "run.special"
    special("label", *files.options, "--out", out, *small_scene.tiny_options())
    special("sample", out, "--per-class", 2)
    special("ask", out)
    _answer_table(out / "sample.csv", "class", 2)


def _placed_run(folder: Path) -> None:
    """A run of a scene that has a place on the map, its questions and its sample answered as a table and as points."""
    files = small_scene.write(folder, "scene")
    scene = folder / "scene.tif"
    place = {"crs": "EPSG:4326", "transform": from_origin(10, 50, STEP, STEP)}
    raster_products.write_tif(scene, small_scene.cube()[0], **place)
    out = folder / "run.special"
    special("label", scene, *files.options[1:], "--out", out, *small_scene.tiny_options(), "--until", "map")
    special("sample", out, "--per-class", 2)
    special("ask", out)
    for name in ("questions", "sample"):
        _answer_table(out / f"{name}.csv", "class", 1 if name == "questions" else 2)
        _answer_layer(out / f"{name}.gpkg", folder / f"{name}.geojson", 1 if name == "questions" else 2)


def _answer_table(path: Path, column: str, each: int) -> None:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows({**row, column: _class(number, each)} for number, row in enumerate(rows))


def _answer_layer(path: Path, copy: Path, each: int) -> None:
    """Fill in the field ``class`` of a layer, and write the layer as GeoJSON as well."""
    about, _, shapes, values = pyogrio.raw.read(path)
    fields = dict(zip(about["fields"], values, strict=True))
    fields["class"] = np.array([_class(number, each) for number in range(len(shapes))], dtype=object)
    for target in (path, copy):
        target.unlink(missing_ok=True)
        pyogrio.raw.write(
            target,
            shapely.to_wkb(shapely.from_wkb(shapes)),
            list(fields.values()),
            list(fields),
            geometry_type=about["geometry_type"],
            crs=about["crs"],
        )


def _class(number: int, each: int) -> str:
    return small_scene.CLASSES[number // each % len(small_scene.CLASSES)]


def _fitted_run(folder: Path) -> None:
    files = small_scene.write(folder, "scene")
    scene = (files.scene, "--wavelengths", files.wavelengths, "--classes", files.classes)
    special("fit", *scene, "--labels", folder / "scene_truth.npy", "--out", folder / "run.special", *TINY)


def _fitted_images(folder: Path) -> None:
    fruit.write(folder / "fruit", images=3)
    special("fit", "--dataset", folder / "fruit", *quick_images(), "--out", folder / "run.special")


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


LABEL = ("label", *SCENE, "--classes", "classes.txt", "--clip", "none", "--out", "run.special", "-q", "--until")
FIT_IMAGES = ("fit", "--dataset", "fruit", *quick_images(), "--out", "run.special", "-q")
RUN_COMMANDS = (
    ("status", "run.special"),
    ("status", "run.special", "--json"),
    ("map", "run.special", "-q"),
    ("evaluate", "run.special", "--truth", "scene_truth.npy"),
    ("ask", "run.special", "-q"),
    ("rgb", "run.special", "-q"),
    ("sample", "run.special", "--per-class", "2", "-q"),
    ("report", "run.special", "-q"),
    (*LABEL, "rgb"),
)
FITTED_COMMANDS = (*RUN_COMMANDS[:4], RUN_COMMANDS[7], ("predict", "run.special", *SCENE, "--out", "out", "-q"))
FITTED = ("run.special/*.json", "run.special/steps/*")
ASKED = ("label", "scene.tif", *LABEL[2:], "answers", *small_scene.tiny_options(), "--labels")
ASSESS = ("assess", "run.special")


def _answers(name: str, file: str, command: tuple[str, ...]) -> Kind:
    return Kind(name, _placed_run, ((*command, file),), (file,))


RUNS = (
    Kind("run-json", _run, RUN_COMMANDS, ("run.special/*.json",), mend=_consistent_run),
    Kind("run-files", _run, RUN_COMMANDS[:6], ("run.special/*",), mend=_consistent_run),
    Kind("run-fitted", _fitted_run, FITTED_COMMANDS, FITTED, mend=_consistent_run),
    Kind(
        "run-images",
        _fitted_images,
        (("status", "run.special"), ("status", "run.special", "--json"), (*FIT_IMAGES, "--dry-run"), FIT_IMAGES),
        ("run.special/*",),
        mend=_consistent_run,
    ),
    Kind("sample", _run, ((*ASSESS, "run.special/sample.csv"),), ("run.special/sample*.*s*",)),
    _answers("sample-gpkg", "run.special/sample.gpkg", ASSESS),
    _answers("sample-geojson", "sample.geojson", ASSESS),
    _answers("answers-csv", "run.special/questions.csv", ASKED),
    _answers("answers-gpkg", "run.special/questions.gpkg", ASKED),
    _answers("answers-geojson", "questions.geojson", ASKED),
)
