"""The scenes of a batch: files and products, globs, lists in text, CSV manifests and STAC item collections."""

from __future__ import annotations

import csv
import difflib
import glob
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from special.errors import BatchError
from special.storage.files import load_json

_LISTS, _TABLES, _COLLECTIONS = (".txt", ".lst"), (".csv", ".tsv"), (".json", ".geojson")
_SCENE, _NAME = "scene", "name"
_HEADER, _ITS_DATA = ".hdr", (".img", ".dat", ".bsq", ".bil", ".bip", ".raw")
_MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class Entry:
    """A scene of a batch.

    Attributes:
        scene: the file or folder; it need not be there.
        name: what its run is named after.
        options: what its row says, by column, as it is written; files by their whole paths.
        origin: where it was listed, for messages; "" on the command line.
        flaw: why it cannot be used, where that is known already.
    """

    scene: Path
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    flaw: str = ""


@dataclass(frozen=True)
class Columns:
    """What a manifest may say of a scene beside ``scene`` and ``name``.

    ``known``: names of columns; one with a dot in it is always known, as a setting. ``files``: those that name a file,
    which is sought beside the manifest; ``several``: those that may name more than one, with ``;`` between them.
    """

    known: Collection[str]
    files: Collection[str] = ()
    several: Collection[str] = ()


def read_scenes(
    arguments: Sequence[str | Path], columns: Columns, *, asset: str | None = None, lists: bool = True
) -> list[Entry]:
    """Return the scenes that ``arguments`` stand for, in their order.

    Args:
        arguments: files, folders, globs, lists (``.txt``, ``.lst``), manifests (``.csv``, ``.tsv``), and STAC item
            collections or items (``.json``, ``.geojson``).
        columns: of manifests.
        asset: name of the asset that is the scene, in a STAC item of several.
        lists: False where files that look like lists are scenes.

    Raises:
        BatchError: an argument cannot be understood, or two scenes would have one name.
    """
    found: list[Entry] = []
    for argument in map(str, arguments):
        path = Path(argument)
        suffix = path.suffix.lower() if lists and path.is_file() else ""
        if suffix in _LISTS:
            found += _listed(path)
        elif suffix in _TABLES:
            found += _rows(path, columns)
        elif suffix in _COLLECTIONS:
            found += _items(path, asset)
        else:
            found += [Entry(scene, scene.stem) for scene in _globbed(argument, Path())]
    if not found:
        raise BatchError(
            "there is no scene: name files, a glob, a list (.txt), a manifest (.csv) or STAC items (.json)"
        )
    _refuse_namesakes(found)
    return found


def _globbed(text: str, base: Path) -> list[Path]:
    """The files that a path or a glob stands for; of an ENVI pair that a glob finds, the header alone."""
    path = base / text
    if path.exists() or not glob.has_magic(text):
        return [path]
    paths = [Path(one) for one in sorted(glob.glob(str(path), recursive=True))]
    headers = {one.with_suffix("") for one in paths if one.suffix.lower() == _HEADER}
    headers |= {one.with_suffix("").with_suffix("") for one in paths if one.suffix.lower() == _HEADER}
    kept = [one for one in paths if one.suffix.lower() not in _ITS_DATA or one.with_suffix("") not in headers]
    if not kept:
        raise BatchError(f"no file matches {text!r}: check the folder and the spelling")
    return kept


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BatchError(f"{path} is too large for a list of scenes: name scenes, a list, a manifest or STAC items")
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise ValueError("it has a null byte in it")
        return text
    except (OSError, ValueError) as error:
        raise BatchError(f"{path} cannot be read as a list of scenes ({error}): write it as UTF-8 text") from None


