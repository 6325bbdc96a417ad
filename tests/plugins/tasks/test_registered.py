"""What holds for every task that is registered here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from automl.core.contracts import Task
from automl.core.errors import DataError
from automl.plugins import tasks
from automl.plugins.tasks.digits import Digits
from automl.plugins.tasks.images import Images, ImagesOptions
from automl.plugins.tasks.noise import Noise, NoiseOptions
from tests.plugins.tasks.images.writing import write_plain

_MAKE: dict[str, Callable[[Path], Task]] = {
    "digits": lambda folder: Digits(),
    "noise": lambda folder: Noise(NoiseOptions(channels=1, size=4, classes=3, examples=20)),
    "images": lambda folder: Images(ImagesOptions(data=str(write_plain(folder, train=20)))),
}


class _Registered:
    def __init__(self) -> None:
        self.names: list[str] = []

    def task(self, task: type[Task]) -> None:
        self.names.append(task.name)


def _registered() -> list[str]:
    register: Any = _Registered()
    tasks.automl_register(register)
    return list(register.names)


@pytest.fixture(params=_registered())
def task(request: pytest.FixtureRequest, tmp_path: Path) -> Task:
    return _MAKE[request.param](tmp_path)


def test_three_are_registered() -> None:
    assert _registered() == ["digits", "noise", "images"]


def test_a_batch_has_the_shape_that_the_task_says(task: Task) -> None:
    batch = task.batch(16, 5)
    assert batch.inputs.shape == (16, *task.input_shape)
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.isfinite().all()
    assert batch.labels is not None
    assert batch.labels.shape == (16,)
    assert batch.labels.dtype == torch.int64
    assert 0 <= batch.labels.min() <= batch.labels.max() < task.classes
    assert len(task.class_names) == task.classes


def test_a_batch_depends_on_its_seed_alone(task: Task) -> None:
    torch.manual_seed(1)
    first = task.batch(8, 5)
    torch.manual_seed(2)
    task.batch(8, 6)
    again, other = task.batch(8, 5), task.batch(8, 6)
    assert first.labels is not None
    assert again.labels is not None
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.inputs, other.inputs)


def test_drawing_leaves_the_global_generator_alone(task: Task) -> None:
    before = torch.random.get_rng_state()
    task.batch(8, 5)
    task.split("test")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_examples_of_a_batch_are_different(task: Task) -> None:
    assert len({example.numpy().tobytes() for example in task.batch(18, 11).inputs}) == 18


def test_splits_are_fixed_and_share_no_example(task: Task) -> None:
    train, again, test = task.split("train"), task.split("train"), task.split("test")
    assert train.labels is not None
    assert again.labels is not None
    assert torch.equal(train.inputs, again.inputs)
    assert torch.equal(train.labels, again.labels)
    assert test.inputs.shape[1:] == task.input_shape
    with pytest.raises(DataError, match=r"no split 'validation'.*train, test"):
        task.split("validation")


def test_the_fingerprint_is_equal_for_an_equal_task(task: Task, tmp_path: Path) -> None:
    twin = _MAKE[task.name](tmp_path / "elsewhere")
    assert task.fingerprint() == twin.fingerprint()
    assert task.fingerprint().startswith(task.name)


def test_nothing_heavy_is_imported_to_register_them() -> None:
    code = (
        "import sys; from automl.plugins import tasks\n"
        "class Register:\n"
        "    def task(self, task): task.Options.model_json_schema()\n"
        "tasks.automl_register(Register())\n"
        "heavy = {'torch', 'numpy', 'pyarrow', 'PIL', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
