"""The selective scan as compiled loops over time: what ``special.models.scan.cpu`` runs.

How the loops are laid out, and why:

- *Lanes.* ``LANES`` neighbouring channels advance together. The innermost loop runs over them and holds nothing but
  elementwise arithmetic, so the compiler turns it, exponential included, into vector instructions. Channels beyond the
  last are zeros, which the recurrence keeps at zero.
- *Tiles.* ``STEPS`` time steps are copied into small arrays (time, lane) that stay in the first-level cache; whatever
  the strides of the tensors are, they are read and written once.
- *Recomputation.* ``forward`` keeps the state at the start of every tile but the first (``STEPS`` times less than all
  states); ``backward`` walks the tiles from last to first and recomputes the states inside each.
- *Units.* A unit is one block of lanes over one shard of the batch and one piece of its sequences. Units share no
  output, and sums over them are taken afterwards in a fixed order.
- *Pieces.* Sequences are whole unless there are fewer units than threads. Then ``forward_ends`` first finds what state
  each piece hands on, and ``backward_ends`` what gradient: from zeros, and no further from where it is handed on than
  anything is remembered, which for most scenes is a small part of a piece.

Symbols: b batch, g group, d channel of the group, n state, t time, k lane. ``A2`` is A log2(e), so that
exp(delta A) = 2**(delta A2). Gradients of the loss are named after what they belong to: ``du``, ``dB``, ...
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from llvmlite import ir
from numba import carray, config, njit, types
from numba.extending import intrinsic, overload, register_jitable

LANES = 16
STEPS = 16
ALIGNMENT = 64  # bytes, of what is on the stack
_INPUTS = "44344343"  # dimensions of u, delta, A2, B, C, D, z, bias
FORGOTTEN = 120.0  # a state that has decayed to 2 to the power of minus this is no longer looked for
LOG2_E = math.log2(math.e)
LN_2 = math.log(2.0)

Array = Any  # float32 or float64, as Numba sees it

# Sums may be reordered and products fused; NaN and infinity keep their meaning, so that a diverging loss is seen.
FAST: Any = {"reassoc", "contract", "arcp", "nsz"}
_FUSED: Any = {"fastmath": {"contract"}}


def _reserve(_typing: Any, like: Any, count: Any) -> tuple[Any, Callable[..., Any]]:
    """Take ``count`` numbers of the array ``like``'s type from the stack, until the kernel returns.

    The compiler knows that nothing else points there, which is what lets it vectorise the loops below.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        room = builder.alloca(context.get_data_type(signature.return_type.dtype), size=arguments[1])
        room.align = ALIGNMENT
        return room

    return types.CPointer(like.dtype)(like, types.intp), generate


stack: Any = intrinsic(_reserve)

# 2**f for -1/2 <= f <= 1/2, degree 6, interpolated at Chebyshev nodes (relative error below 1e-8).
POWERS = (1.0, 0.693147207, 0.240226509, 0.0555032723, 0.00961805668, 0.00134004282, 0.000154614447)
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = (np.float32(c) for c in POWERS)
# log(1 + e) = 2 atanh(s) with s = e / (2 + e) <= 1/3 for 0 <= e <= 1: the odd series 2 (s + s^3/3 + s^5/5 + ...).
_Q3, _Q5, _Q7, _Q9, _Q11, _Q13 = (np.float32(1.0 / n) for n in (3, 5, 7, 9, 11, 13))


def _bits_to_float(_typing: Any, bits: Any) -> tuple[Any, Callable[..., Any]]:
    """Read 32 bits as a float32; this stays a plain bit cast, so that loops around it vectorise."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


_as_float: Any = intrinsic(_bits_to_float)


def exp2(x: float) -> float:
    """2**x. In float32: relative error below 2e-7 for -100 <= x <= 126, 0 below, 2**126 above, NaN for NaN."""
    return 2.0**x


def softplus(x: float) -> float:
    """log(1 + exp(x)), accurate relative to its value for every x."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else 1.0 - 1.0 / (1.0 + math.exp(x))


