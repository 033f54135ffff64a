"""What a client sends to whom: redirects, keys, passwords and tokens of an address."""

from pathlib import Path

import faults
import pytest
from clients import client, everything_in, read
from server import Asked, Reply, Server

from stocktrend.errors import SourceError
from stocktrend.live.feed import Feed
from stocktrend.live.keys import WAYS, Key
from stocktrend.service_settings import NewsFeed

MARK = "MARKED0123456789KEY"
NOT_REGISTERED = (
    '{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not '
    'registered.  Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."}'
)
NO_SERIES = '{"error_code":400,"error_message":"Bad Request.  The series does not exist."}'
SECRETS = {
    "a token in the query": ("?feed=Microsoft&token=abcdef0123456789", "abcdef0123456789"),
    "a short token": ("?feed=Microsoft&token=tok-4711", "tok-4711"),
    "a short password": ("me:hunter2@", "hunter2"),
}


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
