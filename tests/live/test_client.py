"""The client: what it sends, keeps, follows and gives up, against a server that is real."""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import faults
import hypothesis
import pytest
from clients import IMPATIENT, QUICK, client, everything_in, read
from faults import Fault
from hypothesis import strategies as st
from server import Reply, Server

from stocktrend.errors import SourceError
from stocktrend.live.client import Client
from stocktrend.live.http import Answer, UnreachableError
from stocktrend.live.pace import Pace

MARK = "MARKED0123456789KEY"


def test_an_answer_has_its_body_kind_and_charset(server: Server) -> None:
    server.answer("/v1/daily", "[1]", "Application/JSON; charset=UTF-8")
    with client(server, base_url=f"{server.base_url}/v1/") as asking:
        answer = asking.get("daily", {"from": "2020-01-01", "q": "A&B é"})
    assert answer == Answer(b"[1]", "application/json", "UTF-8")
    assert [(a.path, dict(a.query)) for a in server.asked] == [
        ("/v1/daily", {"from": "2020-01-01", "q": "A&B é"})
    ]


def test_a_base_url_with_a_query_is_asked_itself_and_told_without_it(
    server: Server, tmp_path: Path
) -> None:
    server.answer("/rss", "<rss/>")
    address = f"{server.base_url}/rss?token=WHISPERED&s=A&s=B".replace("//", "//me:PASSED@")
    with client(server, tmp_path, base_url=address) as asking:
        asking.get("")
        server.fail(faults.status(404))
        with pytest.raises(SourceError, match="/rss, however") as error:
            asking.get("")
    assert server.asked[0].query == {"token": "WHISPERED", "s": "B"}
    assert server.asked[0].headers["Authorization"] == "Basic bWU6UEFTU0VE"
    assert "WHISPERED" not in str(error.value) + everything_in(tmp_path)
    assert "PASSED" not in str(error.value) + everything_in(tmp_path)


@pytest.mark.parametrize("cache_control", [None, "max-age=86400", "no-store", "private, no-cache"])
def test_what_has_an_etag_is_always_asked_again_and_on_condition(
    server: Server, tmp_path: Path, cache_control: str | None
) -> None:
    headers = {"Cache-Control": cache_control} if cache_control else {}
    bodies = [b"[1]", b"[1]", b"[2]", b"[2]", b"[2]"]
    left = iter(bodies)
    server.script("/a", lambda _: Reply(next(left), headers=headers))
    got = []
    for _ in bodies:
        with client(server, tmp_path) as asking:
            got.append(asking.get("/a").body)
    assert got == bodies
    assert [a.status for a in server.asked] == [200, 304, 200, 304, 304]
    assert [a.conditional for a in server.asked] == [False, True, True, True, True]


def test_what_has_a_last_modified_is_asked_for_by_it(server: Server, tmp_path: Path) -> None:
    day = "Tue, 02 Jan 2024 10:00:00 GMT"
    server.script("/a", lambda _: Reply(b"a,b\n1,2", "text/csv", etag="", modified=day))
    with client(server, tmp_path) as asking:
        assert asking.get("/a") == asking.get("/a") == Answer(b"a,b\n1,2", "text/csv")
    assert [a.status for a in server.asked] == [200, 304]
    assert server.asked[1].headers["If-Modified-Since"] == day


def test_queries_are_kept_apart_and_what_has_no_validator_is_not_kept(
    server: Server, tmp_path: Path
) -> None:
    server.script("/a", lambda asked: Reply(asked.query["s"].encode()))
    server.script("/b", lambda _: Reply(b"FLEETING", etag=""))
    with client(server, tmp_path) as asking:
        for symbol in ("A", "B", "A", "B"):
            assert asking.get("/a", {"s": symbol}).body == symbol.encode()
        assert asking.get("/b") == asking.get("/b")
    assert [a.status for a in server.asked] == [200, 200, 304, 304, 200, 200]
    assert "FLEETING" not in everything_in(tmp_path)


def test_no_error_and_nothing_that_breaks_the_check_is_ever_kept(
    server: Server, tmp_path: Path
) -> None:
    server.script("/a", lambda _: Reply(b'[1, "whole"]', etag='"good"'))
    broken = faults.body(faults.truncated)

    def cut_but_named_whole(connection: faults.Connection, reply: Reply) -> None:
        connection.send(Reply(reply.body[:5], etag='"better"'))

    server.fail(faults.status(503, etag='"down"'), times=1)
    server.fail(broken, times=1)
    with client(server, tmp_path) as asking:
        assert asking.get("/a", check=read).body == b'[1, "whole"]'
        server.forget()
        server.script("/a", lambda _: Reply(b'[1, "whole"]', etag='"better"'))
        server.fail(cut_but_named_whole)
        assert asking.get("/a", check=read).body == b'[1, "whole"]'
    with client(server, tmp_path) as asking:
        assert asking.get("/a", check=read).body == b'[1, "whole"]'
    assert [a.status for a in server.asked] == [200, 200, 304]
    assert "busy" not in everything_in(tmp_path)


