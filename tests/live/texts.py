"""Answers of the services of news and policy, written by hand in their documented layouts.

They are of a made-up company and a made-up September of 2025, shaped so that a server replays them:
``services`` are the settings that lead to it, ``answers`` its routes.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from server import Asked, Reply, Server

from stocktrend.live.client import Client
from stocktrend.live.pace import Pace
from stocktrend.live.source import Window
from stocktrend.live.wire import Limits
from stocktrend.service_settings import (
    FederalRegister,
    FedPress,
    Finnhub,
    Gdelt,
    NewsFeed,
    PolicyUncertainty,
    Service,
)

NOW = datetime(2025, 9, 18, 16, tzinfo=UTC)
SINCE = date(2025, 9, 1)
WINDOW = Window(SINCE, NOW)
TICKER = "ACME"

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>Market wire</title>
<link>https://wire.example/</link>
<description>Headlines</description>
<language>en-us</language>
<lastBuildDate>Thu, 18 Sep 2025 15:50:00 GMT</lastBuildDate>
<item>
<title>Acme profit beats forecasts &amp; shares jump</title>
<link>https://wire.example/a4</link>
<guid isPermaLink="false">wire-a4</guid>
<description>&lt;p&gt;Quarterly profit rose 12%.&lt;/p&gt;</description>
<pubDate>Thu, 18 Sep 2025 11:30:00 -0400</pubDate>
</item>
<item>
<title><![CDATA[Acme & Sons: “no comment”]]></title>
<link>https://wire.example/a3</link>
<guid>https://wire.example/a3</guid>
<pubDate>Wed, 17 Sep 2025 18:05:00 GMT</pubDate>
</item>
<item>
<title>Acme warns of weaker demand</title>
<link>https://wire.example/a2</link>
<pubDate>Tue, 16 Sep 2025 09:00:00 EST</pubDate>
</item>
<item>
<description>&lt;b&gt;Acme&lt;/b&gt; recalls anvils</description>
<link>https://wire.example/a1</link>
<pubDate>Mon, 15 Sep 2025 07:00:00 GMT</pubDate>
</item>
</channel>
</rss>
"""

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>Acme in the news</title>
<id>tag:wire.example,2025:acme</id>
<updated>2025-09-18T15:00:00Z</updated>
<entry>
<title type="html">Acme &amp;amp; partners cut &lt;i&gt;costs&lt;/i&gt;</title>
<link href="https://wire.example/b2"/>
<id>tag:wire.example,2025:b2</id>
<published>2025-09-17T08:00:00+02:00</published>
<updated>2025-09-18T15:00:00Z</updated>
<summary>Details.</summary>
</entry>
<entry>
<title>Acme sues a coyote</title>
<link href="https://wire.example/b1"/>
<id>tag:wire.example,2025:b1</id>
<updated>2025-09-16T21:30:00Z</updated>
</entry>
</feed>
"""

GDELT: list[dict[str, Any]] = [
    {
        "url": f"https://{domain}/2025/09/{day}/acme-{number}.html",
        "url_mobile": "",
        "title": title,
        "seendate": f"202509{day}T{hour}0000Z",
        "socialimage": "",
        "domain": domain,
        "language": language,
        "sourcecountry": "United States",
    }
    for number, (day, hour, domain, language, title) in enumerate(
        [
            ("03", "14", "daily.example", "English", "Acme raises outlook , shares climb"),
            ("11", "07", "kurier.example", "German", "Acme hebt Prognose an"),
            ("17", "21", "daily.example", "English", "Acme \\'s anvils fall short ( again )"),
        ]
    )
]

FINNHUB: list[dict[str, Any]] = [
    {
        "category": "company",
        "datetime": int(datetime(2025, 9, day, hour, 15, tzinfo=UTC).timestamp()),
        "headline": headline,
        "id": 136_000_000 + day,
        "image": "",
        "related": TICKER,
        "source": publisher,
        "summary": summary,
        "url": f"https://finnhub.io/api/news?id={day:064x}",
    }
    for day, hour, publisher, headline, summary in [
        (17, 20, "Reuters", "Acme downgraded to sell", "An analyst is worried."),
        (12, 13, "Yahoo", "Acme wins a large order", ""),
        (4, 9, "Reuters", "", "Acme opens a plant."),
    ]
]

REGISTER: list[dict[str, Any]] = [
    {
        "document_number": number,
        "publication_date": published,
        "signing_date": signed,
        "title": title,
        "type": "Presidential Document",
        "subtype": subtype,
        "executive_order_number": order,
    }
    for number, published, signed, title, subtype, order in [
        ("2025-17001", "2025-09-03", "2025-08-28", "Labor Day", "Proclamation", None),
        ("2025-17204", "2025-09-08", "2025-09-05", "Anvil Imports", "Executive Order", "14990"),
        ("2025-17310", "2025-09-10", None, "Notice on Emergencies", "Notice", None),
        ("2025-17555", "2025-09-16", "2025-09-11", "Rocket Skates", "Executive Order", 14991),
        ("2025-17602", "2025-09-18", "2025-09-15", "Delegation", "Memorandum", None),
    ]
]

UNCERTAINTY = "day,month,year,daily_policy_index\r\n" + "".join(
    f"{day},9,2025,{value}\r\n"
    for day, value in enumerate([310.5, 287, 301.25, 264.09, 0, 412.7, 388.1, 295.6, 302.4], 1)
)
UNCERTAINTY_NOTES = (
    'Source: "Measuring Economic Policy Uncertainty" by Baker, Bloom and Davis,,,\r\n'
    "Please cite as such. Available at www.PolicyUncertainty.com,,,\r\n"
)

PRESS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
<title>FRB: Press Release</title>
<link>https://www.federalreserve.gov/feeds/press_all.xml</link>
<description>Press releases</description>
<language>en</language>
{items}</channel>
</rss>
"""
PRESS_ITEM = """<item>
<title>{title}</title>
<link><![CDATA[https://www.federalreserve.gov/newsevents/pressreleases/{page}.htm]]></link>
<guid isPermaLink="false"><![CDATA[https://www.federalreserve.gov/newsevents/{page}.htm]]></guid>
<description><![CDATA[{title}]]></description>
<category><![CDATA[{category}]]></category>
<pubDate><![CDATA[{published}]]></pubDate>
</item>
"""
RELEASES = [
    ("Federal Reserve issues FOMC statement", "monetary20250917a", "Monetary Policy",
     "Wed, 17 Sep 2025 18:00:00 GMT"),
    ("Federal Reserve Board announces approval of application by Acme Bancorp",
     "orders20250912a", "Orders on Banking Applications", "Fri, 12 Sep 2025 20:00:00 GMT"),
    ("Minutes of the Federal Open Market Committee, July 29-30, 2025", "monetary20250820a",
     "Monetary Policy", "Wed, 20 Aug 2025 18:00:00 GMT"),
]  # fmt: skip
STATEMENT_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Federal Reserve issues FOMC statement</title>
</head><body><div id="nav"><p>Skip to main content</p></div>
<div class="row" id="article">
<div class="heading col-xs-12 col-sm-8 col-md-8">
<p class="article__time">September 17, 2025</p>
<h3 class="title">Federal Reserve issues FOMC statement</h3>
<p class="releaseTime">For release at 2:00 p.m. EDT</p></div>
<div class="col-xs-12 col-sm-8 col-md-8">
<p>Recent indicators suggest that growth of economic activity moderated. Job gains have slowed, and
the unemployment rate has edged up. Inflation has moved up and remains somewhat elevated.</p>
<p>In support of its goals, the Committee decided to lower the target range for the federal funds
rate by 1/4 percentage point to 4 to 4\u20111/4&nbsp;percent. The Committee is attentive.</p>
<p>Voting for the action were ten members. Voting against was one, who preferred to lower the target
range for the federal funds rate by 1/2 percentage point at this meeting.</p>
<p>For media inquiries, please email <a href="mailto:x@example.org">x@example.org</a>.</p>
<p><a href="/newsevents/pressreleases/monetary20250917a1.htm">Implementation Note issued</a></p>
</div></div></body></html>
"""

Routes = Mapping[str, Callable[[Asked], Reply]]


def services(base_url: str) -> dict[str, Service]:
    """Settings of each kind that lead to a server."""
    return {
        "rss": NewsFeed(base_url=f"{base_url}/rss/acme.xml", ticker=TICKER, name="wire"),
        "gdelt": Gdelt(base_url=base_url, queries={TICKER: '"Acme Corporation"'}),
        "finnhub": Finnhub(base_url=base_url, tickers=(TICKER,)),
        "fed_press": FedPress(base_url=base_url),
        "federal_register": FederalRegister(base_url=base_url),
        "policy_uncertainty": PolicyUncertainty(base_url=base_url),
    }


def answers() -> dict[str, Routes]:
    """Routes of each kind: what a path answers, by its query where the service looks at it."""
    feed = press()
    return {
        "rss": {"/rss/acme.xml": _always(RSS, "application/rss+xml")},
        "gdelt": {"/api/v2/doc/doc": gdelt},
        "finnhub": {"/api/v1/company-news": finnhub},
        "fed_press": {
            "/feeds/press_all.xml": _always(feed, "text/xml"),
            "/feeds/press_monetary.xml": _always(feed, "text/xml"),
            "/newsevents/pressreleases/monetary20250917a.htm": _always(STATEMENT_PAGE, "text/html"),
        },
        "federal_register": {"/api/v1/documents.json": register, "/api/v1/documents": register},
        "policy_uncertainty": {
            "/media/All_Daily_Policy_Data.csv": _always(UNCERTAINTY + UNCERTAINTY_NOTES, "text/csv")
        },
    }


@contextmanager
def client(base_url: str, name: str, cache: Path | None = None) -> Iterator[Client]:
    """A client without patience."""
    limits = Limits(attempts=3, pause=0.001, longest_pause=0.002)
    http = Client(name=name, base_url=base_url, pace=Pace(1e9), limits=limits, cache=cache)
    try:
        yield http
    finally:
        http.close()


def serve(server: Server, kind: str) -> Service:
    """Let a server answer for a kind; returns the settings that lead to it."""
    for path, script in answers()[kind].items():
        server.script(path, script)
    return services(server.base_url)[kind]


def press() -> str:
    """The feed of press releases."""
    fields = ("title", "page", "category", "published")
    items = [PRESS_ITEM.format(**dict(zip(fields, item, strict=True))) for item in RELEASES]
    return PRESS.format(items="".join(items))


def gdelt(asked: Asked) -> Reply:
    """The articles of the period asked for; nothing but braces where there are none."""
    first, last = asked.query["startdatetime"], asked.query.get("enddatetime", "9")
    seen = [a for a in GDELT if first < a["seendate"].replace("T", "")[:14] <= last]
    # As the service writes it: an escape that JSON does not have.
    return Reply(json.dumps({"articles": seen} if seen else {}).replace("\\\\'", "\\'").encode())


def finnhub(asked: Asked) -> Reply:
    """The items of the days asked for, newest first."""
    first, last = asked.query["from"], asked.query["to"]
    days = ((item, str(datetime.fromtimestamp(item["datetime"], UTC).date())) for item in FINNHUB)
    return _json([item for item, day in days if first <= day <= last])


def register(asked: Asked) -> Reply:
    """Two documents a page, with the address of the next one."""
    between = [asked.query[f"conditions[publication_date][{end}]"] for end in ("gte", "lte")]
    found = [d for d in REGISTER if between[0] <= d["publication_date"] <= between[1]]
    page = int(asked.query.get("page", "1"))
    answer: dict[str, Any] = {"count": len(found), "description": "Documents", "total_pages": 3}
    answer["results"] = found[2 * page - 2 : 2 * page]
    if 2 * page < len(found):
        query = urlencode({**asked.query, "format": "json", "page": page + 1})
        answer["next_page_url"] = f"http://{asked.headers['Host']}/api/v1/documents?{query}"
    return _json(answer)


def _json(found: Any) -> Reply:
    return Reply(json.dumps(found).encode())


def _always(body: str, kind: str) -> Callable[[Asked], Reply]:
    reply = Reply(body.encode(), kind)
    return lambda _: reply
