"""Intervals: exact where dates are exchangeable, recovering where they are not, no look-ahead."""

import doctest
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from stocktrend.errors import DataError
from stocktrend.evaluation import conformal
from stocktrend.evaluation.conformal import VOLATILITIES, Intervals, calibrated, first_bounds

VOLATILITY = 0.3
UNIT = 10 * VOLATILITY * np.sqrt(7 / 365.25)
FIRST = datetime(2010, 1, 1, 21, tzinfo=UTC)


def rows(
    z: npt.ArrayLike,
    validation: int,
    *,
    score: float = 0.0,
    known_after: timedelta = timedelta(days=8),
) -> pl.DataFrame:
    """Weekly dates x tickers of outcomes z times what the stock usually moves."""
    values = np.asarray(z, dtype=np.float64)
    dates, tickers = values.shape
    as_of = [FIRST + timedelta(weeks=week) for week in range(dates)]
    return pl.DataFrame(
        {
            "ticker": [f"T{number}" for number in range(tickers)] * dates,
            "as_of": pl.Series(as_of, dtype=pl.Datetime("us", "UTC")).repeat_by(tickers).explode(),
            "split": ["validation"] * (validation * tickers)
            + ["test"] * ((dates - validation) * tickers),
            "score_7d": score,
            "target_7d": np.tanh(np.arctanh(score) + UNIT * values).ravel(),
        }
    ).with_columns(
        label_known_at_7d=pl.col("as_of") + known_after,
        **{name: pl.lit(VOLATILITY) for name in VOLATILITIES},
    )


def held(shown: pl.DataFrame) -> pl.DataFrame:
    inside = pl.col("target_7d").is_between("low_7d", "high_7d")
    return shown.filter(pl.col("split") == "test").with_columns(held=inside)


