"""Whether a spectrum can be what it claims to be: physics that a language model, or a tired person, may forget.

The bounds are wide: every pure spectrum of the package's own table keeps within them, but for minerals that are green.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

KINDS = ("green vegetation", "dry vegetation", "soil or rock", "water", "snow or ice", "artificial", "other")
DIM = 1.0  # percent: below it a ratio of neighbours says nothing
STEP = {"snow or ice": 40.0}  # the largest ratio of two neighbours; melting snow falls 32-fold from 1280 to 1520 nm
STEP_OTHERWISE = 4.5
PEAK = {"snow or ice": 5.0}  # the largest ratio of a value to the line between its neighbours
PEAK_OTHERWISE = 2.7
TURNS = 10  # rises that become falls or the reverse, each of 8 percent or more: leaves have 9

At = Callable[[float], float]  # nm to percent


def complaints(kind: str, wavelengths: np.ndarray, percent: Sequence[float]) -> list[str]:
    """Return what is physically wrong with a spectrum, in words; nothing where it is plausible.

    Args:
        kind: what it claims to be, one of ``KINDS``. A plant is meant as closed canopy, without the ground below.
        wavelengths: (bands,) nm, rising, from 450 or less to 2200 or more.
        percent: (bands,) reflectance in percent.
    """
    nm, values = np.asarray(wavelengths, dtype=float), np.asarray(percent, dtype=float)
    if not np.all(np.isfinite(values)) or values.min() < 0 or values.max() > 100:
        return ["reflectance lies between 0 and 100 %"]
    if values.max() <= 0.1:
        return ["nothing on the ground is black at all wavelengths"]

    def at(wavelength: float) -> float:
        return float(np.interp(wavelength, nm, values))

    return [*_roughness(kind, nm, values), *_CHECKS.get(kind, lambda *_: [])(at, nm, values)]


def _roughness(kind: str, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Jumps, spikes and zigzag: absorptions of solids and liquids are broad, so reflectance is smooth over 20 nm."""
    logs = np.log(np.maximum(values, DIM))
    steps = np.diff(logs)
    found = []
    worst = int(np.abs(steps).argmax())
    limit = STEP.get(kind, STEP_OTHERWISE)
    if abs(steps[worst]) > np.log(limit):
        found.append(
            f"it jumps from {values[worst]:g} to {values[worst + 1]:g} % between {nm[worst]:g} and {nm[worst + 1]:g} nm"
        )
    line = logs[:-2] + (logs[2:] - logs[:-2]) * (nm[1:-1] - nm[:-2]) / (nm[2:] - nm[:-2])
    off = np.abs(logs[1:-1] - line)
    worst = int(off.argmax())
    if not found and off[worst] > np.log(PEAK.get(kind, PEAK_OTHERWISE)):
        found.append(f"the {values[worst + 1]:g} % at {nm[worst + 1]:g} nm stand alone between their neighbours")
    signs = np.sign(steps[np.abs(steps) > 0.08])
    turns = int((signs[1:] != signs[:-1]).sum())
    if turns > TURNS:
        found.append(f"it goes up and down {turns} times: spectra of surfaces are smooth")
    return found


def _green(at: At, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Chlorophyll takes blue and red, cells scatter the near infrared, and leaf water absorbs beyond."""
    ndvi = (at(860) - at(670)) / max(at(860) + at(670), 1e-6)
    rules = (
        (ndvi > 0.3, f"green vegetation has an NDVI above 0.3, here {ndvi:.2f} (860 against 670 nm)"),
        (at(780) > 1.5 * at(705), "green vegetation has a red edge: 780 nm reflects over 1.5 times as much as 705 nm"),
        (at(550) > 0.95 * at(670), "chlorophyll absorbs at 670 nm: green vegetation reflects more at 550 nm"),
        (at(980) < (at(860) + at(1080)) / 2, "leaf water makes a dip near 980 nm, between 860 and 1080 nm"),
        (at(1520) < 0.75 * at(1280), "leaf water absorbs beyond 1400 nm: 1520 nm is far below 1280 nm"),
        (at(2050) < 0.75 * at(1650), "leaf water absorbs near 1940 nm: 2050 nm is far below 1650 nm"),
    )
    return [complaint for holds, complaint in rules if not holds]


def _dry(at: At, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Without chlorophyll there is a steady rise, and cellulose absorbs near 2100 nm."""
    rules = (
        (at(860) > 1.3 * at(440), "dry vegetation rises from the blue to the near infrared"),
        (at(780) < 2.2 * at(680), "dry vegetation has no red edge between 680 and 780 nm"),
        (at(2050) < 0.98 * (at(1750) + at(2200)) / 2, "cellulose absorbs near 2100 nm, between 1750 and 2200 nm"),
    )
    return [complaint for holds, complaint in rules if not holds]


def _ground(at: At, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Minerals have no red edge, and iron and humus darken the blue."""
    rules = (
        (at(780) < 1.5 * at(680), "soil and rock have no red edge between 680 and 780 nm"),
        (at(660) > 0.95 * at(440), "soil and rock do not fall from blue to red"),
    )
    return [complaint for holds, complaint in rules if not holds]


def _water(at: At, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Pure water absorbs ever more strongly from red on."""
    visible, beyond = values[nm < 700], values[nm > 950]
    rules = (
        (beyond.max() <= 5, f"water is dark beyond 950 nm, 5 % at most, here {beyond.max():g} %"),
        (at(860) < visible.max(), "water reflects less at 860 nm than in the visible"),
        (visible.max() <= 50, f"water reflects 50 % of visible light at most, here {visible.max():g} %"),
    )
    return [complaint for holds, complaint in rules if not holds]


def _frozen(at: At, nm: np.ndarray, values: np.ndarray) -> list[str]:
    """Ice is clear in the visible, where grains scatter, and absorbs at 1500 and 2000 nm."""
    rules = (
        (at(550) >= 20, "snow and ice are bright in the visible, 20 % at least at 550 nm"),
        (at(860) < 1.1 * at(550), "snow and ice fall from the visible to the near infrared"),
        (at(1520) < 0.4 * at(860), "ice absorbs near 1500 nm: 1520 nm is far below 860 nm"),
    )
    return [complaint for holds, complaint in rules if not holds]


_CHECKS: dict[str, Callable[[At, np.ndarray, np.ndarray], list[str]]] = {
    "green vegetation": _green,
    "dry vegetation": _dry,
    "soil or rock": _ground,
    "water": _water,
    "snow or ice": _frozen,
}
