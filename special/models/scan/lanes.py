"""Vectors of ``LANES`` numbers as values inside compiled kernels: what is written is what is computed.

Numba leaves it to the compiler to find vector instructions in a loop; whether it does depends on the shape of the loop.
Here ``a * b + c`` is one instruction over all lanes wherever a vector that long exists, and a few where it does not.
Vectors are read from and written to small arrays on the stack (``stack``), whose n-th vector is their n-th
``LANES`` numbers.

=======================  =============================================================================================
``stack(like, count)``   a tile of ``count`` numbers on the stack, of the type of the array ``like``
``get(tile, n)``         the n-th vector of ``tile``
``put(tile, n, x)``      make ``x`` the n-th vector of ``tile``
``splat(like, number)``  a vector of equal numbers, of the type of the vector ``like``
``total(x)``             the sum of the lanes
``totals(tile)``         a vector of the sums of the lanes of the first ``LANES`` vectors of ``tile``
``transpose(tile)``      exchange lanes and vectors of the first ``LANES`` vectors of ``tile``
``peek(array, i, j)``    the ``LANES`` numbers that stand in memory from ``array[i, j]`` on; ``poke`` writes them
``a + b, a - b, a * b``  elementwise; one of both may be a number
``a / b``                elementwise
``exp2(x)``              2**x
``sigmoid(x)``           1 / (1 + exp(-x))
``softplus(x)``          log(1 + exp(x))
=======================  =============================================================================================

In float32 the functions are polynomials; ``tests/models/test_scan_lanes.py`` holds their accuracy against float64.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import platformdirs
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_jitable, register_model

LANES = 16
ALIGNMENT = 64  # bytes, of what is on the stack
LOG2_E = math.log2(math.e)
LN_2 = math.log(2.0)

Array = Any  # float32 or float64, as Numba sees it
Tile = Any  # on the stack
Value = Any  # a Lanes value, or a number, as Numba sees it

# Sums may be reordered and products fused; NaN and infinity keep their meaning, so that a diverging loss is seen.
FAST: Any = {"reassoc", "contract", "arcp", "nsz"}

# 2**f for -1/2 <= f <= 1/2, degree 6, interpolated at Chebyshev nodes (relative error below 1e-8).
_POWERS = (1.0, 0.693147207, 0.240226509, 0.0555032723, 0.00961805668, 0.00134004282, 0.000154614447)
_LEAST, _MOST = -100.0, 126.0  # 2 to the power of less is 0, of more is 2**126


class Lanes(types.Type):
    """The Numba type of a vector of ``dtype``."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(name=f"Lanes({dtype})")
        self.dtype = dtype


def _reserve(_typing: Any, like: Any, count: Any) -> tuple[Any, Callable[..., Any]]:
    """Take ``count`` numbers of the array ``like``'s type from the stack, until the kernel returns.

    The compiler knows that nothing else points there, and keeps what it can in registers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scratch = builder.alloca(context.get_data_type(signature.return_type.dtype), size=arguments[1])
        scratch.align = ALIGNMENT
        return scratch

    return types.CPointer(like.dtype)(like, types.intp), generate


stack: Any = intrinsic(_reserve)


def _vector(dtype: Any) -> Any:
    return ir.VectorType(ir.FloatType() if dtype == types.float32 else ir.DoubleType(), LANES)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes.dtype))


def _spread(builder: Any, number: Any, vector: Any) -> Any:
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), places)


def _call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call one of the compiler's own functions of a vector, which is the last argument."""
    vector = arguments[-1].type
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(
        builder.module, kind, f"{name}.v{vector.count}{vector.element.intrinsic_name}"
    )
    return builder.call(function, arguments, fastmath=tuple(sorted(FAST)))


def _place(builder: Any, tile: Any, n: Any, dtype: Any) -> Any:
    start = builder.mul(n, ir.Constant(n.type, LANES))
    return builder.bitcast(builder.gep(tile, [start]), _vector(dtype).as_pointer())


def _get(_typing: Any, tile: Any, n: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(builder, arguments[0], arguments[1], tile.dtype), align=ALIGNMENT)

    return Lanes(tile.dtype)(tile, types.intp), generate


def _put(_typing: Any, tile: Any, n: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(builder, arguments[0], arguments[1], tile.dtype), align=ALIGNMENT)
        return context.get_dummy_value()

    return types.void(tile, types.intp, x), generate


