from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from automl.plugins.tasks.digits import Digits, bundled_file, read_digits, split_digits


def test_reads_the_file_as_scikit_learn_does() -> None:
    file = bundled_file()
    assert file is not None
    assert file.is_file()
    pixels, labels = read_digits(file)
    expected = load_digits()
    assert (pixels[:, 0] == expected.images).all()
    assert (labels == expected.target).all()
    assert str(pixels.dtype) == "uint8"
    assert str(labels.dtype) == "int64"


def test_without_the_file_scikit_learn_is_asked(tmp_path: Path) -> None:
    for file in (None, tmp_path / "digits.csv.gz"):
        pixels, labels = read_digits(file)
        expected_pixels, expected_labels = read_digits(bundled_file())
        assert (pixels == expected_pixels).all()
        assert (labels == expected_labels).all()
        assert str(pixels.dtype) == "uint8"
        assert str(labels.dtype) == "int64"


def test_a_fifth_of_every_class_is_for_the_test() -> None:
    labels = read_digits(bundled_file())[1].tolist()
    train, test = split_digits(labels)
    assert sorted(train + test) == list(range(1797))
    assert (len(train), len(test)) == (1438, 359)
    counts, held_out = Counter(labels), Counter(labels[number] for number in test)
    assert all(abs(held_out[label] - counts[label] / 5) <= 0.5 for label in range(10))


def test_the_split_is_the_same_for_ever() -> None:
    train, test = split_digits(read_digits(bundled_file())[1].tolist())
    assert train[:6] == [1014, 862, 1779, 1467, 851, 1358]
    assert test[:6] == [1517, 1362, 756, 467, 920, 730]
    assert Digits().fingerprint() == "digits 1c3dc7e686c7105ec69af9423959ac06"


def test_both_splits_mix_the_writers() -> None:
    """The file goes through its writers in order: each split has its share of the file's beginning."""
    train, test = split_digits(read_digits(bundled_file())[1].tolist())
    for part in (train, test, train[:200]):
        share = sum(number < 1797 / 2 for number in part) / len(part)
        assert 0.4 < share < 0.6


def test_normalised_by_the_training_images_alone() -> None:
    task = Digits()
    images = load_digits().images
    train, test = split_digits(load_digits().target.tolist())
    mean, std = images[train].mean(), images[train].std()
    for name, numbers in (("train", train), ("test", test)):
        expected = (images[numbers] - mean) / std
        np.testing.assert_allclose(task.split(name).inputs[:, 0].numpy(), expected, atol=1e-5)


def test_a_split_is_the_callers_own() -> None:
    task = Digits()
    before = task.batch(8, 0).inputs.clone()
    split = task.split("train")
    assert split.labels is not None
    split.inputs.zero_()
    split.labels.zero_()
    assert torch.equal(task.batch(8, 0).inputs, before)
    assert task.split("train").inputs.abs().max() > 0
