"""The client: what it sends, keeps, follows and gives up, against a server that is real."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import faults
import hypothesis
import pytest
from faults import Fault
from hypothesis import strategies as st
from server import Asked, Reply, Server

from stocktrend.errors import SourceError
from stocktrend.live.answers import json_of
from stocktrend.live.client import Client
from stocktrend.live.feed import Feed
from stocktrend.live.http import Answer, UnreachableError
from stocktrend.live.keys import WAYS, Key
from stocktrend.live.pace import Pace
from stocktrend.live.wire import Limits
from stocktrend.service_settings import NewsFeed

QUICK = Limits(attempts=3, size=2**20, pause=0.001, longest_pause=0.002)
IMPATIENT = replace(QUICK, read=0.3, whole=0.6)
MARK = "MARKED0123456789KEY"


@contextlib.contextmanager
def client(
    server: Server,
    cache: Path | None = None,
    key: Key | None = None,
    limits: Limits = QUICK,
    base_url: str | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> Iterator[Client]:
    asking = Client(
        name="tiingo",
        base_url=base_url or server.base_url,
        pace=Pace(1e9),
        cache=cache,
        key=key,
        limits=limits,
        notify=notify,
    )
    try:
        yield asking
    finally:
        asking.close()


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


def everything_in(folder: Path) -> str:
    return "".join(p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file())


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


def read(answer: Answer) -> object:
    return json_of(answer, "tiingo")


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


def test_a_redirect_within_the_host_is_followed_with_the_key(server: Server) -> None:
    server.answer("/new", "[1]")
    # Many a server repeats the query that it was sent.
    there = {"Location": f"/new?api_key={MARK}&x=1"}
    server.script("/old", lambda _: Reply(b"", status=301, headers=there))
    with client(server, key=Key(MARK, WAYS["fred"])) as asking:
        assert asking.get("/old").body == b"[1]"
    assert [a.target for a in server.asked] == [f"/old?api_key={MARK}", f"/new?x=1&api_key={MARK}"]


def test_another_host_never_sees_the_request(server: Server) -> None:
    with Server() as other:
        other.answer("/a", "[1]")
        server.answer("/a", "[1]")
        server.fail(faults.redirect(f"{other.base_url}/a"))
        with client(server) as asking, pytest.raises(SourceError, match="another host"):
            asking.get("/a")
        assert other.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_name_of_the_same_machine_is_another_host(server: Server, scheme: str) -> None:
    elsewhere = server.base_url.replace("127.0.0.1", "localhost").replace("http:", f"{scheme}:")
    server.answer("/a", "[1]")
    server.fail(faults.redirect(f"{elsewhere}/a"))
    with client(server) as asking, pytest.raises(SourceError, match="another host, 'localhost'"):
        asking.get("/a")
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", WAYS)
def test_a_key_is_sent_and_told_nowhere(
    server: Server, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)

    def echo(asked: Asked) -> Reply:
        said = f"{asked.query} {asked.headers}"
        status = 403 if "no" in asked.query else 200
        return Reply(said.encode(), status=status, headers={"X-Echo": said})

    server.script("/a", echo)
    server.script("/r", lambda _: Reply(b"", status=302, headers={"Location": f"/a?t={MARK}"}))
    with client(server, tmp_path, key=Key(MARK, WAYS[kind])) as asking:
        answer = asking.get("/a")
        asking.get("/r")
        with pytest.raises(SourceError, match=WAYS[kind].variable) as error:
            asking.get("/a", {"no": "1"})
        shown = repr(vars(asking)) + str(error.getrepr(showlocals=True, style="long"))
    sent = server.asked[0]
    assert MARK in str(sent.query) + str(sent.headers)
    for place in (answer.body.decode(), shown, caplog.text, everything_in(tmp_path)):
        assert MARK not in place
    assert "***" in answer.body.decode()
    assert "httpcore2" in caplog.text


NOT_REGISTERED = (
    '{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not '
    'registered.  Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."}'
)
NO_SERIES = '{"error_code":400,"error_message":"Bad Request.  The series does not exist."}'


@pytest.mark.parametrize(
    ("kind", "status", "said", "remedy"),
    [
        ("fred", 400, NOT_REGISTERED, "Check the key in my keys.yaml, and"),
        ("tiingo", 401, '{"detail": "Invalid token."}', "Check the key in my keys.yaml, and"),
        ("fred", 400, NO_SERIES, "Check what is asked for"),
        ("tiingo", 400, '{"detail": "no such format"}', "Check what is asked for"),
    ],
)
def test_a_key_that_is_refused_is_to_be_checked_where_it_was_found(
    server: Server, kind: str, status: int, said: str, remedy: str
) -> None:
    server.script("/a", lambda _: Reply(said.encode(), status=status))
    key = Key(MARK, WAYS[kind], "my keys.yaml")
    with client(server, key=key) as asking, pytest.raises(SourceError) as error:
        asking.get("/a")
    assert remedy in str(error.value)


SECRETS = {
    "a token in the query": ("?feed=Microsoft&token=abcdef0123456789", "abcdef0123456789"),
    "a short token": ("?feed=Microsoft&token=tok-4711", "tok-4711"),
    "a short password": ("me:hunter2@", "hunter2"),
}


@pytest.mark.parametrize(("part", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_of_an_address_that_the_service_repeats_is_told_nowhere(
    server: Server, part: str, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    server.answer("/a", f"Microsoft rises; who asks with {secret}?", "text/plain")
    server.script("/no", lambda _: Reply(f"who is {secret}?".encode(), status=403))
    there = {"Location": f"/no?who={secret}"}
    server.script("/r", lambda _: Reply(b"", status=302, headers=there))
    at = server.base_url.replace("//", f"//{part}") if "@" in part else server.base_url + part
    with client(server, base_url=at) as asking:
        assert asking.get("/a").body.startswith(b"Microsoft rises")
        told = []
        for path, check in (("/a", read), ("/no", None), ("/r", None)):
            with pytest.raises(SourceError, match="must answer") as error:
                asking.get(path, check=check)
            told.append(str(error.getrepr(style="long", chain=True)))
    assert secret not in "".join(told) + caplog.text


def test_a_token_of_an_address_is_in_no_record_and_what_it_asks_for_is(server: Server) -> None:
    token = "abcdef0123456789"
    server.answer("/a", f"https://x.example/Microsoft?token={token}", "text/plain")
    with client(server, base_url=f"{server.base_url}?q=Microsoft&token={token}") as asking:
        assert asking.get("/a").body == b"https://x.example/Microsoft?token=***"


def test_the_settings_show_no_secret_of_an_address() -> None:
    setting = NewsFeed(base_url="https://me:hunter2@x.example/?token=abc", ticker="AAPL")
    for shown in (repr(setting), str(setting), repr(Feed(setting, "XNYS"))):
        assert "base_url='https://***@x.example/?***'" in shown
        assert "hunter2" not in shown


def test_requests_keep_the_pace_that_they_share_through_attempts_and_redirects(
    server: Server,
) -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 9))
        now[0] += seconds

    pace = Pace(120, clock=lambda: now[0], sleep=sleep)
    server.answer("/a", "[1]")
    server.script("/old", lambda _: Reply(b"", status=301, headers={"Location": "/a"}))
    server.fail(faults.status(500), path="/a")
    both = [
        Client(name=name, base_url=server.base_url, pace=pace, limits=QUICK) for name in ("x", "y")
    ]
    both[0].get("/a")
    both[1].get("/old")
    now[0] += 60
    both[1].get("/a")
    for asking in both:
        asking.close()
    assert slept == [0.5, 0.5, 0.5]


def test_a_service_that_asks_for_a_pause_gets_it(server: Server) -> None:
    server.answer("/a", "[1]")
    server.fail(faults.status(429, retry_after="1"))
    started = time.monotonic()
    with client(server) as asking:
        asking.get("/a")
    assert 1 <= time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("told", "date", "wait"),
    [
        ("17", None, 17),
        ("Tue, 02 Jan 2024 10:00:30 GMT", "Tue, 02 Jan 2024 10:00:00 GMT", 30),
        ("Tue, 02 Jan 2024 09:00:00 GMT", "Tue, 02 Jan 2024 10:00:00 GMT", 0),
        ("Tue, 02 Jan 2024 09:00:00 GMT", None, None),
        ("Tue, 02 Jan 2024 09:00:00 GMT", "noon", None),
        ("soon", "Tue, 02 Jan 2024 10:00:00 GMT", None),
        ("²", None, None),
        ("-5", None, None),
    ],
)
def test_a_pause_is_read_by_the_clock_of_the_service(
    told: str, date: str | None, wait: float | None
) -> None:
    from stocktrend.live.wire import Came

    headers = {"retry-after": told} | ({"date": date} if date else {})
    assert Came(429, headers, b"").retry_after == wait


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
