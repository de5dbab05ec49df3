"""The selective scan as compiled loops over time: what ``special.models.scan.cpu`` runs.

How the loops are laid out, and why:

- *Lanes.* ``LANES`` neighbouring channels advance together, as one vector (``special.models.scan.lanes``). Channels
  beyond the last are zeros, which the recurrence keeps at zero.
- *Tiles.* ``STEPS`` time steps are copied into small arrays (time, lane) that stay in the first-level cache. Where
  channels or times stand next to each other in memory they are read and written as vectors, whatever else the strides.
- *States.* One pair of states after the other goes through a tile. What they need from step to step stays in registers;
  what all states need, and what backward comes back to of these two, is a vector a step.
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

from collections.abc import Callable
from functools import cache

from numba.extending import register_jitable

from special.models.scan.lanes import (
    FAST,
    LANES,
    LN_2,
    Array,
    Tile,
    compiled,
    exp2,
    get,
    peek,
    poke,
    put,
    sigmoid,
    softplus,
    splat,
    stack,
    totals,
    transpose,
)

STEPS = LANES  # so that a tile can be transposed
FORGOTTEN = 120.0  # a state that has decayed to 2 to the power of minus this is no longer looked for
_INPUTS = "44344343"  # dimensions of u, delta, A2, B, C, D, z, bias


@register_jitable(fastmath=FAST)
def _load(source: Array, tile: Tile, across: int, spare: Tile) -> None:
    """Copy ``source`` (rows, t) into the beginning of ``tile`` (t, ``across`` vectors of rows)."""
    rows, steps = source.shape
    for vector in range(across):
        first = vector * LANES
        whole = first + LANES <= rows
        if whole and source.strides[0] == source.itemsize:
            for t in range(steps):
                put(tile, t * across + vector, peek(source, first, t))
        elif whole and steps == STEPS and source.strides[1] == source.itemsize:
            for k in range(LANES):
                put(spare, k, peek(source, first + k, 0))
            transpose(spare)
            for t in range(STEPS):
                put(tile, t * across + vector, get(spare, t))
        else:
            for t in range(steps):
                for row in range(first, min(first + LANES, rows)):
                    tile[t * across * LANES + row] = source[row, t]


@register_jitable(fastmath=FAST)
def _store(tile: Tile, target: Array) -> None:
    """Copy the beginning of ``tile`` (t, a vector of rows) into ``target`` (rows, t); the tile is used up."""
    rows, steps = target.shape
    if rows == LANES and target.strides[0] == target.itemsize:
        for t in range(steps):
            poke(target, 0, t, get(tile, t))
    elif rows == LANES and steps == STEPS and target.strides[1] == target.itemsize:
        transpose(tile)
        for k in range(LANES):
            poke(target, k, 0, get(tile, k))
    else:
        for t in range(steps):
            for row in range(rows):
                target[row, t] = tile[t * LANES + row]


@register_jitable(fastmath=FAST)
def _store_turned(tile: Tile, target: Array, spare: Tile) -> None:
    """Copy ``tile`` (n, a vector of times) into ``target`` (n, t); the tile is used up."""
    states, steps = target.shape
    if steps == STEPS and target.strides[1] == target.itemsize:
        for n in range(states):
            poke(target, n, 0, get(tile, n))
        return
    for first in range(0, states, LANES):
        if first + LANES <= states and target.strides[0] == target.itemsize:
            for n in range(LANES):
                put(spare, n, get(tile, first + n))
            transpose(spare)
            for t in range(steps):
                poke(target, first, t, get(spare, t))
        else:
            for n in range(first, min(first + LANES, states)):
                for t in range(steps):
                    target[n, t] = tile[n * LANES + t]


@register_jitable(fastmath=FAST)
def _turn(source: Array, target: Tile) -> None:
    """Copy a block of ``source`` (k, n) into ``target`` (n, k), zeros in the lanes that are not there."""
    for n in range(source.shape[1]):
        for k in range(LANES):
            target[n * LANES + k] = source[k, n] if k < source.shape[0] else 0


@register_jitable(fastmath=FAST)
def _clear(tile: Tile, count: int) -> None:
    nothing = splat(get(tile, 0), 0.0)
    for n in range(count):
        put(tile, n, nothing)


@register_jitable(fastmath=FAST)
def _load_steps(delta: Array, shift: Tile, use_softplus: bool, raw: Tile, dt: Tile, spare: Tile) -> None:
    """Load a tile of step sizes: ``raw`` before softplus, ``dt`` after."""
    _load(delta, raw, 1, spare)
    for t in range(delta.shape[1]):
        step = get(raw, t) + get(shift, 0)
        put(raw, t, step)
        if use_softplus:
            step = softplus(step)
        put(dt, t, step)


@register_jitable(fastmath=FAST)
def _begin_tile(
    delta: Array, u: Array, B: Array, C: Array, shift: Tile, skip: Tile, use_softplus: bool, across: int,
    raw: Tile, ut: Tile, bt: Tile, ct: Tile, dt: Tile, xt: Tile, yt: Tile, spare: Tile,
) -> None:  # fmt: skip
    """Load a tile; prepare the step size ``dt``, what enters the state (``xt``) and what skips it (``yt``)."""
    _load_steps(delta, shift, use_softplus, raw, dt, spare)
    _load(u, ut, 1, spare)
    _load(B, bt, across, spare)
    _load(C, ct, across, spare)
    for t in range(u.shape[1]):
        put(xt, t, get(dt, t) * get(ut, t))
        put(yt, t, get(skip, 0) * get(ut, t))


@register_jitable(fastmath=FAST)
def _begin_lanes(A2: Array, bias: Array, a2: Tile, shift: Tile, slowest: Tile) -> None:
    """Load what a block of lanes needs to find how far it remembers; ``slowest`` gets the least -A2 of each channel."""
    _turn(A2, a2)
    _turn(bias, shift)
    for k in range(A2.shape[0]):
        slowest[k] = -A2[k, 0]
        for n in range(1, A2.shape[1]):
            slowest[k] = min(slowest[k], -A2[k, n])


@register_jitable(fastmath=FAST)
def _add_steps(delta: Array, shift: Tile, use_softplus: bool, raw: Tile, dt: Tile, total: Tile, spare: Tile) -> None:
    """Add the step sizes of a tile to ``total``."""
    _load_steps(delta, shift, use_softplus, raw, dt, spare)
    for t in range(delta.shape[1]):
        put(total, 0, get(total, 0) + get(dt, t))


@register_jitable(fastmath=FAST)
def _remembers(total: Tile, slowest: Tile, lanes: int) -> bool:
    """Whether a state outlives the steps in ``total``; a NaN among them is remembered."""
    found = False
    for k in range(lanes):
        found |= not slowest[k] * total[k] >= FORGOTTEN
    return found


@register_jitable(fastmath=FAST)
def _hand_on(kept: Array, h: Tile) -> None:
    """Take ``h`` past a piece. ``kept`` (2, n, k): what the piece adds, and how much of an earlier state it leaves."""
    for n in range(kept.shape[1]):
        put(h, n, peek(kept[1], n, 0) * get(h, n) + peek(kept[0], n, 0))


@register_jitable(fastmath=FAST)
def _keep(h: Tile, a2: Tile, total: Tile, kept: Array) -> None:
    for n in range(kept.shape[1]):
        poke(kept[0], n, 0, get(h, n))
        poke(kept[1], n, 0, exp2(get(a2, n) * get(total, 0)))


def _forward_ends(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    ends: Array,
) -> None:  # fmt: skip
    """Find what every piece but the last hands on to the next. ``ends``: (b, g, block, piece, 2, n, k)."""
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    across = (states + LANES - 1) // LANES
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = stack(u, states * LANES)
    h = stack(u, states * LANES)
    shift = stack(u, LANES)
    slowest = stack(u, LANES)
    total = stack(u, LANES)
    raw = stack(u, STEPS * LANES)
    dt = stack(u, STEPS * LANES)
    xt = stack(u, STEPS * LANES)
    bt = stack(u, STEPS * across * LANES)
    spare = stack(u, LANES * LANES)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        if piece == pieces - 1:
            continue
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw, STEPS)
        _clear(xt, STEPS)
        _begin_lanes(A2[g, lanes], bias[g, lanes], a2, shift, slowest)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(total, 1)
            tile = (piece + 1) * tiles // pieces
            while tile > piece * tiles // pieces and _remembers(total, slowest, lanes.stop - lanes.start):
                tile -= 1
                span = slice(tile * STEPS, (tile + 1) * STEPS)
                _add_steps(delta[b, g, lanes, span], shift, use_softplus, raw, dt, total, spare)
            _clear(h, states)
            for each in range(tile, (piece + 1) * tiles // pieces):
                span = slice(each * STEPS, (each + 1) * STEPS)
                _load_steps(delta[b, g, lanes, span], shift, use_softplus, raw, dt, spare)
                _load(u[b, g, lanes, span], xt, 1, spare)
                _load(B[b, g, :, span], bt, across, spare)
                for t in range(STEPS):
                    put(xt, t, get(dt, t) * get(xt, t))
                for n in range(states):
                    a, state = get(a2, n), get(h, n)
                    for t in range(STEPS):
                        state = exp2(get(dt, t) * a) * state + get(xt, t) * bt[t * across * LANES + n]
                    put(h, n, state)
            _keep(h, a2, total, ends[b, g, block, piece])


def _backward_ends(
    u: Array, delta: Array, A2: Array, B: Array, C: Array, D: Array, z: Array, bias: Array,
    use_softplus: bool, gated: bool, shards: int, pieces: int, first: int, stop: int,
    dout: Array, ends: Array,
) -> None:  # fmt: skip
    """Find what gradient every piece but the first hands on to the one before it; ``ends`` begins with the second."""
    batch, _, channels, length = u.shape
    states = A2.shape[2]
    across = (states + LANES - 1) // LANES
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = stack(u, states * LANES)
    dh = stack(u, states * LANES)
    shift = stack(u, LANES)
    slowest = stack(u, LANES)
    total = stack(u, LANES)
    raw = stack(u, STEPS * LANES)
    dt = stack(u, STEPS * LANES)
    zt = stack(u, STEPS * LANES)
    dy = stack(u, STEPS * LANES)
    ct = stack(u, STEPS * across * LANES)
    spare = stack(u, LANES * LANES)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        if piece == 0:
            continue
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw, STEPS)
        _clear(zt, STEPS)
        _clear(dy, STEPS)
        _begin_lanes(A2[g, lanes], bias[g, lanes], a2, shift, slowest)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(total, 1)
            tile = piece * tiles // pieces
            while tile < (piece + 1) * tiles // pieces and _remembers(total, slowest, lanes.stop - lanes.start):
                span = slice(tile * STEPS, min((tile + 1) * STEPS, length))
                _add_steps(delta[b, g, lanes, span], shift, use_softplus, raw, dt, total, spare)
                tile += 1
            _clear(dh, states)
            for each in range(tile - 1, piece * tiles // pieces - 1, -1):
                span = slice(each * STEPS, min((each + 1) * STEPS, length))
                steps = span.stop - span.start
                _load_steps(delta[b, g, lanes, span], shift, use_softplus, raw, dt, spare)
                _load(C[b, g, :, span], ct, across, spare)
                _load(dout[b, g, lanes, span], dy, 1, spare)
                if gated:
                    _load(z[b, g, lanes, span], zt, 1, spare)
                    for t in range(steps):
                        put(dy, t, get(dy, t) * get(zt, t) * sigmoid(get(zt, t)))
                for n in range(states):
                    a, gradient = get(a2, n), get(dh, n)
                    for back in range(steps):
                        t = steps - 1 - back
                        gradient = exp2(get(dt, t) * a) * (gradient + get(dy, t) * ct[t * across * LANES + n])
                    put(dh, n, gradient)
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
    across = (states + LANES - 1) // LANES
    even = states + states % 2
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = stack(u, even * LANES)
    h = stack(u, even * LANES)
    skip = stack(u, LANES)
    shift = stack(u, LANES)
    raw = stack(u, STEPS * LANES)
    dt = stack(u, STEPS * LANES)
    ut = stack(u, STEPS * LANES)
    xt = stack(u, STEPS * LANES)
    yt = stack(u, STEPS * LANES)
    zt = stack(u, STEPS * LANES)
    bt = stack(u, STEPS * across * LANES)
    ct = stack(u, STEPS * across * LANES)
    spare = stack(u, LANES * LANES)
    _clear(a2, even)
    _clear(bt, STEPS * across)
    _clear(ct, STEPS * across)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw, STEPS)
        _clear(ut, STEPS)
        _clear(zt, STEPS)
        _turn(A2[g, lanes], a2)
        _turn(D[g, lanes], skip)
        _turn(bias[g, lanes], shift)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(h, even)
            for before in range(piece):
                _hand_on(ends[b, g, block, before], h)
            for tile in range(piece * tiles // pieces, (piece + 1) * tiles // pieces):
                start = tile * STEPS
                steps = min(STEPS, length - start)
                span = slice(start, start + steps)
                if 0 < tile <= saved.shape[3]:
                    for n in range(states):
                        poke(saved[b, g, block, tile - 1], n, 0, get(h, n))
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, across, raw, ut, bt, ct, dt, xt, yt, spare,
                )  # fmt: skip
                for n in range(0, states, 2):
                    a_0, a_1 = get(a2, n), get(a2, n + 1)
                    h_0, h_1 = get(h, n), get(h, n + 1)
                    for t in range(steps):
                        place = t * across * LANES + n
                        step, enters = get(dt, t), get(xt, t)
                        h_0 = exp2(step * a_0) * h_0 + enters * bt[place]
                        h_1 = exp2(step * a_1) * h_1 + enters * bt[place + 1]
                        put(yt, t, get(yt, t) + h_0 * ct[place] + h_1 * ct[place + 1])
                    put(h, n, h_0)
                    put(h, n + 1, h_1)
                if gated:
                    _load(z[b, g, lanes, span], zt, 1, spare)
                    for t in range(steps):
                        put(yt, t, get(yt, t) * get(zt, t) * sigmoid(get(zt, t)))
                _store(yt, out[b, g, lanes, span])
            if len(last) > 0 and piece == pieces - 1:
                for k in range(lanes.stop - lanes.start):
                    for n in range(states):
                        last[b, g, lanes.start + k, n] = h[n * LANES + k]


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
    across = (states + LANES - 1) // LANES
    even = states + states % 2
    blocks = (channels + LANES - 1) // LANES
    tiles = (length + STEPS - 1) // STEPS
    a2 = stack(u, even * LANES)
    da = stack(u, even * LANES)
    dh = stack(u, even * LANES)
    skip = stack(u, LANES)
    shift = stack(u, LANES)
    dskip = stack(u, LANES)
    dshift = stack(u, LANES)
    raw = stack(u, STEPS * LANES)
    dt = stack(u, STEPS * LANES)
    ut = stack(u, STEPS * LANES)
    xt = stack(u, STEPS * LANES)
    yt = stack(u, STEPS * LANES)
    zt = stack(u, STEPS * LANES)
    dy = stack(u, STEPS * LANES)
    dx = stack(u, STEPS * LANES)
    ddt = stack(u, STEPS * LANES)
    bt = stack(u, STEPS * across * LANES)
    ct = stack(u, STEPS * across * LANES)
    dbt = stack(u, even * LANES)
    dct = stack(u, even * LANES)
    spare = stack(u, LANES * LANES)
    _clear(a2, even)
    _clear(bt, STEPS * across)
    _clear(ct, STEPS * across)
    decays = stack(u, 2 * STEPS * LANES)
    stays = stack(u, 2 * STEPS * LANES)  # what is left of the state before a step
    towards_0 = stack(u, STEPS * LANES)
    towards_1 = stack(u, STEPS * LANES)
    nothing = splat(get(a2, 0), 0.0)
    one = splat(nothing, 1.0)
    _clear(towards_0, STEPS)
    _clear(towards_1, STEPS)
    for unit in range(first, stop):
        piece, shard = unit % pieces, unit // pieces % shards
        block, g = unit // (pieces * shards) % blocks, unit // (pieces * shards * blocks)
        lanes = slice(block * LANES, min((block + 1) * LANES, channels))
        _clear(raw, STEPS)
        _clear(ut, STEPS)
        _clear(zt, STEPS)
        _clear(dy, STEPS)
        _clear(ddt, STEPS)  # the gate comes here first, and the lanes that are not there stay zero
        _clear(da, even)
        _clear(dskip, 1)
        _clear(dshift, 1)
        _turn(A2[g, lanes], a2)
        _turn(D[g, lanes], skip)
        _turn(bias[g, lanes], shift)
        for b in range(shard * batch // shards, (shard + 1) * batch // shards):
            _clear(dh, even)
            if len(dlast) > 0:
                _turn(dlast[b, g, lanes], dh)
            for after in range(pieces - 1, piece, -1):
                _hand_on(ends[b, g, block, after - 1], dh)
            for tile in range((piece + 1) * tiles // pieces - 1, piece * tiles // pieces - 1, -1):
                start = tile * STEPS
                steps = min(STEPS, length - start)
                span = slice(start, start + steps)
                _begin_tile(
                    delta[b, g, lanes, span], u[b, g, lanes, span], B[b, g, :, span], C[b, g, :, span],
                    shift, skip, use_softplus, across, raw, ut, bt, ct, dt, xt, yt, spare,
                )  # fmt: skip
                _load(dout[b, g, lanes, span], zt if gated else dy, 1, spare)
                if gated:  # the gradient of what the gate lets through waits in ``zt`` for what came to the gate
                    _load(z[b, g, lanes, span], ddt, 1, spare)
                    for t in range(steps):
                        s = sigmoid(get(ddt, t))
                        silu = get(ddt, t) * s
                        put(dy, t, get(zt, t) * silu)
                        put(zt, t, get(zt, t) * (s + silu * (one - s)))
                for t in range(steps):
                    put(dx, t, nothing)
                    put(ddt, t, nothing)
                for n in range(0, states, 2):
                    a_0, a_1 = get(a2, n), get(a2, n + 1)
                    h_0 = peek(saved[b, g, block, tile - 1], n, 0) if tile > 0 else nothing
                    h_1 = peek(saved[b, g, block, tile - 1], n + 1, 0) if tile > 0 and n + 1 < states else nothing
                    for t in range(steps):
                        place = t * across * LANES + n
                        step, enters, out = get(dt, t), get(xt, t), get(dy, t)
                        decay_0, decay_1 = exp2(step * a_0), exp2(step * a_1)
                        h_0 *= decay_0
                        h_1 *= decay_1
                        put(decays, 2 * t, decay_0)
                        put(decays, 2 * t + 1, decay_1)
                        put(stays, 2 * t, h_0)
                        put(stays, 2 * t + 1, h_1)
                        h_0 += enters * bt[place]
                        h_1 += enters * bt[place + 1]
                        put(towards_0, t, out * h_0)
                        put(towards_1, t, out * h_1)
                        put(yt, t, get(yt, t) + h_0 * ct[place] + h_1 * ct[place + 1])
                    put(dct, n, totals(towards_0))
                    put(dct, n + 1, totals(towards_1))
                    dh_0, dh_1 = get(dh, n), get(dh, n + 1)
                    da_0, da_1 = get(da, n), get(da, n + 1)
                    for back in range(steps):
                        t = steps - 1 - back
                        place = t * across * LANES + n
                        step, enters, out = get(dt, t), get(xt, t), get(dy, t)
                        dh_0 += out * ct[place]
                        dh_1 += out * ct[place + 1]
                        put(towards_0, t, dh_0 * enters)
                        put(towards_1, t, dh_1 * enters)
                        put(dx, t, get(dx, t) + dh_0 * bt[place] + dh_1 * bt[place + 1])
                        dexponent_0, dexponent_1 = dh_0 * get(stays, 2 * t), dh_1 * get(stays, 2 * t + 1)
                        put(ddt, t, get(ddt, t) + dexponent_0 * a_0 + dexponent_1 * a_1)
                        da_0 += dexponent_0 * step
                        da_1 += dexponent_1 * step
                        dh_0 *= get(decays, 2 * t)
                        dh_1 *= get(decays, 2 * t + 1)
                    put(dh, n, dh_0)
                    put(dh, n + 1, dh_1)
                    put(da, n, da_0)
                    put(da, n + 1, da_1)
                    put(dbt, n, totals(towards_0))
                    put(dbt, n + 1, totals(towards_1))

                sum_skip, sum_shift = get(dskip, 0), get(dshift, 0)
                for t in range(steps):
                    if gated:
                        put(zt, t, get(zt, t) * get(yt, t))
                    sum_skip += get(dy, t) * get(ut, t)
                    step = get(dx, t) * get(ut, t) + get(ddt, t) * LN_2
                    if use_softplus:
                        step *= sigmoid(get(raw, t))
                    put(ddt, t, step)
                    put(dx, t, get(dx, t) * get(dt, t) + get(dy, t) * get(skip, 0))
                    sum_shift += step
                put(dskip, 0, sum_skip)
                put(dshift, 0, sum_shift)
                if gated:
                    _store(zt, dz[b, g, lanes, span])
                _store(dx, du[b, g, lanes, span])
                _store(ddt, ddelta[b, g, lanes, span])
                _store_turned(dbt, dB[block, b, g, :, span], spare)
                _store_turned(dct, dC[block, b, g, :, span], spare)
        for k in range(lanes.stop - lanes.start):
            dD[shard * pieces + piece, g, lanes.start + k, 0] = dskip[k]
            dbias[shard * pieces + piece, g, lanes.start + k, 0] = dshift[k]
            for n in range(states):
                dA[shard * pieces + piece, g, lanes.start + k, n] = da[n * LANES + k]


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
