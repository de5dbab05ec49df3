"""Weights from the Hugging Face hub: this machine's caches first, then, if that is allowed, the network, quickly.

The hub has ten seconds to answer. What it sends is brought by :mod:`special.download`, which goes on where a broken
attempt ended and checks the hash, and is then put where the hub's own client looks.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from special.download import Remote, Unavailable, download, is_checksum
from special.progress import SILENT, Progress

__all__ = [
    "CONTACT_SECONDS",
    "Unavailable",
    "answer",
    "cached",
    "fetch",
    "fetch_texts",
    "hub_closed",
    "hub_is_closed",
    "refuse_endless",
    "terms",
]

CONTACT_SECONDS = 10.0
_THREAD = "special-hub"
_SMALL = (".json", ".txt", ".model")
"""Endings of the files that configurations and tokenizers are in."""

Result = TypeVar("Result")


def cached(repo: str, names: Sequence[str], cache_dir: Path | None) -> Path | None:
    """Return the first of a hub repository's files ``names`` that this machine's hub cache holds. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(repo, name, cache_dir=cache_dir)
        if isinstance(found, str):
            return Path(found)
    return None


def refuse_endless(folder: Path) -> None:
    """Refuse a model whose ``config.json`` asks for more layers than its weights have tensors: it takes hours.

    ``folder``: of the model; weights in several files are not looked at.

    Raises:
        ValueError: it does. Or whatever reading the two files raises.
    """
    from safetensors import safe_open

    if not (folder / "model.safetensors").is_file():
        return
    asked = max(_layers(json.loads((folder / "config.json").read_text(encoding="utf-8"))), default=0)
    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        tensors = len(list(weights.keys()))
    if asked > tensors:
        raise ValueError(f"its configuration asks for {asked} layers, its weights have {tensors} tensors")


def _layers(config: Any) -> Iterator[int]:
    """Yield every number of layers in a configuration, whatever model of a model it is of."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key.endswith("layers") and isinstance(value, int):
                yield value
            yield from _layers(value)


def fetch(
    repo: str, names: Sequence[str], cache_dir: Path | None, progress: Progress, sha256: str | None = None
) -> Path:
    """Fetch the first of a hub repository's files ``names`` that exists, into the hub's own cache.

    Args:
        repo: ``ORGANISATION/NAME``.
        names: of files, the one wanted most first.
        cache_dir: of the hub's client; its usual one when None.
        progress: told of the download.
        sha256: what the file has to have; the hash that the hub itself states is checked in any case.

    Raises:
        Unavailable: the hub does not answer within ten seconds, has no such file, does not give it, or stops sending.
    """
    name, about = answer(lambda: _first_that_exists(repo, names), CONTACT_SECONDS)
    _bring(repo, name, about, cache_dir, progress, sha256)
    return _as_cached(repo, name, cache_dir)


def fetch_texts(repo: str, cache_dir: Path | None = None) -> None:
    """Fetch the small files of a repository, in which configurations and tokenizers are, into the hub's own cache.

    Raises:
        Unavailable: as for :func:`fetch`.
    """
    from huggingface_hub import HfApi

    siblings = answer(lambda: HfApi().model_info(repo).siblings, CONTACT_SECONDS)
    for name in [sibling.rfilename for sibling in siblings or []]:
        if name.endswith(_SMALL) and "/" not in name and cached(repo, [name], cache_dir) is None:
            fetch(repo, [name], cache_dir, SILENT)


def terms(repo: str) -> str:
    """Return in words under which licence the hub says that a repository stands, and whether one has to ask for it.

    Raises:
        Unavailable: as for :func:`fetch`.
    """
    from huggingface_hub import HfApi

    about = answer(lambda: HfApi().model_info(repo), CONTACT_SECONDS)
    card = getattr(about, "card_data", None) or {}
    licence = card.get("license_name") or card.get("license")
    said = f"licence {licence}" if licence else "its page states no licence"
    gated = "; gated: its owners let in those who have accepted their terms" if getattr(about, "gated", False) else ""
    return f"{said}{gated}"


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


def answer(ask: Callable[[], Result], patience: float) -> Result:
    """Run a question to the hub in a thread and wait ``patience`` seconds for its result.

    A name server that does not answer blocks beyond any timeout of the client, so the waiting is done here. What still
    waits after that ends with the program, and says nothing more.

    Raises:
        Unavailable: ``ask`` raised something, or took too long.
    """
    result: Future[Result] = Future()

    def work() -> None:
        try:
            result.set_result(ask())
        except Exception as error:
            result.set_exception(error if isinstance(error, Unavailable) else _reason(error))

    _silence_own_threads()
    # Not an executor: its threads would keep the program from ending.
    threading.Thread(target=work, daemon=True, name=_THREAD).start()
    try:
        return result.result(timeout=patience)
    except TimeoutError:
        raise Unavailable(f"nothing came within {patience:.0f} s") from None


def one_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _first_that_exists(repo: str, names: Sequence[str]) -> tuple[str, Any]:
    """Return the first of ``names`` that the repository has, and what the hub says of it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    for name in names:
        with contextlib.suppress(EntryNotFoundError):
            return name, get_hf_file_metadata(hf_hub_url(repo, name), timeout=CONTACT_SECONDS / 2)
    raise Unavailable(f"{repo} has none of {', '.join(names)}", passing=False)


