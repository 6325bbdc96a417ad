"""What is wrong with a data set, and what its user is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from automl.core.errors import DataError, UnknownNameError
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


def images(
    folder: Path, size: int | None = None, label: str | None = None, image: str | None = None
) -> Images:
    return Images(ImagesOptions(data=str(folder), size=size, label=label, image=image))


def complaint(folder: Path) -> str:
    """What a task in this folder says when it is made."""
    with pytest.raises(DataError) as caught:
        images(folder)
    return str(caught.value)


def complaint_of_batch(folder: Path, size: int = 4) -> str:
    """What it says when a batch is asked for, and not before."""
    task = images(folder)
    with pytest.raises(DataError) as caught:
        task.batch(size, 0)
    return str(caught.value)


# -- the folder --------------------------------------------------------------------------------------------


def test_no_such_folder(tmp_path: Path) -> None:
    said = complaint(tmp_path / "nowhere")
    assert f"no folder '{tmp_path}/nowhere'" in said
    assert "train-00000-of-00001.parquet" in said


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    file = write_plain(tmp_path) / "train-00000-of-00001.parquet"
    said = complaint(file)
    assert "is a file; expected the folder" in said
    assert said.endswith(f"--data {tmp_path}")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    assert "is empty. Expected Parquet files such as train-00000-of-00001.parquet" in complaint(tmp_path)


def test_class_folders_of_pictures(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.PNG").write_bytes(encoded(pixels(0)))
    said = complaint(tmp_path)
    assert "holds pictures as files" in said
    assert "Expected Parquet files" in said


def test_files_of_another_kind(tmp_path: Path) -> None:
    for name in ("data_batch_1", "data_batch_2", "data_batch_3", "test_batch"):
        (tmp_path / name).write_bytes(b"\x80")
    assert "no Parquet files, but data_batch_1, data_batch_2, data_batch_3 …. Expected" in complaint(tmp_path)


def test_files_in_a_subfolder(tmp_path: Path) -> None:
    write_plain(tmp_path / "plain_text")
    assert complaint(tmp_path).endswith(f"in a subfolder. Type --data {tmp_path}/plain_text")


def test_files_that_name_no_split(tmp_path: Path) -> None:
    write(tmp_path / "0000.parquet", pngs(2), [0, 1])
    said = complaint(tmp_path)
    assert "no split 'train': its files are named 0000.parquet" in said
    assert "such as train-00000-of-00001.parquet" in said


@pytest.mark.parametrize("inner", ["", "data"])
def test_no_training_split(tmp_path: Path, inner: str) -> None:
    write(tmp_path / inner / "test-00000-of-00001.parquet", pngs(2), [0, 1])
    assert "no split 'train', only 'test'" in complaint(tmp_path)


def test_no_test_split_matters_only_to_those_who_want_it(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(5), [0, 1, 2, 0, 1])
    task = images(tmp_path)
    assert len(task.batch(5, 0).inputs) == 5
    with pytest.raises(DataError, match=r"no split 'test'\. Its splits are: train"):
        task.split("test")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["train-00000-of-00003", "train-00002-of-00003"], "0 to 2 of 3, and number 1 is missing"),
        (["train-00001-of-00002"], "0 to 1 of 2, and number 0 is missing"),
        (["train-00000-of-00001-1a2b", "train-00000-of-00001-3c4d"], "there are others beside them"),
        (["train-00000-of-00001", "train"], "there are others beside them"),
        (
            ["train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002"],
            "there are others beside them",
        ),
    ],
)
def test_a_split_in_part(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        write(tmp_path / f"{name}.parquet", pngs(2), [0, 1])
    assert said in complaint(tmp_path)


# -- the files ---------------------------------------------------------------------------------------------


def _halve(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _tear_footer(content: bytes) -> bytes:
    return content[:-100] + bytes(92) + content[-8:]


@pytest.mark.parametrize(
    "damage",
    [_halve, _tear_footer, lambda content: b"", lambda content: content[:6], lambda content: b"PAR1" * 9],
)
def test_a_torn_file(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = write_plain(tmp_path) / "train-00000-of-00001.parquet"
    file.write_bytes(damage(file.read_bytes()))
    said = complaint(tmp_path)
    assert f"'{file}' is damaged or no Parquet file: " in said
    assert said.endswith(". Fetch the file again.")
    assert "\n" not in said


def test_a_pointer_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "train-00000-of-00001.parquet").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 12345\n"
    )
    assert complaint(tmp_path).endswith(
        "only Git LFS's pointer to the file. Fetch the file itself with: git lfs pull"
    )


def test_torn_within(tmp_path: Path) -> None:
    file = write(tmp_path / "train.parquet", pngs(40), [0] * 40, group=40)
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)  # the header of the first page
    file.write_bytes(content)
    assert f"'{file}' is damaged" in complaint_of_batch(tmp_path)


def test_a_file_that_goes_away(tmp_path: Path) -> None:
    task = images(write_plain(tmp_path))
    (tmp_path / "train-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"train-00000-of-00001.parquet' cannot be read: No such file"):
        task.batch(2, 0)


def test_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [], [])
    assert "hold no rows" in complaint(tmp_path)


# -- the columns -------------------------------------------------------------------------------------------


def _table(folder: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), folder / "train.parquet")
    return folder


def _images(count: int = 3) -> pa.Array:
    return pa.array([{"bytes": content, "path": None} for content in pngs(count)], IMAGE)


def test_no_column_of_images(tmp_path: Path) -> None:
    said = complaint(_table(tmp_path, text=pa.array(["a"]), label=pa.array([0])))
    assert "train.parquet has no column of images: expected struct<bytes: binary, path: string>" in said
    assert "Its columns: text (string), label (int64)." in said


def test_several_columns_of_images(tmp_path: Path) -> None:
    _table(tmp_path, left=_images(), right=_images(), label=pa.array([0, 1, 2]))
    said = complaint(tmp_path)
    assert "several columns of images: left, right. Choose one with --set task.image=left" in said
    assert len(images(tmp_path, image="right").batch(3, 0).inputs) == 3


def test_no_column_of_labels(tmp_path: Path) -> None:
    said = complaint(_table(tmp_path, image=_images(), label=pa.array(["cat", "dog", "eel"])))
    assert "no column of labels: expected integers" in said
    assert "label (string)" in said
    said = complaint(_table(tmp_path, image=_images(), digit=pa.array([0, 1, 2])))
    assert said.endswith("digit (int64). Choose one with --set task.label=NAME")
    assert images(tmp_path, label="digit").classes == 3


def test_several_columns_of_labels(tmp_path: Path) -> None:
    _table(tmp_path, image=_images(), fine_label=pa.array([0, 1, 2]), coarse_label=pa.array([0, 0, 1]))
    assert "several columns of labels: fine_label, coarse_label. Choose" in complaint(tmp_path)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    write_plain(tmp_path)
    with pytest.raises(UnknownNameError, match=r"column of labels in train.*'lable': did you mean label\?"):
        images(tmp_path, label="lable")
    with pytest.raises(UnknownNameError, match=r"column of images in train.*'label': there are: image"):
        images(tmp_path, image="label")


def test_splits_that_name_other_classes(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(2), [0, 1], names=["cat", "dog"])
    write(tmp_path / "test.parquet", pngs(2), [0, 1], names=["dog", "cat"])
    assert "test.parquet names other classes" in complaint(tmp_path)


def test_a_test_split_of_another_layout(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(2), [0, 1])
    write(tmp_path / "test.parquet", pngs(2), [0, 1], image="img")
    with pytest.raises(UnknownNameError, match=r"column of images in test.parquet: 'image': .*img"):
        images(tmp_path)


@pytest.mark.parametrize(
    "metadata",
    [b"{", b"[]", b'{"info": null}', b'{"info": {"features": []}}', b'{"info": {"features": {"label": 1}}}'],
)
def test_torn_metadata_are_as_none(tmp_path: Path, metadata: bytes) -> None:
    table = pa.table({"image": _images(), "label": pa.array([0, 1, 1])})
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata}), tmp_path / "train.parquet")
    assert images(tmp_path).classes == 2


# -- the rows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tear",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"no image",
        lambda content: content[:40] + bytes(30) + content[70:],
    ],
)
def test_a_torn_image(tmp_path: Path, tear: Callable[[bytes], bytes]) -> None:
    contents = pngs(4)
    contents[2] = tear(contents[2])
    write(tmp_path / "train.parquet", contents, [0, 1, 2, 0], group=2)
    said = complaint_of_batch(tmp_path)
    assert "image in row 2 of train.parquet" in said
    assert said.endswith("Fetch the data set again, or leave this row out of it.")
    assert "0x" not in said


def test_a_torn_jpeg(tmp_path: Path) -> None:
    contents = [encoded(pixels(seed, height=40, width=40), "JPEG") for seed in range(3)]
    contents[1] = contents[1][:-400]
    write(tmp_path / "train.parquet", contents, [0, 1, 2])
    assert "row 1 of train.parquet cannot be decoded: image file is truncated" in complaint_of_batch(
        tmp_path, 2
    )


def test_a_file_that_would_start_a_program(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [encoded(pixels(0), "EPS")], [0])
    assert "none of PNG, JPEG, WEBP, BMP, GIF, TIFF" in complaint_of_batch(tmp_path, 1)


def test_no_image_in_a_row(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [*pngs(2), None], [0, 1, 2])
    assert "row 2 of train.parquet holds no image. Expected the image's bytes" in complaint_of_batch(
        tmp_path, 2
    )


def test_a_null_in_place_of_an_image(tmp_path: Path) -> None:
    contents = [{"bytes": content, "path": None} for content in pngs(2)]
    _table(tmp_path, image=pa.array([contents[0], None, contents[1]], IMAGE), label=pa.array([0, 1, 2]))
    assert "row 1 of train.parquet holds no image" in complaint_of_batch(tmp_path, 2)


def test_images_deeper_than_8_bits(tmp_path: Path) -> None:
    deep = Image.fromarray(np.arange(36, dtype=np.uint16).reshape(6, 6) * 1000)
    write(tmp_path / "train.parquet", [encoded(deep)], [0])
    assert "more than 8 bits a channel (Pillow's mode 'I;16')" in complaint_of_batch(tmp_path, 1)


def test_images_of_several_sizes(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [*pngs(3), encoded(pixels(0, height=4, width=9))], [0, 1, 2, 0])
    said = complaint_of_batch(tmp_path, 1)
    assert "several sizes: 6 x 6 pixels, and 9 x 4 in row 3 of train.parquet" in said
    assert said.endswith("--set task.size=32")
    assert images(tmp_path, size=5).batch(4, 0).inputs.shape == (4, 3, 5, 5)


def test_another_size_in_the_test_split(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(3), [0, 1, 2])
    write(tmp_path / "test.parquet", pngs(2, height=7), [0, 1])
    task = images(tmp_path)
    assert len(task.batch(3, 0).inputs) == 3
    with pytest.raises(DataError, match=r"6 x 6 pixels, and 6 x 7 in row 0 of test.parquet"):
        task.split("test")


@pytest.mark.parametrize(("wrong", "shown"), [(3, "3"), (-1, "-1"), (None, "null")])
def test_a_label_that_is_no_class(tmp_path: Path, wrong: int | None, shown: str) -> None:
    write(tmp_path / "train.parquet", pngs(4), [0, 1, wrong, 2])
    said = complaint_of_batch(tmp_path)
    assert f"row 2 of train.parquet: 'label' is {shown}; expected a class from 0 to 2" in said
    assert said.endswith("Leave such rows out of the data set.")


@pytest.mark.parametrize(
    ("labels", "found"), [([None] * 3, "all null"), ([-1] * 3, "-1 at most"), ([5, 900, 2], "900 at most")]
)
def test_a_column_that_holds_no_classes(tmp_path: Path, labels: list[int | None], found: str) -> None:
    write(tmp_path / "train.parquet", pngs(3), labels, names=None)
    said = complaint_of_batch(tmp_path, 2)
    assert "column 'label' holds no labels of classes: expected numbers from 0 on" in said
    assert f"they are {found}. Choose the column of labels with --set task.label=NAME" in said


def test_a_test_split_without_labels(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(3), [0, 1, 2])
    write(tmp_path / "test.parquet", pngs(3), [-1] * 3)
    task = images(tmp_path)
    assert len(task.batch(3, 0).inputs) == 3
    with pytest.raises(DataError, match=r"row 0 of test.parquet: 'label' is -1"):
        task.split("test")


def test_fewer_images_than_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", pngs(5), [0, 1, 2, 0, 1])
    assert len(images(tmp_path).batch(5, 0).inputs) == 5
    said = complaint_of_batch(tmp_path, 6)
    assert "a batch of 6 examples was asked for, and task 'images' has 5 to train with" in said
    assert "at most 5" in said


def test_names_of_classes_that_are_empty_count_the_labels(tmp_path: Path) -> None:
    table = pa.table({"image": _images(), "label": pa.array([0, 1, 1])})
    features: dict[str, object] = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel"}}
    pq.write_table(with_features(table, features), tmp_path / "train.parquet")
    assert images(tmp_path).class_names == ("0", "1")
