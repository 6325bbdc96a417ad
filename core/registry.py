"""Finds, loads and lists what is registered.

Built-in parts and strangers' arrive in the same way: an entry point of the group ``automl`` names a module
with the hook, and the hook registers classes. A plugin is taken whole or not at all; one that fails is
reported by `Registry.plugins`, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

import pluggy
from pydantic import ValidationError

from automl.core import hookspecs
from automl.core.contracts import Component, Evaluator, Options, SearchSpace, Strategy, Task
from automl.core.errors import AutomlError, OptionError, PluginError, UnknownNameError, UsageError

DISTRIBUTION = "automl-search"
"""The distribution whose own entry points are the built-in parts."""

KINDS: Mapping[str, type[Component]] = MappingProxyType(
    {"space": SearchSpace, "evaluator": Evaluator, "strategy": Strategy, "task": Task}
)
"""What can be registered, by the name of the method of `hookspecs.Register` that does it."""

WORDS: Mapping[str, str] = MappingProxyType(
    {"space": "search space", "evaluator": "proxy", "strategy": "strategy", "task": "task"}
)
"""The same in the words of a message."""

_PLAINER = {"Input should": "it should", "a valid dictionary": "a table", "a valid tuple": "a list"}
"""Words of pydantic's, and those of whoever writes settings."""

OptionsT = TypeVar("OptionsT", bound=Options)

_REFERENCE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>\w*))?")

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Plugin:
    """What is known of one entry point.

    Attributes:
        name: the entry point's name.
        distribution, version: where it comes from.
        built_in: whether it is part of this distribution.
        api: the API version it states, or nothing where it states none.
        registered: (kind, name) of all that it brought.
        error: why it was not loaded; empty where it was.
    """

    name: str
    distribution: str
    version: str
    built_in: bool
    api: int | None = None
    registered: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """All that is registered, by kind and name, and the plugins that brought it."""

    plugins: tuple[Plugin, ...]
    _parts: Mapping[str, Mapping[str, type[Component]]] = field(repr=False)

    def names(self, kind: str) -> list[str]:
        """The names registered for a kind, sorted."""
        return sorted(self._parts[kind])

    def find(self, kind: str, name: str) -> type[Any]:
        """The class registered under ``name``, or the class in a file that ``path/file.py:Class`` names.

        Raises:
            UnknownNameError: nothing has this name.
            UsageError: the file does not hold such a class.
        """
        if is_file_reference(name):
            return load_from_file(name, KINDS[kind], WORDS[kind])
        parts = self._parts[kind]
        if name not in parts:
            broken = [plugin.name for plugin in self.plugins if plugin.error]
            hint = "See all with: automl plugins"
            if broken:
                hint = f"Plugins that failed to load: {', '.join(broken)}. {hint}"
            raise UnknownNameError(WORDS[kind], name, parts, hint=hint)
        return parts[name]

    def options(self, kind: str, name: str, given: Mapping[str, Any]) -> Options:
        """The checked options of a registered thing.

        Raises:
            UnknownNameError: it has no such option.
            OptionError: a value is not one that the option takes.
        """
        part: type[Component] = self.find(kind, name)
        return check_options(part.Options, given, f"{WORDS[kind]} {name!r}")

    def make(self, kind: str, name: str, given: Mapping[str, Any] | None = None) -> Any:
        """A registered thing (not a strategy, which needs more than options), made with these options."""
        return self.find(kind, name)(self.options(kind, name, given or {}))


