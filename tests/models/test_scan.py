"""The selective scan: every backend does what the equations say, forward and backward."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from special.errors import SettingsError
from special.models import scan as scan_module
from special.models.scan import available_backends, cpu, kernels, lanes, reference, selective_scan
from special.models.scan.reference import CHUNK

BACKENDS = ["cpu", "reference"]
NAMES = ["u", "delta", "A", "B", "C", "D", "z", "delta_bias"]


def plain_loop(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> tuple[Tensor, Tensor]:
    """The definition, one step after another, for every way to give B and C."""
    batch, dim, length = u.shape
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = torch.log1p(torch.exp(delta))

    def at(matrix: Tensor, t: int) -> Tensor:  # (batch, dim, state)
        if matrix.dim() == 2:
            return matrix.expand(batch, -1, -1)
        if matrix.dim() == 3:
            return matrix[:, None, :, t].expand(-1, dim, -1)
        return matrix[..., t].repeat_interleave(dim // matrix.shape[1], dim=1)

    h = u.new_zeros(batch, dim, A.shape[1])
    outputs = []
    for t in range(length):
        step = delta[:, :, t, None]
        h = torch.exp(step * A) * h + step * at(B, t) * u[:, :, t, None]
        outputs.append((at(C, t) * h).sum(-1))
    y = torch.stack(outputs, dim=-1)
    if D is not None:
        y = y + D[:, None] * u
    if z is not None:
        y = y * z / (1 + torch.exp(-z))
    return y, h


def arguments(
    batch: int,
    dim: int,
    state: int,
    length: int,
    *,
    kind: str = "each step",
    without: tuple[str, ...] = (),
    seed: int = 0,
) -> dict[str, Tensor]:
    """Float64 arguments with step sizes above zero, so that they also make sense without softplus."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    matrix = {"constant": (dim, state), "each step": (batch, state, length), "two groups": (batch, 2, state, length)}[
        kind
    ]
    every = {
        "u": normal(batch, dim, length),
        "delta": 0.5 * normal(batch, dim, length).abs(),
        "A": -normal(dim, state).abs() - 0.1,
        "B": normal(*matrix),
        "C": normal(*matrix),
        "D": normal(dim),
        "z": normal(batch, dim, length),
        "delta_bias": 0.5 * normal(dim).abs(),
    }
    return {name: tensor for name, tensor in every.items() if name not in without}


def outcome(
    function: Callable[..., Any], tensors: dict[str, Tensor], real: torch.dtype, *, delta_softplus: bool
) -> dict[str, Tensor]:
    """Result, last state and the gradient of every argument for one fixed loss, in float64."""
    leaves = {name: tensor.to(real, copy=True).requires_grad_() for name, tensor in tensors.items()}
    y, last = function(**leaves, delta_softplus=delta_softplus)
    weights = torch.linspace(-1, 1, y.numel(), dtype=real, device=y.device).view_as(y)
    ((weights * y).sum() + last.square().sum()).backward()
    gradients = {f"d{name}": leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    assert len(gradients) == len(leaves)
    return {name: value.detach().double() for name, value in {"y": y, "last": last, **gradients}.items()}


def backend_call(backend: str) -> Callable[..., Any]:
    def call(**tensors: Any) -> Any:
        return selective_scan(**tensors, return_last_state=True, backend=backend)

    return call


def assert_near(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    for name, value in expected.items():
        error, size = (found[name] - value).abs().max(), value.abs().max()
        assert error <= tolerance * size, f"{name}: error {error:.1e} of {size:.1e}"


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


SHAPES = {
    "one number": (1, 1, 1, 1, "each step"),
    "odd everywhere": (3, 5, 3, 37, "each step"),
    "more channels than lanes": (2, 35, 16, 20, "each step"),
    "many short sequences": (70, 16, 16, 4, "each step"),
    "groups of channels": (2, 6, 4, 18, "two groups"),
    "constant matrices": (2, 4, 3, 9, "constant"),
    "more states than lanes": (1, 17, 33, 40, "each step"),
}


@pytest.mark.parametrize("real", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_agrees_with_a_plain_loop(backend: str, shape: str, real: torch.dtype) -> None:
    *sizes, kind = SHAPES[shape]
    tensors = arguments(*sizes, kind=kind)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    found = outcome(backend_call(backend), tensors, real, delta_softplus=True)
    assert_near(found, expected, 1e-12 if real == torch.float64 else 5e-6)


@pytest.mark.parametrize("length", [kernels.STEPS - 1, kernels.STEPS, kernels.STEPS + 1, 3 * kernels.STEPS])
def test_tiles_of_the_cpu_backend_join(length: int) -> None:
    tensors = arguments(2, 3, 2, length)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(backend_call("cpu"), tensors, torch.float64, delta_softplus=True), expected, 1e-12)


@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, CHUNK + 1])
def test_chunks_of_the_reference_join(length: int) -> None:
    tensors = arguments(1, 2, 2, length)
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=True)
    assert_near(outcome(backend_call("reference"), tensors, torch.float64, delta_softplus=True), expected, 1e-12)


