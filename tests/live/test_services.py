"""From settings to services that can be asked."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stocktrend.config import MembershipFile, Settings
from stocktrend.errors import ConfigError, SourceError
from stocktrend.lake import Lake
from stocktrend.live.services import opened, services
from stocktrend.sources.membership import read_membership
from stocktrend.workflow.fetching import tickers_of

NOW = datetime(2024, 3, 8, 15, 0, tzinfo=UTC)
FEED = {"kind": "rss", "base_url": "https://feeds.example/a.xml"}
ENVIRON = {"TIINGO_API_KEY": "0123456789abcdef", "STOOQ_API_KEY": "0123456789abcdef"}


def named(**sources: Any) -> Settings:
    return Settings.model_validate({"sources": sources})


def test_services_are_told_from_files_and_chosen_by_name_kind_or_list() -> None:
    files = {"kind": "news", "path": "n.jsonl"}
    settings = named(news=[files, {**FEED, "name": "a"}, {**FEED, "name": "b"}])
    assert [one.name for one in services(settings)] == ["a", "b"]
    assert [one.name for one in services(settings, ["b"])] == ["b"]
    assert [one.name for one in services(settings, ["rss"])] == ["a", "b"]
    assert [one.name for one in services(settings, ["news"])] == ["a", "b"]


@pytest.mark.parametrize(
    ("feeds", "chosen", "words"),
    [
        ([FEED, FEED], None, "several are named 'rss'"),
        ([{**FEED, "name": "prices"}], None, "several are named 'prices'"),
        ([FEED], ["fred"], "--source must be one of rss, however: 'fred'"),
        ([], ["fred"], "--source must be named in stocktrend.yaml first"),
    ],
)
def test_names_that_leave_open_who_is_meant_are_refused(
    feeds: list[dict[str, str]], chosen: list[str] | None, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        services(named(news=feeds), chosen)


def test_one_that_cannot_be_asked_leaves_the_others(tmp_path: Path) -> None:
    settings = named(
        prices=[{"kind": "tiingo"}],
        macro=[{"kind": "fred"}],
        news=[{**FEED, "base_url": "feeds.example/a.xml"}, {**FEED, "name": "good"}],
    )
    with opened(settings, services(settings), tmp_path, ENVIRON, NOW) as found:
        assert [one.source.name for one in found.asked] == ["prices", "good"]
    assert set(found.refused) == {"fred", "rss"}
    assert "FRED_API_KEY" in found.refused["fred"]
    assert "base_url of rss must be an address" in found.refused["rss"]


def test_vendors_are_asked_together_from_the_earliest_day_that_one_has(tmp_path: Path) -> None:
    vendors = [
        {"kind": "stooq", "since": "2021-05-01"},
        {"kind": "tiingo", "since": "2020-02-01"},
        {"kind": "yfinance"},
    ]
    settings = named(prices=vendors)
    with opened(settings, services(settings), tmp_path, ENVIRON, NOW) as found:
        (prices,) = found.asked
        assert prices.since == date(2020, 2, 1)
        assert prices.source.parts(["AAPL"]) == ("AAPL",)
        with pytest.raises(SourceError, match="library of its own"):
            prices.source.members[2][1].get("/")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"base_url": "https://other.example"}, False),
        ({"per_minute": 5}, False),
        ({"per_hour": 5}, False),
        ({"types": ["RULE"]}, True),
        ({"since": "2001-01-01"}, True),
    ],
)
def test_what_decides_the_records_decides_whether_all_is_asked_for_again(
    tmp_path: Path, changed: dict[str, Any], again: bool
) -> None:
    prints = []
    for more in ({}, changed):
        settings = named(policy=[{"kind": "federal_register", **more}])
        with opened(settings, services(settings), tmp_path, {}, NOW) as found:
            prints.append(found.asked[0].fingerprint("documents"))
    assert (prints[0] != prints[1]) == again


def prices_asked(root: Path, vendors: list[dict[str, Any]], chosen: list[str] | None = None) -> Any:
    settings = named(prices=vendors)
    with opened(settings, services(settings, chosen), root, ENVIRON, NOW) as found:
        return found.asked[0]


def test_vendors_want_the_same_whichever_of_them_is_asked(tmp_path: Path) -> None:
    usual = [{"kind": "yfinance"}, {"kind": "tiingo"}]
    plain = prices_asked(tmp_path, usual).fingerprint("AAPL")
    assert prices_asked(tmp_path, usual[:1]).fingerprint("AAPL") == plain
    other = [{"kind": "stooq", "suffix": ".uk"}, {"kind": "tiingo", "since": "2020-02-01"}]
    whole, part = (prices_asked(tmp_path, other, chosen) for chosen in (None, ["stooq"]))
    assert whole.fingerprint("AAPL") == part.fingerprint("AAPL") != plain
    assert whole.since == part.since == date(2020, 2, 1)


def test_a_query_decides_its_own_ticker_alone(tmp_path: Path) -> None:
    prints = []
    for query in ("Apple", "Apple Inc"):
        settings = named(news=[{"kind": "gdelt", "queries": {"AAPL": query, "*": "market"}}])
        with opened(settings, services(settings), tmp_path, {}, NOW) as found:
            prints.append([found.asked[0].fingerprint(part) for part in ("AAPL", "*")])
    assert prints[0][0] != prints[1][0]
    assert prints[0][1] == prints[1][1]


def test_a_free_key_of_tiingo_is_asked_no_more_than_it_allows_in_any_hour(tmp_path: Path) -> None:
    settings = named(prices=[{"kind": "tiingo"}])
    with opened(settings, services(settings), tmp_path, ENVIRON, NOW) as found:
        pace = found.asked[0].http._pace  # type: ignore[attr-defined]
    at, went = [0.0], []
    pace._clock, pace._sleep = lambda: at[0], lambda seconds: at.__setitem__(0, at[0] + seconds)
    for _ in range(120):
        pace.wait()
        went.append(at[0])
    hours = [later - first for first, later in zip(went, went[50:], strict=False)]
    assert min(hours) >= 3600 - 1e-6
    assert went[49] - went[0] < 60


def test_a_host_is_asked_at_the_pace_of_the_slowest_who_ask_there(tmp_path: Path) -> None:
    rates: list[dict[str, Any]] = [{}, {"per_minute": 6, "per_hour": 9}, {"per_hour": 20}]
    feeds = [{**FEED, "name": f"feed {n}", **rate} for n, rate in enumerate(rates)]
    settings = named(news=feeds)
    with opened(settings, services(settings), tmp_path, {}, NOW) as found:
        paces = {one.http._pace for one in found.asked}  # type: ignore[attr-defined]
    (pace,) = paces
    assert (pace._apart, pace._per_hour) == (10, 9)


def test_hosts_are_named_without_the_password_in_an_address(tmp_path: Path) -> None:
    settings = named(news=[{**FEED, "base_url": "https://me:secret@feeds.example/a.xml"}])
    with opened(settings, services(settings), tmp_path, {}, NOW) as found:
        assert found.asked[0].host == "feeds.example"


def test_services_are_asked_about_those_who_were_members_since(tmp_path: Path) -> None:
    file, lake = tmp_path / "membership.csv", Lake(tmp_path / "lake")
    file.write_text(
        "ticker,start_date,end_date\nSTAYS,2010-01-04,\nLEAVES,2010-01-04,2030-06-03\n"
        "LEFT,2010-01-04,2015-06-01\nCOMES,2030-01-02,\nCAME,2020-01-02,\n"
    )
    batch = read_membership(file, MembershipFile(path=str(file)), "universe", "membership.csv")
    lake.upsert("universe", batch.records, NOW)
    now = ["CAME", "LEAVES", "STAYS"]
    assert tickers_of(Settings(), lake, NOW.date(), NOW) == now
    assert tickers_of(Settings(), lake, date(2015, 6, 1), NOW) == now
    assert tickers_of(Settings(), lake, date(2015, 5, 31), NOW) == [
        "CAME",
        "LEAVES",
        "LEFT",
        "STAYS",
    ]
    assert tickers_of(Settings(), lake, date(2000, 1, 1), NOW) == [
        "CAME",
        "LEAVES",
        "LEFT",
        "STAYS",
    ]
    assert tickers_of(Settings(tickers=("A",)), lake, date(2000, 1, 1), NOW) == ["A"]
