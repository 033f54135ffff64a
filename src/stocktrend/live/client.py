"""The client that live sources ask by: polite, bounded in time and size, and again after faults."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote

from stocktrend.errors import SourceError
from stocktrend.live.cache import Cache, Kept
from stocktrend.live.extra import extra
from stocktrend.live.http import Answer, NothingError, UnreachableError
from stocktrend.live.keys import SHORTEST, Hiding, Key, forms
from stocktrend.live.pace import Pace
from stocktrend.live.wire import Came, Limits, Passing, Wire

with extra():
    import httpx2
    import stamina

REDIRECTS: Final = 5
REDIRECTED: Final = (301, 302, 303, 307, 308)
GONE: Final = (404, 410)
PASSING: Final = (408, 425, 429)
WORD: Final = 4
"""Letters of what is taken out of errors; shorter words would make them unreadable."""
TOKEN: Final = 16
"""Letters from which on a word with digits in a query is a token, and nothing that is asked for."""
LATER: Final = "The service is at fault: run the command again later"

# That an attempt is made again is no news.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Client:
    """Asks one service; one thread at a time.

    An answer that has an ETag or a Last-Modified is kept on disk and, whatever its Cache-Control
    says, asked for again each time, on condition that it has changed.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        pace: Pace,
        cache: Path | None = None,
        key: Key | None = None,
        limits: Limits | None = None,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Prepare to ask; nothing goes out before ``get``.

        Args:
            name: Of the source, for errors.
            base_url: What paths are below; what it has in the way of a query or a password is sent
                with each request and told nowhere.
            pace: Of the host, shared by all that ask it.
            cache: Folder of answers, None: nothing is kept.
            key: Sent with each request.
            limits: Of time, size and attempts.
            notify: Told in a line, once, that the service is asked again.

        Raises:
            SourceError: ``base_url`` is no address of HTTP.
        """
        self._name = name
        self._key = key
        self._limits = limits or Limits()
        self._pace = pace
        self._notify: Callable[[str], None] | None = notify
        self._base, self._secret = _parted(name, base_url)
        headers = {**self._secret.headers, **(key.headers if key else {})}
        keys = key.forms if key else ()
        self._tell = Hiding((*self._secret.told, *keys))
        hide = Hiding((*self._secret.read, *keys))
        self._wire = Wire(self._base, headers, self._limits, hide, self._tell)
        # The name may hold anything; a file of its own lets no service's damage reach another's.
        self._cache = Cache(cache / f"{quote(name, safe='')}.db") if cache else None

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Ask for a path below ``base_url``: see ``stocktrend.live.http.Http``."""
        address = self._address(path, query or {})
        refused = count(1)
        limits = self._limits
        try:
            for attempt in stamina.retry_context(
                on=_pause,
                attempts=limits.attempts,
                timeout=None,
                wait_initial=limits.pause,
                wait_max=limits.longest_pause,
                wait_jitter=limits.pause,
            ):
                with attempt:
                    try:
                        return self._ask(address, check, refused)
                    except Passing:
                        self._tell_again()
                        raise
        except Passing as last:
            raise last.error from last.__cause__
        raise AssertionError("an attempt returns or raises")

    def close(self) -> None:
        """Let go of connections and files."""
        self._wire.close()
        if self._cache:
            self._cache.close()

    def _tell_again(self) -> None:
        """Once: a service that is slow today would fill a log."""
        if self._notify and self._limits.attempts > 1:
            self._notify(
                f"{self._name} does not answer as it should: it is asked again, up to "
                f"{self._limits.attempts - 1} times, with longer and longer pauses"
            )
            self._notify = None

    def _address(self, path: str, query: Mapping[str, str]) -> httpx2.URL:
        try:
            below = self._base.path.rstrip("/") + "/" + path.lstrip("/")
            place = self._base.join(below) if path else self._base
            return place.copy_merge_params(query)
        except (httpx2.InvalidURL, ValueError) as error:
            raise SourceError(
                f"{self._name} must be asked for what an address can hold, however {path[:200]!r}: "
                f"{error}. Correct the tickers, series or queries in its settings"
            ) from error

    def _ask(
        self,
        address: httpx2.URL,
        check: Callable[[Answer], object] | None,
        refused: Iterator[int],
    ) -> Answer:
        """One attempt.

        Raises:
            Passing: what another attempt may mend.
            SourceError: what none can.
        """
        place = f"{address} {self._secret.query}"
        kept = self._cache.find(place) if self._cache else None
        came = self._followed(address, kept.conditions if kept else {})
        if kept and came.status == 304:
            new = kept
        else:
            self._refuse(address, came)
            new = Kept(
                Answer(came.body, *came.kind),
                came.headers.get("etag"),
                came.headers.get("last-modified"),
            )
        try:
            if check:
                check(new.answer)
        except SourceError as error:
            if self._cache:
                self._cache.forget(place)
            told = type(error)(self._tell.text(str(error)))
            if next(refused) >= self._limits.refusals:
                raise told from None
            raise Passing(told) from None
        if self._cache and new is not kept and new.conditions:
            self._cache.keep(place, new)
        return new.answer

    def _followed(self, address: httpx2.URL, conditions: Mapping[str, str]) -> Came:
        """What comes, after redirects within the host."""
        at = address
        for _ in range(REDIRECTS):
            self._pace.wait()
            with self._told(at):
                came = self._wire.send(self._with_secrets(at), conditions)
                location = came.headers.get("location")
                if came.status not in REDIRECTED or location is None:
                    return came
                to = at.join(location).copy_with(userinfo=b"", fragment=None)
            if not _within(at, to):
                raise self._error(
                    at,
                    f"it leads to another host, {to.host!r}",
                    f"If the service has moved there, set base_url of {self._name}",
                )
            for name, _ in self._fields:
                to = to.copy_remove_param(name)
            at = to
        raise self._error(address, "it leads in circles", f"Check base_url of {self._name}")

    @property
    def _fields(self) -> tuple[tuple[str, str], ...]:
        return (*self._secret.query, *(self._key.fields.items() if self._key else ()))

    def _with_secrets(self, address: httpx2.URL) -> httpx2.URL:
        if not self._fields:
            return address
        return address.copy_with(params=[*address.params.multi_items(), *self._fields])

    @contextmanager
    def _told(self, address: httpx2.URL) -> Iterator[None]:
        """Other libraries' errors as what an attempt may mend."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError) as e:
            found = f"{type(e).__name__}: {e}" if str(e) else type(e).__name__
            error = self._error(address, found, "Check your connection, then run the command again")
            if isinstance(e, httpx2.ConnectError | httpx2.ConnectTimeout):
                error = UnreachableError(str(error))
            # What lies behind it may tell an address with its key.
            raise Passing(error) from None

    def _refuse(self, address: httpx2.URL, came: Came) -> None:
        """Raise for everything but an answer."""
        if came.trouble:
            error = self._error(address, came.trouble.found, came.trouble.remedy)
            raise Passing(error) if came.trouble.passing else error
        if came.status == 200:
            return
        said = " ".join(came.body[:200].decode("utf-8", "replace").split())
        found = f"its status is {came.status}" + (f" ({said})" if said else "")
        if came.status not in PASSING and came.status < 500:
            error = self._error(address, found, self._remedy(came.status, said))
            raise NothingError(str(error)) if came.status in GONE else error
        wait = came.retry_after
        if wait is not None and wait > self._limits.retry_after:
            raise self._error(
                address, f"{found} and it wants to be left alone for {wait:.0f} s", LATER
            )
        slower = f"Set a smaller per_minute for {self._name}" if came.status == 429 else LATER
        raise Passing(self._error(address, found, slower), wait)

    def _remedy(self, status: int, said: str) -> str:
        if self._key and self._key.blamed(status, said):
            return f"Check the key in {self._key.place}, and what it is allowed"
        if status in (401, 403):
            return "The service refuses: it may want a key, or other terms of use"
        return f"Check what is asked for, and base_url of {self._name}"

    def _error(self, address: httpx2.URL, found: str, remedy: str) -> SourceError:
        what = self._tell.text(f"{address}, however {found}")
        return SourceError(f"{self._name} must answer at {what}. {remedy}")


@dataclass(frozen=True)
class _Secret:
    """What a ``base_url`` has beside scheme, host and path.

    ``told`` is to be in no error or log; ``read``, of it, in no record: what can be nothing but a
    secret, since a query may also name what the records are about.
    """

    query: tuple[tuple[str, str], ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    told: tuple[str, ...] = field(repr=False)
    read: tuple[str, ...] = field(repr=False)


def _parted(name: str, base_url: str) -> tuple[httpx2.URL, _Secret]:
    """An address that can be told, and the rest of it."""
    try:
        url = httpx2.URL(base_url)
        bare = url.copy_with(userinfo=b"", query=None, fragment=None)
    except (httpx2.InvalidURL, ValueError, TypeError):
        bare, url = httpx2.URL(""), httpx2.URL("")
    if bare.scheme not in ("http", "https") or not bare.host:
        raise SourceError(
            f"base_url of {name} must be an address that begins with https:// or http://, however "
            f"the one in the settings is not. Correct it, or leave it out for the usual one"
        )
    headers: dict[str, str] = {}
    if url.username or url.password:
        basic = httpx2.BasicAuth(url.username, url.password)
        signed = next(basic.auth_flow(httpx2.Request("GET", bare)))
        headers = {"Authorization": signed.headers["authorization"]}
    query = tuple(url.params.multi_items())
    values = [value for _, value in query]
    tokens = [value for value in values if len(value) >= TOKEN and _is_word_with_digits(value)]
    words = [*headers.values(), *([url.password] if len(url.password) >= SHORTEST else []), *tokens]
    told = [word for word in (url.password, *headers.values(), *values) if len(word) >= WORD]
    both = (tuple(form for word in some for form in forms(word)) for some in (told, words))
    return bare, _Secret(query, headers, *both)


def _is_word_with_digits(value: str) -> bool:
    return value.isascii() and " " not in value and any(sign.isdecimal() for sign in value)


def _within(at: httpx2.URL, to: httpx2.URL) -> bool:
    """Whether a redirect stays with the host, or leads to its encrypted side."""
    if at.host != to.host:
        return False
    safer = at.scheme == "http" and to.scheme == "https"
    return safer or (at.scheme, at.port) == (to.scheme, to.port)


def _pause(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the service said so."""
    if not isinstance(error, Passing):
        return False
    return True if error.wait is None else error.wait
