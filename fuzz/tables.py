"""What people write themselves: class lists, truths, labels, libraries, pipelines, concepts, descriptions."""

from __future__ import annotations

import json
from pathlib import Path

import library_files
import numpy as np
import pyogrio
import raster_products
import scipy.io
import shapely
import small_scene
from kind import Kind
from rasterio.transform import from_origin
from texts import of_text
from values import word

STYLE = """<qgis version="3.34"><pipe><rasterrenderer type="paletted" band="1"><colorPalette>
<paletteEntry value="3" color="#a0522d" label="Bare soil" alpha="255"/>
<paletteEntry value="1" color="#0000ff" label="Water" alpha="255"/>
<paletteEntry value="2" color="#00a000" label="Grass" alpha="255"/></colorPalette></rasterrenderer></pipe></qgis>"""
HEADER = (
    "ENVI\nsamples = 3\nfile type = ENVI Classification\nclasses = 4\n"
    "class lookup = {0, 0, 0, 0, 0, 255, 0, 160, 0, 160, 82, 45}\n"
    "class names = {Unclassified, Water, Grass, Bare soil}\n"
)
LISTS = {
    "classes.txt": "# a list\nWater | lake | river\nGrass: short and green\nBare soil\nEis und Schnee\n",
    "classes.csv": "number,name,synonyms,description,colour\n1,Water,lake; river,deep,#0000FF\n2,Grass,,,#00A000\n"
    "3,Bare soil,,dry,#A0522D\n",
    "classes.qml": STYLE,
    "classes.hdr": HEADER,
}
STEP = 0.001
SCENE = ("scene.npy", "--wavelengths", "wavelengths.csv")
RGB = ("--classes", "classes.txt", "--clip", "none", "--out", "out", "--until", "rgb", "-q")
FIT = ("fit", *SCENE, "--classes", "classes.txt", "--classifier", "mean", "--out", "out", "-q", "--dry-run", "--labels")


def _scene(folder: Path) -> None:
    small_scene.write(folder, "scene")


def _list(name: str) -> Kind:
    def make(folder: Path) -> None:
        _scene(folder)
        (folder / name).write_text(LISTS[name], encoding="utf-8")

    label = ("label", *SCENE, "--classes", name, "--clip", "none", "--out", "out", "--until", "rgb", "-q")
    return Kind(f"classes-{name[8:]}", make, (label, ("classes", "--classes", name), label), (name,))


def _truth(folder: Path, name: str) -> None:
    _scene(folder)
    truth = small_scene.cube()[2].astype("u1")
    match name:
        case "truth.mat":
            scipy.io.savemat(folder / name, {"gt": truth}, do_compression=True)
        case "truth.tif":
            raster_products.write_tif(folder / name, truth[:, :, None])
        case "truth.hdr":
            (folder / "truth.img").write_bytes(truth.tobytes())
            (folder / name).write_text(
                "ENVI\nsamples = 10\nlines = 12\nbands = 1\nheader offset = 0\nfile type = ENVI Classification\n"
                "data type = 1\ninterleave = bsq\nbyte order = 0\nclasses = 4\n"
                "class names = {none, Water, Grass, Bare soil}\n"
            )
        case _:
            np.save(folder / name, truth)


def _truths(name: str) -> Kind:
    files = (name, "truth.img") if name == "truth.hdr" else (name,)
    return Kind(f"labels-{name[6:]}", lambda folder: _truth(folder, name), ((*FIT, name),), files)


def _vectors(name: str) -> Kind:
    def make(folder: Path) -> None:
        _scene(folder)
        place = {"crs": "EPSG:4326", "transform": from_origin(10, 50, STEP, STEP)}
        raster_products.write_tif(folder / "scene.tif", small_scene.cube()[0], **place)
        shapes = [shapely.box(10 + STEP, 50 - STEP * (n + 2), 10 + 4 * STEP, 50 - STEP * n) for n in (1, 5, 9)]
        if not name.endswith(".shp"):
            shapes[1] = shapely.Point(10 + 5.5 * STEP, 50 - 5.5 * STEP)
        pyogrio.raw.write(
            folder / name,
            shapely.to_wkb(np.array(shapes, dtype=object)),
            [np.array(["Water", "Grass", "Bare soil"], dtype=object)],
            ["class"],
            geometry_type="Polygon" if name.endswith(".shp") else "Unknown",
            crs="EPSG:4326",
        )

    command = ("fit", "scene.tif", *SCENE[1:], *FIT[len(SCENE) + 1 :], name)
    return Kind(f"labels-{name[7:]}", make, (command,), ("labels.*",))


