"""Looks at all that an HDF5 or HDF4 file says of itself, in a process that may die of it. Only its library is imported.

``python hdf5_child.py FILE`` ends with 0 when it has looked at everything, whatever the library complained of: that is
for the reader to meet. The library is written in C and trusts some of what a file says; where it trusts a lie, it dies.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

_MOST_OBJECTS = 20_000
_SMALL = 1 << 20  # bytes of a dataset that is read whole
_MEMORY = 4 << 30
_CPU_SECONDS = 10  # several times what a whole EMIT scene takes, however slow the disk it lies on
HDF4 = b"\x0e\x03\x13\x01"


def limit() -> None:
    """Let this process take 4 GiB and 10 s of a processor at most, where the system can hold it to that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_SECONDS)):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def look(item: Any) -> None:
    """Ask an object for all that readers ask for: attributes, type, chunks, scales, small values or a first one."""
    with contextlib.suppress(Exception):
        for name in item.attrs:
            with contextlib.suppress(Exception):
                item.attrs[name]
    if not hasattr(item, "dtype"):
        return
    with contextlib.suppress(Exception):
        str((item.shape, item.dtype, item.chunks, item.fillvalue, item.compression))
    with contextlib.suppress(Exception):
        for scales in item.attrs["DIMENSION_LIST"]:
            str([item.file[scale].name for scale in scales])
    with contextlib.suppress(Exception):
        item[()] if item.nbytes <= _SMALL else item[(slice(0, 1),) * item.ndim]


def look_at_hdf4(path: str) -> None:
    """Ask every array of a file for its first and its last value."""
    from pyhdf.SD import SD, SDC

    with contextlib.suppress(Exception):
        file = SD(path, SDC.READ)
        for number in range(file.info()[0]):
            with contextlib.suppress(Exception):
                array = file.select(number)
                sizes = array.dimensions().values()
                array[(slice(0, 1),) * len(sizes)]
                array[tuple(slice(size - 1, size) for size in sizes)]


def main(path: str) -> None:
    """Look at every object of a file."""
    limit()
    with open(path, "rb") as stream:
        if stream.read(4) == HDF4:
            look_at_hdf4(path)
            return
    import h5py

    seen = 0

    def visit(name: str, item: Any) -> bool | None:
        nonlocal seen
        seen += 1
        look(item)
        return True if seen >= _MOST_OBJECTS else None

    with contextlib.suppress(Exception), h5py.File(path, "r") as file:
        look(file)
        file.visititems(visit)


if __name__ == "__main__":
    main(sys.argv[1])
