"""A first configuration: asked for or from options, one that works, and nothing overwritten."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import stocktrend as st
from stocktrend.cli.program import execute
from stocktrend.config import Settings
from stocktrend.live.keys import read_keys
from stocktrend.live.services import services
from stocktrend.settings import load_settings

KEY = "0123456789abcdef"
NOW = datetime(2017, 7, 1, tzinfo=UTC)


def written(root: Path) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((root / "stocktrend.yaml").read_text())
    return content


def names(root: Path) -> list[str]:
    return [one.name for one in services(load_settings(root).settings)]


def asked(options: list[str], answers: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "stocktrend", "init", *options],
        input="".join(f"{answer}\n" for answer in answers),
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if "API_KEY" not in name},
        start_new_session=True,  # no terminal: hidden answers are read from stdin too
    )


def test_without_questions_the_defaults_are_written_and_pass_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FRED_API_KEY", raising=False)
    root = tmp_path / "market"
    given = ["--data-root", str(root), "--yes"]
    assert execute(["init", *given, "--tickers", "aapl, ON,BRK-B"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Next: stocktrend update --data-root {root}"
    assert execute(["config", "--data-root", str(root)]) == 0
    assert load_settings(root).settings.tickers == ("AAPL", "ON", "BRK-B")
    kinds = ["yfinance", "gdelt", "fed_press", "federal_register", "policy_uncertainty"]
    assert names(root) == kinds
    assert not (root / "keys.yaml").exists()


def test_fred_is_asked_without_questions_where_its_key_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRED_API_KEY", KEY)
    assert execute(["init", "--data-root", str(tmp_path / "m"), "--yes"]) == 0
    assert "fred" in names(tmp_path / "m")


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("stocktrend.yaml", "keys.yaml"):
        (tmp_path / name).write_text("# mine\n")
    assert execute(["init", "--data-root", str(tmp_path), "--yes"]) == 2
    assert "writes new files only" in capsys.readouterr().err
    assert (tmp_path / "stocktrend.yaml").read_text() == "# mine\n"


def test_answers_become_settings_and_keys_that_only_their_owner_can_read(tmp_path: Path) -> None:
    root = tmp_path / "market"
    answers = [str(root), "AAPL, not a ticker", "AAPL,MSFT", "tiingo", "nonsense", "none", "none"]
    done = asked([], [*answers, "fred", KEY, "short", KEY[::-1]])
    assert done.returncode == 0, done.stderr
    assert names(root) == ["tiingo", "fred"]
    assert written(root)["tickers"] == ["AAPL", "MSFT"]
    keys = root / "keys.yaml"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert yaml.safe_load(keys.read_text()) == {"tiingo": KEY, "fred": KEY[::-1]}
    assert read_keys(root, {}).of("fred") is not None
    assert KEY not in done.stdout + (root / "stocktrend.yaml").read_text()


@pytest.mark.parametrize(
    ("content", "tickers"),
    [
        ("Symbol,Name\nAAPL,Apple\nmsft,Microsoft\n", ["AAPL", "MSFT"]),
        ("AAPL\nMSFT\n\nAAPL\n", ["AAPL", "MSFT"]),
        ("\ufeffname;x,ticker\na,T\n", ["T"]),
    ],
)
def test_an_index_file_of_todays_members_becomes_tickers(
    tmp_path: Path, content: str, tickers: list[str]
) -> None:
    file, root = tmp_path / "index.csv", tmp_path / "market"
    file.write_text(content, encoding="utf-8")
    assert execute(["init", "--data-root", str(root), "--tickers", str(file), "--yes"]) == 0
    assert written(root)["tickers"] == tickers


def test_an_index_file_with_dates_is_named_as_the_universe(tmp_path: Path) -> None:
    file, root = tmp_path / "index.csv", tmp_path / "market"
    file.write_text("ticker,start_date,end_date\nAAPL,2010-01-04,\nOLD,2010-01-04,2015-06-01\n")
    assert execute(["init", "--data-root", str(root), "--tickers", str(file), "--yes"]) == 0
    (membership,) = load_settings(root).settings.sources.universe or ()
    assert membership.path == str(file)
    assert "tickers" not in written(root)


def test_a_file_with_starts_alone_is_a_list_of_tickers(tmp_path: Path) -> None:
    file, root = tmp_path / "index.csv", tmp_path / "market"
    file.write_text("Symbol,Date added\nMMM,1957-03-04\n")
    assert execute(["init", "--data-root", str(root), "--tickers", str(file), "--yes"]) == 0
    assert written(root)["tickers"] == ["MMM"]


def test_files_that_are_there_are_read_on_beside_services_and_instead_of_them(
    built_market: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(built_market / "raw", tmp_path / "market" / "raw")).parent
    before = st.ingest(root, settings=Settings(), retrieved_at=NOW)
    bars = st.Lake(root / "lake").read("bars")
    assert execute(["init", "--data-root", str(root), "--yes"]) == 0
    assert load_settings(root).settings.sources.prices is None
    (root / "stocktrend.yaml").unlink()
    given = ["init", "--data-root", str(root), "--sources", "yfinance,fed_press", "--yes"]
    assert execute(given) == 0
    assert names(root) == ["yfinance", "fed_press"]
    after = st.ingest(root, retrieved_at=NOW)
    assert [(s.table, s.files) for s in after.sources] == [
        (s.table, s.files) for s in before.sources
    ]
    assert sum(source.files_read for source in after.sources) == 0
    assert st.Lake(root / "lake").read("bars").equals(bars)


def test_what_is_commented_out_works_too(tmp_path: Path) -> None:
    given = ["--data-root", str(tmp_path), "--sources", "None", "--tickers", "AAPL", "--yes"]
    assert execute(["init", *given]) == 0
    assert names(tmp_path) == []
    file = tmp_path / "stocktrend.yaml"
    file.write_text(re.sub(r"(?m)^  # (?=  |\w+:$)", "  ", file.read_text()))
    assert names(tmp_path) == ["yfinance", "gdelt", "fed_press", "fred"]


def test_keys_that_are_there_stay_and_are_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(f"fred: {KEY}\n")
    answers = ["AAPL", "none", "none", "none", "fred"]
    done = asked(["--data-root", str(tmp_path)], answers)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == ["fred"]
    assert (tmp_path / "keys.yaml").read_text() == f"fred: {KEY}\n"


def test_questions_that_nobody_answers_are_one_error_with_the_remedy(tmp_path: Path) -> None:
    done = asked(["--data-root", str(tmp_path / "market")], ["AAPL"])
    assert done.returncode == 2
    assert "its input ended at 'Prices from" in done.stderr.splitlines()[-1]
    assert "--yes" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "market").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tickers", "A B"], "tickers must be words like AAPL"),
        (["--sources", "yfinance,reuters"], "services must be of yfinance, tiingo"),
        (["--tikers", "A"], "Did you mean --tickers?"),
    ],
)
def test_wrong_options_of_init_are_told_and_nothing_is_written(
    tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "market"
    assert execute(["init", "--data-root", str(root), "--yes", "--json", *options]) == 2
    assert words in str(json.loads(capsys.readouterr().out)["error"])
    assert not root.exists()
