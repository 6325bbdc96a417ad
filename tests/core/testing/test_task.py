"""The task's contract catches what is broken, and passes what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.core.contracts import Batch, Task
from automl.core.errors import DataError
from automl.testing import NoiseTask, TaskContract
from tests.core.testing.broken_tasks import ALL
from tests.core.testing.catching import Broken, cases_of, check_caught


class Unlabelled(NoiseTask):
    """Without labels, and without a split for testing."""

    name = "unlabelled"

    def batch(self, size: int, seed: int) -> Batch:
        return replace(super().batch(size, seed), labels=None)

    def split(self, name: str) -> Batch:
        if name != "train":
            raise DataError(f"there is no {name!r}: only train.")
        return replace(super().split(name), labels=None)


@pytest.mark.parametrize("broken", ALL, ids=str)
def test_a_broken_task_is_caught(broken: Broken) -> None:
    check_caught(TaskContract, "task", broken)


def test_every_test_of_the_contract_can_fail() -> None:
    assert {broken.test for broken in ALL} == cases_of(TaskContract)


@pytest.mark.parametrize("task", [NoiseTask, Unlabelled])
class TestSound(TaskContract):
    @pytest.fixture(autouse=True)
    def _named(self, task: type[Task]) -> None:
        self.task = task


def test_a_case_without_a_task_says_what_to_write() -> None:
    with pytest.raises(TypeError, match="task = MyTask"):
        TaskContract().test_the_splits_share_no_example()