@overload(exp2, jit_options=_FUSED, strict=False)
def _exp2(x: Any) -> Callable[..., Any]:
    def single(x: Any) -> Any:
        inside = np.float32(126.0) if x > np.float32(126.0) else x
        inside = np.float32(-100.0) if x < np.float32(-100.0) else inside
        whole = np.rint(inside)
        f = inside - whole
        value = ((((((_P6 * f + _P5) * f + _P4) * f + _P3) * f + _P2) * f + _P1) * f) + _P0
        scale = _as_float(np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)))
        return np.float32(0.0) if x < np.float32(-100.0) else value * scale

    def double(x: Any) -> Any:
        return math.exp(x * LN_2)

    return single if x == types.float32 else double


@overload(softplus, jit_options=_FUSED, strict=False)
def _softplus(x: Any) -> Callable[..., Any]:
    def single(x: Any) -> Any:
        e = exp2(-abs(x) * np.float32(LOG2_E))
        s = e / (np.float32(2.0) + e)
        q = s * s
        tail = ((((((_Q13 * q + _Q11) * q + _Q9) * q + _Q7) * q + _Q5) * q + _Q3) * q) * s
        above = x if x > np.float32(0.0) else np.float32(0.0)
        return above + np.float32(2.0) * (s + tail)

    def double(x: Any) -> Any:
        return max(x, 0.0) + math.log1p(math.exp(-abs(x)))

    return single if x == types.float32 else double


@overload(sigmoid, jit_options=_FUSED, strict=False)
def _sigmoid(x: Any) -> Callable[..., Any]:
    def single(x: Any) -> Any:
        e = exp2(-abs(x) * np.float32(LOG2_E))
        return (np.float32(1.0) if x >= np.float32(0.0) else e) / (np.float32(1.0) + e)

    def double(x: Any) -> Any:
        e = math.exp(-abs(x))
        return (1.0 if x >= 0.0 else e) / (1.0 + e)

    return single if x == types.float32 else double


@register_jitable(fastmath=FAST)
def _load(source: Array, tile: Array) -> None:
    """Copy ``source`` (rows, t) into the beginning of ``tile`` (t, rows)."""
    for t in range(source.shape[1]):
        for row in range(source.shape[0]):
            tile[t, row] = source[row, t]


@register_jitable(fastmath=FAST)
def _store(tile: Array, target: Array) -> None:
    """Copy the beginning of ``tile`` (t, rows) into ``target`` (rows, t)."""
    for t in range(target.shape[1]):
        for row in range(target.shape[0]):
            target[row, t] = tile[t, row]


@register_jitable(fastmath=FAST)
def _transpose(source: Array, target: Array) -> None:
    """Copy a block of ``source`` (k, n) into ``target`` (n, k), zeros in the lanes that are not there."""
    for n in range(target.shape[0]):
        for k in range(target.shape[1]):
            target[n, k] = source[k, n] if k < source.shape[0] else target.dtype.type(0)


@register_jitable(fastmath=FAST)
def _clear(tile: Array) -> None:
    for i in range(tile.shape[0]):
        for k in range(tile.shape[1]):
            tile[i, k] = 0


@register_jitable(fastmath=FAST)
def _begin_tile(
    delta: Array, u: Array, B: Array, C: Array, shift: Array, skip: Array, use_softplus: bool,
    raw: Array, ut: Array, bt: Array, ct: Array, dt: Array, xt: Array, yt: Array,
) -> None:  # fmt: skip
    """Load a tile; prepare the step size ``dt``, what enters the state (``xt``) and what skips it (``yt``)."""
    _load(delta, raw)
    _load(u, ut)
    _load(B, bt)
    _load(C, ct)
    for t in range(u.shape[1]):
        for k in range(LANES):
            raw[t, k] += shift[0, k]
            dt[t, k] = softplus(raw[t, k]) if use_softplus else raw[t, k]
            xt[t, k] = dt[t, k] * ut[t, k]
            yt[t, k] = skip[0, k] * ut[t, k]


