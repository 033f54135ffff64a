"""What lies in ``raw/`` is recognised, or named."""

import json
from pathlib import Path

import polars as pl
import pytest

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, SourceError
from stocktrend.sources.plan import Plan, plan

PRICES = "Date,Open,High,Low,Close,Adj Close,Volume\n2016-06-27,10,12,9,11,10.5,1000\n"
SERIES = "date,value\n2014-01-01,5\n"


def root_with(folder: Path, files: dict[str, str]) -> Path:
    for name, content in {"raw/prices/AAPL.csv": PRICES, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def kinds(found: Plan) -> dict[str, str]:
    return {feed.setting.path: feed.setting.kind for feed in found.feeds}


def test_files_are_told_from_their_columns(tmp_path: Path) -> None:
    found = plan(
        Settings(),
        root_with(
            tmp_path,
            {
                "raw/news/AAPL.jsonl": json.dumps({"timestamp": "2014-01-02", "text": "x"}),
                "raw/policy/fomc.csv": "date,release_time,target_low,target_high,statement\n",
                "raw/policy/orders.csv": "signing_date,publication_date,eo_number,title\n",
                "raw/policy/epu_daily.csv": SERIES,
                "raw/policy/speeches.csv": "date,title,text\n",
                "raw/macro/DGS10.csv": SERIES,
                "raw/macro/cpiaucsl.csv": "observation_date,CPIAUCSL\n2014-01-01,5\n",
                "raw/macro/vintages/gdp.csv": "ref_quarter,first_date,first,second_date,second,"
                "third_date,third,latest\n",
                "raw/macro/release_dates.csv": "release,ref_period,release_date\n",
            },
        ),
    )
    assert kinds(found) == {
        "raw/prices/*.csv": "bars",
        "raw/news/*.jsonl": "news",
        "raw/policy/fomc.csv": "fomc",
        "raw/policy/orders.csv": "executive_orders",
        "raw/policy/epu_daily.csv": "index",
        "raw/policy/speeches.csv": "events",
        "raw/macro/DGS10.csv": "series",
        "raw/macro/cpiaucsl.csv": "series",
        "raw/macro/vintages/gdp.csv": "gdp_estimates",
    }
    assert found.warnings == ()
    by_kind = {feed.setting.path: feed for feed in found.feeds}
    assert by_kind["raw/policy/epu_daily.csv"].series == ("USEPUINDXD",)
    assert by_kind["raw/macro/cpiaucsl.csv"].calendars == (Path("raw/macro/release_dates.csv"),)


def test_vintages_win_over_a_file_of_latest_revisions(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"raw/macro/UNRATE.csv": SERIES, "raw/macro/DGS2.csv": SERIES})
    schema = ["series", "obs_date", "vintage", "value"]
    rows = [("UNRATE", "2014-01-01", "2014-02", 6.6)]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame.write_parquet(root / "raw/macro/md.parquet")
    found = plan(Settings(), root)
    assert sorted(kinds(found)) == [
        "raw/macro/DGS2.csv",
        "raw/macro/md.parquet",
        "raw/prices/*.csv",
    ]
    assert any(w.startswith("raw/macro/UNRATE.csv is not read") for w in found.warnings)


def test_a_series_that_the_vintages_lack_comes_from_its_own_file(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"raw/macro/UMCSENT.csv": SERIES})
    schema = ["series", "obs_date", "vintage", "value"]
    rows = [("UNRATE", "2014-01-01", "2014-02", 6.6)]
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(root / "raw/macro/md.parquet")
    found = plan(Settings(), root)
    assert sorted(s for feed in found.feeds for s in feed.series) == ["UMCSENT", "UNRATE"]


def test_what_is_not_recognised_is_named(tmp_path: Path) -> None:
    found = plan(
        Settings(),
        root_with(
            tmp_path,
            {
                "raw/prices/notes.txt": "x",
                "raw/prices/.hidden": "x",
                "raw/macro/WALCL.csv": SERIES,
                "raw/policy/odd.csv": "a,b,c\n1,2,3\n",
                "raw/policy/index.csv": "date;value\n2020-01-02;1,5\n",
            },
        ),
    )
    text = "\n".join(found.warnings)
    assert "raw/prices/notes.txt" in text
    assert ".hidden" not in text
    assert "no release rule of these series is known: raw/macro/WALCL.csv" in text
    assert (
        "raw/policy/odd.csv is not read: its columns ['a', 'b', 'c'] fit no policy layout" in text
    )
    assert "raw/policy/index.csv is not read: semicolons separate its columns. Save it" in text
    assert "no news in" in text


def test_an_empty_data_root_says_where_to_put_what(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"raw/prices holds no file.*AAPL\.csv"):
        plan(Settings(), tmp_path)
    with pytest.raises(SourceError, match="must be a folder"):
        plan(Settings(), tmp_path / "nowhere")


def test_all_paths_that_match_nothing_are_listed_at_once(tmp_path: Path) -> None:
    sources = {"prices": [{"path": "here/*.csv"}], "news": [{"path": "there/*.jsonl"}]}
    with pytest.raises(SourceError, match=r"here/\*\.csv[\s\S]*there/\*\.jsonl"):
        plan(Settings.model_validate({"sources": sources}), root_with(tmp_path, {}))


def test_a_file_and_a_series_have_one_source_and_every_series_a_rule(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"m/DGS10.csv": SERIES, "n/DGS10.csv": SERIES, "m/X.csv": SERIES})
    prices = [{"path": "raw/prices/*.csv"}, {"path": "raw/prices/A*.csv"}]
    macro = [{"kind": "series", "path": path} for path in ("m/*.csv", "n/*.csv")]
    settings = Settings.model_validate({"sources": {"prices": prices, "macro": macro}})
    with pytest.raises(ConfigError) as raised:
        plan(settings, root)
    text = "\n".join(raised.value.problems)
    assert "AAPL.csv matches 'raw/prices/*.csv' and 'raw/prices/A*.csv'" in text
    assert "DGS10 comes from 'm/*.csv' and 'n/*.csv'" in text
    assert "none for 'X'" in text
