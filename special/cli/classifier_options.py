"""The options that say which classifier learns and what it reads, shared by ``label`` and ``fit``."""

from __future__ import annotations

import click

from special.cli.options import together

CLASSIFIERS = ("mambahsi", "s3fn", "aligned", "cnn3d", "mean")

classifier_options = together(
    click.option("--classifier", type=click.Choice(CLASSIFIERS), help="Which classifier learns.  [mambahsi]"),
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
