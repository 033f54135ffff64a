"""The lake: Delta tables of records, each with all its versions."""

from stocktrend.lake.records import Records, Tables
from stocktrend.lake.store import Lake, Upserted

__all__ = ["Lake", "Records", "Tables", "Upserted"]
