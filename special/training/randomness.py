"""Where chance comes from: one generator for every stage of a run, all of them from the run's seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

MOST_SEEDS = 2**32
"""Seeds are below it, for the sake of the libraries that draw."""


def is_seed(value: object) -> bool:
    """Whether every random draw can come from it: a whole number from 0 to below ``MOST_SEEDS``."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_SEEDS


def stage_generator(seed: int, stage: str) -> np.random.Generator:
    """Return the random generator of one stage of a run."""
    return np.random.default_rng([seed, *stage.encode()])


@contextmanager
def own_randomness(generator: np.random.Generator, device: str) -> Iterator[None]:
    """Seed torch from ``generator`` inside, and leave its random state outside as it was."""
    import torch

    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(generator.integers(2**62)))
        yield
