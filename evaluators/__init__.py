"""DOC_evaluators"""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.evaluators":
    raise ImportError("import automl.evaluators instead of evaluators")
