"""The selective scan as Triton kernels: what ``special.models.scan.triton`` runs.

A scene is one sequence of hundreds of thousands of steps: a GPU is full only if steps run side by side. Four kernels:

- ``chunk_ends``: every chunk of a sequence is scanned from a state of zeros; only its last state is kept. Run backwards
  in time, with what the result's gradient adds, the same kernel gives the gradients that leave each chunk.
- ``carries``: a scan over those: the state before every chunk. What a chunk lets through of an earlier state is
  exp(A times the sum of its step sizes), so that no product of decays is kept. Backwards, the gradient after it.
- ``outputs``: every chunk once more, from its true first state; keeps the state once in ``STEPS`` steps.
- ``gradients``: every chunk from its last ``STEPS`` steps to its first, with the states of those steps recomputed.

A program holds a tile of states (n, d) in registers and walks along time; neighbouring lanes are neighbouring channels.
Steps beyond the end of a sequence have step size, input and gradient 0 and change nothing. No atomics: sums over
programs are taken afterwards, so that results are the same in every run.

Arrays made here are contiguous: ends, starts (b, chunk, n, d); total (b, chunk, d); saved (b, tile - 1, n, d), the
state before every tile of ``STEPS`` steps but a sequence's first. Those of the caller come with their strides
(``_by``): (b, d, t), or (b, g, n, t) for B and C. A2 is A log2(e), (n, d). Channels of a group are consecutive; blocks
of lanes do not cross groups. Pointers walk along time (``_at``): offsets of every step of a tile would be kept in
registers, of which there are too few as it is. Symbols as in ``special.models.scan.kernels``.
"""

from __future__ import annotations

import triton
import triton.language as tl

_LN2 = tl.constexpr(0.6931471805599453)
# A kernel is compiled once, not for the sizes of every scene. Were it known that ``dims`` is a multiple of 16,
# neighbouring channels would go to one thread, to be loaded together, and all would compute the same step sizes.
_SIZES = ["batch", "dims", "channels", "states", "length", "numbers", "chunk", "chunks", "items", "together"]


@triton.jit
def _softplus(x, TERMS: tl.constexpr):
    """log(1 + exp(x)), accurate relative to its value: log(1 + e) = 2 atanh(e / (2 + e)) as a series."""
    e = tl.exp(-tl.abs(x))
    s = e / (2.0 + e)
    q = s * s
    series = tl.zeros_like(q)
    for k in tl.static_range(TERMS):
        series = series * q + 1.0 / (2 * (TERMS - k) - 1)
    return tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL) + 2.0 * s * series


@triton.jit
def _is_below(t, limit):
    """t < limit as (1, 1): the interpreter, whose loops count with Python's numbers, masks with tensors alone."""
    return tl.zeros((1, 1), tl.int32) + t < limit


@triton.jit
def _inside(there, t, length, WHOLE: tl.constexpr):
    """Which channels, or states, there are at a step; all where tiles are ``WHOLE``: without a part too much."""
    return tl.full((1, 1), True, tl.int1) if WHOLE else there & _is_below(t, length)


@triton.jit
def _row(source, by, b, dim, t, inside, REAL: tl.constexpr):
    """A step of (b, d, t) as (1, d)."""
    return tl.load(source + (b * by[0] + t * by[2]) + dim * by[1], inside, 0.0).to(REAL)


@triton.jit
def _column(source, by, b, g, n, t, inside, REAL: tl.constexpr):
    """A step of (b, g, n, t) as (n, 1)."""
    return tl.load(source + (b * by[0] + g * by[1] + t * by[3]) + n * by[2], inside, 0.0).to(REAL)


@triton.jit
def _step_size(raw, inside, SOFTPLUS: tl.constexpr, TERMS: tl.constexpr):
    return tl.where(inside, _softplus(raw, TERMS) if SOFTPLUS else raw, 0.0)


@triton.jit
def _lanes(channels, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr):
    """The group and block of this program; its states (n, 1); its channels (1, d); which of those there are."""
    blocks = tl.cdiv(channels, BLOCK_D)
    g, block = tl.program_id(1) // blocks, tl.program_id(1) % blocks
    d = block * BLOCK_D + tl.arange(0, BLOCK_D)[None, :]
    return g, block, tl.arange(0, BLOCK_N)[:, None], g * channels + d, d < channels


