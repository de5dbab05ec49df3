"""What a step sees of its run: what the steps upstream left, and places for checkpoints and large arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from special.cache.directory import RunDirectory
from special.cache.step import Step
from special.storage import files
from special.storage.rasters import Rows, ScratchSpace

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Workspace:
    """One step at work in a run. It reads the payloads of the steps upstream of it, and no others.

    Attributes:
        run, step: the run, and the step at work.
        key: of what it makes.
    """

    run: RunDirectory
    step: Step
    key: str

    @property
    def checkpoints(self) -> Path:
        """A folder for checkpoints of this very work, there again when it is resumed; it goes when the step is done."""
        return self.run.checkpoints(self.step.name, self.key)

    @property
    def scratch(self) -> ScratchSpace:
        """Where the step puts arrays that are large, until it is done."""
        return ScratchSpace(self.checkpoints / "rasters")

    def array(self, step: str, name: str) -> np.ndarray:
        """Return an array (...) that an upstream step left, of the shape and unit that the step says."""
        return files.load_array(self.payload(step, name))

    def rows(self, step: str, name: str) -> Rows:
        """Return an array (rows, ...) that an upstream step left, to be read by windows where it is large."""
        return self.scratch.load(self.payload(step, name))

    def tensors(self, step: str, name: str) -> dict[str, Tensor]:
        """Return a state dict that an upstream step left: tensors (...) by name."""
        return files.load_tensors(self.payload(step, name))

    def has(self, step: str, name: str) -> bool:
        """Whether an upstream step left a file of this name."""
        return self.payload(step, name).is_file()

    def payload(self, step: str, name: str) -> Path:
        """Return where a file of an upstream step's payload lies.

        Raises:
            LookupError: the step at work does not declare that it reads the other one.
        """
        if step not in self.step.upstream:
            raise LookupError(f"{self.step.name} does not declare that it reads {step}")
        return self.run.step(step) / name
