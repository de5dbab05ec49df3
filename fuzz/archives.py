"""Mutators of ZIP and tar: the names of members, their kinds, and what is in them, as its own format wants it."""

from __future__ import annotations

import io
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
from binaries import of_npy, of_tif
from texts import of_bytes, of_text, of_xml


def of_zip(rng: np.random.Generator, data: bytes) -> bytes:
    """Rename, repeat, damage or link members of an archive, or damage its own bytes."""
    if rng.random() < 0.2:
        return of_bytes(rng, data)
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        warnings.simplefilter("ignore")
        entries = old.infolist()
        chosen = int(rng.integers(len(entries)))
        for number_, entry in enumerate(entries):
            content = old.read(entry)
            if number_ == chosen:
                match min(int(rng.integers(9)), 5):
                    case 0:
                        entry = zipfile.ZipInfo(_member_name(rng, entry.filename))
                    case 1:
                        content = _of_member(rng, entry.filename, content)
                    case 2:
                        entry.external_attr, content = 0o120777 << 16, b"/etc/hostname"
                    case 3:
                        new.writestr(entry, content)
                    case 4:
                        continue
                    case 5:
                        content = _of_member(rng, entry.filename, content)
            new.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def of_tar(rng: np.random.Generator, data: bytes) -> bytes:
    """The same of a tar, which can hold links, devices and pipes as well."""
    if rng.random() < 0.2:
        return of_bytes(rng, data)
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
        members = old.getmembers()
        chosen = int(rng.integers(len(members)))
        for number_, member in enumerate(members):
            stream = old.extractfile(member)
            content = stream.read() if stream else b""
            if number_ == chosen:
                match min(int(rng.integers(9)), 5):
                    case 0:
                        member.name = _member_name(rng, member.name)
                    case 1:
                        content = of_bytes(rng, content)
                    case 2:
                        kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE)
                        member.type, member.linkname, content = kinds[rng.integers(5)], "/etc/hostname", b""
                    case 3:
                        member.mtime, member.mode = int(rng.integers(2**31)), 0
                    case 4:
                        continue
                    case 5:
                        content = _of_member(rng, member.name, content)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _of_member(rng: np.random.Generator, name: str, content: bytes) -> bytes:
    """Mutate a file of an archive as the format wants it that it has by its name."""
    by_suffix = {".hdr": of_text, ".txt": of_text, ".raw": of_text, ".xml": of_xml, ".npy": of_npy}
    by_suffix |= {".tif": of_tif, ".geotiff": of_tif}
    return by_suffix.get(Path(name).suffix.lower(), of_bytes)(rng, content)


def _member_name(rng: np.random.Generator, name: str) -> str:
    start = ("../", "/", "../../../tmp/", "a/../../", "x" * 300 + "/", "\x1b[31m", "C:\\", "./", "-")
    return start[rng.integers(len(start))] + name
