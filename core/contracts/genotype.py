"""The genotype: the choices made, in order. The only form in which a candidate travels or is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from automl.core.errors import ChoiceError, ParseError

Value: TypeAlias = str | int | float | bool | None
"""What a choice can yield: a JSON scalar."""

SCALARS = frozenset({str, int, float, bool, type(None)})
"""The types of such values. A subclass (an enum's member, a number of numpy's) is none: it would come back
from JSON as something else."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Genotype(Mapping[str, Value]):
    """An immutable, hashable, ordered map from the names of choices to what was chosen.

    Two genotypes are equal when they hold the same choices in the same order, types included: ``1``,
    ``1.0`` and ``True`` are three different values here.
    """

    __slots__ = ("_text", "_values")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)
        if not SCALARS.issuperset(map(type, self._values.values())):
            name = next(name for name, value in self._values.items() if type(value) not in SCALARS)
            raise ChoiceError(
                f"genotype: {name!r} is {self._values[name]!r}, a {type(self._values[name]).__name__}: "
                "expected plain text, a finite number, true, false or null."
            )
        try:
            self._text = _encode(self._values)
            if not self._text.isascii():
                self._text.encode()  # half of a surrogate pair is text that no file can hold
        except ValueError as error:
            raise ChoiceError(
                f"genotype {self._values!r}: expected text and finite numbers, as JSON has them ({error})."
            ) from error

    @classmethod
    def from_json(cls, text: str) -> Genotype:
        """The genotype that ``text``, a flat JSON object, holds.

        Raises:
            ParseError: ``text`` is not a flat JSON object of scalars.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"genotype {text!r} is not JSON: {error}.") from error
        if not isinstance(values, dict) or any(isinstance(v, dict | list) for v in values.values()):
            raise ParseError(f'genotype {text!r}: expected a flat JSON object, such as {{"width": 8}}.')
        try:
            return cls(values)
        except ChoiceError as error:
            raise ParseError(error.message) from error

    @property
    def json(self) -> str:
        """The genotype as compact JSON, in the order of the choices."""
        return self._text

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Genotype) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Genotype({self._text})"
