"""Law 3: a history cut at a row's ``as_of`` gives the row that the full history gives."""

from datetime import date, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from markets import Coverage, Covered, World, differing

from stocktrend.catalog import STOCK_FEATURES
from stocktrend.features.stock import stock_features
from stocktrend.targets import label_columns, outcome_columns


def test_records_cut_at_a_moment_give_the_same_bits(world: World, covered: Covered) -> None:
    compared = Coverage()

    @settings(max_examples=8)
    @given(st.sampled_from(world.moments))
    def law(moment: datetime) -> None:
        before = world.until(moment)
        assert differing(before, world.records.known_at(moment).panel()) == []
        compared.add(before)

    law()
    covered(compared)


def test_known_by_pretends_that_later_records_do_not_exist(world: World) -> None:
    moment = world.moments[len(world.moments) // 2]
    assert differing(world.until(moment), world.records.panel(known_by=moment)) == []


def test_labels_known_at_a_moment_are_those_of_the_whole_history(world: World) -> None:
    moment = world.moments[len(world.moments) // 2]
    row = ["ticker", "as_of"]
    whole, part = world.records.labels(), world.records.known_at(moment).labels()
    for horizon in (7, 30):
        known_at, names = label_columns(horizon)[-1], list(outcome_columns(horizon))
        known = whole.filter(pl.col(known_at) <= moment).select(*row, *names, known_at)
        same = part.join(known, on=row, how="semi").select(*row, *names, known_at)
        assert known.height > part.height / 2
        assert known.select(names).null_count().row(0) == (0, 0, 0, 0)
        assert same.equals(known)
        told = part.drop_nulls(known_at)
        assert (told[known_at] <= moment).all()
        unknown = part.filter(pl.col(known_at).is_null())
        assert unknown.select(names).null_count().row(0) == (part.height - told.height,) * 4


def test_bars_of_a_whole_index_cut_at_a_day_give_the_same_bits(
    index_bars: pl.DataFrame, covered: Covered
) -> None:
    day = date(2009, 3, 9)
    whole = stock_features(index_bars).filter(pl.col("session") <= day)
    part = stock_features(index_bars.filter(pl.col("session") <= day))
    assert differing(whole, part, STOCK_FEATURES) == []
    covered(Coverage(STOCK_FEATURES).add(whole))
