"""What the named classes should look like in a scene, and its numbers as reflectance: as the teacher has seen it.

The teacher leaves it in the run, so that whoever shows spectra later reads no names and calibrates no scene again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from special.errors import DamagedError, damage_of
from special.teachers.spectrum_text.likelihood import DARK, SpectralLikelihood, log_reflectance

if TYPE_CHECKING:
    from special.teachers.spectrum_text.calibration import Calibration, Conversion

FILE = "as-seen.safetensors"
_AXES = {  # of what is stored: B bands, R regions, S spectra
    "wavelengths": "R",
    "regions": "RB",
    "dark": "B",
    "sunlight": "B",
    "offset": "R",
    "gain": "R",
    "owners": "S",
    "means": "SR",
    "precisions": "SRR",
    "stretched": "1",
}


@dataclass(frozen=True)
class SeenSpectra:
    """The likeliest calibration of a scene, and every spectrum that its class names let expect.

    Attributes:
        wavelengths: float64 (regions,), nm, the middles of the regions that bands are averaged to.
        regions: float64 (regions, bands), what each band has in them.
        dark, sunlight: float64 (bands,), taken off the scene's numbers, and what is left divided by.
        offset, gain: float64 (regions,), taken off then, and the logarithm of what is left divided by.
        owners: int64 (S,), the class of each expected spectrum, from 0.
        means: float64 (S, regions), their log reflectance. precisions: float64 (S, regions, regions), of its errors.
        stretched: bool (1,), whether every band was stretched by itself.
    """

    wavelengths: np.ndarray
    regions: np.ndarray
    dark: np.ndarray
    sunlight: np.ndarray
    offset: np.ndarray
    gain: np.ndarray
    owners: np.ndarray
    means: np.ndarray
    precisions: np.ndarray
    stretched: np.ndarray

    @classmethod
    def of(cls, conversion: Conversion, calibration: Calibration, likelihood: SpectralLikelihood) -> Self:
        """Note how a scene was read."""
        bands = len(conversion.sunlight)
        regions = np.zeros((len(conversion.regions), bands))
        for region, members in zip(regions, conversion.regions.members, strict=True):
            region[members] = 1 / len(members)
        return cls(
            wavelengths=conversion.regions.centres,
            regions=regions,
            dark=np.full(bands, conversion.dark),
            sunlight=conversion.sunlight,
            offset=calibration.offset,
            gain=calibration.gain,
            owners=likelihood.owners.astype(np.int64),
            means=likelihood.means + calibration.shifts[likelihood.kinds],
            precisions=likelihood.under(calibration.noise).precisions,
            stretched=np.array([conversion.kind == "stretched"]),
        )

    def save(self, folder: Path) -> Path:
        """Write it into a folder; return the file."""
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(array) for name, array in vars(self).items()}
        path = folder / FILE
        path.write_bytes(save(arrays))
        return path

    @classmethod
    def load(cls, path: Path, bands: int) -> Self:
        """Read what ``save`` has written of a scene of so many ``bands``.

        Raises:
            DamagedError: it is no such file, or its parts do not belong to each other or to the scene.
        """
        from safetensors.numpy import load_file

        with damage_of(path, DamagedError):
            found = cls(**load_file(path))
            sizes = {"B": bands, "1": 1}
            for name, letters in _AXES.items():
                shape = np.shape(getattr(found, name))
                if len(shape) != len(letters) or any(
                    sizes.setdefault(letter, size) != size for letter, size in zip(letters, shape, strict=True)
                ):
                    raise ValueError(f"{name} is of shape {shape}")
                if not np.isfinite(getattr(found, name)).all():
                    raise ValueError(f"{name} is not finite")
            if not (np.linalg.inv(found.precisions).diagonal(axis1=1, axis2=2) > 0).all():
                raise ValueError("an error has no precision")
        return found

    def reflectance(self, spectra: np.ndarray) -> np.ndarray:
        """Return reflectance (pixels, regions) of ``spectra`` (pixels, bands), the scene's own numbers."""
        signals = ((spectra - self.dark) / self.sunlight) @ self.regions.T - self.offset
        return np.asarray(signals * np.exp(-self.gain))

    @property
    def is_radiance(self) -> bool:
        """Whether the scene's numbers were taken for radiance, or else for reflectance."""
        return bool((self.sunlight != 1).any())

    @property
    def is_stretched(self) -> bool:
        """Whether every band was taken to be stretched by itself."""
        return bool(self.stretched.any())

    def unexplained(self, spectra: np.ndarray, degrees: float, rate: float) -> float:
        """Return the share of ``spectra`` (pixels, bands), own numbers, that are far from all that is expected.

        Far is a squared Mahalanobis distance to the nearest expected spectrum, over the number of regions, beyond what
        Student's t with ``degrees`` of freedom exceeds at the ``rate``: such distances follow the F distribution.
        """
        from scipy.special import fdtri

        logs = log_reflectance(self.reflectance(spectra.astype(np.float64)))
        nearest = np.full(len(logs), np.inf)
        for mean, precision in zip(self.means, self.precisions, strict=True):
            apart = logs - mean
            np.minimum(nearest, np.einsum("pr,pr->p", apart @ precision, apart), out=nearest)
        regions = len(self.wavelengths)
        return float((nearest / regions > fdtri(regions, degrees, 1 - rate)).mean())

    def expected(self, index: int, reflectance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the expected reflectance of a class, and one standard deviation below and above, each (regions,).

        A class has several, for a name covers several materials: the one that is nearest to ``reflectance`` (regions,)
        within its errors is taken. None for a class of which nothing is expected.
        """
        own = np.flatnonzero(self.owners == index)
        if not len(own):
            return None
        apart = log_reflectance(reflectance) - self.means[own]
        best = own[np.einsum("sr,srq,sq->s", apart, self.precisions[own], apart).argmin()]
        deviation = np.sqrt(np.diag(np.linalg.inv(self.precisions[best])))
        middle, low, high = (
            np.maximum(np.exp(self.means[best] + step) - DARK, 0.0) for step in (0.0, -deviation, deviation)
        )
        return middle, low, high
