"""Image files to pixels, and what a data set's pixels are like."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from automl.core.errors import DataError
from automl.plugins.tasks.normalisation import Normalisation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from automl.plugins.tasks.images.dataset import Row

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow reads more, some of them by starting other programs (EPS): a data set needs none of those."""

_GREY = frozenset({"1", "L", "LA"})
_DEEP = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
"""Pillow's modes with more than 8 bits a channel, which it would clip."""

_CHANNELS = {"L": 1, "RGB": 3}


@dataclass(frozen=True, slots=True)
class Appearance:
    """What the images of a data set have in common.

    Attributes:
        mode: ``"L"`` (grey) or ``"RGB"``, as Pillow names it.
        width, height: in pixels.
        resized: whether they are resized to that.
        normalisation: by the mean and the standard deviation of each channel.
    """

    mode: str
    width: int
    height: int
    resized: bool
    normalisation: Normalisation

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (_CHANNELS[self.mode], self.height, self.width)

    def pixels(self, row: Row) -> NDArray[np.uint8]:
        """The image of a row, ``(channels, height, width)`` uint8.

        Raises:
            DataError: it cannot be decoded, or is of another size than the others.
        """
        size = (self.width, self.height)
        image = _as_mode(open_image(row), self.mode, size if self.resized else None)
        if image.size != size:
            raise _other_size(row, image, size)
        return np.asarray(image, dtype=np.uint8).reshape(self.height, self.width, -1).transpose(2, 0, 1)


def survey(rows: Iterable[Row], size: int | None) -> Appearance:
    """What the images of these rows, at least one, have in common.

    They are grey if every one is. Mean and standard deviation are over all their pixels, after resizing.

    Args:
        rows: a sample of the training images.
        size: what they are resized to, height and width, in pixels.

    Raises:
        DataError: one cannot be decoded, or they are of several sizes and are not resized.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    grey, found = True, (0, 0)
    for row in rows:
        image = open_image(row)
        grey = grey and image.mode in _GREY
        image = _as_mode(image, "RGB", (size, size) if size else None)
        found = image.size if found == (0, 0) else found
        if image.size != found:
            raise _other_size(row, image, found)
        counts += np.array(image.histogram(), dtype=np.int64).reshape(3, 256)
    # A grey image's three channels are alike, so one of them says all.
    normalisation = Normalisation.of_counts(counts[:1].tolist() if grey else counts.tolist())
    return Appearance("L" if grey else "RGB", *found, size is not None, normalisation)


def open_image(row: Row) -> Image.Image:
    """The decoded image of a row, turned upright, in the mode it is stored in.

    Raises:
        DataError: there is none, it is torn, of an unknown format, or has more than 8 bits a channel.
    """
    if row.image is None:
        raise DataError(
            f"{row.place} holds no image.",
            hint="Expected the image's bytes in the Parquet file itself; a path alone is not followed.",
        )
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(row.image), formats=_FORMATS))
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(
            f"the image in {row.place} is torn, or none of {', '.join(_FORMATS)}.", hint=_REMEDY
        ) from error
    except Exception as error:
        # What a torn image raises is up to Pillow's decoders: OSError, SyntaxError, struct.error …
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"the image in {row.place} cannot be decoded: {lines[0].rstrip('.')}.", hint=_REMEDY
        ) from error
    if image.mode in _DEEP:
        raise DataError(
            f"the image in {row.place} has more than 8 bits a channel (Pillow's mode {image.mode!r}).",
            hint="Convert the data set to 8 bits: how to scale its values is yours to know.",
        )
    return image


_REMEDY = "Fetch the data set again, or leave this row out of it."


def _as_mode(image: Image.Image, mode: str, size: tuple[int, int] | None) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # a palette with transparency has colours only by way of it
    if image.mode != mode:
        image = image.convert(mode)
    # Pillow's filters widen with the factor of a reduction, and so do not alias.
    return image.resize(size, Image.Resampling.BILINEAR) if size and size != image.size else image


def _other_size(row: Row, image: Image.Image, expected: tuple[int, int]) -> DataError:
    found, others = (f"{width} x {height}" for width, height in (image.size, expected))
    return DataError(
        f"the images are of several sizes: {others} pixels, and {found} in {row.place}.",
        hint="Choose a size to resize them all to, such as --set task.size=32",
    )
