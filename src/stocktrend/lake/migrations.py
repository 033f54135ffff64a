"""Changes of the tables' columns, in the order in which they were made.

Each version of a table keeps the number of its schema. A table of an older one is brought to
today's as it is read, change by change; it stays as it is until something is written, and its old
versions stay readable. A table without a number is of schema 1.

To change the columns of a table, change ``stocktrend.schema`` and append to the table's tuple a
function from a frame of the columns before to one of the columns after.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import polars as pl

Change: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
Migrations: TypeAlias = Mapping[str, tuple[Change, ...]]

MIGRATIONS: Final[Migrations] = {}
"""Table -> its changes, oldest first; the first leads from schema 1 to 2."""
