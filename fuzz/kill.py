"""Kill commands at random moments, go on, and compare what comes out bit by bit.

    python fuzz/kill.py --kills 100
    python fuzz/kill.py --kills 20 --commands batch together --seed 3

Each command is killed up to three times, by SIGKILL, SIGTERM or SIGINT, in a step that is drawn, and then left to
finish. Prints the counts by the step that was under way; exit code 1 where a run has other bits than one that nobody
has disturbed, says anything but one line, leaves something behind, or cannot go on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import fruit  # noqa: E402
import numpy as np  # noqa: E402
import raster_products  # noqa: E402
import small_scene  # noqa: E402
from rasterio.transform import from_origin  # noqa: E402
from weights import quick_images, special  # noqa: E402

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
MOST_KILLS = 3
ENDINGS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
EPOCHS = ("warmup.epochs=3", "refine.epochs=3", "fit.epochs=10")
COMPARED = (".npy", ".tif", ".png", ".img", ".hdr", ".safetensors", ".qml")
"""What holds no time of the day."""


@dataclass(frozen=True)
class Command:
    """A command, without where it writes to; and what it leaves when a step is done, relative to that: by the step."""

    words: tuple[str, ...]
    marks: Mapping[str, str]


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves: the hash of each file; and how long its steps take, in seconds."""

    bits: Mapping[str, str]
    seconds: Mapping[str, float]


def commands(folder: Path) -> dict[str, Command]:
    """Write what the commands need, and return them."""
    files = small_scene.write(folder / "scene")
    (folder / "answers.csv").write_text("row,col,class\n2,5,Water\n6,5,Grass\n")
    np.save(folder / "truth.npy", files.truth)
    fruit.write(folder / "fruit", images=3)
    place = {"crs": "EPSG:32633"}
    for number, name in enumerate("ab"):  # two columns of theirs are the same land
        cell = {"transform": from_origin(400000 + number * 240, 5800000, 30, 30)}
        raster_products.write_tif(folder / f"{name}.tif", small_scene.cube(seed=number)[0], **place, **cell)
    sizes = (*small_scene.tiny_options(), *(part for one in EPOCHS for part in ("--set", one)), "--device", "cpu")
    labelled = ("rgb", "pseudo", "warmup", "refine", "map", "report")
    answered = ("rgb", "pseudo", "answers", "warmup", "refine", "map", "report")
    fitted = ("fit", *files.options[:-2], "--labels", str(folder / "truth.npy"), *sizes)
    batch = ("batch", str(folder / "a.tif"), str(folder / "b.tif"), *files.options[1:], *sizes, "--workers", "1")
    voted = (*quick_images(), "--set", "cubes.epochs=6", "--device", "cpu")
    made = {
        "label": Command(("label", *files.options, *sizes), _marks(labelled)),
        "answers": Command(
            ("label", *files.options, *sizes, "--labels", str(folder / "answers.csv")), _marks(answered)
        ),
        "fit": Command(fitted, _marks(("split", "fit", "map", "report"))),
        "fit --dataset": Command(("fit", "--dataset", str(folder / "fruit"), *voted), _marks(("split", "fit", "vote"))),
        "predict": Command(("predict", str(folder / "model"), *files.options[:1], *files.options[3:5]), {"all": "."}),
        "batch": Command(
            batch,
            {f"{name} {step}": mark for name in "ab" for step, mark in _marks(labelled, f"{name}.special/").items()},
        ),
        "together": Command((*batch, "--together"), {**_marks(labelled, "together.special/"), "mosaic": "mosaic.tif"}),
    }
    special(*made["label"].words, "--out", folder / "warm")  # here, so that children find what is kept in memory
    special(*fitted, "--out", folder / "model")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as a process begins
    return made


def _marks(steps: Sequence[str], run: str = "") -> dict[str, str]:
    return {step: f"{run}steps/{step}/manifest.json" for step in steps}


