"""Training that can be killed anywhere: its whole state in one file, replaced in one move.

The tensors lie in safetensors, everything else as JSON in the same file's header: two files could disagree after
a kill.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from special.errors import RunError

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class State:
    """``tensors`` by name (weights, averages, optimiser, torch's random states) and ``progress``, JSON values."""

    tensors: dict[str, Tensor]
    progress: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The state of one training in ``directory``; ``key`` says which settings and inputs it belongs to."""

    directory: Path
    key: str

    @property
    def path(self) -> Path:
        """The file the state lies in."""
        return self.directory / FILE

    def load(self) -> State | None:
        """Return the saved state; None where there is none, or where it was saved under another key.

        Raises:
            RunError: the file is there but cannot be read.
        """
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("key") != self.key:
                    return None
                progress = json.loads(header["progress"])
                return State({name: file.get_tensor(name) for name in file.keys()}, progress)  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise RunError(
                f"the training checkpoint {self.path} cannot be read ({error}): delete it to train from the beginning"
            ) from None

    def save(self, state: State) -> None:
        """Write ``state`` beside the old one, sync it, and put it in the old one's place in one move."""
        from safetensors.torch import save

        self.directory.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
        data = save(tensors, {"key": self.key, "progress": json.dumps(state.progress)})
        fresh = self.path.with_name(f"{FILE}.{os.getpid()}.new")
        try:
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self.path)
        finally:
            fresh.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget the state: the training is done and its result is kept elsewhere."""
        self.path.unlink(missing_ok=True)
