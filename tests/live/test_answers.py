"""Answers are read whatever their encoding, and what is no answer is named."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocktrend.errors import SourceError
from stocktrend.live.answers import (
    from_the_future,
    json_of,
    plain,
    records_in,
    rows_of,
    text_of,
)
from stocktrend.live.http import Answer

NOW = datetime(2025, 9, 18, 12, tzinfo=UTC)
PAGE = '<?xml version="1.0" encoding="{}"?><t>Börse: “x” €</t>'


def answer(body: str | bytes, kind: str = "application/json", charset: str | None = None) -> Answer:
    return Answer(body.encode() if isinstance(body, str) else body, kind, charset)


@pytest.mark.parametrize(
    ("truth", "declared", "header"),
    [
        ("utf-8", "utf-8", None),
        ("utf-8", "iso-8859-1", "iso-8859-1"),
        ("utf-8-sig", "utf-8", None),
        ("utf-8", "utf-16", "utf-16"),
        ("utf-8", "no-such-charset", "rot13"),
        ("utf-8", "idna", "punycode"),
        ("cp1252", "utf-8", "utf-8"),
        ("cp1252", "iso-8859-1", "iso-8859-1"),
        ("utf-16", "utf-16", None),
        ("utf-16-le", "utf-8", "utf-8"),
        ("utf-16-be", "utf-16", None),
        ("utf-32", "utf-32", None),
    ],
)
def test_text_is_read_in_the_encoding_that_it_has_whatever_it_declares(
    truth: str, declared: str, header: str | None
) -> None:
    page = PAGE.format(declared)

    assert text_of(answer(page.encode(truth), "text/xml", header), "feed") == page


def test_a_declared_charset_decides_where_the_bytes_are_no_utf_8() -> None:
    assert text_of(answer("日本株".encode("shift_jis"), charset="shift_jis"), "f") == "日本株"
    assert text_of(answer("日本株".encode("iso2022_jp"), charset="iso-2022-jp"), "f") == "日本株"
    assert text_of(answer("Žluť".encode("iso8859_2"), charset="iso-8859-2"), "f") == "Žluť"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", "the answer is empty"),
        (" \n", "the answer is empty"),
        ("<!DOCTYPE html><p>Just a moment...", "a page of HTML or XML: '<!DOCTYPE html>"),
        ('[{"id": 1}, {"id"', "JSON that is cut off or damaged"),
        ("[" * 100_000, "JSON that is cut off or damaged"),
        ("Please limit requests to one every 5 seconds.", "this is text: 'Please limit"),
    ],
)
def test_what_is_no_json_is_named_with_the_source_and_a_remedy(body: str, found: str) -> None:
    with pytest.raises(SourceError, match="wire must answer with") as raised:
        json_of(answer(body), "wire")

    assert found in str(raised.value)
    assert "Ask again later" in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"error": "You don't have access to this resource."}, "You don't have access"),
        ({"s": "no_data"}, 'it has the fields ["s"]'),
        ("none", "it is 'none'"),
        ([1, 2], "it is"),
    ],
)
def test_an_answer_without_its_list_of_records_is_told_in_its_own_words(
    found: object, says: str
) -> None:
    with pytest.raises(SourceError, match="a list of records in 'results'") as raised:
        records_in(found, "wire", "results")

    assert says in str(raised.value)


def test_a_field_that_no_record_has_is_named_and_one_that_some_lack_is_null() -> None:
    found = [{"id": 7, "headline": "a"}, {"id": "8"}, "nonsense", {"id": None, "headline": [1]}]

    rows = rows_of(found, "wire", ("id", "headline"), ("lang",))

    assert rows.frame.rows() == [
        ("7", "a", None, 1),
        ("8", None, None, 2),
        (None, "[1]", None, 4),
    ]
    assert rows.broken == ((3, "the record is not a JSON object", "nonsense"),)
    with pytest.raises(SourceError, match=r"however none has published, and the first has \[.*id"):
        rows_of(found, "wire", ("id", "published"))


def test_half_a_character_is_replaced_since_it_can_not_be_stored() -> None:
    assert rows_of(json.loads('[{"t": "a\\ud800b"}]'), "wire", ("t",)).frame["t"][0] == "a?b"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Profit &lt; 5% &amp;amp; falling", "Profit < 5% & falling"),
        ("<p>One</p><p>two</p>", "One two"),
        ("<a href='x'>Link</a>ed &nbsp; up", "Linked up"),
        ("a < b and c > d", "a < b and c > d"),
        (" <img src=x> ", None),
        (None, None),
    ],
)
def test_markup_and_entities_leave_plain_text(written: str | None, read: str | None) -> None:
    assert plain(written) == read


def test_a_record_may_be_a_day_ahead_and_no_more() -> None:
    times = [datetime(2025, 9, 19, 12, tzinfo=UTC), datetime(2025, 9, 19, 12, 1, tzinfo=UTC)]
    frame = pl.DataFrame({"known_at": times})

    reasons = frame.select(from_the_future(NOW).alias("reason"))["reason"].to_list()

    assert reasons == [None, "it claims to be of the future: 2025-09-19 12:01 UTC"]


@settings(deadline=2000)
@given(st.binary(), st.none() | st.text(max_size=12))
def test_any_bytes_are_text_or_a_source_error(body: bytes, charset: str | None) -> None:
    try:
        text = text_of(Answer(body, "", charset), "wire")
    except SourceError:
        assert not body.strip(b"\0 \t\r\n")
    else:
        assert isinstance(text, str)


@settings(deadline=2000)
@given(st.text())
def test_plain_text_has_no_line_ends_and_is_read_the_same_in_utf_8(text: str) -> None:
    bare = plain(text)

    assert bare is None or (bare == " ".join(bare.split()) and bare.encode())
