"""XML that came with a download: read with a limit, and nothing in it can name another file."""

from __future__ import annotations

from xml.etree import ElementTree

from special.errors import SceneError

MOST_BYTES = 64 << 20
"""The largest XML that is read. A product's metadata is some megabytes."""


def parse_xml(data: bytes, name: str) -> ElementTree.Element:
    """Parse XML; ``name`` is what messages call it.

    Raises:
        SceneError: it is too large, declares entities, or is damaged.
    """
    if len(data) > MOST_BYTES:
        raise SceneError(f"{name} is larger than {MOST_BYTES >> 20} MiB: it is no metadata of a scene")
    # Entities need a document type, which no product has. A zero byte is another encoding, which could hide one.
    if b"\0" in data or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise SceneError(f"{name} declares a document type or is no UTF-8: such XML is not read")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SceneError(f"{name} is damaged ({error}): fetch it again") from None
