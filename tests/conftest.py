"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line has it; read when torch is first imported


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scenes, libraries and images that lies beside a developer's checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "scenes").is_dir():
        pytest.skip("the folder of real scenes is not beside this checkout")
    return folder


@pytest.fixture(scope="module")  # while it is open a loop of events runs, which other tests may mind
def browser() -> Iterator[Browser]:
    """A browser without a window: the distribution's Chromium, or the one that Playwright has installed."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with playwright.sync_playwright() as driver:
        try:
            opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no browser: install chromium, or playwright install chromium ({str(error).splitlines()[0]})")
        yield opened
        opened.close()