def test_with_a_row_a_date_coverage_is_that_of_order_statistics() -> None:
    """Of 39 exchangeable dates the second lowest and highest leave out 4 of 40, exactly 90%."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(4000):
        z = generator.standard_cauchy(40)
        low, high = first_bounds(z[:39], np.arange(39), 0.05)
        assert (low, high) == (np.sort(z[:39])[1], np.sort(z[:39])[37])
        found.append(low <= z[39] <= high)
    assert np.mean(found) == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 4000))


@pytest.mark.parametrize("together", [0.0, 0.5, 1.0])
def test_dates_whose_stocks_move_together_are_covered_at_least_as_promised(
    together: float,
) -> None:
    """``together`` is the correlation within a date; 25 dates of 10 stocks, then one to come."""
    generator = np.random.default_rng(2)
    date = np.arange(250) // 10
    by_dates: list[float] = []
    by_rows: list[float] = []
    for _ in range(2000):
        common = np.repeat(generator.normal(size=26), 10)
        z = np.sqrt(together) * common + np.sqrt(1 - together) * generator.normal(size=260)
        past, new = z[:250], z[250:]
        for counted, groups in ((by_dates, date), (by_rows, np.arange(250))):
            low, high = first_bounds(past, groups, 0.05)
            counted.append(float(np.mean((low <= new) & (new <= high))))
    assert np.mean(by_dates) > 0.9 - 3 * np.std(by_dates) / np.sqrt(2000)
    if together == 1.0:  # as if rows were independent: two dates beyond either bound, of 26
        assert np.mean(by_dates) == pytest.approx(24 / 26, abs=0.02)
        assert np.mean(by_rows) == pytest.approx(22 / 26, abs=0.025)


def test_too_few_dates_give_the_whole_range_until_known_outcomes_make_up_the_number() -> None:
    """19 dates are needed; the 17 of validation are joined by outcomes known 8 days later."""
    z = np.random.default_rng(3).normal(size=(30, 50))
    table = rows(z, 17)
    fitted = Intervals.fit(table, (7,))
    shown = fitted.apply(rows(z, 17, score=0.5))
    bounded = FIRST + timedelta(weeks=17 + 3)
    before, after = (
        shown.filter(part) for part in (pl.col("as_of") < bounded, pl.col("as_of") >= bounded)
    )
    assert before.select("low_7d", "high_7d", "call_7d").unique().rows() == [(-1.0, 1.0, "no call")]
    assert after["high_7d"].max() < 1.0
    known = np.concatenate([z[:17], z[17:19]]).ravel()
    assert (fitted.horizons[7][1].low, fitted.horizons[7][1].high) == pytest.approx(
        first_bounds(known, np.repeat(np.arange(19), 50), 0.05)
    )
    assert Intervals.fit(table.head(18 * 50), (7,)).horizons[7] == fitted.horizons[7][:1]


def test_after_a_shift_of_volatility_fixed_bounds_fail_and_stepping_ones_recover() -> None:
    generator = np.random.default_rng(4)
    z = generator.normal(size=(500, 30))
    z[200:] *= 2
    fitted = Intervals.fit(rows(z, 100), (7,))
    fixed = Intervals(0.9, {7: fitted.horizons[7][:1]})
    late = pl.col("as_of") >= FIRST + timedelta(weeks=260)
    moving, still = (
        held(bounds.apply(rows(z, 100))).filter(late)["held"].mean() for bounds in (fitted, fixed)
    )
    assert still == pytest.approx(0.60, abs=0.03)  # 2 Phi(1.7 / 2) - 1
    assert moving == pytest.approx(0.9, abs=0.01)


def test_the_steps_add_up_to_the_misses_whatever_the_outcomes() -> None:
    """Misses beyond a bound = (way that it went) / stride + share promised: nothing is assumed."""
    generator = np.random.default_rng(5)
    z = generator.normal(size=(300, 30)) * np.linspace(0.5, 3, 300)[:, None]
    table = rows(z, 60)
    fitted = Intervals.fit(table, (7,))
    first, *later = fitted.horizons[7]
    assert first.low is not None
    assert first.high is not None
    assert later[-1].high is not None
    stride = conformal.PACE * (first.high - first.low) / 2
    highs = np.array([first.high, first.high, *(step.high for step in later)])
    above = (z[60:-2] > highs[:238, None]).mean()
    taught = 238  # of 240 test dates the last two have outcomes that are known after the end
    way = (later[-1].high - first.high) / stride
    assert way == pytest.approx(taught * (above - 0.05), abs=1e-9)


@pytest.mark.parametrize("validation", [10, 40])
@pytest.mark.parametrize("known_after", [timedelta(days=8), timedelta(days=33)])
def test_outcomes_known_later_change_no_earlier_interval_by_a_bit(
    known_after: timedelta, validation: int
) -> None:
    z = np.random.default_rng(6).normal(size=(120, 12))
    whole = rows(z, validation, known_after=known_after)
    for week in (45, 70, 100):
        now = FIRST + timedelta(weeks=week)
        later = pl.col("label_known_at_7d") > now
        altered = whole.with_columns(
            target_7d=pl.when(later).then(-pl.col("target_7d").sqrt()).otherwise("target_7d")
        ).filter(~later | (pl.col("as_of") <= now) | (pl.col("ticker") < "T5"))
        until = pl.col("as_of") <= now
        before = Intervals.fit(whole, (7,)).apply(whole).filter(until)
        after = Intervals.fit(altered, (7,)).apply(altered).filter(until)
        kept = ["ticker", "as_of", "low_7d", "high_7d"]
        assert_frame_equal(before.select(kept), after.select(kept), check_exact=True)


def test_an_outcome_moves_the_bounds_on_the_first_date_on_which_it_is_known() -> None:
    z = np.random.default_rng(7).normal(size=(60, 12))
    shocked = z.copy()
    shocked[45] = 50.0
    calm, shock = (Intervals.fit(frame, (7,)) for frame in (rows(z, 40), rows(shocked, 40)))
    differ = [a.since for a, b in zip(calm.horizons[7], shock.horizons[7], strict=True) if a != b]
    assert differ[0] == FIRST + timedelta(weeks=47)  # 8 days after week 45 is past week 46


def test_a_date_without_known_outcomes_teaches_nothing() -> None:
    table = rows(np.random.default_rng(7).normal(size=(60, 12)), 40)
    of_date = pl.col("as_of") == FIRST + timedelta(weeks=45)
    unknown = table.with_columns(target_7d=pl.when(~of_date).then("target_7d"))
    steps = {bounds.since for bounds in Intervals.fit(table, (7,)).horizons[7]}
    fewer = {bounds.since for bounds in Intervals.fit(unknown, (7,)).horizons[7]}
    assert steps - fewer == {FIRST + timedelta(weeks=47)}


def test_an_interval_is_as_wide_as_the_volatility_of_its_stock() -> None:
    table = rows(np.random.default_rng(8).normal(size=(60, 10)), 60)
    fitted = Intervals.fit(table, (7,))
    twice = {name: pl.lit(2 * VOLATILITY) for name in VOLATILITIES}
    small, large = fitted.apply(table), fitted.apply(table.with_columns(**twice))
    ratio = np.arctanh(large["high_7d"].to_numpy()) / np.arctanh(small["high_7d"].to_numpy())
    np.testing.assert_allclose(ratio, 2, rtol=1e-9)


def test_a_stock_without_a_known_volatility_has_the_whole_range_and_teaches_nothing() -> None:
    table = rows(np.random.default_rng(9).normal(size=(60, 10)), 40)
    unknown = {
        name: pl.when(pl.col("ticker") != "T0").then(name).alias(name) for name in VOLATILITIES
    }
    partly = table.with_columns(**unknown)
    fitted = Intervals.fit(partly, (7,))
    shown = fitted.apply(partly).filter(pl.col("ticker") == "T0")
    assert shown.select("low_7d", "high_7d").unique().rows() == [(-1.0, 1.0)]
    without = Intervals.fit(table.filter(pl.col("ticker") != "T0"), (7,))
    assert fitted.horizons[7][0] == without.horizons[7][0]


@pytest.mark.parametrize(("score", "call"), [(0.9, "up"), (-0.9, "down"), (0.1, "no call")])
def test_a_call_is_made_where_the_interval_lies_on_one_side_of_zero(
    score: float, call: str
) -> None:
    z = np.random.default_rng(10).normal(size=(40, 10))
    shown = Intervals.fit(rows(z, 40), (7,)).apply(rows(z, 40, score=score))
    assert shown["call_7d"].unique().to_list() == [call]
    assert ((shown["low_7d"] < score) & (score < shown["high_7d"])).all()


def test_a_row_without_a_score_has_no_interval() -> None:
    table = rows(np.random.default_rng(11).normal(size=(40, 10)), 40)
    missing = table.with_columns(score_7d=pl.lit(None, pl.Float64))
    shown = Intervals.fit(table, (7,)).apply(missing)
    assert shown.select("low_7d", "high_7d", "call_7d").null_count().row(0) == (400, 400, 400)


def test_what_is_kept_as_json_gives_the_same_intervals() -> None:
    table = rows(np.random.default_rng(12).normal(size=(90, 6)), 40)
    fitted = Intervals.fit(table, (7,))
    again = Intervals.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert again == fitted
    assert_frame_equal(again.apply(table), fitted.apply(table), check_exact=True)


def fold(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Raw scores that explain a part of the outcomes, and the panel that they are of."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(size=(400, 25))
    panel = rows(0.5 * signal + 0.9 * generator.normal(size=(400, 25)), 300)
    early = pl.col("as_of") < FIRST + timedelta(weeks=200)
    panel = panel.with_columns(
        raw_7d=pl.Series(signal.ravel()),
        split=pl.when(early).then(pl.lit("train")).otherwise("split"),
    )
    raw = panel.filter(~early).select("ticker", "as_of", "split", "raw_7d")
    return raw, panel.drop("score_7d", "raw_7d")


def test_a_fold_is_calibrated_from_its_validation_rows_and_keeps_every_rank() -> None:
    raw, panel = fold(13)
    shown = calibrated(raw, panel, (7,))
    assert shown.columns == [
        *raw.columns,
        *(f"{kind}_7d" for kind in ("score", "pos_prob", "neg_prob", "low", "high", "call")),
    ]
    assert_frame_equal(shown.select(raw.columns), raw, check_exact=True)
    order = shown["raw_7d"].arg_sort()
    for column in ("score_7d", "pos_prob_7d"):
        assert (shown[column].gather(order).diff().drop_nulls() > 0).all()
    judged = held(shown.join(panel.drop("split"), on=["ticker", "as_of"]))
    assert judged["held"].mean() == pytest.approx(0.9, abs=0.015)


def test_outcomes_of_test_rows_change_no_score_of_a_fold() -> None:
    raw, panel = fold(14)
    test = pl.col("split") == "test"
    altered = panel.with_columns(target_7d=pl.when(test).then(0.9).otherwise("target_7d"))
    first, second = (calibrated(raw, frame, (7,)) for frame in (panel, altered))
    kept = ["ticker", "as_of", "score_7d", "pos_prob_7d", "neg_prob_7d"]
    assert_frame_equal(first.select(kept), second.select(kept), check_exact=True)
    assert first["high_7d"][0] == second["high_7d"][0]
    assert first["high_7d"][-1] < second["high_7d"][-1]


def test_the_probabilities_lie_on_the_diagonal_of_scikit_learns_calibration_curve() -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.isotonic import IsotonicRegression

    raw, panel = fold(15)
    shown = calibrated(raw, panel, (7,)).join(panel.drop("split"), on=["ticker", "as_of"])
    # a neutral outcome counts as one half: twice each row, neutral ones once as a rise
    twice = pl.concat(
        [
            shown.with_columns(rose=pl.col("target_7d") > -0.1),
            shown.with_columns(rose=pl.col("target_7d") >= 0.1),
        ]
    )
    seen, test = (twice.filter(pl.col("split") == part) for part in ("validation", "test"))
    rose, ours = test["rose"].to_numpy(), test["pos_prob_7d"].to_numpy()
    isotonic = IsotonicRegression(out_of_bounds="clip")
    isotonic.fit(seen["raw_7d"].to_numpy(), seen["rose"].to_numpy())
    theirs = isotonic.predict(test["raw_7d"].to_numpy())
    came, said = calibration_curve(rose, ours, n_bins=10, strategy="quantile")
    assert np.ptp(said) > 0.4
    assert np.abs(came - said).mean() < 0.03
    assert np.mean((ours - rose) ** 2) < np.mean((theirs - rose) ** 2) + 0.001


def test_missing_columns_are_named() -> None:
    raw, panel = fold(16)
    with pytest.raises(DataError, match="stock_volatility_60"):
        calibrated(raw, panel.drop("stock_volatility_60"), (7,))
    with pytest.raises(DataError, match="raw_30d"):
        calibrated(raw, panel.with_columns(target_30d=0.0, label_known_at_30d="as_of"), (7, 30))


def test_the_example_in_the_documentation_runs() -> None:
    result = doctest.testmod(conformal)
    assert result.attempted > 0
    assert result.failed == 0
