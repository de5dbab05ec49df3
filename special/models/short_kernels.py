"""A whole Mamba block over many short sequences, as compiled loops: what ``special.models.short`` runs.

The spectral branch of MambaHSI makes of every pixel a sequence of a few steps of a few numbers. Matrices that small
are slow one by one, and there are too few channels to fill a vector with. Here the lanes of a vector are ``LANES``
sequences instead, whatever the number of channels: projections, convolution, gate and scan of all their steps are
elementwise arithmetic over lanes, from reading a sequence to writing its result, and nothing between is written to
memory. Backward computes a sequence anew from its input.

Symbols: b sequence, t step, m channel outside (d_model), e channel inside (d_inner), n state, k lane. ``p`` holds what
x_proj makes of a step: what its step sizes come from, then B, then C. ``A2`` is A log2(e). Gradients of the loss are
named after what they belong to.
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
    put,
    sigmoid,
    softplus,
    splat,
    stack,
    total,
)


@register_jitable(fastmath=FAST)
def _load(source: Array, tile: Tile) -> None:
    """Copy sequences ``source`` (b, t, m) into the lanes of ``tile`` (t, m), zeros where there are none."""
    there, steps, channels = source.shape
    for k in range(LANES):
        for t in range(steps):
            for m in range(channels):
                tile[(t * channels + m) * LANES + k] = source[k, t, m] if k < there else 0


@register_jitable(fastmath=FAST)
def _store(tile: Tile, target: Array) -> None:
    """Copy the lanes of ``tile`` (t, m) into sequences ``target`` (b, t, m)."""
    there, steps, channels = target.shape
    for k in range(there):
        for t in range(steps):
            for m in range(channels):
                target[k, t, m] = tile[(t * channels + m) * LANES + k]


@register_jitable(fastmath=FAST)
def _clear(tile: Tile, count: int) -> None:
    nothing = splat(get(tile, 0), 0.0)
    for n in range(count):
        put(tile, n, nothing)


@register_jitable(fastmath=FAST)
def _project(weight: Array, x: Tile, across: int, y: Tile, steps: int) -> None:
    """Write ``weight`` (i, j) times ``x`` into ``y`` (t, i) for every step; x has ``across`` >= j vectors a step."""
    rows, columns = weight.shape
    for t in range(steps):
        for i in range(rows):
            sum = get(x, t * across) * weight[i, 0]
            for j in range(1, columns):
                sum += get(x, t * across + j) * weight[i, j]
            put(y, t * rows + i, sum)


@register_jitable(fastmath=FAST)
def _project_back(weight: Array, dy: Tile, dx: Tile, across: int, steps: int) -> None:
    """Add what reaches x through ``_project`` to ``dx``."""
    rows, columns = weight.shape
    for t in range(steps):
        for j in range(columns):
            sum = get(dx, t * across + j)
            for i in range(rows):
                sum += get(dy, t * rows + i) * weight[i, j]
            put(dx, t * across + j, sum)


@register_jitable(fastmath=FAST)
def _add_products(dy: Tile, rows: int, x: Tile, across: int, columns: int, dweight: Tile, steps: int) -> None:
    """Add the gradient of ``_project``'s weight, lane by lane, to ``dweight`` (i, j)."""
    for i in range(rows):
        for j in range(columns):
            sum = get(dweight, i * columns + j)
            for t in range(steps):
                sum += get(dy, t * rows + i) * get(x, t * across + j)
            put(dweight, i * columns + j, sum)


@register_jitable(fastmath=FAST)
def _sum_lanes(tile: Tile, target: Array) -> None:
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            target[i, j] = total(get(tile, i * target.shape[1] + j))


