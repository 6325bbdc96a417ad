"""Handwritten digits: the default task, since its data come with scikit-learn."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.contracts import Batch, Task
from automl.core.errors import DataError
from automl.plugins.tasks.drawing import draw, draw_examples
from automl.plugins.tasks.normalisation import Normalisation

if TYPE_CHECKING:
    from numpy import int64, uint8
    from numpy.typing import NDArray

_LEVELS = 17
"""Each pixel counts the dark ones of a 4 x 4 block, 0 to 16."""

_TEST_SHARE = 0.2
_SPLIT_SEED = 0


class Digits(Task):
    """Grey images of handwritten digits, 8 x 8 pixels, in 10 classes: 1,438 to train with, 359 to test.

    They are the 1,797 images that scikit-learn brings: the test set of the Optical Recognition of
    Handwritten Digits (Alpaydin and Kaynak 1998). The file goes through its writers one by one, so the
    split is shuffled, a fifth of every class being for the test; it never changes. Normalised by the
    training images' mean and standard deviation.
    """

    name = "digits"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One channel, 8 x 8."""
        return (1, 8, 8)

    @property
    def classes(self) -> int:
        """Ten."""
        return 10

    def batch(self, size: int, seed: int) -> Batch:
        """``size`` different training images, drawn by ``seed`` alone.

        Raises:
            DataError: there are fewer than ``size``.
        """
        inputs, labels = self._splits["train"].inputs, self._splits["train"].labels
        assert labels is not None  # noqa: S101 - for the type checker: digits have labels
        drawn = draw_examples(self.name, len(inputs), size, seed)
        return Batch(inputs[drawn], labels[drawn])

    def split(self, name: str) -> Batch:
        """All images of ``"train"`` or ``"test"``, shuffled once and for all.

        Raises:
            DataError: there is no such split.
        """
        if name not in self._splits:
            raise DataError(f"task 'digits' has no split {name!r}.", hint="Its splits are: train, test.")
        found = self._splits[name]
        assert found.labels is not None  # noqa: S101 - for the type checker: digits have labels
        return Batch(found.inputs.clone(), found.labels.clone())

    def fingerprint(self) -> str:
        """The task's name and a hash of the pixels, the labels and the split."""
        pixels, labels = self._data
        order = ",".join(str(number) for part in split_digits(labels.tolist()) for number in part)
        content = pixels.tobytes() + labels.tobytes() + order.encode()
        return f"{self.name} {blake2b(content, digest_size=16).hexdigest()}"

    @cached_property
    def _data(self) -> tuple[NDArray[uint8], NDArray[int64]]:
        return read_digits(bundled_file())

    @cached_property
    def _splits(self) -> Mapping[str, Batch]:
        import numpy as np
        import torch

        pixels, labels = self._data
        train, test = split_digits(labels.tolist())
        counts = np.bincount(pixels[train].ravel(), minlength=_LEVELS).tolist()
        normalisation = Normalisation.of_counts([counts])
        return {
            name: Batch(normalisation.apply(pixels[part]), torch.from_numpy(labels[part]))
            for name, part in (("train", train), ("test", test))
        }


def split_digits(labels: list[int]) -> tuple[list[int], list[int]]:
    """The numbers of the images to train and to test with: shuffled, a fifth of each class for the test."""
    wanted = {label: round(_TEST_SHARE * count) for label, count in Counter(labels).items()}
    train, test = [], []
    for number in draw(len(labels), len(labels), _SPLIT_SEED):
        if wanted[labels[number]] > 0:
            wanted[labels[number]] -= 1
            test.append(number)
        else:
            train.append(number)
    return train, test


def read_digits(file: Path | None) -> tuple[NDArray[uint8], NDArray[int64]]:
    """Pixels ``(n, 1, 8, 8)`` and labels ``(n,)`` from scikit-learn's file, or else by its own function.

    The file is read in 20 ms; importing the function costs a second or two, and is left for a version
    that keeps the file elsewhere.
    """
    import numpy as np

    if file is not None and file.is_file():
        rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
        flat, labels = rows[:, :-1], rows[:, -1]
    else:
        from sklearn.datasets import load_digits

        flat, labels = load_digits(return_X_y=True)
    return flat.reshape(-1, 1, 8, 8).astype(np.uint8), labels.astype(np.int64)


def bundled_file() -> Path | None:
    """The file in scikit-learn's folder, which is found without importing scikit-learn."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
