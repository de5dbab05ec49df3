"""Scenes: hyperspectral cubes from the files that the field uses, with their wavelengths and valid pixels."""

from special.scene.scene import Georeference, Scene, open_scene

__all__ = ["Georeference", "Scene", "open_scene"]
