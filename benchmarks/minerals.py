"""Map simulated mineral scenes with the spectrum-text teacher and print how well its maps agree with the truth.

    python benchmarks/minerals.py [--scenes 48] [--seed 0] [--smoke] [--json FILE]

Every scene is a draw: a sensor, a list of minerals (with plants, soil or shadow among them in some), grain sizes,
mixtures (areal, or intimate by single-scattering albedo), dust, continuum slopes, illumination, noise, shifted bands,
numbers as fractions, times 10000, or, of what flies, radiance through air. The truth of a pixel is what it has most of.
Where the concept table has several samples of a mineral, the scene is made of one and the teacher is given the others;
minerals with one sample have their depth, their continuum and their band positions bent, drawn ones twice as much. Even
seeds are for development, odd ones judge.

Prints mean OA over scenes, the mean of the 10 % worst, the calibration error of confidence, and OA by what was drawn.
To compare with another version of the package, run this file with that version on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import record
from scipy.ndimage import gaussian_filter

PROMPTS = Path(__file__).resolve().parents[1] / "prompts"
AIR = ((1340, 1450), (1790, 1970))  # nm: no ground is seen through the air there
# Sensor: bands' centres (nm), their width (nm, 0: as their spacing), noise of a white surface below and above 2000 nm,
# and whether there is air between. Round figures of published performance.
SENSORS: dict[str, tuple[np.ndarray, float, float, float, bool]] = {
    "AVIRIS": (np.linspace(374, 2499, 224), 0, 0.003, 0.006, True),
    "HyMap": (np.linspace(455, 2480, 126), 0, 0.003, 0.006, True),
    "EnMAP": (np.concatenate([np.linspace(420, 990, 88), np.linspace(1000, 2445, 136)]), 0, 0.004, 0.008, True),
    "PRISMA": (np.concatenate([np.linspace(406, 977, 63), np.linspace(986, 2495, 167)]), 11, 0.006, 0.014, True),
    "SWIR camera": (np.linspace(1000, 2500, 256), 8, 0.004, 0.006, False),
    "ASTER": (np.array([556.0, 661, 807, 1656, 2167, 2209, 2262, 2336, 2400]), 45, 0.004, 0.008, True),
}
# Lists as geologists write them: name to column of minerals.csv, or to a concept of concepts.toml.
SETTINGS: dict[str, dict[str, str]] = {
    "epithermal": {
        "Kaolinite": "kaolinite",
        "Alunite": "alunite",
        "Illite": "illite",
        "Montmorillonite": "montmorillonite",
        "Chalcedony": "chalcedony",
        "Pyrophyllite": "pyrophyllite",
        "Dickite": "dickite",
        "Buddingtonite": "buddingtonite",
        "Jarosite": "jarosite",
        "Opal": "opal",
    },
    "porphyry": {
        "Sericite": "muscovite",
        "Phengite": "phengite",
        "Chlorite": "chlorite",
        "Epidote": "epidote",
        "Kaolinite": "kaolinite",
        "Biotite": "biotite",
        "Calcite": "calcite",
        "Tourmaline": "tourmaline",
        "Goethite": "goethite",
    },
    "carbonate": {
        "Calcite": "calcite",
        "Dolomite": "dolomite",
        "Siderite": "siderite",
        "Gypsum": "gypsum",
        "Magnesite": "magnesite",
        "Smectite": "montmorillonite",
        "Quartz": "quartz",
    },
    "ultramafic": {
        "Serpentine": "serpentine",
        "Talc": "talc",
        "Tremolite": "tremolite",
        "Chlorite": "chlorite",
        "Olivine": "olivine",
        "Nontronite": "nontronite",
        "Saponite": "hectorite",
        "Magnesite": "magnesite",
    },
    "iron": {
        "Hematite": "hematite",
        "Goethite": "goethite",
        "Jarosite": "jarosite",
        "Kaolinite": "kaolinite",
        "Muscovite": "muscovite",
        "Gibbsite": "gibbsite",
        "Quartz": "quartz",
    },
}
COVERS = {"Vegetation": "shrub", "Dry grass": "dry grass", "Bare soil": "bare soil", "Shadow": "shadow"}


@dataclass(frozen=True)
class Drawn:
    """What a scene is a draw of. ``numbers``: "fraction", "x 10000" or "radiance"."""

    seed: int
    sensor: str
    setting: str
    mixing: str
    numbers: str
    covers: bool


@dataclass(frozen=True)
class MineralScene:
    """``cube`` float32 (rows, cols, bands); ``wavelengths`` (bands,), nm; ``truth`` (rows, cols), 0 to K - 1.

    ``names``: of the K classes. ``used``: the columns of minerals.csv that it is made of.
    """

    drawn: Drawn
    cube: np.ndarray
    wavelengths: np.ndarray
    truth: np.ndarray
    names: list[str]
    used: set[str]


@dataclass(frozen=True)
class Library:
    """``nm`` (n,); ``columns``: reflectance (n,), a fraction, by name; ``samples``: columns of every mineral."""

    nm: np.ndarray
    columns: dict[str, np.ndarray]
    samples: dict[str, list[str]]
    concepts: list[dict[str, Any]]

    @classmethod
    def read(cls) -> Library:
        """Read the mineral spectra and which concept has which of them."""
        lines = (PROMPTS / "minerals.csv").read_text(encoding="utf-8").splitlines()
        rows = [line.split(",") for line in lines if not line.startswith("#")]
        values = np.array(rows[1:], dtype=float)
        concepts = tomllib.loads((PROMPTS / "minerals.toml").read_text(encoding="utf-8"))["concept"]
        samples = {entry["name"]: [v["spectrum"] for v in entry["variants"] if "spectrum" in v] for entry in concepts}
        return cls(values[:, 0], dict(zip(rows[0][1:], values[:, 1:].T / 100, strict=True)), samples, concepts)

    def without(self, used: set[str], folder: Path) -> Path:
        """Write the concepts that have a sample left without those ``used``; return the file."""
        (folder / "minerals.csv").write_bytes((PROMPTS / "minerals.csv").read_bytes())
        lines = ['spectra = "minerals.csv"']
        for entry in self.concepts:
            left = [v for v in entry["variants"] if v.get("spectrum") not in used]
            if not left or len(left) == len(entry["variants"]):
                continue
            lines += ["[[concept]]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items() if key != "variants"]
            lines += ["variants = ["]
            lines += [f"  {{ name = {json.dumps(v['name'])}, spectrum = {json.dumps(v['spectrum'])} }}," for v in left]
            lines += ["]"]
        path = folder / "held_out.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def albedo(reflectance: np.ndarray) -> np.ndarray:
    """Single-scattering albedo of grains whose layer reflects so (Hapke 1981, diffusive reflectance)."""
    return 1 - ((1 - reflectance) / (1 + reflectance)) ** 2


def layer(albedo: np.ndarray) -> np.ndarray:
    """Reflectance of a layer of grains of a single-scattering albedo: the inverse of ``albedo``."""
    root = np.sqrt(np.clip(1 - albedo, 0, 1))
    return (1 - root) / (1 + root)


def smooth(rng: np.random.Generator, shape: tuple[int, ...], reach: float) -> np.ndarray:
    """A random field of mean 0 and standard deviation 1 that changes over ``reach`` pixels in its first two axes."""
    field = gaussian_filter(rng.standard_normal(shape), (reach, reach, *[0] * (len(shape) - 2)), mode="wrap")
    return np.asarray((field - field.mean(axis=(0, 1))) / field.std(axis=(0, 1)))


def bent(spectrum: np.ndarray, nm: np.ndarray, rng: np.random.Generator, by: float) -> np.ndarray:
    """Another sample of a mineral: grains larger or smaller, another continuum, bands shifted by a few nm."""
    stretched = np.interp(nm, nm + by * 2.0 * rng.standard_normal(), spectrum)
    white = albedo(np.clip(stretched, 0.005, 0.98))
    grains = np.exp(by * 0.4 * rng.standard_normal())
    position = (np.log(nm) - np.log(1200)) / 0.5
    slope = by * (0.10 * rng.standard_normal() * position + 0.05 * rng.standard_normal() * position**2)
    return np.clip(layer(white / (white + grains * (1 - white))) * np.exp(slope), 0.003, 0.98)


def simulate(seed: int, library: Library, size: int = 44, sensor: str | None = None) -> MineralScene:
    """Draw a scene of ``size`` x ``size`` pixels."""
    from special.landcover.concepts import load_concepts
    from special.simulate.sensor import Sensor

    rng = np.random.default_rng([seed, 20_201])
    sensor = sensor or str(rng.choice(list(SENSORS)))
    drawn = Drawn(
        seed,
        sensor,
        str(rng.choice(list(SETTINGS))),
        str(rng.choice(["areal", "intimate"])),
        str(
            rng.choice(
                ["fraction", "x 10000", "radiance"]
                if SENSORS[sensor][4] and sensor != "ASTER"
                else ["fraction", "x 10000"]
            )
        ),
        bool(rng.random() < 0.5),
    )
    known = SETTINGS[drawn.setting]
    count = int(rng.integers(4, min(8, len(known)) + 1))
    names = [str(name) for name in rng.choice(list(known), count, replace=False)]
    nm, used, ground = library.nm, set(), []
    for name in names:
        column = str(rng.choice(library.samples[known[name]]))
        used.add(column)
        held_out = len(library.samples[known[name]]) > 1
        by = 2.0 if "(drawn)" in column else 0.5 if held_out else 1.0
        ground.append(bent(library.columns[column], nm, rng, by))
    if drawn.covers:
        table = load_concepts()
        extra = [str(name) for name in rng.choice(list(COVERS), 2, replace=False)]
        names += extra
        for name in extra:
            ground.append(bent(table.resample(table.concepts[COVERS[name]].variants[-1].reflectance, nm), nm, rng, 0.7))
    dust = bent(library.columns["quartz (drawn)"], nm, rng, 1.0) * rng.uniform(0.4, 0.9)
    classes = len(names)
    truth = smooth(rng, (size, size, classes), size / 14).argmax(axis=2)
    second = np.where(rng.random((size, size)) < 0.5, rng.integers(0, classes, (size, size)), classes)
    share = rng.uniform(0, 0.45, (size, size, 1)) * (rng.random((size, size, 1)) < 0.7)
    ends = np.stack([*ground, dust])
    grains = np.exp(0.3 * smooth(rng, (size, size, classes), 3.0))  # of every mineral, from place to place
    grains = np.take_along_axis(grains, truth[..., None], axis=2)
    white = albedo(ends[truth])
    first = white / (white + grains * (1 - white))
    if drawn.mixing == "intimate":
        mixed = layer((1 - share) * first + share * albedo(ends[second]))
    else:
        mixed = (1 - share) * layer(first) + share * ends[second]
    mixed *= np.exp(0.15 * smooth(rng, (size, size), 2.0))[..., None]
    centres, width, noise, beyond, air = SENSORS[drawn.sensor]
    if air:
        centres = centres[~np.any([(centres > low) & (centres < high) for low, high in AIR], axis=0)]
    seen = centres + 0.15 * np.gradient(centres).clip(max=12) * rng.standard_normal()
    widths = np.full(len(seen), width) if width else np.gradient(centres).clip(max=18)
    weights = np.exp(-0.5 * ((nm[None, :] - seen[:, None]) / (widths[:, None] / 2.355)) ** 2)
    cube = mixed @ (weights / weights.sum(axis=1, keepdims=True)).T
    cube += np.where(centres < 2000, noise, beyond) * rng.standard_normal(cube.shape)
    if drawn.numbers == "radiance":
        light = Sensor.over(centres, rng)
        cube = light.calibrated((cube * light.sun + light.haze).astype(np.float32), "radiance")
    elif drawn.numbers == "x 10000":
        cube *= 10_000
    return MineralScene(drawn, cube.astype(np.float32), centres, truth, names, used)


def judge(scene: MineralScene, library: Library) -> dict[str, Any]:
    """Name the pixels of a scene and compare with the truth."""
    from special import settings
    from special.classnames.class_list import ClassList
    from special.landcover.concepts import load_concepts
    from special.resources import PROMPTS as THEIRS
    from special.scene.scene import Scene
    from special.teachers.spectrum_text.settings import SpectrumTextSettings
    from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

    with tempfile.TemporaryDirectory() as folder:
        extra = [library.without(scene.used, Path(folder))] if (THEIRS / "minerals.toml").is_file() else []
        table = load_concepts(extra)
    teacher = SpectrumTextTeacher(settings.load("special").build(SpectrumTextSettings), table=table)
    started = time.perf_counter()
    found = teacher.predict(Scene.from_array(scene.cube, scene.wavelengths), None, ClassList.parse(scene.names))
    seconds = time.perf_counter() - started
    chosen, confidence = found.argmax(axis=2), found.max(axis=2)
    right = chosen == scene.truth
    return {
        **asdict(scene.drawn),
        "names": scene.names,
        "oa": float(right.mean()),
        "ece": calibration_error(confidence.ravel(), right.ravel()),
        "confidence": float(confidence.mean()),
        "recall": {name: float(right[scene.truth == k].mean()) for k, name in enumerate(scene.names)},
        "seconds": seconds,
    }


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of ``confidence`` (n,), 0 to 1, against ``right`` (n,), bool."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(abs(confidence[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in set(place))
    )


def report(rows: list[dict[str, Any]]) -> str:
    """The tables that are printed."""
    oa = np.array([row["oa"] for row in rows])
    worst = np.sort(oa)[: max(1, len(oa) // 10)].mean()
    lines = [
        f"{len(rows)} scenes: OA {oa.mean():.3f}, 10 % worst {worst:.3f}, calibration error "
        f"{np.mean([row['ece'] for row in rows]):.3f}, {np.mean([row['seconds'] for row in rows]):.1f} s a scene",
        "",
        "| drawn | value | scenes | OA | confidence |",
        "|---|---|---|---|---|",
    ]
    for what in ("sensor", "setting", "mixing", "covers", "numbers"):
        groups = defaultdict(list)
        for row in rows:
            groups[row[what]].append(row)
        for value, group in sorted(groups.items(), key=lambda pair: str(pair[0])):
            means = [np.mean([row[figure] for row in group]) for figure in ("oa", "confidence")]
            lines.append(f"| {what} | {value} | {len(group)} | {means[0]:.3f} | {means[1]:.3f} |")
    recalls = defaultdict(list)
    for row in rows:
        for name, recall in row["recall"].items():
            if np.isfinite(recall):
                recalls[name].append(recall)
    lines += ["", "recall: " + ", ".join(f"{name} {np.mean(values):.2f}" for name, values in sorted(recalls.items()))]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0, help="0: the scenes of development, 1: those that judge  [0]")
    parser.add_argument("--smoke", action="store_true", help="two small scenes, in seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    asked = parser.parse_args()
    library = Library.read()
    seeds = range(asked.seed, asked.seed + 2 * (2 if asked.smoke else asked.scenes), 2)
    rows = []
    for seed in seeds:
        rows.append(judge(simulate(seed, library, size=20 if asked.smoke else 44), library))
        print(
            f"{seed:5d} {rows[-1]['sensor']:12s} {rows[-1]['setting']:11s} {rows[-1]['oa']:.3f}",
            file=sys.stderr,
            flush=True,
        )
    print(report(rows))
    if asked.json:
        record.write(asked.json, rows)


if __name__ == "__main__":
    main()
