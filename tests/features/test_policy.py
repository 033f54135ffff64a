"""Policy features: hand-computed values, real decisions, and the laws bit for bit."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from stocktrend.catalog import POLICY_FEATURES
from stocktrend.errors import DataError
from stocktrend.features.policy import policy_features
from stocktrend.schema import Observation, PolicyEvent
from stocktrend.sessions import new_york_expr

AS_OF = datetime(2015, 6, 5, 20, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
SCORES = {"hawk": 1.0, "dove": -1.0, "mild": 0.25, "still": 0.0}


class WordScorer:
    """The score of a text is that of its first word; it counts what it is asked."""

    name = "first word"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([SCORES[text.split()[0]] for text in texts])


def event(known: datetime, text: str | None = None, **fields: object) -> dict[str, object]:
    record = {
        "event_time": known,
        "known_at": known,
        "source": "fomc",
        "id": f"{known.isoformat()} {text}",
        "kind": "statement",
        "title": None,
        "text": text,
        "target_low": None,
        "target_high": None,
    }
    return record | fields


def index(period: date, known: datetime, number: float | None) -> dict[str, object]:
    return {
        "event_time": known,
        "known_at": known,
        "source": "epu",
        "series": "USEPUINDXD",
        "period": period,
        "value": number,
        "basis": None,
        "revised": False,
    }


def at(
    events: list[dict[str, object]],
    times: list[datetime],
    observations: Sequence[dict[str, object]] = (),
    scorer: WordScorer | None = None,
) -> pl.DataFrame:
    return policy_features(
        pl.DataFrame(events, schema=PolicyEvent.create_empty().schema),
        pl.DataFrame(list(observations), schema=Observation.create_empty().schema),
        pl.DataFrame({"as_of": times}),
        scorer=scorer or WordScorer(),
    )


def test_without_a_record_all_five_are_null() -> None:
    frame = at([], [AS_OF])
    assert frame.columns == ["as_of", *POLICY_FEATURES]
    assert frame.drop("as_of").row(0) == (None,) * 5


def test_stance_weighs_texts_by_age_and_leaves_out_those_older_than_180_days() -> None:
    events = [
        event(AS_OF - 30 * DAY, "hawk"),
        event(AS_OF - 60 * DAY, "dove"),
        event(AS_OF - 180 * DAY, "dove at the edge"),
        event(AS_OF - 10 * DAY, None),
    ]
    stance = at(events, [AS_OF])["policy_stance"].item()
    assert stance == pytest.approx((1 / 2 - 1 / 4) / (1 / 2 + 1 / 4))


def test_an_event_one_second_after_as_of_changes_nothing() -> None:
    events = [event(AS_OF - DAY, "hawk")]
    later = event(AS_OF + SECOND, "dove", target_low=1.0, target_high=1.5)
    assert_frame_equal(at(events, [AS_OF]), at([*events, later], [AS_OF]), check_exact=True)
    earlier = later | {"known_at": AS_OF - SECOND}
    assert at([*events, earlier], [AS_OF])["policy_event_count"].item() == pytest.approx(
        math.log(3)
    )


def test_the_count_of_30_days_and_the_days_since_the_last_event() -> None:
    events = [event(AS_OF - 30 * DAY), event(AS_OF - 29 * DAY), event(AS_OF - 36 * DAY / 24)]
    frame = at(events, [AS_OF])
    assert frame["policy_event_count"].item() == pytest.approx(math.log(3))
    assert frame["policy_days_since"].item() == pytest.approx(math.log(1 + 1.5))


def test_windows_of_180_30_and_90_days_begin_to_the_second() -> None:
    for days, feature, inside, outside in (
        (180, "policy_stance", 1.0, None),
        (30, "policy_event_count", math.log(2), 0.0),
    ):
        start = AS_OF - days * DAY
        for known, expected in ((start + SECOND, inside), (start, outside)):
            assert at([event(known, "hawk")], [AS_OF])[feature].item() == expected
    now = event(AS_OF, target_low=2.0, target_high=2.0)
    for known, change in ((AS_OF - 90 * DAY, 1.5), (AS_OF - 90 * DAY + SECOND, None)):
        before = event(known, target_low=0.5, target_high=0.5)
        assert at([before, now], [AS_OF])["policy_rate_change"].item() == change


def test_one_event_counts_once_at_its_first_version() -> None:
    first = event(AS_OF - 40 * DAY, "hawk", id="1")
    corrected = event(AS_OF, "dove", id="1")
    frame = at([first, corrected], [AS_OF])
    assert frame["policy_event_count"].item() == 0
    assert frame["policy_stance"].item() == 1


def test_the_rate_change_is_that_of_the_midpoint_over_90_days() -> None:
    decisions = [
        event(AS_OF - 91 * DAY, target_low=0.0, target_high=0.25),
        event(AS_OF - 89 * DAY, target_low=0.25, target_high=0.5),
        event(AS_OF - DAY, target_low=0.75, target_high=1.0),
    ]
    assert at(decisions, [AS_OF])["policy_rate_change"].item() == pytest.approx(0.75)
    assert at(decisions[1:], [AS_OF])["policy_rate_change"].item() is None


def test_a_decision_published_late_does_not_replace_its_successor() -> None:
    decisions = [
        event(AS_OF - 100 * DAY, target_low=1.0, target_high=1.0),
        event(AS_OF - 3 * DAY, target_low=2.0, target_high=2.0),
        event(AS_OF - DAY, target_low=1.5, target_high=1.5, event_time=AS_OF - 5 * DAY),
    ]
    assert at(decisions, [AS_OF])["policy_rate_change"].item() == 1.0


def test_of_two_decisions_published_late_the_later_one_stands() -> None:
    decisions = [
        event(AS_OF - 100 * DAY, target_low=1.0, target_high=1.0),
        event(AS_OF - 3 * DAY, target_low=2.0, target_high=2.0, event_time=AS_OF - 20 * DAY),
        event(AS_OF - DAY, target_low=1.5, target_high=1.5, event_time=AS_OF - 10 * DAY),
    ]
    assert at(decisions, [AS_OF])["policy_rate_change"].item() == 0.5


def test_uncertainty_is_the_log_mean_of_the_last_30_days_as_known_then() -> None:
    june_5 = AS_OF.date()
    observations = [
        index(june_5 - 2 * DAY, AS_OF - DAY, 80.0),
        index(june_5 - 29 * DAY, AS_OF - DAY, 100.0),
        index(june_5 - 30 * DAY, AS_OF - DAY, 900.0),
        index(june_5 - 2 * DAY, AS_OF + SECOND, 500.0),
    ]
    value = at([], [AS_OF], observations)["policy_uncertainty"].item()
    assert value == pytest.approx(math.log(90))


def test_each_text_is_scored_once_and_a_later_one_never() -> None:
    scorer = WordScorer()
    events = [event(AS_OF - k * DAY, f"mild {k}") for k in range(-1, 3)]
    at(events, [AS_OF - DAY, AS_OF, AS_OF], scorer=scorer)
    assert sorted(scorer.asked) == ["mild 0", "mild 1", "mild 2"]


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match="target_low"):
        policy_features(
            pl.DataFrame({"id": []}),
            Observation.create_empty(),
            pl.DataFrame({"as_of": [AS_OF]}),
        )


def test_the_real_decisions_of_2022(real_data: Path) -> None:
    release = new_york_expr(pl.col("date"), datetime(2000, 1, 1, 14).time())  # noqa: DTZ001
    events = pl.read_csv(real_data / "policy/fomc.csv", try_parse_dates=True).select(
        release.alias("event_time"),
        release.alias("known_at"),
        pl.lit("fomc").alias("source"),
        pl.col("date").cast(pl.String).alias("id"),
        pl.lit("rate_decision").alias("kind"),
        pl.lit(None, dtype=pl.String).alias("title"),
        pl.col("statement").alias("text"),
        "target_low",
        "target_high",
    )
    # 27 July 2022, 14:00 New York: 1.50-1.75 became 2.25-2.50; 90 days earlier it was 0.25-0.50.
    times = [datetime(2022, 7, 27, 17, 59, tzinfo=UTC), datetime(2022, 7, 27, 20, tzinfo=UTC)]
    times += [datetime(2008, 12, 31, 21, tzinfo=UTC)]
    frame = policy_features(
        events, Observation.create_empty(), pl.DataFrame({"as_of": times}), scorer=None
    )
    assert frame["policy_rate_change"].to_list()[:2] == [1.25, 2.0]
    assert frame["policy_days_since"].to_list()[1] == pytest.approx(math.log(1 + 2 / 24))
    stance = frame["policy_stance"].to_list()
    assert stance[1] > 0 > stance[2]


# --- laws --------------------------------------------------------------------------------------

TIMES = [AS_OF + 13 * k * DAY for k in range(16)]
KNOWN = st.integers(0, 16 * 13).map(lambda k: AS_OF + k * DAY)
EVENTS = st.lists(
    st.builds(
        lambda known, word, number, rate: event(
            known, word, id=str(number), target_low=rate, target_high=rate
        ),
        KNOWN,
        st.none() | st.sampled_from(sorted(SCORES)),
        st.integers(0, 12),
        st.none() | st.integers(0, 20).map(lambda k: k / 4),
    ),
    max_size=25,
)
INDICES = st.lists(
    st.builds(
        lambda known, lag, number: index(known.date() - lag * DAY, known, number),
        KNOWN,
        st.integers(1, 5),
        st.none() | st.floats(1, 500),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(EVENTS, INDICES, st.sampled_from(TIMES), st.randoms())
def test_no_record_known_later_changes_a_bit(
    events: list[dict[str, object]],
    indices: list[dict[str, object]],
    cut: datetime,
    shuffler: object,
) -> None:
    full = at(events, TIMES, indices).filter(pl.col("as_of") <= cut)
    known = [record for record in events if record["known_at"] <= cut]  # type: ignore[operator]
    early = [record for record in indices if record["known_at"] <= cut]  # type: ignore[operator]
    shuffler.shuffle(known)  # type: ignore[attr-defined]
    alone = at(known, [time for time in TIMES if time <= cut], early)
    assert_frame_equal(full, alone, check_exact=True)
