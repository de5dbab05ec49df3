"""What this distribution lists itself has no flaw that another one's would be refused for."""

from __future__ import annotations

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
