"""How the kit says that a plugin breaks its contract."""

from __future__ import annotations


class BrokenContractError(AssertionError):
    """A plugin breaks its contract.

    Args:
        did: what the plugin did, with the values.
        demanded: what the contract demands instead, and why.
        change: what to change in the plugin.
    """

    def __init__(self, did: str, *, demanded: str, change: str) -> None:
        self.did, self.demanded, self.change = did, demanded, change
        super().__init__(f"{did}\nThe contract: {demanded}\nWhat to change: {change}")


def short(value: object, most: int = 120) -> str:
    """``repr(value)``, cut where it is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_line(error: BaseException) -> str:
    """An exception as a message shows it: its type and its first line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
