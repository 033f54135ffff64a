"""Presidential documents, rules and notices of the Federal Register.

Interface: https://www.federalregister.gov/developers/documentation/api/v1 (no key).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import chain
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, ask, from_the_future, json_of, records_in, rows_of, shown
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.windows import DAY, halved, years
from stocktrend.schema import UTC_TIME
from stocktrend.service_settings import FederalRegister
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import day, first_reason, schema_frame, text

PATH: Final = "/api/v1/documents.json"
EARLIEST: Final = date(1994, 1, 1)
A_PAGE: Final = 1000
MOST_DOCUMENTS: Final = 10_000
"""Beyond these a search shows no more pages."""
MOST_PAGES: Final = 100
PART: Final = "documents"
REQUIRED: Final = ("document_number", "publication_date", "title", "type")
OPTIONAL: Final = ("signing_date", "subtype", "executive_order_number")


@dataclass(frozen=True)
class Documents:
    """Documents of some types, asked for by years of publication, oldest first."""

    setting: FederalRegister
    table = "policy"
    overlap = 7
    terms = "Works of the United States Government, in the public domain."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """One for all."""
        return (PART,)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """The documents of a year after those of another, each with all its pages.

        Raises:
            SourceError: no answer, or none of documents, or fewer of them than it says there are.
        """
        today = window.now.date()
        pages = partial(self._all_pages, http, today)
        for first, end in years(max(window.since, EARLIEST), today):
            for _, found in halved(first, end, today, DAY, pages, _full):
                yield read_documents(found, self.name, part, window.now)

    def _all_pages(self, http: Http, today: date, first: date, end: date) -> tuple[int, list[Any]]:
        """How many documents there are in a period, and these, unless more than are shown."""
        path: str | None = f"{PATH}?{self._query(first, end)}"
        asked: set[str] = set()
        pages: list[list[Any]] = []
        count = 0
        while path is not None:
            if path in asked or len(asked) == MOST_PAGES:
                raise SourceError(
                    f"The pages of {self.name} must come to an end, however page {len(asked) + 1} "
                    f"leads to one that was read. {LATER}"
                )
            asked.add(path)
            read = partial(read_page, name=self.name, base_url=self.setting.base_url)
            count, documents, path = ask(http, read, path)
            if count >= MOST_DOCUMENTS and min(end, today + DAY) - first > DAY:
                return count, []
            pages.append(documents)
        found = list(chain(*pages))
        numbers = {shown(item.get("document_number")) for item in found if isinstance(item, dict)}
        if len(numbers) < min(count, MOST_DOCUMENTS):
            raise SourceError(
                f"{self.name} must give all {count:,} documents of {first} to {end - DAY}, however "
                f"its pages have {len(numbers):,} different ones. {LATER}"
            )
        return count, found

    def _query(self, first: date, end: date) -> str:
        fields = [("fields[]", name) for name in (*REQUIRED, *OPTIONAL)]
        types = [("conditions[type][]", name) for name in self.setting.types]
        return urlencode(
            [
                ("per_page", str(A_PAGE)),
                ("order", "oldest"),
                ("conditions[publication_date][gte]", str(first)),
                ("conditions[publication_date][lte]", str(end - DAY)),
                *types,
                *fields,
            ]
        )


def source(setting: FederalRegister, exchange: str) -> Documents:
    """The source that the settings describe; documents have no exchange."""
    return Documents(setting)


def _full(found: tuple[int, list[Any]]) -> bool:
    return found[0] >= MOST_DOCUMENTS


def read_page(answer: Answer, name: str, base_url: str) -> tuple[int, list[Any], str | None]:
    """One page of a search.

    Args:
        answer: JSON.
        name: Of the source.
        base_url: That of the settings: where a next page may be.

    Returns:
        How many documents there are on all pages, those of this one, and the path with its query
        of the next one, None after the last.

    Raises:
        SourceError: another layout, or a next page on another host.
    """
    found = json_of(answer, name)
    count = found.get("count") if isinstance(found, dict) else None
    if count == 0 and "results" not in found:  # so it says that there are none
        return 0, [], None
    documents = records_in(found, name, "results")
    if not isinstance(count, int):
        raise SourceError(
            f"{name} must tell how many documents there are in 'count', however it has "
            f"{shown(sorted(found))}. {LATER}"
        )
    rows_of(documents, name, REQUIRED, OPTIONAL)
    following = found.get("next_page_url")
    if following is None:
        return count, documents, None
    return count, documents, _path(following, name, base_url)


def _path(address: Any, name: str, base_url: str) -> str:
    base = urlsplit(base_url)
    try:
        parts = urlsplit(address)
        known = (parts.netloc, parts.path.startswith(base.path)) == (base.netloc, True)
    except (ValueError, AttributeError, TypeError):
        known = False
    if not known:
        raise SourceError(
            f"A next page of {name} must be on {base.netloc}, however it is {shown(address)}. Ask "
            f"again later, and do not follow it"
        )
    path = parts.path.removeprefix(base.path.rstrip("/"))
    return f"{path}?{parts.query}"


def read_documents(documents: list[Any], name: str, part: str, now: datetime) -> Batch:
    """Read documents as acts of policy, known at 23:59 New York of their publication.

    An executive order has the id and the kind that files of orders give it, and happened when it
    was signed; another document is named by its number, and its kind is its subtype or type. Texts
    are left out: the stance of policy is that of the central bank's statements.

    Args:
        documents: JSON objects of all pages.
        name: Of the source.
        part: That was asked for.
        now: When it was asked (UTC); documents of the future go to quarantine.

    Raises:
        SourceError: a field is missing from all of them.
    """
    rows = rows_of(documents, name, REQUIRED, OPTIONAL)
    raw = rows.frame
    order = text(raw, "executive_order_number")
    kind = pl.coalesce(text(raw, "subtype"), text(raw, "type")).str.to_lowercase()
    typed = raw.select(
        "row",
        day(raw, "publication_date").alias("published"),
        day(raw, "signing_date").alias("signed"),
        text(raw, "title").alias("title"),
        pl.coalesce(
            pl.format("eo-{}", order), pl.format("fr-{}", text(raw, "document_number"))
        ).alias("id"),
        pl.when(order.is_not_null())
        .then(pl.lit("executive_order"))
        .otherwise(kind.str.replace_all(" ", "_"))
        .alias("kind"),
    )
    found = typed.with_columns(
        end_of_day(pl.coalesce("signed", "published")).cast(UTC_TIME).alias("event_time"),
        end_of_day(pl.col("published")).cast(UTC_TIME).alias("known_at"),
        pl.lit(name).alias("source"),
        pl.lit(None, dtype=pl.String).alias("text"),
        pl.lit(None, dtype=pl.Float64).alias("target_low"),
        pl.lit(None, dtype=pl.Float64).alias("target_high"),
    ).with_columns(
        first_reason(
            pl.when(pl.col("published").is_null()).then(
                pl.lit("publication_date is not YYYY-MM-DD")
            ),
            pl.when(pl.col("published") < pl.col("signed")).then(
                pl.lit("published before it was signed")
            ),
            from_the_future(now),
        )
    )
    return make_batch(
        "policy", name, f"{name}:{part}", raw, schema_frame("policy", found), broken=rows.broken
    )
