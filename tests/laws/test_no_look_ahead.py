"""Law 1: what becomes known after a row's ``as_of`` does not move a bit of it."""

from dataclasses import replace
from datetime import datetime

import polars as pl
from futures import FUTURES, rewritten
from hypothesis import given, settings
from hypothesis import strategies as st
from markets import Coverage, Covered, World, differing

from stocktrend.auditing.changes import FIRST_INSTANT, Fate
from stocktrend.catalog import (
    FEATURES,
    MACRO_FEATURES,
    NEWS_FEATURES,
    POLICY_FEATURES,
    STOCK_FEATURES,
)
from stocktrend.schema import KEYS


def moved_later(world: World, after: pl.DataFrame, moment: datetime) -> set[str]:
    """Features that have other values in a row after the moment: the future was felt there."""
    later = pl.col("as_of") > moment
    rows = ["ticker", "as_of"]
    first = world.panel.filter(later).join(after, on=rows, how="semi").sort(rows)
    second = after.filter(later).join(first, on=rows, how="semi").sort(rows)
    return {name for name in FEATURES if not first[name].equals(second[name])}


def test_no_record_known_later_moves_a_bit_of_an_earlier_row(
    world: World, covered: Covered
) -> None:
    compared = Coverage()
    moved: set[str] = set()

    @settings(max_examples=12)
    @given(st.sampled_from(world.moments) | st.sampled_from(world.just_revised), FUTURES)
    def law(moment: datetime, future: dict[str, Fate]) -> None:
        before = world.until(moment)
        after = rewritten(world.records, moment, future).panel()
        assert differing(before, after.filter(pl.col("as_of") <= moment)) == []
        compared.add(before)
        moved.update(moved_later(world, after, moment))

    law()
    assert moved == set(FEATURES)
    covered(compared)


def test_what_is_known_at_the_very_moment_counts_and_rows_come_once(world: World) -> None:
    moment = world.moments[len(world.moments) // 2]
    at_the_moment = Fate(dropped=0.0, changed=0.0, told=400, delays=(0.0,), seed=3)
    future = dict.fromkeys(KEYS, at_the_moment) | {"universe": replace(at_the_moment, told=0)}
    after = rewritten(world.records, moment - FIRST_INSTANT, future).panel()
    assert not after.select("ticker", "as_of").is_duplicated().any()
    before = world.until(moment)
    now = pl.col("as_of") == moment
    earlier = pl.col("as_of") < moment
    assert differing(before.filter(earlier), after.filter(earlier)) == []
    moved = set(differing(before.filter(now), after.filter(now)))
    for names in (NEWS_FEATURES, POLICY_FEATURES, MACRO_FEATURES, STOCK_FEATURES):
        assert moved & set(names)
