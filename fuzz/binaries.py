"""Mutators that know a binary format: they open it, change what is in it, and close it, or damage its bytes."""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import safetensors.numpy
from texts import changed, of_bytes, of_text
from values import anything, number, word

_DTYPES = ("i1", "u1", "i2", ">i2", "u4", "i8", "u8", "f2", "f4", ">f4", "f8", "c8", "?", "S3", "S0")


def any_array(rng: np.random.Generator) -> np.ndarray:
    """Return an array that is awkward: empty, of many or no axes, of another type, of NaN."""
    shape = tuple(int(n) for n in rng.choice([0, 1, 2, 3, 5, 8], size=rng.integers(0, 6)))
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 6)
    if rng.random() < 0.3:
        values = np.full(shape, float(number(rng)) if rng.random() < 0.8 else np.nan)
    with np.errstate(all="ignore"):
        return values.astype(_DTYPES[rng.integers(len(_DTYPES))])


def altered(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    """Return an array that is like another one, but for some values, its type, its shape or the order of its axes."""
    array = np.array(array)
    match rng.integers(6):
        case 0:
            return any_array(rng)
        case 1 if array.ndim:
            return array[tuple(slice(int(rng.integers(0, 3)), None) for _ in range(array.ndim))]
        case 2:
            return array.transpose(rng.permutation(array.ndim))
        case 3 if array.dtype.kind in "iuf":
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return array.astype(_DTYPES[rng.integers(len(_DTYPES))])
        case 4:
            return np.full_like(array, 1)
    if array.dtype.kind in "iuf" and array.size:
        flat = array.reshape(-1)
        awkward = float(number(rng))
        fits = np.isfinite(awkward) and abs(awkward) < 2**15 and (awkward >= 0 or array.dtype.kind == "i")
        if array.dtype.kind == "f" or (fits and array.dtype.itemsize > 1):
            with np.errstate(all="ignore"):
                flat[rng.random(flat.size) < rng.choice([0.01, 0.5, 1])] = awkward
    return array


def of_npy(rng: np.random.Generator, data: bytes) -> bytes:
    """Another array, another header, other bytes, or one that would have to be unpickled."""
    out = io.BytesIO()
    match rng.integers(4):
        case 0:
            return of_bytes(rng, data)
        case 1:
            length = int.from_bytes(data[8:10], "little")
            header = of_text(rng, data[10 : 10 + length])[: 2**16 - 1]
            return data[:8] + len(header).to_bytes(2, "little") + header + data[10 + length :]
        case 2 if rng.random() < 0.2:
            np.save(out, np.array([anything(rng)], dtype=object), allow_pickle=True)
        case _:
            try:
                np.save(out, altered(rng, np.load(io.BytesIO(data), allow_pickle=False)))
            except (ValueError, EOFError):
                return of_bytes(rng, data)
    return out.getvalue()


def of_hdf5(rng: np.random.Generator, data: bytes) -> bytes:
    """Change, remove or add attributes, datasets, groups and links; or damage bytes."""
    if rng.random() < 0.25:
        return of_bytes(rng, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.h5"
        path.write_bytes(data)
        try:
            with h5py.File(path, "r+") as file:
                for _ in range(rng.integers(1, 4)):
                    _change_hdf5(rng, file)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, OverflowError, NotImplementedError):
            return of_bytes(rng, data)  # what HDF5 itself does not let happen
        return path.read_bytes()


def _change_hdf5(rng: np.random.Generator, file: h5py.File) -> None:
    names: list[str] = []
    file.visit(names.append)
    name = names[rng.integers(len(names))]
    item = file[name]
    match rng.integers(9):
        case 0 | 1 | 2:
            holder = item if len(item.attrs) else file
            keys = list(holder.attrs) or ["scale_factor"]
            key = keys[rng.integers(len(keys))]
            if rng.random() < 0.15:
                del holder.attrs[key]
            else:
                holder.attrs[key] = _attribute(rng, holder.attrs.get(key))
        case 3:
            del file[name]
        case 4 | 5 | 6 if isinstance(item, h5py.Dataset):
            attributes = dict(item.attrs)
            values = altered(rng, item[()])
            del file[name]
            file[name] = values
            file[name].attrs.update(attributes)
        case 7:
            target: Any = (h5py.SoftLink("/" + name), h5py.SoftLink("/"), h5py.ExternalLink("../outside.h5", "/"))
            del file[name]
            file[name] = target[rng.integers(3)]
        case 8:
            if isinstance(item, h5py.Dataset):
                del file[name]
                if rng.random() < 0.5:
                    file.create_group(name)
                else:
                    file.create_dataset(name, (2**31, 2**31, 3), "f8", chunks=(1, 1024, 3))
            else:
                file[f"{name}/{int(rng.integers(9))}"] = any_array(rng)


def _attribute(rng: np.random.Generator, before: Any) -> Any:
    match rng.integers(6):
        case 0:
            return any_array(rng)
        case 1:
            return h5py.Empty("f4")
        case 2:
            return word(rng).replace("\0", "")
        case 3 if isinstance(before, np.ndarray):
            return altered(rng, before)
        case 4:
            return np.array([word(rng).replace("\0", "") for _ in range(3)], dtype=h5py.string_dtype())
    value = number(rng)
    return float(value) if isinstance(value, float) or abs(value) >= 2**63 else value


def of_safetensors(rng: np.random.Generator, data: bytes) -> bytes:
    """Change the tensors, their names, the header, its length, or bytes."""
    length = int.from_bytes(data[:8], "little")
    chance = rng.random()
    if chance < 0.15:
        return of_bytes(rng, data)
    if chance < 0.25:
        return int(rng.choice([0, 1, 2, length - 1, length + 1, 2**31, 2**62])).to_bytes(8, "little") + data[8:]
    try:
        if chance < 0.5:
            header = json.dumps(changed(rng, json.loads(data[8 : 8 + length]))).encode("utf-8", "surrogatepass")
            return len(header).to_bytes(8, "little") + header + data[8 + length :]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.safetensors"
            path.write_bytes(data)
            with safetensors.safe_open(path, framework="np") as file:
                about = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return safetensors.numpy.save(changed_arrays(rng, tensors), about)
    except (ValueError, TypeError, KeyError, safetensors.SafetensorError):
        return of_bytes(rng, data)


def changed_arrays(rng: np.random.Generator, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays some of which have other values, types, shapes or names, or are gone; or there are more."""
    found = dict(arrays)
    for _ in range(rng.integers(1, 4)):
        if not found:
            break
        name = sorted(found)[rng.integers(len(found))]
        match rng.integers(8):
            case 0:
                del found[name]
            case 1:
                found[word(rng)] = found.pop(name)
            case 2:
                found[word(rng)] = any_array(rng)
            case 3:
                found = {f"module.{key}": value for key, value in found.items()}
            case _:
                found[name] = np.ascontiguousarray(altered(rng, found[name]))
    return {key: value for key, value in found.items() if value.dtype.kind in "biufc" and value.dtype.isnative}


def of_sqlite(rng: np.random.Generator, data: bytes) -> bytes:
    """Change, remove or add rows, columns and tables of a GeoPackage or a database; or damage bytes."""
    if rng.random() < 0.3:
        return of_bytes(rng, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        path.write_bytes(data)
        try:
            with sqlite3.connect(path) as base:
                for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                    base.execute(f'DROP TRIGGER "{name}"')
                for _ in range(rng.integers(1, 4)):
                    _change_table(rng, base)
            base.close()
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            return of_bytes(rng, data)
        return path.read_bytes()


def _change_table(rng: np.random.Generator, base: sqlite3.Connection) -> None:
    tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = tables[rng.integers(len(tables))]
    columns = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
    column = columns[rng.integers(len(columns))]
    match rng.integers(8):
        case 0:
            base.execute(f'DELETE FROM "{table}" WHERE random() % 2')
        case 1:
            base.execute(f'DROP TABLE "{table}"')
        case 2:
            base.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "x"')
        case 3:
            found = base.execute(f'SELECT "{column}" FROM "{table}" LIMIT 1').fetchone()
            if found and isinstance(found[0], bytes):
                base.execute(f'UPDATE "{table}" SET "{column}" = ?', (of_bytes(rng, found[0]),))
        case _:
            value: Any = (word(rng), number(rng), None, word(rng).encode("utf-8", "replace"))[rng.integers(4)]
            base.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE random() % 3', (value,))


def of_tif(rng: np.random.Generator, data: bytes) -> bytes:
    """Change entries of the directory of a GeoTIFF: tag, type, count, value; or other bytes."""
    out = bytearray(data)
    order = "little" if data[:2] == b"II" else "big"
    start = int.from_bytes(data[4:8], order)
    entries = int.from_bytes(data[start : start + 2], order)
    if rng.random() < 0.3 or not entries or start + 2 + 12 * entries > len(data):
        return of_bytes(rng, data)
    for _ in range(rng.integers(1, 4)):
        place = start + 2 + 12 * int(rng.integers(entries))
        field, size = ((0, 2), (2, 2), (4, 4), (8, 4), (8, 2))[rng.integers(5)]
        value = int(rng.choice([0, 1, 2, 3, 5, 7, 8, 16, 64, 255, 256, 65535, 2**31, 2**32 - 1, len(data)])) % 256**size
        out[place + field : place + field + size] = value.to_bytes(size, order)
    return bytes(out)
