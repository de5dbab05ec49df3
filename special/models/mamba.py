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
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from special.models.scan import selective_scan

# The range of the first step sizes and the least of them, as in the paper's section 3.6 and its code.
DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 0.1, 1e-4


class Mamba(nn.Module):
    """One Mamba block without normalisation or residual: (b, l, d_model) to (b, l, d_model), causal along l."""

    def __init__(self, d_model: int, *, d_state: int, d_conv: int, expand: int, scan: str = "auto") -> None:
        super().__init__()
        self.d_inner = expand * d_model
        self.d_state = d_state
        self.scan = scan  # the backend of selective_scan
        self.dt_rank = math.ceil(d_model / 16)
        self.in_proj = nn.Linear(d_model, 2 * self.d_inner, bias=False)
        self.conv1d = nn.Conv1d(self.d_inner, self.d_inner, d_conv, groups=self.d_inner, padding=d_conv - 1)
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
        x, z = self.in_proj(u).chunk(2, dim=-1)  # each (b, l, d_inner)
        x = F.silu(self._convolve(x))  # (b, l, d_inner)

        dt, B, C = self.x_proj(x).split([self.dt_rank, self.d_state, self.d_state], dim=-1)  # (b, l, ...)
        delta = F.linear(dt, self.dt_proj.weight)  # (b, l, d_inner); its bias is added inside the scan
        y: Tensor = selective_scan(  # type: ignore[assignment]
            x.transpose(1, 2),  # (b, d_inner, l)
            delta.transpose(1, 2),  # (b, d_inner, l)
            -torch.exp(self.A_log),  # (d_inner, d_state)
            B.transpose(1, 2),  # (b, d_state, l)
            C.transpose(1, 2),  # (b, d_state, l)
            self.D,
            z=z.transpose(1, 2),  # (b, d_inner, l)
            delta_bias=self.dt_proj.bias,
            delta_softplus=True,
            backend=self.scan,
        )
        return self.out_proj(y.transpose(1, 2))  # (b, l, d_model)

    def _convolve(self, x: Tensor) -> Tensor:
        """Apply ``conv1d`` along (b, l, d_inner): each channel sees this step and the d_conv - 1 before it.

        Adding shifted copies keeps the layout and is faster than PyTorch's depthwise convolution on a CPU.
        """
        taps = self.conv1d.weight.squeeze(1).unbind(-1)  # d_conv times (d_inner,)
        padded = F.pad(x, (0, 0, len(taps) - 1, 0))  # (b, d_conv - 1 + l, d_inner)
        out = cast(Tensor, self.conv1d.bias)
        for shift, tap in enumerate(taps):
            out = torch.addcmul(out, padded[:, shift : shift + x.shape[1]], tap)
        return out
