"""Tenths, long-short returns, turnover and costs against tables worked out by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from stocktrend.errors import DataError
from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.portfolio import Cohorts, Portfolio, portfolios
from stocktrend.sessions import Frequency, as_of_grid

FRIDAY = date(2020, 1, 3)
TEN = list("ABCDEFGHIJ")


def rows_of(scores: list[list[float]], gains: list[list[float]] | None = None) -> pl.DataFrame:
    """One list of scores a week; the return of a name is its score in hundredths unless given."""
    frames = [
        pl.DataFrame(
            {
                "as_of": [FRIDAY + timedelta(weeks=week)] * len(of_date),
                "ticker": [f"T{number:03d}" for number in range(len(of_date))],
                "score": of_date,
                "return_7d": [s / 100 for s in of_date] if gains is None else gains[week],
            }
        )
        for week, of_date in enumerate(scores)
    ]
    return pl.concat(frames, how="vertical_relaxed")


def cohorts(rows: pl.DataFrame, horizon: int = 7) -> Cohorts:
    return Cohorts.of(rows, horizon, score="score", gain="return_7d")


def random_rows(dates: int, names: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    draw = rng.normal(size=(2, dates, names))
    return rows_of(draw[0].tolist(), (0.02 * draw[1]).tolist())


def one(rows: pl.DataFrame, horizon: int = 7, **given: float) -> Portfolio:
    (found,) = portfolios(rows, horizon, seed=1, **given)  # type: ignore[arg-type]
    return found


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize("names", [50, 100, 150])
def test_tenths_are_those_of_pandas(names: int) -> None:
    rows = random_rows(6, names, seed=names)
    frame = rows.to_pandas()
    frame["tenth"] = frame.groupby("as_of")["score"].transform(
        lambda s: pd.qcut(s, 10, labels=False)
    )
    expected = frame.pivot_table(index="as_of", columns="tenth", values="return_7d")
    np.testing.assert_allclose(cohorts(rows).groups, expected.to_numpy(), rtol=1e-12)
    found = one(rows)
    means = [group.value for group in found.groups]
    np.testing.assert_allclose(means, expected.mean().to_numpy(), rtol=1e-12)
    assert found.gross.value == pytest.approx((means[9] - means[0]) * 365.25 / 7)


def test_a_name_across_a_boundary_counts_in_both_groups_by_its_share() -> None:
    # Twelve names in fifths of 2.4: the third lowest belongs to the first by two fifths.
    rows = rows_of([[float(n) for n in range(12)]])
    bottom = (0 + 1 + 0.4 * 2) / 2.4 / 100
    second = (0.6 * 2 + 3 + 0.8 * 4) / 2.4 / 100
    np.testing.assert_allclose(cohorts(rows).groups[0][:2], [bottom, second], rtol=1e-12)


def test_tied_names_share_the_groups_that_they_lie_across() -> None:
    # The three lowest are tied across the bottom fifth of two names.
    gains = [[0.03, 0.06, 0.09, *([0.0] * 7)]]
    rows = rows_of([[1, 1, 1, 4, 5, 6, 7, 8, 9, 10]], gains)
    assert cohorts(rows).groups[0].tolist() == pytest.approx([0.06, 0.03, 0, 0, 0])


def test_equal_scores_rank_nothing_trade_nothing_and_cost_nothing() -> None:
    rng = np.random.default_rng(3)
    rows = rows_of([[0.3] * 30] * 20, (0.1 * rng.normal(size=(20, 30))).tolist())
    found = one(rows)
    assert (found.gross.value, found.net.value, found.turnover.value) == (0, 0, 0)
    assert found.sharpe.value is None
    assert found.break_even_bp.value is None


def test_the_opposite_scores_earn_the_opposite_and_trade_the_same() -> None:
    rows = random_rows(15, 57, seed=4)
    ours, theirs = cohorts(rows), cohorts(rows.with_columns(-pl.col("score")))
    np.testing.assert_allclose(ours.groups, theirs.groups[:, ::-1], rtol=1e-9)
    np.testing.assert_allclose(ours.spread, -theirs.spread, rtol=1e-9)
    np.testing.assert_allclose(ours.traded, theirs.traded, rtol=1e-9)


def test_groups_are_tenths_from_fifty_names_on_fifths_below_and_none_below_ten() -> None:
    for names, groups in ((49, 5), (50, 10), (10, 5)):
        assert cohorts(random_rows(3, names, seed=0)).groups.shape == (3, groups)
    assert portfolios(random_rows(3, 9, seed=0), 7, seed=1) == ()
    # A thin date among others is left out.
    scores = [[float(n) for n in range(k)] for k in (20, 9, 20)]
    thin = cohorts(rows_of(scores))
    assert [str(day) for day in thin.days] == ["2020-01-03", "2020-01-17"]


def test_turnover_is_the_share_of_each_side_that_is_new() -> None:
    # Fifths of ten: two names a side. Week 2 replaces one of the top and none of the bottom,
    # week 3 turns the book round.
    first = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    second = [1, 2, 3, 4, 5, 6, 7, 10, 8, 9]
    found = cohorts(rows_of([first, second, [-s for s in second]]))
    # H for I, half a unit bought and half a unit sold; then all four names go from +-1/2 to -+1/2.
    assert found.traded.tolist() == pytest.approx([4, 1, 4])
    assert one(rows_of([first, second, [-s for s in second]])).turnover.value == pytest.approx(
        (0.25 + 1) / 2
    )


def test_costs_are_charged_for_every_unit_bought_and_sold() -> None:
    # The same book every week: it is paid for once, in and out, four units of 10 basis points.
    kept = rows_of([[float(n) for n in range(10)]] * 8)
    found = one(kept, costs_bp=10.0)
    weekly = (8.5 - 0.5) / 100
    assert found.gross.value == pytest.approx(weekly * 365.25 / 7)
    assert found.net.value == pytest.approx((weekly - 4 * 0.001 / 8) * 365.25 / 7)
    assert found.turnover.value == 0
    assert found.break_even_bp.value == pytest.approx(8 * weekly / 4 * 1e4)
    # Turned round every week with gains that follow: four units a week.
    turning = rows_of([[float(n) for n in order] for order in (range(10), range(9, -1, -1))] * 4)
    found = one(turning, costs_bp=25.0)
    assert found.net.value == pytest.approx((weekly - 4 * 0.0025) * 365.25 / 7)
    assert found.break_even_bp.value == pytest.approx(weekly / 4 * 1e4)
    assert one(turning, costs_bp=weekly / 4 * 1e4).net.value == pytest.approx(0, abs=1e-12)


def test_a_longer_horizon_is_held_in_cohorts_that_renew_the_one_of_a_horizon_ago() -> None:
    # 14 days on weekly dates: two cohorts. Every second week has the same order.
    up, down = [float(n) for n in range(10)], [float(n) for n in range(9, -1, -1)]
    rows = rows_of([up, down] * 5).rename({"return_7d": "return_14d"})
    (found,) = portfolios(rows, 14, seed=1)
    assert (found.cohorts, found.turnover.value) == (2, 0)
    assert found.gross.value == pytest.approx(0.08 * 365.25 / 14)
    (weekly,) = portfolios(rows.rename({"return_14d": "return_7d"}), 7, seed=1)
    assert (weekly.cohorts, weekly.turnover.value) == (1, 1)


def test_the_sharpe_ratio_is_that_of_the_weekly_spreads() -> None:
    rows = random_rows(60, 20, seed=9)
    frame = rows.to_pandas()
    frame["fifth"] = frame.groupby("as_of")["score"].transform(
        lambda s: pd.qcut(s, 5, labels=False)
    )
    means = frame.pivot_table(index="as_of", columns="fifth", values="return_7d")
    spread = means[4] - means[0]
    expected = spread.mean() / spread.std() * np.sqrt(365.25 / 7)
    found = one(rows)
    assert found.sharpe.value == pytest.approx(expected, rel=1e-9)
    assert found.net_sharpe.value is not None
    assert found.net_sharpe.value < expected


@pytest.mark.parametrize(("frequency", "dates_a_year"), [("daily", 252), ("weekly", 52)])
def test_no_more_is_earned_in_a_year_than_on_its_dates(
    frequency: Frequency, dates_a_year: int
) -> None:
    # One day ahead: markets are closed on the others, and weekly dates leave six days out.
    days = as_of_grid(frequency, date(2018, 12, 31), date(2019, 12, 31), "XNYS")["as_of"]
    rng = np.random.default_rng(2)
    order = rng.permuted(np.tile(np.arange(10.0), (len(days), 1)), axis=1)
    gains = 0.001 * order + 0.01 * rng.normal(size=order.shape)
    rows = pl.DataFrame(
        {
            "as_of": np.repeat(days.to_numpy(), 10),
            "ticker": TEN * len(days),
            "score": order.ravel(),
            "return_1d": gains.ravel(),
        }
    )
    found = one(rows, horizon=1)
    spread = Cohorts.of(rows, 1, score="score", gain="return_1d").spread
    assert found.cohorts == 1
    assert found.gross.value == pytest.approx(spread.mean() * dates_a_year, rel=0.02)
    ratio = spread.mean() / spread.std(ddof=1) * np.sqrt(dates_a_year)
    assert found.sharpe.value == pytest.approx(ratio, rel=0.01)


def test_a_planted_rank_is_earned_and_noise_is_not() -> None:
    rng = np.random.default_rng(5)
    rank = rng.permuted(np.tile(np.arange(60.0), (150, 1)), axis=1)
    gains = 0.004 * (rank / 59 - 0.5) + 0.02 * rng.normal(size=rank.shape)
    low, high = bounds(one(rows_of(rank.tolist(), gains.tolist())).gross)
    # Top and bottom tenth lie 54 ranks of 59 apart.
    assert 0 < low < 0.004 * 54 / 59 * 365.25 / 7 < high
    noise = one(random_rows(150, 60, seed=6))
    low, high = bounds(noise.gross)
    assert low < 0 < high
    # Nine of ten places go to other names, and each week trades near four units at 10 basis points.
    assert noise.turnover.value == pytest.approx(0.9, abs=0.01)
    assert bounds(noise.net)[1] < 0


def test_each_entry_has_its_own_book_and_those_without_returns_have_none() -> None:
    rows = random_rows(30, 20, seed=7).with_columns(
        return_7d_next_open=pl.col("return_7d") / 2,
        return_7d_next_close=pl.lit(None, dtype=pl.Float64),
    )
    close, later = portfolios(rows, 7, seed=1)
    assert (close.entry, later.entry) == ("close", "next_open")
    assert close.gross.value is not None
    assert later.gross.value == pytest.approx(close.gross.value / 2)
    assert later.sharpe.value == pytest.approx(close.sharpe.value)


def test_names_without_score_or_return_are_left_out_and_the_order_of_rows_is_nothing() -> None:
    rows = random_rows(12, 24, seed=8)
    odd = pl.DataFrame(
        {
            "as_of": [FRIDAY] * 3,
            "ticker": ["X", "Y", "Z"],
            "score": [None, 99.0, float("nan")],
            "return_7d": [0.5, None, 0.5],
        }
    )
    mixed = pl.concat([odd, rows]).sample(fraction=1.0, shuffle=True, seed=2)
    assert one(mixed) == one(rows)


def test_a_portfolio_survives_json() -> None:
    found = one(random_rows(12, 24, seed=8))
    assert Portfolio.from_dict(found.to_dict()) == found


def test_a_missing_score_is_named() -> None:
    with pytest.raises(DataError, match="missing: skill"):
        portfolios(random_rows(2, 12, seed=0), 7, score="skill", seed=1)
