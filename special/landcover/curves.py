"""Spectra as curves: values at whatever wavelengths they were given, brought to any other grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from special.errors import SettingsError

FLOOR = 1e-3  # smallest reflectance a curve can say: below it, a logarithm would speak of noise

WIDEST = 100.0  # nm: bands further apart than this lie beside a gap, they are not wide


@dataclass(frozen=True)
class Curve:
    """A reflectance spectrum: ``percent`` (n,) at rising ``wavelengths`` (n,), nm."""

    wavelengths: np.ndarray
    percent: np.ndarray

    def on(self, grid: np.ndarray) -> np.ndarray:
        """Return reflectance (m,), a fraction, at ``grid`` (m,), nm: smooth in its logarithm, flat beyond the ends."""
        from scipy.interpolate import PchipInterpolator

        logs = PchipInterpolator(self.wavelengths, np.log(np.maximum(self.percent / 100, FLOOR)))
        return np.asarray(np.exp(logs(np.clip(grid, self.wavelengths[0], self.wavelengths[-1]))))


def read_spectra(path: Path) -> tuple[dict[str, Curve], bytes]:
    """Read a file of spectra; return them by the names of their columns, and the bytes of the file.

    It is comma-separated text: lines that begin with ``#`` are comments, the first other line names the columns, the
    first column is nm, rising, the others are reflectance in percent.

    Raises:
        SettingsError: the file is missing or has another form; the message says where.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"no file of spectra at {path}") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"the file of spectra {path} cannot be read ({error})") from None
    try:
        lines = [line for line in data.decode("utf-8").splitlines() if line.strip() and not line.startswith("#")]
        names = [name.strip() for name in lines[0].split(",")]
        values = np.array([line.split(",") for line in lines[1:]], dtype=float)
    except (UnicodeDecodeError, IndexError, ValueError) as error:
        raise SettingsError(f"{path} is not a table of spectra in comma-separated text: {error}") from None
    if values.ndim != 2 or values.shape[1] != len(names) or len(names) < 2 or len(set(names)) < len(names):
        raise SettingsError(f"{path}: the first line names {len(names)} columns, each once, as many as every row has")
    nm, percent = values[:, 0], values[:, 1:]
    if len(nm) < 12 or np.any(np.diff(nm) <= 0) or nm[0] < 300 or nm[-1] > 2600:
        raise SettingsError(f"{path}: its first column must be 12 or more rising wavelengths between 300 and 2600 nm")
    if not np.all((percent >= 0) & (percent <= 150)):
        raise SettingsError(f"{path}: reflectances are between 0 and 150 %")
    return {name: Curve(nm, column) for name, column in zip(names[1:], percent.T, strict=True)}, data


def slit_matrix(grid: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the matrix (n, n) that makes spectra on ``grid`` (n,) as smooth as bands at ``centres`` (bands,) do.

    Both are nm, rising. A band is a Gaussian, at half of its height as wide as it is far from its nearer neighbour.
    """
    steps = np.diff(centres, prepend=-np.inf, append=np.inf)
    widths = np.minimum(np.minimum(steps[:-1], steps[1:]), WIDEST)
    sd = np.maximum(np.interp(grid, centres, widths), np.diff(grid).min()) / 2.355
    weights = np.exp(-0.5 * ((grid[None, :] - grid[:, None]) / sd[:, None]) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