@triton.jit(do_not_specialize=_SIZES)
def chunk_ends(
    u, delta, A2, B, C, z, bias, dout, ends, total,
    u_by, delta_by, B_by, C_by, z_by, dout_by,
    dims, channels, states, length, chunk, chunks,
    SOFTPLUS: tl.constexpr, GATED: tl.constexpr, REVERSE: tl.constexpr,
    STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, TERMS: tl.constexpr, REAL: tl.constexpr,
    WHOLE: tl.constexpr,
):  # fmt: skip
    """Scan every chunk from zeros. Grid: (b chunk, g block). Backwards, ``total`` is left alone."""
    item = tl.program_id(0).to(tl.int64)
    b, first = item // chunks, item % chunks * chunk
    g, _, n, dim, there = _lanes(channels, BLOCK_N, BLOCK_D)
    state = n < states
    a2 = tl.load(A2 + n * dims + dim, state & there, 0.0)
    shift = tl.load(bias + dim, there, 0.0)
    h = tl.zeros((BLOCK_N, BLOCK_D), REAL)
    sum_dt = tl.zeros((1, BLOCK_D), REAL)
    tiles = tl.cdiv(tl.minimum(chunk, length - first), STEPS)
    for tile in range(tiles):
        for i in tl.static_range(STEPS):
            along = tile * STEPS + i
            t = first + (tiles * STEPS - 1 - along if REVERSE else along)
            inside = _inside(there, t, length, WHOLE)
            dt = _step_size(_row(delta, delta_by, b, dim, t, inside, REAL) + shift, inside, SOFTPLUS, TERMS)
            decay = tl.exp2(dt * a2)
            if REVERSE:
                dy = _row(dout, dout_by, b, dim, t, inside, REAL)
                if GATED:
                    gate = _row(z, z_by, b, dim, t, inside, REAL)
                    dy *= gate * tl.sigmoid(gate)
                h = decay * (h + _column(C, C_by, b, g, n, t, _inside(state, t, length, WHOLE), REAL) * dy)
            else:
                x = dt * _row(u, u_by, b, dim, t, inside, REAL)
                h = decay * h + _column(B, B_by, b, g, n, t, _inside(state, t, length, WHOLE), REAL) * x
                sum_dt += dt
    tl.store(ends + (item * states + n) * dims + dim, h, state & there)
    if not REVERSE:
        tl.store(total + item * dims + dim, sum_dt, there)


@triton.jit(do_not_specialize=_SIZES)
def carries(
    ends, total, A2, begin, starts,
    dims, numbers, chunks,
    BEGIN: tl.constexpr, REVERSE: tl.constexpr, AHEAD: tl.constexpr, BLOCK: tl.constexpr, REAL: tl.constexpr,
):  # fmt: skip
    """Go from what chunks add to what reaches them, in the order of time or against it. Grid: (b, block of n d).

    ``begin``, (b, n, d), reaches the first chunk of that order; without ``BEGIN`` zeros do. ``numbers`` is n d.
    """
    b = tl.program_id(0).to(tl.int64)
    k = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    there = k < numbers
    a2 = tl.load(A2 + k, there, 0.0)
    h = tl.load(begin + b * numbers + k, there, 0.0) if BEGIN else tl.zeros((1, BLOCK), REAL)
    for tile in range(tl.cdiv(chunks, AHEAD)):
        # All loads of some chunks are on their way before the first is needed.
        added, sums = (), ()
        for i in tl.static_range(AHEAD):
            along = tile * AHEAD + i
            item = b * chunks + (chunks - 1 - along if REVERSE else along)
            added += (tl.load(ends + item * numbers + k, there & _is_below(along, chunks), 0.0),)
            sums += (tl.load(total + item * dims + k % dims, there & _is_below(along, chunks), 0.0),)
        for i in tl.static_range(AHEAD):
            along = tile * AHEAD + i
            item = b * chunks + (chunks - 1 - along if REVERSE else along)
            tl.store(starts + item * numbers + k, h, there & _is_below(along, chunks))
            h = tl.exp2(a2 * sums[i]) * h + added[i]


