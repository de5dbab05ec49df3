"""Scenes of one sensor labelled as one: names read once, one classifier, one mosaic where they lie side by side."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.batch_scene import draw_thumbnail, figures_of_map, let_go
from special.api.source import HOW
from special.errors import BatchError, SceneError
from special.progress import Progress

if TYPE_CHECKING:
    from special.api.run import Run
    from special.scene import Scene
    from special.scene.radiometry import Correction
    from special.scene.readers.together import Member

WORK = "special.api.together:label_together"
"""How workers are told of ``label_together``."""

LIST, RUN, SUFFIX = "together.json", "together.special", ".map"
"""In the folder of a batch: which scenes, their run, and what is appended to a scene's name for its own map."""

ROW_OPTIONS = (*HOW, "labels", "labels_key", "scene")
"""What may differ from scene to scene in a batch that is labelled together."""

_SAME_NM = 1.0


def label_together(order: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Label scenes as one, and take the map apart again.

    Args:
        order: ``folder`` of the batch; ``options`` of ``LabelOptions`` for all, as JSON; ``scenes``, for each its
            ``name``, ``path``, ``how`` it is to be read, and ``labels``.
        progress: who listens.

    Returns:
        ``scenes``: for each by name the fields of its ``Row``; ``kept``: whether all was there already.

    Raises:
        SpecialError: as :func:`special.label`; or the scenes are not of one sensor.
    """
    from special.api.label import label
    from special.scene.readers.together import open_members

    began = time.monotonic()
    folder = Path(order["folder"])
    let_go(folder / RUN)
    with progress.phase("compare"):
        before = (folder / LIST).read_bytes() if (folder / LIST).is_file() else b""
        _write_list(folder / LIST, order["scenes"], progress)
        members = open_members(folder / LIST)
        options = dict(order["options"]) | _labels(folder, order["scenes"], members, options=order["options"])
        if before and before != (folder / LIST).read_bytes():
            progress.say("The scenes are not those of before: they are labelled from the beginning.")
            options["force"] = True
    done = label(scene=folder / LIST, out=folder / RUN, progress=progress, **options)
    with progress.phase("mosaic"):
        found = _taken_apart(folder, done, members, progress)
    kept = not any(outcome.ran for outcome in done.outcomes)
    seconds = {} if kept else {"seconds": round((time.monotonic() - began) / len(members), 2)}
    return {"scenes": {name: {**fields, **seconds} for name, fields in found.items()}, "kept": kept}


def _write_list(path: Path, listed: Sequence[Mapping[str, Any]], progress: Progress) -> None:
    """Open the scenes, compare their numbers where they overlap, and write down how they are read as one."""
    from special.scene import open_scene
    from special.scene.overlap import common_grid, footprints
    from special.scene.radiometry import Correction, corrections
    from special.scene.readers.together import KIND
    from special.storage import files

    scenes = [open_scene(one["path"], **one["how"]) for one in listed]
    bands = _common_bands(scenes, listed)
    count = len(bands[0])
    found: list[Correction] = [Correction(np.ones(count), np.zeros(count)) for _ in scenes]
    places = footprints(scenes)
    grid = common_grid(places) if places else None
    if grid is None or places is None:
        progress.say("Not all scenes say where they lie: there is no mosaic, and their numbers are taken as they are.")
    else:
        found = corrections(scenes, bands, places, grid)
        progress.say(_about(found, [str(one["name"]) for one in listed]))
    files.replace_json(
        path,
        {
            "special": KIND,
            "scenes": [
                {
                    "name": one["name"],
                    "path": one["path"],
                    "how": one["how"],
                    "bands": scene.band_numbers[own].tolist(),
                    "gain": correction.gain.tolist(),
                    "offset": correction.offset.tolist(),
                    "compared_with": None if correction.of is None else listed[correction.of]["name"],
                }
                for one, scene, own, correction in zip(listed, scenes, bands, found, strict=True)
            ],
        },
    )


def _about(found: Sequence[Correction], names: Sequence[str]) -> str:
    """Say which scenes are read by a calibration of their own."""
    own = [name for name, one in zip(names, found, strict=True) if one.own]
    alone = [name for name, one in zip(names, found, strict=True) if one.of is None][1:]
    said = f"Brought to the numbers of the scenes that they overlap: {', '.join(own)}." if own else ""
    said = said or "One calibration serves all scenes: where they overlap they agree."
    return said + (f" Overlap no other scene, numbers as they are: {', '.join(alone)}." if alone else "")


def _common_bands(scenes: Sequence[Scene], listed: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
    """Return for each scene the positions int (bands,) of its good bands that all have, in order of wavelength.

    Raises:
        SceneError: they are not of one sensor.
    """
    first = scenes[0]
    nm = dict(zip(first.band_numbers.tolist(), first.wavelengths.tolist(), strict=True))
    common = set(nm)
    for scene, one in zip(scenes, listed, strict=True):
        own = dict(zip(scene.band_numbers.tolist(), scene.wavelengths.tolist(), strict=True))
        common &= set(own)
        same = scene.file_bands == first.file_bands and all(abs(own[b] - nm[b]) <= _SAME_NM for b in common)
        if not same or not common:
            raise SceneError(
                f"{one['path']} has other bands than {listed[0]['path']}: scenes of one sensor can be labelled "
                "together, others without --together"
            )
    return [np.flatnonzero(np.isin(scene.band_numbers, list(common))) for scene in scenes]


def _labels(
    folder: Path, listed: Sequence[Mapping[str, Any]], members: Sequence[Member], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the option ``labels`` for all scenes: what is known of each, written down by its row among all."""
    from special.answers.answers import NONE_OF_THESE
    from special.answers.reading import read_answers
    from special.api.class_source import class_list_of
    from special.api.opening import grid_of

    names: dict[int, str] = {}
    rows: list[tuple[int, int, str]] = []
    for one, member in zip(listed, members, strict=True):
        for labels in one["labels"]:
            classes = class_list_of(options["classes"])
            names = dict(enumerate(classes.names, start=1)) | {NONE_OF_THESE: "none of these"}
            answers = read_answers(labels, grid_of(member.scene), classes, key=one["labels_key"])
            rows += [(r + member.first, c, names[said]) for r, c, said, _ in answers.table.tolist() if said in names]
    if not rows:
        return {}
    path = folder / ".batch" / "together-labels.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("row", "col", "class"), *rows])
    return {"labels": [str(path)]}


def _taken_apart(folder: Path, run: Run, members: Sequence[Member], progress: Progress) -> dict[str, dict[str, Any]]:
    """Write the map of every scene and the mosaic of all; return the fields of their rows."""
    from special.cache.directory import RunDirectory
    from special.report.exports import write_map
    from special.report.legend import legend_of
    from special.report.mosaic import Part, write_mosaic
    from special.scene.overlap import common_grid, footprints
    from special.storage import files

    shares = np.load(RunDirectory(run.path).payload("map", "probabilities.npy"), mmap_mode="r", allow_pickle=False)
    legend = legend_of(run.class_list)
    names, colours = legend.names, legend.colours
    reject = float(run.request.settings.values["map.reject"])
    rows, own = {}, []
    for member in members:
        scene, target = member.scene, folder / f"{member.name}{SUFFIX}"
        part = np.array(shares[member.rows, : scene.shape[1]])
        valid = part.max(axis=2) > 0
        with files.whole_folder(target) as inside:
            say = progress.say
            place, ground = scene.georeference, scene.ground
            write_map(
                inside,
                part,
                valid,
                names,
                place,
                reject=reject,
                colours=colours,
                concepts=legend.concepts,
                ground=ground,
                say=say,
            )
        labels, confidence = np.load(target / "map.npy"), np.load(target / "confidence.npy")
        draw_thumbnail(folder / "thumbnails" / f"{member.name}.png", labels, colours)
        links = {"Map": f"{target.name}/map.png", "GeoTIFF": f"{target.name}/map.tif", "Run": RUN}
        figures = figures_of_map(labels, confidence, names, colours)
        rows[member.name] = {**figures, "map": files.sha256_of(target / "map.npy"), "links": links}
        own.append((part, target / ("map.tif" if scene.georeference else "map_ground.tif")))
    places = footprints([member.scene for member in members])
    grid = common_grid(places) if places else None
    if grid is not None and places is not None:
        parts = [Part(place, part, tif) for place, (part, tif) in zip(places, own, strict=True)]
        write_mosaic(folder, parts, grid, legend, reject)
        for row in rows.values():
            row["links"] |= {"Mosaic": "mosaic.tif"}
    return rows


def run_in(path: Path | None) -> Path | None:
    """Return the run of scenes that were labelled together, for the folder of their batch; else ``path`` itself."""
    inside = (path or Path()) / RUN
    return inside if inside.is_dir() else path


def refuse_what_differs(orders: Sequence[Any]) -> None:
    """Make sure that scenes can be labelled together: what decides classes and training is the same for all.

    Raises:
        BatchError: an option differs.
    """
    first = orders[0]
    for order in orders[1:]:
        for name in sorted({*first.options, *order.options} - set(ROW_OPTIONS)):
            if first.options.get(name) != order.options.get(name):
                raise BatchError(
                    f"{first.name} and {order.name} differ in {name}: scenes that are labelled together have one"
                )