def _table(folder: Path) -> None:
    _scene(folder)
    (folder / "labels.csv").write_text("row,col,class\n2,5,Water\n6,5,grass\n10,5,3\n11,9,I don't know\n")


def _library(name: str) -> Kind:
    def make(folder: Path) -> None:
        _scene(folder)
        values, names, classes = library_files.spectra()
        match name:
            case "sli":
                library_files.write_metadata(folder / "lib.csv", names, classes)
                library_files.write_sli(folder, values, names)
            case "rows":
                library_files.write_rows(folder / "lib.csv", values, names, classes)
            case "columns":
                library_files.write_columns(folder / "lib.csv", values, names)
            case "splib":
                library_files.write_splib(folder / "lib", values, names, classes)
            case "ecostress":
                library_files.write_ecostress(folder / "lib", values, names, classes)
            case "database":
                library_files.write_ecostress(folder / "made", values, names, classes)
                library_files.write_database(folder / "lib.db", folder / "made")

    path = {"sli": "lib.sli", "rows": "lib.csv", "columns": "lib.csv", "database": "lib.db"}.get(name, "lib")
    column = ("class",) if name in ("ecostress", "database") else ()
    concepts = ("library", "concepts", path, "-o", "my.toml", *(("--column", *column) if column else ()))
    listed = ("classes", "--library", path, *(("--library-column", *column) if column else ()))
    return Kind(
        f"library-{name}",
        make,
        (("library", "info", path), ("library", "info", path, "--json"), listed, concepts),
        ("lib*", "lib/*"),
    )


def _pipeline(folder: Path) -> None:
    from special.resources import PIPELINES

    _scene(folder)
    (folder / "pipeline.toml").write_bytes((PIPELINES / "special.toml").read_bytes())


def _settings(rng: np.random.Generator, data: bytes) -> bytes:
    """Give some settings other values, in TOML; or mutate its text."""
    lines = data.decode().split("\n")
    ours = [place for place, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    if rng.random() < 0.3 or not ours:
        return of_text(rng, data)
    for _ in range(rng.integers(1, 4)):
        place = ours[rng.integers(len(ours))]
        name = lines[place].partition(" = ")[0]
        value = word(rng)
        lines[place] = f"{name} = {value if rng.random() < 0.6 else json.dumps(value)}"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _concepts(folder: Path) -> None:
    _scene(folder)
    example = Path(__file__).parents[1] / "examples" / "concepts.toml"
    (folder / "concepts.toml").write_bytes(example.read_bytes())


def _descriptions(folder: Path) -> None:
    _scene(folder)
    (folder / "texts.txt").write_text(
        "# what is seen\n\n[Water]\nWater is dark, and flat, and reflects the sky above it.\n\nIt is wet.\n\n"
        "[Grass]\nGrass is green and low.\n\n[Bare soil]\nSoil is brown, and rough where it was ploughed.\n"
    )


READ_TEXTS = ("--labels", "scene_truth.npy", "--classifier", "s3fn", "--descriptions", "texts.txt", "--set")
TABLES = (
    *map(_list, LISTS),
    *map(_truths, ("truth.npy", "truth.mat", "truth.tif", "truth.hdr")),
    *map(_vectors, ("labels.gpkg", "labels.geojson", "labels.shp", "labels.fgb")),
    Kind("labels-csv", _table, ((*FIT, "labels.csv"),), ("labels.csv",)),
    *map(_library, ("sli", "rows", "columns", "splib", "ecostress", "database")),
    Kind(
        "pipeline",
        _pipeline,
        (("label", *SCENE, *RGB, "--pipeline", "pipeline.toml"),),
        ("pipeline.toml",),
        {"*": _settings},
    ),
    Kind(
        "concepts",
        _concepts,
        (
            ("classes", "--classes", "classes.txt", "--concepts", "concepts.toml"),
            ("label", *SCENE, *RGB, "--concepts", "concepts.toml"),
        ),
        ("concepts.toml",),
        {"*": _settings},
    ),
    Kind(
        "descriptions",
        _descriptions,
        (("fit", *FIT[1:4], "--classes", "classes.txt", *READ_TEXTS, "fit.epochs=1", "--out", "out", "-q"),),
        ("texts.txt",),
    ),
)
