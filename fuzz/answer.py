"""Commands in a child process with limits, and what kind of answer each gave.

The child is forked from a process that has imported everything. It answers some dozens of commands, as forking costs
more than most of them, and dies with the one that it crashes or hangs on. Each has a folder of its own to work in, with
a home and a temporary folder in it, and 30 seconds; all of a child's together 3 GiB more memory than it began with.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 30.0
MEMORY = 3 << 30
RESULT, LINE, TRACEBACK, CRASH, HANG, OUTSIDE, UNTIDY = ANSWERS = (
    *("result", "one clear line", "traceback", "crash", "hang", "file outside", "left behind"),
)
"""What a child can answer; the first two are as they should be."""

PRODUCTS = ("out", "run.special", "maps", "my.toml", "x.txt", "x.toml")
"""What commands may make or change in the folder they work in."""

_MOST_FILE = 1 << 30
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_OUTSIDE_MARK = "special-fuzz-outside: "


@dataclass(frozen=True)
class Answer:
    """What kind of answer it is, and what was printed on stderr, or what else tells why."""

    kind: str
    said: str

    @property
    def good(self) -> bool:
        """Whether it is a result or one clear line."""
        return self.kind in (RESULT, LINE)


Around = Callable[[], AbstractContextManager[dict[str, str]]]


class Answerer:
    """Answers commands in a child that is replaced when it has died, or has done enough.

    ``cache`` is the folder of caches that all children share; ``arounds`` are what commands may run in, by name.
    """

    def __init__(self, cache: Path, arounds: Mapping[str, Around], each: int = 50) -> None:
        self._cache, self._arounds, self._each = cache, arounds, each
        self._child: _Child | None = None

    def answer(self, words: Sequence[str], box: Path, around: str | None = None, seconds: float = SECONDS) -> Answer:
        """Run ``special`` with ``words`` in ``box/in``; files may appear in ``PRODUCTS`` there.

        Args:
            words: of the command line; what stands in braces is replaced by what ``around`` gives.
            box: a folder with ``in``, ``home`` and ``tmp`` in it.
            around: the name of what is entered before the command, for a server that it talks to.
            seconds: on the clock, after which it is a hang.
        """
        if self._child is None or self._child.done >= self._each:
            self.close()
            self._child = _Child(self._cache, self._arounds)
        before = _listed(box)
        code = self._child.run({"words": list(words), "box": str(box), "around": around}, seconds)
        said = (box / "stderr").read_text(errors="replace") if (box / "stderr").exists() else ""
        if code is None or code < 0:
            self.close()
        if code is None:
            return Answer(HANG, f"nothing within {seconds:.0f} s\n{said}")
        verdict = _verdict(code, said)
        if verdict.good and (changed := _outside(before, _listed(box))):
            return Answer(OUTSIDE, f"changed or made: {', '.join(changed)}\n{said}")
        if verdict.good and (left := _left_behind(box, code)):
            return Answer(UNTIDY, f"left behind: {', '.join(left)}\n{said}")
        return verdict

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """One child: it is sent commands as lines of JSON, and answers with exit codes."""

    def __init__(self, cache: Path, arounds: Mapping[str, Around]) -> None:
        here, there = socket.socketpair()
        sys.stdout.flush()
        self.number = os.fork()
        self.done = 0
        if self.number == 0:
            here.close()
            _serve(there, cache, arounds)
        there.close()
        self._socket = here

    def run(self, order: Mapping[str, Any], seconds: float) -> int | None:
        """Return the exit code of a command, minus the signal that it died of; None where it takes too long."""
        self.done += 1
        self._socket.sendall(json.dumps(order).encode() + b"\n")
        readable, _, _ = select.select([self._socket], [], [], seconds)
        if not readable:
            return None
        if answered := self._socket.recv(64):
            return int(answered)
        _, status = os.waitpid(self.number, 0)
        self.number = 0
        return os.waitstatus_to_exitcode(status) or -signal.SIGKILL

    def end(self) -> None:
        """Kill it, and what it has started."""
        if self.number:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.number, signal.SIGKILL)
            os.waitpid(self.number, 0)
        self._socket.close()


def _serve(orders: socket.socket, cache: Path, arounds: Mapping[str, Around]) -> None:
    """Answer orders until there are no more. Never returns."""
    try:
        os.setsid()
        at_exit: list[Callable[[], Any]] = []

        def register(function: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[..., Any]:
            at_exit.append(functools.partial(function, *arguments, **named))
            return function

        atexit.register = register  # a command ends without the process ending
        _limit()
        watched = _watch(cache)
        for line in orders.makefile("rb"):
            order = json.loads(line)
            box = Path(order["box"])
            _enter(box, cache)
            watched[:] = [str(box)]
            code = _run(order["words"], arounds[order["around"]] if order["around"] else None)
            while at_exit:
                at_exit.pop()()
            watched[:] = []
            sys.stdout.flush()
            sys.stderr.flush()
            orders.sendall(str(code).encode())
    finally:
        os._exit(70)


def _run(words: Sequence[str], around: Around | None) -> int:
    from special.cli import main

    try:
        with around() if around else contextlib.nullcontext({}) as given:
            try:
                main(args=[word.format(**given) if given else word for word in words], prog_name="special")
            except SystemExit as ending:
                return ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
        return 0
    except BaseException:
        traceback.print_exc()
        return 70


def _limit() -> None:
    with open("/proc/self/statm", encoding="ascii") as stream:
        now = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_FILE, _MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too large is an error, as a full disk is


def _enter(box: Path, cache: Path) -> None:
    """Go into the box: standard streams, folders, environment."""
    for stream, path in ((0, os.devnull), (1, os.devnull), (2, str(box / "stderr"))):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, stream)
        os.close(handle)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(box / "in")
    os.environ |= {"HOME": str(box / "home"), "TMPDIR": str(box / "tmp"), "XDG_CACHE_HOME": str(cache)}
    os.environ |= {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    tempfile.tempdir = None


def _watch(cache: Path) -> list[str]:
    """Tell on stderr of every file that Python opens to write outside, every network, and every foreign program.

    Returns:
        The list of folders that commands may write to, beside the caches; empty = nothing is told.
    """
    python = os.path.realpath(sys.executable)
    always = (f"{cache}/", "/dev/null", "/proc/self/", "/dev/shm/")
    inside: list[str] = []
    telling = False

    def tell(what: str) -> None:
        os.write(2, f"{_OUTSIDE_MARK}{what}\n".encode("utf-8", "replace"))

    def check(path: Any, event: str) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = os.path.abspath(os.fsdecode(path))
        if not place.startswith((*always, *(f"{folder}/" for folder in inside))) and place not in (*inside, str(cache)):
            tell(f"{event} {place}")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal telling
        if telling or not inside:
            return
        telling = True
        try:
            if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
                check(arguments[0], event)
            elif event in _CHANGES:
                check(arguments[0], event)
                if event in ("os.rename", "os.link"):
                    check(arguments[1], event)
            elif event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] != "127.0.0.1":
                tell(f"{event} {arguments[1]}")
            elif event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost"):
                tell(f"{event} {arguments[0]}")
            elif event in ("os.system", "os.exec") or (
                event == "subprocess.Popen" and os.path.realpath(os.fsdecode(arguments[0])) != python
            ):
                tell(f"{event} {arguments[:2]}")
        finally:
            telling = False

    sys.addaudithook(hook)
    return inside


def _verdict(code: int, said: str) -> Answer:
    """What an exit code and what was said come to."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error: ")]
    if any(line.startswith(_OUTSIDE_MARK) for line in lines):
        return Answer(OUTSIDE, said)
    if code < 0:
        return Answer(CRASH, f"signal {signal.Signals(-code).name}\n{said}")
    if "Traceback (most recent call last)" in said or "Exception ignored" in said or code not in (0, 2):
        return Answer(TRACEBACK, said or f"exit code {code}")
    if "\x1b" in said or any(not one.isprintable() and one not in "\n\r" for one in said):
        return Answer(TRACEBACK, f"control characters\n{said!r}")
    if code == 0:
        return Answer(RESULT, said)
    if len(errors) != 1 or lines[-1] != errors[0]:
        return Answer(TRACEBACK, f"not one line\n{said}")
    return Answer(LINE, errors[0])


def _listed(box: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder of the box, but those that a command may make: size and time of change."""
    found = {}
    for folder, folders, files in os.walk(box):
        here = Path(folder)
        if here == box / "in":
            folders[:] = [name for name in folders if name not in PRODUCTS]
        for name in [*files, *folders]:
            about = (here / name).lstat()
            is_folder = name in folders
            found[str((here / name).relative_to(box))] = (0, 0) if is_folder else (about.st_size, about.st_mtime_ns)
    return found


def _outside(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    allowed = {"stderr", *(f"in/{name}" for name in PRODUCTS)}
    changed = (name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return sorted(name for name in changed if name not in allowed)


def _left_behind(box: Path, code: int) -> list[str]:
    """What is half-written: staging in a RUN, its lock, or a RUN that no command would know."""
    staging = (path for path in box.rglob(".partial") if any(path.iterdir()) or box / "in" / "maps" not in path.parents)
    left = [str(path.relative_to(box)) for path in staging]  # parts of a batch may share theirs, which stays
    left += [str(path.relative_to(box)) for path in box.rglob(".holder.json")]
    out = box / "in" / "out"
    if code == 2 and out.is_dir() and not (out / "request.json").is_file():
        left.append("in/out without a request")
    return left