def _splat(_typing: Any, like: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        cast = context.cast(builder, arguments[1], signature.args[1], like.dtype)
        return _spread(builder, cast, _vector(like.dtype))

    return like(like, number), generate


def _total(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = arguments[0].type.element
        return _call(builder, "llvm.vector.reduce.fadd", number, ir.Constant(number, 0.0), arguments[0])

    return x.dtype(x), generate


def _totals(_typing: Any, tile: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vectors = _first(builder, arguments[0], tile.dtype)
        while len(vectors) > 1:  # each pair of vectors becomes one, of sums of neighbouring lanes
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [
                builder.fadd(
                    _mixed(builder, a, b, range(0, 2 * LANES, 2)), _mixed(builder, a, b, range(1, 2 * LANES, 2))
                )
                for a, b in pairs
            ]
        return vectors[0]

    return Lanes(tile.dtype)(tile), generate


def _transpose(_typing: Any, tile: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        vectors = _first(builder, arguments[0], tile.dtype)
        for _ in range(LANES.bit_length() - 1):  # interleaving the first half with the second, as often as it takes
            halves = zip(vectors[: LANES // 2], vectors[LANES // 2 :], strict=True)
            vectors = [
                _mixed(builder, a, b, [half * LANES // 2 + n // 2 + n % 2 * LANES for n in range(LANES)])
                for a, b in halves
                for half in range(2)
            ]
        for n, vector in enumerate(vectors):
            place = _place(builder, arguments[0], ir.Constant(ir.IntType(64), n), tile.dtype)
            builder.store(vector, place, align=ALIGNMENT)
        return context.get_dummy_value()

    return types.void(tile), generate


def _first(builder: Any, tile: Any, dtype: Any) -> list[Any]:
    places = [_place(builder, tile, ir.Constant(ir.IntType(64), n), dtype) for n in range(LANES)]
    return [builder.load(place, align=ALIGNMENT) for place in places]


def _mixed(builder: Any, a: Any, b: Any, lanes: Any) -> Any:
    places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(lanes))
    return builder.shuffle_vector(a, b, places)


def _element(context: Any, builder: Any, array: Any, value: Any, i: Any, j: Any) -> Any:
    made = context.make_array(array)(context, builder, value)
    place = cgutils.get_item_pointer(context, builder, array, made, [i, j], wraparound=False)
    return builder.bitcast(place, _vector(array.dtype).as_pointer())


def _peek(_typing: Any, array: Any, i: Any, j: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(_element(context, builder, array, *arguments), align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp, types.intp), generate


def _poke(_typing: Any, array: Any, i: Any, j: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = _element(context, builder, array, arguments[0], arguments[1], arguments[2])
        builder.store(arguments[3], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, x), generate


get: Any = intrinsic(_get)
totals: Any = intrinsic(_totals)
transpose: Any = intrinsic(_transpose)
peek: Any = intrinsic(_peek)
poke: Any = intrinsic(_poke)
put: Any = intrinsic(_put)
splat: Any = intrinsic(_splat)
total: Any = intrinsic(_total)


def _elementwise(operation: Callable[..., Any], instruction: str) -> None:
    def typed(_typing: Any, a: Any, b: Any) -> tuple[Any, Callable[..., Any]]:
        lanes = a if isinstance(a, Lanes) else b

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            sides = [
                value
                if isinstance(kind, Lanes)
                else _spread(builder, context.cast(builder, value, kind, lanes.dtype), _vector(lanes.dtype))
                for kind, value in zip(signature.args, arguments, strict=True)
            ]
            return getattr(builder, instruction)(*sides, flags=tuple(sorted(FAST)))

        return lanes(a, b), generate

    apply: Any = intrinsic(typed)

    @overload(operation, strict=False)
    def _operation(a: Any, b: Any) -> Any:
        if isinstance(a, Lanes) or isinstance(b, Lanes):
            return lambda a, b: apply(a, b)
        return None


for _plain, _in_place, _instruction in (
    (operator.add, operator.iadd, "fadd"),
    (operator.sub, operator.isub, "fsub"),
    (operator.mul, operator.imul, "fmul"),
    (operator.truediv, operator.itruediv, "fdiv"),
):
    _elementwise(_plain, _instruction)
    _elementwise(_in_place, _instruction)


def _exp2_single(builder: Any, x: Any) -> Any:
    vector, integers = x.type, ir.VectorType(ir.IntType(32), LANES)

    def constant(number: float) -> Any:
        return ir.Constant(vector, [float(number)] * LANES)

    def integer(number: int) -> Any:
        return ir.Constant(integers, [number] * LANES)

    gone = builder.fcmp_ordered("<", x, constant(_LEAST))
    inside = builder.select(gone, constant(_LEAST), x)
    inside = builder.select(builder.fcmp_ordered(">", x, constant(_MOST)), constant(_MOST), inside)
    whole = _call(builder, "llvm.rint", vector, inside)
    f = builder.fsub(inside, whole)
    value = constant(_POWERS[-1])
    for power in reversed(_POWERS[:-1]):
        value = builder.fadd(builder.fmul(value, f, flags=("contract",)), constant(power), flags=("contract",))
    exponent = builder.add(builder.fptosi(whole, integers), integer(127))
    scale = builder.bitcast(builder.shl(exponent, integer(23)), vector)
    return builder.select(gone, constant(0.0), builder.fmul(value, scale))


def _of_each(function: Callable[[float], float]) -> Callable[..., Any]:
    """Make code that takes lane after lane through ``function`` of a float64."""

    def generate(context: Any, builder: Any, x: Any) -> Any:
        result = ir.Constant(x.type, ir.Undefined)
        for lane in range(LANES):
            place = ir.Constant(ir.IntType(32), lane)
            number = builder.extract_element(x, place)
            value = context.compile_internal(builder, function, types.float64(types.float64), [number])
            result = builder.insert_element(result, value, place)
        return result

    return generate


_softplus_double = _of_each(lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))))


def _softplus_lanes(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _softplus_double(context, builder, *arguments)

    return x(x), generate


def _exp2(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """2**x. In float32: relative error below 2e-7 for -100 <= x <= 126, 0 below, 2**126 above, NaN for NaN."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        if x.dtype == types.float32:
            return _exp2_single(builder, *arguments)
        return _call(builder, "llvm.exp2", arguments[0].type, *arguments)

    return x(x), generate


def _from_zero(_typing: Any, x: Any, above: Any, below: Any) -> tuple[Any, Callable[..., Any]]:
    """``above`` in the lanes where x >= 0, ``below`` in the others."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        x, above, below = arguments
        return builder.select(builder.fcmp_ordered(">=", x, ir.Constant(x.type, [0.0] * LANES)), above, below)

    return x(x, above, below), generate


exp2: Any = intrinsic(_exp2)
from_zero: Any = intrinsic(_from_zero)
_softplus_of_each: Any = intrinsic(_softplus_lanes)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)), without overflow."""


def softplus(x: Value) -> Value:
    """log(1 + exp(x)), accurate relative to its value for every x."""


@register_jitable(fastmath=FAST)
def _towards_zero(x: Value) -> Value:
    """exp(-|x|)."""
    scaled = x * LOG2_E
    return exp2(from_zero(x, scaled * -1.0, scaled))


@overload(sigmoid, jit_options={"fastmath": FAST}, strict=False)
def _sigmoid(x: Any) -> Callable[..., Any]:
    def of_lanes(x: Any) -> Any:
        e = _towards_zero(x)
        return from_zero(x, splat(x, 1.0), e) / (e + 1.0)

    return of_lanes


@overload(softplus, jit_options={"fastmath": FAST}, strict=False)
def _softplus(x: Any) -> Callable[..., Any]:
    def single(x: Any) -> Any:
        e = _towards_zero(x)
        s = e / (e + 2.0)
        q = s * s
        # log(1 + e) = 2 atanh(s) for s <= 1/3: the odd series 2 (s + s^3/3 + s^5/5 + ...).
        tail = (((((q * (1 / 13) + 1 / 11) * q + 1 / 9) * q + 1 / 7) * q + 1 / 5) * q + 1 / 3) * q
        return from_zero(x, x, splat(x, 0.0)) + s * (tail * 2.0 + 2.0)

    def double(x: Any) -> Any:
        return _softplus_of_each(x)

    return single if x.dtype == types.float32 else double


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
