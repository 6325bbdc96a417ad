"""Which columns hold the images and the labels, and what the classes are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from automl.core.errors import DataError, UnknownNameError

_USUAL_IMAGES = ("image", "img")
_USUAL_LABELS = ("label", "labels")


@dataclass(frozen=True, slots=True)
class Columns:
    """What a data set's columns are called.

    Attributes:
        image: the column of ``struct<bytes, path>``.
        label: the column of integers.
        class_names: by label, or empty where the data set does not say.
    """

    image: str
    label: str
    class_names: tuple[str, ...]


def choose_columns(schema: pa.Schema, file: str, image: str | None, label: str | None) -> Columns:
    """The columns of images and labels: those asked for, else the only ones that can be meant.

    The metadata that the library ``datasets`` writes says which columns are an ``Image`` and which a
    ``ClassLabel``. Without them, an image is a ``struct<bytes, path>`` and a label a column of integers
    whose name says so.

    Args:
        schema: of a Parquet file.
        file: its name, for messages.
        image: the column of images asked for, if one was.
        label: the same for the labels.

    Raises:
        DataError: there is no such column, or several.
        UnknownNameError: the column asked for is not one.
    """
    features = _features(schema)
    kinds = {name: feature.get("_type") for name, feature in features.items()}
    images = [field.name for field in schema if _holds_bytes(field.type)]
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    typed_images = [name for name in images if kinds.get(name) == "Image"]
    typed_labels = [name for name in integers if kinds.get(name) == "ClassLabel"]
    named_labels = [name for name in integers if "label" in name.lower()]
    chosen = _choose("label", label, integers, typed_labels or named_labels, _USUAL_LABELS, schema, file)
    return Columns(
        _choose("image", image, images, typed_images or images, _USUAL_IMAGES, schema, file),
        chosen,
        _names(features.get(chosen, {})),
    )


def _choose(
    what: str,
    asked: str | None,
    possible: Sequence[str],
    likely: Sequence[str],
    usual: Sequence[str],
    schema: pa.Schema,
    file: str,
) -> str:
    if asked is not None:
        if asked not in possible:
            raise UnknownNameError(f"column of {what}s in {file}:", asked, possible)
        return asked
    if len(likely) == 1:
        return likely[0]
    if preferred := [name for name in usual if name in likely]:
        return preferred[0]
    if likely:
        raise DataError(
            f"{file} has several columns of {what}s: {', '.join(likely)}.",
            hint=f"Choose one with --set task.{what}={likely[0]}",
        )
    columns = ", ".join(f"{field.name} ({field.type})" for field in schema) or "none"
    expected = {
        "image": "struct<bytes: binary, path: string>, as the library 'datasets' writes images",
        "label": "integers, called 'label' or marked as ClassLabel",
    }
    hint = f"Choose one with --set task.{what}=NAME" if possible else ""
    raise DataError(
        f"{file} has no column of {what}s: expected {expected[what]}. Its columns: {columns}.", hint=hint
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    inner = kind.field("bytes").type
    return bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner))


def _features(schema: pa.Schema) -> Mapping[str, Mapping[str, Any]]:
    """The columns' features in the metadata of the library ``datasets``; empty where there are none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _names(feature: Mapping[str, Any]) -> tuple[str, ...]:
    names = feature.get("names")
    return tuple(map(str, names)) if isinstance(names, list) else ()
