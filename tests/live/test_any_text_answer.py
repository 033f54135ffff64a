"""Whatever a service of news or policy answers is records, refused rows, or one clear error."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server import Asked
from texts import (
    ATOM,
    FINNHUB,
    GDELT,
    NOW,
    REGISTER,
    RSS,
    STATEMENT_PAGE,
    UNCERTAINTY,
    UNCERTAINTY_NOTES,
    finnhub,
    gdelt,
    press,
    register,
)

from stocktrend.errors import SourceError
from stocktrend.live.fed_press import read_releases, read_statement
from stocktrend.live.federal_register import read_documents, read_page
from stocktrend.live.feed import read_feed
from stocktrend.live.finnhub import read_company_news
from stocktrend.live.gdelt import read_articles
from stocktrend.live.http import Answer
from stocktrend.live.policy_uncertainty import read_index
from stocktrend.live.syndication import items_of
from stocktrend.sources.batch import Batch

Parser = Callable[[Answer], Batch]
BASE = "https://www.federalregister.gov"
EVER = {"startdatetime": "2025", "enddatetime": "2026", "from": "2025", "to": "2026"}
EVER |= {"conditions[publication_date][gte]": "2025", "conditions[publication_date][lte]": "2026"}
ASKED = Asked("", EVER, {"Host": "www.federalregister.gov"})


def press_batch(answer: Answer) -> Batch:
    return read_releases(items_of(answer, "fed"), "fed", "press_all", NOW)


def register_batch(answer: Answer) -> Batch:
    _, documents, _ = read_page(answer, "register", BASE)
    return read_documents(documents, "register", "documents", NOW)


NEWS = {"ticker": "ACME", "now": NOW, "exchange": "XNYS"}
PARSERS: dict[str, Parser] = {
    "rss": partial(read_feed, name="wire", **NEWS),
    "atom": partial(read_feed, name="wire", **NEWS),
    "gdelt": partial(read_articles, name="gdelt", **NEWS),
    "finnhub": partial(read_company_news, name="finnhub", **NEWS),
    "press": press_batch,
    "register": register_batch,
    "uncertainty": partial(read_index, name="uncertainty", series="USEPUINDXD", now=NOW),
}
VALID: dict[str, bytes] = {
    "rss": RSS.encode(),
    "atom": ATOM.encode(),
    "gdelt": gdelt(ASKED).body,
    "finnhub": finnhub(ASKED).body,
    "press": press().encode(),
    "register": register(ASKED).body,
    "uncertainty": (UNCERTAINTY + UNCERTAINTY_NOTES).encode(),
}
ITEMS = {"rss": 4, "atom": 2, "gdelt": 3, "finnhub": 3, "press": 3, "register": 2, "uncertainty": 9}
KINDS = pytest.mark.parametrize("kind", PARSERS)
QUICKLY = settings(deadline=5000, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def read(kind: str, body: bytes, charset: str | None = None) -> Batch | None:
    """The batch of an answer whose rows are all accounted for, None after a clear error."""
    try:
        batch = PARSERS[kind](Answer(body, "", charset))
    except SourceError as error:
        told = str(error)
    else:
        told = None
    if told is not None:
        assert len(told) < 1500
        assert "however" in told
        return None
    assert batch.read == batch.records.height + batch.quarantine.height + batch.duplicate
    assert batch.records["known_at"].null_count() == 0
    return batch


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """A valid answer with a piece of it cut out, replaced, repeated or lost at its end."""
    begin = draw(st.integers(0, len(body)))
    end = draw(st.integers(begin, min(len(body), begin + 60)))
    kept = body[begin:end]
    middle = draw(
        st.binary(max_size=30)
        | st.just(kept * 3)
        | st.sampled_from(
            [b"", b"<", b"&", b'"', b"\\", b"\0", b"\xff\xfe", b"]]>", b"9" * 40, b","]
        )
    )
    return body[:begin] + middle + draw(st.just(body[end:]) | st.just(b""))


@KINDS
def test_every_item_of_a_valid_answer_is_a_record(kind: str) -> None:
    batch = read(kind, VALID[kind])

    assert batch is not None
    assert batch.read == batch.records.height == ITEMS[kind]


@KINDS
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_an_answer_is_read_in_any_encoding(kind: str, encoding: str) -> None:
    batch = read(kind, VALID[kind].decode().encode(encoding), "iso-8859-1")
    plain = read(kind, VALID[kind])

    assert batch is not None
    assert plain is not None
    assert batch.records.equals(plain.records)


@KINDS
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"null",
        b"true",
        b"1e999",
        b'"text"',
        b"<!DOCTYPE html><html><head><title>503</title></head><body><p>Busy</p></body></html>",
        b"Please limit requests to one every 5 seconds.",
        b'{"error": "API limit reached."}',
        b"[" * 20_000,
        b"<a>" * 20_000,
        b'{"a":' * 20_000,
        b"\0" * 1000,
        b"\xff" * 1000,
    ],
)
def test_what_is_no_answer_is_a_clear_error(kind: str, body: bytes) -> None:
    assert read(kind, body) is None


@KINDS
@QUICKLY
@given(body=st.binary(max_size=300), charset=st.none() | st.sampled_from(["utf-16", "utf-7", "x"]))
def test_any_bytes_give_a_batch_or_a_clear_error(kind: str, body: bytes, charset: str) -> None:
    read(kind, body, charset)


@KINDS
@QUICKLY
@given(data=st.data())
def test_a_damaged_answer_gives_a_batch_or_a_clear_error(kind: str, data: st.DataObject) -> None:
    read(kind, data.draw(damaged(VALID[kind])))


@KINDS
def test_an_answer_that_is_cut_off_anywhere_claims_no_more_than_it_says(kind: str) -> None:
    body = VALID[kind]
    whole = read(kind, body)
    assert whole is not None
    known = whole.records.drop("row").rows()

    for length in range(0, len(body) - 40, 37):
        batch = read(kind, body[:length])
        assert batch is None or set(batch.records.drop("row").rows()) <= set(known)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2025-09-31", "99999999", "20250917T250000Z", "\ud800", "1758139200"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
RECORDS: dict[str, tuple[list[dict[str, Any]], Callable[[Any], Any]]] = {
    "gdelt": (GDELT, lambda found: {"articles": found}),
    "finnhub": (FINNHUB, lambda found: found),
    "register": (REGISTER, lambda found: {"count": len(found), "results": found}),
}


@pytest.mark.parametrize("kind", RECORDS)
@QUICKLY
@given(data=st.data())
def test_records_with_any_values_are_all_accounted_for(kind: str, data: st.DataObject) -> None:
    valid, wrapped = RECORDS[kind]
    fields = st.sampled_from(sorted(valid[0]))
    changed = st.tuples(st.sampled_from(valid), st.dictionaries(fields, VALUES, max_size=4))
    found = data.draw(st.lists(changed.map(lambda pair: {**pair[0], **pair[1]}) | VALUES))

    batch = read(kind, json.dumps(wrapped(found)).encode())

    if batch is not None:
        assert batch.read == len(found)


@pytest.mark.parametrize("kind", RECORDS)
def test_a_renamed_field_is_named(kind: str) -> None:
    valid, wrapped = RECORDS[kind]
    required = {"gdelt": "seendate", "finnhub": "headline", "register": "publication_date"}[kind]
    renamed = [{(k + "_v2" if k == required else k): v for k, v in r.items()} for r in valid]

    with pytest.raises(SourceError, match=f"however none has {required}, and the first has"):
        PARSERS[kind](Answer(json.dumps(wrapped(renamed)).encode(), "application/json"))


@KINDS
def test_records_of_the_future_are_refused(kind: str) -> None:
    body = VALID[kind].replace(b"2025", b"2031")
    if kind == "finnhub":
        body = body.replace(b'"datetime": 175', b'"datetime": 195')

    batch = read(kind, body)

    assert batch is not None
    assert batch.quarantine.height == ITEMS[kind]
    assert batch.quarantine["reason"].str.contains("it claims to be of the future: 20").all()


@QUICKLY
@given(data=st.data())
def test_a_damaged_page_of_a_statement_is_read_or_named(data: st.DataObject) -> None:
    body = data.draw(damaged(STATEMENT_PAGE.encode()) | st.binary(max_size=200))
    try:
        found = read_statement(Answer(body, "text/html"), "fed")
    except SourceError as error:
        found = None
        told = str(error)
    if found is None:
        assert "paragraphs" in told or "empty" in told
    else:
        text, (low, high) = found
        assert len(text) >= 200
        assert (low is None) == (high is None)
