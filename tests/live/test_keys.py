"""Keys come from the environment or a private file, and are shown nowhere."""

import copy
import json
from pathlib import Path

import pytest

from stocktrend.errors import ConfigError, SourceError
from stocktrend.live.keys import WAYS, Hiding, Key, read_keys

MARK = "MARKED0123456789KEY"


def private(root: Path, text: str, mode: int = 0o600) -> Path:
    file = root / "keys.yaml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    private(tmp_path, "fred: in_the_file_1\ntiingo: in_the_file_2\n")
    keys = read_keys(tmp_path, {"FRED_API_KEY": " in_the_environment\n", "HOME": "/"})
    fred, tiingo = keys.of("fred"), keys.of("tiingo")
    assert fred is not None
    assert fred.fields == {"api_key": "in_the_environment"}
    assert tiingo is not None
    assert tiingo.headers == {"Authorization": "Token in_the_file_2"}


def test_finnhub_gets_its_key_in_a_header() -> None:
    assert Key(MARK, WAYS["finnhub"]).headers == {"X-Finnhub-Token": MARK}


def test_a_service_without_keys_needs_none(tmp_path: Path) -> None:
    assert read_keys(tmp_path, {}).of("gdelt") is None


@pytest.mark.parametrize("kind", WAYS)
def test_a_key_that_is_missing_is_an_error_that_says_where_to_get_one(
    tmp_path: Path, kind: str
) -> None:
    with pytest.raises(SourceError) as error:
        read_keys(tmp_path, {WAYS[kind].variable: " "}).of(kind)
    for part in (kind, WAYS[kind].variable, "https://", str(tmp_path / "keys.yaml"), "chmod 600"):
        assert part in str(error.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path, f"fred: {MARK}\n", mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}") as error:
        read_keys(tmp_path, {})
    assert MARK not in str(error.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"fred: [{MARK}]", "line 1 is"),
        (f"fred: {MARK}: {MARK}", "line 1 is"),
        (f"{MARK}: {MARK}", "line 1 is"),
        (f"[{MARK}]", "it is no such file"),
        (f"fred:\n  key: {MARK}", "line 1 is"),
        (f'fred: "{MARK}', "line 1 is"),
        (f"fred: {MARK} {MARK}", "no blanks"),
        (f"fred: {MARK}é", "no blanks"),
        (f"!!python/object:{MARK} x", "line 1 is"),
        (f"fred: {MARK}\nfred: {MARK}", "line 2 is"),
        (f"# mine\n\nfred: {MARK}\nfinnhub: {MARK}\ntingo: {MARK}\n", "line 5 is"),
        (f"gdelt: {MARK}\nfred: {MARK}\ntingo: {MARK}", "line 1, 3 is"),
        ("fred: short", "The key in .*keys.yaml must have at least 8"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_its_line_without_a_word_of_it(
    tmp_path: Path, text: str, found: str
) -> None:
    private(tmp_path, text)
    with pytest.raises(ConfigError, match=found) as error:
        read_keys(tmp_path, {})
    assert MARK not in str(error.value) + repr(error.value.__context__)


def test_a_key_tells_where_it_was_found(tmp_path: Path) -> None:
    file = private(tmp_path, f"fred: {MARK}\ntiingo: {MARK}\n")
    keys = read_keys(tmp_path, {"FRED_API_KEY": MARK})
    places = [key.place for key in (keys.of("fred"), keys.of("tiingo")) if key]
    assert places == ["FRED_API_KEY of the environment", str(file)]


def test_a_key_of_digits_is_a_key(tmp_path: Path) -> None:
    private(tmp_path, "finnhub: 1234567890\n")
    key = read_keys(tmp_path, {}).of("finnhub")
    assert key is not None
    assert key.headers == {"X-Finnhub-Token": "1234567890"}


def test_a_key_is_not_shown_copied_to_json_or_pickled() -> None:
    key = Key(MARK, WAYS["fred"])
    assert MARK not in f"{key} {key!r} {[key]}"
    with pytest.raises(TypeError):
        json.dumps(key)
    with pytest.raises(TypeError, match="not written down"):
        copy.deepcopy(key)


def test_a_key_is_hidden_in_each_form_in_which_it_comes_back() -> None:
    hide = Hiding(Key("a+b/c=d&e0", WAYS["fred"]).forms)
    assert hide.text("key a+b/c=d&e0 at ?k=a%2Bb%2Fc%3Dd%26e0") == "key *** at ?k=***"
    assert hide.bytes(b"[a+b/c=d&e0]") == b"[***]"
