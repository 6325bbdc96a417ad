"""What is plugged in besides search spaces and evaluators: strategies and tasks, one folder a kind."""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.plugins":
    raise ImportError("import automl.plugins instead of plugins")
