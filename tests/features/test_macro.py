"""Macro features against published figures, hand-computed values and the laws."""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from stocktrend.catalog import MACRO_FEATURES
from stocktrend.errors import DataError
from stocktrend.features.macro import macro_features, months_before
from stocktrend.schema import Observation


def value(
    series: str, period: date, known: datetime, number: float | None, basis: str | None = None
) -> dict[str, object]:
    return {
        "event_time": known,
        "known_at": known,
        "source": "test",
        "series": series,
        "period": period,
        "value": number,
        "basis": basis,
        "revised": False,
    }


def at(records: list[dict[str, object]], *times: datetime) -> pl.DataFrame:
    observations = pl.DataFrame(records, schema=Observation.create_empty().schema)
    return macro_features(observations, pl.DataFrame({"as_of": times}))


JUNE = datetime(2015, 6, 5, 20, tzinfo=UTC)
MAY_2015, MAY_2014 = date(2015, 5, 1), date(2014, 5, 1)
SECOND = timedelta(seconds=1)


def test_the_columns_are_those_of_the_catalogue_in_the_order_of_the_grid() -> None:
    frame = at([], JUNE, JUNE - SECOND, JUNE)
    assert frame.columns == ["as_of", *MACRO_FEATURES]
    assert frame["as_of"].to_list() == [JUNE, JUNE - SECOND, JUNE]
    assert frame.drop("as_of").null_count().row(0) == (3,) * 12
    assert set(frame.drop("as_of").dtypes) == {pl.Float64}


def test_a_year_on_year_change_is_a_log_change_in_percent() -> None:
    records = [value("CPIAUCSL", MAY_2014, JUNE, 200.0), value("CPIAUCSL", MAY_2015, JUNE, 210.0)]
    assert at(records, JUNE)["macro_cpi_yoy"].item() == pytest.approx(100 * math.log(1.05))


def test_a_value_counts_from_the_second_at_which_it_is_known() -> None:
    records = [value("UNRATE", MAY_2015, JUNE, 5.5)]
    column = at(records, JUNE - SECOND, JUNE)["macro_unemployment"]
    assert column.to_list() == [None, 5.5]


def test_both_periods_of_a_change_come_from_the_latest_vintage() -> None:
    later = JUNE + timedelta(days=30)
    records = [
        value("INDPRO", MAY_2014, JUNE, 100.0),
        value("INDPRO", MAY_2015, JUNE, 110.0),
        value("INDPRO", MAY_2014, later, 80.0),
        value("INDPRO", MAY_2015, later, 84.0),
    ]
    column = at(records, JUNE, later)["macro_industrial_production_yoy"].to_list()
    assert column == [pytest.approx(100 * math.log(1.1)), pytest.approx(100 * math.log(1.05))]


def test_a_change_across_two_bases_is_null() -> None:
    records = [
        value("GDPC1", date(2012, 4, 1), JUNE, 15000.0, "2009"),
        value("GDPC1", date(2013, 4, 1), JUNE, 15600.0, "2012"),
    ]
    as_of = datetime(2013, 8, 1, tzinfo=UTC)
    known = [record | {"known_at": as_of} for record in records]
    assert at(known, as_of)["macro_gdp_growth"].item() is None
    same = [record | {"basis": "2009"} for record in known]
    assert at(same, as_of)["macro_gdp_growth"].item() == pytest.approx(100 * math.log(1.04))


def test_a_change_needs_the_exact_earlier_period_and_positive_levels() -> None:
    newest = value("PAYEMS", MAY_2015, JUNE, 140_000.0)
    month_off = value("PAYEMS", date(2015, 1, 1), JUNE, 139_000.0)
    negative = value("PAYEMS", date(2015, 2, 1), JUNE, -1.0)
    withdrawn = value("PAYEMS", date(2015, 2, 1), JUNE, None)
    for other in (month_off, negative, withdrawn):
        assert at([newest, other], JUNE)["macro_payrolls_growth"].item() is None


