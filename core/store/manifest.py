"""``run.json``: what a run was asked to do, with what software, and how it ended."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from automl.core.contracts import Direction, Metric, Objective
from automl.core.errors import RunDamagedError, RunNotFoundError, RunTooNewError
from automl.core.store import files

SCHEMA_VERSION = 1
"""The version of the format that this software writes, and the newest that it reads."""


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    """Being written, or its writer was killed: whether there is one, the lease tells."""
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Manifest(BaseModel):
    """The content of ``run.json``. Fields that a later release adds within a schema version are kept.

    Attributes:
        schema_version: of the whole folder.
        id: the run's name.
        state: how far it is.
        reason: why it ended; empty while it runs.
        created_at, ended_at: UTC.
        settings: all settings, resolved: ``automl search --config run.json`` repeats the run.
        seed: what all randomness is derived from.
        window: how many proposals may be without a result; nothing for a strategy that does not learn.
        metrics: all that the run's evaluators declare: ``name``, ``direction``, ``unit`` and
            ``description`` of each. Each is a column ``metric.NAME``.
        objectives: ``NAME:max`` or ``NAME:min``, the first being what candidates are ranked by.
        versions: of Python and of the libraries that results depend on.
        plugins: versions of the distributions that the run's parts come from.
        machine: the host, its processor, its system.
        trials: rows at the end; nothing while the run has not ended.
        notes: what a reader has to know: that the run does not replay, that the record was adopted …
    """

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True)

    schema_version: int = SCHEMA_VERSION
    id: str
    state: RunState = RunState.RUNNING
    reason: str = ""
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    settings: dict[str, Any]
    seed: int
    window: int | None
    metrics: tuple[dict[str, str], ...]
    objectives: tuple[str, ...]
    versions: dict[str, str] = {}
    plugins: dict[str, str] = {}
    machine: dict[str, str] = {}
    trials: int | None = None
    notes: tuple[str, ...] = ()

    @field_validator("settings")
    @classmethod
    def _proper(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for part in ("space", "strategy", "task"):
            table = settings.get(part)
            if not isinstance(table, dict) or not isinstance(table.get("name"), str):
                raise ValueError(f"{part}.name is not a text")  # noqa: TRY004 - pydantic's way
        if not isinstance(settings.get("proxy"), dict) or not settings["proxy"]:
            raise ValueError("proxy is not a table of at least one proxy")
        trials = settings.get("trials")
        if type(trials) is not int or trials < 1:
            raise ValueError("trials is not a positive whole number")
        return settings

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        for metric in self.metrics:
            Metric(metric.get("name", ""), Direction(metric.get("direction", "")))
        names = self.metric_names
        if len(set(names)) < len(names):
            raise ValueError(f"metrics {list(names)}: a name stands twice")
        for text in self.objectives:
            if parse_objective(text).metric not in names:
                raise ValueError(f"objective {text!r} is none of the metrics {list(names)}")
        return self

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics, in the order of their columns."""
        return tuple(metric["name"] for metric in self.metrics)

    def changed(self, **changes: Any) -> Manifest:
        """This manifest with other values, checked."""
        return Manifest.model_validate({**self.model_dump(), **changes})

    def to_bytes(self) -> bytes:
        """The file's content: JSON, indented, UTF-8."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
        # Half a surrogate pair (a file name that is no text) has no UTF-8; its escape is also JSON's.
        return text.encode("utf-8", "backslashreplace") + b"\n"


def parse_objective(text: str) -> Objective:
    """The objective that ``NAME:max`` or ``NAME:min`` names.

    Raises:
        ValueError: it is neither.
    """
    metric, _, direction = text.partition(":")
    return Objective(metric, Direction(direction))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the run in ``folder``.

    Raises:
        RunNotFoundError: there is no such folder.
        RunDamagedError: ``run.json`` is missing, torn, or none of ours.
        RunTooNewError: it has a newer schema than this software reads.
    """
    path = folder / files.MANIFEST
    try:
        content = json.loads(files.read_bytes(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.is_dir():
            raise RunNotFoundError(f"there is no run folder {str(folder)!r}.") from error
        raise RunDamagedError(
            f"{str(folder)!r} has no {files.MANIFEST}: it is not a run, or was killed while it was made.",
            hint="If it holds no trials, remove it and search again.",
        ) from error
    except OSError as error:
        raise RunDamagedError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RunDamagedError(
            f"{str(path)!r} is torn: it is not JSON ({error}).", hint=_mend(folder)
        ) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if type(version) is not int:
        raise RunDamagedError(
            f"{str(path)!r} is not a run of this software: it has no schema_version.", hint=_mend(folder)
        )
    if version > SCHEMA_VERSION:
        raise RunTooNewError(
            f"{str(folder)!r} has schema version {version}; this software reads up to {SCHEMA_VERSION}.",
            hint="Upgrade it: pip install --upgrade automl-search",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise RunDamagedError(
            f"{str(path)!r} is not a run's manifest: {where}: {first['msg']}.", hint=_mend(folder)
        ) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace ``run.json`` in one step."""
    files.write_atomically(folder / files.MANIFEST, manifest.to_bytes())


def _mend(folder: Path) -> str:
    trials = str(folder / files.TRIALS)
    return f"Restore the file from a copy. The trials can still be read: pandas.read_parquet({trials!r})."
