"""Vectors of ``LANES`` numbers as values inside compiled kernels: what is written is what is computed.

Numba leaves it to the compiler to find vector instructions in a loop; whether it does depends on the shape of the loop.
Here ``a * b + c`` is one instruction over all lanes wherever a vector that long exists, and a few where it does not.
Vectors are read from and written to small arrays on the stack (``kernels.stack``), whose n-th vector is their n-th
``LANES`` numbers.

=======================  =============================================================================================
``get(tile, n)``         the n-th vector of ``tile``
``put(tile, n, x)``      make ``x`` the n-th vector of ``tile``
``splat(like, number)``  a vector of equal numbers, of the type of the vector ``like``
``total(x)``             the sum of the lanes
``a + b, a - b, a * b``  elementwise; one of both may be a number
``a / b``                elementwise
``decay(x)``             2**x for x up to 0
``sigmoid(x)``           1 / (1 + exp(-x))
``softplus(x)``          log(1 + exp(x))
=======================  =============================================================================================

In float32 the functions are polynomials; ``tests/test_short.py`` holds their accuracy against float64.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_jitable, register_model

from special.models.scan.kernels import ALIGNMENT, FAST, LANES, LOG2_E, POWERS

Value = Any  # a Lanes value, or a number, as Numba sees it

_LEAST = -100.0  # a decay to 2 to the power of less than this is to 0


class Lanes(types.Type):
    """The Numba type of a vector of ``dtype``."""

    def __init__(self, dtype: Any) -> None:
        super().__init__(name=f"Lanes({dtype})")
        self.dtype = dtype


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


get: Any = intrinsic(_get)
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


def _decay_single(builder: Any, x: Any) -> Any:
    vector, integers = x.type, ir.VectorType(ir.IntType(32), LANES)

    def constant(number: float) -> Any:
        return ir.Constant(vector, [float(number)] * LANES)

    def integer(number: int) -> Any:
        return ir.Constant(integers, [number] * LANES)

    gone = builder.fcmp_ordered("<", x, constant(_LEAST))
    inside = builder.select(gone, constant(_LEAST), x)
    whole = _call(builder, "llvm.rint", vector, inside)
    f = builder.fsub(inside, whole)
    value = constant(POWERS[-1])
    for power in reversed(POWERS[:-1]):
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


def _decay(_typing: Any, x: Any) -> tuple[Any, Callable[..., Any]]:
    """2**x for x <= 0. In float32: relative error below 2e-7 down to -100, 0 below that, NaN for NaN."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        if x.dtype == types.float32:
            return _decay_single(builder, *arguments)
        return _call(builder, "llvm.exp2", arguments[0].type, *arguments)

    return x(x), generate


def _from_zero(_typing: Any, x: Any, above: Any, below: Any) -> tuple[Any, Callable[..., Any]]:
    """``above`` in the lanes where x >= 0, ``below`` in the others."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        x, above, below = arguments
        return builder.select(builder.fcmp_ordered(">=", x, ir.Constant(x.type, [0.0] * LANES)), above, below)

    return x(x, above, below), generate


decay: Any = intrinsic(_decay)
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
    return decay(from_zero(x, scaled * -1.0, scaled))


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
