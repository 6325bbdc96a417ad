"""The task against a plain reading of the same files, and what it promises of its batches."""

from __future__ import annotations

import io
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from automl.core.contracts import Batch, Task
from automl.core.errors import DataError, OptionError
from automl.plugins.tasks.drawing import draw
from automl.plugins.tasks.images import Images, ImagesOptions
from tests.plugins.tasks.images.writing import (
    IMAGE,
    NAMES,
    encoded,
    pixels,
    pngs,
    with_features,
    write,
    write_plain,
)


def images(folder: Path, **options: Any) -> Images:
    return Images(ImagesOptions(data=str(folder), **options))


def read_slowly(
    *files: Path, image: str = "image", label: str = "label", mode: str = "RGB", size: int | None = None
) -> tuple[np.ndarray[Any, Any], list[int]]:
    """All pixels ``(n, h, w, c)`` and labels of the files, read whole and one by one."""
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    decoded = [Image.open(io.BytesIO(row[image]["bytes"])).convert(mode) for row in rows]
    if size:
        decoded = [picture.resize((size, size), Image.Resampling.BILINEAR) for picture in decoded]
    stacked = np.stack([np.asarray(picture) for picture in decoded])
    return stacked.reshape(*stacked.shape[:3], -1), [row[label] for row in rows]


