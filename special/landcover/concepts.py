"""The concept table: what the words of a class list look like to a spectrometer.

A concept carries one or more expected reflectance spectra with their uncertainty. The table is text
(``prompts/concepts.toml``) that a user can read, extend and override; its head says what every field means.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SettingsError, damage_of
from special.landcover.curves import FLOOR, Curve, read_spectra, slit_matrix
from special.resources import PROMPTS

PACKAGED = ("concepts.toml", "minerals.toml")  # the files of the table that comes with the package, in ``prompts/``
GROUPS = (
    "made",
    "long",
    "compact",
    "unpaved",
    "areal",
    "minerals",
    "apart",
    "crops",
)  # lists of concepts at the top of a table
FINE = np.arange(400.0, 2501.0, 5.0)  # nm: the grid on which the absorptions of minerals can be told apart


@dataclass(frozen=True)
class Variant:
    """One expected spectrum of a concept: ``reflectance`` float64 (table wavelengths,), as a fraction.

    A plant canopy over ground also says of what it is made: ``reflectance = cover * canopy + (1 - cover) * ground``.
    """

    name: str
    reflectance: np.ndarray
    cover: float | None = None
    canopy: np.ndarray | None = None
    ground: np.ndarray | None = None


@dataclass(frozen=True)
class Concept:
    """One land-cover concept. ``level_sd`` and ``shape_sd`` are standard deviations of log reflectance.

    ``mixed``: it has no spectrum of its own, only mixtures of other concepts.
    """

    name: str
    synonyms: tuple[str, ...]
    sentence: str
    source: str
    level_sd: float
    shape_sd: float
    variants: tuple[Variant, ...]
    mixed: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """What people call it, the name first."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class ConceptTable:
    """All concepts, by name, on one grid of wavelengths (nm); ``sha256`` is over the files it was read from.

    ``made``: names of the concepts that people make, as opposed to rock, soil and what grows. ``long``, ``compact``:
    of those whose areas run on like roads, or end on all sides like roofs. ``unpaved``, ``areal``: of roads that are
    made of the ground they run through, and of such grounds. ``minerals``: of those that narrow absorptions tell apart.
    ``apart``: of those that only a class list that names them has in mind: what a class called "other" may be, they are
    not, nor are minerals where the list has none. ``fine``: the same table on the grid ``FINE``, of those that were
    read from files. ``crops``: sown. ``own``: the user's.
    """

    wavelengths: np.ndarray
    concepts: dict[str, Concept]
    sha256: str
    made: frozenset[str] = frozenset()
    long: frozenset[str] = frozenset()
    compact: frozenset[str] = frozenset()
    unpaved: frozenset[str] = frozenset()
    areal: frozenset[str] = frozenset()
    minerals: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    fine: ConceptTable | None = None
    crops: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def resample(self, reflectance: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
        """Bring ``reflectance`` (..., n) at the table's n wavelengths to ``wavelengths`` (bands,), nm: (..., bands).

        In between it is smooth in log reflectance; outside the table's range the nearest value holds.
        """
        from scipy.interpolate import PchipInterpolator

        at = np.clip(wavelengths, self.wavelengths[0], self.wavelengths[-1])
        logs = np.log(np.maximum(reflectance, FLOOR))
        return np.exp(PchipInterpolator(self.wavelengths, logs, axis=-1)(at))

    def seen_by(self, centres: np.ndarray) -> ConceptTable:
        """Return the fine table with every spectrum as smooth as bands at ``centres`` (bands,), nm, rising, show it.

        A band is taken to be as wide as it is far from its nearer neighbour. A table that was not read from files has
        nothing finer, and is returned as it is.
        """
        if self.fine is None:
            return self
        grid = self.fine.wavelengths
        slit = slit_matrix(grid, centres)
        concepts = {
            name: replace(concept, variants=_seen(concept.variants, slit))
            for name, concept in self.fine.concepts.items()
        }
        return replace(self.fine, concepts=concepts)


def _seen(variants: Sequence[Variant], slit: np.ndarray) -> tuple[Variant, ...]:
    """Return variants with all spectra seen through ``slit``; those that share a canopy still share it."""
    known: dict[int, np.ndarray] = {}

    def through(spectrum: np.ndarray) -> np.ndarray:
        return known.setdefault(id(spectrum), slit @ spectrum)

    return tuple(
        replace(
            variant,
            reflectance=through(variant.reflectance),
            canopy=None if variant.canopy is None else through(variant.canopy),
            ground=None if variant.ground is None else through(variant.ground),
        )
        for variant in variants
    )


def table_files(extra: Sequence[str | Path] = ()) -> list[Path]:
    """Return all files that a table is read from, those with spectra after the one that names them.

    Raises:
        SettingsError: as ``load_concepts``.
    """
    found = []
    packaged = [PROMPTS / name for name in PACKAGED]
    for path in [*packaged, *map(Path, extra)]:
        document, _ = _document(path)
        with damage_of(path, SettingsError):
            found += [path, *([path.with_name(str(document["spectra"]))] if "spectra" in document else [])]
    return found


def load_concepts(extra: Iterable[str | Path] = ()) -> ConceptTable:
    """Read the table that comes with the package, then the user's files, later ones replacing earlier ones.

    As long as the files say the same, it is the same table: nobody may change it.

    Raises:
        SettingsError: a file is missing, is not TOML, or a concept in it cannot be used; the message says which.
    """
    chosen = tuple(map(Path, extra))
    return _table_of(chosen, tuple(map(_content, table_files(chosen))))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return b""  # whoever reads it for what it holds says why it cannot be read


@lru_cache(maxsize=4)
def _table_of(extra: tuple[Path, ...], contents: tuple[bytes, ...]) -> ConceptTable:
    """Build the table of files whose ``contents`` are these: the same files, changed, make another one."""
    digest = hashlib.sha256()
    raw: dict[str, dict[str, Any]] = {}
    groups: dict[str, set[str]] = {group: set() for group in GROUPS}
    grid = np.empty(0)
    own_names: set[str] = set()
    packaged = [PROMPTS / name for name in PACKAGED]
    for path in [*packaged, *extra]:
        document, data = _document(path)
        with damage_of(path, SettingsError):
            document = deepcopy(document)  # for curves are put into it
            digest.update(data)
            own = grid if "spectra" in document and "wavelengths" not in document else _grid(document, path)
            grid = grid if len(grid) else own
            library: dict[str, Curve] = {}
            if "spectra" in document:
                library, data = read_spectra(path.with_name(str(document["spectra"])))
                digest.update(data)
            for entry in document.get("concept", []):
                name = _checked(entry, path, own, library)
                raw[name] = entry
                if path not in packaged:
                    own_names.add(name)
            for group in GROUPS:
                groups[group] |= _group(group, document, path, raw)
    named = {group: frozenset(names) for group, names in groups.items()}

    def on(wavelengths: np.ndarray) -> ConceptTable:
        build = _Builder(raw, wavelengths)
        concepts = {name: build.concept(name) for name in raw}
        return ConceptTable(wavelengths, concepts, digest.hexdigest(), fine=None, own=frozenset(own_names), **named)

    with damage_of("the table of concepts", SettingsError):
        return replace(on(grid), fine=on(FINE))


def _document(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"no concept file at {path}") from None
    except OSError as error:
        raise SettingsError(f"the concept file {path} cannot be read ({error.strerror})") from None
    try:
        return _parsed(data), data
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}") from None


