"""Reads a MATLAB v5 file in a process of its own, because a crafted file can crash or exhaust the parser.

Run as a script: ``mat_child.py FILE``. It writes the list of variables to its output as one line of JSON, waits for one
line of JSON, ``{"names": [...], "targets": [...], "bytes": n}``, and writes these variables as ``.npy`` files. Nothing
but numpy and scipy is imported here.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from scipy.io import loadmat, whosmat

_LISTING_BYTES = 1 << 30


def limit_memory(more_bytes: int) -> None:
    """Let this process take so many bytes more than it has now, where the system can hold it to that."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as stream:
            now = int(stream.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = now + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
    except (ImportError, OSError, ValueError):
        return


def main(path: str) -> None:
    """List the variables, then hand over those that are asked for."""
    limit_memory(_LISTING_BYTES)
    listing = [[name, list(map(int, shape)), kind] for name, shape, kind in whosmat(path, appendmat=False)]
    print(json.dumps(listing), flush=True)
    line = sys.stdin.readline()
    if not line.strip():
        return
    order = json.loads(line)
    limit_memory(order["bytes"])
    variables = loadmat(path, appendmat=False, variable_names=order["names"])
    for name, target in zip(order["names"], order["targets"], strict=True):
        np.save(target, variables[name], allow_pickle=False)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except MemoryError:
        sys.exit("it needs more memory than its variables account for")
    except Exception as error:
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
