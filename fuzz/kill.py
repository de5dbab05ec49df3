"""Kill ``special label`` and ``special fit`` at random moments, go on, and compare what comes out bit by bit.

    python fuzz/kill.py --kills 100

Each run is killed up to three times, by SIGKILL, SIGTERM or SIGINT, anywhere between its beginning and its end, and
then left to finish. Prints the counts by the step that was under way; exit code 1 where a run has other bits than one
that nobody has disturbed, or cannot go on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import small_scene  # noqa: E402

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
MOST_KILLS = 3
ENDINGS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
EPOCHS = ("warmup.epochs=6", "refine.epochs=6", "fit.epochs=30")


def start(words: Sequence[str], said: Path) -> int:
    """Run ``special`` in a child that shares what this process has imported; return its number."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        handle = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from special.cli import main

        try:
            main(args=list(words), prog_name="special")
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
        sys.stderr.flush()
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """Wait for a child; return its exit code, or minus the signal it died of."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(child: int, after: float, number: int) -> int | None:
    """Send a child a signal ``after`` so many seconds; return its exit code then, or None where it was done before."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if os.waitstatus_to_exitcode(status):
                raise SystemExit(f"a run ended by itself with {os.waitstatus_to_exitcode(status)}")
            return None
        time.sleep(0.005)
    os.kill(child, number)
    return finish(child)


def bits(run: Path) -> dict[str, str]:
    """The SHA-256 of all that a run's steps have left, but for manifests and records, which hold times."""
    paths = (path for path in (run / "steps").rglob("*") if path.is_file() and path.suffix != ".json")
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def under_way(run: Path, command: str) -> str:
    """The first step that has no result yet."""
    steps = ("rgb", "pseudo", "warmup", "refine", "map") if command == "label" else ("split", "fit", "map")
    return next((step for step in steps if not (run / "steps" / step / "manifest.json").is_file()), "end")


def main() -> None:
    """Parse, kill, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so many, and print what was done")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    import special.api.fit
    import special.api.label
    import special.training.loop

    del special
    rng = np.random.default_rng(chosen.seed)
    folder = Path(tempfile.mkdtemp(prefix="special-kill-"))
    try:
        files = small_scene.write(folder / "scene")
        sizes = [*small_scene.tiny_options(), *(part for one in EPOCHS for part in ("--set", one)), "--device", "cpu"]
        np.save(folder / "truth.npy", files.truth)
        commands = {
            "label": ["label", *files.options, *sizes],
            "fit": ["fit", *files.options[:-2], "--labels", str(folder / "truth.npy"), *sizes],
        }
        wanted, seconds = {}, {}
        for name, words in commands.items():
            for attempt in ("first", "second"):  # the first fills caches, the second is timed
                shutil.rmtree(folder / name, ignore_errors=True)
                begun = time.monotonic()
                if finish(start([*words, "--out", str(folder / name)], folder / "said")):
                    sys.exit((folder / "said").read_text())
                found, seconds[name] = bits(folder / name), time.monotonic() - begun
                if attempt == "second" and found != wanted[name]:
                    sys.exit(f"two undisturbed runs of special {name} differ")
                wanted[name] = found
        print({name: f"{one:.1f} s undisturbed" for name, one in seconds.items()}, flush=True)
        counts: Counter[str] = Counter()
        wrong, runs, deadline = 0, 0, time.monotonic() + 60 * chosen.minutes
        while counts.total() < chosen.kills and time.monotonic() < deadline:
            name = ("label", "fit")[runs % 2]
            run, words = folder / "run", [*commands[name], "--out", str(folder / "run")]
            shutil.rmtree(run, ignore_errors=True)
            runs += 1
            for _ in range(rng.integers(1, MOST_KILLS + 1)):
                number = SIGNALS[rng.integers(len(SIGNALS))]
                ended = killed(start(words, folder / "said"), rng.uniform(0, seconds[name]), number)
                if ended is None:
                    break
                counts[f"{name} {under_way(run, name)}"] += 1
                if ended not in (ENDINGS[number], -number):  # before its handler is there, a signal simply kills
                    wrong += 1
                    print(f"special {name} answered {signal.Signals(number).name} with {ended}", flush=True)
            if finish(start(words, folder / "said")):
                wrong += 1
                print(f"special {name} cannot go on: {(folder / 'said').read_text()[-500:]}", flush=True)
            elif (found := bits(run)) != wanted[name]:
                wrong += 1
                differing = [path for path in found.keys() | wanted[name] if found.get(path) != wanted[name].get(path)]
                print(f"special {name} has other bits in {', '.join(sorted(differing))}", flush=True)
        for name, count in sorted(counts.items()):
            print(f"{name:<14}{count:>5}")
        print(f"{counts.total()} kills in {runs} runs, {wrong} wrong, seed {chosen.seed}")
        sys.exit(1 if wrong else 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
