"""Whether an HDF5 or HDF4 file can be opened without dying of it: another process looks at it first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from special.errors import SceneError

_CHILD = Path(__file__).with_name("hdf5_child.py")
_SECONDS = 120  # on the clock; the child itself has a limit on its processor's time
_OUT_OF_TIME = -getattr(signal, "SIGXCPU", 10**9)
_survived: set[tuple[str, int, int]] = set()


def refuse_what_crashes(path: Path) -> None:
    """Have a file looked at in a child process; once for each state of the file.

    Raises:
        SceneError: the library that reads it crashes, or does not come to an end.
    """
    about = path.stat()
    key = (str(path.absolute()), about.st_mtime_ns, about.st_size)
    if key in _survived:
        return
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(_CHILD), str(path)]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
        )
        code = ended.returncode
    except subprocess.TimeoutExpired:
        code = _OUT_OF_TIME
    if code == _OUT_OF_TIME:
        raise SceneError(f"{path} takes too long to look through: it is damaged, fetch it again")
    if code < 0 or code > 255:  # died of a signal, or as Windows says that
        raise SceneError(f"{path} makes the library that reads it crash: it is damaged, fetch it again")
    _survived.add(key)
