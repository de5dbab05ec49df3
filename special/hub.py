"""Weights from the Hugging Face hub: this machine's caches first, then, if that is allowed, the network, quickly.

Nothing here retries for minutes: the hub has ten seconds to answer, and a download that stands still is given up.
"""

from __future__ import annotations

import contextlib
import inspect
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, TypeVar

from special.progress import SILENT, Progress

CONTACT_SECONDS = 10.0
STALL_SECONDS = 30.0

Result = TypeVar("Result")


class Unavailable(Exception):
    """Weights could not be had; the message says why, and reads on from "... could not be fetched: "."""


def cached(repo: str, names: Sequence[str], cache_dir: Path | None) -> Path | None:
    """Return the first of a hub repository's files ``names`` that this machine's hub cache holds. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(repo, name, cache_dir=cache_dir)
        if isinstance(found, str):
            return Path(found)
    return None


def fetch(repo: str, names: Sequence[str], cache_dir: Path | None, progress: Progress) -> Path:
    """Fetch the first of a hub repository's files ``names`` that exists, into the hub's own cache.

    Raises:
        Unavailable: the hub does not answer within ten seconds, has no such file, or stops sending.
    """
    from huggingface_hub import hf_hub_download

    meter = _Meter()
    name, size = answer(lambda: _first_that_exists(repo, names), CONTACT_SECONDS, meter, progress)
    progress.say(f"fetching {repo}/{name} once{f' ({size / 1e6:.0f} MB)' if size else ''}")
    progress.begin(f"fetching {repo}", size or 0)
    options: dict[str, Any] = {"cache_dir": cache_dir, "etag_timeout": CONTACT_SECONDS / 2}
    if "tqdm_class" in inspect.signature(hf_hub_download).parameters:
        options["tqdm_class"] = _bar(meter)
    try:
        return Path(answer(lambda: hf_hub_download(repo, name, **options), STALL_SECONDS, meter, progress))
    finally:
        progress.end()


@contextlib.contextmanager
def hub_closed(closed: bool) -> Iterator[None]:
    """Keep huggingface_hub and transformers off the network within the block, where ``closed``."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    # The environment variable behind it is read once, at import, so setting that would come too late.
    constants.HF_HUB_OFFLINE = before or closed
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def hub_is_closed() -> bool:
    """Whether the user's environment (``HF_HUB_OFFLINE``) forbids the hub."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _first_that_exists(repo: str, names: Sequence[str]) -> tuple[str, int | None]:
    """Return the first of ``names`` that the repository has, and its size in bytes."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    for name in names:
        with contextlib.suppress(EntryNotFoundError):
            return name, get_hf_file_metadata(hf_hub_url(repo, name), timeout=CONTACT_SECONDS / 2).size
    raise Unavailable(f"{repo} has none of {', '.join(names)}")


class _Meter:
    """Bytes that have arrived and that nobody has yet been told of."""

    def __init__(self) -> None:
        self.arrived: queue.SimpleQueue[int] = queue.SimpleQueue()

    def drain(self) -> int:
        total = 0
        with contextlib.suppress(queue.Empty):
            while True:
                total += self.arrived.get_nowait()
        return total


def _bar(meter: _Meter) -> type:
    """Return a tqdm class that draws nothing and reports to ``meter``."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            meter.arrived.put(int(n or 0))
            return super().update(n)

    return Bar


def answer(
    ask: Callable[[], Result], patience: float, meter: _Meter | None = None, progress: Progress = SILENT
) -> Result:
    """Run ``ask`` in a thread and wait for its result; give up when nothing has happened for ``patience`` seconds.

    A name server that does not answer blocks beyond any timeout of the client, so the waiting is done here. What still
    waits after that ends with the program.

    Raises:
        Unavailable: ``ask`` raised something, or took too long.
    """
    result: Future[Result] = Future()

    def work() -> None:
        try:
            result.set_result(ask())
        except Exception as error:
            result.set_exception(error if isinstance(error, Unavailable) else Unavailable(one_line(error)))

    # Not an executor: its threads would keep the program from ending.
    threading.Thread(target=work, daemon=True).start()
    heard = time.monotonic()
    while True:
        done, _ = wait([result], timeout=min(0.2, patience))
        if meter is not None and (news := meter.drain()):
            progress.advance(news)
            heard = time.monotonic()
        if done:
            return result.result()
        if time.monotonic() - heard > patience:
            raise Unavailable(f"nothing came within {patience:.0f} s")


def one_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
