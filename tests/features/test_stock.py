"""The door of the stock features: rows, restarts of history, undefined values, errors."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numba
import numpy as np
import polars as pl
import pytest
from simulated_bars import bars_of, exchange_days, random_bars

from stocktrend.catalog import STOCK_FEATURES, VOLUME_FEATURES
from stocktrend.errors import DataError
from stocktrend.features.stock import stock_features, stock_matrix

BARS = random_bars(400, seed=1)

IN_PLAIN_PYTHON = """
import sys
import polars as pl
from stocktrend.features.stock import stock_matrix
pl.from_numpy(stock_matrix(pl.read_parquet(sys.argv[1]))).write_parquet(sys.argv[2])
"""


def n_bars(bars: pl.DataFrame) -> list[int]:
    return stock_features(bars, threads=1)["n_bars"].to_list()


def with_value(bars: pl.DataFrame, row: int, **values: float | None) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return bars.with_columns(
        pl.when(here).then(pl.lit(value, pl.Float64)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def features_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("n_bars", *STOCK_FEATURES)


def test_rows_come_sorted_with_the_catalogues_columns() -> None:
    both = pl.concat([BARS.with_columns(ticker=pl.lit("BBB")), BARS])
    shuffled = both.sample(fraction=1.0, shuffle=True, seed=1)
    frame = stock_features(shuffled)
    assert frame.columns == [
        "ticker", "session", "close", "adj_close", "n_bars", *STOCK_FEATURES
    ]  # fmt: skip
    assert frame.select("ticker", "session").equals(
        both.select("ticker", "session").sort("ticker", "session")
    )
    assert frame.schema["n_bars"] == pl.Int32
    assert set(frame.select(STOCK_FEATURES).dtypes) == {pl.Float64()}
    assert features_of(frame[:400]).equals(features_of(frame[400:]))
    assert frame.select(STOCK_FEATURES)[-1].null_count().sum_horizontal().item() == 0


def test_matrix_has_the_frames_values() -> None:
    frame = stock_features(BARS).select(STOCK_FEATURES)
    np.testing.assert_array_equal(stock_matrix(BARS), frame.to_numpy())


def test_kept_sessions_have_the_rows_of_the_whole_frame() -> None:
    many = pl.concat([random_bars(300, seed, ticker=f"T{seed}") for seed in range(3)])
    weekly = exchange_days(300).gather_every(5).to_frame()
    expected = stock_features(many).filter(pl.col("session").is_in(weekly["session"].implode()))
    assert stock_features(many, keep=weekly).equals(expected)
    assert len(expected) == 180


def test_threads_change_nothing() -> None:
    many = pl.concat([random_bars(300, seed, ticker=f"T{seed}") for seed in range(8)])
    assert stock_features(many, threads=1).equals(stock_features(many, threads=4))


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="compilation is off")
def test_plain_python_which_checks_bounds_gives_what_compiled_kernels_give(tmp_path: Path) -> None:
    # Compiled code reads beyond the end of an array without a word. Histories as long as a
    # window, and one bar shorter or longer, are where that would happen.
    lengths = (1, 2, 4, 5, 6, 19, 20, 21, 59, 60, 61, 64, 65, 251, 252, 253, 300)
    bars = pl.concat(
        random_bars(count, seed=count, ticker=f"T{count}", untraded=0.1) for count in lengths
    )
    bars.write_parquet(tmp_path / "bars.parquet")
    subprocess.run(
        [
            sys.executable,
            "-c",
            IN_PLAIN_PYTHON,
            tmp_path / "bars.parquet",
            tmp_path / "plain.parquet",
        ],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        check=True,
    )
    plain = pl.read_parquet(tmp_path / "plain.parquet").to_numpy()
    np.testing.assert_allclose(stock_matrix(bars), plain, rtol=1e-9, atol=1e-12)


def test_a_gap_of_five_sessions_is_crossed_and_one_of_six_restarts() -> None:
    days = exchange_days(40)
    bars = bars_of(np.linspace(10, 11, 20))
    for distance, expected in ((5, 11), (6, 1)):
        session = pl.concat([days[:10], days[9 + distance : 19 + distance]])
        assert n_bars(bars.with_columns(session=session))[10] == expected


def test_sessions_count_and_not_days() -> None:
    thursday_to_monday = [date(2001, 9, 6), date(2001, 9, 10), date(2001, 9, 17)]
    bars = bars_of(np.array([10.0, 10.1, 10.2])).with_columns(session=pl.Series(thursday_to_monday))
    assert n_bars(bars) == [1, 2, 3]


@pytest.mark.parametrize(
    ("factor", "restarts"),
    [(2.99, False), (3.0, False), (3.01, True), (0.26, False), (0.25, False), (0.249, True)],
)
def test_moves_beyond_200_percent_up_or_75_down_restart(factor: float, restarts: bool) -> None:
    close = np.full(30, 7.7)
    close[20:] *= factor
    assert n_bars(bars_of(close))[20] == (1 if restarts else 21)


def test_the_adjusted_close_decides_on_a_jump() -> None:
    bars = bars_of(np.array([10.0, 10.0, 1.0, 1.0])).with_columns(adj_close=pl.lit(5.0))
    assert n_bars(bars) == [1, 2, 3, 4]


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "adj_close"])
@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_price_that_is_not_positive_is_no_bar_and_restarts(column: str, value: float) -> None:
    frame = stock_features(with_value(BARS, 150, **{column: value}))
    assert frame["n_bars"].to_list() == [*range(1, 151), 0, *range(1, 250)]
    assert frame[150].select(STOCK_FEATURES).null_count().sum_horizontal().item() == 62
    assert features_of(frame[:150]).equals(features_of(stock_features(BARS[:150])))
    assert features_of(frame[151:]).equals(features_of(stock_features(BARS[151:])))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_bar_with_a_missing_value_is_as_if_it_were_not_there(value: float | None) -> None:
    frame = stock_features(with_value(BARS, 150, open=value))
    assert frame["n_bars"][150] == 0
    assert frame[150].select(STOCK_FEATURES).null_count().sum_horizontal().item() == 62
    without = stock_features(pl.concat([BARS[:150], BARS[151:]]))
    assert features_of(pl.concat([frame[:150], frame[151:]])).equals(features_of(without))


def test_history_after_a_restart_is_that_of_a_new_ticker() -> None:
    jump = BARS.with_columns(
        pl.col("open", "high", "low", "close", "adj_close")
        * pl.when(pl.int_range(pl.len()) >= 100).then(5.0).otherwise(1.0)
    )
    frame = stock_features(jump)
    assert features_of(frame[:100]).equals(features_of(stock_features(BARS[:100])))
    assert features_of(frame[100:]).equals(features_of(stock_features(jump[100:])))


def test_one_bar_has_no_feature() -> None:
    frame = stock_features(BARS[:1])
    assert frame["n_bars"].to_list() == [1]
    assert frame.select(STOCK_FEATURES).null_count().sum_horizontal().item() == 62


def test_no_bars_give_no_rows() -> None:
    assert stock_features(BARS[:0]).shape == (0, 67)
    assert stock_matrix(BARS[:0]).shape == (0, 62)


def undefined(bars: pl.DataFrame) -> set[str]:
    row = stock_features(bars).row(-1, named=True)
    return {name for name in STOCK_FEATURES if row[name] is None}


def test_a_price_that_never_moves_leaves_only_ratios_of_moves_undefined() -> None:
    volume = np.random.default_rng(0).uniform(1.0, 9.0, 400)
    assert undefined(bars_of(np.full(400, 12.34), volume=volume)) == {
        "stock_rsi_7", "stock_rsi_14", "stock_rsi_28", "stock_stoch_k_14", "stock_stoch_d_3",
        "stock_cci_20", "stock_adx_14", "stock_plus_di_14", "stock_minus_di_14",
        "stock_bb_percent_b_20", "stock_return_skew_60", "stock_mfi_14", "stock_cmf_20",
        "stock_price_volume_corr_20",
    }  # fmt: skip


def test_no_volume_at_all_leaves_every_volume_feature_undefined() -> None:
    bars = BARS.with_columns(volume=pl.lit(0.0))
    assert undefined(bars) == {"stock_volume", *VOLUME_FEATURES}


def test_zero_volume_after_heavy_trading_leaves_no_residue() -> None:
    volume = np.full(100, 0.1)
    volume[:50] = 1e15 / 3
    volume[80:] = 0.0
    close = 10 + np.sin(np.arange(100.0))
    row = stock_features(bars_of(close, volume=volume)).row(-1, named=True)
    for name in ("stock_mfi_14", "stock_vwap_ratio_20", "stock_obv_slope_20", "stock_cmf_20"):
        assert row[name] is None


def test_high_and_low_are_widened_to_contain_open_and_close() -> None:
    wrong = BARS.with_columns(high=pl.col("low"), low=pl.col("high"))
    mended = BARS.with_columns(
        high=pl.max_horizontal("open", "low", "close"),
        low=pl.min_horizontal("open", "high", "close"),
    )
    assert features_of(stock_features(wrong)).equals(features_of(stock_features(mended)))


def test_single_precision_and_integer_columns_are_accepted() -> None:
    whole = BARS.with_columns(pl.col("volume").cast(pl.Int64))
    assert stock_features(whole).equals(stock_features(BARS))


def test_errors_name_all_that_is_wrong_with_the_columns() -> None:
    wrong = BARS.drop("volume").with_columns(
        pl.col("session").cast(pl.String), pl.col("open").cast(pl.String)
    )
    with pytest.raises(DataError) as raised:
        stock_features(wrong)
    message = str(raised.value)
    assert "column volume" in message
    assert "session must be a Date, however: String" in message
    assert "open must be a number, however: String" in message


def test_a_repeated_session_and_one_outside_the_calendar_are_errors() -> None:
    early = BARS[:1].with_columns(session=pl.lit(date(1950, 1, 3)))
    with pytest.raises(DataError, match=r"(?s)1 bars repeat one.*calendar of XNYS.*1950-01-03"):
        stock_features(pl.concat([BARS, BARS[:1], early]))


def test_keep_without_sessions_is_an_error() -> None:
    with pytest.raises(DataError, match="keep must have the column session"):
        stock_features(BARS, keep=pl.DataFrame({"as_of": [1]}))
