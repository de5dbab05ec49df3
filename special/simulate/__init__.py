"""Simulated scenes with known ground truth, for the demonstration, the tests and the benchmarks.

A simulated scene shows that an installation works, and how fast it is. It proves nothing about accuracy on real ground:
its spectra are smoother, its classes purer and its sensor kinder than any real one.
"""

from __future__ import annotations

from special.simulate.files import SceneFiles, write_scene
from special.simulate.materials import MATERIALS, spectrum
from special.simulate.scene import Simulated, simulate

__all__ = ["MATERIALS", "SceneFiles", "Simulated", "simulate", "spectrum", "write_scene"]
