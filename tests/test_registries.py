"""What this distribution lists itself has no flaw that another one's would be refused for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from special.models.registry import CLASSIFIERS
from special.registry import Registry
from special.scene.readers.base import READERS
from special.teachers.base import TEACHERS


@pytest.mark.parametrize("registry", [READERS, TEACHERS, CLASSIFIERS], ids=lambda registry: registry.group)
def test_our_own_items_are_usable(registry: Registry) -> None:
    assert registry.names
    assert {name: registry._flaw(name, registry.get(name)) for name in registry.names} == dict.fromkeys(
        registry.names, ""
    )


def test_to_see_what_there_is_imports_nothing_large() -> None:
    code = (
        "import sys\n"
        "from special.models.registry import CLASSIFIERS\n"
        "from special.scene.readers.base import READERS\n"
        "from special.teachers.base import TEACHERS\n"
        "assert all(map(list, (READERS, TEACHERS, CLASSIFIERS)))\n"
        "large = {'h5py', 'numba', 'rasterio', 'scipy', 'sklearn', 'torch', 'transformers', 'zarr'}\n"
        "print(sorted(large & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
