"""The services that the settings name, ready to be asked."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, SourceError
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Source
from stocktrend.live.updating import Asked
from stocktrend.service_settings import Service

if TYPE_CHECKING:
    from stocktrend.live.keys import Keys
    from stocktrend.live.pace import Pace

FOLDER: Final = "live"
"""Of the data root: lock, status, HTTP cache, the last scores."""
CACHE: Final = "cache"
PRICES: Final = "prices"
"""The vendors of prices together, as they are asked and marked."""
KINDS: Final = (PRICES, "news", "policy", "macro")
MODULES: Final = {"rss": "feed"}
"""Of ``stocktrend.live``, where it is not named as the kind."""
WHOLE: Final = ("fred", "fed_press", "policy_uncertainty", "rss")
"""Kinds that have no more than they have: all of it is asked for."""
FIRST_DAY: Final = date(1900, 1, 1)
YEARS: Final = 10
PARSERS: Final = 1
"""Raised when answers are read otherwise, so that all is asked for anew."""
DECIDE_NOTHING: Final = {
    *("name", "base_url", "per_minute", "per_hour", "tickers", "series", "queries", "compare"),
}
"""Settings that do not decide what a part says: those of parts are in the parts' names."""


@dataclass(frozen=True)
class Named:
    """A configured service: ``group`` is its list in the settings, ``name`` its own."""

    group: str
    name: str
    setting: Any

    @property
    def kind(self) -> str:
        kind: str = self.setting.kind
        return kind

    def source(self, exchange: str) -> Source:
        """What it is as a source; no request is made."""
        module = import_module(f"stocktrend.live.{MODULES.get(self.kind, self.kind)}")
        made: Source = module.source(self.setting, exchange)
        return made


@dataclass(frozen=True)
class Opened:
    """Services to ask, and name -> why one cannot be asked."""

    asked: list[Asked] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def services(settings: Settings, chosen: Sequence[str] | None = None) -> list[Named]:
    """The services that the settings name, in their order.

    Args:
        settings: With ``sources``.
        chosen: Names, kinds or lists (``news``) of those wanted; None: all.

    Raises:
        ConfigError: two have one name, or one that is chosen is not there.
    """
    found = [
        Named(group, setting.name or vars(setting)["kind"], setting)
        for group in KINDS
        for setting in getattr(settings.sources, group) or ()
        if isinstance(setting, Service)
    ]
    names = [one.name for one in found]
    problems = [
        f"each service must have a name of its own, however several are named {name!r}. Add "
        f"`name: ...` to one of them in stocktrend.yaml"
        for name in sorted({name for name in names if names.count(name) > 1 or name == PRICES})
    ]
    for word in chosen or ():
        if not any(word in (one.name, one.kind, one.group) for one in found):
            known = f"one of {', '.join(names)}" if names else "named in stocktrend.yaml first"
            problems.append(
                f"--source must be {known}, however: {word!r}. Services are listed under `sources` "
                f"in stocktrend.yaml: see docs/live.md"
            )
    if problems:
        raise ConfigError(problems)
    if chosen is None:
        return found
    return [one for one in found if {one.name, one.kind, one.group} & set(chosen)]


