"""The concept table, perturbed: is the accuracy owed to the method, or to lucky values in the table?"""

from __future__ import annotations

import json
import tomllib
import zlib
from pathlib import Path
from typing import Any

import numpy as np

SHAPE_SD = 0.10  # of log reflectance: a smooth error, correlated over log wavelength
LENGTH = 0.35
LEVEL_SD = 0.10  # of log reflectance: one error at all wavelengths
MOST = 150.0  # percent: the most that a table takes
_NODES = np.linspace(np.log(300), np.log(2600), 32)  # where errors are drawn, whatever wavelengths a table has


def perturbed(table: Path, seed: int) -> str:
    """Return a table of concepts whose spectra err, as the text of a user's TOML file.

    Every concept has an error of its own, which all its variants share and which depends on ``seed`` and its name
    alone. A variant that mixes other concepts is written out as a spectrum, so that it errs by itself too; canopies
    over ground err as both do.

    Raises:
        ValueError: a variant has neither ``percent`` nor ``mix``.
    """
    document = tomllib.loads(table.read_text(encoding="utf-8"))
    wavelengths = np.array(document["wavelengths"], dtype=float)
    concepts = {concept["name"]: concept for concept in document["concept"]}
    written = []
    for name, concept in concepts.items():
        factor = np.exp(error(wavelengths, name, seed))
        variants = []
        for variant in concept["variants"]:
            percent = np.minimum(_spectrum(variant, concepts, name) * factor, MOST)
            kept = {field: value for field, value in variant.items() if field != "mix"}
            variants.append({**kept, "percent": percent.round(4).tolist()})
        written.append({**concept, "variants": variants})
    return _toml({**document, "concept": written})


def error(wavelengths: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Return the error of a concept's log reflectance at ``wavelengths`` (nm): a smooth Gaussian field and a level."""
    from scipy.interpolate import CubicSpline

    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    distance = (_NODES[:, None] - _NODES[None, :]) / LENGTH
    root = np.linalg.cholesky(np.exp(-0.5 * distance**2) + 1e-8 * np.eye(len(_NODES)))
    field = SHAPE_SD * (root @ generator.standard_normal(len(_NODES)))
    return np.asarray(CubicSpline(_NODES, field)(np.log(wavelengths)) + LEVEL_SD * generator.standard_normal())


def _spectrum(variant: dict[str, Any], concepts: dict[str, Any], name: str) -> np.ndarray:
    if "percent" in variant:
        return np.array(variant["percent"], dtype=float)
    if "mix" not in variant:
        raise ValueError(f"a variant of concept {name!r} has neither `percent` nor `mix`: teach perturb.py its form")
    parts = [share * _spectrum(concepts[part]["variants"][0], concepts, part) for part, share in variant["mix"].items()]
    return np.sum(parts, axis=0)


def _toml(document: dict[str, Any]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in document.items() if key != "concept"]
    for concept in document["concept"]:
        lines += ["", "[[concept]]", *(f"{key} = {_value(value)}" for key, value in concept.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
