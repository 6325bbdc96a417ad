"""The engine: contracts, registry, store, engines, the search loop, the command line.

It knows no plugin by name.
"""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.core":
    raise ImportError("import automl.core instead of core")