@register_jitable(fastmath=FAST)
def _before_scan(
    in_proj: Array, taps: Array, tap_bias: Array, x_proj: Array, dt_proj: Array, dt_bias: Array, steps: int,
    u: Tile, xz: Tile, c: Tile, v: Tile, p: Tile, raw: Tile, dt: Tile,
) -> None:  # fmt: skip
    """Compute all that the scan of the sequences in ``u`` takes.

    ``xz``: both branches (t, 2 e); ``c``, ``v``: the convolution before and after SiLU (t, e); ``p``: (t, -); ``raw``,
    ``dt``: step sizes before and after softplus (t, e).
    """
    inner, width = taps.shape
    _project(in_proj, u, in_proj.shape[1], xz, steps)
    for t in range(steps):
        for e in range(inner):
            sum = splat(get(xz, 0), tap_bias[e, 0])
            for tap in range(max(0, width - 1 - t), width):
                sum += get(xz, (t + tap - width + 1) * 2 * inner + e) * taps[e, tap]
            put(c, t * inner + e, sum)
            put(v, t * inner + e, sum * sigmoid(sum))
    _project(x_proj, v, inner, p, steps)
    _project(dt_proj, p, x_proj.shape[0], raw, steps)
    for t in range(steps):
        for e in range(inner):
            step = get(raw, t * inner + e) + dt_bias[e, 0]
            put(raw, t * inner + e, step)
            put(dt, t * inner + e, softplus(step))