def test_reference_may_take_a_batch_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = arguments(5, 3, 2, 6)
    whole = outcome(backend_call("reference"), tensors, torch.float64, delta_softplus=True)
    monkeypatch.setattr(reference, "MOST_NUMBERS", 2 * 3 * 2 * 6)  # two sequences
    assert_near(outcome(backend_call("reference"), tensors, torch.float64, delta_softplus=True), whole, 1e-14)


OPTIONS = [(), ("D",), ("z",), ("delta_bias",), ("D", "z", "delta_bias")]


@pytest.mark.parametrize("delta_softplus", [False, True])
@pytest.mark.parametrize("without", OPTIONS, ids=lambda names: "without " + (" ".join(names) or "nothing"))
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_are_those_of_the_function(backend: str, without: tuple[str, ...], delta_softplus: bool) -> None:
    tensors = arguments(2, 3, 2, 4, without=without)
    names = list(tensors)

    def function(*values: Tensor) -> Any:
        return backend_call(backend)(**dict(zip(names, values, strict=True)), delta_softplus=delta_softplus)

    leaves = [tensor.requires_grad_() for tensor in tensors.values()]
    assert torch.autograd.gradcheck(function, leaves, eps=1e-6, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sequences_of_a_batch_do_not_leak_into_each_other(backend: str) -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(3, 4, 3, 21).items()}
    before = selective_scan(**tensors, backend=backend)
    for name in ("u", "delta", "B", "C", "z"):
        tensors[name] = torch.cat([torch.full_like(tensors[name][:1], 0.3), tensors[name][1:]])
    after = selective_scan(**tensors, backend=backend)
    assert not torch.equal(after[0], before[0])
    assert torch.equal(after[1:], before[1:])


@pytest.mark.parametrize("backend", BACKENDS)
def test_strides_do_not_matter(backend: str) -> None:
    plain = {name: tensor.float() for name, tensor in arguments(2, 5, 3, 19).items()}
    strided = {
        name: tensor.transpose(1, 2).contiguous().transpose(1, 2)
        if tensor.dim() == 3
        else tensor.repeat(2)[: len(tensor)]
        for name, tensor in plain.items()
        if name != "A"
    }
    strided["A"] = torch.stack([plain["A"], plain["A"]], dim=-1)[..., 0]
    strided["u"] = torch.cat([plain["u"], plain["u"]], dim=1)[:, :5]
    torch.testing.assert_close(selective_scan(**strided, backend=backend), selective_scan(**plain, backend=backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_nan_is_passed_on_to_later_steps_and_not_to_earlier_ones(backend: str) -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 2, 2, 12).items()}
    tensors["delta"][0, 1, 5] = float("nan")
    y = selective_scan(**tensors, delta_softplus=True, backend=backend)
    assert torch.equal(y.isnan().sum(-1), torch.tensor([[0, 7]]))
    assert y[0, 1, :5].isfinite().all()


def test_steep_decay_forgets_without_overflow() -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 3, 2, 40, without=("D", "z")).items()}
    steep = selective_scan(**{**tensors, "A": tensors["A"] * 1e6}, delta_softplus=True, backend="cpu")
    step = F.softplus(tensors["delta"] + tensors["delta_bias"][:, None])
    memoryless = step * tensors["u"] * (tensors["B"] * tensors["C"]).sum(1, keepdim=True)
    torch.testing.assert_close(steep, memoryless)


