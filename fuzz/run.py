"""Give special inputs that are wrong in every way, and count what it answers.

    python fuzz/run.py --minutes 10
    python fuzz/run.py --mutants 300 --kinds envi model --seed 7
    python fuzz/run.py --corpus                # past failures, each once; what the tests run

Every mutant is answered in a child process with limits. What is no result and no single clear line is minimised and
kept in ``--keep``; copy it into ``fuzz/corpus`` once it is mended. Exit code 1 when there was any.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from answer import ANSWERS, Answer, Answerer  # noqa: E402
from batches import BATCHES  # noqa: E402
from kind import Kind  # noqa: E402
from language import LANGUAGE  # noqa: E402
from minimise import Case, minimised, read_case, write_case  # noqa: E402
from runs import RUNS  # noqa: E402
from scenes import SCENES  # noqa: E402
from tables import TABLES  # noqa: E402
from weights import WEIGHTS  # noqa: E402

KINDS = {kind.name: kind for kind in (*SCENES, *TABLES, *BATCHES, *RUNS, *WEIGHTS, *LANGUAGE)}
CORPUS = HERE / "corpus"


class Bench:
    """Where mutants are made and answered: a folder with the honest files of every kind, and the shared caches."""

    def __init__(self, folder: Path) -> None:
        """Import what commands import, so that children need not."""
        self.folder, self.cache = folder, folder / "cache"
        self.cache.mkdir()
        self._made: dict[object, Path] = {}  # by what makes them
        self._warm()
        self.answerer = Answerer(self.cache, {kind.name: kind.around for kind in KINDS.values() if kind.around})

    def honest(self, kind: Kind) -> Path:
        """The folder of a kind's honest files, which is made when it is first asked for."""
        if kind.make not in self._made:
            folder = self.folder / "honest" / kind.name
            folder.mkdir(parents=True)
            kind.make(folder)
            self._made[kind.make] = folder
        return self._made[kind.make]

    def box(self, kind: Kind) -> Path:
        """A new box with a copy of a kind's honest files in ``in``."""
        box = self.folder / "box"
        shutil.rmtree(box, ignore_errors=True)
        shutil.copytree(self.honest(kind), box / "in", symlinks=True)
        for name in ("home", "tmp"):
            (box / name).mkdir()
        return box

    def answer(self, kind: Kind, words: Sequence[str], box: Path) -> Answer:
        """Answer what lies in a box."""
        return self.answerer.answer(words, box, kind.name if kind.around else None)

    def replay(self, case: Case) -> Answer:
        """Answer a kept case: the honest files with its own in their place."""
        kind = KINDS[case.kind]
        box = self.box(kind)
        case.lay_over(box / "in")
        return self.answer(kind, case.words, box)

    def _warm(self) -> None:
        os.environ["XDG_CACHE_HOME"] = str(self.cache)
        os.environ["MPLCONFIGDIR"] = str(self.cache / "matplotlib")
        os.environ["HF_HUB_OFFLINE"] = "1"
        import importlib
        import logging
        import pkgutil

        import h5py
        import matplotlib.font_manager  # asks the system for its fonts once, by a program
        import pyogrio
        import rasterio
        import safetensors.torch
        import scipy.io
        import sklearn.cluster
        import tiny_clip
        import torch
        import transformers

        import special

        tiny_clip.register()
        logging.getLogger("spectral").setLevel(logging.WARNING)
        del h5py, matplotlib, pyogrio, rasterio, safetensors, scipy, sklearn, torch, transformers
        for module in pkgutil.walk_packages(special.__path__, "special."):
            if not module.name.endswith(("__main__", "mat_child", "triton_kernels", "scan.triton")):
                importlib.import_module(module.name)
        gc.collect()
        gc.freeze()  # what is never looked at again is never copied in a child


