"""The teacher by itself, without its entry point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from special_dark_to_bright import DarkToBrightSettings, DarkToBrightTeacher

from special.classnames.class_list import ClassList
from special.progress import SILENT
from special.scene import Scene
from special.settings import Settings
from special.teachers.base import Absent, TeacherRequest

CLASSES = ClassList.parse(["water", "grass", "sand"])


def made(**changes: Any) -> DarkToBrightTeacher:
    """The teacher as a run makes it, with these settings of its section."""
    own = {**vars(DarkToBrightSettings()), **changes}
    settings = Settings("test", {f"pseudo.dark_to_bright.{name}": value for name, value in own.items()})
    return DarkToBrightTeacher.make(TeacherRequest(settings, (), True, "cpu", 0, SILENT))


def test_a_pixel_is_of_the_class_that_its_brightness_is_in_line_for() -> None:
    brightness = np.array([[10, 200, 90], [30, 0, 250]], np.uint8)
    scene = Scene.from_array(np.stack([brightness] * 3, axis=2).astype(np.float32), [450.0, 550.0, 650.0])
    scene.valid[1, 1] = False
    shares = made(ordered=True).predict(scene, np.stack([brightness] * 3, axis=2), CLASSES, SILENT)
    assert shares.shape == (2, 3, 3) and shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=2), scene.valid, rtol=1e-6)
    np.testing.assert_array_equal(shares.argmax(axis=2)[scene.valid], [0, 2, 1, 0, 2])


def test_it_is_absent_until_the_class_list_is_said_to_be_ordered() -> None:
    with pytest.raises(Absent, match=r"--set pseudo\.dark_to_bright\.ordered=true"):
        made()
