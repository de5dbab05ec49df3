"""The files of a product that comes as a folder, a ZIP or a tar.gz: their names, their bytes, their names for GDAL.

Nothing is unpacked: GDAL reads inside an archive, and metadata are read into memory.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from special.errors import SceneError
from special.scene.readers.raster import quiet_open

_MOST_FILES = 10_000
_MOST_BYTES = 1 << 38  # 256 GiB; the largest products have some
_MOST_PACKED = 1100  # deflate cannot pack tighter, so a file that claims to is a trap
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
ARCHIVES = ((0, _ZIP), (0, _GZIP), (257, b"ustar"))
"""The bytes that an archive has, and where."""


class ProductFiles(ABC):
    """The files of one product.

    Attributes:
        path: the folder or archive.
        names: the files in it, by their path inside. sizes: how many bytes each has, as an archive says.
    """

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        """Keep the names, in order."""
        self.path, self.names, self.sizes = path, sorted(sizes), dict(sizes)

    @abstractmethod
    def read(self, name: str, most: int) -> bytes:
        """Return the bytes of a file, at most ``most + 1`` of them.

        Raises:
            SceneError: it cannot be read.
        """

    @abstractmethod
    def gdal_name(self, name: str) -> str:
        """Return the name by which GDAL opens a file."""

    @contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """Open a GeoTIFF, as ``quiet_open`` does.

        Raises:
            SceneError: it cannot be read.
        """
        from rasterio.errors import RasterioError

        try:
            with quiet_open(self.gdal_name(name)) as dataset:
                yield dataset
        except RasterioError as error:
            raise SceneError(f"{self.path / name} cannot be read ({error}): fetch it again") from None

    @abstractmethod
    def parts(self, names: list[str]) -> tuple[Path, ...]:
        """Return the files on disk that hold these, for the hash of a scene."""


class _Folder(ProductFiles):
    def read(self, name: str, most: int) -> bytes:
        try:
            with (self.path / name).open("rb") as stream:
                return stream.read(most + 1)
        except OSError as error:
            raise SceneError(f"{self.path / name} cannot be read ({error.strerror})") from None

    def gdal_name(self, name: str) -> str:
        return str(self.path / name)

    def parts(self, names: list[str]) -> tuple[Path, ...]:
        return tuple(self.path / name for name in names)


class _Zip(ProductFiles):
    def read(self, name: str, most: int) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as stream:
                return stream.read(most + 1)
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise SceneError(f"{name} in {self.path} cannot be read ({error}): fetch the archive again") from None

    def gdal_name(self, name: str) -> str:
        return f"/vsizip/{{{self.path.absolute()}}}/{name}"

    def parts(self, names: list[str]) -> tuple[Path, ...]:
        return (self.path,)


class _Tar(ProductFiles):
    def __init__(self, path: Path, places: dict[str, tuple[int, int]], packed: bool) -> None:
        super().__init__(path, {name: size for name, (_, size) in places.items()})
        self._places, self._packed = places, packed

    def read(self, name: str, most: int) -> bytes:
        try:
            with tarfile.open(self.path) as archive:
                stream = archive.extractfile(name)
                return stream.read(most + 1) if stream else b""
        except (OSError, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
            raise SceneError(f"{name} in {self.path} cannot be read ({error}): fetch the archive again") from None

    def gdal_name(self, name: str) -> str:
        # By its place in the tar: GDAL's own reader of tars misses the long names that products have.
        start, size = self._places[name]
        return f"/vsisubfile/{start}_{size},{'/vsigzip/' if self._packed else ''}{self.path.absolute()}"

    def parts(self, names: list[str]) -> tuple[Path, ...]:
        return (self.path,)


def product_files(path: Path) -> ProductFiles:
    """List a folder (its own files only) or an archive.

    Raises:
        SceneError: the archive is damaged, or names files outside itself or of an absurd size.
    """
    if path.is_dir():
        return _Folder(path, {item.name: item.stat().st_size for item in path.iterdir() if item.is_file()})
    with path.open("rb") as stream:
        head = stream.read(4)
    sizes: dict[str, tuple[int, int | None]] = {}
    places: dict[str, tuple[int, int]] = {}
    try:
        if head == _ZIP:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir():
                        sizes[entry.filename] = entry.file_size, entry.compress_size
            _check(path, sizes)
            return _Zip(path, {name: size for name, (size, _) in sizes.items()})
        with tarfile.open(path) as unpacked:
            total = 0
            for member in unpacked:
                total += member.size
                if member.isfile():
                    sizes[member.name] = member.size, None
                    places[member.name] = member.offset_data, member.size
                if len(sizes) > _MOST_FILES or total > _MOST_BYTES:
                    break  # a packed tar has to be read up to its end, so not longer than need be
        _check(path, sizes)
        return _Tar(path, places, head.startswith(_GZIP))
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SceneError(f"{path} cannot be read as an archive ({reason}): fetch it again") from None


def first_name(path: Path, head: bytes) -> str:
    """Return the first name in an archive, from its first bytes; "" where this is none."""
    if head.startswith(_ZIP):
        length = int.from_bytes(head[26:28], "little")
        return head[30 : 30 + length].decode("utf-8", errors="replace")
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 1024)
        except zlib.error:
            return ""
    return head[:100].rstrip(b"\0").decode("utf-8", errors="replace") if head[257:262] == b"ustar" else ""


def is_zip(head: bytes) -> bool:
    """Whether a file that starts like this is a ZIP."""
    return head.startswith(_ZIP)


def _check(path: Path, sizes: dict[str, tuple[int, int | None]]) -> None:
    if len(sizes) > _MOST_FILES or sum(size for size, _ in sizes.values()) > _MOST_BYTES:
        raise SceneError(f"{path} declares more files or bytes than a product has: it is not opened")
    for name, (size, packed) in sizes.items():
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name or "}" in name or not name.isprintable():
            raise SceneError(f"{path} holds a file named {name!r}, which is unsafe: it is not opened")
        if packed is not None and size > 1 << 20 and size > _MOST_PACKED * max(1, packed):
            raise SceneError(f"{path} declares {size} bytes for {name}, which is absurd: it is not opened")
