"""MATLAB files up to v7 (``.mat``, "v5"), read through a child process with a memory limit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from special.errors import SceneError
from special.scene.readers.arrays import ArrayFile, ArrayInfo, ArrayReader
from special.scene.source import Stored

_CHILD = Path(__file__).with_name("mat_child.py")
_SECONDS = 600
_ITEM_BYTES = {"double": 8, "single": 4, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4}
_ITEM_BYTES |= {"int64": 8, "uint64": 8, "logical": 1}
_DEFLATE_RATIO = 1032  # zlib cannot pack tighter, so a file that claims more than this is not what it says
_SPARE_BYTES = 1 << 28
_HEADER_BYTES = 4096


class Mat5File(ArrayFile):
    """A MATLAB v5 file, listed before anything is loaded."""

    format = "MATLAB v5"

    def __enter__(self) -> Self:
        """Open the file and list its arrays."""
        # One thread: the memory limit counts address space, of which every BLAS thread reserves a share.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD), str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._alarm = threading.Timer(_SECONDS, self._child.kill)
        self._alarm.daemon = True
        self._alarm.start()
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self._fail()
        infos, self._bytes = [], {}
        for name, shape, kind in json.loads(line):
            numeric = kind in _ITEM_BYTES and kind != "logical"
            infos.append(ArrayInfo(name, tuple(shape), "numbers" if numeric else kind))
            self._bytes[name] = _ITEM_BYTES.get(kind, 0) * int(np.prod(shape, dtype=object))
        self.infos = tuple(infos)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child process."""
        self._alarm.cancel()
        self._child.kill()
        self._child.communicate()

    def load(self, *names: str) -> list[Stored]:
        """The named variables, mapped from a temporary file that is gone with them. Once per open file."""
        needed = sum(self._bytes[name] for name in names)
        if needed > _DEFLATE_RATIO * self.path.stat().st_size + _SPARE_BYTES:
            raise SceneError(f"{self.path} declares {needed >> 20} MiB, more than a file of its size can hold: damaged")
        with tempfile.TemporaryDirectory(prefix="special-", ignore_cleanup_errors=True) as folder:
            if needed + _HEADER_BYTES * len(names) > (free := shutil.disk_usage(folder).free):
                raise SceneError(
                    f"{self.path} holds {needed >> 10} KiB, for which {Path(folder).parent} has no room "
                    f"({free >> 10} KiB): set TMPDIR to a larger disk"
                )
            targets = [str(Path(folder) / f"{i}.npy") for i in range(len(names))]
            order = {"names": names, "targets": targets, "bytes": 3 * needed + _SPARE_BYTES}
            _, complaint = self._child.communicate(json.dumps(order) + "\n")
            if self._child.returncode:
                self._fail(complaint)
            # Where an open file cannot be removed, hold its content instead.
            return [np.load(t, mmap_mode="r" if os.name == "posix" else None, allow_pickle=False) for t in targets]

    def _fail(self, complaint: str | None = None) -> None:
        if complaint is None:
            _, complaint = self._child.communicate()
        self._alarm.cancel()
        last = complaint.strip().splitlines()[-1] if complaint.strip() else "its reader crashed"
        raise SceneError(f"{self.path} cannot be read as MATLAB v5 ({last}): save it again with -v7 or -v7.3")


class MatReader(ArrayReader):
    """Reads MATLAB v5 to v7; v7.3 is HDF5."""

    name = "mat"
    reads = "MATLAB .mat (v5 to v7)"
    understands = "v5; `--key NAME` where several arrays could be the cube"
    signatures = ((0, b"MATLAB 5.0"), (124, b"\x00\x01IM"), (124, b"\x01\x00MI"))
    file = Mat5File


MAT = MatReader()
