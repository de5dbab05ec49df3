"""Where the files of image-text models come from: caches, folders, the hub, and addresses elsewhere."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from special.download import Remote, Unavailable, download
from special.errors import WeightsError
from special.hub import cached, fetch
from special.progress import Progress
from special.teachers.image_text.known import KnownModel

HUB = "hf-hub:"
CONFIG_NAME = "open_clip_config.json"
_MEND = "give a checkpoint as --clip FILE, or go without by --clip none"


def from_hub(
    shown: str,
    repo: str,
    files: Sequence[str],
    closed: bool,
    cache_dir: Path | None,
    progress: Progress,
    sha256: str | None = None,
) -> Path:
    """Return the first of ``files`` that a hub repository has, from the cache or the network.

    Raises:
        WeightsError: it is not here, and cannot be fetched.
    """
    found = cached(repo, files, cache_dir)
    if found is not None:
        return found
    if closed:
        raise WeightsError(
            f"the weights of {shown} are not here and the network is off: go online once, {_MEND}", passing=True
        )
    try:
        return fetch(repo, files, cache_dir, progress, sha256)
    except Unavailable as reason:
        raise _not_fetched(shown, reason) from None


def file_of(known: KnownModel, closed: bool, cache_dir: Path | None, progress: Progress) -> Path:
    """Return the file of a known model, from the cache or the network; its terms are said before it is fetched.

    Raises:
        WeightsError: it is not here, and cannot be fetched.
    """
    if known.repo:
        if not closed and cached(known.repo, [known.file], cache_dir) is None:
            progress.say(f"{known.name}: {known.terms}")
        expected = known.sha256 or None
        return from_hub(known.name, known.repo, [known.file], closed, cache_dir, progress, expected)
    return _from_elsewhere(known, closed, cache_dir, progress)


def is_here(known: KnownModel, cache_dir: Path | None = None) -> bool:
    """Whether a known model that has a file of its own has been fetched before."""
    if known.repo:
        return cached(known.repo, [known.file], cache_dir) is not None if known.file else False
    return bool(known.url) and _own_place(known, cache_dir).is_file()


def looks_like_a_file(spec: str) -> bool:
    """Whether what the user names can only be a file, though it may not exist."""
    return any(mark in spec for mark in "/\\") or Path(spec).suffix in (".pt", ".pth", ".bin", ".safetensors", ".ckpt")


def weights_in(folder: Path, names: Sequence[str]) -> Path:
    """Return the first of the files ``names`` that a folder has.

    Raises:
        WeightsError: it has none, or weights in several parts.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if any((folder / f"{name}.index.json").is_file() for name in names):
        raise WeightsError(
            f"the weights in {folder} are in several parts: save the model again with max_shard_size='20GB'"
        )
    raise WeightsError(f"{folder} has no weights: expected one of {', '.join(names)}")


def _from_elsewhere(known: KnownModel, closed: bool, cache_dir: Path | None, progress: Progress) -> Path:
    """Return a file that lies at an address of its own, perhaps inside a zip archive."""
    path = _own_place(known, cache_dir)
    if path.is_file():
        return path
    if closed:
        raise WeightsError(
            f"the weights of {known.name} are not here and the network is off: go online once, {_MEND}", passing=True
        )
    progress.say(f"{known.name}: {known.terms}")
    progress.say(f"fetching {known.url} once; its publisher states no hash to check it by")
    archive = path.with_name(known.url.rsplit("/", 1)[-1])
    progress.begin(f"fetching {known.name}", 0)
    try:
        download(Remote(known.url, checksum=known.sha256 or None), archive, progress)
    except Unavailable as reason:
        raise _not_fetched(known.name, reason) from None
    finally:
        progress.end()
    return _taken_out(archive, known.member, path) if known.member else Path(shutil.move(archive, path))


def _taken_out(archive: Path, member: str, path: Path) -> Path:
    """Take one file out of a zip archive, and let the archive go."""
    try:
        with zipfile.ZipFile(archive) as content:
            inside = [name for name in content.namelist() if name.rsplit("/", 1)[-1] == member]
            if not inside:
                raise WeightsError(f"{archive.name} has no {member} in it: report it, and give the file as --clip FILE")
            partial = path.with_name(f"{path.name}.{os.getpid()}.new")
            with content.open(inside[0]) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        os.replace(partial, path)
    except zipfile.BadZipFile:
        raise WeightsError(f"{archive.name} came damaged: try again", passing=True) from None
    finally:
        archive.unlink(missing_ok=True)
    return path


def _own_place(known: KnownModel, cache_dir: Path | None) -> Path:
    root = cache_dir or Path(platformdirs.user_cache_dir("special-hsi", appauthor=False)) / "models"
    return root / f"{known.name.replace(':', '-')}{Path(known.member or known.url).suffix}"


def _not_fetched(shown: str, reason: Unavailable) -> WeightsError:
    again = "try again online, " if reason.passing else ""
    return WeightsError(f"the weights of {shown} could not be fetched ({reason}): {again}{_MEND}", reason.passing)