def test_an_answer_on_disk_that_no_longer_passes_the_check_is_asked_for_anew(
    server: Server, tmp_path: Path
) -> None:
    server.answer("/a", "not json")
    with client(server, tmp_path) as asking:
        asking.get("/a")
        with pytest.raises(SourceError, match="tiingo must answer with JSON"):
            asking.get("/a", check=read)
    assert [a.status for a in server.asked] == [200, 304, 200]
    assert [a.conditional for a in server.asked] == [False, True, False]


PASSING = {
    "429": faults.status(429, retry_after="0"),
    "408": faults.status(408),
    "500": faults.status(500),
    "503 until a date": faults.status(
        503, date="Tue, 02 Jan 2024 10:00:00 GMT", retry_after="Tue, 02 Jan 2024 10:00:00 GMT"
    ),
    "reset": faults.reset,
    "reset in the body": faults.reset_in_body,
    "cut off": faults.cut_off,
    "silent": faults.silent,
    "slow": faults.slow,
    "broken gzip": faults.broken_gzip,
    "no http": faults.no_http,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_leaves_no_trace_in_the_answer(
    server: Server, tmp_path: Path, fault: Fault
) -> None:
    server.answer("/a", b"[" + b"1," * 100 + b"1]")
    server.fail(fault, times=2)
    limits = IMPATIENT if fault in (faults.silent, faults.slow) else QUICK
    with client(server, tmp_path, limits=replace(limits, attempts=5)) as asking:
        assert asking.get("/a").body == b"[" + b"1," * 100 + b"1]"
    assert len(server.asked) >= 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_stays_is_an_error_after_all_attempts(server: Server, fault: Fault) -> None:
    server.answer("/a", b"[" + b"1," * 100 + b"1]")
    server.fail(fault, times=99)
    started = time.monotonic()
    with client(server, limits=IMPATIENT) as asking, pytest.raises(SourceError) as error:
        asking.get("/a")
    assert len(server.asked) == 3
    assert time.monotonic() - started < 5
    assert str(error.value).startswith(f"tiingo must answer at {server.base_url}/a, however ")


HOPELESS = {
    "404": (faults.status(404), "404 (busy)"),
    "403": (faults.status(403), "403"),
    "a wait of an hour": (faults.status(429, retry_after="3600"), "alone for 3600 s"),
    "a wait without end": (faults.status(503, retry_after="9" * 400), "alone for inf s"),
    "endless": (faults.endless, "more than 1 MiB"),
    "gzip bomb": (faults.gzip_bomb(1), "more than 1 MiB"),
    "redirect elsewhere": (faults.redirect("http://localhost:1/a"), "another host, 'localhost'"),
    "redirect without end": (faults.redirect("/a"), "circles"),
    "204": (faults.status(204), "204"),
}


@pytest.mark.parametrize(("fault", "found"), HOPELESS.values(), ids=HOPELESS)
def test_what_no_attempt_can_mend_is_an_error_at_once(
    server: Server, fault: Fault, found: str
) -> None:
    server.answer("/a", "[1]")
    server.fail(fault, times=6)
    with client(server) as asking, pytest.raises(SourceError) as error:
        asking.get("/a")
    assert found in str(error.value)
    assert len(server.asked) in ((5,) if "circles" in found else (0, 1))


def test_headers_without_end_are_an_error(server: Server) -> None:
    server.answer("/a", "[1]")
    server.fail(faults.endless_headers, times=3)
    with client(server) as asking, pytest.raises(SourceError, match="tiingo must answer"):
        asking.get("/a")


def test_a_byte_of_the_header_now_and_then_does_not_pass_the_limit_of_time(server: Server) -> None:
    server.answer("/a", "[1]")

    def drip(connection: faults.Connection, reply: Reply) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not connection.stop.wait(0.05):
            connection.write(b"x")

    server.fail(drip, times=9)
    started = time.monotonic()
    twice = replace(IMPATIENT, attempts=2)
    with (
        client(server, limits=twice) as asking,
        pytest.raises(SourceError, match=r"longer than 0\.6 s"),
    ):
        asking.get("/a")
    assert 1.2 < time.monotonic() - started < 5


def test_a_body_whose_length_nobody_told_is_not_whole_when_time_is_up(server: Server) -> None:
    server.answer("/a", "[1, 2, 3]")

    def hold_back(connection: faults.Connection, reply: Reply) -> None:
        connection.begin(200, {"Connection": "close"}, reply.body[:4])
        connection.stop.wait(5)
        connection.close()

    server.fail(hold_back)
    with client(server, limits=replace(IMPATIENT, read=9)) as asking:
        assert asking.get("/a").body == b"[1, 2, 3]"


def test_nobody_listening_is_an_error(server: Server) -> None:
    with (
        client(server, base_url="http://127.0.0.1:9") as asking,
        pytest.raises(UnreachableError, match=r"ConnectError.* Check your connection"),
    ):
        asking.get("/a")


def test_that_a_service_is_asked_again_is_told_once(server: Server) -> None:
    server.answer("/a", "[1]")
    told: list[str] = []
    with client(server, notify=told.append) as asking:
        asking.get("/a")
        server.fail(faults.status(404))
        with pytest.raises(SourceError):
            asking.get("/a")
        assert told == []
        for _ in range(2):
            server.fail(faults.status(503), times=2)
            asking.get("/a")
    (line,) = told
    assert line.startswith("tiingo does not answer as it should: it is asked again, up to 2 times")


@pytest.mark.parametrize("address", ["", "stooq.com", "ftp://x.org", "http://", "h", "http://a:b/"])
def test_a_base_url_that_is_none_is_refused_before_anything_is_asked(
    server: Server, address: str
) -> None:
    with pytest.raises(SourceError, match="base_url of tiingo must be an address"):
        Client(name="tiingo", base_url=address, pace=Pace(60))


def test_a_name_that_no_file_can_have_keeps_nothing(server: Server, tmp_path: Path) -> None:
    server.answer("/a", "[1]")
    asking = Client(
        name="n" * 300, base_url=server.base_url, pace=Pace(1e9), cache=tmp_path, limits=QUICK
    )
    assert asking.get("/a") == asking.get("/a")
    asking.close()
    assert [a.conditional for a in server.asked] == [False, False]


def test_a_path_that_no_address_can_hold_is_an_error(server: Server) -> None:
    with client(server) as asking, pytest.raises(SourceError, match=r"however ./a.x00"):
        asking.get("/a\x00")


HEADS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: ",
    b"HTTP/1.1 429 Slow\r\nRetry-After: ",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"",
]


