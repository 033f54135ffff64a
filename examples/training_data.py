"""The panel that the examples train on: yours, or that of a simulated market."""

from pathlib import Path

import polars as pl

from data_pipeline.core.training_data import UnifiedTrainingDataProcessor
from stocktrend.sources.market import simulate

FIRST, LAST = "2015-01-01", "2018-12-31"


def panel_of(root: Path, tickers: int, seed: int) -> tuple[pl.DataFrame, tuple[int, ...]]:
    """The panel of a data root and its horizons; a folder without ``raw/`` gets a market first."""
    if not (root / "raw").is_dir():
        print(f"Simulating a market of {tickers} companies in {root}")
        simulate(root, market="strong", tickers=tickers, start=FIRST, end=LAST, seed=seed)
    processor = UnifiedTrainingDataProcessor({"data_root": root})
    panel = processor.generate_training_data()
    first, last = panel["as_of"].min(), panel["as_of"].max()
    print(f"Panel: {len(panel):,} rows, {panel['ticker'].n_unique()} tickers, ", end="")
    print(f"{first:%Y-%m-%d} to {last:%Y-%m-%d}")
    return panel, processor.settings.horizons
