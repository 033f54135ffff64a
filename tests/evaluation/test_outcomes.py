"""Outcomes and the groups of stocks and dates in which skill is shown apart."""

import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from planted import planted_panel
from stocktrend.dataset import time_split
from stocktrend.errors import DataError, SourceError
from stocktrend.evaluation.outcomes import outcomes
from stocktrend.sources.sectors import read_sectors

VOLATILITY, DOLLARS = "stock_volatility_20", "stock_dollar_volume_20"


def panel_of(volatility: list[float | None], day: int = 3) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [f"T{number:02d}" for number in range(len(volatility))],
            "as_of": [date(2020, 1, day)] * len(volatility),
            "target_7d": 0.1,
            VOLATILITY: volatility,
        },
        schema_overrides={VOLATILITY: pl.Float64},
    )


def test_thirds_are_of_the_date_and_not_of_the_whole() -> None:
    calm = panel_of([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], day=3)
    wild = panel_of([3.0, 1.0, 2.0], day=10)
    table = outcomes(pl.concat([wild, calm]), (7,))
    assert table["as_of"].is_sorted()
    assert table["volatility_bucket"].to_list() == [
        *["low", "low", "middle", "middle", "high", "high"],
        *["high", "low", "middle"],
    ]


def test_thirds_of_a_number_that_three_does_not_divide_differ_by_one_at_most() -> None:
    for names in range(3, 40):
        table = outcomes(panel_of([float(n * n) for n in range(names)]), (7,))
        sizes = table["volatility_bucket"].value_counts()["count"]
        assert sizes.sum() == names
        assert sizes.max() - sizes.min() <= 1
        order = [("low", "middle", "high").index(third) for third in table["volatility_bucket"]]
        assert order == sorted(order)


def test_equal_values_lie_in_one_third_and_unknown_ones_in_none() -> None:
    values = [1.0, 1.0, 1.0, None, math.nan, 1.0]
    table = outcomes(panel_of(values), (7,))
    assert table["volatility_bucket"].to_list() == ["middle"] * 3 + [None, None, "middle"]
    ties = outcomes(panel_of([1.0, 2.0, 2.0, 3.0, 3.0, 4.0]), (7,))["volatility_bucket"]
    assert ties.to_list() == ["low", *["middle"] * 4, "high"]
    some = outcomes(panel_of([1.0, 2.0, 3.0, *[None] * 6]), (7,))["volatility_bucket"]
    assert some.to_list() == ["low", "middle", "high", *[None] * 6]
    assert outcomes(panel_of([1.0, 2.0]), (7,))["volatility_bucket"].to_list() == [None, None]


def test_size_is_the_dollars_that_changed_hands() -> None:
    panel = panel_of([1.0] * 3).with_columns(pl.Series(DOLLARS, [19.0, 17.0, 18.0]))
    assert outcomes(panel, (7,))["size_bucket"].to_list() == ["large", "small", "middle"]


def test_masked_labels_stay_unknown_and_everything_else_is_the_panels() -> None:
    panel = planted_panel(dates=30).with_columns(
        return_7d_next_open=pl.col("return_7d") / 2, macro_vix=pl.lit(20.0)
    )
    split = time_split(panel)
    table = outcomes(split, (7, 30))
    assert table.columns == [
        "ticker", "as_of",
        "return_7d", "target_7d", "return_7d_next_open", "return_7d_next_close",
        "return_30d", "target_30d", "return_30d_next_open", "return_30d_next_close",
        "volatility_bucket", "size_bucket", "sector", "vix",
    ]  # fmt: skip
    assert table.select("ticker", "as_of").equals(split.select("ticker", "as_of"))
    for name in ("target_7d", "return_7d_next_open", "return_30d"):
        assert 0 < split[name].null_count() == table[name].null_count()
        assert table[name].equals(split[name])
    assert table["return_7d_next_close"].null_count() == table.height
    assert table["vix"].unique().to_list() == [20.0]


def test_a_panel_without_the_newer_columns_has_unknown_ones() -> None:
    table = outcomes(panel_of([1.0, 2.0, 3.0]).drop(VOLATILITY), (7,))
    for name in ("return_7d", "return_7d_next_open", "volatility_bucket", "sector", "vix"):
        assert table[name].null_count() == 3
    assert table.schema["sector"] == table.schema["size_bucket"] == pl.String
    with pytest.raises(DataError, match="target_30d"):
        outcomes(panel_of([1.0]), (7, 30))


def test_sectors_are_read_by_ticker_and_a_ticker_without_one_has_none(tmp_path: Path) -> None:
    file = tmp_path / "sectors.csv"
    file.write_text(
        "Ticker,Name,Sector\nt01,One,Energy\nT00,None,\n T01,One again,Energy\nNA,N,Tech\n"
    )
    sectors = read_sectors(file)
    assert sectors.rows() == [("NA", "Tech"), ("T01", "Energy")]
    table = outcomes(panel_of([1.0, 2.0, 3.0]), (7,), sectors=sectors)
    assert table["ticker"].to_list() == ["T00", "T01", "T02"]
    assert table["sector"].to_list() == [None, "Energy", None]


def test_a_ticker_of_two_sectors_is_told_with_both(tmp_path: Path) -> None:
    file = tmp_path / "sectors.csv"
    file.write_text("ticker,sector\nA,Energy\nB,Tech\nA,Tech\n")
    with pytest.raises(SourceError, match="A Energy and Tech"):
        read_sectors(file)


def test_a_file_without_sectors_names_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "sectors.csv"
    file.write_text("ticker,group\nA,Energy\n")
    with pytest.raises(SourceError, match=r"lacks sector: it has \['ticker', 'group'\]"):
        read_sectors(file)
