"""Which dates belong to which fold and part, as literal dates, and what may be known in them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocktrend.config import WalkForward
from stocktrend.dataset import time_split
from stocktrend.errors import ConfigError, DataError
from stocktrend.evaluation.folds import Fold, fold_panel, walk_forward_folds
from stocktrend.schema import UTC_TIME
from stocktrend.settings import load_settings

HORIZONS = (7, 30)


def fridays(first: date, weeks: int) -> list[date]:
    return [first + timedelta(weeks=week) for week in range(weeks)]


def at_close(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 21, tzinfo=UTC)


def panel(days: list[date], late: int = 0) -> pl.DataFrame:
    """Two tickers; labels are known h days later, of the second one ``late`` days after that."""
    rows = [
        {
            "ticker": ticker,
            "as_of": at_close(day),
            **{f"{name}_{h}d": 0.1 for h in HORIZONS for name in ("return", "target")},
            **{f"label_known_at_{h}d": at_close(day + timedelta(days=h + extra)) for h in HORIZONS},
        }
        for day in days
        for ticker, extra in (("A", 0), ("B", late))
    ]
    times = dict.fromkeys(("as_of", *(f"label_known_at_{h}d" for h in HORIZONS)), UTC_TIME)
    return pl.DataFrame(rows, schema_overrides=times)


def shown(folds: tuple[Fold, ...]) -> list[str]:
    return [f"{f.number}: {f.train} | {f.validation} | {f.test}" for f in folds]


def test_calendar_years_are_tested_one_after_the_other_after_three_years() -> None:
    folds = walk_forward_folds(pl.Series(fridays(date(2010, 1, 1), 261)), WalkForward())
    assert shown(folds) == [
        "1: 2010-01-01 to 2012-07-13 | 2012-07-20 to 2012-12-28 | 2013-01-04 to 2013-12-27",
        "2: 2010-01-01 to 2013-05-24 | 2013-05-31 to 2013-12-27 | 2014-01-03 to 2014-12-26",
    ]


def test_a_panel_that_begins_within_a_year_is_tested_from_the_january_after_three() -> None:
    folds = walk_forward_folds(pl.Series(fridays(date(2010, 3, 5), 5 * 53)), WalkForward())
    assert [str(fold.test) for fold in folds] == [
        "2014-01-03 to 2014-12-26",
        "2015-01-02 to 2015-03-27",
    ]


def test_a_short_panel_is_tested_from_its_middle_on() -> None:
    folds = walk_forward_folds(pl.Series(fridays(date(2016, 1, 1), 104)), WalkForward())
    assert shown(folds) == [
        "1: 2016-01-01 to 2016-10-28 | 2016-11-04 to 2016-12-23 | 2016-12-30 to 2017-12-22"
    ]


def test_a_rolling_window_an_embargo_and_half_years_as_literal_dates() -> None:
    days = pl.Series(fridays(date(2015, 1, 2), 104))  # to 2016-12-23
    chosen = WalkForward(
        window="6mo", every="3mo", first_test=date(2016, 3, 1), validation=0.25, embargo=10
    )
    assert shown(walk_forward_folds(days, chosen)) == [
        # 25 dates from 2015-09-04 to 2016-02-19; the last 6 validate
        "1: 2015-09-04 to 2016-01-01 | 2016-01-15 to 2016-02-19 | 2016-03-04 to 2016-05-27",
        "2: 2015-12-04 to 2016-04-01 | 2016-04-15 to 2016-05-20 | 2016-06-03 to 2016-08-26",
        "3: 2016-03-04 to 2016-07-01 | 2016-07-15 to 2016-08-19 | 2016-09-02 to 2016-11-25",
        "4: 2016-06-03 to 2016-09-30 | 2016-10-14 to 2016-11-18 | 2016-12-02 to 2016-12-23",
    ]


def test_a_period_without_dates_is_passed_over() -> None:
    days = fridays(date(2015, 1, 2), 52) + fridays(date(2017, 1, 6), 10)
    folds = walk_forward_folds(
        pl.Series(days), WalkForward(first_test=date(2015, 7, 1), every="6mo")
    )
    assert [(f.number, str(f.test)) for f in folds] == [
        (1, "2015-07-03 to 2015-12-25"),
        (2, "2017-01-06 to 2017-03-10"),
    ]


def test_labels_are_masked_where_they_are_known_after_their_part_each_horizon_for_itself() -> None:
    days = fridays(date(2020, 1, 3), 30)
    (fold,) = walk_forward_folds(
        pl.Series(days), WalkForward(first_test=date(2020, 5, 22), validation=0.3, every="1y")
    )
    assert shown((fold,)) == [
        "1: 2020-01-03 to 2020-04-03 | 2020-04-10 to 2020-05-15 | 2020-05-22 to 2020-07-24"
    ]
    rows = fold_panel(panel(days), fold, HORIZONS)

    def last_known(part: str, horizon: int) -> str:
        known = rows.filter(pl.col("split") == part).drop_nulls(f"target_{horizon}d")
        return str(known["as_of"].dt.date().max())

    assert last_known("train", 7) == "2020-03-27"  # known on 2020-04-03, the last date of training
    assert last_known("train", 30) == "2020-02-28"  # known on 2020-03-29
    assert last_known("validation", 7) == "2020-05-08"
    assert last_known("validation", 30) == "2020-04-10"
    assert last_known("test", 30) == "2020-07-24"
    assert rows["return_7d"].is_null().equals(rows["target_7d"].is_null())


def test_one_fold_masks_what_the_split_of_the_same_dates_masks() -> None:
    days = fridays(date(2020, 1, 3), 40)
    (fold,) = walk_forward_folds(
        pl.Series(days), WalkForward(first_test=days[34], validation=6 / 34, every="5y")
    )
    assert fold_panel(panel(days), fold, HORIZONS).equals(time_split(panel(days)))


@settings(max_examples=40)
@given(
    weeks=st.integers(60, 160),
    begin=st.integers(20, 50),
    every=st.sampled_from(["60d", "3mo", "1y"]),
    window=st.sampled_from(["expanding", "9mo"]),
    validation=st.sampled_from([0.1, 0.15, 0.3]),
    embargo=st.integers(0, 30),
    late=st.integers(0, 20),
)
def test_nothing_is_known_after_its_part_and_tests_tile_the_dates(
    weeks: int, begin: int, every: str, window: str, validation: float, embargo: int, late: int
) -> None:
    days = fridays(date(2018, 1, 5), weeks)
    chosen = WalkForward(
        window=window,
        every=every,
        first_test=days[begin],
        validation=validation,
        embargo=embargo,
    )
    folds = walk_forward_folds(pl.Series(days), chosen)
    tested = []
    for fold in folds:
        rows = fold_panel(panel(days, late), fold, HORIZONS)
        day = pl.col("as_of").dt.date()
        for name, part in (("train", fold.train), ("validation", fold.validation)):
            inside = rows.filter(pl.col("split") == name)
            assert inside.select(first=day.min(), last=day.max()).row(0) == (part.first, part.last)
            for h in HORIZONS:
                known = inside.drop_nulls(f"target_{h}d")[f"label_known_at_{h}d"]
                assert known.is_empty() or known.max() <= at_close(part.last)  # type: ignore[operator]
        gap = timedelta(days=embargo)
        assert fold.train.last + gap < fold.validation.first
        assert fold.validation.last + gap < fold.test.first
        test = rows.filter(pl.col("split") == "test")
        assert test["target_30d"].null_count() == 0
        tested += test["as_of"].dt.date().unique().sort().to_list()
    assert tested == days[begin:]


def test_a_walk_that_cannot_be_is_refused_with_what_to_change() -> None:
    days = pl.Series(fridays(date(2020, 1, 3), 30))
    with pytest.raises(DataError, match="tests begin on 2021-01-01 and the last of 30 dates"):
        walk_forward_folds(days, WalkForward(first_test=date(2021, 1, 1)))
    with pytest.raises(DataError, match=r"the one from 2020-01-10 has 1 within the window and 0"):
        walk_forward_folds(days, WalkForward(first_test=date(2020, 1, 4)))
    with pytest.raises(DataError, match="no rows"):
        walk_forward_folds(days.clear(), WalkForward())


def test_settings_of_the_walk_are_checked(tmp_path: Path) -> None:
    wrong = {"walk_forward.every": "yearly", "walk_forward.window": "5"}
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, overrides=wrong)
    assert [problem.split(",")[0] for problem in caught.value.problems] == [
        "walk_forward.window must be expanding or a number of d",
        "walk_forward.every must be a number of d",
    ]
