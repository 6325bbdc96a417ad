"""What a result depends on besides its settings."""

from __future__ import annotations

from pathlib import Path

from automl.core.provenance import cpu_model, differences, machine, plugin_versions, versions
from automl.core.registry import load_registry
from automl.core.settings import settings_from
from tests.core import parts


def test_versions_and_machine_are_there_and_are_texts() -> None:
    assert set(versions()) == {"python", "automl-search", "torch", "numpy", "optuna"}
    assert "not installed" not in versions().values()
    assert machine()["cpu"] == cpu_model() != ""


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
