"""STAC items: JSON that says of images what their bands are, and where they are; an image beside it is the scene.

Source: STAC specification 1.0 and 1.1, extensions eo (``eo:bands``) and raster (``raster:bands``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import plausible_nm, plausible_widths
from special.scene.readers.base import PRODUCT, Reader, ReadOptions, recognise
from special.scene.source import Source

_MOST_JSON = 16 << 20
_WORDS = (b'"assets"', b'"stac_version"', b'"Feature"')
_WIDTH = "full_width_half_max"
_IMAGES = ("tif", "tiff", "jp2", "vrt", "img", "dat")


class StacReader(Reader):
    """Reads the image that an item is about, where it lies beside the item."""

    name = "stac"
    reads = "a STAC item (.json)"
    understands = "the image beside it that it describes: wavelengths, widths, scale, no data, date"
    precedence = PRODUCT
    signatures = ((0, b"{"), (0, b"\xef\xbb\xbf{"))

    def holds(self, path: Path, head: bytes) -> bool:
        """By what every item has."""
        return any(word in head for word in _WORDS) and is_item(read_item(path))

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Open the one image with bands that the item names.

        Raises:
            SceneError: it names none or several, or none that is here.
        """
        item = read_item(path)
        if not is_item(item):
            raise SceneError(f"{path} is no STAC item: leave out --reader")
        images = {_file_of(asset) for asset in _assets(item) if _is_image(asset)}
        spectral = {_file_of(asset) for asset in _assets(item) if _is_image(asset) and any(_lists_of(asset))}
        named = sorted(spectral or images)
        there = [path.parent / name for name in named if (path.parent / name).is_file()]
        if not there:
            lacks = f", {named[0]}, is not beside it: fetch it as well" if named else " is not named in it: name that"
            raise SceneError(f"{path} is a STAC item, and its image{lacks}")
        if len(there) > 1:
            raise SceneError(f"{path} describes {' and '.join(one.name for one in there)}: name the one that is meant")
        image = there[0]
        source = recognise(image).open(image, options)
        found = None if source.wavelengths is not None else described_by(path, image.name, source)
        source = source if found is None else replace(source, **found)
        return replace(source, path=path, files=(path, *source.files), notes=(*source.notes, f"{image.name} was read"))


STAC = StacReader()


def read_item(path: Path) -> Any:
    """Return what a JSON file holds, None where it is none or larger than an item is."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_JSON + 1)
        return json.loads(data.decode("utf-8-sig")) if len(data) <= _MOST_JSON else None
    except (OSError, ValueError, RecursionError):
        return None


def is_item(item: Any) -> bool:
    """Whether JSON is a STAC item."""
    return isinstance(item, Mapping) and item.get("type") == "Feature" and isinstance(item.get("assets"), Mapping)


def described_by(path: Path, image: str, source: Source) -> dict[str, Any] | None:
    """Return what an item says of an image, as fields of its ``source``: of the asset of that name, or of the item.

    ``wavelengths`` and ``fwhm`` (bands,), nm; gains, offsets and no data, where the image has none; when and by what it
    was seen. None where it names no wavelengths for so many bands.
    """
    item = read_item(path)
    if not isinstance(item, Mapping):
        return None
    said = item.get("properties")
    said = said if isinstance(said, Mapping) else {}
    for holder in (*(asset for asset in _assets(item) if Path(_file_of(asset)).name == image), said):
        for described in _lists_of(holder):
            if len(described) != source.shape[2] or not all(isinstance(band, Mapping) for band in described):
                continue
            centres, widths = (_of_bands(described, f"eo:{what}", what) for what in ("center_wavelength", _WIDTH))
            nm = None if centres is None else plausible_nm(centres, "um")
            if nm is not None:
                sensors = said.get("instruments") or said.get("platform") or ""
                return {
                    "wavelengths": nm,
                    "fwhm": None if widths is None else plausible_widths(widths, nm, centres),
                    "acquired": str(said.get("datetime") or "") or None,
                    "sensor": (", ".join(map(str, sensors)) if isinstance(sensors, list) else str(sensors)) or None,
                    **_scaling(holder, described, source),
                }
    return None


def _scaling(holder: Mapping[str, Any], described: list[Any], source: Source) -> dict[str, Any]:
    """Gains, offsets (bands,) and no data by the extension "raster", where the image itself has none."""
    listed = holder.get("raster:bands")
    bands = described
    if isinstance(listed, list) and len(listed) == len(described) and all(isinstance(one, Mapping) for one in listed):
        bands = [{**one, **band} for one, band in zip(listed, described, strict=True)]
    found: dict[str, Any] = {}
    gains, offsets, nodata = (_of_bands(bands, f"raster:{what}", what) for what in ("scale", "offset", "nodata"))
    if source.gains is None and source.offsets is None and source.scale_factor is None:
        if gains is not None and not np.all(gains == 1):
            found["gains"] = gains
        if offsets is not None and offsets.any():
            found["offsets"] = offsets
    if source.nodata is None and nodata is not None and len(np.unique(nodata)) == 1:
        found["nodata"] = float(nodata[0])
    return found


def _assets(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    assets = item.get("assets")
    return [one for one in assets.values() if isinstance(one, Mapping)] if isinstance(assets, Mapping) else []


def _file_of(asset: Mapping[str, Any]) -> str:
    """The name of an asset's file; from the folder of the item, if it is not from the network."""
    parts = urlsplit(str(asset.get("href", "")))
    plain = unquote(parts.path)
    inside = Path(plain)
    return inside.name if parts.scheme or inside.is_absolute() or ".." in inside.parts else plain.removeprefix("./")


def _is_image(asset: Mapping[str, Any]) -> bool:
    roles = asset.get("roles")
    if isinstance(roles, list) and {"thumbnail", "overview", "metadata"} & {str(role) for role in roles}:
        return False
    return _file_of(asset).lower().endswith(tuple(f".{suffix}" for suffix in _IMAGES))


def _of_bands(described: list[Any], *names: str) -> np.ndarray | None:
    """A number of every band (bands,), by its name in this version of STAC's extension or another; or None."""
    values = [next((band[name] for name in names if name in band), None) for band in described]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return None
    return np.array(values, dtype=np.float64)


def _lists_of(holder: Mapping[str, Any]) -> Iterator[list[Any]]:
    for name in ("eo:bands", "bands"):
        if isinstance(holder.get(name), list):
            yield holder[name]