def _bring(repo: str, name: str, about: Any, cache_dir: Path | None, progress: Progress, sha256: str | None) -> None:
    """Download a file to where the hub's client keeps what it has downloaded, by the name that the hub gives it."""
    from filelock import FileLock
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers

    if about.etag is None or about.location is None:
        raise Unavailable(f"the hub does not say which file {repo}/{name} is")
    home = Path(cache_dir or constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    blob = home / "blobs" / str(about.etag)
    # A token is for the hub alone: large files lie with others, and their addresses are signed.
    own = about.location.startswith(constants.ENDPOINT)
    headers = {key: value for key, value in build_hf_headers().items() if key == "authorization" and own}
    stated = about.etag if is_checksum(about.etag) else None
    if sha256 is not None and stated is not None and len(stated) == 64 and stated != sha256:
        raise Unavailable(f"{repo}/{name} is no longer the file that special knows: it has another hash", False)
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "special.lock"):
        if blob.is_file():
            return
        if about.size is None or about.size > 1e6:
            progress.say(f"fetching {repo}/{name} once{f' ({about.size / 1e6:.0f} MB)' if about.size else ''}")
        progress.begin(f"fetching {repo}", about.size or 0)
        try:
            download(Remote(about.location, about.size, sha256 or stated, headers), blob, progress)
        finally:
            progress.end()


def _as_cached(repo: str, name: str, cache_dir: Path | None) -> Path:
    """Have the hub's client enter in its cache what lies there already."""
    from huggingface_hub import hf_hub_download

    return Path(answer(lambda: hf_hub_download(repo, name, cache_dir=cache_dir), CONTACT_SECONDS))


def _reason(error: Exception) -> Unavailable:
    """Say what an error of the hub's client means for the user, and whether it passes."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return Unavailable(
            "its owners let in only those who have accepted their terms: accept them on its page at the hub, then "
            "hf auth login, or set HF_TOKEN",
            passing=False,
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return Unavailable(
            "the hub has no such repository, or it is private: check its name; for a private one, hf auth login, or "
            "set HF_TOKEN",
            passing=False,
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = getattr(error.response, "status_code", 500)
        return Unavailable(f"the hub answers {status}", passing=status >= 500 or status == 429)
    if isinstance(error, OSError) or type(error).__module__.split(".")[0] in ("httpx", "httpcore", "requests"):
        return Unavailable(f"the hub cannot be reached: {one_line(error)}")
    return Unavailable(one_line(error))


class _OwnThreads(logging.Filter):
    """Lets nothing through that a thread of :func:`answer` says: its reason is in the error, or comes too late."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.threadName != _THREAD


_QUIET = _OwnThreads()


def _silence_own_threads() -> None:
    """Attach the filter to whatever writes log records down; twice makes no difference."""
    for name in ("", "huggingface_hub", "httpx", "transformers"):
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_QUIET)
