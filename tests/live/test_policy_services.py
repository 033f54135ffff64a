"""Policy of the Federal Reserve, the Federal Register and the daily uncertainty index."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from server import Reply, Server
from texts import (
    NOW,
    PRESS_ITEM,
    REGISTER,
    RELEASES,
    UNCERTAINTY,
    WINDOW,
    client,
    press,
    register,
    serve,
)

from stocktrend.config import ExecutiveOrdersFile, FomcFile
from stocktrend.errors import SourceError
from stocktrend.features.policy import policy_features
from stocktrend.lake import Lake
from stocktrend.live import fed_press, federal_register, policy_uncertainty
from stocktrend.live.fed_press import target_of
from stocktrend.live.http import Answer
from stocktrend.live.policy_uncertainty import read_index
from stocktrend.live.source import Source, Window
from stocktrend.sources.batch import Batch
from stocktrend.sources.executive_orders import read_executive_orders
from stocktrend.sources.fomc import read_fomc

PAGE = "/newsevents/pressreleases/monetary20250917a.htm"
DOCUMENTS = "/api/v1/documents.json"
CSV = "/media/All_Daily_Policy_Data.csv"


def fetched(source: Source, base_url: str, window: Window = WINDOW, part: int = 0) -> list[Batch]:
    with client(base_url, source.name) as http:
        return list(source.fetch(source.parts(())[part], window, http))


def index(text: str) -> Batch:
    return read_index(Answer(text.encode(), "text/csv"), "epu", "USEPUINDXD", NOW)


def test_a_statement_is_a_rate_decision_with_its_words_and_its_target(server: Server) -> None:
    setting: Any = serve(server, "fed_press")
    others, statement = fetched(fed_press.source(setting, "XNYS"), server.base_url)

    (decision,) = statement.records.rows(named=True)
    assert decision["kind"] == "rate_decision"
    assert decision["id"] == "fomc-2025-09-17"
    assert decision["known_at"] == datetime(2025, 9, 17, 18, tzinfo=UTC)
    assert (decision["target_low"], decision["target_high"]) == (4.0, 4.25)
    assert decision["text"].startswith("Recent indicators suggest that growth")
    assert decision["text"].endswith("percentage point at this meeting.")
    assert decision["text"].count("\n\n") == 2
    assert others.records.select("kind", "title", "text").rows() == [
        ("press_release", RELEASES[1][0], None),
        ("minutes", RELEASES[2][0], None),
    ]


def test_policy_features_see_a_live_decision_and_no_other_release_dilutes_its_stance(
    server: Server,
) -> None:
    setting: Any = serve(server, "fed_press")
    batches = fetched(fed_press.source(setting, "XNYS"), server.base_url)
    events = pl.concat([batch.records for batch in batches])
    decision = events.filter(pl.col("kind") == "rate_decision")
    before = decision.with_columns(
        pl.lit("fomc-2025-07-30").alias("id"),
        pl.lit(datetime(2025, 6, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("known_at"),
        pl.lit(datetime(2025, 6, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("event_time"),
        pl.lit(None, dtype=pl.String).alias("text"),
        pl.lit(4.25).alias("target_low"),
        pl.lit(4.5).alias("target_high"),
    )
    grid = pl.DataFrame({"as_of": [datetime(2025, 9, 18, 20, tzinfo=UTC)]})
    none = pl.DataFrame(
        schema={
            "series": pl.String,
            "period": pl.Date,
            "value": pl.Float64,
            "basis": pl.String,
            "known_at": pl.Datetime("us", "UTC"),
            "event_time": pl.Datetime("us", "UTC"),
            "source": pl.String,
            "revised": pl.Boolean,
        }
    )

    (all_,) = policy_features(pl.concat([events, before]), none, grid).rows(named=True)
    (alone,) = policy_features(pl.concat([decision, before]), none, grid).rows(named=True)

    assert all_["policy_rate_change"] == -0.25
    assert all_["policy_stance"] is not None
    assert all_["policy_stance"] == alone["policy_stance"]
    assert all_["policy_event_count"] > alone["policy_event_count"]


def test_a_live_decision_is_the_same_event_as_the_one_of_a_file(
    server: Server, tmp_path: Path
) -> None:
    setting: Any = serve(server, "fed_press")
    _, live = fetched(fed_press.source(setting, "XNYS"), server.base_url)
    path = tmp_path / "fomc.csv"
    path.write_text("date,time,target_low,target_high\n2025-09-17,14:00,4.0,4.25\n")
    file = read_fomc(path, FomcFile(path="fomc.csv"), "fomc", "fomc.csv")

    same = ["id", "kind", "title", "event_time", "known_at", "target_low", "target_high"]
    assert live.records.select(same).equals(file.records.select(same))


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("decided to maintain the target range for the federal funds rate at 3‑1/2 to 3‑3/4 "
         "percent.", (3.5, 3.75)),
        ("decided to raise the target range for the federal funds rate to 5 to 5-1/4 percent.",
         (5.0, 5.25)),
        ("lower the target range for the federal funds rate by 1/2 percentage point to 4–3/4 to 5 "
         "percent.", (4.75, 5.0)),
        ("decided to keep the target range for the federal funds rate at 0 to 1/4 percent.",
         (0.0, 0.25)),
        ("who preferred to raise the target range for the federal funds rate by 1/4 percentage "
         "point", (None, None)),
        ("the target range for the federal funds rate at 1/0 to 1/4 percent", (None, None)),
    ],
)  # fmt: skip
def test_the_target_is_read_as_statements_write_it(
    said: str, target: tuple[float | None, float | None]
) -> None:
    assert target_of(said) == target


def test_the_target_is_that_of_real_statements_or_none(real_data: Path) -> None:
    statements = pl.read_csv(real_data / "policy" / "fomc.csv").filter(
        pl.col("date") >= "2015-12-16",
        pl.col("statement").is_not_null(),
        pl.col("target_low").is_not_null(),
    )
    read = [target_of(statement) for statement in statements["statement"]]
    stated = statements.select("target_low", "target_high").rows()
    named = [pair for pair in zip(read, stated, strict=True) if pair[0] != (None, None)]

    assert all(ours == theirs for ours, theirs in named)
    assert len(named) >= 0.95 * len(stated)


def test_releases_are_stored_although_the_page_of_a_statement_is_not_there(server: Server) -> None:
    setting: Any = serve(server, "fed_press")
    server.answer(PAGE, "<!DOCTYPE html><p>Back soon</p>", "text/html")
    source = fed_press.source(setting, "XNYS")

    with client(server.base_url, source.name) as http:
        batches = source.fetch("press_all", WINDOW, http)
        assert next(batches).records.height == 2
        with pytest.raises(SourceError, match=r"page of a statement of fed_press .*Back soon"):
            next(batches)


@pytest.mark.parametrize("link", ["https://www.federalreserve.gov/gone.htm", "http://[bad/"])
def test_a_statement_without_its_page_keeps_back_none_of_those_after_it(
    server: Server, link: str
) -> None:
    setting: Any = serve(server, "fed_press")
    fields = {"title": "Federal Reserve issues FOMC statement", "category": "Monetary Policy"}
    older = PRESS_ITEM.format(**fields, page="old", published="Wed, 30 Jul 2025 18:00:00 GMT")
    address = "https://www.federalreserve.gov/newsevents/pressreleases/old.htm"
    assert address in older
    feed = press().replace("</channel>", f"{older.replace(address, link)}</channel>")
    server.answer("/feeds/press_all.xml", feed, "text/xml")
    source = fed_press.source(setting, "XNYS")
    found: list[Batch] = []

    with client(server.base_url, source.name) as http, pytest.raises(SourceError, match="must"):
        found.extend(source.fetch("press_all", WINDOW, http))

    ids = [id_ for batch in found for id_ in batch.records["id"]]
    assert "fomc-2025-09-17" in ids
    assert "fomc-2025-07-30" not in ids


def test_the_page_of_a_statement_is_asked_for_at_base_url_alone(server: Server) -> None:
    setting: Any = serve(server, "fed_press")
    elsewhere = press().replace("https://www.federalreserve.gov/", "http://elsewhere.invalid/")
    server.answer("/feeds/press_all.xml", elsewhere, "text/xml")

    batches = fetched(fed_press.source(setting, "XNYS"), server.base_url, part=1)

    assert [asked.path for asked in server.asked] == ["/feeds/press_all.xml", PAGE]
    assert batches[1].records.height == 1


def test_documents_of_all_pages_are_known_at_the_end_of_their_publication(server: Server) -> None:
    setting: Any = serve(server, "federal_register")
    (batch,) = fetched(federal_register.source(setting, "XNYS"), server.base_url)

    assert batch.records.select("known_at", "id", "kind", "title").rows() == [
        (datetime(2025, 9, 4, 3, 59, tzinfo=UTC), "fr-2025-17001", "proclamation", "Labor Day"),
        (datetime(2025, 9, 9, 3, 59, tzinfo=UTC), "eo-14990", "executive_order", "Anvil Imports"),
        (datetime(2025, 9, 11, 3, 59, tzinfo=UTC), "fr-2025-17310", "notice",
         "Notice on Emergencies"),
        (datetime(2025, 9, 17, 3, 59, tzinfo=UTC), "eo-14991", "executive_order", "Rocket Skates"),
        (datetime(2025, 9, 19, 3, 59, tzinfo=UTC), "fr-2025-17602", "memorandum", "Delegation"),
    ]  # fmt: skip
    assert [asked.query.get("page", "1") for asked in server.asked] == ["1", "2", "3"]
    assert server.asked[0].query["order"] == "oldest"
    assert server.asked[0].query["conditions[publication_date][gte]"] == "2025-01-01"


def test_a_live_order_is_the_same_event_as_the_one_of_a_file(
    server: Server, tmp_path: Path
) -> None:
    setting: Any = serve(server, "federal_register")
    (batch,) = fetched(federal_register.source(setting, "XNYS"), server.base_url)
    path = tmp_path / "orders.csv"
    path.write_text(
        "signing_date,publication_date,eo_number,title\n2025-09-05,2025-09-08,14990,Anvil Imports\n"
    )
    file = read_executive_orders(path, ExecutiveOrdersFile(path="x"), "orders", "orders.csv")

    same = [name for name in file.records.columns if name not in ("row", "source")]
    live = batch.records.filter(pl.col("id") == "eo-14990")
    assert live.select(same).equals(file.records.select(same))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"next_page_url": "https://elsewhere.invalid/api/v1/documents?page=2"}, "elsewhere"),
        ({"next_page_url": 7}, "however it is 7"),
        ({"next_page_url": "http://[bad/"}, "must be on 127.0.0.1"),
        ({"count": 9}, "must give all 9 documents of 2025-01-01 to 2025-12-31, however its pages"),
        ({"count": "many"}, "how many documents there are"),
        ({"results": None}, "a list of records in 'results'"),
        ({"errors": {"conditions": "invalid"}, "results": None}, "invalid"),
    ],
)
def test_documents_that_are_not_all_there_are_none(
    server: Server, change: dict[str, Any], found: str
) -> None:
    setting: Any = serve(server, "federal_register")
    page = {"count": len(REGISTER), "results": REGISTER, **change}
    server.answer(DOCUMENTS, json.dumps(page))

    with pytest.raises(SourceError) as raised:
        fetched(federal_register.source(setting, "XNYS"), server.base_url)

    assert found in str(raised.value)


def test_pages_that_lead_in_a_circle_are_an_error(server: Server) -> None:
    setting: Any = serve(server, "federal_register")
    again = f"{server.base_url}/api/v1/documents?page=2"
    page = {"count": 5, "results": REGISTER, "next_page_url": again}
    for path in (DOCUMENTS, "/api/v1/documents"):
        server.answer(path, json.dumps(page))

    with pytest.raises(SourceError, match="must come to an end, however page 3"):
        fetched(federal_register.source(setting, "XNYS"), server.base_url)


def test_pages_that_repeat_documents_or_come_in_another_order_give_each_once(
    server: Server,
) -> None:
    setting: Any = serve(server, "federal_register")
    twice = [*REGISTER[::-1], *REGISTER[1:3]]
    server.answer(DOCUMENTS, json.dumps({"count": len(REGISTER), "results": twice}))

    (batch,) = fetched(federal_register.source(setting, "XNYS"), server.base_url)

    assert (batch.records.height, batch.duplicate) == (5, 2)


def test_a_year_with_more_documents_than_a_search_shows_is_asked_for_in_parts(
    server: Server,
) -> None:
    setting: Any = serve(server, "federal_register")

    def script(asked: Any) -> Reply:
        first, last = (
            date.fromisoformat(asked.query[f"conditions[publication_date][{end}]"])
            for end in ("gte", "lte")
        )
        if (min(last, NOW.date()) - first).days < 100:
            return register(asked)
        return Reply(json.dumps({"count": 10_000, "results": REGISTER[:1]}).encode())

    server.script(DOCUMENTS, script)
    batches = fetched(federal_register.source(setting, "XNYS"), server.base_url)

    assert len(batches) == 3
    assert sum(batch.records.height for batch in batches) == 5


def test_a_last_day_with_more_documents_than_a_search_shows_is_an_error(server: Server) -> None:
    setting: Any = serve(server, "federal_register")

    def script(asked: Any) -> Reply:
        if asked.query["conditions[publication_date][lte]"] < str(NOW.date()):
            return register(asked)
        return Reply(json.dumps({"count": 10_000, "results": REGISTER[-1:]}).encode())

    server.script(DOCUMENTS, script)
    with pytest.raises(SourceError, match="must give all 10,000 documents of 2025-09-18"):
        fetched(federal_register.source(setting, "XNYS"), server.base_url)


def test_years_before_are_asked_for_apart_and_only_those_since(server: Server) -> None:
    setting: Any = serve(server, "federal_register")
    window = Window(date(2023, 5, 2), NOW)
    fetched(federal_register.source(setting, "XNYS"), server.base_url, window)

    firsts = [a.query["conditions[publication_date][gte]"] for a in server.asked]
    assert list(dict.fromkeys(firsts)) == ["2023-01-01", "2024-01-01", "2025-01-01"]


def test_a_day_of_the_index_is_known_on_the_next_business_day(server: Server) -> None:
    setting: Any = serve(server, "policy_uncertainty")
    (batch,) = fetched(policy_uncertainty.source(setting, "XNYS"), server.base_url)

    rows = batch.records.select("period", "known_at", "value", "series").rows()
    # 2025-09-05 is a Friday, and 2025-09-01 was Labor Day.
    assert rows[0] == (
        date(2025, 9, 1),
        datetime(2025, 9, 2, 14, tzinfo=UTC),
        310.5,
        "USEPUINDXD",
    )
    assert {known for period, known, *_ in rows if period.day in (5, 6, 7)} == {
        datetime(2025, 9, 8, 14, tzinfo=UTC)
    }
    assert batch.notes["lines of notes"] == 2
    assert batch.records["revised"].all()  # what the last two months said at first is told nowhere


def test_a_line_of_the_index_that_is_no_day_is_refused_and_the_last_one_if_it_may_be_cut() -> None:
    batch = index(
        UNCERTAINTY
        + "31,9,2025,300.1\r\n10,9,2025,\r\n11,9,2025,high\r\n12,9\r\n1,1,2031,9\r\n13,9,2025,29"
    )

    assert batch.records.height == 9
    assert batch.quarantine["reason"].to_list() == [
        "day, month and year are no date: 31, 9, 2025",
        "the day has no value",
        "daily_policy_index is not a number: high",
        "day, month or year is missing",
        "it claims to be of the future: 2031-01-01 00:00 UTC",
        "the file ends within this line, which may be cut off",
    ]


@pytest.mark.parametrize("text", ["", "day,month,year\r\n1,2,2025\r\n", "<html></html>", '"'])
def test_what_is_no_index_is_an_error(text: str) -> None:
    with pytest.raises(SourceError, match=r"epu must answer with"):
        index(text)


def test_a_value_that_changes_later_is_a_revision_known_when_it_is_seen(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.upsert("macro", index(UNCERTAINTY).records.drop("row"), NOW)
    later = datetime(2025, 9, 20, tzinfo=UTC)
    lake.upsert("macro", index(UNCERTAINTY.replace("302.4", "305")).records.drop("row"), later)

    last = lake.history("macro").filter(pl.col("period") == date(2025, 9, 9)).sort("known_at")
    assert last.select("value", "known_at").rows() == [
        (302.4, datetime(2025, 9, 10, 14, tzinfo=UTC)),
        (305.0, later),
    ]
