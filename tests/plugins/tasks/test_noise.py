from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from automl.core.errors import DataError
from automl.plugins.tasks.drawing import draw
from automl.plugins.tasks.noise import Noise, NoiseOptions


def test_has_the_shape_that_the_options_say() -> None:
    task = Noise(NoiseOptions(channels=2, size=5, classes=4, examples=200))
    assert (task.input_shape, task.classes, task.class_names) == ((2, 5, 5), 4, ("0", "1", "2", "3"))
    batch = task.batch(200, 0)
    assert batch.inputs.shape == (200, 2, 5, 5)
    assert batch.labels is not None
    assert set(batch.labels.tolist()) == {0, 1, 2, 3}


def test_is_normal_noise_without_a_trace_of_the_label() -> None:
    batch = Noise(NoiseOptions(channels=1, size=8, classes=2, examples=2000)).split("train")
    assert batch.labels is not None
    assert abs(batch.inputs.mean()) < 0.01
    assert abs(batch.inputs.std() - 1) < 0.01
    # A mean over 1,000 x 64 values has a standard deviation of .004.
    by_label = [batch.inputs[batch.labels == label].mean() for label in (0, 1)]
    assert abs(by_label[0] - by_label[1]) < 0.03


def test_a_batch_is_drawn_from_the_training_split() -> None:
    task = Noise(NoiseOptions(channels=1, size=3, examples=40))
    train, batch = task.split("train"), task.batch(9, 7)
    drawn = draw(40, 9, 7)
    assert train.labels is not None
    assert batch.labels is not None
    assert torch.equal(batch.inputs, train.inputs[drawn])
    assert torch.equal(batch.labels, train.labels[drawn])


@pytest.mark.parametrize(("examples", "test"), [(1, 1), (7, 1), (40, 10)])
def test_has_as_many_examples_as_the_options_say(examples: int, test: int) -> None:
    task = Noise(NoiseOptions(channels=1, size=2, examples=examples))
    assert (len(task.split("train").inputs), len(task.split("test").inputs)) == (examples, test)
    with pytest.raises(DataError, match=f"task 'noise' has {examples} to train with"):
        task.batch(examples + 1, 0)


@pytest.mark.parametrize(
    "wrong", [{"channels": 0}, {"size": -1}, {"classes": 0}, {"examples": 0}, {"shape": 3}]
)
def test_refuses_options_that_make_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        NoiseOptions.model_validate(wrong)
