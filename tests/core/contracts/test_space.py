"""What a search space has by itself, and what follows from what it overrides."""

from __future__ import annotations

import pytest

from automl.core.contracts import Batch, Choices, Genotype, Options, SearchSpace, Task, View
from automl.core.errors import MissingViewError, ParseError
from automl.testing import BranchSpace, ConvSpace, NoiseTask

RED = Genotype({"kind": "large", "size": 2, "colour": "red"})
BLUE = Genotype({"kind": "large", "size": 2, "colour": "blue"})


class Sizes(BranchSpace):
    """Only the size counts, in its text and in its normal form."""

    name = "sizes"

    def canonical(self, candidate: tuple[str, int, str]) -> str:
        return str(candidate[1])


class Rendered(Sizes):
    name = "rendered"

    def render(self, candidate: tuple[str, int, str]) -> str:
        return " ".join(map(str, candidate))

    def parse(self, text: str) -> Genotype:
        raise ParseError(f"{text!r}: not today")


def keys(space: SearchSpace[tuple[str, int, str]], *, by_form: bool) -> list[str]:
    return [space.key(genotype, space.rebuild(genotype), by_form=by_form) for genotype in (RED, BLUE)]


def test_by_default_the_text_is_the_genotype() -> None:
    space = BranchSpace()
    assert space.text(RED, space.rebuild(RED)) == RED.json
    assert space.parse(RED.json) == RED
    assert space.describe(RED, space.rebuild(RED)) == [("kind", "large"), ("size", "2"), ("colour", "red")]


def test_a_space_may_write_texts_of_its_own() -> None:
    assert Rendered().text(RED, Rendered().rebuild(RED)) == "large 2 red"


@pytest.mark.parametrize("space", [BranchSpace(), Sizes(), Rendered()])
def test_by_form_every_text_is_different(space: BranchSpace) -> None:
    first, second = keys(space, by_form=True)
    assert first != second


def test_equal_normal_forms_have_equal_keys() -> None:
    first, second = keys(Sizes(), by_form=False)
    assert first == second
    first, second = keys(BranchSpace(), by_form=False)
    assert first != second
    assert len(bytes.fromhex(first)) == 16


def test_views_are_those_that_are_overridden() -> None:
    assert BranchSpace.views() == frozenset()
    assert ConvSpace.views() == {View.NETWORK}

    class Tabulated(ConvSpace):
        name = "tabulated"

        def table_key(self, candidate: object) -> str:
            return str(candidate)

    assert Tabulated.views() == {View.NETWORK, View.TABLE_KEY}


def test_a_view_that_is_missing_says_so() -> None:
    space = BranchSpace()
    candidate = space.rebuild(RED)
    for ask, view in (
        (lambda: space.network(candidate, NoiseTask()), "network"),
        (lambda: space.program(candidate), "program"),
        (lambda: space.layer(candidate), "layer"),
        (lambda: space.table_key(candidate), "table key"),
    ):
        with pytest.raises(MissingViewError, match=f"search space 'kit-branch' has no {view} view"):
            ask()


def test_a_space_is_its_own_proxy() -> None:
    space = BranchSpace()
    assert space.proxy() is space


def test_options_have_defaults_and_do_not_change() -> None:
    task = NoiseTask()
    assert task.options.classes == 4
    with pytest.raises(ValueError, match="frozen"):
        task.options.classes = 5  # type: ignore[misc]  # that is the fault
    assert BranchSpace().options == Options()


def test_a_task_names_its_classes_by_number_and_has_a_fingerprint() -> None:
    assert NoiseTask().class_names == ("0", "1", "2", "3")
    assert NoiseTask().fingerprint() == NoiseTask().fingerprint()
    assert "kit-noise" in NoiseTask().fingerprint()


def test_the_contracts_are_enough_for_a_space_of_a_few_lines() -> None:
    class Line(SearchSpace[int]):
        name = "line"

        def define(self, choose: Choices) -> int:
            return choose.integer("a", 1, 3)

    assert [Line().rebuild(genotype) for genotype in Line().enumerate()] == [1, 2, 3]
    assert issubclass(NoiseTask, Task)
    assert isinstance(NoiseTask().split("test"), Batch)
