"""Images in a folder of Parquet files, in the layout in which the Hugging Face hub stores them."""

from automl.plugins.tasks.images.options import ImagesOptions
from automl.plugins.tasks.images.task import Images

__all__ = ["Images", "ImagesOptions"]
