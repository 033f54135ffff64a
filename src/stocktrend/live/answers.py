"""What an answer says, whatever came: its text, its JSON, its records as rows of strings."""

import codecs
import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.http import Answer, Http
from stocktrend.schema import UTC_TIME
from stocktrend.sources.files import Rows

Read = TypeVar("Read")
BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""In the order in which they are told apart: one of UTF-32 begins with one of UTF-16."""
CHARSETS: Final = re.compile(
    r"(utf_?(8|16|32)|iso8859|latin|cp\d|koi8|mac|gb|big5|shift_jis|euc_|iso2022|hz|johab|tis_620)"
)
"""Python's names of those that are known; its other codecs are no charsets (``idna``, ``rot13``),
and some take hours for a megabyte."""
LATIN_1: Final = ("ascii", "iso8859-1")
"""What says so is UTF-8 or Windows-1252, as browsers read it."""
OF_BYTES: Final = ("iso8859", "cp125")
"""Any bytes can be read in these, so that they are named by mistake and nobody notices."""
MOST_RECORDS: Final = 200_000
"""In an answer; the longest that is asked for, a page of FRED, has half as many. A record takes far
more memory than its text, where that is next to nothing."""
MOST_OBJECTS: Final = 1_000_000
"""Objects and lists in a JSON: empty ones take 24 times their text in memory."""
LONGEST_HEADER: Final = 10_000
LONGEST_SHOWN: Final = 160
SKEW: Final = timedelta(days=1)
"""How far a service's clock may be ahead. Within it a record is kept: no row sees it early."""
LATER: Final = (
    "Ask again later; if it stays so, the service has changed or base_url of the source in "
    "stocktrend.yaml leads elsewhere"
)
SAYS: Final = ("error", "error_message", "errors", "message", "detail", "description")
_DECLARED: Final = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']"
)
_MARKUP: Final = re.compile(r"<[!/?]?[A-Za-z][^<>]*>")
_INLINE: Final = re.compile(r"</?(?:a|b|i|u|em|strong|span|font|sub|sup)(?:\s[^<>]*)?>", re.I)


def text_of(answer: Answer, source: str) -> str:
    """The body as text, without a byte order mark.

    UTF-8 is believed wherever the bytes are such, since answers name Latin-1 by default, and
    neither the bytes nor the name is believed of what can only be something else. Bytes that fit
    nothing named are read as Windows-1252.

    Args:
        answer: Its charset, or that of an XML declaration, is tried where it may be true.
        source: Named in errors.

    Raises:
        SourceError: the body is empty.
    """
    body = answer.body
    if not body.strip(b"\0 \t\r\n"):
        raise SourceError(
            f"{source} must answer with records, however the answer is empty. {LATER}"
        )
    mark = next((mark for mark in BYTE_ORDER_MARKS if body.startswith(mark)), None)
    declared = _DECLARED.search(body[:1000])
    named = [answer.charset, declared.group(1).decode() if declared else None]
    believed = [name for name in map(_charset, named) if name and _may_be(name, body)]
    if mark:
        believed.insert(0, BYTE_ORDER_MARKS[mark])
    wide = [] if b"\0" not in body[:1000] else [_wide(body)]
    sure = [name for name in believed if not name.startswith(OF_BYTES)]
    for name in (*sure, *wide, "utf-8", *believed):
        try:
            return body.decode(name).removeprefix("\ufeff")
        except UnicodeError:
            continue
    return body.decode("cp1252", "replace")


def table_of(answer: Answer, source: str) -> str:
    """The text of a CSV, of no more lines than a service sends.

    Raises:
        SourceError: as :func:`text_of`; or it is too long, or is no table.
    """
    text = text_of(answer, source)
    lines = max(text.count("\n"), text.count("\r"))
    one_line = len(text) > LONGEST_HEADER and not set(text[:LONGEST_HEADER]) & {"\n", "\r"}
    if lines > MOST_RECORDS or one_line:
        raise SourceError(
            f"{source} must answer with a CSV of at most {MOST_RECORDS:,} lines, the first of at "
            f"most {LONGEST_HEADER:,} characters, however this has {lines:,} lines: "
            f"{shown(text)!r}. {LATER}"
        )
    return text


def _charset(name: str | None) -> str | None:
    try:
        found = codecs.lookup(name).name if name else ""
    except (LookupError, ValueError):  # a NUL in the name
        return None
    known = found not in LATIN_1 and CHARSETS.match(found.replace("-", "_"))
    return found if known else None


def _may_be(name: str, body: bytes) -> bool:
    """Text in wide characters has zeros between its signs; other text has none."""
    return name.startswith(("utf-16", "utf-32", "utf_16", "utf_32")) == (b"\0" in body[:1000])


def _wide(body: bytes) -> str:
    first = body[:4].ljust(4)
    zeros = [place for place in range(4) if first[place] == 0]
    return {(1, 2, 3): "utf-32-le", (0, 1, 2): "utf-32-be", (0, 2): "utf-16-be"}.get(
        tuple(zeros), "utf-16-le"
    )


