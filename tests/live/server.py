"""A local server that replays answers of live services, conditional ones and faults among them."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came: ``target`` is path and query as they were sent.

    ``status`` is that of the answer, None where none has begun.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str = ""
    status: int | None = None

    @property
    def conditional(self) -> bool:
        """Whether it names the version that the client already has."""
        return "If-None-Match" in self.headers or "If-Modified-Since" in self.headers


@dataclass(frozen=True)
class Reply:
    """An answer; ``etag`` and ``modified`` are its validators, an empty ``etag`` is no validator.

    Without ``etag`` it is that of the body. ``modified`` is as in the header ``Last-Modified``.
    """

    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    modified: str | None = None

    @property
    def validators(self) -> dict[str, str]:
        """Headers by which a client can ask whether it changed."""
        if self.status != HTTPStatus.OK:
            return {}
        etag = f'"{hashlib.sha256(self.body).hexdigest()[:16]}"' if self.etag is None else self.etag
        given = {"ETag": etag, "Last-Modified": self.modified}
        return {name: value for name, value in given.items() if value}

    def unchanged(self, asked: Asked) -> bool:
        """Whether the client has it already, by RFC 9110: an ETag decides, where both name one."""
        validators = self.validators
        known = asked.headers.get("If-None-Match")
        if known is not None and "ETag" in validators:
            return known.removeprefix("W/") == validators["ETag"].removeprefix("W/")
        since = asked.headers.get("If-Modified-Since")
        return since is not None and since == validators.get("Last-Modified")


class Connection:
    """What a fault can do with a request: change the answer, or write bytes of its own."""

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        asked: Asked,
        stop: threading.Event,
        note: Callable[[int], None],
    ) -> None:
        self.handler = handler
        self.asked = asked
        self.stop = stop
        """Set when the server ends, so that no fault outlives it."""
        self._note = note

    def send(self, reply: Reply) -> None:
        """Answer, with 304 and no body where the client has it already."""
        if reply.unchanged(self.asked):
            self.begin(HTTPStatus.NOT_MODIFIED, reply.validators)
            return
        headers = {"Content-Type": reply.kind, **reply.validators}
        length = {"Content-Length": str(len(reply.body))}
        self.begin(reply.status, {**length, **headers, **reply.headers}, reply.body)

    def begin(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Status, headers and what there is of the body, in one piece."""
        self._note(int(status))
        lines = [f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}"]
        given = {"Date": self.handler.date_time_string(), **headers}
        lines += [f"{name}: {value}" for name, value in given.items()]
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def write(self, piece: bytes) -> None:
        """Raise OSError where the client has left."""
        self.handler.wfile.write(piece)
        self.handler.wfile.flush()

    def close(self) -> None:
        """End the connection after this request."""
        self.handler.close_connection = True


Script = Callable[[Asked], Reply]
Fault = Callable[[Connection, Reply], None]


class Server:
    """Listens on a port of 127.0.0.1 while it is entered.

    >>> with Server() as server:
    ...     server.answer("/daily", b"[1]")
    ...     server.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self) -> None:
        self._routes: dict[str, Script] = {}
        self._faults: list[tuple[Fault, int, str]] = []
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._listening = _listen(self)

    @property
    def base_url(self) -> str:
        """Of the host, without a slash at its end."""
        return f"http://127.0.0.1:{self._listening.server_address[1]}"

    @property
    def asked(self) -> list[Asked]:
        """All requests so far, in the order in which they came."""
        with self._lock:
            return list(self._asked)

    def forget(self) -> None:
        """Begin the list of requests anew."""
        with self._lock:
            self._asked = []

    def answer(self, path: str, body: bytes | str, kind: str = "application/json") -> None:
        """The same answer to every request of a path, whatever its query."""
        reply = Reply(body.encode() if isinstance(body, str) else body, kind)
        self.script(path, lambda _: reply)

    def script(self, path: str, reply: Script) -> None:
        """Answers of a path by what was asked; a path that ends in ``*`` is a beginning."""
        with self._lock:
            self._routes[path] = reply

    def fail(self, fault: Fault, times: int = 1, path: str = "") -> None:
        """The next requests whose path begins so get a fault in place of the answer."""
        with self._lock:
            self._faults.append((fault, times, path))

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request and write it down."""
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(parts.path, query, dict(handler.headers.items()), handler.path)
        with self._lock:
            route = self._routes.get(asked.path) or self._beginning(asked.path)
            fault = self._next_fault(asked.path)
            place, all_asked = len(self._asked), self._asked
            all_asked.append(asked)

        def note(status: int) -> None:
            with self._lock:
                all_asked[place] = replace(asked, status=status)

        reply = route(asked) if route else Reply(b"nothing here", "text/plain", 404)
        with suppress(OSError):  # the client may leave whenever it likes
            connection = Connection(handler, asked, self._stop, note)
            (fault or Connection.send)(connection, reply)

    def _beginning(self, path: str) -> Script | None:
        fitting = [r for r in self._routes if r.endswith("*") and path.startswith(r[:-1])]
        return self._routes[max(fitting, key=len)] if fitting else None

    def _next_fault(self, path: str) -> Fault | None:
        for place, (fault, times, beginning) in enumerate(self._faults):
            if path.startswith(beginning):
                self._faults[place] = (fault, times - 1, beginning)
                if times <= 1:
                    del self._faults[place]
                return fault
        return None

    def __enter__(self) -> Self:
        threading.Thread(target=self._listening.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._listening.shutdown()
        self._listening.server_close()


def _listen(server: Server) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            server.handle(self)

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is in ``asked``."""

    class Listening(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """Nothing: that a client leaves is part of what is tested."""

    return Listening(("127.0.0.1", 0), Handler)