def check_options(model: type[OptionsT], given: Mapping[str, Any], of: str) -> OptionsT:
    """``given`` as an instance of ``model``; errors in the words of this tool instead of pydantic's."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "options"
        if first["type"] == "extra_forbidden":
            raise UnknownNameError(f"option of {of}:", name, model.model_fields) from None
        message = first["msg"].removeprefix("Value error, ")
        for theirs, ours in _PLAINER.items():
            message = message.replace(theirs, ours)
        raise OptionError(f"option {name!r} of {of} is {first['input']!r}: {message}.") from None


def load_registry(only: Sequence[str] | None = None) -> Registry:
    """Load the built-in parts and the strangers' plugins.

    Args:
        only: the strangers' entry points to load; by default those that ``AUTOML_PLUGINS`` lists,
            separated by commas, and all where it is not set. Built-in parts are always loaded.
    """
    if only is None and "AUTOML_PLUGINS" in os.environ:
        only = [name.strip() for name in os.environ["AUTOML_PLUGINS"].split(",") if name.strip()]
    found = sorted(entry_points(group=hookspecs.PROJECT), key=lambda e: (not _built_in(e), e.name, e.value))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    loading = _Loading()
    for entry in dict.fromkeys(found):
        if _built_in(entry) or only is None or entry.name in only:
            loading.load(entry, manager)
    missing = [name for name in only or () if name not in {entry.name for entry in found}]
    for name in missing:
        loading.plugins.append(
            Plugin(name, "", "", built_in=False, error="AUTOML_PLUGINS names it, but it is not installed")
        )
    return Registry(
        tuple(loading.plugins),
        MappingProxyType({kind: MappingProxyType(parts) for kind, parts in loading.parts.items()}),
    )


def _built_in(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == DISTRIBUTION


class _Loading:
    """The registry while it is being filled."""

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self.parts: dict[str, dict[str, type[Component]]] = {kind: {} for kind in KINDS}
        self.owners: dict[tuple[str, str], str] = {}

    def load(self, entry: EntryPoint, manager: pluggy.PluginManager) -> None:
        distribution, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
        api: int | None = None
        brought: dict[tuple[str, str], type[Component]] = {}
        error = ""
        try:
            module = entry.load()
            api = getattr(module, "AUTOML_API", None)
            if api not in (None, hookspecs.API_VERSION):
                raise PluginError(
                    f"it was written for plugin API {api!r}, and this is {hookspecs.API_VERSION}: install a "
                    f"version of {distribution or entry.name} that was made for this one"
                )
            if not hasattr(module, "automl_register"):
                raise PluginError(f"module {entry.value!r} has no automl_register hook")
            manager.register(module, name=f"{distribution}:{entry.name}")
            if not manager.get_hookcallers(module):
                raise PluginError(f"{entry.value}.automl_register is not marked with @hookimpl")
            others = [plugin for plugin in manager.get_plugins() if plugin is not module]
            hook = manager.subset_hook_caller("automl_register", others)
            hook(register=_Registration(brought, self.owners))
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - a stranger's module may raise anything
            brought = {}
            error = _reason(raised)
        for (kind, name), part in brought.items():
            self.parts[kind][name] = part
            self.owners[kind, name] = entry.name
        self.plugins.append(
            Plugin(entry.name, distribution, version, _built_in(entry), api, tuple(brought), error)
        )


def _reason(raised: BaseException) -> str:
    if isinstance(raised, PluginError):
        return str(raised)
    lines = str(raised).strip().splitlines()
    return f"{type(raised).__name__}: {lines[0]}" if lines else type(raised).__name__


class _Registration:
    """What one plugin's hook is handed (`hookspecs.Register`): it collects, and refuses what cannot be."""

    def __init__(
        self, brought: dict[tuple[str, str], type[Component]], owners: Mapping[tuple[str, str], str]
    ) -> None:
        self._brought, self._owners = brought, owners

    def space(self, space: type[SearchSpace[Any]]) -> None:
        self._add("space", space)

    def evaluator(self, evaluator: type[Evaluator]) -> None:
        self._add("evaluator", evaluator)

    def strategy(self, strategy: type[Strategy]) -> None:
        self._add("strategy", strategy)

    def task(self, task: type[Task]) -> None:
        self._add("task", task)

    def _add(self, kind: str, part: type[Component]) -> None:
        check_part(part, KINDS[kind], WORDS[kind])
        key = (kind, part.name)
        if key in self._brought or key in self._owners:
            owner = self._owners.get(key, "itself, twice")
            raise PluginError(f"the {WORDS[kind]} {part.name!r} is registered already, by {owner}")
        self._brought[key] = part


def check_part(part: object, contract: type[Component], word: str) -> None:
    """Raise `PluginError` if ``part`` cannot be registered as what it claims to be."""
    if not inspect.isclass(part) or not issubclass(part, contract):
        raise PluginError(f"{part!r} is not a subclass of {contract.__name__}, which a {word} is")
    name = getattr(part, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(
            f"{part.__name__}.name is {name!r}: a {word} needs a name of lower-case letters, digits, '-', '_'"
        )
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"{word} {name!r} does not implement {', '.join(missing)}")
    if issubclass(part, Evaluator) and (part.score, part.evaluate) == (Evaluator.score, Evaluator.evaluate):
        raise PluginError(f"{word} {name!r} implements neither score nor evaluate")


# -- things straight from a file ------------------------------------------------------------------------


def is_file_reference(name: str) -> bool:
    """Whether ``name`` is a ``path/file.py:Class`` instead of a registered name."""
    return _REFERENCE.fullmatch(name) is not None


def absolute_reference(name: str) -> str:
    """``name`` with its path made absolute, so that it means the same in another process."""
    if not is_file_reference(name):
        return name
    path, attribute = _split(name)
    return f"{path.expanduser().resolve()}:{attribute}" if attribute else str(path.expanduser().resolve())


def _split(reference: str) -> tuple[Path, str]:
    """The path and the class of a reference; the class may be empty."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise UsageError(f"{reference!r} names no Python file: expected path/file.py:Class.")
    return Path(found["path"]), found["name"] or ""


def file_fingerprint(name: str) -> str:
    """A hash of the file that a reference names: what stands for its version."""
    return hashlib.sha256(_split(name)[0].read_bytes()).hexdigest()[:16]


def load_from_file(reference: str, contract: type[Component], word: str) -> type[Component]:
    """The class that ``path/file.py:Class`` names; ``:Class`` may be left out where there is only one.

    Raises:
        UsageError: there is no such file, it does not import, or it holds no such class.
    """
    path, attribute = _split(reference)
    module = _import_file(Path(path).resolve(), word)
    candidates = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, contract) and value.__module__ == module.__name__
    }
    if not attribute and len(candidates) == 1:
        part = next(iter(candidates.values()))
    elif attribute in candidates:
        part = candidates[attribute]
    else:
        raise UnknownNameError(
            f"{word} in {path}:",
            attribute,
            candidates,
            hint=f"Type {path}:CLASS, a subclass of {contract.__name__}.",
        )
    try:
        check_part(part, contract, word)
    except PluginError as error:
        raise UsageError(f"{path}: {error}.") from error
    return part


def _import_file(path: Path, word: str) -> ModuleType:
    """Import a file under a name of its own, once for each content, so that classes stay the same."""
    if not path.is_file():
        raise UsageError(f"no file {str(path)!r}: expected a Python file that holds the {word}.")
    name = f"automl_file_{hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{str(path)!r} cannot be imported as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their class's module up
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # a file may import its neighbours, now and later, as a script may
    try:
        spec.loader.exec_module(module)
    except AutomlError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(f"{path} does not import: {_reason(error)}.{_line_of(error, path)}") from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Where in the file it went wrong, for the message."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f" (line {error.lineno})"
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""
