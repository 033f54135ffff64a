"""Faults of a server, each in place of one answer or of its body."""

import gzip
import json
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from server import Connection, Fault, Reply

HTML: Final = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body></body></html>"
BOMB: Final = b"""<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">
<!ENTITY i "&h;&h;&h;&h;&h;&h;&h;&h;&h;&h;">]>
<rss version="2.0"><channel><title>&i;</title><item><title>&i;</title></item></channel></rss>"""


def status(code: int, **headers: str) -> Fault:
    """An error answer; ``retry_after="1"`` is the header Retry-After."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}

    def fault(connection: Connection, reply: Reply) -> None:
        connection.send(Reply(b"busy", "text/plain", code, named))

    return fault


def reset(connection: Connection, reply: Reply) -> None:
    """The connection is reset before a byte of the answer."""
    _reset(connection)


def reset_in_body(connection: Connection, reply: Reply) -> None:
    """The connection is reset after half of the body."""
    length = {"Content-Length": str(len(reply.body)), "Content-Type": reply.kind}
    connection.begin(200, length, reply.body[: len(reply.body) // 2])
    _reset(connection)


def _reset(connection: Connection) -> None:
    request = connection.handler.request
    request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    request.close()


def silent(connection: Connection, reply: Reply) -> None:
    """No answer, and the connection stays open."""
    connection.stop.wait(30)
    connection.close()


def slow(connection: Connection, reply: Reply) -> None:
    """A byte at a time, for two seconds and more, so that no single wait is long."""
    connection.begin(200, {"Content-Length": str(len(reply.body)), "Content-Type": reply.kind})
    for place in range(len(reply.body)):
        if connection.stop.wait(max(0.02, 2 / len(reply.body))):
            return
        connection.write(reply.body[place : place + 1])


def cut_off(connection: Connection, reply: Reply) -> None:
    """Half of the body, where the header promised all of it."""
    headers = {"Content-Length": str(len(reply.body)), "Content-Type": reply.kind}
    connection.begin(200, headers, reply.body[: len(reply.body) // 2])
    connection.close()


def endless(connection: Connection, reply: Reply) -> None:
    """A body that never ends, in pieces of 64 KiB."""
    connection.begin(200, {"Transfer-Encoding": "chunked", "Content-Type": reply.kind})
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    while not connection.stop.is_set():
        connection.write(piece)


def endless_headers(connection: Connection, reply: Reply) -> None:
    """Headers that never end."""
    connection.write(b"HTTP/1.1 200 OK\r\n")
    while not connection.stop.is_set():
        connection.write(b"X-More: " + b"x" * 4096 + b"\r\n")


def gzip_bomb(gibibytes: int = 4) -> Fault:
    """Some megabytes that decompress to gibibytes of blanks."""

    def fault(connection: Connection, reply: Reply) -> None:
        squeeze = zlib.compressobj(9, wbits=31)
        head = squeeze.compress(b" ") + squeeze.flush(zlib.Z_FULL_FLUSH)
        # After a full flush the coder knows nothing of what came before, so that one piece can
        # be repeated; the check sum at the end is wrong, but nobody should come so far.
        block = squeeze.compress(b" " * 2**20) + squeeze.flush(zlib.Z_FULL_FLUSH)
        body = head + block * (gibibytes * 1024)
        headers = {"Content-Encoding": "gzip", "Content-Type": reply.kind}
        connection.send(replace(reply, body=body, headers=headers))

    return fault


def broken_gzip(connection: Connection, reply: Reply) -> None:
    """What calls itself gzip and breaks in the middle."""
    body = bytearray(gzip.compress(reply.body * 50))
    body[len(body) // 2 :] = b"\xff" * (len(body) - len(body) // 2)
    connection.send(replace(reply, body=bytes(body), headers={"Content-Encoding": "gzip"}))


def redirect(address: str, code: int = 302) -> Fault:
    """To another address."""

    def fault(connection: Connection, reply: Reply) -> None:
        connection.send(Reply(b"", "text/html", code, {"Location": address}))

    return fault


def no_http(connection: Connection, reply: Reply) -> None:
    """Something that is no HTTP at all."""
    connection.write(b"220 mail.example.org ESMTP\r\n")
    connection.close()


def body(change: Callable[[bytes], bytes], kind: str | None = None) -> Fault:
    """The answer with another body, complete and with status 200."""

    def fault(connection: Connection, reply: Reply) -> None:
        changed = replace(reply, body=change(reply.body), etag="", kind=kind or reply.kind)
        connection.send(changed)

    return fault


def truncated(content: bytes) -> bytes:
    """Half of it, and not to the end of a line: a table that ends there cannot be told."""
    return content[: len(content) // 2].rstrip(b"\r\n")[:-1]


def utf_16(content: bytes) -> bytes:
    """In another encoding than it says."""
    return content.decode().encode("utf-16")


def first_again() -> Fault:
    """Each request after the first gets its answer again, as if all pages were the first."""
    first: list[Reply] = []

    def fault(connection: Connection, reply: Reply) -> None:
        first.append(reply)
        connection.send(first[0])

    return fault


def never_the_last(content: bytes) -> bytes:
    """A page of JSON that says that there are many more."""
    text = content.decode()
    if text[:1] != "{" or '"count"' not in text:
        return content
    found = json.loads(text)
    found["count"] = 10**9
    if "next_page_url" in found:
        found["next_page_url"] += "0"
    return json.dumps(found).encode()


def shuffled(content: bytes) -> bytes:
    """Each record twice and in reverse order, in JSON, CSV or a feed; other text as it was."""
    text = content.decode()
    if text[:1] in ("[", "{"):
        found = json.loads(text.replace("\\'", "'"))
        lists = found.values() if isinstance(found, dict) else [found]
        for records in lists:
            if isinstance(records, list):
                records[:] = [*reversed(records), *records]
        return json.dumps(found).encode()
    if "<item>" in text:
        head, *items = text.split("<item>")
        items[-1], _, tail = items[-1].partition("</channel>")
        return ("<item>".join([head, *reversed(items), *items]) + "</channel>" + tail).encode()
    if text.startswith("<"):
        return content
    head, *lines = text.splitlines(keepends=True)
    return "".join([head, *reversed(lines), *lines]).encode()


def flood(mebibytes: int) -> Fault:
    """What takes many times its size in memory: empty lists, empty tags, or lines of a table."""

    def fault(connection: Connection, reply: Reply) -> None:
        text, size = reply.body.decode(), mebibytes * 2**20
        if text.startswith("<"):
            flooded = "<rss>" + "<a/>" * (size // 4 - 3) + "</rss>"
        elif text[:1] in ("[", "{"):
            flooded = "[" + "[]," * (size // 3 - 1) + "[]]"
        else:
            head, line, *_ = text.splitlines(keepends=True)
            flooded = head + line * (size // len(line) - 9)
        connection.send(replace(reply, body=flooded.encode()))

    return fault


def skewed(offset: str) -> Fault:
    """The server's clock is off: its Date is ``offset``, whatever the time is."""

    def fault(connection: Connection, reply: Reply) -> None:
        connection.send(replace(reply, headers={**reply.headers, "Date": offset}))

    return fault
