"""Nominal band centres of well-known sensors, for files that have lost theirs.

Each detector is a list of (band number counted from 1, centre in nm); centres between them are interpolated, which
stays within 1 nm of the lists named as source (2 nm for HyMap). Real centres move with every calibration:
``accuracy_nm`` says by how much they may differ from these, and a file's own list or ``--wavelengths`` is always
better. Sensors whose spacing is uneven and whose centres we could not verify (HYDICE), or that deliver them per
product (PRISMA), are left out rather than guessed; so are benchmark scenes from which somebody has removed bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Detector = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Sensor:
    """``modes`` are the sensor's products: for each, its detectors, whose band numbers run on."""

    title: str
    modes: tuple[tuple[Detector, ...], ...]
    accuracy_nm: float
    source: str

    def centres(self, bands: int) -> np.ndarray | None:
        """Centres float64 (bands,), nm, in the order of the bands, or None when no product has so many bands."""
        for detectors in self.modes:
            if detectors[-1][-1][0] == bands:
                parts = []
                for detector in detectors:
                    numbers, centres = zip(*detector, strict=True)
                    parts.append(np.interp(np.arange(numbers[0], numbers[-1] + 1), numbers, centres))
                return np.concatenate(parts)
        return None

    @property
    def band_counts(self) -> tuple[int, ...]:
        """How many bands its products have."""
        return tuple(detectors[-1][-1][0] for detectors in self.modes)


def _even(first_nm: float, last_nm: float, *counts: int) -> tuple[tuple[Detector, ...], ...]:
    return tuple((((1, first_nm), (count, last_nm)),) for count in counts)


SENSORS: dict[str, Sensor] = {
    "aviris": Sensor(
        "AVIRIS (classic)",
        (
            (
                ((1, 365.9), (32, 667.6)),
                ((33, 654.8), (63, 946.7), (93, 1234.0), (96, 1262.5)),
                ((97, 1252.8), (160, 1880.6)),
                ((161, 1866.0), (206, 2316.4), (224, 2495.3)),
            ),
        ),
        12.0,
        "spectral calibration files of flights after 2006; flights of the 1990s differ most",
    ),
    "aviris-ng": Sensor("AVIRIS-NG", _even(376.9, 2500.1, 425), 2.0, "425 channels, 5.01 nm apart"),
    "casi": Sensor(
        "CASI-1500, full range",
        _even(380.0, 1050.0, 48, 72, 144),
        5.0,
        "380-1050 nm in equal steps; the operator chooses how many bands",
    ),
    "emit": Sensor("EMIT", _even(381.0, 2492.9, 285), 1.0, "285 channels, 7.4 nm apart"),
    "enmap": Sensor(
        "EnMAP",
        (
            (
                (
                    (1, 418.4),
                    (6, 444.7),
                    (23, 525.5),
                    (32, 571.8),
                    (40, 616.9),
                    (48, 666.6),
                    (56, 720.5),
                    (65, 786.1),
                    (75, 863.7),
                    (91, 993.3),
                ),
                ((92, 902.0), (98, 961.6), (104, 1025.7), (111, 1104.8), (123, 1246.9), (135, 1390.5)),
                ((136, 1461.1), (146, 1575.5), (156, 1685.5), (163, 1759.5)),
                (
                    (164, 1939.1),
                    (174, 2032.7),
                    (185, 2130.9),
                    (196, 2224.6),
                    (208, 2322.1),
                    (220, 2415.2),
                    (224, 2445.3),
                ),
            ),
        ),
        2.0,
        "band table of the EnMAP ground segment, 224 bands of the L1B to L2A products",
    ),
    "hymap": Sensor(
        "HyMap",
        (
            (
                ((1, 454.2), (2, 466.9), (30, 893.2)),
                ((31, 891.0), (43, 1079.4), (54, 1239.7), (61, 1337.5)),
                ((62, 1415.5), (73, 1567.3), (84, 1708.2), (93, 1816.6)),
                ((94, 1952.8), (103, 2120.0), (113, 2293.2), (120, 2406.6), (125, 2484.6)),
            ),
        ),
        12.0,
        "a European campaign with 125 bands; every campaign is calibrated anew",
    ),
    "hyperion": Sensor(
        "EO-1 Hyperion",
        ((((1, 355.59), (70, 1057.68)), ((71, 851.92), (242, 2577.08))),),
        1.0,
        "USGS table of the 242 channels of the L1 products",
    ),
    "rosis": Sensor(
        "ROSIS-03",
        _even(430.0, 860.0, 115, 103),
        25.0,
        "430-860 nm over 115 channels; which twelve the 103-band scenes lack is not published",
    ),
}
