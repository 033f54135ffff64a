"""News in all its layouts, and when an item is known."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from pydantic import ValidationError

from stocktrend.config import EventsFile, NewsFile
from stocktrend.errors import SourceError
from stocktrend.sources.batch import Batch
from stocktrend.sources.news import read_news

ITEM = {
    "ticker": "aapl",
    "timestamp": "2014-01-01T03:59:03+00:00",
    "text": "Shares rise",
    "id": "1",
    "source": "wire",
    "lang": "en",
    "is_retweet": False,
}


def read(path: Path, content: bytes | str, **settings: object) -> Batch:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    setting = NewsFile.model_validate({"path": "*", **settings})
    return read_news(path, setting, "news", path.name, "XNYS")


def lines(*items: dict[str, object]) -> str:
    return "".join(json.dumps({**ITEM, **item}) + "\n" for item in items)


def known(batch: Batch) -> list[datetime]:
    return batch.records["known_at"].to_list()


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "json", "csv", "csv.zst"])
def test_every_layout_gives_the_same_record(tmp_path: Path, ending: str) -> None:
    text = {
        "jsonl": lines({}),
        "json": json.dumps({"items": [ITEM]}),
        "csv": ",".join(ITEM) + "\n" + ",".join(str(v) for v in ITEM.values()) + "\n",
    }[ending.split(".")[0]]
    pack = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
    content = pack.get(ending.split(".")[-1], bytes)(text.encode())
    batch = read(tmp_path / f"AAPL.{ending}", content)
    record = batch.records.drop("row").row(0, named=True)
    at = datetime(2014, 1, 1, 3, 59, 3, tzinfo=UTC)
    assert record == {
        "event_time": at,
        "known_at": at,
        "source": "wire",
        "ticker": "AAPL",
        "id": "1",
        "text": "Shares rise",
        "lang": "en",
        "is_repost": False,
    }


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2014-01-02T09:30:00-05:00", datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        ("2014-01-02 09:30:00.250Z", datetime(2014, 1, 2, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2014-01-02T09:30+0100", datetime(2014, 1, 2, 8, 30, tzinfo=UTC)),
        ("Thu, 02 Jan 2014 09:30:00 -0500", datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        ("2014-01-02 09:30:00-05", datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        ("Thu, 02 Jan 2014 09:30:00 GMT", datetime(2014, 1, 2, 9, 30, tzinfo=UTC)),
        (1388673000, datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        (1388673000000, datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        (1388673000000000, datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        ("1388673000000000000", datetime(2014, 1, 2, 14, 30, tzinfo=UTC)),
        ("2014-01-02 09:30:00", datetime(2014, 1, 2, 9, 30, tzinfo=UTC)),
    ],
)
def test_timestamps_become_utc(tmp_path: Path, written: object, utc: datetime) -> None:
    assert known(read(tmp_path / "A.jsonl", lines({"timestamp": written}))) == [utc]


@pytest.mark.parametrize("written", ["2014-01-02 02:30 PM", "2014-01-02 14:30:00 EST"])
def test_a_time_with_anything_unread_behind_it_is_refused_and_never_early(
    tmp_path: Path, written: str
) -> None:
    batch = read(tmp_path / "A.jsonl", lines({"timestamp": written}))
    assert batch.quarantine["reason"].to_list() == [f"the timestamp is no time: {written}"]


def test_a_timestamp_without_an_offset_is_in_the_sources_time_zone(tmp_path: Path) -> None:
    content = lines({"timestamp": "2014-07-02 09:30:00"})
    batch = read(tmp_path / "A.jsonl", content, timezone="America/New_York")
    assert known(batch) == [datetime(2014, 7, 2, 13, 30, tzinfo=UTC)]
    assert batch.notes == {"timestamps without an offset, read as America/New_York": 1}


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ("US/Estern", "Did you mean US/Eastern"),
        ("america/new_yrok", "Did you mean America/New_York"),
        ("Qqqq", "Use UTC or America/New_York"),
        ("", "Use UTC or America/New_York"),
    ],
)
def test_a_time_zone_that_there_is_not_is_refused_before_anything_is_read(
    wrong: str, remedy: str
) -> None:
    for kind in (NewsFile, EventsFile):
        with pytest.raises(ValidationError, match=f"tz database, however: '{wrong}'. {remedy}"):
            kind(path="x.csv", timezone=wrong)


def test_a_bare_date_is_known_at_the_next_sessions_open(tmp_path: Path) -> None:
    friday, good_friday = {"timestamp": "2014-04-11"}, {"timestamp": "2014-04-17", "id": "2"}
    batch = read(tmp_path / "A.jsonl", lines(friday, good_friday))
    assert known(batch) == [
        datetime(2014, 4, 14, 13, 30, tzinfo=UTC),
        datetime(2014, 4, 21, 13, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "midnights",
    [
        ["2014-01-02 00:00:00", "2014-01-03 00:00:00"],
        ["2014-01-02T00:00:00.000Z", "2014-01-03T00:00:00.000Z"],
        ["2014-01-02T00:00:00-05:00", "2014-01-03T00:00:00-05:00"],
        [1388620800000, 1388707200000],
        ["2014-01-02T00:00:00Z"],
    ],
)
def test_a_file_of_midnights_holds_dates(tmp_path: Path, midnights: list[object]) -> None:
    items = [{"timestamp": at, "id": str(i)} for i, at in enumerate(midnights)]
    batch = read(tmp_path / "A.jsonl", lines(*items))
    opens = [datetime(2014, 1, 3, 14, 30, tzinfo=UTC), datetime(2014, 1, 6, 14, 30, tzinfo=UTC)]
    assert known(batch) == opens[: len(midnights)]


def test_duplicates_are_counted_and_one_id_with_other_content_is_refused(tmp_path: Path) -> None:
    batch = read(tmp_path / "A.jsonl", lines({}, {}, {"text": "Shares fall"}, {"id": "2"}))
    assert (batch.read, batch.records.height, batch.duplicate) == (4, 2, 1)
    assert batch.quarantine["reason"].to_list() == [
        "the same ticker and id as row 1, with other content"
    ]
    assert batch.notes["texts repeated for one ticker, kept"] == 2


def test_what_is_no_item_is_quarantined(tmp_path: Path) -> None:
    content = lines({}, {"timestamp": "soon", "id": "2"}, {"text": " ", "id": "3"})
    batch = read(tmp_path / "A.jsonl", content + "{broken\n[1]\n" + lines({"id": "4"}))
    assert batch.records["id"].to_list() == ["1", "4"]
    assert batch.quarantine.sort("row")["reason"].to_list() == [
        "the timestamp is no time: soon",
        "text is empty",
        "the record is not JSON",
        "the record is not a JSON object",
    ]
    assert batch.read == 6


def test_entries_of_a_json_list_that_are_no_objects_are_counted(tmp_path: Path) -> None:
    batch = read(tmp_path / "A.json", json.dumps([None, 0, "", ITEM]))
    assert (batch.read, batch.records.height) == (4, 1)
    assert batch.quarantine["row"].to_list() == [1, 2, 3]


def test_reposts_and_languages_are_named(tmp_path: Path) -> None:
    batch = read(tmp_path / "A.jsonl", lines({"is_retweet": True}, {"lang": "de", "id": "2"}))
    assert batch.records["is_repost"].to_list() == [True, False]
    assert batch.notes["reposts, flagged and kept"] == 1
    assert batch.notes["items not in English or of unknown language, kept"] == 1


def test_an_item_without_an_id_gets_the_same_one_from_any_file(tmp_path: Path) -> None:
    content = "timestamp,headline\n2014-01-02T09:30:00Z,Shares rise\n"
    one, two = (read(tmp_path / folder, content) for folder in ("AAPL.csv", "aapl.CSV"))
    assert one.records["id"].item() == two.records["id"].item()
    assert one.records["ticker"].item() == "AAPL"


def test_market_news_is_filed_under_a_star_and_other_names_are_no_tickers(tmp_path: Path) -> None:
    content = "timestamp,headline\n2014-01-02T09:30:00Z,Stocks rise\n"
    assert read(tmp_path / "MARKET.csv", content).records["ticker"].item() == "*"
    with pytest.raises(SourceError, match="named after its ticker"):
        read(tmp_path / "all my headlines.csv", content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("A.jsonl.zst", b"no zstandard"),
        ("A.jsonl.gz", gzip.compress(lines({}).encode())[:-9]),
        ("A.csv", b"timestamp,text\n2014-01-02,\xff\xfe\n"),
        ("A.jsonl", b""),
        ("A.parquet", b"PAR1"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(SourceError, match=name):
        read(tmp_path / name, content)