def assert_equal(
    batch: Batch, pixels: np.ndarray[Any, Any], labels: list[int], like: np.ndarray[Any, Any]
) -> None:
    """``batch`` holds these, normalised as the training images ``like`` are."""
    mean, std = like.mean(axis=(0, 1, 2)), like.std(axis=(0, 1, 2))
    expected = ((pixels - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(batch.inputs.numpy(), expected, atol=1e-5)
    assert batch.labels is not None
    assert batch.labels.tolist() == labels


@pytest.mark.parametrize("group", [1, 3, 100])
def test_reads_what_a_plain_reader_does(tmp_path: Path, group: int) -> None:
    files = [tmp_path / f"train-0000{shard}-of-00003.parquet" for shard in range(3)]
    every = pngs(17)
    for file, (start, end) in zip(files, [(0, 5), (5, 12), (12, 17)], strict=True):
        write(file, every[start:end], [number % 3 for number in range(start, end)], group=group)
    test_file = write(tmp_path / "test.parquet", pngs(4), [2, 2, 0, 1], group=group)
    task = images(tmp_path)
    train, labels = read_slowly(*files)
    assert_equal(task.split("train"), train, labels, train)
    assert_equal(task.split("test"), *read_slowly(test_file), train)
    for seed in range(8):
        drawn = draw(17, 6, seed)
        assert_equal(task.batch(6, seed), train[drawn], [labels[number] for number in drawn], train)


@pytest.mark.parametrize("size", [None, 16])
def test_reads_cifar10(shared: Path, size: int | None) -> None:
    folder = shared / "data" / "cifar10"
    task = images(folder, size=size)
    assert task.input_shape == ((3, 32, 32) if size is None else (3, 16, 16))
    assert task.class_names == (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    expected, labels = read_slowly(folder / "train-00000-of-00001.parquet", image="img", size=size)
    batch = task.batch(64, 3)
    drawn = draw(4000, 64, 3)
    assert batch.labels is not None
    assert batch.labels.tolist() == [labels[number] for number in drawn]
    # Up to a thousand images are looked at for mean and deviation: here a sample, not all of the 4,000.
    inputs = task.split("train").inputs
    assert inputs.mean(dim=(0, 2, 3)).abs().max() < 0.05
    assert (inputs.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05
    for channel in range(3):
        plane, pixels = batch.inputs[:, channel].flatten(), expected[drawn][..., channel].ravel()
        slope, offset = np.polyfit(pixels, plane.numpy(), 1)
        np.testing.assert_allclose(plane.numpy(), slope * pixels + offset, atol=1e-4)
    test = task.split("test")
    assert len(test.inputs) == 1000


def test_a_batch_begins_as_a_smaller_one_of_its_seed(tmp_path: Path) -> None:
    task = images(write_plain(tmp_path))
    assert torch.equal(task.batch(9, 4).inputs[:5], task.batch(5, 4).inputs)


def test_the_folder_data_will_do(tmp_path: Path) -> None:
    write_plain(tmp_path / "data")
    (tmp_path / "README.md").write_text("# Cats, dogs and eels\n")
    assert torch.equal(images(tmp_path).batch(4, 0).inputs, images(tmp_path / "data").batch(4, 0).inputs)


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    file = write(tmp_path / "train.parquet", pngs(7, channels=1), [0, 1, 2, 0, 1, 2, 0])
    task = images(tmp_path)
    assert task.input_shape == (1, 6, 6)
    expected, labels = read_slowly(file, mode="L")
    assert_equal(task.split("train"), expected, labels, expected)


def test_grey_images_are_resized_alike_however_they_are_measured(tmp_path: Path) -> None:
    file = write(tmp_path / "train.parquet", pngs(7, channels=1, height=9, width=5), [0] * 7)
    expected, labels = read_slowly(file, mode="L", size=4)
    assert_equal(images(tmp_path, size=4).split("train"), expected, labels, expected)


def test_one_image_in_colour_makes_them_all_so(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [*pngs(4, channels=1), encoded(pixels(9))], [0] * 5)
    task = images(tmp_path)
    inputs = task.split("train").inputs
    assert task.input_shape == (3, 6, 6)
    assert inputs.shape == (5, 3, 6, 6)


def _palette() -> Image.Image:
    return Image.fromarray(pixels(0)).quantize(8)


@pytest.mark.parametrize(
    ("content", "channels"),
    [
        (encoded(pixels(0), "JPEG"), 3),
        (encoded(pixels(0), "WEBP"), 3),
        (encoded(pixels(0), "BMP"), 3),
        (encoded(pixels(0), "TIFF"), 3),
        (encoded(_palette(), "GIF"), 3),
        (encoded(_palette()), 3),
        (encoded(pixels(0, channels=4)), 3),
        (encoded(Image.fromarray(pixels(0)).convert("CMYK"), "JPEG"), 3),
        (encoded(Image.fromarray(pixels(0)).convert("1")), 1),
        (encoded(Image.fromarray(pixels(0)).convert("LA")), 1),
        (encoded(pixels(0, channels=1), "JPEG"), 1),
    ],
)
def test_reads_images_of_every_kind(tmp_path: Path, content: bytes, channels: int) -> None:
    file = write(tmp_path / "train.parquet", [content, content], [0, 1])
    task = images(tmp_path)
    assert task.input_shape == (channels, 6, 6)
    expected, labels = read_slowly(file, mode="L" if channels == 1 else "RGB")
    assert_equal(task.split("train"), expected, labels, expected)


def test_a_palette_with_transparency_keeps_its_colours(tmp_path: Path) -> None:
    image = _palette()
    image.info["transparency"] = bytes([0, 128, 255])
    write(tmp_path / "train.parquet", [encoded(image)], [0])
    expected = np.asarray(image.convert("RGBA"))[None, ..., :3]
    assert_equal(images(tmp_path).split("train"), expected, [0], expected)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    stored = Image.fromarray(pixels(0, height=4, width=6))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn it a quarter clockwise
    file = io.BytesIO()
    stored.save(file, "PNG", exif=exif)
    write(tmp_path / "train.parquet", [file.getvalue()], [0])
    task = images(tmp_path)
    assert task.input_shape == (3, 6, 4)
    upright = np.rot90(np.asarray(stored), k=-1)[None]
    assert_equal(task.split("train"), upright, [0], upright)


def test_images_of_several_sizes_become_one(tmp_path: Path) -> None:
    contents = [encoded(pixels(0, height=9, width=5)), encoded(pixels(1, height=3, width=30))]
    file = write(tmp_path / "train.parquet", contents, [0, 1])
    task = images(tmp_path, size=4)
    assert task.input_shape == (3, 4, 4)
    expected, labels = read_slowly(file, size=4)
    assert_equal(task.split("train"), expected, labels, expected)


def test_a_reduction_does_not_alias(tmp_path: Path) -> None:
    """Of a fine chequerboard a resize without a wide filter would leave black or white."""
    board = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)
    write(tmp_path / "train.parquet", [encoded(board), encoded(np.zeros((32, 32), dtype=np.uint8))], [0, 1])
    grey, black = images(tmp_path, size=4).split("train").inputs
    assert grey.std() < 0.05
    assert grey.mean() - black.mean() == pytest.approx(2, abs=0.05)  # two values: one deviation to each side


def test_blank_images_stay_finite(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [encoded(np.full((4, 4, 3), 7, dtype=np.uint8))] * 3, [0, 1, 2])
    assert images(tmp_path).batch(3, 0).inputs.abs().max() == 0


def test_without_names_the_labels_count_the_classes(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(6), [0, 4, 2, 2, 0, 1], names=None)
    task = images(tmp_path)
    assert (task.classes, task.class_names) == (5, ("0", "1", "2", "3", "4"))


def test_chooses_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([7, 8, 9]),
            "photo": pa.array([{"bytes": content, "path": None} for content in pngs(3)], IMAGE),
            "mask": pa.array([{"bytes": content, "path": "m"} for content in pngs(3, channels=1)], IMAGE),
            "fine_label": pa.array([0, 1, 2], pa.uint8()),
            "coarse_label": pa.array([0, 0, 1], pa.int32()),
        }
    )
    classes = {"fine_label": list(NAMES), "coarse_label": ["land", "sea"]}
    features = {name: {"names": names, "_type": "ClassLabel"} for name, names in classes.items()}
    pictures = {name: {"_type": "Image"} for name in ("photo", "mask")}
    pq.write_table(with_features(table, {**pictures, **features}), tmp_path / "train.parquet")
    fine = images(tmp_path, image="photo", label="fine_label")
    coarse = images(tmp_path, image="mask", label="coarse_label")
    assert (fine.input_shape[0], fine.class_names) == (3, NAMES)
    assert (coarse.input_shape[0], coarse.class_names) == (1, ("land", "sea"))
    assert fine.fingerprint() != coarse.fingerprint()


@pytest.mark.parametrize(
    ("label", "image"), [("label", "img"), ("labels", "picture"), ("fine_label", "image")]
)
def test_finds_the_columns_without_metadata(tmp_path: Path, label: str, image: str) -> None:
    file = write(tmp_path / "train.parquet", pngs(4), [0, 1, 1, 0], names=None, label=label, image=image)
    expected, labels = read_slowly(file, image=image, label=label)
    assert_equal(images(tmp_path).split("train"), expected, labels, expected)


def test_metadata_tell_images_from_other_files(tmp_path: Path) -> None:
    """Sounds are stored in the same type."""
    table = pa.table(
        {
            "sound": pa.array([{"bytes": b"RIFF", "path": None}] * 2, IMAGE),
            "picture": pa.array([{"bytes": content, "path": None} for content in pngs(2)], IMAGE),
            "label": pa.array([0, 1]),
        }
    )
    features: dict[str, object] = {"sound": {"_type": "Audio"}, "picture": {"_type": "Image"}}
    pq.write_table(with_features(table, features), tmp_path / "train.parquet")
    assert images(tmp_path).batch(2, 0).inputs.shape == (2, 3, 6, 6)


def test_the_fingerprint_is_of_the_data_and_not_of_their_place(tmp_path: Path) -> None:
    here = write_plain(tmp_path / "here")
    there = shutil.copytree(here, tmp_path / "there" / "data").parent
    os.utime(there / "data" / "train-00000-of-00001.parquet", (1, 1))
    assert images(here).fingerprint() == images(there).fingerprint()
    assert "\n" not in images(here).fingerprint()
    assert images(here).fingerprint() != images(here, size=4).fingerprint()
    assert images(here).fingerprint() == images(here, label="label").fingerprint()


@pytest.mark.parametrize("change", ["image", "label", "order", "fewer", "test"])
def test_other_data_have_another_fingerprint(tmp_path: Path, change: str) -> None:
    before, after = write_plain(tmp_path / "before"), write_plain(tmp_path / "after")
    contents, labels = pngs(12), [number % 3 for number in range(12)]
    if change == "image":
        contents[3] = encoded(pixels(99))
    elif change == "label":
        labels[5] = 0
    elif change == "order":
        contents.reverse()
    elif change == "fewer":
        contents.pop(), labels.pop()
    if change == "test":
        (after / "test-00000-of-00001.parquet").unlink()
    else:
        write(after / "train-00000-of-00001.parquet", contents, labels)
    assert images(before).fingerprint() != images(after).fingerprint()


def test_making_it_reads_footers_alone(tmp_path: Path) -> None:
    """Nothing in front of the footer is looked at before a batch is drawn."""
    file = write_plain(tmp_path) / "train-00000-of-00001.parquet"
    content = bytearray(file.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    content[4:-footer] = bytes(len(content) - footer - 4)
    file.write_bytes(content)
    task = images(tmp_path)
    assert task.classes == 3
    with pytest.raises(DataError, match="is damaged"):
        task.batch(1, 0)


def test_another_process_can_have_it(tmp_path: Path) -> None:
    task = images(write_plain(tmp_path))
    task.batch(2, 0)
    twin: Task = pickle.loads(pickle.dumps(task))
    assert torch.equal(task.batch(4, 1).inputs, twin.batch(4, 1).inputs)


def test_a_folder_is_remembered_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plain(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    options = ImagesOptions(data="here")
    assert options.data == str(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ImagesOptions(data="~/here").data == str(tmp_path / "here")
    assert ImagesOptions.model_validate_json(options.model_dump_json()) == options


def test_without_a_folder_it_says_what_to_type() -> None:
    with pytest.raises(OptionError, match=r"'images' needs a folder.*'data' is not set.*--data FOLDER"):
        Images()


def test_for_scores_without_training_images_are_small_unless_the_user_says(tmp_path: Path) -> None:
    large, small = write_plain(tmp_path / "large", height=20, width=20), write_plain(tmp_path / "small")
    task = images(large)
    proxy = task.proxy()
    assert proxy.input_shape == (3, 16, 16)
    torch.testing.assert_close(proxy.batch(4, 0).inputs, images(large, size=16).batch(4, 0).inputs)
    for kept in (images(large, size=20), images(small)):
        assert kept.proxy() is kept
