"""The options that say which classifier learns and what it reads, shared by ``label`` and ``fit``."""

from __future__ import annotations

import click

from special.cli.options import together

classifier_options = together(
    click.option(
        "--classifier", metavar="NAME", help="Which learns: mambahsi, s3fn, aligned, cnn3d, mean, or a plug-in's."
    ),
    click.option(
        "--descriptions",
        metavar="FILE|curated|names",
        help="What s3fn and aligned read about the classes: a file, the package's texts, the names alone.  [curated]",
    ),
    click.option(
        "--encoder",
        metavar="NAME|FOLDER",
        help="Who reads them: minilm, a folder, or a name such as bert-base-uncased.  [minilm]",
    ),
)
