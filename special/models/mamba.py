"""The Mamba block, in one readable file: Gu and Dao, "Mamba", arXiv 2312.00752, figure 3 (right) and section 3.4.

Parameters have the names, shapes and initial values that mamba's own module gives them, so that weights move both ways.

Glossary, with the symbols of the paper:

    b        batch: sequences that know nothing of each other
    l        length of a sequence                                            (L in algorithm 2)
    d_model  channels of the block's input and output                        (D in section 3.4)
    expand   how much wider the block is inside                              (E in section 3.4)
    d_inner  expand * d_model: channels of the scan                          (D in algorithm 2)
    d_state  numbers that each channel carries along the sequence            (N in algorithm 2)
    d_conv   steps that the short convolution before the scan looks at
    dt_rank  numbers from which the step sizes of all channels are made      (R in section 3.6)
    A        decay rates, fixed, (d_inner, d_state)                          (equation 1)
    B, C     how input enters the state and how it is read, per step         (s_B, s_C in algorithm 2)
    delta    step size per channel and step: what makes the scan selective   (tau_Delta, s_Delta in algorithm 2)
    D        how much of the input passes by the state, (d_inner,)
    z        the gate: the block's second branch

Inside, tensors are (b, l, channels), so that every linear layer reads memory in order; the scan takes them transposed.
Many short sequences on a CPU go through kernels of their own, from the block's input to its output
(``special.models.short``).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models import short
from special.models.parts import in_parts
from special.models.scan import choose_backend, selective_scan

# The range of the first step sizes and the least of them, as in the paper's section 3.6 and its code.
DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 0.1, 1e-4

# Steps, of one sequence or of several, that go through a block at once: they fit a CPU's cache, or keep a GPU busy.
PART, PART_OF_GPU = 16384, 262144
_BEFORE = ("in_proj.weight", "conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight")  # used before the scan
_OF_SHORT = ("in_proj.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias", "D", "out_proj.weight")


class Mamba(nn.Module):
    """One Mamba block without normalisation or residual: (b, l, d_model) to (b, l, d_model), causal along l."""

    def __init__(self, d_model: int, *, d_state: int, d_conv: int, expand: int, scan: str = "auto") -> None:
        super().__init__()
        self.d_inner = expand * d_model
        self.d_state = d_state
        self.scan = scan  # the backend of selective_scan
        self.dt_rank = math.ceil(d_model / 16)
        self.lead = d_conv - 1  # steps before its own that the convolution looks at
        self.in_proj = nn.Linear(d_model, 2 * self.d_inner, bias=False)
        self.conv1d = nn.Conv1d(self.d_inner, self.d_inner, d_conv, groups=self.d_inner, padding=self.lead)
        self.x_proj = nn.Linear(self.d_inner, self.dt_rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, self.d_inner)
        self.A_log = nn.Parameter(torch.empty(self.d_inner, d_state))
        self.D = nn.Parameter(torch.empty(self.d_inner))
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=False)
        self.reset_state_space()

    @torch.no_grad()
    def reset_state_space(self) -> None:
        """Draw the state space's parameters; without these values it hardly trains.

        A is S4D-real, -1, -2, ..., -d_state in every channel; the bias of dt_proj is the inverse softplus of step sizes
        spread evenly over the logarithms between ``DT_MIN`` and ``DT_MAX``.
        """
        self.A_log.copy_(torch.arange(1, self.d_state + 1, dtype=torch.float32).log().expand_as(self.A_log))
        self.D.fill_(1.0)
        nn.init.uniform_(self.dt_proj.weight, -(self.dt_rank**-0.5), self.dt_rank**-0.5)
        spread = torch.rand(self.d_inner) * math.log(DT_MAX / DT_MIN) + math.log(DT_MIN)
        delta = spread.exp().clamp(min=DT_FLOOR)
        self.dt_proj.bias.copy_(delta + torch.log(-torch.expm1(-delta)))

    def forward(self, u: Tensor) -> Tensor:
        """Map (b, l, d_model) to (b, l, d_model); step t of the result depends on steps 1 to t of its own sequence."""
        part = PART if u.device.type == "cpu" else PART_OF_GPU
        if u.shape[1] > part:  # the scan alone needs a sequence whole
            given = dict(self.named_parameters())
            before = [given[name] for name in _BEFORE]
            x, delta, B, C, z = in_parts(self._before, u, before, axis=1, size=part, lead=self.lead)
            y = self._scan(x, delta, B, C, z, self.A_log, self.D, self.dt_proj.bias)
            return in_parts(self._after, y, (self.out_proj.weight,), axis=1, size=part)[0]
        sizes = self.d_inner, self.d_state, self.lead + 1, self.dt_rank
        if choose_backend(self.scan, u.device) == "cpu" and short.pays(u, *sizes):
            given = dict(self.named_parameters())
            taps, A = given["conv1d.weight"].squeeze(1), -torch.exp(self.A_log)
            rest = (given[name] for name in _OF_SHORT)
            return short.short_block(u, taps, A, *rest)
        parameters = tuple(self.parameters())
        return in_parts(self._whole, u, parameters, axis=0, size=max(1, part // u.shape[1]))[0]  # sequences are apart

    def _whole(self, u: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        """Map (b, l, d_model) to the same; ``parameters`` are the module's, in their order."""
        given = dict(zip((name for name, _ in self.named_parameters()), parameters, strict=True))
        x, delta, B, C, z = self._before(F.pad(u, (0, 0, self.lead, 0)), *(given[name] for name in _BEFORE))
        y = self._scan(x, delta, B, C, z, given["A_log"], given["D"], given["dt_proj.bias"])
        return self._after(y, given["out_proj.weight"])

    def _before(
        self, u: Tensor, in_proj: Tensor, taps: Tensor, bias: Tensor, x_proj: Tensor, dt_proj: Tensor
    ) -> tuple[Tensor, ...]:
        """Make what the scan takes, (b, l, ...), of (b, d_conv - 1 + l, d_model): as many steps are looked back at.

        Zeros before the beginning of a sequence are zeros after ``in_proj``, which has no bias.
        """
        x, z = F.linear(u, in_proj).chunk(2, dim=-1)  # each (b, d_conv - 1 + l, d_inner)
        x = F.silu(_convolve(x, taps, bias))  # (b, l, d_inner)
        dt, B, C = F.linear(x, x_proj).split([self.dt_rank, self.d_state, self.d_state], dim=-1)  # (b, l, ...)
        delta = F.linear(dt, dt_proj)  # (b, l, d_inner); its bias is added inside the scan
        return x, delta, B, C, z[:, self.lead :]

    def _scan(
        self, x: Tensor, delta: Tensor, B: Tensor, C: Tensor, z: Tensor, A_log: Tensor, D: Tensor, bias: Tensor
    ) -> Tensor:
        """Scan and gate (b, l, d_inner)."""
        y: Tensor = selective_scan(  # type: ignore[assignment]
            x.transpose(1, 2),  # (b, d_inner, l)
            delta.transpose(1, 2),  # (b, d_inner, l)
            -torch.exp(A_log),  # (d_inner, d_state)
            B.transpose(1, 2),  # (b, d_state, l)
            C.transpose(1, 2),  # (b, d_state, l)
            D,
            z=z.transpose(1, 2),  # (b, d_inner, l)
            delta_bias=bias,
            delta_softplus=True,
            backend=self.scan,
        )
        return y.transpose(1, 2)

    @staticmethod
    def _after(y: Tensor, out_proj: Tensor) -> tuple[Tensor, ...]:
        return (F.linear(y, out_proj),)


def _convolve(x: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """Convolve along (b, d_conv - 1 + l, d_inner): each channel sees a step and the d_conv - 1 before it, (b, l, ...).

    Adding shifted copies keeps the layout and is faster than PyTorch's depthwise convolution on a CPU.
    """
    length = x.shape[1] - taps.shape[-1] + 1
    out = bias
    for shift, tap in enumerate(taps.squeeze(1).unbind(-1)):  # each (d_inner,)
        out = torch.addcmul(out, x[:, shift : shift + length], tap)
    return out
