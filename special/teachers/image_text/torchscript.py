"""The tensors of a TorchScript archive, read without running the program that it is.

Such an archive (OpenAI published CLIP as one) is a zip file: ``data.pkl`` describes the modules, and each tensor's
numbers lie in ``data/`` as they are. The description is a pickle, read here by a reader that knows four words: rebuild
a tensor, make a list, a dictionary, or something with attributes that does nothing. Any other word ends the reading.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_PROGRAM = "constants.pkl"
"""What every TorchScript archive has, and no plain checkpoint."""


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(_PROGRAM) for name in archive.namelist())


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors (...) of an archive by the names that its modules give them, as in a state_dict.

    Raises:
        pickle.UnpicklingError: its description has anything but tensors, numbers, texts, lists and modules in it.
        ValueError: it is not an archive as torch writes them.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("no data.pkl in the archive")
        folder = names[0].removesuffix("data.pkl")
        read = [entry for entry in archive.infolist() if entry.filename.startswith(f"{folder}data")]
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in read):
            raise ValueError("its tensors are compressed, which torch's never are")
        order = f"{folder}byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise ValueError("the archive is of a machine with another order of bytes")
        with archive.open(names[0]) as description:
            root = _Reader(description, archive, folder).load()
    return dict(_tensors(root, ""))


class _Attributes:
    """A module, or any other object of the program: what it holds, by name."""

    def __init__(self, *_: Any) -> None:
        self.held: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.held = {str(name): value for name, value in state.items()}


class _Storage:
    """Stands for a type of numbers, ``torch.FloatStorage``."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Reader(pickle.Unpickler):
    """Reads the description of an archive; see the module's docstring."""

    def __init__(self, description: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(description)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what a word of the pickle stands for.

        Raises:
            pickle.UnpicklingError: it is none of those that are known.
        """
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            ("collections", "OrderedDict"): OrderedDict,
            ("torch.jit._pickle", "restore_type_tag"): _itself,
            **{
                ("torch.jit._pickle", f"build_{kind}"): _itself
                for kind in ("intlist", "doublelist", "boollist", "tensorlist")
            },
        }
        if module == "torch" and name.endswith("Storage"):
            return _Storage(name)
        if module.split(".")[0] == "__torch__":
            return _Attributes
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a model's weights")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        """Return the numbers of a storage, one after another."""
        import torch

        try:
            kind, storage, key, _, count = pid
            dtype = _dtypes()[storage.name]
            if kind != "storage" or not str(key).replace("_", "").isalnum():
                raise KeyError(key)
            if key not in self._storages:
                raw = bytearray(self._archive.read(f"{self._folder}data/{key}"))
                numbers = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
                if len(numbers) < count:
                    raise KeyError(key)
                self._storages[key] = numbers
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise pickle.UnpicklingError(f"a tensor of the archive is damaged: {error}") from None
        return self._storages[key]


def _dtypes() -> dict[str, Any]:
    import torch

    return {
        "FloatStorage": torch.float32,
        "HalfStorage": torch.float16,
        "BFloat16Storage": torch.bfloat16,
        "DoubleStorage": torch.float64,
        "LongStorage": torch.int64,
        "IntStorage": torch.int32,
        "ShortStorage": torch.int16,
        "CharStorage": torch.int8,
        "ByteStorage": torch.uint8,
        "BoolStorage": torch.bool,
    }


def _rebuilt(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    """Return a tensor over a storage; torch refuses one that would reach beyond it."""
    return storage.as_strided(size, stride, offset)


def _parameter(tensor: Tensor, *_: Any) -> Tensor:
    return tensor


def _itself(value: Any, *_: Any) -> Any:
    return value


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, _Attributes):
        for key, inner in value.held.items():
            yield from _tensors(inner, f"{name}.{key}" if name else key)
