"""What this machine has: cores and memory that the process may use, graphics cards, and how workers share them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from special.errors import BatchError

GIGABYTE = 10**9
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "GDAL_NUM_THREADS"),
)
"""What libraries ask when they are loaded; torch and scikit-learn follow the first of them."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": GIGABYTE, "T": 10**12}
_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def cores() -> int:
    """Return how many cores this process may use, by its affinity and by the quota of its container."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such system, or "max"
        return allowed


def available_memory() -> int:
    """Return how many bytes of memory are free for this process and those it starts."""
    try:
        meminfo = Path("/proc/meminfo").read_text()
        free = int(re.search(r"MemAvailable:\s+(\d+) kB", meminfo)[1]) * 1024  # type: ignore[index]
    except (OSError, TypeError):
        free = _physical_memory()
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        return max(0, min(free, limit - int((_CGROUP / "memory.current").read_text())))
    except (OSError, ValueError):
        return free


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows: unknown, so no bound
        return _UNLIMITED


def graphics_cards() -> list[str]:
    """Return the names by which CUDA knows the graphics cards that this process may use; nothing is loaded for it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    return [str(number) for number in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def parse_memory(text: str) -> int:
    """Return the bytes that ``2GB``, ``500 MB`` or ``1.5G`` stand for.

    Raises:
        BatchError: it is no size.
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if size < 10**6:
        raise BatchError(f"{text!r} is no amount of memory: write 2GB, or 500MB")
    return size


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment in which all libraries of a process together use ``threads`` cores.

    No two of them compute at the same time. Where the user has allowed a library less, that stays.
    """
    found = {}
    for name in _THREADS:
        own = os.environ.get(name, "")
        found[name] = str(min(threads, int(own)) if own.isdigit() and int(own) > 0 else threads)
    return found
