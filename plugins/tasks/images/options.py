"""What can be set of the images."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from automl.core.contracts import Options


class ImagesOptions(Options):
    """Options of `Images`."""

    data: str | None = Field(
        None,
        min_length=1,
        description="folder of Parquet files: train-00000-of-00001.parquet, test-… (required)",
    )
    size: int | None = Field(
        None, ge=1, le=4096, description="height and width to resize to, in pixels; by default as they are"
    )
    label: str | None = Field(None, description="column of the labels, where there are several")
    image: str | None = Field(None, description="column of the images, where there are several")

    @field_validator("data")
    @classmethod
    def _absolute(cls, data: str | None) -> str | None:
        """The folder as seen from anywhere: a run may be resumed from another one."""
        return None if data is None else str(Path(data).expanduser().absolute())