def mutants(bench: Bench, kinds: Sequence[Kind], seed: int) -> Iterator[tuple[Kind, Sequence[str], Path, Case]]:
    """Mutants without end, the kinds in turn. The n-th of a kind depends on the seed alone."""
    number = 0
    while True:
        for kind in kinds:
            rng = np.random.default_rng([seed, number, *kind.name.encode()])
            box = bench.box(kind)
            words = kind.commands[rng.integers(len(kind.commands))]
            changed = kind.mutate(rng, box / "in")
            yield kind, words, box, Case.of(kind.name, words, box / "in", bench.honest(kind), changed)
        number += 1


def fuzz(
    bench: Bench, kinds: Sequence[Kind], seed: int, minutes: float, most: int, keep: Path
) -> dict[str, Counter[str]]:
    """Answer mutants until the time is over or each kind has had ``most``; keep the failures, minimised."""
    counts = {kind.name: Counter[str]() for kind in kinds}
    deadline = time.monotonic() + 60 * minutes
    seen: Counter[str] = Counter()
    for kind, words, box, case in mutants(bench, kinds, seed):
        if time.monotonic() > deadline or min(count.total() for count in counts.values()) >= most:
            return counts
        found = bench.answer(kind, words, box)
        counts[kind.name][found.kind] += 1
        if not found.good:
            told = found.said.strip().splitlines() or [""]
            gist = re.sub(r"\d+", "N", f"{kind.name}: {found.kind}: {told[-1][:160]}")
            seen[gist] += 1
            if seen[gist] == 1:
                print(f"FAIL {gist}", flush=True)
                write_case(keep, minimised(bench.replay, case, found), found)
    raise AssertionError("mutants do not end")


def corpus(bench: Bench, folder: Path) -> int:
    """Answer every kept case; print each as a line of JSON; return how many are no result and no clear line."""
    wrong = 0
    for path in sorted(folder.glob("*/case.json")):
        found = bench.replay(read_case(path.parent))
        wrong += not found.good
        print(
            json.dumps({"case": path.parent.name, "answer": found.kind, "good": found.good, "said": found.said}),
            flush=True,
        )
    return wrong


def table(counts: dict[str, Counter[str]]) -> str:
    """The counts as text: a row a kind, a column an answer."""
    shown = [name for name in ANSWERS if any(count[name] for count in counts.values()) or name in ANSWERS[:6]]
    total: Counter[str] = sum(counts.values(), Counter())
    rows = [["kind", "mutants", *shown]]
    rows += [[name, str(n.total()), *(str(n[one]) for one in shown)] for name, n in [*counts.items(), ("all", total)]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> None:
    """Parse, fuzz, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long")
    parser.add_argument("--mutants", type=int, default=10**9, help="stop when every kind has had so many")
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=list(KINDS), metavar="KIND")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for minimised failures")
    parser.add_argument("--corpus", action="store_true", help="only answer the kept cases of fuzz/corpus")
    parser.add_argument("--replay", type=Path, help="only answer the cases in this folder")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="special-fuzz-")).resolve()  # a TemporaryDirectory would go with a child
    try:
        bench = Bench(folder)
        if chosen.corpus or chosen.replay:
            sys.exit(1 if corpus(bench, chosen.replay or CORPUS) else 0)
        kinds = [KINDS[name] for name in chosen.kinds]
        keep = chosen.keep.resolve()
        for kind in kinds:
            bench.honest(kind)
            found = bench.answer(kind, kind.commands[0], bench.box(kind))
            if found.kind != "result":
                sys.exit(f"special {' '.join(kind.commands[0])} does not understand the honest {kind.name}: {found}")
        started = time.monotonic()
        counts = fuzz(bench, kinds, chosen.seed, chosen.minutes, chosen.mutants, keep)
        print(table(counts))
        print(f"seed {chosen.seed}, {time.monotonic() - started:.0f} s")
        wrong = sum(count.total() - count["result"] - count["one clear line"] for count in counts.values())
        if wrong:
            sys.exit(f"{wrong} wrong answers; minimised cases are in {keep}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
