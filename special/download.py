"""Downloads that can stand still, break off, or bring the wrong file: resumed, watched by their growth, checked.

What has arrived lies in a partial file, which a later attempt, in this process or another, goes on with. A download is
alive as long as that file grows, however slowly; nothing else is believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from special.progress import SILENT, Progress

STALL_SECONDS = 30.0
"""So long a download may bring nothing."""

ATTEMPTS_IN_VAIN = 3
"""So many connections in a row may end without a new byte."""

_AT_ONCE = 1 << 18


class Unavailable(Exception):
    """Something could not be had; the message says why, and reads on from "... could not be fetched (".

    ``passing`` says whether it may be had another time, as after a fault of the network.
    """

    def __init__(self, message: str, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class Remote:
    """What is to be fetched.

    Attributes:
        url: its address.
        size: in bytes, where it is known.
        checksum: SHA-256 or git's own SHA-1 of a blob, in hex, where one is known.
        headers: sent with the request, such as a token.
    """

    url: str
    size: int | None = None
    checksum: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def download(remote: Remote, path: Path, progress: Progress = SILENT) -> Path:
    """Bring a file to ``path``, whole and checked; what a broken attempt has left beside it is gone on with.

    Raises:
        Unavailable: it does not come, or another file comes.
    """
    partial = path.with_name(f"{path.name}.incomplete")
    path.parent.mkdir(parents=True, exist_ok=True)
    progress.advance(_length(partial))  # what an earlier attempt has brought
    in_vain = 0
    while True:
        before = _length(partial)
        try:
            _go_on(remote, partial, progress)
            reason = f"the connection was closed after {_length(partial)} of {remote.size} bytes"
            if remote.size is None or _length(partial) >= remote.size:
                break
        except urllib.error.HTTPError as error:
            raise Unavailable(f"{_host(remote.url)} answers {error.code} {error.reason}", error.code >= 500) from None
        except TimeoutError:
            reason = f"nothing came within {STALL_SECONDS:.0f} s"
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        in_vain = 0 if _length(partial) > before else in_vain + 1
        if in_vain >= ATTEMPTS_IN_VAIN:
            raise Unavailable(reason)
    if remote.checksum is not None and (found := checksum_of(partial, remote.checksum)) != remote.checksum:
        partial.unlink()
        raise Unavailable(
            f"what came from {_host(remote.url)} has the hash {found[:12]}..., expected {remote.checksum[:12]}...: it "
            "is not what was published, or was damaged on the way"
        )
    os.replace(partial, path)
    return path


def checksum_of(path: Path, like: str) -> str:
    """Return the hash of a file, in hex, of the kind that ``like`` is: SHA-256, or git's SHA-1 of a blob."""
    with path.open("rb") as file:
        if len(like) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        for block in iter(lambda: file.read(_AT_ONCE), b""):
            digest.update(block)
        return digest.hexdigest()


def is_checksum(text: str | None) -> bool:
    """Whether a text, such as an ETag, is a hash that :func:`checksum_of` can make."""
    return text is not None and re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", text) is not None


def _go_on(remote: Remote, partial: Path, progress: Progress) -> None:
    """Append to the partial file what one connection brings."""
    have = _length(partial)
    if remote.size is not None and have > remote.size:
        partial.unlink()
        have = 0
    if remote.size is not None and have == remote.size:
        return
    headers = {"User-Agent": "special-hsi", **remote.headers, **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(remote.url, headers=headers)
    with _open(request, have) as answer:
        if have and (answer is None or answer.status != 206):  # it cannot go on where we were
            progress.advance(-have)
            partial.unlink()
            if answer is None:
                return _go_on(remote, partial, progress)
        with partial.open("ab") as file:
            while block := answer.read1(_AT_ONCE):
                file.write(block)
                progress.advance(len(block))


@contextlib.contextmanager
def _open(request: urllib.request.Request, have: int) -> Any:
    """Open an address; None where it has nothing from that place on."""
    try:
        answer = urllib.request.urlopen(request, timeout=STALL_SECONDS, context=_certificates())
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        yield None
        return
    with answer:
        yield answer


def _certificates() -> ssl.SSLContext:
    """Return whom to trust: the list that comes with Python's HTTP libraries, where the user names no other."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context()
    with contextlib.suppress(ImportError):
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    return ssl.create_default_context()


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _host(url: str) -> str:
    return url.split("/")[2] if url.count("/") >= 2 else url
