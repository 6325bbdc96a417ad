"""``automl score``: one candidate, in every detail."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import click

from automl.core.cli.options import condition_options, gather, json_option, subject_options
from automl.core.cli.output import out, print_facts, print_json, print_table

if TYPE_CHECKING:
    from automl.core.contracts import Genotype, Metric, Outcome, SearchSpace


@click.command("score")
@click.argument("candidate")
@subject_options
@condition_options
@json_option
def command(
    candidate: str,
    *,
    config: Path | None,
    data: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> int:
    """Score CANDIDATE: its text as the space writes it, or its genotype as JSON.

    Nothing is written. Exits with 3 where it has no score.

    \b
    automl score --space nasbench201 --proxy ntk --proxy params \\
      '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'
    """
    from automl.core.cli.main import EXIT_NOTHING_SCORED
    from automl.core.contracts import Status
    from automl.core.engine import InlineEngine, IsolatedEngine, Work, Workbench
    from automl.core.registry import load_registry

    settings = gather(given, config=config, data=data, assignments=assignments)
    workbench = Workbench(settings, load_registry())
    space = workbench.space
    genotype, built = _read(candidate, space)
    engine = IsolatedEngine(settings) if settings.timeout is not None else InlineEngine(workbench)
    try:
        engine.submit(Work(0, genotype))
        [evaluation] = engine.collect()
    finally:
        engine.close()
    outcome = evaluation.outcome
    text = space.text(genotype, built)
    if as_json:
        print_json(
            {
                "candidate": text,
                "genotype": dict(genotype),
                "key": space.key(genotype, built, by_form=workbench.by_form),
                "status": outcome.status.value,
                "reason": outcome.reason,
                "metrics": dict(outcome.metrics),
                "seconds": outcome.seconds,
            }
        )
    else:
        _print(text, space.describe(genotype, built), outcome, workbench.metrics)
    return 0 if outcome.status is Status.OK else EXIT_NOTHING_SCORED


def _read(text: str, space: SearchSpace[Any]) -> tuple[Genotype, Any]:
    """The genotype that a text names, and its candidate.

    Raises:
        ParseError: it names none; the message has an example.
    """
    from automl.core.contracts import Genotype
    from automl.core.errors import ChoiceError, ParseError

    try:
        genotype = Genotype.from_json(text) if text.lstrip().startswith("{") else space.parse(text)
        return genotype, space.rebuild(genotype)
    except (ParseError, ChoiceError) as error:
        example = space.sample(Random(0))
        written = space.text(example, space.rebuild(example))
        message = error.message
        if isinstance(error, ChoiceError):
            message = f"candidate {text!r} is none of search space {space.name!r}: {message}"
        raise ParseError(message, hint=error.hint or f"An example: '{written}'") from error


def _print(
    text: str, description: list[tuple[str, str]], outcome: Outcome, metrics: tuple[Metric, ...]
) -> None:
    from automl.core.report.numbers import duration, number
    from automl.core.report.table import Column, Kind

    facts = [("candidate", text), ("status", outcome.status.value)]
    if outcome.reason:
        facts.append(("reason", outcome.reason))
    facts.append(("took", duration(outcome.seconds)))
    facts += [(name, value) for name, value in description if value != text]
    print_facts(facts)
    if outcome.metrics:
        columns = [Column("metric", Kind.NAME), Column("value", Kind.NUMBER), Column("unit", Kind.NAME)]
        out()
        print_table(
            [*columns, Column("better", Kind.NAME), Column("what it is")],
            [
                (
                    metric.name,
                    number(outcome.metrics[metric.name]),
                    metric.unit,
                    "higher" if metric.direction == "max" else "lower",
                    metric.description,
                )
                for metric in metrics
                if metric.name in outcome.metrics
            ],
        )
