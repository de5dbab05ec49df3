"""Shapes and units are part of the signature: what takes or returns arrays says which, in its docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REWRITTEN = ("special.training",)
"""Packages whose functions are being written anew: theirs is looked at again when they stand."""

# Kernels that Numba or Triton compiles have no annotations and are not looked at: each takes a dozen arrays or more,
# whose shapes their modules explain once, at the head.
ARRAY = re.compile(r"\b(np\.ndarray|NDArray|Rows|Raster|Tensor|Windows)\b")
# (rows, cols, K), (n,), (...), (..., bands), (len(rows), 4), (rows / 2, min(components, bands)): no words beside them.
ITEM = r"(?:\.\.\.?|\*?\w+(?:\.\w+)*(?:\(\w+(?:, \w+)*\))?(?: ?[-+*/] ?\w+)*)"
SHAPE = re.compile(rf"(?<![\w)])\((?:{ITEM},|{ITEM}(?:, {ITEM})+|\.\.\.)\)|\bscalar\b")

WAVELENGTH = re.compile(r"(?<!has_)wavelength|centres|(?:^|_)nm(?:_|$)")
SPECTRUM = re.compile(r"reflectance|cube")
UNITS = {
    WAVELENGTH: re.compile(r"\bnm\b"),
    SPECTRUM: re.compile(r"\b(reflectance|any unit|own numbers|standardised|log)\b", re.IGNORECASE),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[str]:
    """Every public module of the package, by its dotted name."""
    paths = sorted((ROOT / "special").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    return [name for name in public if not any(name == part or name.startswith(f"{part}.") for part in REWRITTEN)]


def parsed(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def public_callables(tree: ast.Module) -> Iterator[tuple[str, Function, str]]:
    """Yield the name, the node and the docstrings, with those of its class, of all that others may call."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node, ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, Function) and not method.name.startswith("_"):
                    texts = (ast.get_docstring(method), ast.get_docstring(node))
                    yield f"{node.name}.{method.name}", method, "\n".join(filter(None, texts))


def arrays(node: Function) -> list[str]:
    """The names of the parameters that are arrays, and "" where an array is returned."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    given += [one for one in (node.args.vararg, node.args.kwarg) if one]
    found = [one.arg for one in given if one.annotation and ARRAY.search(ast.unparse(one.annotation))]
    return found + ([""] if node.returns and ARRAY.search(ast.unparse(node.returns)) else [])


@pytest.mark.parametrize("module", modules())
def test_what_takes_or_returns_arrays_says_their_shapes_and_units(module: str) -> None:
    missing = []
    for name, node, text in public_callables(parsed(module)):
        names = arrays(node)
        if names and not SHAPE.search(text):
            missing.append(f"{name} (line {node.lineno}): no shape of {', '.join(n or 'the result' for n in names)}")
        for kind, unit in UNITS.items():
            without = [one for one in names if kind.search(one)] if not unit.search(text) else []
            missing += [f"{name} (line {node.lineno}): no unit of {one}" for one in without]
    assert not missing
