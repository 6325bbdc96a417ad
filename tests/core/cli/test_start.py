"""What the tool says of itself, and that it says so without loading anything heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from automl.core.cli.main import cli
from tests.core.cli.tool import Tool

HEAVY = ("torch", "ray", "pandas", "optuna", "pyarrow", "numpy")
COMMANDS = ("search", "resume", "show", "runs", "score", "plugins", "doctor")
ALL = [[command] for command in COMMANDS] + [["runs", "list"], ["runs", "compact"], ["plugins", "list"]]

LOADED = f"""
import json, sys
from automl.core.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], *([*c, "--help"] for c in ALL)])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == (0 if arguments else 2), ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == []


def test_the_help_lists_every_command(tool: Tool) -> None:
    listed = [line.split()[0] for line in tool("--help").out.partition("Commands:\n")[2].splitlines() if line]
    assert (
        tuple(listed[: len(COMMANDS)])
        == COMMANDS
        == tuple(cli.list_commands(cli.make_context("automl", ["x"])))
    )


@pytest.mark.parametrize("command", [[], *ALL])
def test_every_help_fits_80_columns(tool: Tool, command: list[str]) -> None:
    result = tool(*command, "--help")
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 80
    assert "..." not in result.out.replace("[ARGS]...", "")  # no sentence is cut off
    assert tool(*command, "-h") == result


def test_the_version(tool: Tool) -> None:
    from importlib.metadata import version

    assert tool("--version").out == f"automl {version('automl-search')}\n"


def test_without_a_command_the_help_is_shown_as_a_usage_error(tool: Tool) -> None:
    result = tool()
    assert (result.code, result.out) == (2, "")
    assert result.err == tool("--help").out


@pytest.mark.parametrize("group", ["runs", "plugins"])
def test_a_group_without_a_command_lists(tool: Tool, group: str) -> None:
    assert tool(group) == tool(group, "list")
    assert tool(group, "--json") == tool(group, "list", "--json")
    assert tool(group, "--json").json is not None