def start(words: Sequence[str], said: Path) -> int:
    """Run ``special`` in a child that shares what this process has imported; return its number."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # none comes before the child can answer
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return child
    code = ENDINGS[signal.SIGINT]
    try:
        os.setsid()
        handle = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
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


def killed(child: int, begun: Sequence[Path], after: float, number: int) -> tuple[int, bool]:
    """Send a child a signal so many seconds ``after`` all of these files are there.

    Returns:
        Its exit code, and whether the signal came before it was done.
    """
    deadline = None
    while deadline is None or time.monotonic() < deadline:
        if deadline is None and all(path.exists() for path in begun):
            deadline = time.monotonic() + after
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), False
        time.sleep(0.002)
    os.kill(child, number)
    return finish(child), True


def bits(run: Path) -> dict[str, str]:
    """The SHA-256 of all that a command has left, but for what holds times."""
    paths = (path for path in run.rglob("*") if path.is_file() and path.suffix in COMPARED)
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def undisturbed(name: str, command: Command, folder: Path) -> Undisturbed:
    """Run a command, and see how long its steps take."""
    out = folder / "undisturbed"
    child, begun = start([*command.words, "--out", str(out)], folder / "said"), time.monotonic()
    ends: dict[str, float] = {}
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        now = time.monotonic() - begun
        ends |= {step: now for step, mark in command.marks.items() if step not in ends and (out / mark).exists()}
        time.sleep(0.002)
    if finish(child):
        raise SystemExit(f"special {name}: {(folder / 'said').read_text()}")
    ends |= {step: time.monotonic() - begun for step in command.marks if step not in ends}
    found = bits(out)
    shutil.rmtree(out)
    starts = dict(zip(command.marks, [0.0, *ends.values()], strict=False))
    return Undisturbed(found, {step: max(0.01, ends[step] - starts[step]) for step in command.marks})


def left_behind(run: Path) -> list[str]:
    """What a command that has ended well should have taken away."""
    names = (".holder.json", "work", "*.new")
    left = [path for name in names for path in run.rglob(name)]
    left += [path for path in run.rglob(".partial") if any(path.iterdir())]
    left += [path for path in run.parent.glob(f".{run.name}.*")]
    return [str(path.relative_to(run.parent)) for path in left]


def under_way(run: Path, command: Command) -> str:
    """The first step that has no result yet."""
    return next((step for step, mark in command.marks.items() if not (run / mark).exists()), "end")


def trial(
    name: str, command: Command, wanted: Undisturbed, folder: Path, rng: np.random.Generator
) -> tuple[Counter[str], list[str]]:
    """Kill one run now and then, let it finish; return the kills by step, and what was wrong."""
    run, counts, wrong = folder / "run", Counter[str](), []
    words, said = [*command.words, "--out", str(run)], folder / "said"
    shutil.rmtree(run, ignore_errors=True)
    steps, done = list(command.marks), False
    for _ in range(rng.integers(1, MOST_KILLS + 1)):
        if name == "predict" and run.exists():  # whole, and not replaced by another one
            break
        number = SIGNALS[rng.integers(len(SIGNALS))]
        place = int(rng.integers(len(steps)))
        before = [run / command.marks[step] for step in steps[:place]]
        ended, in_time = killed(start(words, said), before, rng.uniform(0, wanted.seconds[steps[place]]), number)
        if not in_time or ended == 0:  # at the very end, a signal may come too late
            done = ended == 0
            if ended:
                wrong.append(f"ended by itself with {ended}: {said.read_text(errors='replace')[-700:]}")
            break
        counts[f"{name}: {under_way(run, command)}"] += 1
        if ended not in (ENDINGS[number], -number):  # before its handler is there, a signal simply kills
            wrong.append(f"answered {signal.Signals(number).name} with {ended}")
        if "Traceback" in (told := said.read_text(errors="replace")):
            wrong.append(f"answered {signal.Signals(number).name} with {told[-500:]}")
    done |= name == "predict" and bits(run) == wanted.bits  # which does not replace what is there
    if not done and (code := finish(start(words, said))):
        return counts, [*wrong, f"cannot go on ({code}): {said.read_text(errors='replace')[-700:]}"]
    found = bits(run)
    if found != wanted.bits:
        differing = [path for path in found.keys() | wanted.bits.keys() if found.get(path) != wanted.bits.get(path)]
        wrong.append(f"has other bits in {', '.join(sorted(differing))}")
    if left := left_behind(run):
        wrong.append(f"has left {', '.join(left)}")
    return counts, wrong


def main() -> None:
    """Parse, kill, compare, print."""
    names = ("label", "answers", "fit", "fit --dataset", "predict", "batch", "together")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so many, and print what was done")
    parser.add_argument("--commands", nargs="+", choices=names, default=names, metavar="COMMAND")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    folder = Path(tempfile.mkdtemp(prefix="special-kill-"))
    try:
        every = commands(folder)
        wanted = {name: undisturbed(name, every[name], folder) for name in chosen.commands}
        print({name: f"{sum(one.seconds.values()):.1f} s undisturbed" for name, one in wanted.items()}, flush=True)
        counts: Counter[str] = Counter()
        runs = wrong = 0
        deadline = time.monotonic() + 60 * chosen.minutes
        while counts.total() < chosen.kills and time.monotonic() < deadline:
            name = chosen.commands[runs % len(chosen.commands)]
            runs += 1
            kills, faults = trial(name, every[name], wanted[name], folder, rng)
            counts += kills
            wrong += bool(faults)
            for fault in faults:
                print(f"special {name} {fault}", flush=True)
        for step, count in sorted(counts.items()):
            print(f"{step:<28}{count:>4}")
        print(f"{counts.total()} kills in {runs} runs, {wrong} wrong, seed {chosen.seed}")
        sys.exit(1 if wrong else 0)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
