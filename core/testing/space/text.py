"""The text of a candidate, its normal form and its description."""

from __future__ import annotations

from typing import Any

from automl.core.contracts import Genotype, SearchSpace
from automl.core.errors import AutomlError, ParseError
from automl.core.testing.broken import BrokenContractError, first_line, short
from automl.core.testing.space.case import SpaceCase, draw, rebuilt

_NONSENSE = ("", " ", "nonsense", "{", "{}", "[1]", '{"no such choice": 1}', "|x~0|", "0", "\N{SNOWMAN}")


class TextCases(SpaceCase):
    """What `render`, `parse`, `canonical` and `describe` have to be."""

    def test_render_and_parse_come_together(self) -> None:
        """A text that nobody can read back is of no use on the command line."""
        space = type(self.make_space())
        own = {name: getattr(space, name) is not getattr(SearchSpace, name) for name in ("render", "parse")}
        if own["render"] != own["parse"]:
            has, lacks = ("render", "parse") if own["render"] else ("parse", "render")
            raise BrokenContractError(
                f"{space.__name__} overrides {has} and not {lacks}.",
                demanded="parse is the inverse of render: what a person reads can be typed again.",
                change=f"write {lacks} too, or leave both to the base class, which uses the genotype's JSON.",
            )

    def test_a_text_reads_back_as_its_candidate(self) -> None:
        """`parse` is the inverse of `render`."""
        space = self.make_space()
        for genotype in draw(space):
            candidate = rebuilt(space, genotype, source="it sampled")
            text = _text(space, genotype, candidate)
            try:
                again = space.parse(text)
            except Exception as error:
                raise BrokenContractError(
                    f"{type(space).__name__}.parse raised {first_line(error)} for {text!r}, the text of a "
                    "candidate.",
                    demanded="parse is the inverse of render.",
                    change="let parse take every text that render gives.",
                ) from error
            if rebuilt(space, again, source=f"was parsed from {text!r}") != candidate:
                raise BrokenContractError(
                    f"{type(space).__name__}.parse reads {text!r} as {again.json}, another candidate than "
                    f"{genotype.json}, whose text it is.",
                    demanded="parse is the inverse of render.",
                    change="let the text hold everything that tells candidates apart.",
                )

    def test_different_candidates_have_different_texts(self) -> None:
        """A text names one candidate."""
        space = self.make_space()
        texts: dict[str, tuple[Genotype, Any]] = {}
        for genotype in draw(space, 200):
            candidate = rebuilt(space, genotype, source="it sampled")
            other, same_text = texts.setdefault(_text(space, genotype, candidate), (genotype, candidate))
            if same_text != candidate:
                raise BrokenContractError(
                    f"{type(space).__name__}.render gives {_text(space, genotype, candidate)!r} for two "
                    f"candidates: those of {other.json} and {genotype.json}.",
                    demanded="a text names one candidate: the two would count as one, and share an outcome.",
                    change="let the text hold everything that tells candidates apart.",
                )

    def test_what_is_no_candidate_does_not_parse(self) -> None:
        """A mistyped text is a `ParseError`, which says what was expected."""
        space = self.make_space()
        text = _text(space, *_first(space))
        for nonsense in (*_NONSENSE, text + "x", text[:-1], text[: len(text) // 2], text * 2):
            try:
                rebuilt(space, space.parse(nonsense), source=f"was parsed from {nonsense!r}")
            except ParseError as error:
                _check_helpful(space, nonsense, error)
            except BrokenContractError:
                raise
            except Exception as error:
                raise BrokenContractError(
                    f"{type(space).__name__}.parse raised {first_line(error)} for {nonsense!r}.",
                    demanded="a text that is none of a candidate is an automl.core.errors.ParseError: users "
                    "type such texts, and are told what is wrong instead of being shown a traceback.",
                    change="raise ParseError with the text and with what was expected.",
                ) from error

    def test_equal_candidates_have_one_normal_form(self) -> None:
        """`canonical`, and with it the key, depends on the candidate alone."""
        space, other = self.make_space(), self.make_space()
        for genotype in draw(space):
            first = rebuilt(space, genotype, source="it sampled")
            second = rebuilt(other, genotype, source="it sampled")
            for by_form in (False, True):
                keys = (
                    space.key(genotype, first, by_form=by_form),
                    other.key(genotype, second, by_form=by_form),
                )
                if keys[0] != keys[1]:
                    what = "render" if by_form or not _has_canonical(space) else "canonical"
                    raise BrokenContractError(
                        f"{type(space).__name__}.{what} gave two texts for the equal candidates of "
                        f"{genotype.json}.",
                        demanded="equal candidates have one text and one normal form: outcomes are looked "
                        "up by it.",
                        change=f"let {what} depend on the candidate's value alone.",
                    )

    def test_a_candidate_can_be_described(self) -> None:
        """Rows of a name and a value, both text."""
        space = self.make_space()
        for genotype in draw(space):
            rows = space.describe(genotype, rebuilt(space, genotype, source="it sampled"))
            fine = isinstance(rows, list) and all(
                isinstance(row, tuple) and len(row) == 2 and all(isinstance(part, str) for part in row)
                for row in rows
            )
            if not fine:
                raise BrokenContractError(
                    f"{type(space).__name__}.describe gave {short(rows)}.",
                    demanded="a description is a list of (name, value), both text.",
                    change="return [(name, str(value)), …].",
                )


def _text(space: SearchSpace[Any], genotype: Genotype, candidate: Any) -> str:
    text = space.text(genotype, candidate)
    if not isinstance(text, str) or not text.strip() or "\n" in text:
        raise BrokenContractError(
            f"{type(space).__name__}.render gave {short(text)} for {genotype.json}.",
            demanded="a candidate's text is one line: it stands in tables and is typed on the command line.",
            change="return one line of text, and never an empty one.",
        )
    return text


def _first(space: SearchSpace[Any]) -> tuple[Genotype, Any]:
    [genotype] = draw(space, 1)
    return genotype, rebuilt(space, genotype, source="it sampled")


def _check_helpful(space: SearchSpace[Any], nonsense: str, error: AutomlError) -> None:
    if not error.message.strip():
        raise BrokenContractError(
            f"{type(space).__name__}.parse raised a ParseError without a message for {nonsense!r}.",
            demanded="a message says what was wrong, and what was expected.",
            change="ParseError(f'{text!r} is …: expected …').",
        )


def _has_canonical(space: SearchSpace[Any]) -> bool:
    return type(space).canonical is not SearchSpace.canonical
