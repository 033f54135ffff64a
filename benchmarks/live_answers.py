"""Generated answers of all services that can be replayed, each from a local server of its own.

    python benchmarks/live_answers.py --tickers 500 --now 2025-09-18T22:00:00+00:00

prints the addresses as one line of JSON. To each line on stdin it answers with what was asked since
the line before: kind -> requests, conditional ones, answers that nothing has changed. Ends with
stdin. Same arguments, same answers. Prices wander; a few rows are broken, for the quarantine.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from stocktrend.sessions import sessions

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "live"))
from alfred import Alfred, Released
from server import Asked, Reply, Server

DAY = timedelta(days=1)
MONTHLY, DAILY = ("CPIAUCSL", "UNRATE", "PAYEMS", "INDPRO"), ("DGS10", "VIXCLS")
KEYS = {
    f"{name}_API_KEY": letter * 32
    for name, letter in zip(("FRED", "TIINGO", "STOOQ", "FINNHUB"), "ktsf", strict=True)
}
Routes = Mapping[str, Callable[[Asked], Reply]]


class Replayed:
    """Answers about some tickers, from ten years before ``now`` to it."""

    def __init__(self, tickers: int, now: datetime, queries: int = 20) -> None:
        self.tickers = [f"T{number:03}" for number in range(tickers)]
        self.queries = {"*": "market", **{t: t for t in self.tickers[:queries]}}
        self.now = now
        days = sessions("XNYS")["session"].to_list()
        self._days = [d for d in days if date(now.year - 12, 1, 1) <= d <= now.date()]
        self._alfred = Alfred(self._releases())

    def routes(self) -> dict[str, Routes]:
        """Kind -> path -> what it answers."""
        return {
            "tiingo": {"/tiingo/daily/*": self._tiingo},
            "stooq": {"/q/d/l/": self._stooq},
            "fred": {"/fred/*": self._fred},
            "finnhub": {"/api/v1/company-news": self._finnhub},
            "gdelt": {"/api/v2/doc/doc": self._gdelt},
            "rss": {"/feed.xml": self._feed},
            "fed_press": {"/feeds/*": self._feed},
            "federal_register": {"/api/v1/documents.json": self._register},
            "policy_uncertainty": {"/media/All_Daily_Policy_Data.csv": self._uncertainty},
        }

    def sources(self, urls: Mapping[str, str], per_minute: float) -> dict[str, list[dict]]:
        """The settings ``sources`` that lead to servers."""

        def at(kind: str, **more: Any) -> dict[str, Any]:
            pace = {"per_minute": per_minute, "per_hour": None}
            return {"kind": kind, "base_url": urls[kind], **pace, **more}

        feed = {**at("rss", ticker="*"), "base_url": urls["rss"] + "/feed.xml"}
        return {
            "prices": [
                at("tiingo", tickers=self.tickers[::2]),
                at("stooq", tickers=self.tickers[1::2]),
            ],
            "news": [feed, at("gdelt", queries=self.queries), at("finnhub", tickers=self.tickers)],
            "policy": [at("fed_press"), at("federal_register"), at("policy_uncertainty")],
            "macro": [at("fred", series=[*MONTHLY, *DAILY])],
        }

    def _bars(self, ticker: str, first: str, last: str) -> list[tuple[date, float, float]]:
        chance, price, bars = random.Random(ticker), 50.0, []
        for day in self._days:
            price *= math.exp(chance.gauss(0, 0.015))
            bars.append((day, round(price, 2), float(chance.randrange(10**5, 10**6))))
        return [bar for bar in bars if first <= str(bar[0]) <= last]

    def _tiingo(self, asked: Asked) -> Reply:
        ticker = asked.path.split("/")[3]
        first, last = asked.query["startDate"], asked.query.get("endDate", "9999")
        rows = []
        for day, close, volume in self._bars(ticker, first, last):
            bar = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
            more = {"volume": volume, "adjClose": close, "divCash": 0.0, "splitFactor": 1.0}
            rows.append({"date": f"{day}T00:00:00.000Z", **bar, **more})
        if rows and ticker.endswith("1"):
            rows[len(rows) // 2]["high"] = 0.01
        return Reply(json.dumps(rows).encode())

    def _stooq(self, asked: Asked) -> Reply:
        ticker = asked.query["s"].split(".")[0].upper()
        first, last = (str(date.fromisoformat(asked.query[end])) for end in ("d1", "d2"))
        bars = self._bars(ticker, first, last)
        lines = [f"{d},{c},{c * 1.01},{c * 0.99},{c},{v:.0f}" for d, c, v in bars]
        return Reply(
            "\n".join(["Date,Open,High,Low,Close,Volume", *lines, ""]).encode(), "text/csv"
        )

    def _releases(self) -> dict[str, list[Released]]:
        found: dict[str, list[Released]] = {}
        for series in MONTHLY:
            firsts = sorted({day.replace(day=1) for day in self._days[:-45]})
            found[series] = []
            for number, first in enumerate(firsts):
                released = (first + 32 * DAY).replace(day=12)
                found[series].append((first, released, f"{100 + number}.0"))
                found[series].append((first, released + 30 * DAY, f"{100 + number}.1"))
        for series in DAILY:
            found[series] = [
                (d, d + DAY, f"{2 + n % 70 / 50:.2f}") for n, d in enumerate(self._days[:-2])
            ]
        return found

    def _fred(self, asked: Asked) -> Reply:
        query = {name: value for name, value in asked.query.items() if name != "api_key"}
        status, body = self._alfred.answer(asked.path, query)
        return Reply(body, status=status)

    def _finnhub(self, asked: Asked) -> Reply:
        first, last = (date.fromisoformat(asked.query[name]) for name in ("from", "to"))
        ticker = asked.query["symbol"]
        rows = [
            {
                "id": day.toordinal(),
                "datetime": int(datetime(day.year, day.month, day.day, 14, tzinfo=UTC).timestamp()),
                "headline": f"{ticker} news of {day}" if day.day != 13 else "",
                "source": "Wire",
                "summary": "",
            }
            for day in self._some_days(ticker, first, last, 0.2)
        ]
        return Reply(json.dumps(rows).encode())

    def _some_days(self, word: str, first: date, last: date, share: float) -> list[date]:
        span = (min(last, self.now.date()) - first).days + 1
        days = [first + number * DAY for number in range(span)]
        return [day for day in days if random.Random(f"{word} {day}").random() < share]

    def _gdelt(self, asked: Asked) -> Reply:
        given = (asked.query.get(name) for name in ("startdatetime", "enddatetime"))
        first, last = (date.fromisoformat(end[:8]) if end else self.now.date() for end in given)
        word = asked.query["query"]
        rows = [
            {
                "url": f"https://site.example/{word}/{day}",
                "title": f"{word} seen on {day}",
                "seendate": f"{day:%Y%m%d}T120000Z",
                "domain": "site.example",
                "language": "English",
            }
            for day in self._some_days(word, first, last, 0.3)
        ]
        return Reply(json.dumps({"articles": rows}).encode())

    def _feed(self, asked: Asked) -> Reply:
        items = "".join(
            f"<item><title>Notice {n}</title><link>https://site.example/{n}</link>"
            f"<guid>https://site.example/{n}</guid><category>Other</category>"
            f"<pubDate>{format_datetime(self.now - n * DAY)}</pubDate></item>"
            for n in range(1, 20)
        )
        items += "<item><title>Undated</title><link>https://site.example/x</link></item>"
        head = '<?xml version="1.0"?><rss version="2.0"><channel><title>Notices</title>'
        return Reply(f"{head}{items}</channel></rss>".encode(), "application/rss+xml")

    def _register(self, asked: Asked) -> Reply:
        first = date.fromisoformat(asked.query["conditions[publication_date][gte]"])
        last = date.fromisoformat(asked.query["conditions[publication_date][lte]"])
        rows = [
            {
                "document_number": f"{day.year}-{day.toordinal()}",
                "publication_date": str(day),
                "signing_date": str(day - 3 * DAY),
                "title": f"Order of {day}" if day.day != 7 else None,
                "type": "Presidential Document",
                "subtype": "Executive Order",
                "executive_order_number": str(day.toordinal()),
            }
            for day in self._some_days("register", first, last, 0.15)
        ]
        return Reply(json.dumps({"count": len(rows), "results": rows}).encode())

    def _uncertainty(self, asked: Asked) -> Reply:
        lines = [f"{d.day},{d.month},{d.year},{100 + d.toordinal() % 97}.5" for d in self._days]
        text = "\r\n".join(["day,month,year,daily_policy_index", *lines, ""])
        return Reply(text.encode(), "text/csv")


@contextmanager
def serving(replayed: Replayed) -> Iterator[dict[str, Server]]:
    """A server a kind: each host is asked by a thread of its own."""
    with ExitStack() as stack:
        servers = {}
        for kind, routes in replayed.routes().items():
            servers[kind] = stack.enter_context(Server())
            for path, script in routes.items():
                servers[kind].script(path, script)
        yield servers


@contextmanager
def replayed(
    tickers: int, now: datetime
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """Servers in another process, and kind -> where; the environment has their keys from then on.

    A line written to the process is answered with what each was asked since: the number of
    requests, of those with a condition, and of those whose answer had not changed.
    """
    os.environ |= KEYS
    line = [sys.executable, __file__, "--tickers", str(tickers), "--now", now.isoformat()]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server, json.loads(server.stdout.readline())


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickers", type=int, default=5)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True)
    given = parser.parse_args()
    with serving(Replayed(given.tickers, given.now)) as servers:
        print(json.dumps({kind: one.base_url for kind, one in servers.items()}), flush=True)
        for _ in sys.stdin:
            told = {}
            for kind, one in servers.items():
                asked = one.asked
                one.forget()
                same = sum(a.status == 304 for a in asked)
                told[kind] = [len(asked), sum(a.conditional for a in asked), same]
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
