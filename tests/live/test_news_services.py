"""News of GDELT and Finnhub, asked for in periods so short that nothing is left out."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from server import Asked, Reply, Server
from texts import NOW, TICKER, WINDOW, client, serve

from stocktrend.errors import SourceError
from stocktrend.live import finnhub, gdelt
from stocktrend.live.source import Source, Window
from stocktrend.sources.batch import Batch

GDELT_PATH = "/api/v2/doc/doc"
FINNHUB_PATH = "/api/v1/company-news"


def fetched(source: Source, base_url: str, window: Window = WINDOW) -> list[Batch]:
    with client(base_url, source.name) as http:
        return list(source.fetch(source.parts(())[0], window, http))


def ids(batches: list[Batch]) -> set[str]:
    return {id_ for batch in batches for id_ in batch.records["id"]}


def articles(count: int, first: datetime, step: timedelta) -> Callable[[Asked], Reply]:
    """A server with many articles, of which it shows 250 at a time."""
    seen = [(n, f"{first + n * step:%Y%m%dT%H%M%SZ}") for n in range(count)]
    found = [{"url": f"https://x.example/{n}", "title": f"Up {n}", "seendate": s} for n, s in seen]

    def script(asked: Asked) -> Reply:
        begin, end = asked.query["startdatetime"], asked.query.get("enddatetime", "9")
        within = [a for a in found if begin < a["seendate"][:8] + a["seendate"][9:15] <= end]
        return Reply(json.dumps({"articles": within[:250]} if within else {}).encode())

    return script


def items(count: int, first: datetime, step: timedelta) -> Callable[[Asked], Reply]:
    """The same of Finnhub."""
    at = [int((first + n * step).timestamp()) for n in range(count)]
    found = [{"id": n, "datetime": t, "headline": f"Up {n}"} for n, t in enumerate(at)]

    def script(asked: Asked) -> Reply:
        begin, end = asked.query["from"], asked.query["to"]
        days = [(a, str(datetime.fromtimestamp(a["datetime"], UTC).date())) for a in found]
        within = [a for a, day in days if begin <= day <= end]
        return Reply(json.dumps(within[-250:]).encode())

    return script


def test_gdelt_gives_articles_of_their_sites_in_their_languages(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    (batch,) = fetched(gdelt.source(setting, "XNYS"), server.base_url)

    assert batch.records.select("known_at", "id", "text", "lang", "source").rows() == [
        (
            datetime(2025, 9, 3, 14, tzinfo=UTC),
            "https://daily.example/2025/09/03/acme-0.html",
            "Acme raises outlook, shares climb",
            "en",
            "daily.example",
        ),
        (
            datetime(2025, 9, 11, 7, tzinfo=UTC),
            "https://kurier.example/2025/09/11/acme-1.html",
            "Acme hebt Prognose an",
            "de",
            "kurier.example",
        ),
        (
            datetime(2025, 9, 17, 21, tzinfo=UTC),
            "https://daily.example/2025/09/17/acme-2.html",
            "Acme's anvils fall short (again)",
            "en",
            "daily.example",
        ),
    ]
    assert batch.path == f"gdelt:{TICKER}"
    assert server.asked[0].query["query"] == '"Acme Corporation"'


def test_a_month_with_more_articles_than_gdelt_shows_is_asked_for_in_parts(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    begin = datetime(2025, 9, 2, tzinfo=UTC)
    server.script(GDELT_PATH, articles(1200, begin, timedelta(minutes=15)))

    batches = fetched(gdelt.source(setting, "XNYS"), server.base_url)

    assert ids(batches) == {f"https://x.example/{n}" for n in range(1200)}
    assert sum(batch.read for batch in batches) == 1200
    assert all("maybe not all" not in note for batch in batches for note in batch.notes)
    known = [batch.records["known_at"].min() for batch in batches if batch.records.height]
    assert known == sorted(known)
    assert len(server.asked) < 40


def test_gdelt_is_asked_the_same_question_throughout_a_month(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    source = gdelt.source(setting, "XNYS")
    targets = []
    for day in (3, 18, 30):
        now = datetime(2025, 9, day, 16, tzinfo=UTC)
        fetched(source, server.base_url, Window(now.date(), now))
        targets.append(server.asked[-1].target)
    assert len(set(targets)) == 1
    assert server.asked[-1].query["startdatetime"] == "20250831235959"
    assert "enddatetime" not in server.asked[-1].query

    after = datetime(2025, 10, 2, tzinfo=UTC)
    server.forget()
    fetched(source, server.base_url, Window(date(2025, 9, 30), after))
    spans = [(a.query["startdatetime"], a.query.get("enddatetime")) for a in server.asked]
    assert spans == [("20250831235959", "20250930235959"), ("20250930235959", None)]


def test_no_period_that_has_not_begun_is_asked_for(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    begin = datetime(2025, 9, 2, tzinfo=UTC)
    server.script(GDELT_PATH, articles(700, begin, timedelta(minutes=2)))
    now = begin + timedelta(days=1, hours=2)

    batches = fetched(gdelt.source(setting, "XNYS"), server.base_url, Window(begin.date(), now))

    assert len(ids(batches)) == 700
    assert all(asked.query["startdatetime"] <= f"{now:%Y%m%d%H%M%S}" for asked in server.asked)
    assert len({asked.target for asked in server.asked}) == len(server.asked)


def test_a_quarter_of_an_hour_with_more_articles_than_gdelt_shows_is_noted(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    begin = datetime(2025, 9, 10, 5, tzinfo=UTC)
    server.script(GDELT_PATH, articles(300, begin, timedelta(seconds=2)))

    batches = fetched(gdelt.source(setting, "XNYS"), server.base_url)

    assert sum(
        b.notes.get("answers with 250 articles, maybe not all there are", 0) for b in batches
    )
    assert len(ids(batches)) == 250


def test_what_gdelt_dislikes_of_a_query_is_told_although_it_says_so_with_status_200(
    server: Server,
) -> None:
    setting: Any = serve(server, "gdelt")
    server.answer(GDELT_PATH, "The specified phrase is too short.", "text/html")

    with pytest.raises(SourceError, match=r"gdelt must answer with JSON.*phrase is too short"):
        fetched(gdelt.source(setting, "XNYS"), server.base_url)


def test_gdelt_is_asked_again_when_it_is_busy_with_status_200(server: Server) -> None:
    setting: Any = serve(server, "gdelt")
    server.fail(
        lambda connection, _: connection.send(
            Reply(b"Please limit requests to one every 5 seconds.", "text/plain")
        )
    )

    (batch,) = fetched(gdelt.source(setting, "XNYS"), server.base_url)

    assert batch.records.height == 3


def test_finnhub_gives_headlines_of_their_publishers(server: Server) -> None:
    setting: Any = serve(server, "finnhub")
    (batch,) = fetched(finnhub.source(setting, "XNYS"), server.base_url)

    assert batch.records.select("known_at", "id", "text", "source").rows() == [
        (
            datetime(2025, 9, 17, 20, 15, tzinfo=UTC),
            "finnhub:136000017",
            "Acme downgraded to sell",
            "Reuters",
        ),
        (
            datetime(2025, 9, 12, 13, 15, tzinfo=UTC),
            "finnhub:136000012",
            "Acme wins a large order",
            "Yahoo",
        ),
        (
            datetime(2025, 9, 4, 9, 15, tzinfo=UTC),
            "finnhub:136000004",
            "Acme opens a plant.",
            "Reuters",
        ),
    ]


def test_finnhub_is_asked_by_whole_months_and_for_no_more_than_a_year(server: Server) -> None:
    setting: Any = serve(server, "finnhub")
    fetched(finnhub.source(setting, "XNYS"), server.base_url, Window(date(2015, 1, 1), NOW))
    spans = [(asked.query["from"], asked.query["to"]) for asked in server.asked]

    assert spans[:2] == [("2024-09-19", "2024-09-30"), ("2024-10-01", "2024-10-31")]
    assert spans[-1] == ("2025-09-01", "2025-09-30")
    assert len(spans) == 13

    server.forget()
    later = Window(date(2025, 9, 14), NOW + timedelta(days=5))
    fetched(finnhub.source(setting, "XNYS"), server.base_url, later)

    assert [(asked.query["from"], asked.query["to"]) for asked in server.asked] == spans[-1:]


def test_a_month_with_more_items_than_finnhub_shows_is_asked_for_in_parts(server: Server) -> None:
    setting: Any = serve(server, "finnhub")
    begin = datetime(2025, 9, 2, tzinfo=UTC)
    server.script(FINNHUB_PATH, items(700, begin, timedelta(minutes=30)))

    batches = fetched(finnhub.source(setting, "XNYS"), server.base_url)

    assert ids(batches) == {f"finnhub:{n}" for n in range(700)}


@pytest.mark.parametrize("moment", [0, None, "soon", -5])
def test_an_item_without_a_moment_is_refused(server: Server, moment: object) -> None:
    setting: Any = serve(server, "finnhub")
    found = [
        {"id": 1, "datetime": moment, "headline": "Up"},
        {"id": 2, "datetime": 1758139201, "headline": ""},
        {"id": 3, "datetime": 1758139201, "headline": "Up"},
    ]
    server.answer(FINNHUB_PATH, json.dumps(found))

    (batch,) = fetched(finnhub.source(setting, "XNYS"), server.base_url)

    assert batch.records["id"].to_list() == ["finnhub:3"]
    assert batch.quarantine["row"].to_list() == [1, 2]


def test_what_finnhub_says_instead_of_news_is_told(server: Server) -> None:
    setting: Any = serve(server, "finnhub")
    server.answer(FINNHUB_PATH, '{"error": "You don\'t have access to this resource."}')

    with pytest.raises(SourceError, match="it says \"You don't have access to this resource"):
        fetched(finnhub.source(setting, "XNYS"), server.base_url)
