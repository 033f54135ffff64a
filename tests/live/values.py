"""What vendors of bars and FRED answer: made-up values in the layouts of their documentation.

A share of 60 dollars that gains 0.1% a session, pays 0.40 in August 2025 and is split 3 for 1 on
2025-09-08; a price index and an interest rate with their releases and revisions.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from alfred import Alfred, Released
from server import Asked, Reply

from stocktrend.live.source import Window
from stocktrend.service_settings import Fred, Service, Stooq, Tiingo
from stocktrend.sessions import next_business_day, sessions

NOW = datetime(2025, 9, 18, 16, tzinfo=UTC)
"""Noon in New York: the session of the day is open."""
SINCE = date(2024, 11, 1)
WINDOW = Window(SINCE, NOW)
TICKER = "ACME"
SPLIT, RATIO = date(2025, 9, 8), 3.0
PAID, DIVIDEND = date(2025, 8, 8), 0.40
SESSIONS: list[date] = (
    sessions()
    .filter(pl.col("session").is_between(date(2024, 1, 1), NOW.date()))["session"]
    .to_list()
)

Routes = Mapping[str, Callable[[Asked], Reply]]


def services(base_url: str) -> dict[str, Service]:
    """Settings of each kind that lead to a server."""
    return {
        "tiingo": Tiingo(base_url=base_url),
        "stooq": Stooq(base_url=base_url),
        "fred": Fred(base_url=base_url, series=tuple(RELEASES)),
    }


def answers() -> dict[str, Routes]:
    """Routes of each kind: what a path answers, by its query."""
    return {
        "tiingo": {"/tiingo/daily/*": tiingo},
        "stooq": {"/q/d/l/": stooq},
        "fred": {"/fred/series/*": fred},
    }


def raw_close(place: int) -> float:
    """The close of a session as it was quoted on its day."""
    close = 60 * 1.001**place - (DIVIDEND if SESSIONS[place] >= PAID else 0)
    return close / (RATIO if SESSIONS[place] >= SPLIT else 1)


def close_today(place: int) -> float:
    """The close of a session in the shares of today."""
    return raw_close(place) / (1 if SESSIONS[place] >= SPLIT else RATIO)


def adjusted(place: int) -> float:
    """The close of a session in the shares of today, less what was paid since."""
    before = SESSIONS.index(PAID) - 1
    factor = 1 - DIVIDEND / raw_close(before) if SESSIONS[place] < PAID else 1
    return close_today(place) * factor


def tiingo(asked: Asked) -> Reply:
    """Raw bars of the days asked for, whatever the ticker; NOPE is none."""
    if "/NOPE/" in asked.path:
        return Reply(b'{"detail":"Error: Ticker \'NOPE\' not found"}', status=404)
    first, last = asked.query["startDate"], asked.query.get("endDate", "9999")
    bars = [_tiingo_bar(n) for n, day in enumerate(SESSIONS) if first <= str(day) <= last]
    return Reply(json.dumps(bars).encode())


def _tiingo_bar(place: int) -> dict[str, Any]:
    day, close, after = SESSIONS[place], raw_close(place), adjusted(place)
    raw = {"close": close, "high": close * 1.01, "low": close * 0.99, "open": close}
    ratio = after / close
    return {
        "date": f"{day}T00:00:00.000Z",
        **raw,
        "volume": 900_000 + place,
        **{f"adj{name.title()}": value * ratio for name, value in raw.items()},
        "adjVolume": 900_000 + place,
        "divCash": DIVIDEND if day == PAID else 0.0,
        "splitFactor": RATIO if day == SPLIT else 1.0,
    }


def stooq(asked: Asked) -> Reply:
    """Adjusted bars of the days asked for, with the line ends of the service; NOPE has none."""
    if not asked.query.get("apikey"):
        return Reply(b"Get your apikey:\n\n1. Open https://stooq.com/q/d/?s=acme.us", "text/plain")
    first, last = asked.query["d1"], asked.query["d2"]
    lines = []
    for place, day in enumerate(SESSIONS):
        if first <= f"{day:%Y%m%d}" <= last:
            close = adjusted(place)
            prices = (close, close * 1.01, close * 0.99, close)
            lines.append(f"{day},{','.join(f'{price:.4f}' for price in prices)},{900_000 + place}")
    if not lines or asked.query["s"].startswith("nope"):
        return Reply(b"No data", "text/plain")
    table = "\r\n".join(["Date,Open,High,Low,Close,Volume", *lines, ""])
    return Reply(table.encode(), "text/plain")


def _index() -> list[Released]:
    """Released on the 12th of the month after; each is revised with the next one."""
    months = [date(2023 + m // 12, m % 12 + 1, 1) for m in range(32)]
    told: list[Released] = []
    for place, month in enumerate(months):
        released = (month + timedelta(days=32)).replace(day=12)
        told.append((month, released, f"{300 * 1.002**place:.3f}"))
        if place:
            told.append((months[place - 1], released, f"{300 * 1.002 ** (place - 1) + 0.05:.3f}"))
    return told


def _rate() -> list[Released]:
    """Released on the next business day; a holiday has no value."""
    days = pl.date_range(date(2024, 1, 2), date(2025, 9, 16), "1d", eager=True)
    working = days.filter(days.dt.weekday() < 6)
    return [
        (day, released, f"{4 + (n % 50) / 100:.2f}" if day in SESSIONS else ".")
        for n, (day, released) in enumerate(zip(working, next_business_day(working), strict=True))
    ]


RELEASES: dict[str, list[Released]] = {"CPIAUCSL": _index(), "DGS10": _rate()}


def fred(asked: Asked) -> Reply:
    """Observations and vintages in pages as they are asked for."""
    status, body = Alfred(RELEASES).answer(asked.path, dict(asked.query))
    return Reply(body, status=status)
