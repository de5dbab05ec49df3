"""The sections of a pipeline that belong to the classifiers; ``pipelines/special.toml`` says what each value means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from special.errors import SettingsError
from special.settings import Count, OneOf, Within

LARGEST_SCALE = 100.0
"""Of the cosines of ``aligned``, as in CLIP: beyond it training becomes unstable."""


@dataclass(frozen=True)
class ClassifierSettings:
    """The section ``[classifier]``: which classifier learns, and what it reads about the classes."""

    section: ClassVar[str] = "classifier"

    name: str
    texts: str
    encoder: str


@dataclass(frozen=True)
class ScanSettings:
    """The section ``[scan]``: what computes the selective scan."""

    section: ClassVar[str] = "scan"

    backend: Annotated[str, OneOf(("auto", "cpu", "triton", "mamba_ssm", "reference"))]


@dataclass(frozen=True)
class MambaHSISettings:
    """The section ``[mambahsi]``."""

    section: ClassVar[str] = "mambahsi"

    hidden: Annotated[int, Within(1, 4096)]
    blocks: Annotated[int, Within(1, 16)]
    groups: Annotated[int, Within(1, "hidden")]
    state: Annotated[int, Within(1, 256)]
    conv: Annotated[int, Within(1, 64)]
    expand: Annotated[int, Within(1, 16)]


@dataclass(frozen=True)
class S3FNSettings:
    """The section ``[s3fn]``, which its baselines ``cnn3d`` and ``mean`` share."""

    section: ClassVar[str] = "s3fn"

    patch: Annotated[int, Within(1, 1024)]
    components: Annotated[int, Within(1, 1000)]
    dropout: Annotated[float, Within(0, below=1)]
    l2: Annotated[tuple[float, ...], Count(5), Within(0, 1000)]
    stage1_share: Annotated[float, Within(above=0, below=1)]
    temperature: Annotated[float, Within(above=0, high=1000)]


@dataclass(frozen=True)
class AlignedSettings:
    """The section ``[aligned]``.

    Raises:
        SettingsError: values that do not go together.
    """

    section: ClassVar[str] = "aligned"

    patch: Annotated[int, Within(1, 1024)]
    components: Annotated[int, Within(1, 1000)]
    width: Annotated[int, Within(1, 8192)]
    layers: Annotated[int, Within(1, 64)]
    heads: Annotated[int, Within(1, 128)]
    dropout: Annotated[float, Within(0, below=1)]
    temperature: Annotated[float, Within(1 / LARGEST_SCALE)]
    hard: Annotated[int, Within(0, 10_000)]
    semi_hard: Annotated[int, Within(0, 10_000)]

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise SettingsError(f"aligned.width must be a multiple of the {self.heads} heads, not {self.width}")
        if self.hard + self.semi_hard == 0:
            raise SettingsError("aligned.hard and aligned.semi_hard are both 0: there would be nothing to tell apart")
