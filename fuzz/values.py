"""Values that programs stumble over: what a mutator puts in the place of an honest one."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 255, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30),
    *(0.5, -0.0, 1e-310, 1e-39, 1e39, 1e300, -1e300, float("nan"), float("inf"), float("-inf")),
)
WORDS: tuple[str, ...] = (
    *("", " ", "0", "-1", "nan", "NaN", "inf", "-Infinity", "1e39", "1e-310", "1e400", "99999999999999999999", "0x10"),
    *("1,5", "１２", "true", "null", "None", "{}", "[]", "{", "}", "'", '"', "\\", "%s", "%n%n", "$HOME", "~root"),
    *("../../outside", "/tmp/outside", "..\\outside", "C:\\outside", "file:///etc/hostname", "/dev/zero", "/dev/stdin"),
    *("/vsicurl/http://127.0.0.1:9/x.tif", "http://127.0.0.1:9/x", "/vsis3/a/b", "/vsizip/x", "HDF5:x://y"),
    *("<script>alert(1)</script>", "&lt;", "]]>", "=cmd()", "\x1b[31mred", "\x9b2J", "\u202egnp", "\u200b", "\ufeff"),
    *("e\u0301", "ß", "İ", "ǅ", "\U0001f33e", "\ud7ff", "a\tb", "a\x00b", "a\rb", "\x0b", "\x85", "\u2028"),
    *(
        "x" * 300,
        "x" * 70_000,
        "9" * 400,
        "9" * 5_000,
        "(" * 3_000,
        "a|" * 2_000,
        "a," * 5_000,
        "#",
        "//",
        ":",
        "=",
        "|",
    ),
)


def number(rng: np.random.Generator) -> Any:
    """Return a number that is awkward, or any."""
    if rng.random() < 0.7:
        return NUMBERS[rng.integers(len(NUMBERS))]
    return (
        float(rng.normal() * 10.0 ** rng.integers(-6, 7)) if rng.random() < 0.5 else int(rng.integers(-1000, 100_000))
    )


def word(rng: np.random.Generator) -> str:
    """Return a text that is awkward, or an awkward number as text."""
    return WORDS[rng.integers(len(WORDS))] if rng.random() < 0.7 else str(number(rng))


def anything(rng: np.random.Generator, depth: int = 2) -> Any:
    """Return any value that JSON has: of the wrong kind, as like as not."""
    pick = rng.integers(8 if depth else 5)
    if pick < 2:
        return number(rng)
    if pick < 4:
        return word(rng)
    if pick == 4:
        return (None, True, False)[rng.integers(3)]
    if pick == 5:
        return [anything(rng, depth - 1) for _ in range(rng.integers(4))]
    if pick == 6:
        return {word(rng): anything(rng, depth - 1) for _ in range(rng.integers(4))}
    return [number(rng)] * int(rng.choice([1, 3, 1000]))