def test_narrow_types_come_back_as_they_went_in() -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 3, 2, 10).items()}
    exact = selective_scan(**tensors)
    narrow = selective_scan(**{name: tensor.bfloat16() for name, tensor in tensors.items()})
    assert narrow.dtype == torch.bfloat16
    torch.testing.assert_close(narrow.float(), exact, rtol=0.1, atol=0.1)


def test_number_of_threads_does_not_change_a_bit() -> None:
    tensors = arguments(40, 35, 16, 33)  # enough for several threads
    alone, together = {}, {}
    with threads(1):
        alone = outcome(backend_call("cpu"), tensors, torch.float32, delta_softplus=True)
    with threads(3):
        together = outcome(backend_call("cpu"), tensors, torch.float32, delta_softplus=True)
    # The sums that PyTorch takes over shards are split by rows, not by terms: they do not depend on threads either.
    assert all(torch.equal(alone[name], together[name]) for name in alone)


@pytest.mark.parametrize("decay", [0.01, 30.0], ids=["remembered", "forgotten"])
@pytest.mark.parametrize("delta_softplus", [True, False], ids=["softplus", "plain"])
def test_a_long_sequence_is_cut_into_pieces_for_idle_threads(
    monkeypatch: pytest.MonkeyPatch, decay: float, delta_softplus: bool
) -> None:
    monkeypatch.setattr(cpu, "_SHORTEST", 2)
    monkeypatch.setattr(cpu, "_WORTH_A_THREAD", 1)
    tensors = arguments(2, 3, 2, 203)
    tensors["A"] = tensors["A"] * decay
    expected = outcome(plain_loop, tensors, torch.float64, delta_softplus=delta_softplus)
    with threads(8):
        assert cpu._Cut.of(tensors["u"].unsqueeze(1), 2) == cpu._Cut(shards=2, pieces=4, units=8, threads=8)
        found = outcome(backend_call("cpu"), tensors, torch.float64, delta_softplus=delta_softplus)
    assert_near(found, expected, 1e-12)


def test_enough_sequences_for_all_threads_are_left_whole() -> None:
    with threads(3):
        assert cpu._Cut.of(torch.empty(1, 2, 20, 100_000), 16).pieces == 1


def test_cpu_backend_keeps_one_state_in_sixteen() -> None:
    batch, dim, state, length = 1, 16, 16, 1600
    tensors = {name: t.float().requires_grad_() for name, t in arguments(batch, dim, state, length).items()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        selective_scan(**tensors, backend="cpu")
    beyond = sum(kept.values()) - sum(tensor.numel() for tensor in tensors.values())
    assert beyond < 1.1 * batch * dim * state * length / kernels.STEPS


def test_without_gradients_nothing_is_kept() -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 2, 2, 40).items()}
    assert selective_scan(**tensors).grad_fn is None


