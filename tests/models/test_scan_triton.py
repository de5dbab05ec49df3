"""The Triton kernels of the selective scan, checked where there is no GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[1] / "support"


def path() -> str:
    """A child imports the same package as this process."""
    return os.pathsep.join(entry for entry in sys.path if entry)


def test_triton_kernels_are_right_in_the_interpreter() -> None:
    """In a process of its own: Triton decides when it is imported whether its functions are compiled or interpreted."""
    pytest.importorskip("triton", reason="Triton comes with PyTorch's CUDA build, on Linux")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUPPORT / "scan_in_triton.py")]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": path()}
    child = subprocess.run(command, cwd=SUPPORT, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout[-5000:]
    assert " passed" in child.stdout
    assert "skipped" not in child.stdout


def test_triton_kernels_compile_for_a_gpu(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="Triton comes with PyTorch's CUDA build, on Linux")
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": path()}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, str(SUPPORT / "compile_triton.py")]
    child = subprocess.run(command, cwd=SUPPORT, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr[-5000:]
    compiled = [line.split()[0] for line in child.stdout.splitlines()]
    forward, backward = ["chunk_ends", "carries", "outputs"], ["chunk_ends", "carries", "gradients"]
    assert compiled == forward + backward + forward
