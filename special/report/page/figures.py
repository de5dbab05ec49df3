"""Spectra as figures inside the page: drawn by Matplotlib, in the colours and the type of the page around them.

Matplotlib writes fixed colours into its SVG. Here it draws in colours that stand for something, which become variables
of the page's style sheet: a figure is light or dark as its page is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.report.class_spectra import SpectrumRange

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _QUIET, _RULE, _CLASS = "#010203", "#040506", "#070809", "#0a0b0c"
_VARIABLES = {_INK: "--ink", _QUIET: "--quiet", _RULE: "--rule", _CLASS: "--class"}
_WIDE, _HIGH = 4.6, 2.4  # inches, of 72 pixels of the page each
_GAP, _WIDEST_GAP_NM = 4.0, 90.0  # bands that lie farther apart, by the usual distance or in nm, have no line between
_HEADROOM = 1.08  # above the highest line
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "special", "font.size": 9.5, "path.simplify_threshold": 0.3}


def spectrum_figures() -> Callable[[SpectrumRange | None, SpectrumRange | None], str]:
    """Return what draws figures: one pair of axes serves all, for it takes longer to make than to draw in."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDE, _HIGH))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.105, 0.165, 0.88, 0.81))
    drawn = 0

    def draw(own: SpectrumRange | None, expected: SpectrumRange | None) -> str:
        """Draw the spectrum of a class's pixels and the expected one; "" where there is neither."""
        nonlocal drawn
        if own is None and expected is None:
            return ""
        drawn += 1
        with rc_context(_STYLE):
            axes.clear()
            _draw(axes, own, expected)
            return _inside_a_page(_svg(figure), f"figure-{drawn}-")

    return draw


def _draw(axes: Axes, own: SpectrumRange | None, expected: SpectrumRange | None) -> None:
    from matplotlib.ticker import MaxNLocator

    for spectrum, colour, share in ((expected, _CLASS, 0.28), (own, _INK, 0.14)):
        if spectrum is not None:
            nm, low, high = _with_gaps(spectrum.wavelengths, spectrum.low, spectrum.high)
            axes.fill_between(nm, low, high, color=colour, alpha=share, linewidth=0)
    if expected is not None:
        nm, middle = _with_gaps(expected.wavelengths, expected.middle)
        axes.plot(nm, middle, color=_QUIET, linewidth=3.4, solid_capstyle="round")
        axes.plot(nm, middle, color=_CLASS, linewidth=2.0, solid_capstyle="round")
    if own is not None:
        nm, middle = _with_gaps(own.wavelengths, own.middle)
        axes.plot(nm, middle, color=_INK, linewidth=1.5)
    lowest, highest = _limits(own, expected)
    axes.set_ylim(lowest, highest)
    left, right = _reach(own, expected)
    axes.set_xlim(left, right)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("wavelength, nm", color=_QUIET, labelpad=2)
    axes.grid(True, color=_RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(color=_RULE, labelcolor=_QUIET, length=3)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_QUIET)
    axes.set_facecolor("none")


def _limits(own: SpectrumRange | None, expected: SpectrumRange | None) -> tuple[float, float]:
    """What is shown: an expectation may be so uncertain that its spread would leave the lines flat."""
    shown = [spectrum.middle for spectrum in (own, expected) if spectrum is not None]
    shown += [own.high, own.low] if own is not None else []
    lowest, highest = min(0.0, *(float(values.min()) for values in shown)), max(float(v.max()) for v in shown)
    return lowest, max(highest, lowest + 1e-9) * _HEADROOM


def _reach(*spectra: SpectrumRange | None) -> tuple[float, float]:
    known = [spectrum.wavelengths for spectrum in spectra if spectrum is not None]
    left, right = min(float(nm[0]) for nm in known), max(float(nm[-1]) for nm in known)
    return (left, right) if right > left else (left - 1, right + 1)


def _with_gaps(wavelengths: NDArray[np.float64], *values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return wavelengths (n,), nm, and what goes with them, with NaN where bands lie too far apart for a line."""
    steps = np.diff(wavelengths)
    far = max(_GAP * float(np.median(steps)), _WIDEST_GAP_NM) if len(steps) else np.inf
    breaks = np.flatnonzero(steps > far) + 1
    return [np.insert(np.asarray(array, np.float64), breaks, np.nan) for array in (wavelengths, *values)]


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _inside_a_page(svg: str, prefix: str) -> str:
    """Return a figure as an element of a page: its names are its own, its colours and its type those of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)  # its style would be that of the whole page
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1 aria-hidden="true" focusable="false"', svg, count=1)
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{prefix}", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\s+", " ", svg)
