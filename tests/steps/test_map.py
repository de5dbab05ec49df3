"""The step that writes the map."""

from __future__ import annotations

import pytest

from special.errors import SettingsError
from special.settings import load
from special.steps.map import MapSettings


@pytest.mark.parametrize("reject", [-0.1, 1.1])
def test_a_threshold_must_be_a_probability(reject: float) -> None:
    with pytest.raises(SettingsError, match=rf"^map\.reject must be 0 to 1, not {reject}$"):
        load(changes={"map.reject": reject}).build(MapSettings)