@register_jitable(fastmath=FAST)
def _begin_lanes(
    A2: Array, bias: Array, a2: Array, shift: Array, slowest: Array,
) -> None:  # fmt: skip
    """Load what a block of lanes needs to find how far it remembers; ``slowest`` gets the least -A2 of each channel."""
    _transpose(A2, a2)
    _transpose(bias, shift)
    for k in range(A2.shape[0]):
        slowest[0, k] = -A2[k, 0]
        for n in range(1, A2.shape[1]):
            slowest[0, k] = min(slowest[0, k], -A2[k, n])


@register_jitable(fastmath=FAST)
def _add_steps(delta: Array, shift: Array, use_softplus: bool, raw: Array, total: Array) -> None:
    """Add the step sizes of a tile to ``total``."""
    _load(delta, raw)
    for t in range(delta.shape[1]):
        for k in range(LANES):
            step = raw[t, k] + shift[0, k]
            total[0, k] += softplus(step) if use_softplus else step


@register_jitable(fastmath=FAST)
def _remembers(total: Array, slowest: Array, lanes: int) -> bool:
    """Whether a state outlives the steps in ``total``; a NaN among them is remembered."""
    found = False
    for k in range(lanes):
        found |= not slowest[0, k] * total[0, k] >= FORGOTTEN
    return found


@register_jitable(fastmath=FAST)
def _hand_on(kept: Array, h: Array) -> None:
    """Take ``h`` past a piece. ``kept`` (2, n, k): what the piece adds, and how much of an earlier state it leaves."""
    for n in range(h.shape[0]):
        for k in range(LANES):
            h[n, k] = kept[1, n, k] * h[n, k] + kept[0, n, k]


@register_jitable(fastmath=FAST)
def _keep(h: Array, a2: Array, total: Array, kept: Array) -> None:
    for n in range(h.shape[0]):
        for k in range(LANES):
            kept[0, n, k] = h[n, k]
            kept[1, n, k] = exp2(a2[n, k] * total[0, k])


def _forward_ends(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    ends: Array,
) -> None:  # fmt: skip
    """Find what every piece but the last hands on to the next. ``ends``: (b, g, block, piece, 2, n, k)."""
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = carray(stack(u, states * LANES), (states, LANES))
    h = carray(stack(u, states * LANES), (states, LANES))
    skip = carray(stack(u, LANES), (1, LANES))
    shift = carray(stack(u, LANES), (1, LANES))
    slowest = carray(stack(u, LANES), (1, LANES))
    total = carray(stack(u, LANES), (1, LANES))
    raw = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    ut = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    xt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    yt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    bt = carray(stack(u, STEPS * states), (STEPS, states))
    ct = carray(stack(u, STEPS * states), (STEPS, states))
    _clear(skip)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        if piece == pieces - 1:
            continue
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw)
        _clear(ut)
        _begin_lanes(A2[g, lanes], bias[g, lanes], a2, shift, slowest)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(total)
            tile = (piece + 1) * tiles // pieces
            while tile > piece * tiles // pieces and _remembers(total, slowest, lanes.stop - lanes.start):
                tile -= 1
                span = slice(tile * STEPS, (tile + 1) * STEPS)
                _add_steps(delta[b, g, lanes, span], shift, use_softplus, raw, total)
            _clear(h)
            for each in range(tile, (piece + 1) * tiles // pieces):
                span = slice(each * STEPS, (each + 1) * STEPS)
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, raw, ut, bt, ct, dt, xt, yt,
                )  # fmt: skip
                for t in range(STEPS):
                    for n in range(states):
                        for k in range(LANES):
                            h[n, k] = exp2(dt[t, k] * a2[n, k]) * h[n, k] + xt[t, k] * bt[t, n]
            _keep(h, a2, total, ends[b, g, block, piece])


