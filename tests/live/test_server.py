"""The local server does what the tests of live sources rely on, by a client that is not ours."""

import http.client
import threading
import urllib.error
import urllib.request
import zlib
from itertools import count
from urllib.parse import urlsplit

import faults
import pytest
from server import Asked, Reply, Server


def get(server: Server, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers, by the standard library."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.base_url + path, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read(), dict(answer.headers.items())
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers.items())


def test_a_path_has_one_answer_and_what_was_asked_is_known(server: Server) -> None:
    server.answer("/daily", "[1]")
    assert get(server, "/daily?symbol=A%20B&empty=")[:2] == (200, b"[1]")
    assert get(server, "/other")[0] == 404
    assert [(a.path, dict(a.query), a.status) for a in server.asked] == [
        ("/daily", {"symbol": "A B", "empty": ""}, 200),
        ("/other", {}, 404),
    ]
    server.forget()
    assert server.asked == []


def test_a_script_answers_by_the_query_and_the_longest_beginning_decides(server: Server) -> None:
    server.script("/*", lambda asked: Reply(b"any"))
    server.script("/pages/*", lambda asked: Reply(asked.query["page"].encode()))
    assert get(server, "/pages/a?page=7")[1] == b"7"
    assert get(server, "/page")[1] == b"any"


@pytest.mark.parametrize("times", [1, 3])
def test_who_has_the_answer_gets_304_by_etag(server: Server, times: int) -> None:
    server.answer("/a", "[1]")
    _, _, headers = get(server, "/a")
    for _ in range(times):
        assert get(server, "/a", If_None_Match=headers["ETag"])[:2] == (304, b"")
    server.answer("/a", "[2]")
    assert get(server, "/a", If_None_Match=headers["ETag"])[:2] == (200, b"[2]")
    assert [a.conditional for a in server.asked] == [False] + [True] * (times + 1)


def test_who_has_the_answer_gets_304_by_last_modified(server: Server) -> None:
    day = "Tue, 02 Jan 2024 10:00:00 GMT"
    server.script("/a", lambda _: Reply(b"[1]", etag="", modified=day))
    assert "ETag" not in get(server, "/a")[2]
    assert get(server, "/a", If_Modified_Since=day)[0] == 304
    assert get(server, "/a", If_Modified_Since="Mon, 01 Jan 2024 10:00:00 GMT")[0] == 200


def test_a_fault_comes_as_often_as_it_was_told_to_and_on_its_paths_only(server: Server) -> None:
    server.answer("/a", "[1]")
    server.answer("/b", "[2]")
    server.fail(faults.status(429, retry_after="2"), times=2, path="/a")
    assert get(server, "/b")[0] == 200
    status, _, headers = get(server, "/a")
    assert (status, headers["Retry-After"]) == (429, "2")
    assert get(server, "/a")[0] == 429
    assert get(server, "/a")[0] == 200


@pytest.mark.parametrize("fault", [faults.reset, faults.reset_in_body, faults.cut_off])
def test_a_broken_connection_breaks(server: Server, fault: faults.Fault) -> None:
    server.answer("/a", "[1, 2, 3]")
    server.fail(fault)
    with pytest.raises((OSError, http.client.HTTPException)):
        get(server, "/a")
    assert get(server, "/a")[1] == b"[1, 2, 3]"


def test_an_endless_body_is_still_coming_after_megabytes(server: Server) -> None:
    server.answer("/a", "[1]")
    server.fail(faults.endless)
    with urllib.request.urlopen(server.base_url + "/a", timeout=5) as answer:
        assert len(answer.read(2**22)) == 2**22


def test_a_gzip_bomb_is_small_and_unpacks_to_what_it_promises(server: Server) -> None:
    server.answer("/a", "[1]")
    server.fail(faults.gzip_bomb(gibibytes=1))
    _, body, headers = get(server, "/a")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 2**21
    unpack, size = zlib.decompressobj(wbits=31), 0
    while body and size < 2**26:
        size += len(unpack.decompress(body, 2**20))
        body = unpack.unconsumed_tail
    assert size == 2**26


def test_a_connection_is_kept_and_many_are_served_at_once(server: Server) -> None:
    arrived = threading.Barrier(4, timeout=5)

    def together(asked: Asked) -> Reply:
        arrived.wait()
        return Reply(b"[]")

    server.script("/a", together)
    threads = [threading.Thread(target=get, args=(server, "/a")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [a.status for a in server.asked] == [200] * 4
    numbers = count()
    server.script("/n", lambda _: Reply(str(next(numbers)).encode()))
    address = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    for number in range(3):
        connection.request("GET", "/n")
        assert connection.getresponse().read() == str(number).encode()
    connection.close()
