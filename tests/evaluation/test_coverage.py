"""Coverage by group, on rows whose misses were placed by hand."""

from datetime import UTC, datetime

import polars as pl
import pytest

from stocktrend.evaluation.coverage import GroupCoverage, coverages
from stocktrend.evaluation.rows import Tables

DAYS = [datetime(2019, 12, 20, tzinfo=UTC), datetime(2019, 12, 27, tzinfo=UTC)]
DAYS += [datetime(2020, 1, 3, tzinfo=UTC)]


def tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two stocks on three dates; misses: calm below in 2019, wild above in 2020."""
    keys = {"as_of": [day for day in DAYS for _ in range(2)], "ticker": ["calm", "wild"] * 3}
    said = pl.DataFrame(
        {
            **keys,
            "model": "one",
            "score_7d": 0.0,
            "low_7d": [-0.1, -0.5, 0.1, -0.5, -0.1, -0.9],
            "high_7d": [0.1, 0.5, 0.3, 0.5, 0.1, -0.2],
            "pos_prob_7d": [0.5, 0.5, 0.75, 0.5, 0.5, 0.25],
        }
    )
    truth = pl.DataFrame(
        {
            **keys,
            "target_7d": [-0.3, 0.2, 0.2, None, 0.05, 0.4],
            "volatility_bucket": ["low", "high"] * 3,
        }
    )
    return said, truth


def covered(said: pl.DataFrame, truth: pl.DataFrame) -> dict[str, tuple[GroupCoverage, ...]]:
    return coverages(Tables.match(said, truth, (7,)).sample(7), 7)


def found(said: pl.DataFrame, truth: pl.DataFrame) -> dict[tuple[str, str], GroupCoverage]:
    return {(figures.kind, figures.group): figures for figures in covered(said, truth)["one"]}


def test_misses_are_counted_in_their_groups_and_on_their_sides() -> None:
    groups = found(*tables())
    assert [(*key, figures.rows) for key, figures in groups.items()] == [
        ("all", "all", 5),
        ("year", "2019", 3),
        ("year", "2020", 2),
        ("volatility", "low", 3),
        ("volatility", "high", 2),
    ]
    assert groups["all", "all"].coverage == pytest.approx(3 / 5)
    assert (groups["year", "2019"].below, groups["year", "2019"].above) == (1 / 3, 0.0)
    assert (groups["year", "2020"].below, groups["year", "2020"].above) == (0.0, 0.5)
    assert groups["volatility", "low"].width == pytest.approx(0.2)
    assert groups["all", "all"].dates == 3


def test_calls_are_judged_by_the_side_on_which_the_target_came() -> None:
    groups = found(*tables())
    assert (groups["all", "all"].called, groups["all", "all"].right) == (2 / 5, 0.5)
    assert groups["year", "2019"].right == 1.0
    assert groups["year", "2020"].right == 0.0


def test_the_calibration_error_is_the_mean_gap_of_what_was_said_and_came() -> None:
    """Said 0.25 came 1; 0.5 came 0, 1, 0.5 (neutral); 0.75 came 1: (0.75 + 3 x 0 + 0.25) / 5."""
    assert found(*tables())["all", "all"].calibration_error == pytest.approx(0.2)


def test_contenders_without_intervals_or_probabilities_are_left_out_or_null() -> None:
    said, truth = tables()
    nothing = [pl.lit(None, pl.Float64).alias(f"{name}_7d") for name in ("low", "high")]
    mute = said.with_columns(model=pl.lit("mute")).with_columns(nothing)
    plain = said.with_columns(model=pl.lit("plain"), pos_prob_7d=pl.lit(None, pl.Float64))
    figures = covered(pl.concat([said, mute, plain]), truth)
    assert figures.keys() == {"one", "plain"}
    assert all(one.calibration_error is None for one in figures["plain"])
    assert covered(said.drop("low_7d"), truth) == {}


def test_figures_go_through_json_and_the_order_of_rows_does_not_matter() -> None:
    said, truth = tables()
    figures = covered(said, truth)
    assert tuple(GroupCoverage.from_dict(one.to_dict()) for one in figures["one"]) == figures["one"]
    shuffled = truth.sample(fraction=1.0, shuffle=True, seed=1)
    assert covered(said.reverse(), shuffled) == figures


def test_without_groups_of_volatility_there_are_years() -> None:
    said, truth = tables()
    kinds = [one.kind for one in covered(said, truth.drop("volatility_bucket"))["one"]]
    assert kinds == ["all", "year", "year"]
