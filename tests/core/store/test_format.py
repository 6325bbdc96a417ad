"""The format is what its documentation says, and reading it costs little."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import automl.core.store as store
from automl.core.contracts import Source, Status
from automl.core.store.manifest import Manifest
from automl.core.store.parts import schema_of
from automl.core.store.row import COLUMNS
from tests.core.store import samples

README = Path(store.__file__).with_name("README.md").read_text(encoding="utf-8")


def documented(heading: str) -> dict[str, list[str]]:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {name: cells for first, *cells in lines for name in re.findall(r"`([^`]+)`", first)}


def test_the_readme_has_every_column_with_its_type_in_order() -> None:
    table = documented("The trials table")
    types = {name: cells[0].replace("&lt;", "<").replace("&gt;", ">") for name, cells in table.items()}
    assert types.pop("metric.NAME") == "double"
    assert list(types.items()) == list(COLUMNS.items())
    actual = {field.name: str(field.type).replace("item: ", "") for field in schema_of(samples.manifest())}
    assert types.items() <= actual.items()
    exempt = {name for name, cells in table.items() if "**Exempt**" in cells[-1]}
    assert exempt == store.EXEMPT_COLUMNS
    for name, cells in table.items():
        field = schema_of(samples.manifest()).field(name.replace("NAME", "ntk"))
        assert field.nullable == ("null" in cells[-1]), name


def test_the_readme_names_every_status_and_source() -> None:
    table = documented("The trials table")
    assert re.findall(r"`(\w+)`", table["status"][-1]) == [status.value for status in Status]
    assert re.findall(r"`(\w+)`", table["source"][-1]) == [source.value for source in Source]


def test_the_readme_has_every_field_of_the_manifest_and_the_version() -> None:
    assert list(documented("The manifest")) == list(Manifest.model_fields)
    assert f"Schema version **{store.SCHEMA_VERSION}**" in README


def test_the_store_imports_nothing_heavy() -> None:
    heavy = "{'pandas', 'pyarrow', 'torch', 'ray', 'numpy', 'optuna'}"
    script = f"import sys, automl.core.store; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_names_exist() -> None:
    assert sorted(store.__all__) == sorted(set(store.__all__))
    assert all(hasattr(store, name) for name in store.__all__)
