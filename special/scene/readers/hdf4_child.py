"""Looks at an HDF4 file in a process that may die of it, as ``hdf5_child.py`` does. Only pyhdf is imported."""

from __future__ import annotations

import contextlib
import sys

from hdf5_child import limit_memory  # beside this script
from pyhdf.SD import SD, SDC


def main(path: str) -> None:
    """Ask every array for what the reader asks for, and for its first and last value."""
    limit_memory()
    with contextlib.suppress(Exception):
        file = SD(path, SDC.READ)
        for number in range(file.info()[0]):
            with contextlib.suppress(Exception):
                array = file.select(number)
                sizes = array.dimensions().values()
                array[(slice(0, 1),) * len(sizes)]
                array[tuple(slice(size - 1, size) for size in sizes)]


if __name__ == "__main__":
    main(sys.argv[1])
