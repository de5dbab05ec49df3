"""The options that say how a scene is to be understood, shared by every command that opens one."""

from __future__ import annotations

import click

from special.cli.options import together

scene_options = together(
    click.option("--key", metavar="NAME", help="Name of the cube in a .mat file that holds several arrays."),
    click.option(
        "--wavelengths",
        metavar="FILE|FROM:TO",
        help="Wavelengths of the bands: a CSV, or 430:860 (nm) for bands that are evenly spaced.",
    ),
    click.option("--sensor", metavar="NAME", help="Take the nominal wavelengths of a sensor, such as aviris."),
    click.option("--reader", metavar="NAME", help="Read the file as this format.  [told by its content]"),
    click.option("--mask", metavar="NAMES", help="Masks of the product to leave out: cloud,shadow or none.  [cloud]"),
    click.option("--white", metavar="FILE", help="White reference.  [WHITEREF_* beside SCENE, or none]"),
    click.option("--dark", metavar="FILE", help="Dark reference.  [DARKREF_* beside SCENE, or none]"),
    click.option("--axes", metavar="NAMES", help="What the axes of a stored array are: row,band,col for instance."),
)
"""What ``open_scene`` can be told of a file, ``--key``, ``--wavelengths`` and so on, by the names it has."""
