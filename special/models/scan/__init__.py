"""The selective scan of Mamba: one function, several backends.

A channel d of a sequence keeps a state h of a few numbers. At every step t the state decays, takes in the input and
is read out (Gu and Dao, "Mamba", arXiv 2312.00752, section 3.2 and algorithm 2):

    h[t] = exp(delta[t] A) h[t-1] + delta[t] B[t] u[t]
    y[t] = C[t] . h[t] + D u[t]

*Selective* means that delta, B and C depend on the input, so that no convolution can replace the recurrence.

=============  ==========  ==========================================================================================
backend        device      what it is
=============  ==========  ==========================================================================================
``cpu``        CPU         loops compiled by Numba, with their own backward
``triton``     CUDA        Triton kernels, parallel over chunks of a sequence, with their own backward
``mamba_ssm``  CUDA        the kernel of the package mamba-ssm, where that is installed
``reference``  any         PyTorch operations, differentiated by autograd; for checks and where nothing else runs
=============  ==========  ==========================================================================================

On a GPU ``triton`` comes before ``mamba_ssm``, whose kernel gives every channel of a sequence to one block of threads:
an image, which is one long sequence of a few dozen channels, leaves most of the GPU idle.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from special.errors import SettingsError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["available_backends", "choose_backend", "selective_scan"]

_OLDEST_TRITON = (3, 3)  # the first whose kernels may hold tuples of tensors
_OLDEST_GPU = (7, 5)  # compute capability


def available_backends(device: str | torch.device = "cpu") -> tuple[str, ...]:
    """Names of the backends that work on ``device``, in the order in which ``auto`` prefers them."""
    import torch

    device = torch.device(device)
    if device.type == "cpu":
        return ("cpu", "reference")
    works = {"triton": _has_triton(device), "mamba_ssm": _has_mamba_ssm()} if device.type == "cuda" else {}
    return (*(name for name, there in works.items() if there), "reference")


def choose_backend(backend: str, device: str | torch.device) -> str:
    """Return the name of the backend that ``backend``, a name or ``"auto"``, stands for on ``device``.

    Raises:
        SettingsError: it does not work there.
    """
    available = available_backends(device)
    chosen = available[0] if backend == "auto" else backend
    if chosen not in available:
        import torch

        raise SettingsError(
            f"the scan backend {backend!r} does not work on {torch.device(device).type} here: "
            f"choose from auto, {', '.join(available)}"
        )
    return chosen


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the selective scan over every sequence of a batch, each from a state of zeros.

    The arguments are those of mamba-ssm's ``selective_scan_fn``. Tensors may have any strides and live on one device;
    the computation is in float64 where ``u`` is and in float32 otherwise.

    Args:
        u: input, (batch, dim, length).
        delta: step size before bias and softplus, (batch, dim, length).
        A: decay rates, usually negative, (dim, state).
        B: how the input enters the state: (batch, state, length); (batch, groups, state, length), where consecutive
            channels share a group; or (dim, state), the same at every step (slower).
        C: how the state is read, in one of the shapes of ``B``.
        D: how much of the input passes by the state, (dim,).
        z: gate, (batch, dim, length): the result is multiplied by SiLU(z).
        delta_bias: added to ``delta``, (dim,).
        delta_softplus: take softplus(delta + delta_bias) as step size.
        return_last_state: return the state after the last step as well; every backend but ``mamba_ssm`` lets gradients
            flow through it.
        backend: one of ``available_backends(u.device)``, or ``"auto"`` for the first of them.

    Returns:
        The result, (batch, dim, length) in the type of ``u``; with ``return_last_state`` also the state after the
        last step, (batch, dim, state).

    Raises:
        ValueError: shapes that do not fit together.
        SettingsError: a backend that does not work on the tensors' device.
    """
    _check_shapes(u, delta, A, B, C, D, z, delta_bias)
    chosen = choose_backend(backend, u.device)
    if chosen == "mamba_ssm":
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

        return selective_scan_fn(u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)
    if chosen == "cpu":
        from special.models.scan.cpu import scan
    elif chosen == "triton":
        from special.models.scan.triton import scan
    else:
        from special.models.scan.reference import scan

    import torch

    narrow, real = u.dtype, torch.promote_types(u.dtype, torch.float32)
    B, C = _same_groups(B, C, u)
    A, D, delta_bias = A.to(real), *(None if tensor is None else tensor.to(real) for tensor in (D, delta_bias))
    if chosen != "triton":  # whose kernels read narrow numbers as they are
        u, delta, B, C = (tensor.to(real) for tensor in (u, delta, B, C))
        z = None if z is None else z.to(real)
    out, last = scan(u, delta, A, B, C, D, z, delta_bias, delta_softplus, return_last_state)
    out = out.to(narrow)
    return out if last is None else (out, last)


@cache
def _has_triton(device: torch.device) -> bool:
    import torch

    if not torch.cuda.is_available() or torch.version.hip or torch.cuda.get_device_capability(device) < _OLDEST_GPU:
        return False
    try:
        import triton
    except ImportError:  # it comes with PyTorch's CUDA build, on Linux
        return False
    return tuple(int(part) for part in triton.__version__.split(".")[:2]) >= _OLDEST_TRITON


@cache
def _has_mamba_ssm() -> bool:
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # noqa: F401
    except ImportError:  # not installed, or built for another CUDA or torch
        return False
    return True


def _check_shapes(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
) -> None:
    if u.dim() != 3 or 0 in u.shape:
        raise ValueError(f"u must be (batch, dim, length), each at least 1: it is {tuple(u.shape)}")
    batch, dim, length = u.shape
    if A.dim() != 2 or A.shape[0] != dim or A.shape[1] == 0:
        raise ValueError(f"A must be (dim, state) = ({dim}, at least 1): it is {tuple(A.shape)}")
    for name, tensor, shape in (
        ("delta", delta, (batch, dim, length)),
        ("z", z, (batch, dim, length)),
        ("D", D, (dim,)),
        ("delta_bias", delta_bias, (dim,)),
    ):
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must be {shape}, to fit u: it is {tuple(tensor.shape)}")
    state = A.shape[1]
    for name, matrix in (("B", B), ("C", C)):
        groups = matrix.shape[1] if matrix.dim() == 4 else 1
        shapes = {2: (dim, state), 3: (batch, state, length), 4: (batch, groups, state, length)}
        if tuple(matrix.shape) != shapes.get(matrix.dim()) or groups == 0 or dim % groups:
            raise ValueError(
                f"{name} must be {shapes[3]}, {shapes[2]}, or (batch, groups, state, length) with groups that divide "
                f"{dim}: it is {tuple(matrix.shape)}"
            )
    if B.dim() == C.dim() == 4 and B.shape[1] != C.shape[1]:
        raise ValueError(f"B and C must have the same number of groups: they have {B.shape[1]} and {C.shape[1]}")


def _by_group(matrix: Tensor, u: Tensor) -> Tensor:
    """Bring B or C to (batch, groups, state, length); one that is constant in time has a group per channel."""
    if matrix.dim() == 2:
        return matrix[None, :, :, None].expand(u.shape[0], -1, -1, u.shape[2])
    return matrix.unsqueeze(1) if matrix.dim() == 3 else matrix


def _same_groups(B: Tensor, C: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    B, C = _by_group(B, u), _by_group(C, u)
    groups = max(B.shape[1], C.shape[1])
    return (
        B.repeat_interleave(groups // B.shape[1], dim=1) if B.shape[1] < groups else B,
        C.repeat_interleave(groups // C.shape[1], dim=1) if C.shape[1] < groups else C,
    )
