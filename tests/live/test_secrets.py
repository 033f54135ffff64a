"""No key, and no secret of an address, in any file, output, log or error of any command."""

import base64
import io
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
import texts
import values
import yaml
from faults import status
from server import Asked, Reply, Server
from updated import KEY, Updated

from stocktrend.cli.program import execute

TIINGO, FINNHUB = "MARKED-tiingo-0123456789", "MARKED-finnhub-0123456789"
PASSWORD, TOKEN = "MARKED-password", "MARKED-token"
PLAIN = b"MARKED"
MARKS = (
    PLAIN,
    quote(KEY, safe="").encode(),
    base64.b64encode(f"me:{PASSWORD}".encode()).rstrip(b"="),
)


def echo(asked: Asked) -> Reply:
    """A refusal that repeats all that was sent."""
    return Reply(f"bad key: {asked.query} {asked.headers}".encode(), "text/plain", 401)


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """All that any library logs, the least important too."""
    stream, logger = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.fixture
def secret(root: Path, updated: Updated, server: Server) -> Path:
    """A data root that knows four secrets, with services that answer, fail and repeat them."""
    for path, script in {**values.answers()["tiingo"], **texts.answers()["rss"]}.items():
        server.script(path, script)
    server.script("/api/v1/company-news", echo)
    file = root / "stocktrend.yaml"
    settings = yaml.safe_load(file.read_text())
    at = {"base_url": server.base_url, "per_minute": 60_000}
    address = server.base_url.replace("//", f"//me:{PASSWORD}@") + f"/rss/acme.xml?token={TOKEN}"
    sources = settings["sources"]
    sources["prices"] = [*sources["prices"], {"kind": "tiingo", **at, "tickers": ["ACME"]}]
    sources["news"] = [
        *sources["news"],
        {"kind": "rss", "base_url": address, "ticker": "ACME"},
        {"kind": "finnhub", **at, "tickers": ["ACME"]},
    ]
    file.write_text(yaml.safe_dump(settings))
    keys = root / "keys.yaml"
    keys.write_text(f'tiingo: "{TIINGO}"\nfinnhub: "{FINNHUB}"\n')
    keys.chmod(0o600)
    return root


def everything(root: Path) -> Iterator[tuple[str, bytes]]:
    """Each file but those that the user wrote, unpacked where it is compressed."""
    for file in sorted(root.rglob("*")):
        if file.is_dir() or (file.parent == root and file.name in ("keys.yaml", "stocktrend.yaml")):
            continue
        content = file.read_bytes()
        yield file.relative_to(root).as_posix(), content
        if file.suffix == ".parquet":
            yield f"{file.name}, read", pl.read_parquet(file).write_json().encode()


def test_no_key_leaves_a_mark_in_any_file_output_log_or_error(
    secret: Path,
    updated: Updated,
    server: Server,
    logs: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ("--data-root", str(secret))
    assert execute(["update", *given, "--json"]) == 1
    updated.server.fail(status(500), times=2)
    assert execute(["update", *given]) == 1
    for command in ("sources", "config", "check", "report"):
        for form in ([], ["--json"]):
            assert execute([command, *given, *form]) in (0, 3)
    assert execute(["ingest", *given, "--source", "finnhub"]) == 2
    assert execute(["run", *given, "--json"]) == 0
    sent = [str((asked.query, asked.headers)) for asked in [*server.asked, *updated.server.asked]]
    basic = MARKS[2].decode()
    for secret_word in (TIINGO, FINNHUB, TOKEN, basic, KEY):
        assert any(secret_word in words for words in sent), f"{secret_word} was not sent"
    said = capsys.readouterr()
    found = [("stdout", said.out), ("stderr", said.err), ("logs", logs.getvalue())]
    held = [*everything(secret), *((name, text.encode()) for name, text in found)]
    assert [(name, mark) for name, content in held for mark in MARKS if mark in content] == []
    assert len(held) > 50
    assert "***" in said.out
    assert len(logs.getvalue()) > 1000


def test_what_was_looked_through_would_have_shown_a_mark(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    pl.DataFrame({"text": [f"a {PASSWORD} here"] * 999}).write_parquet(tmp_path / "live/a.parquet")
    packed = zlib.compress(b"nothing")
    (tmp_path / "live" / "cache").write_bytes(packed + PLAIN)
    found = {name for name, content in everything(tmp_path) if PLAIN in content}
    assert {"a.parquet, read", "live/cache"} <= found