def test_kernels_compile_where_compiled_code_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit_on_a_read_only_disk(_signature: Any, *, cache: bool, **_options: Any) -> Callable[[Any], str]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: f"compiled {function.__name__}"

    monkeypatch.setattr(lanes, "njit", njit_on_a_read_only_disk)
    assert kernels.forward.__wrapped__("float32") == "compiled _forward"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A machine with a GPU, as far as choosing a backend goes, without Triton and mamba-ssm."""
    caches = (scan_module._has_triton, scan_module._has_mamba_ssm)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    monkeypatch.setattr(torch.version, "hip", None)
    for name in ("triton", "mamba_ssm"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    yield monkeypatch
    for cached in caches:
        cached.cache_clear()


def install_triton(gpu: pytest.MonkeyPatch, version: str) -> None:
    triton = types.ModuleType("triton")
    triton.__version__ = version  # type: ignore[attr-defined]
    gpu.setitem(sys.modules, "triton", triton)


def install_mamba_ssm(gpu: pytest.MonkeyPatch) -> None:
    interface = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.selective_scan_fn = None  # type: ignore[attr-defined]
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.selective_scan_interface"):
        gpu.setitem(sys.modules, name, interface)


def test_on_a_cpu_auto_prefers_compiled_loops() -> None:
    assert available_backends("cpu") == ("cpu", "reference")


def test_a_gpu_without_kernels_has_the_reference(gpu: pytest.MonkeyPatch) -> None:
    assert available_backends("cuda") == ("reference",)


def test_on_a_gpu_auto_prefers_triton_and_then_mamba_ssm(gpu: pytest.MonkeyPatch) -> None:
    install_mamba_ssm(gpu)
    assert available_backends("cuda") == ("mamba_ssm", "reference")
    install_triton(gpu, "3.3.1")
    scan_module._has_triton.cache_clear()
    assert available_backends("cuda") == ("triton", "mamba_ssm", "reference")


@pytest.mark.parametrize(("version", "capability"), [("3.2.0", (9, 0)), ("3.9.0", (7, 0))], ids=["triton", "gpu"])
def test_triton_needs_a_version_and_a_gpu_that_its_kernels_compile_for(
    gpu: pytest.MonkeyPatch, version: str, capability: tuple[int, int]
) -> None:
    install_triton(gpu, version)
    gpu.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert available_backends("cuda") == ("reference",)


def test_auto_takes_the_compiled_backend_on_the_cpu() -> None:
    tensors = {name: tensor.float() for name, tensor in arguments(1, 3, 2, 10).items()}
    assert torch.equal(selective_scan(**tensors), selective_scan(**tensors, backend="cpu"))


@pytest.mark.parametrize("backend", ["mamba_ssm", "fastest"])
def test_a_backend_that_does_not_work_here_is_an_error(backend: str) -> None:
    with pytest.raises(SettingsError, match=f"{backend}.*cpu.*choose from auto, cpu, reference"):
        selective_scan(**arguments(1, 2, 2, 3), backend=backend)


def test_more_states_than_the_cpu_backend_holds_is_an_error_that_names_another() -> None:
    tensors = arguments(1, 1, 257, 2)
    with pytest.raises(ValueError, match="at most 256 states, not 257: use 'reference'"):
        selective_scan(**tensors)
    assert selective_scan(**tensors, backend="reference").shape == (1, 1, 2)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("u", (2, 3)),
        ("u", (2, 4, 0)),
        ("delta", (2, 4, 6)),
        ("A", (3, 2)),
        ("B", (2, 3, 5)),
        ("C", (2, 3, 2, 5)),
        ("D", (3,)),
        ("z", (1, 4, 5)),
        ("delta_bias", (4, 1)),
    ],
)
def test_shapes_that_do_not_fit_are_named(name: str, shape: tuple[int, ...]) -> None:
    tensors = {**arguments(2, 4, 2, 5), name: torch.ones(shape, dtype=torch.float64)}
    with pytest.raises(ValueError, match=f"^{name} must be"):
        selective_scan(**tensors)


@pytest.mark.gpu
def test_cuda_backends_agree_with_a_plain_loop() -> None:
    tensors = arguments(2, 8, 16, 300)

    def result_only(**given: Any) -> Any:  # mamba-ssm does not differentiate the last state
        y, last = given.pop("function")(**given)
        return y, last.detach()

    expected = outcome(partial(result_only, function=plain_loop), tensors, torch.float64, delta_softplus=True)
    on_device = {name: tensor.cuda() for name, tensor in tensors.items()}
    for backend in available_backends("cuda"):
        call = partial(result_only, function=backend_call(backend))
        found = outcome(call, on_device, torch.float32, delta_softplus=True)
        assert_near({name: value.cpu() for name, value in found.items()}, expected, 1e-4)


def test_compiled_code_is_not_kept_in_the_package(tmp_path: Path) -> None:
    """Left behind after an uninstallation it would make a folder that hides the next installation."""
    copy = tmp_path / "special" / "models" / "scan"
    copy.mkdir(parents=True)
    (copy / "lanes.py").write_bytes(Path(lanes.__file__).read_bytes())
    (copy / "small.py").write_text("def twice(a, count, out):\n    for i in range(count):\n        out[i] = 2 * a[i]\n")
    code = "from special.models.scan import lanes, small; lanes.compiled(small.twice, 'float32', '1', 1, '1')"
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NUMBA_CACHE_DIR": "",
        "PYTHONPATH": str(tmp_path),
    }
    subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, env=environment, check=True)
    assert not list(copy.rglob("*.nbi"))
    if sys.platform == "linux":
        assert list((tmp_path / "cache").rglob("*.nbi"))
