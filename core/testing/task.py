"""The contract of tasks as test cases."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from automl.core.contracts import Batch, Task
from automl.core.errors import DataError
from automl.core.testing.broken import BrokenContractError, first_line, short
from automl.core.testing.component import check_component
from automl.core.testing.randomness import global_randomness

_BATCH = 16
_USE_SEED = "draw from torch.Generator().manual_seed(seed)."


class TaskContract:
    """Holds a task to its contract.

    ``class TestMyTask(TaskContract): task = MyTask`` is a whole test suite. Override `make_task` for one that
    needs options, such as a folder of data.

    Attributes:
        task: the class in question.
    """

    task: type[Task]

    def make_task(self) -> Task:
        """The task to test; by default the class with its default options."""
        if not hasattr(self, "task"):
            raise TypeError(f"{type(self).__name__} names no task: write task = MyTask in it")
        return self.task()

    def test_it_can_be_registered_and_its_options_are_checked(self) -> None:
        """A name, options with defaults that refuse the unknown and survive JSON."""
        check_component("task", getattr(self, "task", None) or type(self.make_task()))

    def test_it_says_what_its_examples_are(self) -> None:
        """The shape of an input, the classes and their names."""
        task = self.make_task()
        shape, classes, names = task.input_shape, task.classes, task.class_names
        if not (isinstance(shape, tuple) and shape and all(type(n) is int and n > 0 for n in shape)):
            raise BrokenContractError(
                f"{type(task).__name__}.input_shape is {short(shape)}.",
                demanded="the shape of one input is a tuple of positive integers, such as (3, 32, 32).",
                change="return tuple(inputs.shape[1:]).",
            )
        if type(classes) is not int or classes < 1:
            raise BrokenContractError(
                f"{type(task).__name__}.classes is {classes!r}.",
                demanded="the number of classes is a positive integer: a network's last layer has as many "
                "outputs.",
                change="return the number of classes as an int.",
            )
        if (
            len(names) != classes
            or len(set(names)) < len(names)
            or not all(isinstance(n, str) for n in names)
        ):
            raise BrokenContractError(
                f"{type(task).__name__}.class_names is {short(names)}, and there are {classes} classes.",
                demanded="each class has a name of its own, in the order of the labels.",
                change="return as many different names as there are classes.",
            )

    def test_batches_and_splits_are_as_promised(self) -> None:
        """``(n, *input_shape)`` float32, finite, with labels in [0, classes)."""
        task = self.make_task()
        size = self._size(task)
        batch = task.batch(size, seed=0)
        for what, examples in ((f"batch({size}, seed=0)", batch), *self._splits(task).items()):
            _check_examples(task, what, examples)

    def test_the_same_seed_gives_the_same_batch(self) -> None:
        """From this task and from one made anew, however the global generators are seeded."""
        task = self.make_task()
        size = self._size(task)
        first = task.batch(size, seed=3)
        for which, again in (("this task", task), ("a task made anew", self.make_task())):
            with global_randomness(1, who=f"{type(task).__name__}.batch", use=_USE_SEED):
                batch = again.batch(size, seed=3)
            if not _equal(first, batch):
                raise BrokenContractError(
                    f"{type(task).__name__}.batch({size}, seed=3) gave other examples the second time, by "
                    f"{which}.",
                    demanded="a batch is drawn by its seed alone: all candidates are judged on the same "
                    "one, on whichever worker.",
                    change=f"{_USE_SEED} Keep nothing that changes.",
                )

    def test_different_seeds_give_different_batches(self) -> None:
        """Ten seeds, and not always the same examples."""
        task = self.make_task()
        size = min(self._size(task), len(task.split("train").inputs) - 1)
        first = task.batch(size, seed=0)
        if all(_equal(first, task.batch(size, seed=seed)) for seed in range(1, 10)):
            raise BrokenContractError(
                f"{type(task).__name__}.batch({size}, seed) gave the same examples for ten different seeds.",
                demanded="another seed draws other examples: repeats are averaged over them.",
                change=_USE_SEED,
            )

    def test_a_batch_holds_different_examples(self) -> None:
        """No example comes more often than in the training split, not even in a batch as large as that."""
        task = self.make_task()
        train = _rows(task.split("train"))
        size = sum(train.values())
        self._check_different(task.batch(size, seed=0), size, train)

    def test_a_batch_is_whole_or_a_data_error(self) -> None:
        """More examples than the training split has: none, or as many different ones all the same."""
        task = self.make_task()
        train = _rows(task.split("train"))
        size = sum(train.values()) + 1
        try:
            batch = task.batch(size, seed=0)
        except DataError:
            return
        except Exception as error:
            raise self._not_refused(f"batch({size}, seed=0)", f"raised {first_line(error)}") from error
        self._check_different(batch, size, train)

    def test_an_unknown_split_is_a_data_error(self) -> None:
        """What is not there says so."""
        task = self.make_task()
        try:
            task.split("no such split")
        except DataError:
            return
        except Exception as error:
            raise self._not_refused("split('no such split')", f"raised {first_line(error)}") from error
        raise self._not_refused("split('no such split')", "gave one")

    def test_the_splits_share_no_example(self) -> None:
        """What is tested on was not trained on."""
        task = self.make_task()
        splits = self._splits(task)
        train, *others = (set(_rows(examples)) for examples in splits.values())
        shared = train.intersection(*others) if others else set()
        if shared:
            raise BrokenContractError(
                f"{type(task).__name__}: {len(shared)} inputs stand in the training split and in the test "
                "split.",
                demanded="what is tested on was not trained on.",
                change="take each example into one of the two.",
            )

    def test_its_small_form_is_the_same_task(self) -> None:
        """`Task.proxy` has the same classes, and batches of the shape that it says."""
        task = self.make_task()
        proxy = task.proxy()
        if (proxy.classes, proxy.class_names) != (task.classes, task.class_names):
            raise BrokenContractError(
                f"{type(task).__name__}.proxy() has {proxy.classes} classes, {short(proxy.class_names)}; the "
                f"task has {task.classes}, {short(task.class_names)}.",
                demanded="the small form is the same task with smaller inputs: scores on it stand for it.",
                change="let only input_shape differ, and what is needed to make such inputs.",
            )
        size = self._size(task)
        _check_examples(proxy, f"proxy().batch({size}, seed=0)", proxy.batch(size, seed=0))

    def test_its_fingerprint_is_its_own(self) -> None:
        """Equal for two tasks that are made alike."""
        task, again = self.make_task(), self.make_task()
        if task.fingerprint() != again.fingerprint() or not isinstance(task.fingerprint(), str):
            raise BrokenContractError(
                f"{type(task).__name__}.fingerprint() is {short(task.fingerprint())}, then "
                f"{short(again.fingerprint())}.",
                demanded="the fingerprint is a text, equal for tasks with the same data and settings.",
                change="hash the data and the options, nothing else.",
            )

    def _size(self, task: Task) -> int:
        return min(_BATCH, len(task.split("train").inputs))

    def _splits(self, task: Task) -> dict[str, Batch]:
        """The splits there are: a task need not have one for testing."""
        splits = {"split('train')": task.split("train")}
        with suppress(DataError):
            splits["split('test')"] = task.split("test")
        return splits

    def _check_different(self, batch: Batch, size: int, train: Counter[bytes]) -> None:
        rows = _rows(batch)
        if sum(rows.values()) != size or any(count > max(1, train[row]) for row, count in rows.items()):
            raise BrokenContractError(
                f"{type(self.make_task()).__name__}.batch({size}, seed=0) gave {len(rows)} different "
                "examples.",
                demanded="a batch holds as many different training examples as were asked for; where there "
                "are fewer, it is a DataError.",
                change="draw without replacement: torch.randperm(count, generator=…)[:size].",
            )

    def _not_refused(self, call: str, instead: str) -> BrokenContractError:
        return BrokenContractError(
            f"{type(self.make_task()).__name__}.{call} {instead}.",
            demanded="what the task does not have is an automl.core.errors.DataError, which says what there "
            "is.",
            change="raise DataError with what was asked for and what there is.",
        )


def _check_examples(task: Task, what: str, examples: Batch) -> None:
    import torch

    who = f"{type(task).__name__}.{what}"
    inputs, labels = examples.inputs, examples.labels
    if inputs.dtype != torch.float32 or tuple(inputs.shape[1:]) != tuple(task.input_shape):
        raise BrokenContractError(
            f"{who} has inputs of shape {tuple(inputs.shape)} and type {inputs.dtype}.",
            demanded="inputs are (n, *input_shape) float32, here (n, "
            f"{', '.join(map(str, task.input_shape))}).",
            change="reshape them, and .float().",
        )
    if not bool(torch.isfinite(inputs).all()):
        raise BrokenContractError(
            f"{who} has inputs that are not finite.",
            demanded="inputs are finite numbers.",
            change="where a channel is divided by its deviation, see to it that it is not zero.",
        )
    if labels is None:
        return
    in_range = labels.numel() == 0 or (int(labels.min()) >= 0 and int(labels.max()) < task.classes)
    if labels.dtype != torch.int64 or tuple(labels.shape) != (len(inputs),) or not in_range:
        raise BrokenContractError(
            f"{who} has labels of shape {tuple(labels.shape)}, type {labels.dtype}, from "
            f"{labels.min().item()} to {labels.max().item()}.",
            demanded=f"labels are (n,) int64 in [0, {task.classes}), or None.",
            change="number the classes from 0, and .long().",
        )


def _equal(first: Batch, second: Batch) -> bool:
    if (first.labels is None) != (second.labels is None) or not first.inputs.equal(second.inputs):
        return False
    return first.labels is None or second.labels is None or first.labels.equal(second.labels)


def _rows(examples: Batch) -> Counter[bytes]:
    """How often each input is among the examples."""
    return Counter(row.numpy().tobytes() for row in examples.inputs.detach().cpu().contiguous())
