"""What a result depends on besides its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.core import provenance
from automl.core.provenance import cpu_model, differences, machine, plugin_versions, versions
from automl.core.registry import load_registry
from automl.core.settings import settings_from
from tests.core import parts


def test_versions_and_machine_are_there_and_are_texts() -> None:
    assert set(versions()) == {
        "python",
        "automl-search",
        "torch",
        "numpy",
        "optuna",
        "pillow",
        "scipy",
        "scikit-learn",
    }
    assert "not installed" not in versions().values()
    assert machine()["cpu"] == cpu_model() != ""


def test_a_distribution_that_is_not_there_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_DECIDE_NUMBERS", ("numpy", "no-such-distribution"))
    assert versions()["no-such-distribution"] == "not installed"


def test_everything_named_has_an_origin_and_a_file_its_content(tmp_path: Path) -> None:
    file = tmp_path / "parts.py"
    file.write_text(Path(parts.__file__).read_text())
    settings = settings_from({"space": f"{file}:Word", "proxy": "params"})
    registry = load_registry(only=[])
    first = plugin_versions(settings, registry)
    assert set(first) == {f"space {file}:Word", "task digits", "strategy evolution", "evaluator params"}
    assert first["task digits"].startswith("automl-search ")
    file.write_text(file.read_text() + "\n# another content\n")
    again = plugin_versions(settings, registry)
    assert differences(first, again) == [
        f"space {file}:Word was {first[f'space {file}:Word']} and is {again[f'space {file}:Word']}"
    ]


def test_what_is_gone_is_a_difference_and_what_is_new_is_none() -> None:
    assert differences({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == ["a was 1 and is gone"]


def test_a_part_of_another_revision_is_a_difference(tmp_path: Path) -> None:
    file = tmp_path / "parts.py"
    registry = load_registry(only=[])

    def origin(revision: str) -> str:
        file.write_text(
            f"from tests.core.parts import Word\nclass Mine(Word):\n    name, version = 'mine', {revision}\n"
        )
        settings = settings_from({"space": f"{file}:Mine", "proxy": "params"})
        return plugin_versions(settings, registry)[f"space {file}:Mine"]

    first, second = origin("1"), origin("2")
    assert first.endswith("revision 1")
    assert second.endswith("revision 2")
    assert first.partition(",")[0] != second.partition(",")[0]
