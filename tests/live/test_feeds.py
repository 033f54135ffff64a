"""News of RSS and Atom feeds, in order or not, dated or not, well-formed or nearly so."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from server import Server
from texts import ATOM, NOW, RSS, TICKER, WINDOW, client, serve

from stocktrend.errors import SourceError
from stocktrend.live.feed import read_feed, source
from stocktrend.live.http import Answer
from stocktrend.service_settings import NewsFeed
from stocktrend.sources.batch import Batch

CHANNEL = '<rss version="2.0"><channel><title>Wire</title>{}</channel></rss>'
ITEM = "<item><title>{}</title><link>https://wire.example/{}</link><pubDate>{}</pubDate></item>"
AT = "Wed, 17 Sep 2025 18:00:00 GMT"


def read(feed: str, ticker: str = TICKER) -> Batch:
    return read_feed(Answer(feed.encode(), "application/xml"), "wire", ticker, NOW, "XNYS")


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 9, day, hour, minute, tzinfo=UTC)


def dated(*times: str) -> Batch:
    items = [ITEM.format(f"Headline {n}", n, at) for n, at in enumerate(times)]
    return read(CHANNEL.format("".join(items)))


def test_an_rss_item_is_its_headline_known_when_it_was_published() -> None:
    assert read(RSS).records.select("known_at", "id", "text", "lang", "source").rows() == [
        (
            utc(18, 15, 30),
            "wire:wire-a4",
            "Acme profit beats forecasts & shares jump",
            "en",
            "wire",
        ),
        (utc(17, 18, 5), "https://wire.example/a3", "Acme & Sons: “no comment”", "en", "wire"),
        (utc(16, 14), "https://wire.example/a2", "Acme warns of weaker demand", "en", "wire"),
        (utc(15, 7), "https://wire.example/a1", "Acme recalls anvils", "en", "wire"),
    ]


def test_an_atom_entry_counts_from_its_publication_and_not_from_its_last_update() -> None:
    assert read(ATOM).records.select("known_at", "id", "text", "lang").rows() == [
        (utc(17, 6), "tag:wire.example,2025:b2", "Acme & partners cut costs", None),
        (utc(16, 21, 30), "tag:wire.example,2025:b1", "Acme sues a coyote", None),
    ]


def test_a_feed_of_rdf_is_read_by_its_dublin_core_dates() -> None:
    batch = read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<channel><title>Wire</title></channel><item><title>Acme rises</title>"
        "<dc:date>2025-09-17T10:00:00+01:00</dc:date></item></rdf:RDF>"
    )

    assert batch.records["known_at"].to_list() == [utc(17, 9)]
    assert len(batch.records["id"][0]) == 16


@pytest.mark.parametrize(
    ("written", "known_at"),
    [
        ("Wed, 17 Sep 2025 18:00:00 GMT", utc(17, 18)),
        ("17 Sep 25 18:00 PDT", utc(18, 1)),
        ("Wed, 17 Sep 2025 18:00:00 +0930", utc(17, 8, 30)),
        ("2025-09-17T18:00:00.5-04:00", datetime(2025, 9, 17, 22, 0, 0, 500_000, tzinfo=UTC)),
        # It is that time of day last where the clock is 12 hours behind.
        ("Wed, 17 Sep 2025 18:00:00 CEST", utc(18, 6)),
        ("Wed, 17 Sep 2025 18:00:00", utc(18, 6)),
        ("2025-09-17T18:00:00", utc(18, 6)),
        # Friday the 12th; the next session opens on Monday.
        ("2025-09-12", utc(15, 13, 30)),
    ],
)
def test_an_item_is_never_known_before_its_time_whatever_its_zone(
    written: str, known_at: datetime
) -> None:
    batch = dated(written, "Mon, 15 Sep 2025 10:01:00 GMT")

    assert batch.records["known_at"][0] == known_at
    assert batch.quarantine.is_empty()


def test_an_item_without_a_date_that_can_be_read_is_refused_and_the_others_kept() -> None:
    batch = dated("yesterday", AT, "", "Wed, 17 Sep 2031 18:00:00 GMT")

    assert batch.records["row"].to_list() == [2]
    assert dict(batch.quarantine.select("row", "reason").rows()) == {
        1: "the timestamp is no time: yesterday",
        3: "the timestamp is no time: missing",
        4: "it claims to be of the future: 2031-09-17 18:00 UTC",
    }
    assert "wire.example/0" in batch.quarantine["record"][0]


def test_the_order_of_a_feed_does_not_matter() -> None:
    items = [ITEM.format(f"Headline {n}", n, AT) for n in range(5)]
    nameless = [f"<item><title>News {n}</title><pubDate>{AT}</pubDate></item>" for n in range(3)]
    forth = read(CHANNEL.format("".join([*items, *nameless]))).records.drop("row")
    back = read(CHANNEL.format("".join([*nameless[::-1], *items[::-1]]))).records.drop("row")

    assert forth.height == 8
    assert forth.sort("id").equals(back.sort("id"))


def test_an_item_twice_is_a_duplicate_and_one_that_contradicts_it_is_refused() -> None:
    item = ITEM.format("Acme rises", 1, AT)
    batch = read(CHANNEL.format(item + item + ITEM.format("Acme falls", 1, AT)))

    assert (batch.read, batch.records.height, batch.duplicate) == (3, 1, 1)
    assert batch.quarantine["reason"].to_list() == [
        "the same ticker and id as row 1, with other content"
    ]


def test_a_number_as_a_guid_belongs_to_its_feed_alone() -> None:
    item = f"<item><title>Up</title><guid>4711</guid><pubDate>{AT}</pubDate></item>"

    assert read(CHANNEL.format(item)).records["id"].to_list() == ["wire:4711"]


@pytest.mark.parametrize("hour", ["10:00:00 PM", "10:00:00 p.m. EST", "10:00:00PM GMT"])
def test_an_hour_of_half_a_day_is_no_time_rather_than_one_twelve_hours_early(hour: str) -> None:
    batch = read(CHANNEL.format(ITEM.format("Up", 1, f"Wed, 17 Sep 2025 {hour}")))

    assert batch.records.is_empty()
    assert "is no time: Wed, 17 Sep 2025 10" in batch.quarantine["reason"].item()


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Profit & loss", "Profit & loss"),
        ("Costs&nbsp;up &mdash; again", "Costs up — again"),
        ("A &amp; B & C", "A & B & C"),
        ("<![CDATA[A &amp; B & C]]> & D", "A & B & C & D"),
        ("&#8220;Fine&#x201D; &c;", "“Fine” &c;"),
    ],
)
def test_ampersands_and_entities_that_xml_does_not_allow_are_mended(title: str, text: str) -> None:
    batch = read(CHANNEL.format(ITEM.format(title, 1, AT)))

    assert batch.records["text"].to_list() == [text]


def test_what_stands_in_cdata_is_left_as_it_is() -> None:
    item = (
        f"<item><title>Profit & loss</title><pubDate>{AT}</pubDate>"
        "<guid><![CDATA[https://wire.example/?a=1&b=2]]></guid></item>"
    )

    batch = read(CHANNEL.format(item))

    assert batch.records.select("id", "text").row(0) == (
        "https://wire.example/?a=1&b=2",
        "Profit & loss",
    )


BOMB = (
    '<!DOCTYPE rss [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{"&" + a + ";" * 10}">' for a, b in zip("abcdef", "bcdefg", strict=True)
    )
    + "]>"
)
OUTSIDE = '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [BOMB, OUTSIDE])
def test_a_feed_that_declares_entities_is_refused(declared: str) -> None:
    with pytest.raises(SourceError, match="must declare no entities"):
        read(declared + CHANNEL.format(ITEM.format("&a;", 1, AT)))


def test_the_document_type_of_old_feeds_is_no_entity() -> None:
    old = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x.example/rss-0.91.dtd">'

    assert read(old + CHANNEL.format(ITEM.format("Up", 1, AT))).records.height == 1


@pytest.mark.parametrize(
    ("feed", "found"),
    [
        (RSS[:-80], "it is cut off or no XML"),
        (RSS[: RSS.index("</item>")], "it is cut off or no XML"),
        ("<html><body><p>Sign in</p></body></html>", "its outermost element is 'html'"),
        ("<rss>" + "<a>" * 101 + "</a>" * 101 + "</rss>", "nested 101 deep"),
        (f"<rss {' '.join(f'a{n}={chr(34)}1{chr(34)}' for n in range(101))}/>", "101 attributes"),
        (RSS.replace("pubDate", "when"), "none has published, and the first has"),
        (
            RSS.replace("title>", "head>").replace("description>", "d>"),
            "none has title, and the first has",
        ),
        (CHANNEL.format("<item/>" * 500_001), "500,000 tags"),
    ],
)
def test_what_is_no_whole_feed_is_named(feed: str, found: str) -> None:
    with pytest.raises(SourceError) as raised:
        read(feed)

    assert found in str(raised.value)


def test_a_feed_without_items_is_silent() -> None:
    assert read(CHANNEL.format("")).read == 0


def test_a_feed_that_has_not_changed_is_asked_for_on_that_condition(
    server: Server, tmp_path: Path
) -> None:
    setting = serve(server, "rss")
    assert isinstance(setting, NewsFeed)
    feed = source(setting, "XNYS")
    batches = []
    for _ in range(2):
        with client(setting.base_url, feed.name, tmp_path) as http:
            batches += list(feed.fetch(feed.parts(())[0], WINDOW, http))

    assert [(a.path, a.status) for a in server.asked] == [
        ("/rss/acme.xml", 200),
        ("/rss/acme.xml", 304),
    ]
    assert batches[0].records.equals(batches[1].records)
    assert batches[0].path == "wire:ACME"