@lru_cache(maxsize=8)
def _parsed(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode("utf-8"))


def _group(group: str, document: dict[str, Any], path: Path, raw: dict[str, dict[str, Any]]) -> set[str]:
    names = document.get(group, [])
    unknown = [name for name in names if name not in raw] if isinstance(names, list) else [names]
    if unknown:
        raise SettingsError(f"{path}: `{group}` lists names of concepts, and {unknown[0]!r} is none")
    return set(names)


def _grid(document: dict[str, Any], path: Path) -> np.ndarray:
    """Return the wavelengths (n,), nm, of a file or of one variant."""
    grid = np.asarray(document.get("wavelengths", []), dtype=float)
    if grid.ndim != 1 or len(grid) < 12 or np.any(np.diff(grid) <= 0) or grid[0] < 300 or grid[-1] > 2600:
        raise SettingsError(f"{path}: `wavelengths` must be 12 or more rising values between 300 and 2600 nm")
    return grid


_REQUIRED = {"name": str, "sentence": str, "source": str, "level_sd": float, "shape_sd": float, "variants": list}
_OPTIONAL = {"synonyms": list, "cover": list, "background": str}


def _checked(entry: dict[str, Any], path: Path, own: np.ndarray, library: Mapping[str, Curve]) -> str:
    """Check one concept's fields and turn its spectra into curves; return its name.

    ``own`` (n,), nm: the wavelengths of its file. ``library``: the file of spectra that its file names.
    """
    name = entry.get("name", "?")
    for field, kind in _REQUIRED.items():
        value = entry.get(field)
        if not isinstance(value, (int, float) if kind is float else kind) or value in ("", []):
            raise SettingsError(f"{path}: concept {name!r} needs `{field}` ({kind.__name__})")
    unknown = set(entry) - set(_REQUIRED) - set(_OPTIONAL)
    if unknown:
        raise SettingsError(f"{path}: concept {name!r} has the unknown field `{min(unknown)}`")
    if not (0 < entry["level_sd"] < 3 and 0 < entry["shape_sd"] < 3):
        raise SettingsError(f"{path}: concept {name!r}: level_sd and shape_sd lie between 0 and 3")
    if entry.get("cover") and not (entry.get("background") and all(0 < f <= 1 for f in entry["cover"])):
        raise SettingsError(f"{path}: concept {name!r}: `cover` is fractions in (0, 1] and needs a `background`")
    for variant in entry["variants"]:
        if sum(form in variant for form in ("percent", "mix", "spectrum")) != 1:
            raise SettingsError(
                f"{path}: every variant of concept {name!r} needs one of `percent`, `mix` and `spectrum`"
            )
        if "spectrum" in variant:
            if variant["spectrum"] not in library:
                raise SettingsError(
                    f"{path}: concept {name!r}: no spectrum {variant['spectrum']!r} in the file that `spectra` names"
                )
            variant["curve"] = library[variant["spectrum"]]
        elif "percent" in variant:
            at = _grid(variant, path) if "wavelengths" in variant else own
            percent = np.asarray(variant["percent"], dtype=float)
            if percent.shape != at.shape or not np.all((percent >= 0) & (percent <= 150)):
                raise SettingsError(
                    f"{path}: concept {name!r}: `percent` must be {len(at)} reflectances between 0 and 150 %"
                )
            variant["curve"] = Curve(at, percent)
        elif not variant["mix"] or abs(sum(variant["mix"].values()) - 1) > 1e-6:
            raise SettingsError(f"{path}: concept {name!r}: the fractions of `mix` must add up to 1")
    return str(name)


