"""The built-in search spaces."""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.searchspaces":
    raise ImportError("import automl.searchspaces instead of searchspaces")

from automl.core.hookspecs import Register, hookimpl
from automl.searchspaces.nasbench201 import NasBench201

AUTOML_API = 1


@hookimpl
def automl_register(register: Register) -> None:
    """Register the built-in search spaces."""
    register.space(NasBench201)