@triton.jit(do_not_specialize=_SIZES)
def outputs(
    u, delta, A2, B, C, D, z, bias, starts,
    out, last, saved,
    u_by, delta_by, B_by, C_by, z_by, out_by,
    dims, channels, states, length, chunk, chunks, items, together,
    SOFTPLUS: tl.constexpr, GATED: tl.constexpr, LAST: tl.constexpr, SAVE: tl.constexpr, START: tl.constexpr,
    STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, TERMS: tl.constexpr, REAL: tl.constexpr,
    WHOLE: tl.constexpr,
):  # fmt: skip
    """Write ``out`` (b, d, t); with ``LAST`` the last state (b, n, d), with ``SAVE`` states on the way.

    Grid: (items / together, g block); an item is a chunk of a sequence. Without ``START`` chunks begin with zeros.
    """
    g, _, n, dim, there = _lanes(channels, BLOCK_N, BLOCK_D)
    state = n < states
    a2 = tl.load(A2 + n * dims + dim, state & there, 0.0)
    skip = tl.load(D + dim, there, 0.0)
    shift = tl.load(bias + dim, there, 0.0)
    begin = tl.program_id(0).to(tl.int64) * together
    for item in range(begin, tl.minimum(begin + together, items)):
        b, c = item // chunks, item % chunks
        h = tl.zeros((BLOCK_N, BLOCK_D), REAL)
        if START:
            h = tl.load(starts + (item * states + n) * dims + dim, state & there, 0.0)
        stop = tl.minimum((c + 1) * chunk, length)
        for start in range(c * chunk, stop, STEPS):
            if SAVE:
                row = b * (tl.cdiv(length, STEPS) - 1) + start // STEPS - 1
                at = saved + row * states * dims + (n * dims + dim)
                tl.store(at, h, state & there & _is_below(0, start))
            left = tl.minimum(stop - start, STEPS).to(tl.int32)
            u_at, delta_at = u + (b * u_by[0] + start * u_by[2]), delta + (b * delta_by[0] + start * delta_by[2])
            B_at = B + (b * B_by[0] + g * B_by[1] + start * B_by[3])
            C_at = C + (b * C_by[0] + g * C_by[1] + start * C_by[3])
            z_at, out_at = z + (b * z_by[0] + start * z_by[2]), out + (b * out_by[0] + start * out_by[2])
            for i in tl.static_range(STEPS):
                inside, which = _inside(there, i, left, WHOLE), _inside(state, i, left, WHOLE)
                dt = _step_size(
                    tl.load(delta_at + dim * delta_by[1], inside, 0.0).to(REAL) + shift, inside, SOFTPLUS, TERMS
                )
                ut = tl.load(u_at + dim * u_by[1], inside, 0.0).to(REAL)
                bt = tl.load(B_at + n * B_by[2], which, 0.0).to(REAL)
                ct = tl.load(C_at + n * C_by[2], which, 0.0).to(REAL)
                h = tl.exp2(dt * a2) * h + bt * (dt * ut)
                y = tl.sum(ct * h, 0, keep_dims=True) + skip * ut
                if GATED:
                    gate = tl.load(z_at + dim * z_by[1], inside, 0.0).to(REAL)
                    y *= gate * tl.sigmoid(gate)
                tl.store(out_at + dim * out_by[1], y, inside)
                u_at += u_by[2]
                delta_at += delta_by[2]
                B_at += B_by[3]
                C_at += C_by[3]
                z_at += z_by[2]
                out_at += out_by[2]
        if LAST:
            tl.store(last + (b * states + n) * dims + dim, h, state & there & _is_below(length - 1, stop))


