"""Small data sets of images, written as the Hugging Face hub stores them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ("cat", "dog", "eel")


def pixels(seed: int, *, height: int = 6, width: int = 6, channels: int = 3) -> np.ndarray[Any, Any]:
    """Random pixels, ``(height, width, channels)`` uint8; no channel axis where there is one only."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: np.ndarray[Any, Any] | Image.Image, kind: str = "PNG") -> bytes:
    """The image as a file's content."""
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind)
    return file.getvalue()


def pngs(count: int, **shape: int) -> list[bytes]:
    """``count`` different images."""
    return [encoded(pixels(seed, **shape)) for seed in range(count)]


def write(
    path: Path,
    images: Sequence[bytes | None],
    labels: Sequence[int | None],
    *,
    names: Sequence[str] | None = NAMES,
    image: str = "image",
    label: str = "label",
    group: int = 4,
    compression: str = "zstd",
) -> Path:
    """A Parquet file of images and labels; without ``names``, without metadata."""
    table = pa.table(
        {
            image: pa.array([{"bytes": content, "path": None} for content in images], IMAGE),
            label: pa.array(labels, pa.int64()),
        }
    )
    if names is not None:
        label_feature = {"names": list(names), "_type": "ClassLabel"}
        table = with_features(table, {image: {"_type": "Image"}, label: label_feature})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group, compression=compression)
    return path


def with_features(table: pa.Table, features: dict[str, object]) -> pa.Table:
    """The table with the metadata that the library ``datasets`` would write."""
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_plain(folder: Path, train: int = 12, test: int = 5, **shape: int) -> Path:
    """A folder with both splits of a sound data set."""
    for split, count in (("train", train), ("test", test)):
        labels = [number % len(NAMES) for number in range(count)]
        write(folder / f"{split}-00000-of-00001.parquet", pngs(count, **shape), labels)
    return folder
