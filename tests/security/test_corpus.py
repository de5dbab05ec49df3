"""Inputs on which special has failed before: each is a result or one clear line now."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = sorted(path.parent.name for path in (ROOT / "fuzz" / "corpus").glob("*/case.json"))


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, object]]:
    """What the fuzzer says of its corpus, by the names of the cases."""
    command = [sys.executable, str(ROOT / "fuzz" / "run.py"), "--corpus"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert found, done.stderr
    return {str(one["case"]): one for one in found}


@pytest.mark.parametrize("case", CASES)
def test_a_past_failure_stays_mended(answers: dict[str, dict[str, object]], case: str) -> None:
    assert answers[case]["good"], answers[case]["said"]
