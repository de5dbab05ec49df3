"""What is in an archive, unpacked into scratch space: once a process, and gone when it ends.

``TMPDIR`` says where that is. What an archive declares has been looked at before (``product_files``); here no file
grows beyond it, and nothing but plain files is written.
"""

from __future__ import annotations

import atexit
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from special.errors import SceneError
from special.scene.readers.product_files import ProductFiles, product_files

_PIECE = 1 << 20
_SPARE_BYTES = 1 << 30  # of the disk, left to others
_done: dict[tuple[str, int, int, str], Path] = {}


def unpacked(path: Path, only: str = "") -> Path:
    """Unpack an archive, or the file ``only`` in it; return the folder that holds it.

    Raises:
        SceneError: it is damaged, unsafe, or larger than the scratch space.
    """
    about = path.stat()
    key = (str(path.absolute()), about.st_mtime_ns, about.st_size, only)
    if key not in _done or not _done[key].is_dir():  # temporary folders are cleared by others as well
        files = product_files(path)
        sizes = {name: size for name, size in files.sizes.items() if not only or name == only}
        folder = Path(tempfile.mkdtemp(prefix="special-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        needed = sum(sizes.values())
        if needed > (free := shutil.disk_usage(folder).free - _SPARE_BYTES):
            raise SceneError(
                f"{path} holds {needed >> 20} MiB, for which {folder.parent} has no room ({max(0, free) >> 20} MiB): "
                "set TMPDIR to a larger disk, or unpack it yourself"
            )
        try:
            _write(files, sizes, folder)
        except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, RuntimeError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise SceneError(
                f"{path} cannot be unpacked ({str(error).partition(chr(10))[0]}): fetch it again"
            ) from None
        _done[key] = folder
    return _done[key]


def _write(files: ProductFiles, sizes: dict[str, int], folder: Path) -> None:
    if zipfile.is_zipfile(files.path):
        with zipfile.ZipFile(files.path) as archive:
            for name, size in sizes.items():
                with archive.open(name) as stream:
                    _copy(stream, folder / name, size)
        return
    with tarfile.open(files.path) as rolled:
        for member in rolled:
            packed = rolled.extractfile(member) if member.isfile() and member.name in sizes else None
            if packed is not None:
                with packed:
                    _copy(packed, folder / member.name, sizes[member.name])


def _copy(stream: IO[bytes], path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while piece := stream.read(_PIECE):
            size -= len(piece)
            if size < 0:
                raise OSError(f"{path.name} is larger than the archive says")
            file.write(piece)
