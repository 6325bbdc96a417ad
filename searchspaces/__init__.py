"""DOC_searchspaces"""

# From the repository's root this folder could also be imported under its bare name, and everything
# would then exist twice: two error classes, two registries.
if __name__ != "automl.searchspaces":
    raise ImportError("import automl.searchspaces instead of searchspaces")
