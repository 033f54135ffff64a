"""Press releases of the Federal Reserve, with the statements of its rate decisions.

Feeds: https://www.federalreserve.gov/feeds/feeds.htm. They have the last twenty releases or so by
their titles; what a statement says is on its page.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final
from urllib.parse import urlsplit

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, ask, from_the_future, plain, shown, text_of
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.syndication import items_of, times_of
from stocktrend.schema import UTC_TIME
from stocktrend.service_settings import FedPress
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import first_reason, schema_frame
from stocktrend.sources.files import Rows

FEEDS: Final = ("press_monetary", "press_all")
"""Releases on monetary policy reach back months in theirs, and weeks in the one of all."""
STATEMENT: Final = r"(?i)\bFOMC statement\b"
ARTICLE: Final = 'id="article"'
HEADING: Final = 'class="article__time"'
SHORTEST_STATEMENT: Final = 200
_NO_PARAGRAPH_OF_IT: Final = re.compile(
    r"(?i)^(for (immediate )?release|for media inquiries|implementation note|share$)"
)
_DASH: Final = "[-\u2010-\u2013]"
_RATE: Final = rf"(\d{{1,2}}(?:{_DASH}\d/[1-9])?|\d/[1-9])"
_TARGET: Final = re.compile(
    rf"target range for the federal funds rate\b[^.;]{{0,80}}?\b(?:at|to) {_RATE} to {_RATE} "
    r"percent"
)
Target = tuple[float | None, float | None]


@dataclass(frozen=True)
class PressReleases:
    """Two feeds, each asked for as a whole; a statement's page is asked for too."""

    setting: FedPress
    table = "policy"
    overlap = 0
    terms = "Works of the United States Government, in the public domain."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The feeds."""
        return FEEDS

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """All releases but statements, then each statement with what it says, oldest first.

        Raises:
            SourceError: no answer, no feed, or a page without a statement on it, which keeps back
                none of the other statements.
        """

        def releases(answer: Answer) -> Rows:
            return items_of(answer, self.name)

        def said(answer: Answer) -> tuple[str, Target]:
            return read_statement(answer, self.name)

        rows = ask(http, releases, f"/feeds/{part}.xml")
        titled = pl.col("title").str.contains(STATEMENT).fill_null(False)
        is_statement = titled & pl.col("link").is_not_null()
        others = Rows(rows.frame.filter(~is_statement), rows.broken)
        yield read_releases(others, self.name, part, window.now)
        statements = rows.frame.filter(is_statement)
        times = times_of(statements).with_row_index().sort("moment", nulls_last=True)
        lacking: SourceError | None = None
        for place in times["index"]:
            one = Rows(statements[place])
            try:
                page = ask(http, said, self._page(one.frame["link"][0]))
            except SourceError as error:
                lacking = lacking or error
            else:
                yield read_releases(one, self.name, part, window.now, *page)
        if lacking:
            raise lacking

    def _page(self, link: str) -> str:
        """The path of a link, whatever host it names."""
        try:
            return urlsplit(link).path
        except ValueError as error:
            raise SourceError(
                f"A statement of {self.name} must have the address of its page, however its link "
                f"is {shown(link)!r}. {LATER}"
            ) from error


def source(setting: FedPress, exchange: str) -> PressReleases:
    """The source that the settings describe; releases have no exchange."""
    return PressReleases(setting)


def read_statement(answer: Answer, name: str) -> tuple[str, Target]:
    """What a statement says: its paragraphs, and the target range that it names.

    Args:
        answer: The page of a press release.
        name: Of the source.

    Returns:
        The text, paragraphs apart by an empty line; lower and upper end of the range in percent,
        null where it names none.

    Raises:
        SourceError: there is no statement on the page.
    """
    written = text_of(answer, name)
    _, _, article = written.partition(ARTICLE)
    pieces = (piece.rpartition("<p") for piece in article.split("</p>")[:-1])
    lines = (plain(f"<p{inside}") for _, begun, inside in pieces if begun and HEADING not in inside)
    paragraphs = [line for line in lines if line and not _NO_PARAGRAPH_OF_IT.match(line)]
    text = "\n\n".join(paragraphs)
    if len(text) < SHORTEST_STATEMENT:
        raise SourceError(
            f"The page of a statement of {name} must have paragraphs in the element {ARTICLE}, "
            f"however {shown(text or written)!r} is all that was found. {LATER}"
        )
    return text, target_of(text)


def target_of(text: str) -> Target:
    """The target range that a statement decides on, in percent.

    >>> target_of("lower the target range for the federal funds rate by 1/4 percentage point, "
    ... "to 3-3/4 to 4 percent")
    (3.75, 4.0)
    >>> target_of("The Committee will assess the outlook.")
    (None, None)
    """
    found = _TARGET.search(" ".join(text.split()))
    if found is None:
        return None, None
    low, high = (sum(map(Fraction, re.split(_DASH, rate))) for rate in found.groups())
    return float(low), float(high)


def read_releases(
    rows: Rows,
    name: str,
    part: str,
    now: datetime,
    text: str | None = None,
    target: Target = (None, None),
) -> Batch:
    """Read releases as acts of policy, known when they were published.

    A statement has the id and title that files of the Committee's decisions give it, and is a
    ``rate_decision`` where it names a target range. Other releases have no text: what they are
    about is not the stance of policy, and a text that says nothing of it counts as neutral.

    Args:
        rows: Items of a feed; statements only, or none.
        name: Of the source.
        part: The feed.
        now: When it was asked (UTC); releases of the future go to quarantine.
        text: What the one statement says.
        target: The range that it names.
    """
    raw = rows.frame
    day = pl.col("moment").dt.convert_time_zone("America/New_York").dt.date()
    decided = pl.format("fomc-{}", pl.coalesce("bare", day))
    meeting = pl.format("Federal Open Market Committee, {}", pl.coalesce("bare", day))
    low, high = target
    minutes = pl.col("title").str.starts_with("Minutes of")
    other = pl.when(minutes).then(pl.lit("minutes")).otherwise(pl.lit("press_release"))
    known = pl.coalesce("moment", end_of_day(pl.col("bare")).cast(UTC_TIME))
    found = pl.concat([raw, times_of(raw)], how="horizontal").select(
        "row",
        known.alias("event_time"),
        known.alias("known_at"),
        pl.lit(name).alias("source"),
        (pl.coalesce("id", "link", "title") if text is None else decided).alias("id"),
        (other if text is None else pl.lit("statement" if low is None else "rate_decision")).alias(
            "kind"
        ),
        (pl.col("title") if text is None else meeting).alias("title"),
        pl.lit(text, dtype=pl.String).alias("text"),
        pl.lit(low, dtype=pl.Float64).alias("target_low"),
        pl.lit(high, dtype=pl.Float64).alias("target_high"),
        pl.col("published").fill_null("missing").alias("written"),
    )
    found = found.with_columns(
        first_reason(
            pl.when(pl.col("known_at").is_null()).then(
                pl.format("the timestamp is no time: {}", "written")
            ),
            from_the_future(now),
        )
    )
    return make_batch(
        "policy", name, f"{name}:{part}", raw, schema_frame("policy", found), broken=rows.broken
    )
