"""A small panel whose returns follow a known rule, for tests of data sets and training."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from stocktrend.catalog import FEATURES, MACRO_FEATURES, POLICY_FEATURES, STOCK_FEATURES
from stocktrend.schema import UTC_TIME

FIRST = datetime(2015, 1, 2, 21, tzinfo=UTC)
SIGNAL = STOCK_FEATURES[5]
"""The stock feature that drives the returns."""


def planted_panel(
    dates: int = 40, tickers: int = 10, *, signal: float = 0.03, noise: float = 0.01, seed: int = 0
) -> pl.DataFrame:
    """Weekly rows; ``return = signal * SIGNAL + noise``; a label is known h days after its row."""
    generator = np.random.default_rng(seed)
    rows = dates * tickers
    inputs = pl.DataFrame(generator.normal(size=(rows, len(FEATURES))), schema=list(FEATURES))
    shared = pl.col(*POLICY_FEATURES, *MACRO_FEATURES).first().over("as_of")
    keys = pl.DataFrame(
        {
            "ticker": [f"T{number:03d}" for _ in range(dates) for number in range(tickers)],
            "as_of": [
                FIRST + timedelta(weeks=week) for week in range(dates) for _ in range(tickers)
            ],
        },
        schema_overrides={"as_of": UTC_TIME},
    )
    panel = keys.hstack(inputs).with_columns(shared)
    labels = []
    for h in (7, 30):
        error = pl.Series(generator.normal(size=rows) * noise)
        returns = signal * pl.col(SIGNAL) + error
        labels += [
            returns.alias(f"return_{h}d"),
            (10 * returns).tanh().alias(f"target_{h}d"),
            (pl.col("as_of") + pl.duration(days=h)).alias(f"label_known_at_{h}d"),
        ]
    return panel.with_columns(labels)
