"""The lake: Delta tables of records, each with all its versions."""

from stocktrend.lake.store import Lake, Upserted

__all__ = ["Lake", "Upserted"]
