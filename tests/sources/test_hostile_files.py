"""Files that are made to do harm end in a clear error or in quarantine, and in little memory."""

import gzip
import io
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest
import zstandard

from stocktrend.config import BarsFile, NewsFile, Settings
from stocktrend.errors import SourceError
from stocktrend.sources.bars import read_bars
from stocktrend.sources.batch import Batch
from stocktrend.sources.content import Bounds, read_bytes
from stocktrend.sources.files import read_rows
from stocktrend.sources.news import read_news
from stocktrend.sources.plan import plan

SMALL = Bounds(plain=5_000, expanded=4_000, ratio=10, free=1_000)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
BAR = "2016-06-27,10,12,9,11,10.5,1000\n"
ITEM = '{"timestamp":"2014-01-02T10:00:00Z","text":"x"}\n'
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": partial(gzip.compress, compresslevel=1),
    ".zst": zstandard.ZstdCompressor().compress,
}


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def bars(path: Path) -> Batch:
    return read_bars(path, BarsFile(path="x"), "prices", path.name, "XNYS")


def news(path: Path) -> Batch:
    return read_news(path, NewsFile(path="x"), "news", path.name, "XNYS")


# --- bombs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_expands_too_many_times_is_refused_and_what_does_not_is_read(
    tmp_path: Path, ending: str
) -> None:
    compress = COMPRESS[ending]
    text = "\n".join(str(n * n * 7919 % 10007) for n in range(300)).encode()
    assert read_bytes(put(tmp_path / f"A.csv{ending}", compress(text)), SMALL) == text
    few = b" " * 900
    assert read_bytes(put(tmp_path / f"B.csv{ending}", compress(few)), SMALL) == few
    bomb = put(tmp_path / f"C.csv{ending}", compress(b" " * 3_000))
    with pytest.raises(
        SourceError, match=r"10 times its size beyond 1,000 bytes.*C\.csv"
    ) as raised:
        read_bytes(bomb, SMALL)
    assert "decompress it yourself" in str(raised.value)


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_expands_beyond_the_bound_is_refused_whatever_its_ratio(
    tmp_path: Path, ending: str
) -> None:
    text = "\n".join(str(n * n * 7919 % 10007) for n in range(900)).encode()
    with pytest.raises(SourceError, match="may expand to 4,000 bytes"):
        read_bytes(put(tmp_path / f"A.csv{ending}", COMPRESS[ending](text)), SMALL)


def test_a_plain_file_beyond_its_bound_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"may hold 5,000 bytes.*holds 6,000. Split"):
        read_bytes(put(tmp_path / "A.csv", b" " * 6_000), SMALL)


def test_parquet_of_more_values_than_memory_is_refused_by_its_footer(tmp_path: Path) -> None:
    path = tmp_path / "A.parquet"
    pl.DataFrame({"close": [1.0] * 5_000}).write_parquet(path)
    assert path.stat().st_size < SMALL.plain
    with pytest.raises(SourceError, match=r"5,000 rows of 1 columns, 40,0\d\d bytes\. Split"):
        read_rows(path, SMALL)


