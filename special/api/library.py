"""Spectral libraries: what is in one, the class list that it gives, and its classes as land-cover concepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from special.classnames.class_list import ClassList, ClassName
from special.errors import ClassListError, SettingsError
from special.libraries.classes import Match, class_columns, classes_of, column_of, described, match
from special.libraries.library import NAME, SpectralLibrary
from special.libraries.reading import read_library
from special.libraries.resample import bridged, resample
from special.libraries.variants import variants
from special.storage import files

_WIDTH_NM = 20.0  # of the concept table's wavelengths, which stand for broad features


def library_info(library: str | Path, column: str | None = None) -> dict[str, Any]:
    """Say what is in a spectral library, as JSON.

    Args:
        library: a file or a folder. column: whose values to count; every column that may hold classes when None.

    Raises:
        SettingsError: it cannot be read, or has no such column.
    """
    found = read_library(library)
    columns = found.columns
    shown = [column_of(found, column)] if column is not None else class_columns(found) or [NAME]
    return {
        "path": str(found.path),
        "format": found.format,
        "spectra": len(found.spectra),
        "range_nm": list(found.range_nm),
        "channels": sorted({len(spectrum.wavelengths) for spectrum in found.spectra}),
        "columns": {name: len(set(values)) for name, values in columns.items()},
        "classes": {name: {one.value: len(one.spectra) for one in classes_of(found, name)} for name in shown},
        "notes": list(found.notes),
    }


def class_list_from(library: str | Path, column: str | None = None) -> ClassList:
    """Return the classes of a library as a class list.

    Raises:
        SettingsError: it cannot be read, or its classes are not plain.
        ClassListError: there are fewer than two.
    """
    found = read_library(library)
    names = [one.name for one in classes_of(found, column_of(found, column))]
    if len(names) < 2:
        raise ClassListError(f"{found.path} has only one class: a map needs two or more")
    return ClassList.parse(ClassList(tuple(map(ClassName, names))).to_lines(), origin=str(found.path))


def matched(library: str | Path, classes: ClassList, column: str | None = None) -> list[str]:
    """Return, as sentences, which classes of a list have spectra in a library.

    Raises:
        SettingsError: none has, or the library cannot be read.
    """
    return described(match(read_library(library), [one.texts for one in classes], column))


def write_concepts(library: str | Path, out: str | Path, column: str | None = None, *, force: bool = False) -> int:
    """Write the classes of a library as concepts for ``--concepts``, and return how many there are.

    Args:
        library: a file or a folder. out: the TOML file to write. column: that holds the classes.
        force: replace ``out``.

    Raises:
        SettingsError: the library cannot be read, its classes are not plain, or ``out`` is there already.
    """
    from special.landcover.concepts import load_concepts

    target = Path(out)
    if target.exists() and not force:
        raise SettingsError(f"{target} is there already: choose another file with -o, or replace it with --force")
    found = read_library(library)
    grid = load_concepts().wavelengths
    texts = [_concept(found, one, grid) for one in classes_of(found, column_of(found, column))]
    written = [text for text in texts if text]
    if not written:
        raise SettingsError(f"{found.path} has no class whose spectra cover {grid[0]:g} to {grid[-1]:g} nm")
    head = f"# Concepts from {found.path.name}, {found.format}.\n\nwavelengths = {grid.tolist()}\n"
    files.replace_text(target, "\n".join([head, *written]))
    return len(written)


def _concept(library: SpectralLibrary, one: Match, grid: np.ndarray) -> str:
    """A class as TOML; "" where its spectra do not cover the table's wavelengths."""
    seen = resample(one.spectra, grid, np.full(len(grid), _WIDTH_NM))
    seen = seen[np.isfinite(seen).mean(axis=1) >= 0.5]
    if not len(seen):
        return ""
    found = variants(bridged(seen, grid))
    lines = [
        "[[concept]]",
        f"name = {json.dumps(one.name, ensure_ascii=False)}",
        f"sentence = {json.dumps(f'{one.name}, measured: {len(one.spectra)} spectra.', ensure_ascii=False)}",
        f"source = {json.dumps(library.path.name, ensure_ascii=False)}",
        f"level_sd = {max(variant.level_sd for variant in found):.3f}",
        f"shape_sd = {max(variant.shape_sd for variant in found):.3f}",
        "variants = [",
    ]
    for index, variant in enumerate(found, start=1):
        percent = ", ".join(f"{value:.2f}" for value in np.clip(100 * variant.reflectance, 0, 150))
        lines.append(f'  {{ name = "{index}", percent = [{percent}] }},')
    return "\n".join([*lines, "]", ""])