def _backward_ends(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    dout: Array, ends: Array,
) -> None:  # fmt: skip
    """Find what gradient every piece but the first hands on to the one before it; ``ends`` begins with the second."""
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = carray(stack(u, states * LANES), (states, LANES))
    dh = carray(stack(u, states * LANES), (states, LANES))
    skip = carray(stack(u, LANES), (1, LANES))
    shift = carray(stack(u, LANES), (1, LANES))
    slowest = carray(stack(u, LANES), (1, LANES))
    total = carray(stack(u, LANES), (1, LANES))
    raw = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    ut = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    xt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    yt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    zt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dy = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    bt = carray(stack(u, STEPS * states), (STEPS, states))
    ct = carray(stack(u, STEPS * states), (STEPS, states))
    _clear(skip)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        if piece == 0:
            continue
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw)
        _clear(ut)
        _clear(zt)
        _clear(dy)
        _begin_lanes(A2[g, lanes], bias[g, lanes], a2, shift, slowest)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(total)
            tile = piece * tiles // pieces
            while tile < (piece + 1) * tiles // pieces and _remembers(total, slowest, lanes.stop - lanes.start):
                span = slice(tile * STEPS, min((tile + 1) * STEPS, length))
                _add_steps(delta[b, g, lanes, span], shift, use_softplus, raw, total)
                tile += 1
            _clear(dh)
            for each in range(tile - 1, piece * tiles // pieces - 1, -1):
                span = slice(each * STEPS, min((each + 1) * STEPS, length))
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, raw, ut, bt, ct, dt, xt, yt,
                )  # fmt: skip
                _load(dout[b, g, lanes, span], dy)
                steps = span.stop - span.start
                if gated:
                    _load(z[b, g, lanes, span], zt)
                    for t in range(steps):
                        for k in range(LANES):
                            dy[t, k] *= zt[t, k] * sigmoid(zt[t, k])
                for t in range(steps - 1, -1, -1):
                    for n in range(states):
                        for k in range(LANES):
                            dh[n, k] = exp2(dt[t, k] * a2[n, k]) * (dh[n, k] + ct[t, n] * dy[t, k])
            _keep(dh, a2, total, ends[b, g, block, piece - 1])


def _forward(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    ends: Array, out: Array, last: Array, saved: Array,
) -> None:  # fmt: skip
    """Scan units ``first`` to ``stop``; write ``out``, ``last`` and, where it has room for tiles, ``saved``.

    u, delta, z, out: (b, g, d, t); A2: (g, d, n); B, C: (b, g, n, t); D, bias: (g, d, 1); last: (b, g, d, n), or
    (0, g, d, n) where it is not wanted; saved: (b, g, block, tile - 1, n, k); ends: of ``forward_ends``.
    """
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = carray(stack(u, states * LANES), (states, LANES))
    h = carray(stack(u, states * LANES), (states, LANES))
    skip = carray(stack(u, LANES), (1, LANES))
    shift = carray(stack(u, LANES), (1, LANES))
    raw = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    ut = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    xt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    yt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    zt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    bt = carray(stack(u, STEPS * states), (STEPS, states))
    ct = carray(stack(u, STEPS * states), (STEPS, states))
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw)
        _clear(ut)
        _clear(zt)
        _transpose(A2[g, lanes], a2)
        _transpose(D[g, lanes], skip)
        _transpose(bias[g, lanes], shift)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(h)
            for before in range(piece):
                _hand_on(ends[b, g, block, before], h)
            for tile in range(piece * tiles // pieces, (piece + 1) * tiles // pieces):
                start = tile * STEPS
                steps = min(STEPS, length - start)
                span = slice(start, start + steps)
                if 0 < tile <= saved.shape[3]:
                    for n in range(states):
                        for k in range(LANES):
                            saved[b, g, block, tile - 1, n, k] = h[n, k]
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, raw, ut, bt, ct, dt, xt, yt,
                )  # fmt: skip
                for t in range(steps):
                    for n in range(states):
                        for k in range(LANES):
                            h[n, k] = exp2(dt[t, k] * a2[n, k]) * h[n, k] + xt[t, k] * bt[t, n]
                            yt[t, k] += ct[t, n] * h[n, k]
                if gated:
                    _load(z[b, g, lanes, span], zt)
                    for t in range(steps):
                        for k in range(LANES):
                            yt[t, k] *= zt[t, k] * sigmoid(zt[t, k])
                _store(yt, out[b, g, lanes, span])
            if len(last) > 0 and piece == pieces - 1:
                for k in range(lanes.stop - lanes.start):
                    for n in range(states):
                        last[b, g, lanes.start + k, n] = h[n, k]


