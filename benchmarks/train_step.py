"""Time one training step of MambaHSI, and the most memory that the process holds.

    python benchmarks/train_step.py                       # a whole scene of Pavia Centre's size, hidden 16
    python benchmarks/train_step.py --hidden 32 --tile 256 # what the default pipeline does at every step
    python benchmarks/train_step.py --smoke               # seconds, to see that it works

A step is all that the warmup does at one: draw the samples, take the tile out of the scene, turn it, forward, loss,
backward, clip, AdamW, the running average. Memory is the process's peak with everything in it: libraries, the scene as
float32, the model. The scene is random numbers: time does not depend on them.
"""

from __future__ import annotations

import argparse

import numpy as np
from measure import HEADINGS, Spread, machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1096)
    parser.add_argument("--cols", type=int, default=715)
    parser.add_argument("--bands", type=int, default=102)
    parser.add_argument("--classes", type=int, default=9)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--tile", type=int, default=0, help="side of a tile; 0 = the whole scene")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--smoke", action="store_true", help="a small scene, two rounds")
    asked = parser.parse_args()
    if asked.smoke:
        asked.rows, asked.cols, asked.bands, asked.rounds = 40, 30, 20, 2
    step, size = prepare(asked)
    step()
    seconds = Spread.of([step() for _ in range(asked.rounds)])

    from special.profiling import peak_megabytes

    print(machine())
    print(
        f"{size[0]} x {size[1]} pixels of {asked.rows} x {asked.cols} x {asked.bands}, hidden {asked.hidden}, float32"
    )
    print(f"{HEADINGS} {'peak GB':>8}")
    print(f"{seconds} {peak_megabytes() / 1e3:8.2f}")


def prepare(asked: argparse.Namespace):  # type: ignore[no-untyped-def]
    """Return a function that takes a step and says how many seconds it took, and the size of the tile."""
    import time

    from special.models.mambahsi import MambaHSI, MambaHSISettings
    from special.settings import load
    from special.steps.warmup import PseudoLabels, WarmupSettings
    from special.training.randomness import stage_generator
    from special.training.scene_tiles import SceneTiles, SceneTrainer

    shape = (asked.rows, asked.cols)
    generator = np.random.default_rng(0)
    spectra = generator.standard_normal((*shape, asked.bands), dtype=np.float32)
    probabilities = generator.random((*shape, asked.classes), dtype=np.float32)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    valid = np.ones(shape, dtype=bool)
    tile = asked.tile or max(shape)
    settings = load(changes={"warmup.tile": tile, "warmup.overlap": min(32, tile - 1), "mambahsi.hidden": asked.hidden})
    warmup = settings.build(WarmupSettings)
    model = MambaHSI(asked.bands, asked.classes, settings.build(MambaHSISettings))
    trainer = SceneTrainer("warmup", model, spectra, valid, warmup, stage_generator(0, "warmup"), asked.device)
    objective = PseudoLabels(probabilities, valid, warmup)
    # The first tile alone, so that every step is the same work.
    one = trainer.windows[:1], trainer.owned[:1]
    examples = SceneTiles(spectra, *one, objective, trainer.predicted, asked.device)

    def step() -> float:
        started = time.perf_counter()
        trainer.loop.step(0, examples.draw(trainer.generator))
        return time.perf_counter() - started

    return step, trainer.owned[0].shape


if __name__ == "__main__":
    main()
