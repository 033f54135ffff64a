"""The items of an RSS or Atom feed, as rows of strings.

A feed is read where it is well-formed, or becomes so once stray ampersands and the entities of
HTML are written as XML wants them: what is cut off is refused, and no item is lost without a word.
It may declare no entities, since a few lines of these expand to more than any memory holds.
"""

import html
import io
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, plain, rows_of, shown, text_of
from stocktrend.live.extra import extra
from stocktrend.live.http import Answer
from stocktrend.sources.files import Rows
from stocktrend.sources.times import moments

MOST_BYTES: Final = 16 * 2**20
MOST_TAGS: Final = 500_000
"""A feed has a few hundred items of some ten tags; each takes memory and microseconds to read."""
DEEPEST: Final = 100
MOST_ATTRIBUTES: Final = 100
"""feedparser takes the square of their number."""
ROOTS: Final = ("rss", "feed", "RDF")
LATEST_ZONE: Final = "Etc/GMT+12"
"""Where it is any given time of day last: 12 hours behind UTC."""
OPTIONAL: Final = ("id", "link", "lang")
_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_AMPERSAND: Final = re.compile(r"&(#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|\w{1,32};)?")
_HALF_DAY: Final = re.compile(r"\b[ap]\.?m\b", re.IGNORECASE)
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_OF_XML: Final = ("amp;", "lt;", "gt;", "quot;", "apos;")
_FAILED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def items_of(answer: Answer, source: str) -> Rows:
    """The items of a feed, in its order.

    Args:
        answer: The feed.
        source: Named in errors.

    Returns:
        ``row`` and, as strings or null, ``title`` (of an item without one, its summary) without
        markup, ``published`` (else when it was updated) as written, ``id``, ``link`` and ``lang``
        (of the feed).

    Raises:
        SourceError: this is no feed, or a damaged, hostile or oversized one, or one in which no
            item has a title or a date.
    """
    document = _well_formed(text_of(answer, source), source)
    parsed = _parsed(document, source)
    language = parsed.feed.get("language")
    lang = language.split("-")[0].strip().lower() if isinstance(language, str) else None
    fields = (dict(_fields(entry), lang=lang) for entry in parsed.entries)
    items = [{name: value for name, value in item.items() if value} for item in fields]
    return rows_of(items, source, ("title", "published"), OPTIONAL)


def times_of(items: pl.DataFrame) -> pl.DataFrame:
    """When items were published, as ``times.moments`` gives it.

    A zone that is missing, or that the standard of mail does not name, is taken for the one in
    which it is that time of day last, so that nothing is known too early.
    """
    canonical = [None if at is None else _canonical(at) for at in items["published"].to_list()]
    return moments(
        pl.DataFrame({"published": canonical}, schema={"published": pl.String}),
        "published",
        LATEST_ZONE,
    )


def _canonical(written: str) -> str:
    """A date of mail (RFC 2822, or with its older zones and years) as one of ISO 8601."""
    if _HALF_DAY.search(written):  # which the standard library takes for an unknown zone
        return written
    try:
        return parsedate_to_datetime(written).isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return written


def _fields(entry: Any) -> Iterator[tuple[str, str | None]]:
    yield "title", plain(entry.get("title")) or plain(entry.get("summary"))
    yield "published", entry.get("published") or dict.get(entry, "updated")
    yield "id", entry.get("id")
    yield "link", entry.get("link")


def _parsed(document: str, source: str) -> Any:
    with extra():
        import feedparser

    try:
        return feedparser.parse(
            io.BytesIO(document.encode()),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except _FAILED as error:
        raise SourceError(
            f"{source} must answer with a feed, however reading it fails: {shown(str(error))}. "
            f"{LATER}"
        ) from error


def _well_formed(text: str, source: str) -> str:
    """The document as feedparser is given it, in UTF-8 and known to be a feed."""
    size, tags = len(text), text.count("<")
    if size > MOST_BYTES or tags > MOST_TAGS:
        raise SourceError(
            f"A feed must have at most {MOST_BYTES:,} characters and {MOST_TAGS:,} tags, however "
            f"{source} has {size:,} and {tags:,}. Set base_url of the source in stocktrend.yaml "
            f"to a feed of news"
        )
    bare = _NO_XML.sub("", _DECLARATION.sub("", text))
    try:
        root = _root(bare)
    except ParseError:
        bare = "".join(_mended(bare))
        try:
            root = _root(bare)
        except ParseError as error:
            raise _no_feed(source, f"it is cut off or no XML ({error})", text) from error
        except ValueError as error:
            raise _entities(source) from error
    except ValueError as error:
        raise _entities(source) from error
    if root not in ROOTS:
        raise _no_feed(source, f"its outermost element is {root!r}", text)
    return f'<?xml version="1.0" encoding="utf-8"?>{bare}'


def _root(document: str) -> str:
    """Name of the outermost element of a document that is read to its end."""
    with extra():
        from defusedxml.ElementTree import iterparse

    name = None
    steps: Iterator[tuple[str, Element]] = iterparse(
        io.BytesIO(document.encode("utf-8", "replace")), events=("start", "end")
    )
    depth = 0
    for event, element in steps:
        name = name or str(element.tag).rpartition("}")[2]
        depth += 1 if event == "start" else -1
        if event == "end":
            element.clear()
        if depth > DEEPEST or len(element.attrib) > MOST_ATTRIBUTES:
            return f"{name}, nested {depth} deep, with {len(element.attrib)} attributes"
    return name or ""


def _mended(text: str) -> Iterator[str]:
    """The document with stray ampersands and the entities of HTML as XML wants them."""
    place = 0
    while (begin := text.find("<![CDATA[", place)) >= 0:
        end = text.find("]]>", begin)
        if end < 0:
            break
        yield _AMPERSAND.sub(_ampersand, text[place:begin])
        yield text[begin:end]
        place = end
    yield _AMPERSAND.sub(_ampersand, text[place:])


def _ampersand(found: re.Match[str]) -> str:
    name = found.group(1)
    if name is None:
        return "&amp;"
    if name.startswith("#") or name in _OF_XML:
        return found.group()
    return html.escape(html.unescape(found.group()))


def _no_feed(source: str, found: str, text: str) -> SourceError:
    return SourceError(
        f"{source} must answer with an RSS or Atom feed, however {found}: {shown(text)!r}. {LATER}"
    )


def _entities(source: str) -> SourceError:
    return SourceError(
        f"A feed must declare no entities, since they can expand without end, however {source} "
        f"does. Set base_url of the source in stocktrend.yaml to a feed that is to be trusted"
    )