def _backward(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    ends: Array, saved: Array, dout: Array, dlast: Array,
    du: Array, ddelta: Array, dA: Array, dB: Array, dC: Array, dD: Array, dz: Array, dbias: Array,
) -> None:  # fmt: skip
    """Differentiate units ``first`` to ``stop``; the first 14 arguments and ``saved`` are those of ``forward``.

    ends: of ``backward_ends``; dout, du, ddelta, dz: (b, g, d, t); dlast: as ``last``; summed over later:
    dA: (shard piece, g, d, n), dB, dC: (block, b, g, n, t), dD, dbias: (shard piece, g, d, 1).
    """
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = carray(stack(u, states * LANES), (states, LANES))
    da = carray(stack(u, states * LANES), (states, LANES))
    dh = carray(stack(u, states * LANES), (states, LANES))
    skip = carray(stack(u, LANES), (1, LANES))
    shift = carray(stack(u, LANES), (1, LANES))
    dskip = carray(stack(u, LANES), (1, LANES))
    dshift = carray(stack(u, LANES), (1, LANES))
    raw = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    ut = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    xt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    yt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    zt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dy = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    dx = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    ddt = carray(stack(u, STEPS * LANES), (STEPS, LANES))
    bt = carray(stack(u, STEPS * states), (STEPS, states))
    ct = carray(stack(u, STEPS * states), (STEPS, states))
    dbt = carray(stack(u, STEPS * states), (STEPS, states))
    dct = carray(stack(u, STEPS * states), (STEPS, states))
    decay = carray(stack(u, STEPS * states * LANES), (STEPS, states, LANES))
    h = carray(stack(u, (STEPS + 1) * states * LANES), (STEPS + 1, states, LANES))
    zero, one, ln2 = u.dtype.type(0), u.dtype.type(1), u.dtype.type(LN_2)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw)
        _clear(ut)
        _clear(zt)
        _clear(dy)
        _clear(da)
        _clear(dskip)
        _clear(dshift)
        _transpose(A2[g, lanes], a2)
        _transpose(D[g, lanes], skip)
        _transpose(bias[g, lanes], shift)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            if len(dlast) > 0:
                _transpose(dlast[b, g, lanes], dh)
            else:
                _clear(dh)
            for after in range(pieces - 1, piece, -1):
                _hand_on(ends[b, g, block, after - 1], dh)
            for tile in range((piece + 1) * tiles // pieces - 1, piece * tiles // pieces - 1, -1):
                start = tile * STEPS
                steps = min(STEPS, length - start)
                span = slice(start, start + steps)
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, raw, ut, bt, ct, dt, xt, yt,
                )  # fmt: skip
                _load(dout[b, g, lanes, span], dy)

                for n in range(states):
                    for k in range(LANES):
                        h[0, n, k] = saved[b, g, block, tile - 1, n, k] if tile > 0 else zero
                for t in range(steps):
                    for n in range(states):
                        for k in range(LANES):
                            decay[t, n, k] = exp2(dt[t, k] * a2[n, k])
                            h[t + 1, n, k] = decay[t, n, k] * h[t, n, k] + xt[t, k] * bt[t, n]
                            yt[t, k] += ct[t, n] * h[t + 1, n, k]

                if gated:
                    _load(z[b, g, lanes, span], zt)
                    for t in range(steps):
                        for k in range(LANES):
                            s = sigmoid(zt[t, k])
                            silu = zt[t, k] * s
                            zt[t, k] = dy[t, k] * yt[t, k] * (s + silu * (one - s))
                            dy[t, k] *= silu
                    _store(zt, dz[b, g, lanes, span])

                _clear(dx)
                _clear(ddt)
                for t in range(steps - 1, -1, -1):
                    for n in range(states):
                        db = zero
                        dc = zero
                        for k in range(LANES):
                            dhn = dh[n, k] + ct[t, n] * dy[t, k]
                            db += dhn * xt[t, k]
                            dc += dy[t, k] * h[t + 1, n, k]
                            dx[t, k] += dhn * bt[t, n]
                            dhn *= decay[t, n, k]
                            dh[n, k] = dhn
                            dexponent = dhn * h[t, n, k]
                            ddt[t, k] += dexponent * a2[n, k]
                            da[n, k] += dexponent * dt[t, k]
                        dbt[t, n] = db
                        dct[t, n] = dc

                for t in range(steps):
                    for k in range(LANES):
                        dskip[0, k] += dy[t, k] * ut[t, k]
                        slope = sigmoid(raw[t, k]) if use_softplus else one
                        ddt[t, k] = slope * (dx[t, k] * ut[t, k] + ddt[t, k] * ln2)
                        dx[t, k] = dx[t, k] * dt[t, k] + dy[t, k] * skip[0, k]
                        dshift[0, k] += ddt[t, k]
                _store(dx, du[b, g, lanes, span])
                _store(ddt, ddelta[b, g, lanes, span])
                _store(dbt, dB[block, b, g, :, span])
                _store(dct, dC[block, b, g, :, span])
        for k in range(lanes.stop - lanes.start):
            dD[shard * pieces + piece, g, lanes.start + k, 0] = dskip[0, k]
            dbias[shard * pieces + piece, g, lanes.start + k, 0] = dshift[0, k]
            for n in range(states):
                dA[shard * pieces + piece, g, lanes.start + k, n] = da[n, k]