@triton.jit(do_not_specialize=_SIZES)
def gradients(
    u, delta, A2, B, C, D, z, bias,
    saved, starts, dout,
    du, ddelta, dA, dB, dC, dD, dz, dbias,
    u_by, delta_by, B_by, C_by, z_by, dout_by,
    du_by, ddelta_by, dz_by,
    batch, dims, channels, states, length, chunk, chunks, items, together,
    SOFTPLUS: tl.constexpr, GATED: tl.constexpr, START: tl.constexpr,
    STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr, TERMS: tl.constexpr, REAL: tl.constexpr,
    WHOLE: tl.constexpr,
):  # fmt: skip
    """Differentiate; ``starts`` holds the gradient that reaches the last state of every chunk. Grid as for ``outputs``.

    Written like their arguments: du, ddelta, dz. Summed over programs and blocks later: dA (program, n, d), dD and
    dbias (program, d), dB and dC (block, b, g, t, n).
    """
    g, block, n, dim, there = _lanes(channels, BLOCK_N, BLOCK_D)
    groups = dims // channels
    state = n < states
    a2 = tl.load(A2 + n * dims + dim, state & there, 0.0)
    skip = tl.load(D + dim, there, 0.0)
    shift = tl.load(bias + dim, there, 0.0)
    da = tl.zeros((BLOCK_N, BLOCK_D), REAL)
    dskip = tl.zeros((1, BLOCK_D), REAL)
    dshift = tl.zeros((1, BLOCK_D), REAL)
    begin = tl.program_id(0).to(tl.int64) * together
    for item in range(begin, tl.minimum(begin + together, items)):
        b, c = item // chunks, item % chunks
        dh = tl.zeros((BLOCK_N, BLOCK_D), REAL)
        if START:
            dh = tl.load(starts + (item * states + n) * dims + dim, state & there, 0.0)
        stop = tl.minimum((c + 1) * chunk, length)
        tiles = tl.cdiv(stop - c * chunk, STEPS)
        for tile in range(tiles):
            start = c * chunk + (tiles - 1 - tile) * STEPS
            row = b * (tl.cdiv(length, STEPS) - 1) + start // STEPS - 1
            there_before = state & there & _is_below(0, start)
            h = tl.load(saved + row * states * dims + (n * dims + dim), there_before, 0.0)
            hs = (h,)
            # Pointers walk: offsets of every step would be kept in registers.
            left = tl.minimum(stop - start, STEPS).to(tl.int32)
            u_at, delta_at = u + (b * u_by[0] + start * u_by[2]), delta + (b * delta_by[0] + start * delta_by[2])
            B_at = B + (b * B_by[0] + g * B_by[1] + start * B_by[3])
            for i in tl.static_range(STEPS):
                inside = _inside(there, i, left, WHOLE)
                raw = tl.load(delta_at + dim * delta_by[1], inside, 0.0).to(REAL) + shift
                dt = _step_size(raw, inside, SOFTPLUS, TERMS)
                x = dt * tl.load(u_at + dim * u_by[1], inside, 0.0).to(REAL)
                bt = tl.load(B_at + n * B_by[2], _inside(state, i, left, WHOLE), 0.0).to(REAL)
                h = tl.exp2(dt * a2) * h + bt * x
                hs += (h,)
                if i < STEPS - 1:
                    u_at += u_by[2]
                    delta_at += delta_by[2]
                    B_at += B_by[3]
            last = start + (STEPS - 1)
            C_at = C + (b * C_by[0] + g * C_by[1] + last * C_by[3])
            dout_at, z_at = dout + (b * dout_by[0] + last * dout_by[2]), z + (b * z_by[0] + last * z_by[2])
            du_at, ddelta_at = du + (b * du_by[0] + last * du_by[2]), ddelta + (b * ddelta_by[0] + last * ddelta_by[2])
            dz_at = dz + (b * dz_by[0] + last * dz_by[2])
            to = (((block * batch + b) * groups + g) * length + last) * states
            for i in tl.static_range(STEPS - 1, -1, -1):
                inside = _inside(there, i, left, WHOLE)
                which = _inside(state, i, left, WHOLE)
                raw = tl.load(delta_at + dim * delta_by[1], inside, 0.0).to(REAL) + shift
                dt = _step_size(raw, inside, SOFTPLUS, TERMS)
                ut = tl.load(u_at + dim * u_by[1], inside, 0.0).to(REAL)
                bt = tl.load(B_at + n * B_by[2], which, 0.0).to(REAL)
                ct = tl.load(C_at + n * C_by[2], which, 0.0).to(REAL)
                dy = tl.load(dout_at + dim * dout_by[1], inside, 0.0).to(REAL)
                if GATED:
                    gate = tl.load(z_at + dim * z_by[1], inside, 0.0).to(REAL)
                    s = tl.sigmoid(gate)
                    y = tl.sum(ct * hs[i + 1], 0, keep_dims=True) + skip * ut
                    slope = s * (1.0 + gate * (1.0 - s))
                    tl.store(dz_at + dim * dz_by[1], dy * y * slope, inside)
                    dy *= gate * s

                dhn = dh + ct * dy
                tl.store(dB + to + n, tl.sum(dhn * (dt * ut), 1, keep_dims=True), which)
                tl.store(dC + to + n, tl.sum(hs[i + 1] * dy, 1, keep_dims=True), which)
                dx = tl.sum(dhn * bt, 0, keep_dims=True)
                dh = dhn * tl.exp2(dt * a2)
                dexponent = dh * hs[i]
                da += dexponent * dt
                ddt = dx * ut + tl.sum(dexponent * a2, 0, keep_dims=True) * _LN2
                if SOFTPLUS:
                    ddt *= tl.sigmoid(raw)
                dskip += dy * ut
                dshift += tl.where(inside, ddt, 0.0)
                tl.store(du_at + dim * du_by[1], dx * dt + dy * skip, inside)
                tl.store(ddelta_at + dim * ddelta_by[1], ddt, inside)
                u_at -= u_by[2]
                delta_at -= delta_by[2]
                B_at -= B_by[3]
                C_at -= C_by[3]
                dout_at -= dout_by[2]
                z_at -= z_by[2]
                du_at -= du_by[2]
                ddelta_at -= ddelta_by[2]
                dz_at -= dz_by[2]
                to -= states
    program = tl.program_id(0).to(tl.int64)
    tl.store(dA + (program * states + n) * dims + dim, da, state & there)
    tl.store(dD + program * dims + dim, dskip, there)
    tl.store(dbias + program * dims + dim, dshift, there)
