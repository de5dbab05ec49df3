"""The Triton kernels in Triton's interpreter, on the CPU. ``test_scan_triton.py`` runs this with TRITON_INTERPRET=1.

The interpreter takes its time for every operation of a kernel: sequences here are a few steps long, and tiles, chunks
and programs are made so small that there are several of each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_scan import arguments, assert_near, outcome, plain_loop
from torch import Tensor

from special.models import scan as package
from special.models.scan import selective_scan
from special.models.scan import triton as backend


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "available_backends", lambda device: ("triton",))
    monkeypatch.setattr(backend, "STEPS", 2)
    monkeypatch.setattr(backend, "SHORTEST", 4)
    monkeypatch.setattr(backend, "FORWARD", replace(backend.FORWARD, lanes=4))
    monkeypatch.setattr(backend, "BACKWARD", replace(backend.BACKWARD, lanes=2))


def in_triton(**tensors: Any) -> Any:
    return selective_scan(**tensors, return_last_state=True)


SHAPES = {
    "chunks of a sequence": (1, 3, 3, 9, "each step"),
    "blocks of channels": (1, 5, 1, 3, "each step"),
    "groups of channels": (2, 6, 2, 2, "two groups"),
    "constant matrices": (1, 2, 2, 3, "constant"),
    "one number": (1, 1, 1, 1, "each step"),
    "no part of a tile too much": (1, 4, 2, 10, "each step"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_agree_with_a_plain_loop(shape: str) -> None:
    *sizes, kind = SHAPES[shape]
    tensors = arguments(*sizes, kind=kind)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(in_triton, tensors, torch.float64, delta_softplus=True), expected, 1e-12)


def test_kernels_agree_with_a_plain_loop_in_single_precision() -> None:
    tensors = arguments(1, 3, 3, 9)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(in_triton, tensors, torch.float32, delta_softplus=True), expected, 5e-6)


def test_a_program_may_take_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PROGRAMS", 1)
    monkeypatch.setattr(backend.Plan, "chunk", 4)
    tensors = arguments(3, 1, 2, 5)
    assert backend.Plan(3, 1, 1, 2, 5).together == 2
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(in_triton, tensors, torch.float64, delta_softplus=True), expected, 1e-12)


@pytest.mark.parametrize("without", [("z",), ("D", "delta_bias")], ids=" ".join)
def test_what_is_left_out_is_left_out(without: tuple[str, ...]) -> None:
    tensors = arguments(1, 2, 2, 5, without=without)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=False)
    assert_near(outcome(in_triton, tensors, torch.float64, delta_softplus=False), expected, 1e-12)


def test_the_result_alone_has_the_same_gradients() -> None:
    def result_only(function: Any) -> Any:
        def call(**given: Any) -> Any:
            y = function(**given)
            return y[0] if isinstance(y, tuple) else y, torch.zeros(())

        return call

    tensors = arguments(1, 2, 2, 5)
    expected = outcome(result_only(plain_loop), tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(result_only(selective_scan), tensors, torch.float64, delta_softplus=True), expected, 1e-12)


def test_bfloat16_goes_in_and_comes_out_and_states_are_float32() -> None:
    names = ("u", "delta", "B", "C", "z")
    tensors = {name: t.bfloat16() if name in names else t.float() for name, t in arguments(1, 2, 2, 6).items()}
    y, last = plain_loop(**{name: tensor.double() for name, tensor in tensors.items()}, delta_softplus=True)
    leaves = {name: tensor.requires_grad_() for name, tensor in tensors.items()}
    narrow, found = in_triton(**leaves, delta_softplus=True)
    assert (narrow.dtype, found.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(narrow.double(), y, rtol=2**-7, atol=1e-6)  # the interpreter cuts off
    torch.testing.assert_close(found.double(), last, rtol=1e-5, atol=1e-6)
    narrow.sum().backward()
    assert all(leaf.grad is not None and leaf.grad.dtype == leaf.dtype for leaf in leaves.values())


def test_strides_do_not_matter() -> None:
    plain = {name: tensor.float() for name, tensor in arguments(2, 3, 2, 3).items()}
    strided = {
        name: tensor.transpose(1, 2).contiguous().transpose(1, 2) if tensor.dim() == 3 else tensor.repeat(2)[::2]
        for name, tensor in plain.items()
        if name != "A"
    }
    for name in ("D", "delta_bias"):
        plain[name] = strided[name].clone()
    strided["A"] = torch.stack([plain["A"], plain["A"]], dim=-1)[..., 0]
    torch.testing.assert_close(selective_scan(**strided), selective_scan(**plain))


def test_nan_is_passed_on_to_later_chunks_and_not_to_earlier_steps() -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 2, 2, 9).items()}
    tensors["delta"][0, 1, 2] = float("nan")
    y = selective_scan(**tensors, delta_softplus=True)
    assert torch.equal(y.isnan().sum(-1), torch.tensor([[0, 7]]))


def test_steep_decay_forgets_without_overflow() -> None:
    tensors: dict[str, Tensor] = {n: t.float() for n, t in arguments(1, 3, 2, 9, without=("D", "z")).items()}
    steep = selective_scan(**{**tensors, "A": tensors["A"] * 1e6}, delta_softplus=True)
    step = torch.nn.functional.softplus(tensors["delta"] + tensors["delta_bias"][:, None])
    torch.testing.assert_close(steep, step * tensors["u"] * (tensors["B"] * tensors["C"]).sum(1, keepdim=True))


@pytest.mark.parametrize("bias", [-60.0, -20.0, 0.0, 20.0])
def test_softplus_is_accurate_relative_to_its_value(bias: float) -> None:
    """The state after one step from u = B = 1 is the step size."""
    tensors = {name: torch.ones_like(t) for name, t in arguments(1, 4, 1, 1, without=("D", "z")).items()}
    tensors["delta"] = torch.linspace(-8, 8, 4).reshape(1, 4, 1)
    _, last = in_triton(**{n: t.float() for n, t in tensors.items()} | {"delta_bias": torch.full((4,), bias)},
                        delta_softplus=True)  # fmt: skip
    exact = torch.logaddexp(torch.zeros(()).double(), tensors["delta"].double() + bias)
    torch.testing.assert_close(last.double(), exact, rtol=5e-7 + 1e-7 * abs(bias), atol=0)
