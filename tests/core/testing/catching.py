"""How the kit itself is tested: on plugins that are broken, each in one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from automl.core.testing import BrokenContractError


@dataclass(frozen=True)
class Broken:
    """A broken plugin, the test that has to catch it, and what the message has to say."""

    part: type[Any]
    test: str
    says: str

    def __str__(self) -> str:
        return self.part.__name__


def check_caught(contract: type[Any], kind: str, broken: Broken) -> None:
    """The test fails for the plugin, says why, what is demanded, and what to change."""
    case = type("Case", (contract,), {kind: broken.part})()
    with pytest.raises(BrokenContractError) as caught:
        getattr(case, broken.test)()
    message = str(caught.value)
    assert broken.says in message
    assert broken.part.__name__ in message, "the message does not name the plugin"
    did, demanded, change = message.split("\n")
    assert did
    assert len(demanded) > len("The contract: ") + 20
    assert len(change) > len("What to change: ") + 10


def cases_of(contract: type[Any]) -> set[str]:
    return {name for name in dir(contract) if name.startswith("test_")}


def run_all(contract: type[Any], kind: str, part: Any) -> None:
    """All of the contract's tests pass."""
    for name in sorted(cases_of(contract)):
        getattr(type("Case", (contract,), {kind: part})(), name)()
