"""What a batch is to do of every scene: its row in a list and the options of the call, as one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from special.api.class_source import class_list_of
from special.api.options import LabelOptions
from special.cluster.ledger import Ledger
from special.cluster.scene_lists import Columns, Entry, read_scenes
from special.errors import BatchError, SettingsError, SpecialError
from special.settings import parse_changes

_NOT_IN_A_ROW = ("scene", "out", "settings", "force")
_FILES = ("classes", "wavelengths", "labels", "library", "concepts", "white", "dark", "descriptions", "pipeline")
_SEVERAL = ("labels", "concepts")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")

COLUMNS = Columns([one.name for one in fields(LabelOptions) if one.name not in _NOT_IN_A_ROW], _FILES, _SEVERAL)
"""What a manifest may say of a scene."""

Scenes = str | Path | Sequence[str | Path]
"""Files, products, globs, lists in text, CSV manifests, STAC item collections."""


@dataclass(frozen=True)
class Order:
    """A scene to label: its entry, what ``LabelOptions`` are, as JSON, and the lines of its class list.

    ``suffix``: what is appended to its name to make that of its folder.
    """

    entry: Entry
    options: Mapping[str, Any]
    classes: tuple[str, ...]
    suffix: str = LabelOptions.suffix

    @property
    def name(self) -> str:
        """What its run is named after."""
        return self.entry.name

    @property
    def run(self) -> str:
        """The folder of its run, in that of the batch."""
        return f"{self.entry.name}{self.suffix}"


def understand(
    scenes: Scenes, out: Path, part: tuple[int, int] | None, asset: str | None, common: Mapping[str, Any]
) -> tuple[list[Entry], list[Order]]:
    """Return all entries of a list, and what to do of them."""
    listed = [scenes] if isinstance(scenes, str | Path) else list(scenes)
    entries = read_scenes(listed, COLUMNS, asset=asset, lists=not common.get("reader"))
    orders = [_order(entry, common, out) for entry in entries]
    return entries, orders if part is None else orders[part[0] - 1 :: part[1]]


def _order(entry: Entry, common: Mapping[str, Any], folder: Path) -> Order:
    """Understand what a scene is to be told.

    Raises:
        SpecialError: an option makes no sense; its row is named.
    """
    try:
        own = {name: value for name, value in entry.options.items() if "." not in name}
        changes = parse_changes(f"{name}={value}" for name, value in entry.options.items() if "." in name)
        told = {**common, **{name: _read(name, text) for name, text in own.items()}}
        told["settings"] = {**(common.get("settings") or {}), **changes}
        settings = LabelOptions(scene=entry.scene, **{**told, "out": folder}).resolved()
        if told.get("classes") is None and not settings.values["pseudo.spectrum_text.library"]:
            raise SettingsError(f"{entry.name} has no class list: give --classes FILE, or a column classes")
        lines: list[str] | None = None
        if told.get("classes") is not None:
            lines = class_list_of(told["classes"]).to_lines()
        told["classes"] = lines
        plain = {name: _plain(name, value) for name, value in told.items() if value is not None}
        return Order(entry, {**plain, "scene": str(entry.scene.resolve())}, tuple(lines or ()))
    except TypeError as error:
        raise SettingsError(f"special batch cannot be told that: {error}") from None
    except SpecialError as error:
        if not entry.options:
            raise
        raise type(error)(f"{entry.origin}: {error}") from None


def _read(name: str, text: str) -> Any:
    """What a cell of a manifest says."""
    if name in _SEVERAL:
        return [part for part in text.split(";") if part]
    if name == "offline":
        if text.lower() not in (*_TRUE, *_FALSE):
            raise SettingsError(f"{name} is {text!r}: write true or false")
        return text.lower() in _TRUE
    try:
        return int(text) if name == "seed" else float(text) if name == "reject" else text
    except ValueError:
        raise SettingsError(f"{name} is {text!r}: write a number") from None


def _plain(name: str, value: Any) -> Any:
    """An option as JSON; a file by its whole path, for workers may be anywhere."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if name == "labels":
            raise SettingsError("labels of a batch are files: an array is of one scene")
        return [float(one) for one in value]
    if isinstance(value, list | tuple):
        return [_plain(name, one) for one in value]
    if isinstance(value, Path) or (name in _FILES and isinstance(value, str) and Path(value).exists()):
        return str(Path(value).resolve())
    return dict(value) if isinstance(value, Mapping) else value


def refuse_other_classes(ledger: Ledger, orders: Sequence[Order], *, force: bool) -> None:
    """Make sure that a folder keeps to its classes: a table of several lists would mislead.

    Raises:
        BatchError: a scene in it was labelled with others, or all in it were, and this one's row names none.
    """
    before = {row.name: tuple(row.classes) for row in ledger.rows()} if ledger.is_batch and not force else {}
    known = set(before.values())
    for order in orders:
        was = before.get(order.name)
        other = was is not None and was != order.classes
        if other or (was is None and known and order.classes not in known and not order.entry.options.get("classes")):
            had = ", ".join(line.partition("|")[0].strip() for line in (was or next(iter(known)))[:3])
            raise BatchError(
                f"{ledger.folder} was made from other classes ({had}, ...): choose another folder with --out, "
                "or start over with --force"
            )


def not_there(scene: Path) -> str:
    """Return why a scene cannot be opened, where that is because it is not there; else ""."""
    if os.path.exists(scene):  # it takes a path that no file can have for none
        return ""
    return f"there is no file {scene}"