def test_all_parts_of_a_compressed_file_are_read_and_none_may_be_cut_off(tmp_path: Path) -> None:
    for ending, compress in COMPRESS.items():
        whole = compress(b"first\n") + compress(b"second\n")
        assert read_bytes(put(tmp_path / f"A.csv{ending}", whole)) == b"first\nsecond\n"
        for cut in (3, len(whole) // 2 + 4, len(whole) - 1):
            with pytest.raises(SourceError, match=rf"A\.csv{ending}: .*Fetch it again"):
                read_bytes(put(tmp_path / f"A.csv{ending}", whole[:cut]))


BOMB_RUN = """
import resource, sys
from pathlib import Path
from stocktrend.errors import SourceError
from stocktrend.sources.files import read_rows
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        read_rows(Path(path))
    except SourceError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_10_gigabytes_of_zeros_end_in_an_error_and_a_quarter_gigabyte(tmp_path: Path) -> None:
    zeros = bytes(2**28)
    bombs = []
    for ending, compress in COMPRESS.items():
        bombs.append(put(tmp_path / f"A.csv{ending}", compress(zeros) * 40))
    del zeros
    assert all(bomb.stat().st_size < 60 * 2**20 for bomb in bombs)
    done = subprocess.run(
        [sys.executable, "-c", BOMB_RUN, *map(str, bombs)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30)),
    )
    *errors, grown = done.stdout.splitlines()
    assert len(errors) == len(bombs)
    for error, bomb in zip(errors, bombs, strict=True):
        assert "200 times its size" in error
        assert str(bomb) in error
    assert int(grown) < 256 * 2**10


# --- odd content -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        '{"timestamp":"2014-01-02T10:00:00Z","text":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"timestamp":"no","text":' + "[" * 900 + "]" * 900 + "}",
        '{"timestamp":"no","text":' + "[" * 90 + "]" * 90 + "}",
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"timestamp":' + "9" * 1_000_000 + ',"text":"y"}',
        '{"timestamp":1e999999,"text":"y"}',
        '{"timestamp":"2014-01-02T10:00:00Z","text":"' + "x" * 1_000_001 + '"}',
    ],
    ids=[
        "deep list",
        "less deep list",
        "deep enough",
        "deep object",
        "a million digits",
        "1e999999",
        "long",
    ],
)
def test_a_monstrous_record_costs_one_record(tmp_path: Path, record: str) -> None:
    batch = news(put(tmp_path / "AAPL.jsonl", ITEM + record + "\n" + ITEM.replace('"x"', '"z"')))
    assert batch.records["text"].to_list() == ["x", "z"]
    assert batch.quarantine["row"].to_list() == [2]
    assert len(batch.quarantine["reason"][0]) <= 500


def test_half_a_character_costs_its_record(tmp_path: Path) -> None:
    half = ITEM.replace('"x"', '"\\ud83d"')
    batch = news(put(tmp_path / "AAPL.json", f"[{ITEM},{half}]"))
    assert batch.records["text"].to_list() == ["x"]
    assert batch.quarantine["reason"].to_list() == ["the record holds half a character"]


def test_numbers_beyond_any_price_cost_their_rows(tmp_path: Path) -> None:
    rows = [f"2016-06-28,{value},12,9,11,10.5,1000\n" for value in ("1e999999", "9" * 100_000)]
    long = f"2016-06-29,{'x' * 2_000_000},12,9,11,10.5,1000\n"
    batch = bars(put(tmp_path / "AAPL.csv", HEADER + BAR + "".join(rows) + long))
    assert batch.records.height == 1
    reasons = batch.quarantine["reason"].to_list()
    assert [reason.split(";")[0][:24] for reason in reasons[:2]] == ["a price or the volume is"] * 2
    assert reasons[2].startswith("Open is not a number: xxx")
    assert len(reasons[2]) <= 500


def test_an_error_about_columns_stays_short(tmp_path: Path) -> None:
    wide = ",".join(f"{'c' * 500}{n}" for n in range(5_000))
    with pytest.raises(SourceError, match="and 4960 more") as raised:
        bars(put(tmp_path / "AAPL.csv", f"{wide}\n"))
    assert len(str(raised.value)) < 6_000


def test_damaged_parquet_is_named_and_never_a_panic(tmp_path: Path) -> None:
    sound = io.BytesIO()
    days = ["2016-06-27", "2016-06-28"] * 500
    prices = {name: [1.0] * 1000 for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"date": days, **prices}).write_parquet(sound)
    refused = 0
    for place in range(4, len(sound.getvalue()), 23):
        content = bytearray(sound.getvalue())
        content[place] ^= 0xA5
        try:
            bars(put(tmp_path / "AAPL.parquet", bytes(content)))
        except SourceError as error:
            refused += "AAPL.parquet" in str(error)
    assert refused > 20


# --- tickers -----------------------------------------------------------------------------------


REAL = ["BRK.B", "BF-B", "^GSPC", "EURUSD=X", "RDS-A", "M&M.NS", "0700.HK", "ES=F", "NAN", "$SPX"]
HARMFUL = [
    "../../ETC/PASSWD",
    "/ETC/PASSWD",
    "A/B",
    "A\\B",
    "..",
    ".HIDDEN",
    "A\x00B",
    "A\x1b[31mB",
    "A\nB",
    "A B",
    "=CMD|' /C CALC'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "<SCRIPT>",
    "A" * 33,
    "\u0410APL",
]


def test_tickers_of_exchanges_are_kept_and_those_that_could_name_a_place_are_not(
    tmp_path: Path,
) -> None:
    frame = pl.DataFrame({"ticker": REAL + HARMFUL}).with_columns(
        date=pl.lit("2016-06-27"), **{n: pl.lit(9.0) for n in ("open", "high", "low", "close")}
    )
    frame.with_columns(volume=pl.lit(1.0)).write_parquet(tmp_path / "all.parquet")
    batch = bars(tmp_path / "all.parquet")
    assert batch.records["ticker"].to_list() == REAL
    assert batch.quarantine.height == len(HARMFUL)
    assert set(batch.quarantine["reason"]) == {
        "ticker is not of 1 to 32 letters, digits and signs of . - ^ = _ & + $, "
        "or begins with . - = & +"
    }


def test_news_of_such_tickers_goes_to_quarantine_too(tmp_path: Path) -> None:
    tickers = ["AAPL", "*", "../x", "*/../x", "=1+1"]
    lines = [{"ticker": t, "timestamp": "2014-01-02T10:00:00Z", "text": "x"} for t in tickers]
    path = put(tmp_path / "all.jsonl", "\n".join(map(json.dumps, lines)))
    batch = news(path)
    assert batch.records["ticker"].to_list() == ["AAPL", "*"]
    assert batch.quarantine["row"].to_list() == [3, 4, 5]


# --- places ------------------------------------------------------------------------------------


def test_a_link_that_leads_out_of_the_raw_folder_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root / "raw/prices/AAPL.csv", HEADER + BAR)
    secret = put(tmp_path / "secret.csv", HEADER + BAR)
    (root / "raw/prices/MSFT.csv").symlink_to(secret)
    with pytest.raises(SourceError, match=r"MSFT\.csv is a link to .*secret\.csv\. Copy the file"):
        plan(Settings(), root)
    named = Settings.model_validate({"sources": {"prices": [{"path": "raw/prices/*.csv"}]}})
    assert len(plan(named, root).feeds[0].files) == 2


def test_a_linked_folder_of_ones_own_is_no_harm(tmp_path: Path) -> None:
    put(tmp_path / "disk/AAPL.csv", HEADER + BAR)
    (tmp_path / "root/raw").mkdir(parents=True)
    (tmp_path / "root/raw/prices").symlink_to(tmp_path / "disk")
    assert [path.name for path in plan(Settings(), tmp_path / "root").feeds[0].files] == [
        "AAPL.csv"
    ]


@pytest.mark.parametrize("name", ["bars.zip", "bars.csv.zip", "bars.tar.gz", "bars.tgz"])
def test_an_archive_is_not_opened_and_the_user_told_to_unpack_it(tmp_path: Path, name: str) -> None:
    put(tmp_path / "raw/prices" / name, b"PK\x03\x04")
    with pytest.raises(SourceError, match=rf"{name}.*Unpack archives"):
        plan(Settings(), tmp_path)
    put(tmp_path / "raw/prices/AAPL.csv", HEADER + BAR)
    assert any("Unpack archives" in warning for warning in plan(Settings(), tmp_path).warnings)
    with pytest.raises(SourceError, match=rf"{name}\. Unpack it, and remove"):
        read_rows(tmp_path / "raw/prices" / name)
