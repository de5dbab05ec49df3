"""Mutators of bytes, and of what is text: lines, words, JSON, XML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
from values import anything, number, word

Mutator = Callable[[np.random.Generator, bytes], bytes]

_TOKEN = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\w+")
_SIZES = (1, 2, 4, 8)


def of_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    """Flip bits, write awkward integers, cut, repeat or fill, one to four times; near either end more often."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not out:
            return bytes(out)
        place = _place(rng, len(out))
        match rng.integers(7):
            case 0:
                out[place] ^= 1 << int(rng.integers(8))
            case 1:
                out[place] = int(rng.integers(256))
            case 2:
                size = _SIZES[rng.integers(4)]
                value = int(rng.choice([0, 1, 127, 128, 255, 2**16, 2**31 - 1, 2**32 - 1])) % 256**size
                out[place : place + size] = value.to_bytes(size, "big" if rng.random() < 0.5 else "little")
            case 3:
                del out[place : place + int(rng.integers(1, 17))]
            case 4:
                out[place:place] = out[place : place + int(rng.integers(1, 65))]
            case 5:
                span = slice(place, place + int(rng.integers(1, 65)))
                out[span] = bytes([int(rng.choice([0, 255, 32]))]) * len(out[span])
            case 6 if rng.random() < 0.3:
                del out[place:]
    return bytes(out)


def of_text(rng: np.random.Generator, data: bytes) -> bytes:
    """Replace words and numbers, move lines, change the encoding, one to four times."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(rng.integers(1, 5)):
        lines = text.split("\n")
        line = int(rng.integers(len(lines)))
        match rng.integers(7):
            case 0 | 1 | 2:
                found = list(_TOKEN.finditer(text))
                if found:
                    at = found[rng.integers(len(found))]
                    new = str(number(rng)) if at[0][0] in "-0123456789" and rng.random() < 0.6 else word(rng)
                    text = text[: at.start()] + new + text[at.end() :]
            case 3:
                del lines[line]
                text = "\n".join(lines)
            case 4:
                lines[line:line] = [lines[rng.integers(len(lines))]] * int(rng.choice([1, 2, 50]))
                text = "\n".join(lines)
            case 5:
                place = _place(rng, len(text))
                text = text[:place] + word(rng) + text[place:]
            case 6:
                place = _place(rng, len(text))
                text = text[:place] + text[place + int(rng.integers(1, 9)) :]
    encoded = text.encode("utf-8", "surrogatepass" if max(text, default="") > "\ud7ff" else "surrogateescape")
    match rng.integers(20):
        case 0:
            return b"\xef\xbb\xbf" + encoded
        case 1:
            return encoded.decode("utf-8", "replace").encode("utf-16")
        case 2:
            return encoded.replace(b"\n", b"\r\n" if rng.random() < 0.5 else b"\r")
        case 3:
            return of_bytes(rng, encoded)
    return encoded


def of_json(rng: np.random.Generator, data: bytes) -> bytes:
    """Put another value into a document, take one out, add one, or nest it deeply; or damage its text."""
    chance = rng.random()
    if chance < 0.1:
        return of_text(rng, data)
    if chance < 0.15:
        deep = int(rng.choice([500, 5_000, 200_000]))
        opening, closing = (b"[", b"]") if rng.random() < 0.5 else (b'{"a":', b"}")
        return opening * deep + b"1" + (closing * deep if rng.random() < 0.5 else b"")
    try:
        document = json.loads(data)
    except ValueError:
        return of_text(rng, data)
    if chance < 0.2:
        return json.dumps(anything(rng)).encode("utf-8", "surrogatepass")
    for _ in range(rng.integers(1, 4)):
        document = changed(rng, document)
    text = json.dumps(document, ensure_ascii=bool(rng.random() < 0.5)).encode("utf-8", "surrogatepass")
    if chance < 0.25:
        return text.replace(b"[", b"[" * 3_000, 1)
    return text


def changed(rng: np.random.Generator, document: Any) -> Any:
    """Return a document with one of its values changed; which, is drawn going down from the top."""
    if isinstance(document, dict) and document and rng.random() < 0.93:
        key = list(document)[rng.integers(len(document))]
        match rng.integers(10):
            case 0:
                return {name: value for name, value in document.items() if name != key}
            case 1:
                return {**document, word(rng): anything(rng)}
            case _:
                return {**document, key: changed(rng, document[key])}
    if isinstance(document, list) and document and rng.random() < 0.8:
        place = int(rng.integers(len(document)))
        match rng.integers(6):
            case 0:
                return document[:place] + document[place + 1 :]
            case 1:
                return document[:place] + [document[place]] * int(rng.choice([2, 100])) + document[place:]
            case 2:
                return [*document[:place], anything(rng), *document[place:]]
            case _:
                return [*document[:place], changed(rng, document[place]), *document[place + 1 :]]
    if isinstance(document, int | float) and not isinstance(document, bool) and rng.random() < 0.6:
        return number(rng)
    return word(rng) if isinstance(document, str) and rng.random() < 0.6 else anything(rng)


def of_xml(rng: np.random.Generator, data: bytes) -> bytes:
    """Change, remove, repeat, add or nest elements; declare entities; or damage the text."""
    chance = rng.random()
    if chance < 0.25:
        return of_text(rng, data)
    if chance < 0.3:
        entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]>'
        return entity + data.replace(b">", b">&b;&c;", 1)
    if chance < 0.33:
        deep = int(rng.choice([500, 50_000]))
        return data.replace(b">", b">" + b"<a>" * deep + b"</a>" * deep, 1)
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError):
        return of_text(rng, data)
    for _ in range(rng.integers(1, 4)):
        items = list(root.iter())
        item = items[rng.integers(len(items))]
        match rng.integers(7):
            case 0 | 1:
                item.text = _printable(word(rng))
            case 2 if item.attrib:
                key = list(item.attrib)[rng.integers(len(item.attrib))]
                item.set(key, _printable(word(rng)))
            case 3 if len(item):
                item.remove(item[int(rng.integers(len(item)))])
            case 4 if len(item) and len(items) < 1_000:  # what is repeated may be repeated again
                item.extend([item[int(rng.integers(len(item)))]] * int(rng.choice([1, 20])))
            case 5:
                item.append(ElementTree.Element("x"))
            case 6:
                item.attrib.clear()
    try:
        return ElementTree.tostring(root)
    except (RecursionError, ValueError, TypeError):  # it may hold itself by now
        return of_text(rng, data)


def _printable(text: str) -> str:
    """What an XML writer takes as it is."""
    return "".join(one for one in text if one >= " " and not "\ud800" <= one <= "\udfff")


def _place(rng: np.random.Generator, length: int) -> int:
    if length < 2:
        return 0
    if rng.random() < 0.5:  # headers and directories lie at the ends
        near = int(rng.integers(min(length, 512)))
        return near if rng.random() < 0.6 else length - 1 - near
    return int(rng.integers(length))
