"""Which examples a batch holds."""

from __future__ import annotations

from random import Random

from automl.core.errors import DataError


def draw(count: int, size: int, seed: int) -> list[int]:
    """``size`` different numbers in [0, count), in random order: a function of the arguments alone.

    A shuffle (Fisher and Yates; Durstenfeld 1964) that stops after ``size`` steps and remembers only
    what it moved, so that its price does not depend on ``count``. Of Python's generator it uses
    ``random()`` alone, the one method whose sequence is promised never to change, so that a recorded
    run draws the same batches under another version.
    """
    random = Random(seed).random
    moved: dict[int, int] = {}
    drawn = []
    for step in range(size):
        other = step + int(random() * (count - step))
        drawn.append(moved.get(other, other))
        moved[other] = moved.get(step, step)
    return drawn


def draw_examples(task: str, count: int, size: int, seed: int) -> list[int]:
    """The numbers of the examples of a batch, out of a task's ``count`` training examples.

    Raises:
        DataError: there are fewer than ``size``.
    """
    if size > count:
        raise DataError(
            f"a batch of {size} examples was asked for, and task {task!r} has {count} to train with.",
            hint=f"Ask for a batch of at most {count}, or take a task with more examples.",
        )
    return draw(count, size, seed)
