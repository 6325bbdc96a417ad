"""What people read of a run: summaries, tables, pictures."""

from automl.core.report.summary import Summary, summarise

__all__ = ["Summary", "summarise"]
