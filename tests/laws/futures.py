"""Futures for the laws to draw: what may become known after a moment."""

from dataclasses import replace
from datetime import datetime

from hypothesis import strategies as st
from markets import Records

from stocktrend.auditing import changes
from stocktrend.auditing.changes import Fate
from stocktrend.lake import Tables
from stocktrend.schema import KEYS

FATES = st.builds(
    Fate,
    dropped=st.sampled_from([0.0, 0.3, 1.0]),
    changed=st.sampled_from([0.0, 0.5, 1.0]),
    told=st.sampled_from([0, 20, 200]),
    delays=st.sampled_from([(0.0,), (0.0, 0.02), (0.0, 20.0)]),
    seed=st.integers(0, 2**32 - 1),
)
FUTURES = st.fixed_dictionaries(dict.fromkeys(KEYS, FATES))
"""A fate for each of the tables."""


def rewritten(records: Records, moment: datetime, future: dict[str, Fate]) -> Records:
    """The same records up to a moment, and another future."""
    found = changes.rewritten(Tables(records.tables, records.quarantine), moment, future)
    return replace(records, tables=found.tables, quarantine=found.quarantine())
