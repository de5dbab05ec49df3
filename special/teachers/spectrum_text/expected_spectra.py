"""From readings of class names to the spectra a scene should show: concepts, bent by the modifiers of the name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from special.classnames.reading import Reading
from special.landcover.concepts import Concept, ConceptTable, Variant

NEGLIGIBLE = 0.03  # weight below which a concept that a name might mean is not followed up
DRYNESS_SPREAD = 0.125  # a plant that is called dry has lost more or less of its green
WEEDS = (0.08, 0.3)  # area fraction of weeds between the plants
TILLED_COVERS = (0.1, 0.25)  # of a crop that is called by how its ground was tilled: most of that is seen
RESIDUE_SPREAD = 0.2  # a tillage practice leaves more or less residue
SERIES_COVERS = tuple(np.linspace(0.02, 0.98, 9).tolist())  # stages of growth: their order is known, not their cover
CLOSED = 8.0  # weeks until a crop in rows covers the ground; before, it covers at most a share that grows evenly
AHEAD = 0.2  # of cover: one standard deviation by which a crop may be further than that
ALREADY_DRY = frozenset({"dry grass", "straw", "crop residue"})


@dataclass(frozen=True)
class Expected:
    """One spectrum that a class may show: ``reflectance`` float64 (table wavelengths,), with its uncertainty.

    ``rest``: of a class called "other", whose spectra say nothing about the scene. ``regional``, float64 (regions,), is
    what the sensor's regions see of one that was measured; else None.
    """

    class_index: int
    concept: str
    reflectance: np.ndarray
    log_weight: float
    level_sd: float
    shape_sd: float
    rest: bool = False
    regional: np.ndarray | None = None


def expected_spectra(readings: Sequence[Sequence[Reading]], table: ConceptTable, rest_weight: float) -> list[Expected]:
    """Return the spectra of all classes, in class order.

    The spectra of one class are alternatives for the scene (which roof, which soil), so none of them is made less
    likely by the number of others; only how well the name fits the concept weighs. A class called "other" may be every
    concept that is not named, but for mixtures of others, for what the table keeps apart, and for minerals where the
    list has none. It is one class, so its weight, the logarithm ``rest_weight``, is shared by all of these: it takes
    what no name explains, not what a name explains a little less.
    """
    named = {concept for group in readings for reading in group for concept, _ in reading.concepts}
    apart = table.apart if named & table.minerals else table.apart | table.minerals
    spectra: list[Expected] = []
    for index, group in enumerate(readings):
        for reading in group:
            if not reading.concepts:
                spectra += _unnamed(index, named | apart, table, rest_weight)
            elif reading.parts:
                spectra += _side_by_side(index, reading, table)
            else:
                spectra += _one_of(index, reading, table)
    return spectra


def _unnamed(index: int, left_out: Collection[str], table: ConceptTable, weight: float) -> list[Expected]:
    """Every variant of the concepts that are not ``left_out``, which share the logarithmic ``weight`` of one class."""
    concepts = [c for c in table.concepts.values() if c.name not in left_out and not c.mixed]
    share = weight - float(np.log(max(1, sum(len(c.variants) for c in concepts))))
    return [
        Expected(index, c.name, v.reflectance, share, c.level_sd, c.shape_sd, rest=True)
        for c in concepts
        for v in c.variants
    ]


def _side_by_side(index: int, reading: Reading, table: ConceptTable) -> list[Expected]:
    """A name of several parts ("grass trees") is each of them in every variant, and their even mixture."""
    parts = [table.concepts[name] for name, _ in reading.concepts]
    mixture = np.mean([part.variants[0].reflectance for part in parts], axis=0)
    alone = [variant.reflectance for part in parts for variant in part.variants]
    level = float(np.mean([part.level_sd for part in parts]))
    shape = float(np.mean([part.shape_sd for part in parts]))
    brightness = np.exp(reading.level)
    return [
        Expected(index, " + ".join(p.name for p in parts), brightness * spectrum, 0.0, level, shape)
        for spectrum in [mixture, *alone]
    ]


def _one_of(index: int, reading: Reading, table: ConceptTable) -> list[Expected]:
    best = max(weight for _, weight in reading.concepts)
    return [
        Expected(
            index,
            name,
            np.exp(reading.level) * spectrum,
            float(np.log(weight / best)) + likely,
            table.concepts[name].level_sd,
            table.concepts[name].shape_sd,
        )
        for name, weight in reading.concepts
        if weight >= NEGLIGIBLE
        for spectrum, likely in _bent(table.concepts[name], reading, table)
    ]


def _bent(concept: Concept, reading: Reading, table: ConceptTable) -> Iterator[tuple[np.ndarray, float]]:
    """Every spectrum of a concept under the reading's modifiers, and the logarithm of how likely it is beside them."""
    dry_matter = (_first(table, "dry grass") + _first(table, "straw")) / 2
    dryness: Sequence[float] = (0.0,)
    if reading.dry and concept.name not in ALREADY_DRY:
        dryness = (reading.dry - DRYNESS_SPREAD, reading.dry + DRYNESS_SPREAD)
    weeds = WEEDS if reading.weeds else (0.0,)
    green_weeds = _first(table, "weeds")
    variants = concept.variants
    if _any_cover(reading):  # one variant stands for all that differ in cover
        variants = variants[:1]
    elif _tilled(reading):
        variants = _one_of_each_canopy(variants)
    for variant in variants:
        for dry in dryness:
            for plants, likely in _stands(variant, concept, reading, table, dry, dry_matter):
                for fraction in weeds:
                    yield (plants if not fraction else (1 - fraction) * plants + fraction * green_weeds), likely