class _Builder:
    """Resolves mixtures and canopies over their backgrounds."""

    def __init__(self, raw: dict[str, dict[str, Any]], grid: np.ndarray) -> None:
        self.raw, self.grid = raw, grid
        self._first: dict[str, np.ndarray] = {}

    def first_spectrum(self, name: str, user: str, seen: tuple[str, ...] = ()) -> np.ndarray:
        """The spectrum that a mixture takes from concept ``name``: its first variant, whole cover."""
        if name not in self.raw:
            raise SettingsError(f"concept {user!r} mixes {name!r}, which is not in the table")
        if name in seen:
            raise SettingsError(f"concept {user!r} mixes itself through {' -> '.join((*seen, name))}")
        if name not in self._first:
            self._first[name] = self.spectrum(self.raw[name]["variants"][0], user, (*seen, name))
        return self._first[name]

    def spectrum(self, variant: dict[str, Any], user: str, seen: tuple[str, ...] = ()) -> np.ndarray:
        if "curve" in variant:
            return np.asarray(variant["curve"].on(self.grid))
        parts = [fraction * self.first_spectrum(part, user, seen) for part, fraction in variant["mix"].items()]
        return np.sum(parts, axis=0)

    def concept(self, name: str) -> Concept:
        entry = self.raw[name]
        spectra = [(str(v.get("name", "")), self.spectrum(v, name)) for v in entry["variants"]]
        cover = entry.get("cover")
        if cover:
            ground = self.first_spectrum(entry["background"], name)
            variants = tuple(
                Variant(f"{label}, cover {f:g}", f * leaf + (1 - f) * ground, f, leaf, ground)
                for label, leaf in spectra
                for f in cover
            )
        else:
            variants = tuple(Variant(label, leaf) for label, leaf in spectra)
        return Concept(
            name=name,
            synonyms=tuple(entry.get("synonyms", ())),
            sentence=entry["sentence"],
            source=entry["source"],
            level_sd=float(entry["level_sd"]),
            shape_sd=float(entry["shape_sd"]),
            variants=variants,
            mixed=all("mix" in variant and name not in variant["mix"] for variant in entry["variants"]),
        )