def test_a_withdrawn_newest_value_gives_way_to_the_one_before() -> None:
    records = [
        value("UMCSENT", date(2015, 4, 1), JUNE - SECOND, 95.9),
        value("UMCSENT", MAY_2015, JUNE - SECOND, 90.7),
        value("UMCSENT", MAY_2015, JUNE, None),
    ]
    assert at(records, JUNE - SECOND, JUNE)["macro_consumer_sentiment"].to_list() == [90.7, 95.9]


def test_the_term_spread_takes_the_newest_day_that_both_have() -> None:
    records = [
        value("DGS10", date(2015, 6, 3), JUNE, 2.38),
        value("DGS2", date(2015, 6, 3), JUNE, 0.68),
        value("DGS10", date(2015, 6, 4), JUNE, 2.31),
    ]
    frame = at(records, JUNE)
    assert frame["macro_term_spread"].item() == pytest.approx(1.70)
    assert frame["macro_yield_10y"].item() == 2.31


def test_a_stale_series_is_null_and_a_shutdown_is_not_staleness() -> None:
    day = value("VIXCLS", date(2015, 6, 4), JUNE, 14.7)
    assert at([day], JUNE, JUNE + timedelta(days=30))["macro_vix"].to_list() == [14.7, None]
    # After the shutdown of 2025, industrial production of August stayed the newest in FRED-MD
    # until 1 January 2026; any monthly series may be as late.
    august = value("UNRATE", date(2025, 8, 1), JUNE, 4.3)
    new_year, summer = datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    assert at([august], new_year, summer)["macro_unemployment"].to_list() == [4.3, None]


def test_a_value_is_current_for_30_days_160_or_300_as_its_series_comes() -> None:
    last_days = {
        "macro_vix": ("VIXCLS", datetime(2015, 5, 31, 20, tzinfo=UTC)),
        "macro_unemployment": ("UNRATE", datetime(2015, 10, 8, 20, tzinfo=UTC)),
        "macro_industrial_production_yoy": ("INDPRO", datetime(2015, 10, 8, 20, tzinfo=UTC)),
        "macro_gdp_growth": ("GDPC1", datetime(2016, 2, 25, 20, tzinfo=UTC)),
    }
    known = datetime(2015, 5, 2, tzinfo=UTC)
    for feature, (series, last_day) in last_days.items():
        records = [value(series, MAY_2014, known, 5.0), value(series, MAY_2015, known, 5.5)]
        column = at(records, last_day, last_day + timedelta(days=1))[feature]
        assert [number is None for number in column] == [False, True], feature


def test_the_term_spread_looks_30_days_back_for_a_day_that_both_have() -> None:
    for back, expected in ((30, 1.25), (31, None)):
        day = date(2015, 6, 5) - timedelta(days=back)
        records = [
            value("DGS10", day, JUNE, 2.0),
            value("DGS2", day, JUNE, 0.75),
            value("DGS10", date(2015, 6, 4), JUNE, 2.1),
            value("DGS2", date(2015, 6, 3), JUNE, 0.8),
        ]
        assert at(records, JUNE)["macro_term_spread"].item() == expected


def test_months_before_crosses_the_year() -> None:
    assert months_before(date(2014, 1, 1), 3) == date(2013, 10, 1)
    assert months_before(date(2014, 12, 1), 12) == date(2013, 12, 1)


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match="basis"):
        macro_features(pl.DataFrame({"series": []}), pl.DataFrame({"as_of": [JUNE]}))


# --- real vintages -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vintages(real_data: Path) -> pl.DataFrame:
    """FRED-MD as records: a vintage is known on the first of the next month."""
    known = (pl.col("vintage") + "-01").str.to_date().dt.offset_by("1mo").cast(pl.Datetime("us"))
    return (
        pl.scan_parquet(real_data / "macro/vintages/fred_md_deltas.parquet")
        .filter(pl.col("series").is_in(["PAYEMS", "CPIAUCSL", "UNRATE", "INDPRO"]))
        .select(
            "series",
            pl.col("obs_date").alias("period"),
            "value",
            known.dt.replace_time_zone("UTC").alias("known_at"),
            pl.lit(None, dtype=pl.String).alias("basis"),
            pl.lit("fred_md").alias("source"),
        )
        .collect()
    )


