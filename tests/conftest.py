"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line has it; read when torch is first imported


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scenes, libraries and images that lies beside a developer's checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "scenes").is_dir():
        pytest.skip("the folder of real scenes is not beside this checkout")
    return folder
