"""``automl score``: one candidate, in every detail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from automl.core.cli.options import evaluation_options, gather, json_option
from automl.core.cli.output import note, number, print_json, print_table


@click.command("score")
@click.argument("candidate")
@evaluation_options
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

    \b
    automl score '|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|' \\
        --space nasbench201 --proxy ntk --proxy params
    """
    from automl.core.cli.main import EXIT_NOTHING_SCORED
    from automl.core.contracts import Genotype, Status
    from automl.core.engine import InlineEngine, IsolatedEngine, Work, Workbench
    from automl.core.errors import ChoiceError, ParseError
    from automl.core.registry import load_registry
    from automl.core.settings import settings_from

    settings = settings_from(gather(given, config=config, data=data, assignments=assignments))
    workbench = Workbench(settings, load_registry())
    space = workbench.space
    try:
        written = candidate.lstrip().startswith("{")
        genotype = Genotype.from_json(candidate) if written else space.parse(candidate)
        built = space.rebuild(genotype)
    except ChoiceError as error:
        raise ParseError(f"candidate {candidate!r} is none of space {space.name!r}: {error}") from error
    engine = IsolatedEngine(settings) if settings.timeout is not None else InlineEngine(workbench)
    try:
        engine.submit(Work(0, genotype))
        [evaluation] = engine.collect()
    finally:
        engine.close()
    outcome = evaluation.outcome
    if as_json:
        print_json(
            {
                "candidate": space.text(genotype, built),
                "genotype": dict(genotype),
                "key": space.key(genotype, built, by_form=workbench.by_form),
                "status": outcome.status.value,
                "reason": outcome.reason,
                "metrics": dict(outcome.metrics),
                "seconds": outcome.seconds,
            }
        )
    else:
        units = {metric.name: metric for metric in workbench.metrics}
        print_table(
            [("metric", False), ("value", True), ("unit", False), ("better", False), ("what it is", False)],
            [
                (
                    name,
                    number(value),
                    units[name].unit,
                    "higher" if units[name].direction == "max" else "lower",
                    units[name].description,
                )
                for name, value in outcome.metrics.items()
            ],
            title=space.text(genotype, built),
        )
        print_table([("choice", False), ("value", False)], space.describe(genotype, built))
        note(f"{outcome.status.value}, {outcome.seconds:.3g} s")
        if outcome.reason:
            note(outcome.reason)
    return 0 if outcome.status is Status.OK else EXIT_NOTHING_SCORED