def test_payrolls_are_those_that_were_published_before_the_benchmark_revision(
    vintages: pl.DataFrame,
) -> None:
    # Employment Situation of 10 January 2014: 136,877 thousand in December after 136,362 in
    # September. The benchmark of 7 February 2014 put January at 137,499 after 137,037 in October.
    grid = pl.DataFrame(
        {"as_of": [datetime(2014, 2, 28, 21, tzinfo=UTC), datetime(2014, 3, 7, 21, tzinfo=UTC)]}
    )
    column = macro_features(vintages, grid)["macro_payrolls_growth"].to_list()
    assert column[0] == pytest.approx(400 * math.log(136_877 / 136_362), rel=1e-12)
    assert column[1] == pytest.approx(400 * math.log(137_499 / 137_037), rel=1e-12)


def test_the_cpi_that_was_never_published_leaves_the_one_before(vintages: pl.DataFrame) -> None:
    # October 2025 was never published: in December September is the newest, 324.368 after
    # 314.851; in January it is November, 325.031 after 316.449.
    grid = pl.DataFrame(
        {"as_of": [datetime(2025, 12, 12, 21, tzinfo=UTC), datetime(2026, 1, 9, 21, tzinfo=UTC)]}
    )
    column = macro_features(vintages, grid)["macro_cpi_yoy"].to_list()
    assert column[0] == pytest.approx(100 * math.log(324.368 / 314.851))
    assert column[1] == pytest.approx(100 * math.log(325.031 / 316.449))


def test_no_month_since_2000_is_nulled_as_stale(vintages: pl.DataFrame) -> None:
    grid = pl.DataFrame(
        {
            "as_of": pl.datetime_range(
                datetime(2000, 1, 7, 21, tzinfo=UTC),
                datetime(2026, 2, 27, 21, tzinfo=UTC),
                "1w",
                eager=True,
            )
        }
    )
    frame = macro_features(vintages, grid)
    assert frame["macro_unemployment"].null_count() == 0
    assert frame["macro_industrial_production_yoy"].null_count() == 0
    assert frame["macro_payrolls_growth"].null_count() == 0


def test_the_real_history_cut_at_as_of_gives_the_same_row(vintages: pl.DataFrame) -> None:
    times = [datetime(2008, 9, 5, 20, tzinfo=UTC), datetime(2014, 2, 28, 21, tzinfo=UTC)]
    full = macro_features(vintages, pl.DataFrame({"as_of": times}))
    for as_of in times:
        known = vintages.filter(pl.col("known_at") <= as_of)
        alone = macro_features(known, pl.DataFrame({"as_of": [as_of]}))
        assert_frame_equal(full.filter(pl.col("as_of") == as_of), alone, check_exact=True)


# --- laws --------------------------------------------------------------------------------------

DAYS = [JUNE + timedelta(days=k) for k in range(40)]
RECORDS = st.lists(
    st.builds(
        value,
        st.sampled_from(["CPIAUCSL", "PAYEMS", "GDPC1", "DGS10", "DGS2", "VIXCLS"]),
        st.sampled_from([months_before(date(2015, 7, 1), k) for k in range(14)]),
        st.sampled_from(DAYS),
        st.none() | st.floats(-1, 300),
        st.sampled_from([None, "2009"]),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(RECORDS, st.sampled_from(DAYS), st.randoms())
def test_no_record_known_later_changes_a_bit(
    records: list[dict[str, object]], cut: datetime, shuffler: object
) -> None:
    full = at(records, *DAYS).filter(pl.col("as_of") <= cut)
    known = [record for record in records if record["known_at"] <= cut]  # type: ignore[operator]
    shuffler.shuffle(known)  # type: ignore[attr-defined]
    assert_frame_equal(full, at(known, *[d for d in DAYS if d <= cut]), check_exact=True)
