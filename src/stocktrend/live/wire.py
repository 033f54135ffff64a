"""One request and what comes of it, within limits of time and size."""

import logging
import socket
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from threading import Timer
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

from stocktrend._version import __version__
from stocktrend.errors import SourceError
from stocktrend.live.extra import extra
from stocktrend.live.keys import Hiding

with extra():
    import httpx2

PIECE: Final = 2**20
"""Bytes that are decompressed at a time."""


@dataclass(frozen=True)
class Limits:
    """What a request may take, and how often it is made.

    Attributes:
        attempts: In all, where faults may pass.
        refusals: Attempts where what came is complete and yet not what it should be.
        connect: Seconds until there is a connection.
        read: Seconds of silence.
        whole: Seconds from the request to the last byte, silent or not.
        size: Bytes of a body, decompressed. The longest page that is asked for, of FRED, has 10.
        retry_after: Seconds that a service may ask to be left alone before the next attempt.
        pause: Seconds before the second attempt; each next pause is twice as long, and each is
            longer by up to as much at random, so that many programs do not come back at once.
        longest_pause: Seconds at most.
    """

    attempts: int = 5
    refusals: int = 2
    connect: float = 10
    read: float = 20
    whole: float = 60
    size: int = 16 * 2**20
    retry_after: float = 300
    pause: float = 1
    longest_pause: float = 30


class Passing(Exception):  # noqa: N818 - it is a fault that may pass, and never leaves the client
    """A fault that another attempt may mend; ``wait`` seconds before it, if the service said so."""

    def __init__(self, error: SourceError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


@dataclass(frozen=True)
class Trouble:
    """Why a body is no answer."""

    found: str
    remedy: str
    passing: bool


@dataclass(frozen=True)
class Came:
    """What came of a request: a whole body, or the trouble with it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    trouble: Trouble | None = None

    @property
    def retry_after(self) -> float | None:
        """Seconds by ``Retry-After``, by the clock of the service itself; RFC 9110 10.2.3."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdecimal():
            return float(told)
        try:
            until = parsedate_to_datetime(told)
            return max(0.0, (until - parsedate_to_datetime(self.headers["date"])).total_seconds())
        except (KeyError, ValueError, TypeError, OverflowError):
            return None

    @property
    def kind(self) -> tuple[str, str | None]:
        """Media type and charset."""
        given = self.headers.get("content-type")
        if given is None:
            return "", None
        parsed = Message()
        parsed["content-type"] = given
        charset = parsed.get_param("charset")
        return given.partition(";")[0].strip().lower(), charset if isinstance(
            charset, str
        ) else None


class Wire:
    """A connection to a host, kept open between requests."""

    def __init__(
        self,
        base: httpx2.URL,
        headers: Mapping[str, str],
        limits: Limits,
        hide: Hiding,
        tell: Hiding,
    ) -> None:
        """Prepare; nothing is opened before ``send``.

        Args:
            base: Tells which of the system's proxies there is to it.
            headers: Of each request, secret ones among them.
            limits: Of time and size.
            hide: Of the secrets; what comes back is without them.
            tell: The same of what the HTTP library logs.

        Raises:
            SourceError: the system's proxy is none that can be used.
        """
        self._limits = limits
        self._headers = {
            "User-Agent": f"stocktrend/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            **headers,
        }
        self._transport = _transport(base)
        self._stream: Any = None
        self._hide = hide
        self._hidden = _Hidden(tell)
        _LOG.addFilter(self._hidden)

    def send(self, address: httpx2.URL, conditions: Mapping[str, str]) -> Came:
        """Ask and read all that comes.

        Raises:
            httpx2.HTTPError: or OSError, ValueError: the connection failed.
        """
        limits = self._limits
        seconds = {"connect": limits.connect, "read": limits.read, "write": limits.read}
        request = httpx2.Request(
            "GET",
            address,
            headers={**self._headers, **conditions},
            extensions={"timeout": {**seconds, "pool": limits.connect}, "trace": self._watch},
        )
        with self._in_time() as late:
            try:
                response = self._transport.handle_request(request)
                try:
                    headers = {n: self._hide.text(v) for n, v in response.headers.items()}
                    body, trouble = self._read(response)
                finally:
                    response.close()
            except (httpx2.TransportError, OSError):
                if late:
                    return Came(0, {}, b"", self._too_slow())
                raise
        # A connection that was ended for its time may look like one that ended by itself.
        return Came(response.status_code, headers, body, self._too_slow() if late else trouble)

    def close(self) -> None:
        """End the connection."""
        _LOG.removeFilter(self._hidden)
        self._transport.close()

    def _read(self, response: httpx2.Response) -> tuple[bytes, Trouble | None]:
        body = bytearray()
        try:
            for piece in _unpacked(response):
                body += piece
                if len(body) > self._limits.size:
                    return b"", Trouble(
                        f"its body has more than {self._limits.size / 2**20:.0f} MiB",
                        "No answer of a service is so long: check its address, and open it in a "
                        "browser",
                        passing=False,
                    )
        except zlib.error as error:
            return b"", Trouble(
                f"its body is not the gzip that it should be ({error})",
                "The service is at fault: run the command again later",
                passing=True,
            )
        return self._hide.bytes(bytes(body)), None

    def _too_slow(self) -> Trouble:
        return Trouble(
            f"it took longer than {self._limits.whole:g} s",
            "The service or your connection is slow: run the command again later",
            passing=True,
        )

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._stream = info["return_value"]

    @contextmanager
    def _in_time(self) -> Iterator[list[bool]]:
        """End the connection when time is up: a byte now and then would pass any other limit."""
        late: list[bool] = []

        def end() -> None:
            late.append(True)
            held = self._stream and self._stream.get_extra_info("socket")
            if held:
                with suppress(OSError):
                    # Of the socket below TLS too, which would otherwise wait for a farewell.
                    socket.socket.shutdown(held, socket.SHUT_RDWR)

        timer = Timer(self._limits.whole, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()


def _transport(base: httpx2.URL) -> httpx2.HTTPTransport:
    proxy = None if proxy_bypass(base.host) else getproxies().get(base.scheme)
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    one = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
    try:
        return httpx2.HTTPTransport(verify=_trusted(), limits=one, proxy=proxy)
    except (httpx2.InvalidURL, ValueError, ImportError) as error:
        raise SourceError(
            f"The proxy that the environment names must be one of HTTP, however the one in "
            f"{base.scheme}_proxy is not. Correct it, or unset it"
        ) from error


@cache
def _trusted() -> SSLContext:
    """What certificates are checked by; it takes long to make."""
    return httpx2.create_ssl_context()


def _unpacked(response: httpx2.Response) -> Iterator[bytes]:
    """The body in pieces of bounded size, gzip unpacked.

    Raises:
        zlib.error: it is not whole, which the HTTP library would let pass.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        raise zlib.error(f"but {coding!r}")
    unpack = zlib.decompressobj(wbits=31)
    for piece in response.iter_raw():
        rest = piece
        while rest:
            if unpack.eof:
                unpack = zlib.decompressobj(wbits=31)
            yield unpack.decompress(rest, PIECE)
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    if not unpack.eof:
        raise zlib.error("it is cut off")


_LOG = logging.getLogger("httpcore2.http11")


class _Hidden(logging.Filter):
    """Services repeat keys in headers, as of redirects, which are logged where debugging is on."""

    def __init__(self, hide: Hiding) -> None:
        super().__init__()
        self._hide = hide

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._hide.text(record.getMessage())
        record.args = None
        return True
