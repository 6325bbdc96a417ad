"""From settings, or from a run on disk, to a running search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from automl.core.contracts import Metric, SearchSpace, Strategy, derive_seed
from automl.core.engine import CautiousEngine, Engine, InlineEngine, IsolatedEngine, Workbench
from automl.core.errors import (
    LeaseLostError,
    ReplayError,
    RunBusyError,
    StoreWriteError,
    UsageError,
)
from automl.core.interrupt import Interrupt
from automl.core.provenance import differences, machine, plugin_versions, versions
from automl.core.registry import Registry, load_registry
from automl.core.search import Ended, Rules, Search
from automl.core.settings import Settings, merge, settings_from
from automl.core.store import (
    SCHEMA_VERSION,
    Manifest,
    Row,
    Run,
    RunState,
    RunWriter,
    create_run,
    new_run_id,
    open_run,
    reopen_run,
)

DEFAULT_ROOT = Path("runs")

_CAUTION_SECONDS = 2.0
"""After a run that ended badly, so many seconds of evaluations run in a child process: a part is sealed every
second, so that what ended it is among them."""

_CAUTION_TIMEOUT = 600.0
_CAUTION_FACTOR = 20.0
"""In that child an evaluation may take ten minutes, or twenty times the longest of the record."""

_MEANINGFUL_MACHINE = ("cpu",)
"""What of the machine decides the last bits of a number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a search needs, made and checked before anything is written.

    Attributes:
        settings: resolved: every option with its value.
        registry: what was there when they were resolved.
        workbench: the space, the task and the evaluators.
        strategy: fresh.
        window: the number of proposals that may be without a result, where the strategy learns.
    """

    settings: Settings
    registry: Registry
    workbench: Workbench
    strategy: Strategy
    window: int | None

    @property
    def manifest(self) -> Manifest:
        """The record of a new run that begins now; its id is still open."""
        return Manifest(
            schema_version=SCHEMA_VERSION,
            id="",
            state=RunState.RUNNING,
            created_at=datetime.now(UTC),
            settings=self.settings.model_dump(mode="json"),
            seed=self.settings.seed,
            window=self.window,
            metrics=[_described(metric) for metric in self.workbench.metrics],
            objectives=[str(objective) for objective in self.workbench.objectives],
            versions=versions(),
            plugins={
                **plugin_versions(self.settings, self.registry),
                f"data of task {self.settings.task['name']}": self.workbench.task.fingerprint(),
            },
            machine=machine(),
        )


def plan(settings: Settings, registry: Registry | None = None) -> Plan:
    """Make all that the settings name.

    Raises:
        UsageError: a name, an option or a combination that does not exist.
        ChoiceError: the space breaks the rules of choices.
        DataError: the task's data is not there, or of another layout.
    """
    registry = load_registry() if registry is None else registry
    workbench = Workbench(settings, registry)
    workbench.space.rebuild(workbench.space.sample(Random(0)))  # a broken space is told now, not in a run
    strategy = _strategy(settings, registry, workbench)
    resolved = workbench.resolved_settings().model_copy(
        update={
            "strategy": {
                "name": settings.strategy["name"],
                **strategy.options.model_dump(mode="json"),
            }
        }
    )
    window = (settings.window or _default_window(settings.workers)) if strategy.learns else None
    return Plan(resolved, registry, workbench, strategy, window)


def start(
    settings: Settings,
    *,
    root: Path = DEFAULT_ROOT,
    registry: Registry | None = None,
    watch: Callable[[Row], None] | None = None,
    begun: Callable[[Run], None] | None = None,
) -> tuple[Run, Ended]:
    """Begin a new run in a folder of its own under ``root``, and search to the end.

    Args:
        settings: what to do.
        root: the folder of runs.
        registry: what is registered; by default it is loaded.
        watch: called with every row that is recorded.
        begun: called once with the run, before its first trial.

    Returns:
        The run, and why it ended.

    Raises:
        UsageError, DataError: before anything is written.
        StoreWriteError: the folder cannot be written.
    """
    planned = plan(settings, registry)
    now = datetime.now(UTC)
    run_id = new_run_id(
        root, planned.workbench.space.name, [e.name for e in planned.workbench.evaluators], now
    )
    manifest = planned.manifest.changed(id=run_id)
    with create_run(root / run_id, manifest) as writer:
        return _search(planned, writer, {}, watch=watch, begun=begun)


def resume(
    name: str | Path,
    *,
    root: Path = DEFAULT_ROOT,
    trials: int | None = None,
    max_time: float | None = None,
    adopt: bool = False,
    registry: Registry | None = None,
    watch: Callable[[Row], None] | None = None,
    begun: Callable[[Run], None] | None = None,
) -> tuple[Run, Ended]:
    """Go on with a run: the strategy is asked again and told what is recorded, then the search goes on.

    Args:
        name: the run's folder or its id under ``root``.
        root: the folder of runs.
        trials: how many trials in all, if not as many as the run was begun with.
        max_time: seconds after which nothing new is proposed, counted from now; by default the run's own
            limit, counted anew.
        adopt: go on from the record where the software, the machine or a proposal differs from it.
        registry: what is registered; by default it is loaded.
        watch: called with every row that is recorded.
        begun: called once with the run, before the search goes on.

    Returns:
        The run, and why it ended.

    Raises:
        RunNotFoundError, RunDamagedError, RunTooNewError, RunBusyError: the run cannot be gone on with.
        ReplayError: something differs from the record, and ``adopt`` is not set.
        UsageError: the run has more than ``trials``.
    """
    run = open_run(name, root=root)
    then = run.manifest
    record = {row.trial: row for row in run.rows()}
    if trials is not None and trials < len(record):
        raise UsageError(f"run {then.id} has {len(record)} trials: it cannot go on to {trials} in all.")
    overrides = {} if trials is None else {"trials": trials}
    planned = plan(settings_from(merge(then.settings, overrides)), registry)
    changed = _changed(planned, then)
    if changed and not adopt:
        raise ReplayError(
            f"run {then.id} cannot be replayed here: {'; '.join(changed)}.",
            hint="Go on from the record with --adopt, or start a new run.",
        )
    abnormal = then.state is RunState.RUNNING
    with reopen_run(run.folder) as writer:
        if writer.rows_sealed != len(record):
            raise RunBusyError(
                f"run {then.id} was written by another process a moment ago: it had {len(record)} trials, "
                f"and has {writer.rows_sealed}.",
                hint=f"Try again: automl resume {run.folder}",
            )
        now = planned.manifest
        writer.update(settings=now.settings)
        if changed:
            writer.note(f"adopted from trial {len(record)} on: {'; '.join(changed)}")
            writer.update(versions=now.versions, plugins=now.plugins, machine=now.machine)
        try:
            return _search(
                planned,
                writer,
                record,
                adopt=adopt,
                max_time=max_time,
                caution=_caution(record) if abnormal else None,
                watch=watch,
                begun=begun,
            )
        except ReplayError:  # the run is left as it was found
            writer.update(settings=then.settings)
            if not abnormal:
                writer.finish(then.state, then.reason)
            raise


def _search(
    planned: Plan,
    writer: RunWriter,
    record: Mapping[int, Row],
    *,
    adopt: bool = False,
    max_time: float | None = None,
    caution: float | None = None,
    watch: Callable[[Row], None] | None,
    begun: Callable[[Run], None] | None,
) -> tuple[Run, Ended]:
    settings, workbench = planned.settings, planned.workbench
    if begun is not None:
        begun(open_run(writer.folder))
    engine = _engine(workbench, settings, caution=caution)
    try:
        with Interrupt() as interrupt:
            search = Search(
                Rules(
                    trials=settings.trials,
                    seed=settings.seed,
                    window=planned.window,
                    reuse=settings.cache == "run",
                    by_form=workbench.by_form,
                    max_seconds=settings.max_time if max_time is None else max_time,
                    adopt=adopt,
                ),
                space=workbench.space,
                strategy=planned.strategy,
                objectives=workbench.objectives,
                engine=engine,
                writer=writer,
                evaluators=tuple(evaluator.name for evaluator in workbench.evaluators),
                record=record,
                interrupt=interrupt,
                watch=watch or _unwatched,
            )
            try:
                ended = search.run()
            except (StoreWriteError, LeaseLostError, ReplayError):
                raise  # nothing can be written, or is to be
            except Exception as error:
                writer.finish(RunState.FAILED, (str(error) or type(error).__name__).splitlines()[0])
                raise
            if search.adopted is not None:
                writer.note(f"the record was followed instead of the strategy from trial {search.adopted} on")
            state = RunState.INTERRUPTED if ended is Ended.INTERRUPTED else RunState.FINISHED
            writer.finish(state, ended.value)
    finally:
        engine.close()
    return open_run(writer.folder), ended


def _engine(workbench: Workbench, settings: Settings, *, caution: float | None) -> Engine:
    if settings.timeout is not None:
        return IsolatedEngine(settings)
    if caution is not None:
        limited = settings.model_copy(update={"timeout": caution})
        return CautiousEngine(IsolatedEngine(limited), InlineEngine(workbench), seconds=_CAUTION_SECONDS)
    return InlineEngine(workbench)


def _caution(record: Mapping[int, Row]) -> float:
    """Seconds after which an evaluation counts as hanging, where a hang may be what ended the last run."""
    longest = max((row.seconds for row in record.values()), default=0.0)
    return max(_CAUTION_TIMEOUT, _CAUTION_FACTOR * longest)


def _strategy(settings: Settings, registry: Registry, workbench: Workbench) -> Strategy:
    name = settings.strategy["name"]
    options = registry.options("strategy", name, settings.options_of("strategy"))
    random = Random(derive_seed(settings.seed, 0, "strategy", name))
    strategy: Strategy = registry.find("strategy", name)(
        workbench.space, workbench.objectives, random, options
    )
    return strategy


def _default_window(workers: int) -> int:
    """1 with one worker; else twice the workers, so that none of them waits for the slowest."""
    return 1 if workers == 1 else 2 * workers


def _changed(planned: Plan, then: Manifest) -> list[str]:
    """What decides numbers and is not what it was when the run began."""
    now = planned.manifest
    changed = differences(then.versions, now.versions)
    changed += differences(then.plugins, now.plugins)
    for name in _MEANINGFUL_MACHINE:
        changed += differences({name: then.machine.get(name, "")}, {name: now.machine.get(name, "")})
    if then.window != now.window:
        changed.append(f"the window was {then.window} and is {now.window}")
    return changed


def _described(metric: Metric) -> dict[str, str]:
    return {
        "name": metric.name,
        "direction": metric.direction.value,
        "unit": metric.unit,
        "description": metric.description,
    }


def _unwatched(row: Row) -> None:
    pass


def search(
    space: str | type[SearchSpace[Any]],
    proxy: str | Sequence[str],
    *,
    root: str | Path = DEFAULT_ROOT,
    **settings: Any,
) -> Run:
    """Search a space, and return the run: the front door in Python.

    ``automl.search("nasbench201", "ntk", trials=100, task={"name": "images", "data": "cifar10"})``

    Args:
        space: a registered name, ``path/file.py:Class``, or a class that stands in a module of its own.
        proxy: one or several evaluators, by name.
        root: the folder of runs.
        **settings: any setting of `Settings`, in the form that a settings file takes.

    Returns:
        The run, finished or interrupted (``run.state``). ``run.trials()`` is a pandas frame, ``run.best(10)``
        the best rows.

    Raises:
        UsageError: a name, an option or a value that does not exist.
        DataError: the task's data is not there.
    """
    registry = load_registry()
    table = {"space": _reference(space, registry), "proxy": proxy}
    run, _ = start(settings_from(merge(table, settings)), root=Path(root), registry=registry)
    return run


def _reference(space: str | type[SearchSpace[Any]], registry: Registry) -> str:
    """The name under which another process finds the space."""
    if isinstance(space, str):
        return space
    name: str = space.name
    if name in registry.names("space") and registry.find("space", name) is space:
        return name
    import inspect

    if space.__module__ == "__main__":
        raise UsageError(
            f"search space {space.__name__} stands in the script that runs, and another process that "
            "imported it would run the script again: put it into a file of its own, and pass its path, as "
            f"in 'my_space.py:{space.__name__}'."
        )
    try:
        return f"{inspect.getfile(space)}:{space.__qualname__}"
    except (OSError, TypeError) as error:
        raise UsageError(
            f"search space {space.__name__} stands in no file: put it into one, and pass its path, as in "
            f"'my_space.py:{space.__name__}'."
        ) from error
