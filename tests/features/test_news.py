"""News windows: literal dates, an independent oracle, and the laws bit for bit."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from stocktrend.catalog import NEWS_FEATURES
from stocktrend.errors import DataError
from stocktrend.features.news import news_features
from stocktrend.schema import NewsItem
from stocktrend.sessions import as_of_grid

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2015, 1, 1, tzinfo=UTC)
LENGTHS = {"bad": -0.5, "flat": 0.0, "good": 0.5, "great": 1.0}


class WordScorer:
    """The score of a text is that of its first word; it counts what it is asked."""

    name = "first word"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([LENGTHS[text.split()[0]] for text in texts])


def item(known: datetime, text: str = "good", **fields: object) -> dict[str, object]:
    """A news record; each has its own id unless one is given."""
    record = {
        "event_time": known,
        "known_at": known,
        "source": "wire",
        "ticker": "A",
        "id": f"{known.isoformat()} {text} {fields.get('ticker', 'A')}",
        "text": text,
        "lang": "en",
        "is_repost": False,
    }
    return record | fields


def items_of(records: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(records, schema=NewsItem.create_empty().schema)


def periods_of(*sources: str, end: datetime | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"source": sources, "start": [START] * len(sources), "end": [end] * len(sources)},
        schema={
            "source": pl.String,
            "start": pl.Datetime("us", "UTC"),
            "end": pl.Datetime("us", "UTC"),
        },
    )


def features_of(
    records: list[dict[str, object]],
    as_of: datetime,
    previous: datetime | None = None,
    *,
    ticker: str = "A",
    periods: pl.DataFrame | None = None,
) -> dict[str, float]:
    rows = pl.DataFrame(
        {"ticker": [ticker], "as_of": [as_of], "previous_as_of": [previous]},
        schema_overrides={"previous_as_of": pl.Datetime("us", "UTC")},
    )
    frame = news_features(
        items_of(records),
        rows,
        scorer=WordScorer(),
        periods=periods_of("wire", "blog") if periods is None else periods,
    )
    return frame.select(NEWS_FEATURES).row(0, named=True)


def new_york(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK).astimezone(UTC)  # type: ignore[misc,arg-type]


AS_OF = datetime(2015, 6, 5, 20, tzinfo=UTC)


def test_a_post_one_second_before_counts_and_one_second_after_does_not() -> None:
    second = timedelta(seconds=1)
    assert features_of([item(AS_OF - second)], AS_OF)["news_count"] == pytest.approx(math.log(2))
    assert features_of([item(AS_OF)], AS_OF)["news_count"] == pytest.approx(math.log(2))
    assert features_of([item(AS_OF + second)], AS_OF)["news_count"] == 0


def test_the_window_of_the_week_of_the_clock_change_spans_the_whole_week() -> None:
    # Clocks went forward on 8 March 2015: the week from Friday's close to Friday's close has 167
    # hours, so the window of 168 hours reaches one hour further back.
    grid = as_of_grid("weekly", date(2015, 3, 2), date(2015, 3, 13))
    friday, next_friday = grid["as_of"].to_list()
    assert (friday, next_friday) == (new_york(2015, 3, 6, 16), new_york(2015, 3, 13, 16))
    at_close_before = item(new_york(2015, 3, 6, 15, 30))
    too_early = item(new_york(2015, 3, 6, 15), "bad")
    row = features_of([at_close_before, too_early], next_friday, friday)
    assert row["news_count"] == pytest.approx(math.log(2))
    assert row["news_sentiment"] == 0.5


def test_the_window_after_the_clocks_go_back_begins_at_the_close_of_the_week_before() -> None:
    # 1 November 2015: that week has 169 hours, one more than 168.
    previous, as_of = new_york(2015, 10, 30, 16), new_york(2015, 11, 6, 16)
    just_after_close = item(new_york(2015, 10, 30, 16, 30))
    at_close = item(new_york(2015, 10, 30, 16), "bad")
    assert features_of([just_after_close, at_close], as_of, previous)["news_sentiment"] == 0.5


def test_a_half_day_ends_its_window_at_one_o_clock() -> None:
    # The day after Thanksgiving 2015 closed at 13:00.
    grid = as_of_grid("weekly", date(2015, 11, 23), date(2015, 11, 29))
    as_of, previous = grid.select("as_of", "previous_as_of").row(0)
    assert as_of == new_york(2015, 11, 27, 13)
    records = [item(new_york(2015, 11, 27, 12, 59)), item(new_york(2015, 11, 27, 15), "bad")]
    assert features_of(records, as_of, previous)["news_sentiment"] == 0.5
    # The week before ended at 16:00, so this window is longer than 165 hours, not shorter.
    assert features_of([item(new_york(2015, 11, 20, 14))], as_of, previous)["news_count"] > 0


def test_the_features_of_three_posts_computed_by_hand() -> None:
    day = timedelta(days=1)
    records = [
        item(AS_OF - 2 * day, "good a"),
        item(AS_OF - 4 * day, "bad b", source="blog"),
        item(AS_OF, "great c", ticker="*"),
        *[item(AS_OF - 10 * day - k * day, f"bad old {k}") for k in range(6)],
    ]
    row = features_of(records, AS_OF)
    assert row["news_count"] == pytest.approx(math.log(4))
    assert row["news_sentiment"] == pytest.approx(1 / 3)
    assert row["news_sentiment_recent"] == pytest.approx((0.5 / 2 - 0.5 / 4 + 1) / 1.75)
    assert row["news_sentiment_dispersion"] == pytest.approx(np.std([0.5, -0.5, 1.0]))
    assert row["news_positive_share"] == pytest.approx(2 / 3)
    assert row["news_negative_share"] == pytest.approx(1 / 3)
    assert row["news_surprise"] == pytest.approx(math.log(4 / (1 + 6 * 7 / 60)))
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert row["news_source_diversity"] == pytest.approx(entropy / math.log(3))


def test_the_baseline_ends_sixty_days_before_the_window() -> None:
    start = AS_OF - timedelta(hours=168)
    inside = item(start - timedelta(days=60) + timedelta(seconds=1))
    outside = item(start - timedelta(days=60), "bad")
    row = features_of([inside, outside], AS_OF)
    assert row["news_surprise"] == pytest.approx(-math.log(1 + 7 / 60))


def test_silence_within_the_period_gives_zeros() -> None:
    assert features_of([], AS_OF) == dict.fromkeys(NEWS_FEATURES, 0.0)


def test_outside_the_period_of_every_source_all_eight_are_null() -> None:
    nothing = dict.fromkeys(NEWS_FEATURES)
    before = START - timedelta(seconds=1)
    assert features_of([item(before)], before) == nothing
    ended = periods_of("wire", "blog", end=AS_OF - timedelta(seconds=1))
    assert features_of([item(AS_OF)], AS_OF, periods=ended) == nothing
    assert features_of([item(START)], START)["news_count"] == pytest.approx(math.log(2))


def test_source_diversity_is_null_where_one_source_is_configured() -> None:
    row = features_of([item(AS_OF), item(AS_OF, "bad")], AS_OF, periods=periods_of("wire"))
    assert row["news_source_diversity"] is None
    assert row["news_count"] == pytest.approx(math.log(3))


def test_a_source_that_begins_later_gives_earlier_rows_no_diversity() -> None:
    periods = periods_of("wire", "blog").with_columns(
        start=pl.when(pl.col("source") == "blog")
        .then(pl.lit(AS_OF + timedelta(seconds=1)))
        .otherwise("start")
    )
    row = features_of([item(AS_OF), item(AS_OF, "bad")], AS_OF, periods=periods)
    assert row["news_source_diversity"] is None


def test_reposts_and_unreadable_languages_are_left_out_and_unknown_ones_read() -> None:
    records = [
        item(AS_OF, "good 1", is_repost=True),
        item(AS_OF, "good 2", lang="fr"),
        item(AS_OF, "good 3", lang=None),
        item(AS_OF, "good 4", lang="und"),
    ]
    assert features_of(records, AS_OF)["news_count"] == pytest.approx(math.log(3))


def test_one_id_counts_once_at_its_first_version() -> None:
    first, revised = item(AS_OF - timedelta(days=9), id="1"), item(AS_OF, "bad", id="1")
    assert features_of([first, revised], AS_OF)["news_count"] == 0


def test_one_text_counts_once_for_each_ticker() -> None:
    records = [
        item(AS_OF - timedelta(hours=2), "good"),
        item(AS_OF - timedelta(hours=1), "good", source="blog"),
        item(AS_OF, "good", ticker="B"),
    ]
    assert features_of(records, AS_OF)["news_count"] == pytest.approx(math.log(2))
    assert features_of(records, AS_OF, ticker="B")["news_count"] == pytest.approx(math.log(2))


def test_a_market_wide_copy_of_a_tickers_own_item_counts_once() -> None:
    hour = timedelta(hours=1)
    own_first = [item(AS_OF - hour, "good"), item(AS_OF, "good", ticker="*")]
    market_first = [item(AS_OF, "good"), item(AS_OF - hour, "good", ticker="*")]
    for records in (own_first, market_first):
        assert features_of(records, AS_OF)["news_count"] == pytest.approx(math.log(2))
        assert features_of(records, AS_OF, ticker="B")["news_count"] == pytest.approx(math.log(2))


def test_each_text_is_scored_once_and_old_or_later_ones_never() -> None:
    scorer = WordScorer()
    records = [
        item(AS_OF, "good"),
        item(AS_OF, "good", ticker="B"),
        item(AS_OF - timedelta(days=30), "bad"),
        item(AS_OF + timedelta(days=1), "great"),
    ]
    rows = pl.DataFrame({"ticker": ["A", "B"], "as_of": [AS_OF] * 2, "previous_as_of": [AS_OF] * 2})
    news_features(items_of(records), rows, scorer=scorer, periods=periods_of("wire"))
    assert scorer.asked == ["good"]


def test_a_scorer_outside_its_range_is_an_error() -> None:
    class Broken(WordScorer):
        def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
            return np.full(len(texts), 1.5)

    rows = pl.DataFrame({"ticker": ["A"], "as_of": [AS_OF], "previous_as_of": [AS_OF]})
    with pytest.raises(DataError, match=r"in \[-1, 1\]"):
        news_features(items_of([item(AS_OF)]), rows, scorer=Broken(), periods=periods_of("wire"))


def test_missing_columns_are_named() -> None:
    rows = pl.DataFrame({"ticker": ["A"], "as_of": [AS_OF]})
    with pytest.raises(DataError, match="previous_as_of"):
        news_features(items_of([]), rows, periods=periods_of("wire"))


# --- laws and oracle on random records ---------------------------------------------------------

HOURS = st.integers(0, 24 * 100)
RECORDS = st.lists(
    st.builds(
        lambda hour, word, ticker, number, source, repost: item(
            START + timedelta(hours=hour),
            f"{word} {number % 7}",
            ticker=ticker,
            id=str(number),
            source=source,
            is_repost=repost,
        ),
        HOURS,
        st.sampled_from(sorted(LENGTHS)),
        st.sampled_from(["A", "B", "*"]),
        st.integers(0, 40),
        st.sampled_from(["wire", "blog"]),
        st.integers(0, 9).map(lambda k: k == 0),
    ),
    max_size=60,
)
GRID = [START + timedelta(hours=168) * k for k in range(1, 14)]
ROWS = pl.DataFrame(
    {
        "ticker": ["A"] * len(GRID) + ["B"] * len(GRID),
        "as_of": GRID * 2,
        "previous_as_of": [GRID[0] - timedelta(hours=170), *GRID[:-1]] * 2,
    }
)


def computed(records: list[dict[str, object]], rows: pl.DataFrame = ROWS) -> pl.DataFrame:
    return news_features(
        items_of(records), rows, scorer=WordScorer(), periods=periods_of("wire", "blog")
    )


@settings(max_examples=40)
@given(RECORDS, st.sampled_from(GRID), st.randoms())
def test_no_record_known_later_changes_a_bit(
    records: list[dict[str, object]], cut: datetime, shuffler: object
) -> None:
    early = ROWS.filter(pl.col("as_of") <= cut)
    full = computed(records).filter(pl.col("as_of") <= cut)
    known = [record for record in records if record["known_at"] <= cut]  # type: ignore[operator]
    shuffler.shuffle(known)  # type: ignore[attr-defined]
    assert_frame_equal(full, computed(known, early), check_exact=True)


@settings(max_examples=40)
@given(RECORDS)
def test_every_row_agrees_with_a_plain_reading_of_the_definition(
    records: list[dict[str, object]],
) -> None:
    ordered = sorted(
        (record for record in records if not record["is_repost"]),
        key=lambda r: (r["known_at"], r["ticker"] != "*", r["id"], r["source"], r["text"]),
    )
    frame = computed(records)
    for row, (ticker, as_of, previous) in zip(
        frame.iter_rows(named=True), ROWS.iter_rows(), strict=True
    ):
        stream = [r for r in ordered if r["ticker"] in (ticker, "*")]
        counted = [
            r
            for n, r in enumerate(stream)
            if not any(r["id"] == e["id"] or r["text"] == e["text"] for e in stream[:n])
        ]
        start = min(as_of - timedelta(hours=168), previous)
        inside = [r for r in counted if start < r["known_at"] <= as_of]  # type: ignore[operator]
        base = [r for r in counted if start - timedelta(days=60) < r["known_at"] <= start]  # type: ignore[operator]
        scores = [LENGTHS[str(r["text"]).split()[0]] for r in inside]
        assert row["news_count"] == pytest.approx(math.log1p(len(inside)))
        assert row["news_sentiment"] == pytest.approx(np.mean(scores) if scores else 0.0)
        assert row["news_sentiment_dispersion"] == pytest.approx(
            np.std(scores) if scores else 0.0, abs=1e-12
        )
        assert row["news_surprise"] == pytest.approx(
            math.log((1 + len(inside)) / (1 + len(base) * 7 / 60)), abs=1e-12
        )
