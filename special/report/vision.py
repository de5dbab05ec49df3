"""How unlike colours look, to people with normal vision and to those who lack one kind of cones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Simulated on linear red, green and blue: Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113), table 1,
# severity 1.0.
_DICHROMATS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
VISIONS = ("normal", *_DICHROMATS)
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = (0.9505, 1.0, 1.089)  # D65


def lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours, (..., 3)."""
    return _lab(_linear(colours))


def seen(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours (..., 3) as each of ``VISIONS`` sees them: (..., visions, 3)."""
    return np.stack([_lab(one) for one in _simulated(colours)], axis=-2)


def simulated(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return sRGB colours (..., 3) as each of ``VISIONS`` sees them: (..., visions, 3)."""
    linear = np.stack(_simulated(colours), axis=-2)
    part = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * part).round().astype(np.uint8)


def unlikeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the CIE 1976 distance of colours as ``seen``, (..., visions, 3), to whom they look most alike: (...)."""
    distances: NDArray[np.float64] = np.linalg.norm(one - other, axis=-1).min(axis=-1)
    return distances


def _simulated(colours: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Linear sRGB (..., 3) by each of ``VISIONS``."""
    linear = _linear(colours)
    return [linear, *(np.clip(linear @ np.array(matrix).T, 0, 1) for matrix in _DICHROMATS.values())]


def _linear(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    part = colours / 255.0
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    relative = linear @ _TO_XYZ.T / _WHITE
    root = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.stack(
        [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=-1
    )
