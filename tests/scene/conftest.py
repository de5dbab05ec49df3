"""Folders of files to test against in place; a checkout without them skips those tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def products() -> Path:
    """Small real and made-up files of products."""
    return _beside("products")


@pytest.fixture(scope="session")
def cases() -> Path:
    """Scenes that were once misread."""
    return _beside("cases")


def _beside(name: str) -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"the folder of {name} is not beside this checkout")
    return folder