def _forward(
    u: Array, in_proj: Array, taps: Array, tap_bias: Array, x_proj: Array, dt_proj: Array, dt_bias: Array,
    A2: Array, D: Array, out_proj: Array, shards: int, first: int, stop: int,
    out: Array,
) -> None:  # fmt: skip
    """Map ``u`` (b, t, m) to ``out`` (b, t, m) in shards ``first`` to ``stop``; parameters are matrices."""
    batch, steps, outside = u.shape
    inner, states = A2.shape
    rank, made = dt_proj.shape[1], x_proj.shape[0]
    blocks = (batch + LANES - 1) // LANES
    ut = stack(u, steps * outside * LANES)
    xz = stack(u, steps * 2 * inner * LANES)
    c = stack(u, steps * inner * LANES)
    v = stack(u, steps * inner * LANES)
    p = stack(u, steps * made * LANES)
    raw = stack(u, steps * inner * LANES)
    dt = stack(u, steps * inner * LANES)
    for block in range(first * blocks // shards, stop * blocks // shards):
        span = slice(block * LANES, min((block + 1) * LANES, batch))
        _load(u[span], ut)
        _before_scan(in_proj, taps, tap_bias, x_proj, dt_proj, dt_bias, steps, ut, xz, c, v, p, raw, dt)
        for e in range(inner):
            for t in range(steps):
                x = get(v, t * inner + e)
                put(raw, t * inner + e, x * get(dt, t * inner + e))  # what enters the state, from here on
                put(v, t * inner + e, x * D[e, 0])
            for n in range(states):
                a = A2[e, n]
                h = get(raw, e) * get(p, rank + n)  # before the first step there is no state
                put(v, e, get(v, e) + h * get(p, rank + states + n))
                for t in range(1, steps):
                    h = exp2(get(dt, t * inner + e) * a) * h + get(raw, t * inner + e) * get(p, t * made + rank + n)
                    put(v, t * inner + e, get(v, t * inner + e) + h * get(p, t * made + rank + states + n))
            for t in range(steps):
                z = get(xz, t * 2 * inner + inner + e)
                put(v, t * inner + e, get(v, t * inner + e) * z * sigmoid(z))
        _project(out_proj, v, inner, ut, steps)
        _store(ut, out[span])


def _backward(
    u: Array, in_proj: Array, taps: Array, tap_bias: Array, x_proj: Array, dt_proj: Array, dt_bias: Array,
    A2: Array, D: Array, out_proj: Array, shards: int, first: int, stop: int,
    dout: Array, du: Array, din_proj: Array, dtaps: Array, dtap_bias: Array, dx_proj: Array, ddt_proj: Array,
    ddt_bias: Array, dA: Array, dD: Array, dout_proj: Array,
) -> None:  # fmt: skip
    """Differentiate shards ``first`` to ``stop``; the first 13 arguments are those of ``forward``.

    dout, du: (b, t, m); the gradients of parameters: (shard, i, j), summed over later.
    """
    batch, steps, outside = u.shape
    inner, states = A2.shape
    width, rank, made = taps.shape[1], dt_proj.shape[1], x_proj.shape[0]
    blocks = (batch + LANES - 1) // LANES
    ut = stack(u, steps * outside * LANES)
    xz = stack(u, steps * 2 * inner * LANES)
    c = stack(u, steps * inner * LANES)
    v = stack(u, steps * inner * LANES)
    p = stack(u, steps * made * LANES)
    raw = stack(u, steps * inner * LANES)
    dt = stack(u, steps * inner * LANES)
    x = stack(u, steps * LANES)
    h = stack(u, (steps + 1) * LANES)
    kept = stack(u, steps * LANES)
    y = stack(u, steps * LANES)
    dy = stack(u, steps * LANES)
    dx = stack(u, steps * LANES)
    ddt = stack(u, steps * LANES)
    dot = stack(u, steps * outside * LANES)
    g = stack(u, steps * inner * LANES)
    dg = stack(u, steps * inner * LANES)
    dv = stack(u, steps * inner * LANES)
    draw = stack(u, steps * inner * LANES)
    dp = stack(u, steps * made * LANES)
    dxz = stack(u, steps * 2 * inner * LANES)
    in_sum = stack(u, 2 * inner * outside * LANES)
    taps_sum = stack(u, inner * width * LANES)
    tap_bias_sum = stack(u, inner * LANES)
    x_sum = stack(u, made * inner * LANES)
    dt_sum = stack(u, inner * rank * LANES)
    dt_bias_sum = stack(u, inner * LANES)
    a_sum = stack(u, inner * states * LANES)
    d_sum = stack(u, inner * LANES)
    out_sum = stack(u, outside * inner * LANES)
    nothing = splat(get(h, 0), 0.0)
    put(h, 0, nothing)  # before the first step there is no state, and none goes on from there
    put(kept, 0, nothing)
    for shard in range(first, stop):
        _clear(in_sum, 2 * inner * outside)
        _clear(taps_sum, inner * width)
        _clear(tap_bias_sum, inner)
        _clear(x_sum, made * inner)
        _clear(dt_sum, inner * rank)
        _clear(dt_bias_sum, inner)
        _clear(a_sum, inner * states)
        _clear(d_sum, inner)
        _clear(out_sum, outside * inner)
        for block in range(shard * blocks // shards, (shard + 1) * blocks // shards):
            span = slice(block * LANES, min((block + 1) * LANES, batch))
            _load(u[span], ut)
            _load(dout[span], dot)
            _before_scan(in_proj, taps, tap_bias, x_proj, dt_proj, dt_bias, steps, ut, xz, c, v, p, raw, dt)
            _clear(dg, steps * inner)
            _project_back(out_proj, dot, dg, inner, steps)
            _clear(dp, steps * made)
            for e in range(inner):
                for t in range(steps):
                    z = get(xz, t * 2 * inner + inner + e)
                    put(x, t, get(dt, t * inner + e) * get(v, t * inner + e))
                    put(y, t, get(v, t * inner + e) * D[e, 0])
                    put(dy, t, get(dg, t * inner + e) * z * sigmoid(z))
                    put(dx, t, nothing)
                    put(ddt, t, nothing)
                for n in range(states):
                    a = A2[e, n]
                    state = get(x, 0) * get(p, rank + n)
                    put(h, 1, state)
                    put(y, 0, get(y, 0) + state * get(p, rank + states + n))
                    for t in range(1, steps):
                        left = exp2(get(dt, t * inner + e) * a)
                        state = left * state + get(x, t) * get(p, t * made + rank + n)
                        put(kept, t, left)
                        put(h, t + 1, state)
                        put(y, t, get(y, t) + state * get(p, t * made + rank + states + n))
                    dh = nothing
                    da = get(a_sum, e * states + n)
                    for back in range(steps):
                        t = steps - 1 - back
                        B, C = t * made + rank + n, t * made + rank + states + n
                        dh += get(p, C) * get(dy, t)
                        put(dp, B, get(dp, B) + dh * get(x, t))
                        put(dp, C, get(dp, C) + get(dy, t) * get(h, t + 1))
                        put(dx, t, get(dx, t) + dh * get(p, B))
                        dh *= get(kept, t)
                        dexponent = dh * get(h, t)
                        put(ddt, t, get(ddt, t) + dexponent * a)
                        da += dexponent * get(dt, t * inner + e)
                    put(a_sum, e * states + n, da)
                for t in range(steps):
                    z = get(xz, t * 2 * inner + inner + e)
                    s = sigmoid(z)
                    put(g, t * inner + e, get(y, t) * z * s)
                    slope = s + z * s * (splat(s, 1.0) - s)
                    put(dxz, t * 2 * inner + inner + e, get(dg, t * inner + e) * get(y, t) * slope)
                    put(d_sum, e, get(d_sum, e) + get(dy, t) * get(v, t * inner + e))
                    step = get(dx, t) * get(v, t * inner + e) + get(ddt, t) * LN_2
                    step *= sigmoid(get(raw, t * inner + e))
                    put(draw, t * inner + e, step)
                    put(dt_bias_sum, e, get(dt_bias_sum, e) + step)
                    put(dv, t * inner + e, get(dx, t) * get(dt, t * inner + e) + get(dy, t) * D[e, 0])
            _add_products(dot, outside, g, inner, inner, out_sum, steps)
            _project_back(dt_proj, draw, dp, made, steps)
            _add_products(draw, inner, p, made, rank, dt_sum, steps)
            _project_back(x_proj, dp, dv, inner, steps)
            _add_products(dp, made, v, inner, inner, x_sum, steps)
            for e in range(inner):
                for t in range(steps):
                    z = get(c, t * inner + e)
                    s = sigmoid(z)
                    dc = get(dv, t * inner + e) * (s + z * s * (splat(s, 1.0) - s))
                    put(tap_bias_sum, e, get(tap_bias_sum, e) + dc)
                    put(dxz, t * 2 * inner + e, nothing)
                    for tap in range(max(0, width - 1 - t), width):
                        seen = (t + tap - width + 1) * 2 * inner + e
                        put(dxz, seen, get(dxz, seen) + dc * taps[e, tap])
                        put(taps_sum, e * width + tap, get(taps_sum, e * width + tap) + dc * get(xz, seen))
            _add_products(dxz, 2 * inner, ut, outside, outside, in_sum, steps)
            _clear(dot, steps * outside)
            _project_back(in_proj, dxz, dot, outside, steps)
            _store(dot, du[span])
        _sum_lanes(in_sum, din_proj[shard])
        _sum_lanes(taps_sum, dtaps[shard])
        _sum_lanes(tap_bias_sum, dtap_bias[shard])
        _sum_lanes(x_sum, dx_proj[shard])
        _sum_lanes(dt_sum, ddt_proj[shard])
        _sum_lanes(dt_bias_sum, ddt_bias[shard])
        _sum_lanes(a_sum, dA[shard])
        _sum_lanes(d_sum, dD[shard])
        _sum_lanes(out_sum, dout_proj[shard])


def numbers_on_the_stack(steps: int, outside: int, inner: int, states: int, width: int, rank: int) -> int:
    """How many numbers ``backward`` takes from the stack, which is all that limits the size of a block."""
    made = rank + 2 * states
    of_steps = steps * (2 * outside + 11 * inner + 2 * made + 7)
    of_weights = inner * (3 * outside + width + made + rank + states + 3)
    return LANES * (of_steps + of_weights + 2)


@cache
def forward(real: str) -> Callable[..., None]:
    """The forward kernel for ``"float32"`` or ``"float64"``."""
    return compiled(_forward, real, "3222222222", 3, "3")


@cache
def backward(real: str) -> Callable[..., None]:
    """The backward kernel for ``"float32"`` or ``"float64"``."""
    return compiled(_backward, real, "3222222222", 3, "33333333333")
