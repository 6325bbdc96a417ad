"""Images in Parquet files, as a task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from automl.core.contracts import Batch, Options, Task
from automl.core.errors import DataError, OptionError
from automl.plugins.tasks.drawing import draw_examples
from automl.plugins.tasks.images.options import ImagesOptions

if TYPE_CHECKING:
    from automl.plugins.tasks.images.dataset import Row, Split
    from automl.plugins.tasks.images.pixels import Appearance

PROXY_SIZE = 16
"""Pixels a side of the images that scores without training are given, if the user says nothing else: the
size at which those scores were chosen, at a quarter of the price of 32."""

_SAMPLE = 1000
"""How many training images are looked at for their size, mean and deviation. The error of the mean, a
hundredth of the deviation between pixels, is of no consequence, and they are decoded in 0.2 s (32 x 32)."""


class Images(Task):
    """The images in a folder of Parquet files, as the Hugging Face hub stores them.

    The files are called ``train-00000-of-00001.parquet``, ``test-…``, and lie in the folder or in its
    subfolder ``data``; a column of ``struct<bytes, path>`` holds PNG, JPEG or the like, and a column of
    integers the labels. The number and names of the classes come from the files' metadata, or else from
    the highest label. Images become RGB, or grey where all are; ``size`` resizes them to a square.

    Each channel is normalised by its mean and standard deviation over the training images: over all if
    there are up to 1,000, else over 1,000 of them, always the same ones.

    Making it reads the files' footers alone; a batch decodes only what it holds. What is wrong with a row
    shows when that row is read.
    """

    name = "images"
    Options: ClassVar[type[Options]] = ImagesOptions
    options: ImagesOptions

    def __init__(self, options: ImagesOptions | None = None) -> None:
        super().__init__(options)
        if self.options.data is None:
            raise OptionError(
                "task 'images' needs a folder of Parquet files, and its option 'data' is not set.",
                hint="Type --task images --data FOLDER",
            )
        from automl.plugins.tasks.images.dataset import open_dataset

        self._dataset = open_dataset(
            Path(self.options.data), image=self.options.image, label=self.options.label
        )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels (3, or 1 where all images are grey), height and width.

        Raises:
            DataError: an image cannot be decoded, or they are of several sizes.
        """
        return self._appearance.shape

    @property
    def classes(self) -> int:
        """As many as the metadata names, else one more than the highest label.

        Raises:
            DataError: there are no labels.
        """
        return len(self.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names in the metadata, else the labels themselves.

        Raises:
            DataError: there are no labels.
        """
        return self._class_names

    def batch(self, size: int, seed: int) -> Batch:
        """``size`` different training images, drawn by ``seed`` alone.

        Raises:
            DataError: there are fewer than ``size``, or one of them is damaged or has no valid label.
        """
        train = self._dataset.splits["train"]
        return self._load(train, draw_examples(self.name, len(train), size, seed))

    def split(self, name: str) -> Batch:
        """All images of ``"train"`` or ``"test"``, in the order of the files, in memory.

        Raises:
            DataError: there is no such split, or a row of it is damaged or has no valid label.
        """
        splits = self._dataset.splits
        if name not in splits:
            raise DataError(
                f"task 'images' has no split {name!r}.", hint=f"Its splits are: {', '.join(splits)}."
            )
        return self._load(splits[name], range(len(splits[name])))

    def proxy(self) -> Images:
        """The same images at 16 x 16, unless they are smaller or the user set a ``size``."""
        _, height, width = self.input_shape
        if self.options.size is not None or max(height, width) <= PROXY_SIZE:
            return self
        return Images(self.options.model_copy(update={"size": PROXY_SIZE}))

    def fingerprint(self) -> str:
        """The columns, the size, and a hash of the labels and the files' footers: not the folder's place.

        Raises:
            DataError: a file cannot be read.
        """
        columns, size = self._dataset.columns, self.options.size or "as stored"
        return f"{self.name} image={columns.image} label={columns.label} size={size} {self._dataset.digest()}"

    @cached_property
    def _appearance(self) -> Appearance:
        from automl.plugins.tasks.images.pixels import survey

        train = self._dataset.splits["train"]
        return survey(train.rows(train.sample(_SAMPLE)), self.options.size)

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        columns, train = self._dataset.columns, self._dataset.splits["train"]
        if columns.class_names:
            return columns.class_names
        highest = train.highest_label()
        if highest is None or not 0 <= highest < len(train):
            found = "all null" if highest is None else f"{highest} at most"
            raise DataError(
                f"column {columns.label!r} holds no labels of classes: expected numbers from 0 on, and no "
                f"more classes than the {len(train)} training images; they are {found}.",
                hint="Choose the column of labels with --set task.label=NAME",
            )
        return tuple(str(label) for label in range(highest + 1))

    def _load(self, split: Split, numbers: Sequence[int]) -> Batch:
        """The examples with these numbers, in this order."""
        import numpy as np
        import torch

        appearance = self._appearance
        pixels = np.empty((len(numbers), *appearance.shape), dtype=np.uint8)
        labels = np.empty(len(numbers), dtype=np.int64)
        position = {number: at for at, number in enumerate(numbers)}
        for row in split.rows(numbers):
            labels[position[row.number]] = self._label(row)
            pixels[position[row.number]] = appearance.pixels(row)
        return Batch(appearance.normalisation.apply(pixels), torch.from_numpy(labels))

    def _label(self, row: Row) -> int:
        if row.label is None or not 0 <= row.label < self.classes:
            column = self._dataset.columns.label
            raise DataError(
                f"{row.place}: {column!r} is {'null' if row.label is None else row.label}; expected a class "
                f"from 0 to {self.classes - 1} (the library 'datasets' writes -1 where none is known).",
                hint="Leave such rows out of the data set.",
            )
        return row.label