def test_whatever_bytes_come_the_error_is_our_own(server: Server) -> None:
    server.answer("/a", "[1]")

    @hypothesis.given(st.sampled_from(HEADS), st.binary(max_size=60), st.sampled_from(ENDS))
    @hypothesis.example(HEADS[2], b"http://[::1", b"\r\n\r\n")
    @hypothesis.example(HEADS[2], b"//:99999/\xff", b"\r\n\r\n")
    @hypothesis.example(HEADS[5], b"Mon, 99 Foo 2024 99:99:99 GMT", b"\r\n\r\n")
    def any_bytes(head: bytes, middle: bytes, end: bytes) -> None:
        def say(connection: faults.Connection, reply: Reply) -> None:
            connection.write(head + middle + end)
            connection.close()

        server.heal()
        server.fail(say)
        with contextlib.suppress(SourceError):
            assert isinstance(asking.get("/a"), Answer)

    with client(server, limits=replace(QUICK, attempts=2, retry_after=0)) as asking:
        any_bytes()


ENDS = [b"", b"\r\n\r\n", b"\r\n\r\n[1]", b"\r\nContent-Length: 3\r\n\r\n[1]"]


Damage = Callable[[Path], object]


DAMAGES: dict[str, Damage] = {
    "garbage": lambda file: file.write_bytes(b"no database" * 999),
    "nothing in it": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "page": lambda file: file.write_bytes(
        file.read_bytes()[:4096] + b"\xff" * 8192 + file.read_bytes()[12288:]
    ),
    "another library's": lambda file: recreated(file, "CREATE TABLE entries (id TEXT)"),
    "a bit of the body": lambda file: altered(file),
    "a folder in its place": lambda file: (file.unlink(), file.mkdir()),
}


def recreated(file: Path, sql: str) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute(sql)
    connection.close()


def altered(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        changed = connection.execute("UPDATE streams SET chunk_data = ?", (b"[7]",)).rowcount
    connection.close()
    assert changed == 2


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_breaks_nothing_and_gives_nothing(
    server: Server, tmp_path: Path, damage: Damage
) -> None:
    server.script("/*", lambda asked: Reply(f'["{asked.path}"]'.encode()))
    with client(server, tmp_path) as asking:
        asking.get("/a"), asking.get("/b")
    (file,) = tmp_path.glob("*.db")
    damage(file)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    server.forget()
    for _ in range(2):
        with client(server, tmp_path) as asking:
            assert asking.get("/a").body == b'["/a"]'
            assert asking.get("/b").body == b'["/b"]'
    again = [200, 200] if file.is_dir() else [304, 304]
    assert [a.status for a in server.asked] == [200, 200, *again]