def _one_of_each_canopy(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Return one variant of all that differ in cover alone, and every one that is no canopy."""
    canopies = {id(v if v.canopy is None else v.canopy): v for v in variants}
    return tuple(canopies.values())


def _stands(
    variant: Variant, concept: Concept, reading: Reading, table: ConceptTable, dry: float, dry_matter: np.ndarray
) -> Iterator[tuple[np.ndarray, float]]:
    """A variant as it stands: the canopy, dried, over every ground there may be; and how likely it is (logarithm)."""
    if variant.cover is None or variant.canopy is None or variant.ground is None:
        yield (1 - dry) * variant.reflectance + dry * dry_matter, 0.0
        return
    covers: Sequence[float] = (variant.cover,)
    if _any_cover(reading):
        covers = SERIES_COVERS
    elif reading.stage is not None:
        known = [v.cover for v in concept.variants if v.cover is not None]
        covers = (min(known) + reading.stage * (max(known) - min(known)),)
    elif _tilled(reading):
        covers = TILLED_COVERS
    canopy = (1 - dry) * variant.canopy + dry * dry_matter
    if 1.0 in covers:  # no ground shows: one spectrum, whatever lies below
        yield canopy, _in_time(1.0, reading)
    for ground in _grounds(variant.ground, reading, table):
        for cover in covers:
            if cover < 1:
                yield cover * canopy + (1 - cover) * ground, _in_time(cover, reading)


def _in_time(cover: float, reading: Reading) -> float:
    """Return the logarithm of how likely it is that a crop of this age covers so much of the ground."""
    if reading.age is None:
        return 0.0
    return -0.5 * (max(0.0, cover - reading.age / CLOSED) / AHEAD) ** 2


def _tilled(reading: Reading) -> bool:
    """Whether the name says how the ground was tilled, and says of the plants only what they are."""
    return reading.residue is not None and not _any_cover(reading) and reading.stage is None


def _any_cover(reading: Reading) -> bool:
    """Whether the name is one of several stages of growth, or kinds, of a plant: each may cover any share."""
    return reading.series is not None or (reading.kind_of is not None and reading.stage is None)


def _grounds(ground: np.ndarray, reading: Reading, table: ConceptTable) -> Iterator[np.ndarray]:
    soils = [v.reflectance for v in table.concepts["bare soil"].variants]
    on_soil = any(np.array_equal(ground, soil) for soil in soils)
    residue = _first(table, "crop residue")
    for base in soils if on_soil else [ground]:
        if reading.residue is None:
            yield base
        else:
            for share in (reading.residue - RESIDUE_SPREAD, reading.residue + RESIDUE_SPREAD):
                share = min(max(share, 0.0), 1.0)
                yield (1 - share) * base + share * residue


def _first(table: ConceptTable, name: str) -> np.ndarray:
    variant = table.concepts[name].variants[0]
    return variant.reflectance if variant.canopy is None else variant.canopy
