"""``special info``: what was understood of a scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click

from special.cli.echo import echo
from special.cli.scene_options import scene_options

_EPILOG = """\b
Examples:
  special info scene.hdr
  special info scene.mat --wavelengths wavelengths.csv
  special info scene.mat --key cube --sensor aviris --json
"""


@click.command(epilog=_EPILOG)
@click.argument("scene", type=click.Path())
@scene_options
@click.option("--full", is_flag=True, help="Look at every pixel of a large file.  [at some rows, evenly spread]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def info(scene: str, as_json: bool, **options: Any) -> None:
    """Show what is understood of SCENE: its size, bands, wavelengths, valid pixels and place.

    SCENE is a .mat, ENVI (header or data file), GeoTIFF or .npy file, or a product as it was delivered (EMIT, PRISMA,
    EnMAP and others).
    """
    from special.api.info import info as understood

    facts = understood(scene, **options)
    if as_json:
        import json

        echo(json.dumps(facts, indent=2))
    else:
        from special.cli.screen import show_facts

        show_facts(_lines(facts))


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    nm = facts["wavelengths_nm"]
    pixels = facts["pixels_looked_at"]
    some = "" if pixels == facts["rows"] * facts["cols"] else " looked at; all with --full"
    bands = f"{facts['bands']} of {facts['file_bands']} in the file"
    lines = [
        ("scene", facts["path"]),
        ("format", facts["format"] + (f", array {facts['key']!r}" if facts["key"] else "")),
        *((name, facts[name]) for name in ("sensor", "level", "acquired") if facts[name]),
        ("size", f"{facts['rows']} rows x {facts['cols']} columns"),
        ("bands", str(facts["bands"]) if facts["bands"] == facts["file_bands"] else bands),
        ("wavelengths", f"{nm[0]:.1f} to {nm[-1]:.1f} nm"),
    ]
    by_reason: dict[str, list[int]] = {}
    for bad in facts["bad_bands"]:
        by_reason.setdefault(bad["reason"], []).append(bad["band"])
    lines += [("dropped", f"{_ranges(numbers)}: {reason}") for reason, numbers in by_reason.items()]
    lines += [
        ("valid pixels", f"{facts['valid_pixels']} of {pixels} ({facts['valid_pixels'] / pixels:.1%}){some}"),
        *_masks(facts["masks"]),
        ("values", _values(facts)),
        ("place", _place(facts["georeference"], facts["ground"])),
        ("RGB", "yes" if facts["rgb"] else f"no: {', '.join(facts['missing_colours'])} is not covered by any band"),
    ]
    return lines + [("note", note) for note in facts["notes"]]


def _values(facts: dict[str, Any]) -> str:
    words = []
    if facts["scale_factor"]:
        words.append(f"reflectance x {facts['scale_factor']:g}, divided on reading")
    elif facts["known_reflectance"]:
        words.append("reflectance")
    if facts["gains_applied"]:
        words.append("gains and offsets from the file are applied on reading")
    return "; ".join(words) or "as they stand in the file"


def _masks(masks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What the product's masks have left out, and which others there are."""
    said: dict[str, list[str]] = {}
    for mask in masks:
        words = f"{mask['name']} {mask['pixels']} pixels ({mask['layer']})"
        said.setdefault("masked" if mask["used"] else "not masked", []).append(words)
    return [(label, ", ".join(words)) for label, words in sorted(said.items())]


def _place(georeference: dict[str, Any] | None, ground: dict[str, Any] | None = None) -> str:
    if ground is not None:
        size = "{} x {}".format(*ground["shape"])
        return f"sensor geometry; on the ground {size} cells, {_place(ground)}, by {ground['how']}"
    if georeference is None:
        return "not georeferenced"
    name = "unknown projection"
    if georeference["crs_wkt"]:
        name = georeference["crs_wkt"].split('"')[1]
    transform = georeference["transform"]
    if transform is None:
        return name
    return f"{name}, origin {transform[2]:.2f}, {transform[5]:.2f}, pixel {_pixel(transform)}"


def _pixel(transform: Sequence[float]) -> str:
    """The size of a pixel along its own columns and rows, and how it lies when north is not up."""
    a, b, _, d, e, _ = transform
    width, height = math.hypot(a, d), math.hypot(b, e)
    size = f"{width:g}" if math.isclose(width, height, rel_tol=1e-6) else f"{width:g} x {height:g}"
    words = []
    slant = a * b + d * e  # zero where rows and columns meet at a right angle
    if abs(slant) > 1e-6 * width * height:
        words.append("sheared")
    if a * e - b * d > 0:
        words.append("mirrored")
    angle = math.degrees(math.atan2(d, a))  # of the rows, counterclockwise from east
    if abs(math.remainder(angle, 360)) > 1e-3 and not (words == ["mirrored"] and math.isclose(abs(angle), 180)):
        words.append(f"rotated by {angle:g} degrees")
    return ", ".join([size, *words])


def _ranges(numbers: list[int]) -> str:
    """Numbers in words: 1-3, 7."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