@contextmanager
def opened(
    settings: Settings,
    wanted: Sequence[Named],
    root: Path,
    environ: Mapping[str, str],
    now: datetime,
    notify: Callable[[str], None] = lambda line: None,
) -> Iterator[Opened]:
    """Services with what it takes to ask them, until the block is left.

    Vendors of prices are one source.

    Args:
        settings: For the exchange.
        wanted: Of ``services``.
        root: The data root, for keys and cache.
        environ: For keys.
        now: Decides the first day wanted where the settings leave it open.
        notify: Told in a line that a service is asked again.

    Raises:
        ConfigError: the extra ``live`` is not installed.
        SourceError: the file of keys is damaged, or can be read by others.
    """
    from stocktrend.live.keys import read_keys

    keys, found = read_keys(root, environ), Opened()
    paces = _paces(wanted)
    vendors: list[tuple[Any, Http]] = []
    with ExitStack() as stack:
        for one in wanted:
            setting = one.setting
            host = _host(one)
            try:
                http = _http(one, paces[host], root, keys, notify, stack)
            except SourceError as error:
                found.refused[one.name] = str(error)
                continue
            source = one.source(settings.exchange)
            if one.group == PRICES:
                vendors.append((source, http))
                continue
            first = setting.since or _first_day(one.kind, now)
            digests = partial(_fingerprint, settings.exchange, setting)
            found.asked.append(Asked(source, http, host, first, digests))
        if vendors:
            found.asked.insert(0, _together(vendors, settings, now))
        yield found


def _host(one: Named) -> str:
    """Sources of one host are asked one after the other, at one rate."""
    try:
        # Without the user and password that may stand before it: threads are named by it.
        netloc = urlsplit(one.setting.base_url).netloc.rpartition("@")[2]
    except ValueError:  # no address: the client says so
        netloc = ""
    return netloc or one.kind


def _paces(wanted: Sequence[Named]) -> dict[str, "Pace"]:
    """Host -> its pace, that of the slowest who ask there."""
    from stocktrend.live.pace import Pace

    settings: dict[str, list[Service]] = {}
    for one in wanted:
        settings.setdefault(_host(one), []).append(one.setting)
    return {
        host: Pace(
            min(setting.per_minute for setting in some),
            min((setting.per_hour for setting in some if setting.per_hour), default=None),
        )
        for host, some in settings.items()
    }


def _http(
    one: Named,
    pace: "Pace",
    root: Path,
    keys: "Keys",
    notify: Callable[[str], None],
    stack: ExitStack,
) -> Http:
    from stocktrend.live.client import Client

    if not one.setting.base_url:  # its library finds the server itself
        return _NoHttp()
    client = Client(
        name=one.name,
        base_url=one.setting.base_url,
        pace=pace,
        cache=root / FOLDER / CACHE,
        key=keys.of(one.kind),
        notify=notify,
    )
    return stack.enter_context(closing(client))


class _NoHttp:
    """For a source that makes its requests by a library of its own."""

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        raise SourceError(
            f"A service that is asked by a library of its own has no address, however {path} was "
            f"asked for. Name its base_url"
        )


def _together(vendors: Sequence[tuple[Any, Http]], settings: Settings, now: datetime) -> Asked:
    """Vendors of prices as one source: what one has given no other is asked for.

    What is wanted is what all that are configured want, of whichever of them are asked. It changes
    with what decides a vendor's bars and is not as usual, as a suffix of its symbols; a vendor that
    is added to stand in for others has nothing asked for anew.
    """
    from stocktrend.live.vendors import Vendors

    all_of_them = [one.setting for one in services(settings) if one.group == PRICES]
    given = min((one.since for one in all_of_them if one.since), default=None)
    out = DECIDE_NOTHING | {"since"}
    own = [one.model_dump(mode="json", exclude=out, exclude_defaults=True) for one in all_of_them]
    digest = _digest([PARSERS, settings.exchange, str(given), [some for some in own if some]])
    first = given or _first_day(PRICES, now)
    return Asked(Vendors(tuple(vendors)), vendors[0][1], PRICES, first, lambda part: digest)


def _first_day(kind: str, now: datetime) -> date:
    """A first of January, so that a year long the same is asked."""
    return FIRST_DAY if kind in WHOLE else date(now.year - YEARS, 1, 1)


def _fingerprint(exchange: str, setting: Service, part: str) -> str:
    """Digest of the settings that decide the records of a part."""
    decides = setting.model_dump(mode="json", exclude=DECIDE_NOTHING)
    query = getattr(setting, "queries", {}).get(part)
    return _digest([PARSERS, exchange, decides, query])


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