def ask(
    http: Http,
    read: Callable[[Answer], Read],
    path: str,
    query: Mapping[str, str] | None = None,
) -> Read:
    """What is read of an answer; one that cannot be read is asked for again.

    Raises:
        SourceError: as ``http.get``, or as ``read`` of the last answer.
    """
    found: list[Read] = []
    http.get(path, query, lambda answer: found.append(read(answer)))
    return found[-1]


def json_of(answer: Answer, source: str) -> Any:
    """The JSON of an answer.

    Raises:
        SourceError: it is something else: a page of HTML, plain text, or JSON that is cut off or
            larger than any that is asked for.
    """
    text = text_of(answer, source).strip()
    objects = text.count("{") + text.count("[")
    if objects > MOST_OBJECTS:
        raise SourceError(
            f"{source} must answer with JSON of at most {MOST_OBJECTS:,} objects, however this has "
            f"{objects:,}: {shown(text)!r}. {LATER}"
        )
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        what = "JSON that is cut off or damaged" if text[:1] in ("{", "[") else "text"
        what = "a page of HTML or XML" if text.startswith("<") else what
        raise SourceError(
            f"{source} must answer with JSON, however this is {what}: {shown(text)!r}. {LATER}"
        ) from error


def records_in(found: Any, source: str, field: str | None = None) -> list[Any]:
    """The list of records of an answer, or in a field of it.

    Raises:
        SourceError: there is none; says what the service says instead, as far as it says so.
    """
    records = found.get(field) if field and isinstance(found, dict) else found
    if isinstance(records, list) and (field is None or isinstance(found, dict)):
        if len(records) > MOST_RECORDS:
            raise SourceError(
                f"{source} must give at most {MOST_RECORDS:,} records in an answer, however it "
                f"gives {len(records):,}. {LATER}"
            )
        return records
    place = f"in {field!r}" if field else "as its answer"
    if isinstance(found, dict):
        said = next((found[key] for key in SAYS if found.get(key)), None)
        has = f"it says {shown(said)!r}" if said else f"it has the fields {shown(sorted(found))}"
    else:
        has = f"it is {shown(found)!r}"
    raise SourceError(f"{source} must give a list of records {place}, however {has}. {LATER}")


def rows_of(
    found: Sequence[Any], source: str, required: Sequence[str], optional: Sequence[str] = ()
) -> Rows:
    """JSON objects as rows of strings, in their order.

    Args:
        found: Records; what is no object is ``broken``.
        source: Named in errors.
        required: Fields that some record must have: one that none has was renamed.
        optional: Further fields to read; others are left out.

    Returns:
        A frame of ``row`` (from 1) and the fields, as strings; null where a record lacks one.

    Raises:
        SourceError: no record has a required field; the message names it.
    """
    objects = [item for item in found if isinstance(item, dict)]
    missing = [name for name in required if not any(name in item for item in objects)]
    if objects and missing:
        raise SourceError(
            f"A record of {source} must have the fields {', '.join(required)}, however none has "
            f"{', '.join(missing)}, and the first has {shown(sorted(objects[0]))}. {LATER}"
        )
    fields = (*required, *optional)
    columns = [
        pl.Series(name, [_written(item.get(name)) for item in objects], dtype=pl.String)
        for name in fields
    ]
    good = [row for row, item in enumerate(found, start=1) if isinstance(item, dict)]
    broken = tuple(
        (row, "the record is not a JSON object", _written(item) or "null")
        for row, item in enumerate(found, start=1)
        if not isinstance(item, dict)
    )
    return Rows(pl.DataFrame([*columns, pl.Series("row", good, dtype=pl.Int64)]), broken)


def _written(value: Any) -> str | None:
    """A value as text that can be stored: JSON may name one half of a surrogate pair."""
    if value is None:
        return None
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)  # as JSON has it: answers are numbers for the most part
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"
    return text.encode("utf-8", "replace").decode()


def plain(text: str | None) -> str | None:
    """One line of text without markup and with its entities resolved, null where nothing is left.

    Entities are resolved twice, since feeds escape what was escaped already.

    >>> plain(" <b>AT&amp;amp;T</b>: profit &lt; 5%, <br/>costs&nbsp;up ")
    'AT&T: profit < 5%, costs up'
    """
    if text is None:
        return None
    bare = text
    for _ in range(2):
        bare = html.unescape(_MARKUP.sub(" ", _INLINE.sub("", bare)))
    return " ".join(bare.encode("utf-8", "replace").decode().split()) or None


def from_the_future(now: datetime, at: pl.Expr | None = None) -> pl.Expr:
    """The reason for which a record is refused that claims to be of a time after ``now`` (UTC).

    By more than ``SKEW``, that is: the clock of the service, or the record, is wrong. The time is
    that of ``known_at``, unless a rule puts that later than what the record claims.
    """
    at = pl.col("known_at") if at is None else at
    when = at.dt.strftime("%Y-%m-%d %H:%M")
    late = at > pl.lit(now + SKEW).cast(UTC_TIME)
    return pl.when(late).then(pl.format("it claims to be of the future: {} UTC", when))


def shown(value: Any) -> str:
    """The beginning of what was found, in one line, for a message."""
    whole = value if isinstance(value, str) else _written(value) or "null"
    text = " ".join(whole[: 9 * LONGEST_SHOWN].split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} ..."
