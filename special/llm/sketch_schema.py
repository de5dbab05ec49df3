"""Whether a JSON value fits a JSON schema: the keywords that this project's schemas use, and no others."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "number": (int, float)}
_BOUNDS = (
    ("minimum", "at least", operator.ge),
    ("exclusiveMinimum", "more than", operator.gt),
    ("maximum", "at most", operator.le),
)


def misfits(value: Any, schema: Mapping[str, Any], where: str = "") -> list[str]:
    """Return what does not fit, in words; nothing where all fits.

    Keywords: type, enum, required, properties, additionalProperties (false), items, minItems, maxItems, minLength,
    maxLength, minimum, maximum, exclusiveMinimum.
    """
    here = where or "the answer"
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or isinstance(value, bool)):
        return [f"{here} should be of type {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{here} should be one of {', '.join(schema['enum'])}"]
    if isinstance(value, dict):
        return _object(value, schema, where)
    if isinstance(value, list):
        found = _size(len(value), schema, "Items", f"{here} has {len(value)} items")
        for index, item in enumerate(value):
            found += misfits(item, schema.get("items", {}), f"{where}[{index}]")
        return found
    if isinstance(value, str):
        return _size(len(value), schema, "Length", f"{here} has {len(value)} characters")
    return [
        f"{here} is {value:g}: {word} {schema[bound]:g} is asked for"
        for bound, word, holds in _BOUNDS
        if bound in schema and not holds(value, schema[bound])
    ]


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> list[str]:
    known = schema.get("properties", {})
    here = where or "the answer"
    found = [f"{here} lacks {name!r}" for name in schema.get("required", ()) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{here} has the unknown {name!r}" for name in value if name not in known]
    for name, item in value.items():
        found += misfits(item, known.get(name, {}), f"{where}.{name}" if where else name)
    return found


def _size(size: int, schema: Mapping[str, Any], what: str, subject: str) -> list[str]:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}", size)
    if least <= size <= most:
        return []
    return [f"{subject}: {least if least == most else f'{least} to {most}'} asked for"]
