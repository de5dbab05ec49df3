"""Registries: what a distribution adds to this package by an entry point, ours listed in the same way as all others.

A registry is a group of entry points. ``setup.cfg`` lists ours; a third party's distribution lists its own in its own
metadata, and is found as soon as it is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from special.errors import PluginError, SettingsError

OURS = "special-hsi"
Item = TypeVar("Item")


class Registry(Generic[Item]):
    """The items of one group of entry points, loaded when they are first asked for.

    Args:
        group: of the entry points, ``special.readers``.
        kind: how messages call an item, "reader".
        flaw: says of an item that was loaded under a name what makes it unusable; "" where nothing does.
    """

    def __init__(self, group: str, kind: str, flaw: Callable[[str, Any], str] = lambda name, item: "") -> None:
        self.group, self.kind = group, kind
        self._flaw = flaw
        self._loaded: dict[str, Item] = {}

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        found: dict[str, EntryPoint] = {}
        for point in _entry_points(self.group):
            if point.name in found:
                others = " and ".join(sorted({_owner(found[point.name]), _owner(point)}))
                raise PluginError(f"{others} both bring a {self.kind} {point.name!r}: uninstall one of them")
            found[point.name] = point
        return found

    @property
    def names(self) -> list[str]:
        """The names of all items, in alphabetical order."""
        return sorted(self._points)

    def get(self, name: str) -> Item:
        """Return the item of this name.

        Raises:
            SettingsError: there is none; the message lists those there are.
            PluginError: the distribution that brings it is broken.
        """
        if name not in self._loaded:
            point = self._points.get(name)
            if point is None:
                raise SettingsError(f"there is no {self.kind} {name!r}: name one of {', '.join(self.names)}")
            try:
                item = point.load()
            except Exception as error:
                said = " ".join(f"{type(error).__name__}: {error}".split())
                raise PluginError(
                    f"the {self.kind} {name!r} of {_owner(point)} cannot be loaded ({said}): "
                    "install that distribution again, or uninstall it"
                ) from error
            if _owner(point) != OURS and (flaw := self._flaw(name, item)):  # ours are held to it by a test
                raise self.unusable(name, flaw)
            self._loaded[name] = item
        return self._loaded[name]

    def unusable(self, name: str, flaw: str) -> PluginError:
        """Return the error that says what makes the item of this name unusable, and whose it is."""
        owner = _owner(self._points[name])
        return PluginError(f"the {self.kind} {name!r} of {owner} is not usable: {flaw}; mend or uninstall {owner}")

    def __iter__(self) -> Iterator[Item]:
        """Yield every item, loaded."""
        return (self.get(name) for name in self.names)

    def of_third_parties(self) -> dict[str, Item]:
        """Return the items that other distributions than this one bring, by name."""
        return {name: self.get(name) for name, point in self._points.items() if _owner(point) != OURS}

    def release(self, name: str) -> str | None:
        """Return which release of another distribution brings an item, "special-plain-text 0.1.0"; None for ours."""
        dist = self._points[name].dist if name in self._points else None
        return None if dist is None or dist.name == OURS else f"{dist.name} {dist.version}"


def _entry_points(group: str) -> EntryPoints | list[EntryPoint]:
    found = entry_points(group=group)
    if any(_owner(point) == OURS for point in found):
        return found
    return [*_of_checkout(group), *found]


def _of_checkout(group: str) -> list[EntryPoint]:
    """Return the entry points that ``setup.cfg`` lists, for a checkout that is not installed."""
    import configparser

    parser = configparser.ConfigParser()
    parser.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")
    lines = parser.get("options.entry_points", group, fallback="").strip().splitlines()
    pairs = ([part.strip() for part in line.split("=", 1)] for line in lines)
    return [EntryPoint(name, value, group) for name, value in pairs]


def _owner(point: Any) -> str:
    """Return the name of the distribution that an entry point belongs to."""
    return OURS if point.dist is None else str(point.dist.name)
