"""Batches: manifests, lists, STAC items, data sets of images; and the folder that a batch has left."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import fruit
import numpy as np
import small_scene
from kind import Kind
from weights import quick_images, special

COMMON = ("--classes", "classes.txt", "--wavelengths", "wavelengths.csv", "--clip", "none", "--out", "maps")


def _scenes(folder: Path) -> None:
    small_scene.write(folder, "a")
    np.save(folder / "b.npy", small_scene.cube(seed=1)[0])


def _manifest(folder: Path) -> None:
    _scenes(folder)
    (folder / "manifest.csv").write_text(
        "scene,name,classes,wavelengths,labels,seed,reject,offline,warmup.epochs,mask\n"
        "a.npy,first,classes.txt,420:980,a_truth.npy,3,0.2,true,4,none\n"
        "b.npy,second,classes.txt,wavelengths.csv,,,,,,\n"
    )


def _list(folder: Path) -> None:
    _scenes(folder)
    (folder / "scenes.txt").write_text("# two scenes\na.npy\n[b-c].npy\n")


def _stac(folder: Path) -> None:
    _scenes(folder)
    item = {"type": "Feature", "stac_version": "1.0.0", "properties": {"datetime": "2020-07-15T10:21:00Z"}}
    item |= {"geometry": None, "links": []}
    data = {"roles": ["data"], "type": "application/octet-stream"}
    items = [
        {**item, "id": name, "assets": {"cube": {"href": f"./{name}.npy", **data}, "seen": {"href": "x.png"}}}
        for name in "ab"
    ]
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))


def _batch(folder: Path) -> None:
    """What a batch has left of two scenes, and of one that is not there."""
    _scenes(folder)
    (folder / "gone.txt").write_text("gone.npy\n")
    (folder / "scenes.txt").write_text("a.npy\nb.npy\ngone.npy\n")
    options = (*small_scene.tiny_options(), "--workers", "1", *COMMON[:-1], folder / "maps")
    paths = {name: folder / name for name in ("classes.txt", "wavelengths.csv")}
    with contextlib.suppress(RuntimeError):  # one is not there, and that is its exit code
        special("batch", folder / "scenes.txt", *(paths.get(str(word), word) for word in options))
    if not (folder / "maps" / "b.special" / "map.npy").is_file():
        raise RuntimeError("the batch has made no map")


def _images(folder: Path) -> None:
    fruit.write(folder / "fruit", images=3)
    np.save(folder / "fruit" / "Ripe" / "01_mask.npy", np.ones((20, 20), bool))


FOLDER = ("maps/*.json", "maps/*.csv", "maps/.batch/*")
BATCHES = (
    Kind("manifest", _manifest, (("batch", "manifest.csv", *COMMON, "--dry-run"),), ("manifest.csv",)),
    Kind("scene-list", _list, (("batch", "scenes.txt", *COMMON, "--dry-run"),), ("scenes.txt",)),
    Kind("stac-items", _stac, (("batch", "items.json", *COMMON, "--dry-run"),), ("items.json",)),
    Kind(
        "batch-folder",
        _batch,
        (
            ("status", "maps"),
            ("status", "maps", "--json"),
            ("batch", "scenes.txt", *COMMON, *small_scene.tiny_options(), "--dry-run"),
            ("batch", "gone.txt", *COMMON, *small_scene.tiny_options(), "-q"),
        ),
        FOLDER,
    ),
    Kind("images", _images, (("fit", "--dataset", "fruit", *quick_images(), "--out", "out", "-q"),), ("fruit/*",)),
)
