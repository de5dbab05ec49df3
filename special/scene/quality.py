"""Which bands and which pixels carry data: one pass over the scene, and a second one where it is needed.

The rules, in order:

1. A value is *missing* when it is NaN, infinite, 1e30 or more in size (formats write their largest float there), the
   header's nodata value, or one of the customary fills -9999 and -32768. Nodata 0 is an exception: a dark band may hold
   an honest zero, so it only counts when the whole spectrum is zero.
2. A pixel is *empty* when all its values are missing or zero, when they are one constant (what products hold beside
   their swath, often without saying so), or when all are about as far below zero as a negative nodata value (a fill
   that somebody has multiplied by a factor of each band). Where no such value is declared, when all are below zero and
   the whole spectrum is that of another pixel too, or several times as far below zero as others are above it. Empty
   pixels are invalid and have no say about bands.
3. A band is bad when the file says so (``bbl``), when it has no wavelength, when its gain or offset makes no numbers,
   when its values are missing at more than half of the other pixels, or when they are all zero or constant. (A scene
   whose every band is constant, for instance a single pixel, keeps those that are not zero.) Bands with gaps at more
   than a twentieth of the pixels are bad as well when they are few: when they are a smaller share of the bands than the
   pixels with their gaps are of the scene, and at most a tenth. A few bands cost less than many pixels.
4. A pixel is valid when no value in a good band is missing and not all of them are zero.

Pixels that a mask of the product leaves out are invalid and have no say about bands either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from special.errors import SceneError
from special.scene.source import Source

_FILLS = (-9999, -32768)
_HUGE = 1e30
_LARGEST_FACTOR = 1e20  # of a gain or a scale: in float32 it leaves numbers of numbers
_MOST = 0.5
_GAPS = 0.05
_FEW = 0.1
_CONSTANT_BANDS = 8  # fewer may be equal by chance
_LIKE_FILL = 0.25
_FAR_BELOW = 3.0  # times the largest value


@dataclass(frozen=True)
class Verdict:
    """``good`` bool (bands of the file,), ``valid`` bool (rows, cols), the reason for each bad band, and sentences.

    ``uniform``: no valid pixel that was looked at has another spectrum than the first one.
    """

    good: np.ndarray
    valid: np.ndarray
    bad_bands: dict[int, str]
    notes: tuple[str, ...]
    uniform: bool


@dataclass
class _Counts:
    """Per band, over the pixels that are not empty: how many, how many missing, and the range of the others."""

    pixels: int
    missing: np.ndarray
    low: np.ndarray
    high: np.ndarray


def judge(
    source: Source, blocks: Sequence[slice], *, has_wavelength: np.ndarray, allowed: np.ndarray | None = None
) -> Verdict:
    """Judge every band of a source, and every pixel in ``blocks`` of whole rows; others are left as they are allowed.

    ``has_wavelength`` is bool (bands,), ``allowed`` bool (rows, cols): False at pixels that a mask leaves out.

    Raises:
        SceneError: nothing valid is left.
    """
    candidates = np.array(has_wavelength, dtype=bool)
    reasons = dict.fromkeys(np.flatnonzero(~candidates).tolist(), "no wavelength")
    if source.good_bands is not None:
        marked = candidates & ~source.good_bands
        reasons.update(
            dict.fromkeys(np.flatnonzero(marked).tolist(), f"marked bad in the file ({source.good_bands_name})")
        )
        candidates &= source.good_bands
    wild = candidates & ~_usable(source)
    reasons.update(dict.fromkeys(np.flatnonzero(wild).tolist(), "its gain or offset makes no numbers"))
    candidates &= ~wild
    numbers = np.flatnonzero(candidates)
    if not len(numbers):
        raise SceneError(
            f"{source.path or 'the array'}: every band is marked bad, lacks a wavelength or has a gain or offset that "
            f"makes no numbers; mend its band list ({source.good_bands_name}) or its gains"
        )

    valid = np.ones(source.shape[:2], dtype=bool) if allowed is None else np.array(allowed, dtype=bool)
    counts, partial = _first_pass(source, blocks, numbers, valid)
    if not valid.any():
        raise SceneError(
            f"{source.path or 'the array'} has no valid pixel: every spectrum is zero, nodata or not finite"
        )
    bad = _bad_bands(counts)
    reasons.update({int(numbers[i]): reason for i, reason in bad.items()})
    kept = np.array([i for i in range(len(numbers)) if i not in bad], dtype=np.intp)
    if not len(kept):
        raise SceneError(
            f"{source.path or 'the array'} has no usable band: each is constant, zero or without data at most pixels"
        )

    # A spectrum that had values only in bands that are now dropped has none left: look at everything again.
    lost_values = any(counts.missing[i] < counts.pixels and (counts.low[i], counts.high[i]) != (0, 0) for i in bad)
    for rows in blocks if lost_values else partial:
        block = _read(source, rows, numbers[kept])
        missing = _missing(block, source.nodata)
        valid[rows] &= (block != 0).any(axis=2)
        if missing is not None:
            valid[rows] &= ~missing.any(axis=2)
    if not valid.any():
        raise SceneError(f"{source.path or 'the array'} has no valid pixel: each lacks data in some good band")

    good = np.zeros(source.shape[2], dtype=bool)
    good[numbers[kept]] = True
    looked_at = np.concatenate([valid[rows] for rows in blocks])
    uniform = bool(looked_at.sum() == 1 or (counts.low[kept] == counts.high[kept]).all())
    return Verdict(good, valid, dict(sorted(reasons.items())), _notes(source, reasons, looked_at), uniform)


def is_factor(value: float) -> bool:
    """Whether a number that values are multiplied with, or divided by, makes numbers of them."""
    return bool(1 / _LARGEST_FACTOR <= abs(value) <= _LARGEST_FACTOR)  # False of what is no number


def _usable(source: Source) -> np.ndarray:
    """bool (bands,): False where a gain or an offset would leave nothing, infinity or no number of all values."""
    usable = np.ones(source.shape[2], dtype=bool)
    if source.gains is not None:
        usable &= [is_factor(value) for value in source.gains.tolist()]
    if source.offsets is not None:
        usable &= np.abs(source.offsets) <= _LARGEST_FACTOR
    return usable


def _first_pass(
    source: Source, blocks: Sequence[slice], numbers: np.ndarray, valid: np.ndarray
) -> tuple[_Counts, list[slice]]:
    """Count over all blocks; clears empty pixels in ``valid``; returns the blocks that need a second look."""
    bands = len(numbers)
    counts = _Counts(0, np.zeros(bands, dtype=np.int64), np.full(bands, np.inf), np.full(bands, -np.inf))
    partial = []
    for rows in blocks:
        block = _read(source, rows, numbers)
        if bands >= _CONSTANT_BANDS and block.min() == block.max():  # as where nothing was ever written
            valid[rows] = False
            continue
        missing = _missing(block, source.nodata)
        filled = block.any(axis=2) if missing is None else ((block != 0) & ~missing).any(axis=2)
        hollow = _hollow(block, missing, source.nodata, _zero(source, numbers))
        valid[rows] &= filled if hollow is None else filled & ~hollow
        inside = valid[rows]
        counts.pixels += int(inside.sum())
        if not inside.any():
            continue
        if missing is None:
            values = block if inside.all() else block[inside]
            axes = tuple(range(values.ndim - 1))
            low, high = values.min(axis=axes), values.max(axis=axes)
        else:
            gaps = missing[inside]
            counts.missing += gaps.sum(axis=0)
            values = block[inside].astype(np.float64)
            low = np.where(gaps, np.inf, values).min(axis=0)
            high = np.where(gaps, -np.inf, values).max(axis=0)
            if gaps.any():
                partial.append(rows)
        np.minimum(counts.low, low, out=counts.low)
        np.maximum(counts.high, high, out=counts.high)
    return counts, partial


def _bad_bands(counts: _Counts) -> dict[int, str]:
    bad: dict[int, str] = {}
    for i, missing in enumerate(counts.missing):
        if missing == counts.pixels:
            bad[i] = "no data"
        elif missing > _MOST * counts.pixels:
            bad[i] = f"no data at {missing / counts.pixels:.0%} of the pixels"
    gaps = [i for i, missing in enumerate(counts.missing) if i not in bad and missing > _GAPS * counts.pixels]
    share = len(gaps) / len(counts.missing)
    if gaps and share <= _FEW and share < max(counts.missing[i] for i in gaps) / counts.pixels:
        bad |= {i: f"gaps at {counts.missing[i] / counts.pixels:.0%} of the pixels" for i in gaps}
    left = [i for i in range(len(counts.missing)) if i not in bad]
    constant = [i for i in left if counts.low[i] == counts.high[i]]
    uniform = len(constant) == len(left)
    for i in constant:
        if counts.low[i] == 0:
            bad[i] = "all zero"
        elif not uniform:
            bad[i] = "constant"
    return bad


def _read(source: Source, rows: slice, numbers: np.ndarray) -> np.ndarray:
    return source.read_block(rows, slice(0, source.shape[1]), numbers)


def _zero(source: Source, numbers: np.ndarray) -> np.ndarray:
    """What is stored, float64 (bands,), where the value of a band is zero."""
    offsets = np.zeros(len(numbers)) if source.offsets is None else source.offsets[numbers]
    return -offsets / (1.0 if source.gains is None else source.gains[numbers])


def _hollow(block: np.ndarray, missing: np.ndarray | None, nodata: float | None, zero: np.ndarray) -> np.ndarray | None:
    """bool (rows, cols): True where the values are one constant, or fills times factors; None when none are.

    ``zero`` (bands,) is what is stored for a value of 0.
    """
    found = None
    bands = block.shape[2]
    if bands >= _CONSTANT_BANDS:
        first = block[:, :, 0]
        # Four bands tell in most blocks that there is nothing to look for.
        suspect = block[:, :, bands // 2] == first
        for band in (bands // 3, bands - 1):
            if suspect.any():
                suspect &= block[:, :, band] == first
        if suspect.any():
            suspect[suspect] = (block[suspect] == first[suspect][:, None]).all(axis=1)
            found = suspect
    most = 0.0 if nodata is None or nodata <= -_HUGE else _LIKE_FILL * nodata
    if most < 0 and block.dtype.kind != "u" and (missing is not None or block.min() <= most):  # the least may be NaN
        like = block <= most
        fills = (like if missing is None else like | missing).all(axis=2)
        found = fills if found is None else found | fills
    if bands >= _CONSTANT_BANDS and block.dtype.kind != "u":
        below = _below_zero(block, zero)
        if below is not None:
            found = below if found is None else found | below
    return found if found is not None and found.any() else None


def _below_zero(block: np.ndarray, zero: np.ndarray) -> np.ndarray | None:
    """bool (rows, cols): True where a spectrum is below ``zero`` (bands,) throughout and cannot be one; or None.

    Fills times a factor of each band are alike wherever they stand, or lie far below zero. Noise in deep shadow does
    neither, nor do numbers that somebody has centred.
    """
    bands = len(zero)
    suspect = block[:, :, 0] < zero[0]
    for band in (bands // 2, bands - 1):  # which tell in most blocks that there is nothing to look for
        if suspect.any():
            suspect &= block[:, :, band] < zero[band]
    if suspect.any():
        suspect[suspect] = (block[suspect] < zero).all(axis=1)
    if not suspect.any():
        return None
    spectra = np.ascontiguousarray(block[suspect])
    whole = spectra.view(np.dtype((np.void, spectra.dtype.itemsize * bands))).ravel()
    _, which, times = np.unique(whole, return_inverse=True, return_counts=True)
    others = block[~suspect]
    bright = np.nanmax(others - zero, axis=0, initial=0) if len(others) else np.zeros(bands)
    far = (zero - spectra >= _FAR_BELOW * bright).all(axis=1)
    suspect[suspect] = (times[which.ravel()] > 1) | far
    return suspect


def _missing(block: np.ndarray, nodata: float | None) -> np.ndarray | None:
    """bool, like ``block``: True where a value is missing; None when none is."""
    # Two reductions tell in most blocks that there is nothing to look for; NaN passes through them.
    low, high = block.min(), block.max()
    flags = [value for value in _flags(block.dtype, nodata) if not (low > value or high < value)]
    if block.dtype.kind != "f":
        if not flags:
            return None
        missing = np.zeros(block.shape, dtype=bool)
    else:
        if low > -_HUGE and high < _HUGE and not flags:
            return None
        missing = ~(np.abs(block) < _HUGE)
    for value in flags:
        missing |= block == value
    return missing if missing.any() else None


def _flags(dtype: np.dtype, nodata: float | None) -> list[np.generic]:
    """The values of this type that mean "missing"; a nodata value the type cannot hold is none."""
    values = [float(value) for value in _FILLS] + ([] if nodata is None else [nodata])
    flags = []
    for value in values:
        if value == 0 or not np.isfinite(value):
            continue
        if dtype.kind == "f":
            if abs(value) <= np.finfo(dtype).max:
                flags.append(dtype.type(value))
        elif value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            flags.append(dtype.type(int(value)))
    return flags


def _notes(source: Source, reasons: dict[int, str], valid: np.ndarray) -> tuple[str, ...]:
    by_reason: dict[str, int] = {}
    for reason in reasons.values():
        family = "no data at most pixels" if reason.startswith("no data at") else reason
        family = "gaps at many pixels" if reason.startswith("gaps at") else family
        by_reason[family] = by_reason.get(family, 0) + 1
    notes = [f"{count} of {source.shape[2]} bands dropped: {reason}" for reason, count in by_reason.items()]
    invalid = int(valid.size - valid.sum())
    if invalid:
        masked = "" if source.mask is None and not source.masks else "masked, "
        notes.append(f"{invalid} of {valid.size} pixels are invalid ({masked}no data, zero or not finite)")
    return tuple(notes)
