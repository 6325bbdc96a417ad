"""The run on disk: what a search was asked, and every candidate it scored, in plain JSON and Parquet.

``README.md`` in this folder documents the format, column by column.
"""

from automl.core.store.compaction import compact
from automl.core.store.lease import Holder
from automl.core.store.manifest import SCHEMA_VERSION, Manifest, RunState
from automl.core.store.row import EXEMPT_COLUMNS, Row
from automl.core.store.run import DamagedRun, Run, list_runs, new_run_id, open_run
from automl.core.store.writer import RunWriter, create_run, reopen_run

__all__ = [
    "EXEMPT_COLUMNS",
    "SCHEMA_VERSION",
    "DamagedRun",
    "Holder",
    "Manifest",
    "Row",
    "Run",
    "RunState",
    "RunWriter",
    "compact",
    "create_run",
    "list_runs",
    "new_run_id",
    "open_run",
    "reopen_run",
]
