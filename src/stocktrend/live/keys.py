"""Keys of services: from the environment or a file of the user's own, and never shown."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from stocktrend.errors import ConfigError, SourceError
from stocktrend.provenance import Given, key_origin, read_yaml

FILE: Final = "keys.yaml"
HIDDEN: Final = "***"
SHORTEST: Final = 8


@dataclass(frozen=True)
class Way:
    """How a service wants its key: in a header after ``before``, or in a field of the query."""

    variable: str
    page: str
    header: str = ""
    before: str = ""
    field: str = ""


WAYS: Final = {
    "fred": Way("FRED_API_KEY", "https://fredaccount.stlouisfed.org/apikeys", field="api_key"),
    "tiingo": Way(
        "TIINGO_API_KEY",
        "https://www.tiingo.com/account/api/token",
        header="Authorization",
        before="Token ",
    ),
    "finnhub": Way("FINNHUB_API_KEY", "https://finnhub.io/dashboard", header="X-Finnhub-Token"),
    "stooq": Way("STOOQ_API_KEY", "https://stooq.com/q/d/?s=spy.us&get_apikey", field="apikey"),
}
"""By the kind of a service, as their documentation of the interface says; others need none."""


class Key:
    """A key that shows as ``***`` wherever it is printed, logged or told in an error.

    >>> key = Key("0123456789abcdef", WAYS["tiingo"])
    >>> key, f"{key}"
    (***, '***')
    """

    __slots__ = ("_value", "_way", "place")

    def __init__(self, value: str, way: Way, place: str | None = None) -> None:
        """Hold a key.

        Args:
            value: The key itself.
            way: How it is sent.
            place: Where it was found, for messages. Default: its variable of the environment.

        Raises:
            ConfigError: it has blanks, characters outside of ASCII, or fewer than 8.
        """
        value = value.strip()
        self.place = place or f"{way.variable} of the environment"
        if len(value) < SHORTEST or not (value.isascii() and value.isprintable()) or " " in value:
            raise ConfigError(
                f"The key in {self.place} must have at least {SHORTEST} characters of ASCII and no "
                f"blanks, however it has not. Copy it again from {way.page}"
            )
        self._value = value
        self._way = way

    @property
    def headers(self) -> dict[str, str]:
        """What is sent of it in headers."""
        way = self._way
        return {way.header: way.before + self._value} if way.header else {}

    @property
    def fields(self) -> dict[str, str]:
        """What is sent of it in the query."""
        return {self._way.field: self._value} if self._way.field else {}

    def blamed(self, status: int, said: str) -> bool:
        """Whether an answer refuses the key: some name its field, with the status of any mistake.

        >>> Key("0123456789abcdef", WAYS["fred"]).blamed(400, "api_key is not registered")
        True
        """
        field = self._way.field
        return status in (401, 403) or (status == 400 and field != "" and field in said)

    @property
    def forms(self) -> tuple[str, ...]:
        """The key as it may come back."""
        return forms(self._value)

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> str:
        raise TypeError("a key is not written down")


def forms(secret: str) -> tuple[str, ...]:
    """A secret as it may come back: as it is, or as it stands in addresses."""
    return tuple(sorted({secret, quote(secret, safe=""), quote_plus(secret)}))


class Hiding:
    """Takes secrets out of what others say.

    >>> hide = Hiding(("0123456789abcdef",))
    >>> hide, hide.text("no such key: 0123456789abcdef"), hide.bytes(b"none")
    (***, 'no such key: ***', b'none')
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def text(self, said: str) -> str:
        """A text without them."""
        for secret in self._secrets:
            said = said.replace(secret, HIDDEN)
        return said

    def bytes(self, said: bytes) -> bytes:
        """A body without them."""
        for secret in self._secrets:
            said = said.replace(secret.encode(), HIDDEN.encode())
        return said

    def __repr__(self) -> str:
        return HIDDEN


@dataclass(frozen=True)
class Keys:
    """The keys that are there, by the kind of their service."""

    held: Mapping[str, Key]
    file: Path

    def of(self, kind: str) -> Key | None:
        """The key of a kind, None where it needs none.

        Raises:
            SourceError: it needs one, and there is none.
        """
        if kind not in WAYS or kind in self.held:
            return self.held.get(kind)
        way = WAYS[kind]
        raise SourceError(
            f"{kind} needs a key, however there is none. Get one at {way.page}, then set "
            f"{way.variable} in the environment, or write the line `{kind}: YOUR_KEY` into "
            f"{self.file} and keep that file to yourself (chmod 600)"
        )


def read_keys(root: Path, environ: Mapping[str, str]) -> Keys:
    """The keys in the environment (``FRED_API_KEY``), else in ``keys.yaml`` of a data root.

    Args:
        root: Data root; its ``keys.yaml`` has lines ``kind: key``.
        environ: The environment.

    Raises:
        ConfigError: the file can be read by other users, or is not as described; or a key is
            none. No message has any part of a key.
    """
    file = root / FILE
    written, given = _written(file), _set(environ)
    found = {kind: Key(value, WAYS[kind], str(file)) for kind, value in written.items()}
    return Keys(found | {kind: Key(value, WAYS[kind]) for kind, value in given.items()}, file)


def _set(environ: Mapping[str, str]) -> dict[str, str]:
    given = {kind: environ.get(way.variable, "").strip() for kind, way in WAYS.items()}
    return {kind: value for kind, value in given.items() if value}


def _written(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise ConfigError(
            f"{file} must be readable by you alone, however its mode is "
            f"{file.stat().st_mode & 0o777:o}. Run: chmod 600 {file}"
        )
    # What is wrong with the file is not repeated: the words of it could be a key.
    tree, problems = read_yaml(file)
    values: dict[str, str] = {}
    wrong = [found[1] for found in (re.match(r".*?:(\d+) ", text) for text in problems) if found]
    for kind, given in tree.items():
        value = given.value if isinstance(given, Given) else None
        if kind in WAYS and isinstance(value, str | int):
            values[kind] = str(value)
        else:
            wrong.append(key_origin(tree, (kind,)).rpartition(":")[2])
    if problems or wrong:
        which = ", ".join(sorted(set(wrong), key=int))
        found = f"line {which} is none of these" if which else "it is no such file"
        raise ConfigError(
            f'{file} must have lines `kind: "key"` with the kinds {", ".join(WAYS)}, however '
            f"{found}. Correct it, or remove the file and set the environment"
        )
    return values