def compiled(
    function: Callable[..., None], real: str, inputs: str, whole: int, outputs: str, booleans: int = 0
) -> Callable[..., None]:
    """Compile a kernel for one real type: arrays, ``booleans``, ``whole`` integers, arrays.

    ``inputs`` and ``outputs`` hold the number of dimensions of every array before and after the numbers.
    """
    # One signature, strided arrays, for whatever comes: a specialisation per memory layout would be compiled on demand.
    before, after = ([types.Array(getattr(types, real), int(n), "A") for n in some] for some in (inputs, outputs))
    signature = types.void(*before, *[types.boolean] * booleans, *[types.intp] * whole, *after)
    options: Any = {"nogil": True, "fastmath": FAST, "error_model": "numpy"}
    with _kept_apart(function):
        try:
            return njit(signature, cache=True, **options)(function)
        except RuntimeError:  # no folder to keep compiled code in: compile in every process
            return njit(signature, cache=False, **options)(function)


@contextlib.contextmanager
def _kept_apart(function: Callable[..., None]) -> Iterator[None]:
    """Keep compiled code in the user's cache, unless the user has named a folder.

    Beside the source it would stay behind when the package is uninstalled, and the folder that is left would hide
    another installation. Numba knows when the file of a kernel changes; the name of the folder, when any other does
    that is compiled into it.
    """
    settings: Any = config
    before = settings.CACHE_DIR
    sources = sorted({*Path(__file__).parent.glob("*.py"), Path(function.__code__.co_filename)})
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    settings.CACHE_DIR = before or str(Path(platformdirs.user_cache_dir("special-hsi", appauthor=False), digest))
    try:
        yield
    finally:
        settings.CACHE_DIR = before


@cache
def forward(real: str) -> Callable[..., None]:
    """The forward kernel for ``"float32"`` or ``"float64"``."""
    return compiled(_forward, real, _INPUTS, 4, "7446", booleans=2)


@cache
def backward(real: str) -> Callable[..., None]:
    """The backward kernel for ``"float32"`` or ``"float64"``."""
    return compiled(_backward, real, _INPUTS, 4, "764444455444", booleans=2)


@cache
def forward_ends(real: str) -> Callable[..., None]:
    """The kernel that goes before ``forward`` where sequences are cut."""
    return compiled(_forward_ends, real, _INPUTS, 4, "7", booleans=2)


@cache
def backward_ends(real: str) -> Callable[..., None]:
    """The kernel that goes before ``backward`` where sequences are cut."""
    return compiled(_backward_ends, real, _INPUTS, 4, "47", booleans=2)
