"""Fit the classifiers of images to a simulated data set of fruit and print how well they tell other fruit apart.

    python benchmarks/images.py [--images 20] [--side 40] [--noise 0.1] [--spread 0.6] [--seeds 3]
                                [--rows ROW ...] [--set NAME=VALUE ...]

The fruit come from tests/support/fruit.py: three stages of ripeness, told apart by two features of the spectrum, in
which fruit of one stage differ so much that some are like those of another. They stand in for DeepHS-Fruit, which has
to be fetched and sorted by class. Prints a Markdown table: OA of images that were not learned from, mean over the
seeds, each with fruit of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
import fruit

from special import fit_images
from special.settings import parse_changes

ROWS = ("mean", "cnn3d", "s3fn", "aligned")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20, help="of each class  [20]")
    parser.add_argument("--side", type=int, default=40, help="of an image, in pixels  [40]")
    parser.add_argument("--noise", type=float, default=0.1, help="of a value, as a share of it  [0.1]")
    parser.add_argument("--spread", type=float, default=0.6, help="of what a fruit of a stage holds, as a share  [0.6]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--set", dest="changes", nargs="+", default=[], metavar="NAME=VALUE", help="change settings")
    asked = parser.parse_args()
    print("| | OA | s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(asked.seeds):
            fruit.write(Path(folder) / str(seed), asked.images, asked.side, seed, asked.noise, asked.spread)
        for name in asked.rows:
            found, started = [], time.perf_counter()
            for seed in range(asked.seeds):
                done = fit_images(
                    Path(folder) / str(seed),
                    Path(folder) / f"{name}-{seed}",
                    classifier=name,
                    settings=parse_changes(asked.changes),
                    seed=seed,
                )
                found.append(done.scores["oa"])
            seconds = (time.perf_counter() - started) / asked.seeds
            print(f"| {name} | {np.mean(found):.3f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
