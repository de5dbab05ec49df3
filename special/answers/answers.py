"""Answers: which pixels a user has named, and what was said of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

NO_ANSWER = 0
"""The user was asked and does not know, or sees a mixture: it is not asked again."""
NONE_OF_THESE = -1
"""No class of the list: what looks alike has none either."""


@dataclass(frozen=True)
class Answers:
    """What was said of pixels, in the order of rows, each pixel once.

    Attributes:
        table: int32 (n, 4): row and column from 0; class 1..K, or ``NONE_OF_THESE``, or ``NO_ANSWER``; and the number
            of the answer, from 1, that an area's pixels have in common.
    """

    table: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, cols: np.ndarray, classes: np.ndarray, numbers: np.ndarray) -> Answers:
        """Put pixels (n,) in order. Of a pixel that occurs twice the last answer holds."""
        pixels = np.stack([rows, cols, classes, numbers], axis=1).astype(np.int32)
        order = np.lexsort((np.arange(len(pixels)), pixels[:, 1], pixels[:, 0]))
        pixels = pixels[order]
        last = np.ones(len(pixels), dtype=bool)
        last[:-1] = (pixels[1:, :2] != pixels[:-1, :2]).any(axis=1)
        pixels = pixels[last]
        # Numbered in the order of rows: the same answers are the same table, whatever files they came from.
        _, first, inverse = np.unique(pixels[:, 3], return_index=True, return_inverse=True)
        pixels[:, 3] = 1 + first.argsort().argsort()[inverse.ravel()]
        return cls(pixels)

    @classmethod
    def none(cls) -> Answers:
        """Return no answers."""
        return cls(np.empty((0, 4), dtype=np.int32))

    @classmethod
    def of_labels(cls, labels: np.ndarray) -> Answers:
        """Take a label image (rows, cols), 1..K and 0 = unlabelled: every pixel is an answer of its own."""
        rows, cols = np.nonzero(labels)
        return cls.of(rows, cols, labels[rows, cols], np.arange(len(rows)))

    def are_of(self, size: tuple[int, ...] | None, classes: int) -> bool:
        """Whether a scene of so many ``classes``, and of a ``size`` (rows, cols) if that is known, can have them."""
        if self.table.dtype.kind not in "iu" or self.table.shape[1:] != (4,):
            return False
        outside = size is not None and (self.table[:, :2] >= size).any()
        return not outside and bool((self.table >= (0, 0, NONE_OF_THESE, 1)).all() and (self.classes <= classes).all())

    @property
    def rows(self) -> np.ndarray:
        """Rows (n,) of the pixels."""
        return self.table[:, 0]

    @property
    def cols(self) -> np.ndarray:
        """Columns (n,) of the pixels."""
        return self.table[:, 1]

    @property
    def classes(self) -> np.ndarray:
        """What was said (n,): 1..K, ``NONE_OF_THESE`` or ``NO_ANSWER``."""
        return self.table[:, 2]

    @property
    def numbers(self) -> np.ndarray:
        """Which answer (n,) said it."""
        return self.table[:, 3]

    @cached_property
    def count(self) -> int:
        """How many answers name a class, or say that there is none."""
        return len(np.unique(self.numbers[self.classes != NO_ANSWER]))

    def __len__(self) -> int:
        """How many pixels there are."""
        return len(self.table)

    @property
    def sha256(self) -> str:
        """The hash of the table."""
        return hashlib.sha256(np.ascontiguousarray(self.table, dtype="<i4").tobytes()).hexdigest()

    def with_newer(self, newer: Answers) -> Answers:
        """Return all answers; where both speak of a pixel, the newer one holds."""
        both = np.concatenate([self.table, newer.table])
        numbers = both[:, 3].copy()
        numbers[len(self) :] += self.numbers.max(initial=0)
        return Answers.of(both[:, 0], both[:, 1], both[:, 2], numbers)

    def of_list(self, names: Sequence[str], now: Sequence[str]) -> Answers:
        """Return the answers in the numbers of another class list; those of classes that it lacks are left out."""
        places = {name: number for number, name in enumerate(now, start=1)}
        table = [NONE_OF_THESE, NO_ANSWER, *(places.get(name, -2) for name in names)]
        classes = np.array(table)[self.classes + 1]
        kept = classes > -2
        return Answers.of(self.rows[kept], self.cols[kept], classes[kept], self.numbers[kept])

    def at(self, shape: tuple[int, int]) -> np.ndarray:
        """Return bool (rows, cols): the pixels that there is an answer for, be it that the user does not know."""
        here = np.zeros(shape, dtype=bool)
        here[self.rows, self.cols] = True
        return here

    def labels(self, shape: tuple[int, int]) -> np.ndarray:
        """Return a label image, int32 (rows, cols): 1..K, 0 = not named."""
        labels = np.zeros(shape, dtype=np.int32)
        labels[self.rows, self.cols] = np.maximum(self.classes, 0)
        return labels