def _listed(path: Path) -> Iterator[Entry]:
    """A scene or a glob a line, relative to the list; ``#`` begins a comment."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            origin = f"{path}, line {number}"
            yield from (Entry(scene, scene.stem, origin=origin) for scene in _globbed(text, path.parent))


def _rows(path: Path, columns: Columns) -> Iterator[Entry]:
    """A manifest: a row a scene, a column an option; empty cells say nothing."""
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter, strict=False))
    headings = [_column(heading) for heading in rows[0]] if rows else []
    _check_headings(path, headings, columns)
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        origin = f"{path}, line {number}"
        if len(cells) > len(headings):
            raise BatchError(f"{origin}: {len(cells)} cells below {len(headings)} headings: put quotes around commas")
        said = {name: cell.strip() for name, cell in zip(headings, cells, strict=False) if cell.strip()}
        if _SCENE not in said:
            raise BatchError(f"{origin}: the column scene is empty: name the scene")
        scene = path.parent / said.pop(_SCENE)
        name = said.pop(_NAME, scene.stem)
        if Path(name).name != name or name in (".", ".."):
            raise BatchError(f"{origin}: {name!r} cannot be the name of a folder: choose another name")
        yield Entry(scene, name, {key: _located(key, cell, path.parent, columns) for key, cell in said.items()}, origin)


def _column(heading: str) -> str:
    text = heading.strip()
    return text if "." in text else text.lower().replace("-", "_").replace(" ", "_")


def _check_headings(path: Path, headings: Sequence[str], columns: Columns) -> None:
    known = [_SCENE, _NAME, *columns.known]
    for name in headings:
        if name in known or "." in name:
            continue
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"name some of {', '.join(known)}"
        raise BatchError(f"{path} has a column {name!r}, which no scene can be told: {hint}")
    if _SCENE not in headings:
        raise BatchError(f"{path} has no column scene: write a first line such as scene,classes,wavelengths")
    twice = next((name for name in headings if headings.count(name) > 1), None)
    if twice:
        raise BatchError(f"{path} has two columns {twice!r}: keep one")


def _located(column: str, cell: str, folder: Path, columns: Columns) -> str:
    """The cell, with what is a file beside the manifest by its whole path."""
    if column not in columns.files:
        return cell
    parts = [part.strip() for part in cell.split(";")] if column in columns.several else [cell]
    return ";".join(str((folder / part).resolve()) if (folder / part).exists() else part for part in parts)


def _items(path: Path, asset: str | None) -> Iterator[Entry]:
    """The items of a STAC collection in a file, or the one item that it holds: their assets that are scenes."""
    try:
        document = load_json(path)
        items = document["features"] if document["type"] == "FeatureCollection" else [document]
        stac = bool(items) and all(item["type"] == "Feature" and isinstance(item["assets"], dict) for item in items)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        stac = False
    if not stac:
        raise BatchError(f"{path} is no STAC item collection: its items need assets, and type Feature")
    for item in items:
        name = re.sub(r"[^\w.+-]+", "_", str(item.get("id", ""))).strip("._") or path.stem
        scene, flaw = _scene_of(item["assets"], path.parent, asset)
        yield Entry(scene, name, origin=f"{path}, item {name}", flaw=flaw)


def _scene_of(assets: Mapping[str, Any], folder: Path, asset: str | None) -> tuple[Path, str]:
    """The file of an item's scene, and why there is none."""
    data = [key for key, one in assets.items() if isinstance(one, dict) and "data" in (one.get("roles") or ())]
    chosen = [asset] if asset is not None else data if data else list(assets)
    if len(chosen) != 1 or chosen[0] not in assets:
        listed = ", ".join(map(str, assets)) or "none"
        return folder, f"the item has these assets: {listed}; say which is the scene with --asset NAME"
    href = str(assets[chosen[0]].get("href", ""))
    if "\0" in href:
        return folder, f"{href!r} has a null byte in it: let href name the file"
    parts = urlparse(href)
    if parts.scheme not in ("", "file") and len(parts.scheme) > 1:  # one letter is a drive
        return folder, f"{href} is on the network: fetch it, and let href name the file"
    return folder / (unquote(parts.path) if parts.scheme == "file" else href), ""


def _refuse_namesakes(entries: Sequence[Entry]) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        other = seen.setdefault(entry.name.lower(), entry)  # file systems there are that do not tell them apart
        if other is not entry:
            both = f"{other.scene} and {entry.scene}"
            raise BatchError(
                f"two scenes are called {entry.name}: {both}; name them apart in the column name of a manifest"
            )
