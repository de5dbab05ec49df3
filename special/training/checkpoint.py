"""Training that can be killed anywhere: its whole state in one file, replaced in one move.

The tensors lie in safetensors, everything else as JSON in the same file's header, and with it a hash over both: two
files could disagree after a kill, and a flipped bit would train on to another map without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from special.progress import SILENT, Progress

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

    def load(self, progress: Progress = SILENT) -> State | None:
        """Return the saved state; None where there is none, where it is another training's, or where it is damaged.

        ``progress`` is told of damage.
        """
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header.get("sha256") == _digest(tensors, header["progress"]):
                return State(tensors, json.loads(header["progress"]))
        except (SafetensorError, OSError, KeyError, ValueError, RecursionError):
            pass
        self.say_damaged(progress)
        return None

    def say_damaged(self, progress: Progress) -> None:
        """Tell that what is here cannot be gone on from."""
        progress.say(f"The training checkpoint {self.path} is damaged: the step is trained from its beginning.")

    def save(self, state: State) -> None:
        """Write ``state`` beside the old one, sync it, and put it in the old one's place in one move."""
        from safetensors.torch import save

        self.directory.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
        progress = json.dumps(state.progress)
        data = save(tensors, {"key": self.key, "progress": progress, "sha256": _digest(tensors, progress)})
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


def _digest(tensors: Mapping[str, Tensor], progress: str) -> str:
    """Return one hash over all of a state: names, types, shapes and values of the tensors, and the progress."""
    digest = hashlib.sha256(progress.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
