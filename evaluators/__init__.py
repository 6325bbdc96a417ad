"""The built-in evaluators."""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.evaluators":
    raise ImportError("import automl.evaluators instead of evaluators")

from automl.core.hookspecs import Register, hookimpl
from automl.evaluators.complexity import Macs, Params
from automl.evaluators.ntk import Ntk

AUTOML_API = 1


@hookimpl
def automl_register(register: Register) -> None:
    """Register the built-in evaluators."""
    for evaluator in (Ntk, Params, Macs):
        register.evaluator(evaluator)
