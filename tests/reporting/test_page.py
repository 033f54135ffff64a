"""The page parses, needs no network, escapes what data holds and shows what it is given."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pages import Page, sections, words

from planted import SIGNAL, planted_panel
from stocktrend.dataset import time_split
from stocktrend.evaluation.study import beside_controls, judge
from stocktrend.recipe import Recipe
from stocktrend.reporting import ReportContents, render_report, write_report

HOSTILE = '</script><img src=x onerror="alert(1)">&amp;'


def make(tickers: int = 8, dates: int = 60) -> ReportContents:
    panel = planted_panel(dates, tickers).with_columns(
        ticker=pl.when(pl.col("ticker") == "T001").then(pl.lit(HOSTILE)).otherwise("ticker"),
        news_count=pl.when(pl.col("as_of").dt.year() > 2015).then("news_count"),
    )
    panel = time_split(panel)
    scores = [(pl.col(SIGNAL) * 0.3).tanh().alias(f"score_{h}d") for h in (7, 30)]
    rise = [(0.5 + pl.col(f"score_{h}d") / 2).alias(f"pos_prob_{h}d") for h in (7, 30)]
    fall = [(1 - pl.col(f"pos_prob_{h}d")).alias(f"neg_prob_{h}d") for h in (7, 30)]
    predictions = (
        panel.select("ticker", "as_of", "split", SIGNAL, *scores)
        .with_columns(rise)
        .with_columns(fall)
        .with_columns(
            *(pl.lit(-0.4).alias(f"low_{h}d") for h in (7, 30)),
            *(pl.lit(0.6).alias(f"high_{h}d") for h in (7, 30)),
            *(pl.lit("no call").alias(f"call_{h}d") for h in (7, 30)),
        )
        .drop(SIGNAL)
    )
    prices = panel.select(
        "ticker", session=pl.col("as_of").dt.date(), adj_close=50 + pl.col(SIGNAL)
    )
    return ReportContents(
        created=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        title="a run <of> mine",
        horizons=(7, 30),
        predictions=predictions,
        latest=predictions.filter(pl.col("as_of") == pl.col("as_of").max()),
        panel=panel,
        prices=prices,
        evaluation=judge(
            *beside_controls(panel, predictions, (7, 30), Recipe(), seed=0), (7, 30), seed=0
        ),
        histories=[
            {"train_loss": [1.0, 0.5], "val_loss": [1.0, float("nan")], "mse_7d": [0.2, 0.1]}
        ],
        ingest={"sources": [source("bars", read=100, new=97, quarantined=3), source("news")]},
        quarantine=pl.DataFrame(
            {
                "table": ["bars"] * 3,
                "source": ["prices"] * 3,
                "path": ["raw/prices/A.csv"] * 3,
                "row": [4, 5, 6],
                "reason": ["a price is not above 0"] * 2 + ["<b>is missing</b>"],
                "record": [json.dumps({"close": -1, "note": HOSTILE})] * 3,
            }
        ),
        settings={"seed": 7, "recipe": {"members": 8}, "horizons": [7, 30]},
        versions={"stocktrend": "0.1.0", "lake": {"bars": 3}},
        revised=("CPILFESL",),
    )


def source(table: str, **counts: int) -> dict[str, Any]:
    names = ("files", "read", "new", "revised", "unchanged", "duplicate", "quarantined")
    return dict.fromkeys(names, 0) | {
        "table": table,
        "source": f"my {table}",
        "path": f"raw/{table}/*",
        "reasons": {},
        "notes": {"reposts kept, not counted": 12},
        "first_known": "2014-01-02T21:00:00+00:00",
        "last_known": "2015-03-02T21:00:00+00:00",
        **counts,
    }


@pytest.fixture(scope="module")
def contents() -> ReportContents:
    return make()


@pytest.fixture(scope="module")
def data(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.scripts["report-data"])
    return found


def test_it_reads_nothing_from_outside(page: Page, html: str) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "base", "img"}
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), f"{tag} {name}={value}"
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_it_stays_under_6_megabytes(html: str) -> None:
    assert len(html.encode()) < 6_000_000


def test_text_from_data_is_never_markup(page: Page) -> None:
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
    assert HOSTILE in page.text  # as a ticker's cell, whole
    assert "<b>is missing</b>" in page.text
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 3


def test_the_verdict_comes_first(page: Page, contents: ReportContents) -> None:
    assert contents.evaluation is not None
    text = words(page)
    headline = contents.evaluation.headline
    assert text.index(headline) < text.index("How fresh the data is") < text.index("Find a ticker")
    for verdict in contents.evaluation.verdicts.values():
        assert verdict.replace("-", "\u2212")[:60] in text


def test_every_ticker_of_the_newest_date_is_listed_strongest_first(
    page: Page, contents: ReportContents
) -> None:
    text = words(page)
    ranked = contents.latest.sort("score_7d", descending=True)
    table = text[text.index("Rank Ticker") : text.index("Price and past scores")]
    position = -1
    for ticker, score, rise in ranked.select("ticker", "score_7d", "pos_prob_7d").iter_rows():
        shown = f"{ticker} {score:+.3f} {rise:.0%}".replace("-0", "\u22120")
        assert table.index(shown) > position
        position = table.index(shown)


def test_prices_and_past_scores_travel_with_the_page(
    data: dict[str, Any], contents: ReportContents
) -> None:
    stocks = data["stocks"]
    assert stocks["tickers"] == sorted(contents.latest["ticker"].to_list())
    number = stocks["tickers"].index("T003")
    of_stock = contents.predictions.filter(pl.col("ticker") == "T003").sort("as_of")
    first, scores = stocks["score"][number][0]
    assert first == 0
    assert scores == (of_stock["score_7d"] * 1000).round().cast(pl.Int32).to_list()
    expected = contents.prices.filter(pl.col("ticker") == "T003").sort("session")["adj_close"]
    assert stocks["price"][number][1] == pytest.approx(expected.to_list(), rel=1e-4)
    assert [part["name"] for part in stocks["parts"]] == ["train", "validation", "test"]


def test_charts_hold_no_nan(data: dict[str, Any]) -> None:
    losses = data["charts"]["losses"]["data"]
    assert [trace["y"] for trace in losses] == [[1.0, 0.5], [1.0, None]]
    for figure in data["charts"].values():
        assert figure["data"]


def test_quarantine_and_ingest_are_counted_by_source(page: Page) -> None:
    text = words(page)
    assert "bars prices a price is not above 0 2" in text
    assert "raw/prices/A.csv, row 4" in text
    assert "bars my bars 0 100 97 0 0 0 3 2014-01-02 to 2015-03-02" in text
    assert "reposts kept, not counted: 12" in text
    assert "CPILFESL" in text


def test_old_data_is_marked(page: Page, contents: ReportContents) -> None:
    newest = contents.latest["as_of"][0].date()
    behind = (newest - datetime(2015, 3, 2, tzinfo=UTC).date()).days
    assert f"{behind} days" in words(page)
    assert [a for tag, a in page.tags if tag == "td" and a.get("class") == "stale"]


def test_coverage_is_given_by_group_and_year(page: Page, contents: ReportContents) -> None:
    share = 1 - (1 - contents.panel["news_count"].count() / len(contents.panel)) / 8
    assert f"news (8) {share:.0%} 88% 100%" in words(page)


def test_settings_and_versions_are_flattened(page: Page) -> None:
    text = words(page)
    for row in ("recipe.members 8", "horizons 7, 30", "lake.bars 3", "stocktrend 0.1.0"):
        assert row in text


def test_tables_and_charts_can_be_read_aloud(page: Page, data: dict[str, Any]) -> None:
    heads = [a for tag, a in page.tags if tag == "th"]
    assert all(a.get("scope") in {"col", "row"} for a in heads)
    charts = [a for _, a in page.tags if a.get("class") == "chart"]
    assert {a["id"] for a in charts} == {"stock-chart", "metric-chart"} | set(data["charts"])
    assert all(a.get("role") == "img" and a.get("aria-label") for a in charts)
    tables, captions = ([tag for tag, _ in page.tags].count(n) for n in ("table", "caption"))
    assert tables == captions > 10
    labels = {a.get("for") for tag, a in page.tags if tag == "label"}
    fields = {a.get("id") for tag, a in page.tags if tag in {"select", "input"}}
    assert fields == labels


def test_the_same_contents_give_the_same_page(contents: ReportContents, html: str) -> None:
    assert render_report(contents) == html


def test_what_is_missing_is_left_out_with_its_links(
    contents: ReportContents, tmp_path: Path
) -> None:
    bare = replace(
        contents,
        evaluation=None,
        panel=pl.DataFrame(),
        prices=pl.DataFrame(),
        histories=(),
        ingest=None,
        quarantine=pl.DataFrame(),
    )
    text = words(Page(write_report(tmp_path / "new" / "report.html", bare).read_text("utf-8")))
    assert "Not evaluated yet." in text
    page = Page((tmp_path / "new" / "report.html").read_text("utf-8"))
    shown = sections(page)
    assert shown == ["freshness", "scores", "settings"]
    linked = [a["href"] for tag, a in page.tags if tag == "a"]
    assert linked == [f"#{name}" for name in shown]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report.html"]


def test_scores_that_are_not_known_come_last_as_a_dash(contents: ReportContents) -> None:
    unknown = pl.when(pl.col("ticker") != "T000").then(pl.col("score_7d"))
    page = Page(render_report(replace(contents, latest=contents.latest.with_columns(unknown))))
    text = words(page)
    assert f"{len(contents.latest)} T000 –" in text


def test_of_many_tickers_the_strongest_are_charted_and_all_are_listed() -> None:
    dates = [datetime(2020, 1, 3, tzinfo=UTC) + timedelta(weeks=w) for w in range(3)]
    names = [f"S{i:03d}" for i in range(150)]
    score = np.linspace(-0.3, 0.3, 150)
    rows = pl.DataFrame(
        {"ticker": names * 3, "as_of": [d for d in dates for _ in names], "split": "test"}
    )
    rows = rows.with_columns(
        pl.Series(f"{name}_{h}d", np.tile(score, 3))
        for h in (7, 30)
        for name in ("score", "pos_prob", "neg_prob", "low", "high", "call")
    )
    many = replace(
        make(6, 30),
        predictions=rows,
        latest=rows.filter(pl.col("as_of") == dates[-1]),
        prices=rows.select("ticker", session=pl.col("as_of").dt.date(), adj_close=pl.lit(9.0)),
    )
    page = Page(render_report(many))
    charted = json.loads(page.scripts["report-data"])["stocks"]["tickers"]
    assert charted == names[:25] + names[-25:]
    assert all(name in page.text for name in names)


def test_scores_without_skill_get_short_bars(contents: ReportContents) -> None:
    faint = contents.latest.with_columns(
        score_7d=pl.when(pl.col("ticker") == "T000").then(0.02).otherwise(0.0),
        score_30d=pl.when(pl.col("ticker") == "T000").then(0.5).otherwise(0.0),
    )
    page = Page(render_report(replace(contents, latest=faint)))
    lengths = [a["style"] for _, a in page.tags if "score" in (a.get("class") or "").split()]
    assert lengths[0] == "--s:0.200"
    assert lengths[1] == "--s:1.000"


def test_an_audit_is_shown_with_its_findings() -> None:
    finding = {
        "what": HOSTILE,
        "changes": ["altered", "left out"],
        "source": "bars",
        "rows": 3,
        "moment": "2016-01-08 21:00:00+00:00",
        "ticker": "T002",
        "as_of": "2016-01-08 21:00:00+00:00",
        "before": "-1.5",
        "after": "null",
        "remedy": "look back only",
    }
    audit = {
        "headline": "Look-ahead found in mine, in 200 samples of 50 tickers on 8 dates.",
        "clean": False,
        "checks": [
            {"name": "later records altered", "tested": 56600, "unit": "rows", "findings": 1}
        ],
        "findings": [finding],
        "dates": {"2016-01-08": "a half-day"},
        "samples": 200,
        "tickers": 50,
        "features": 89,
        "seed": 0,
        "notes": ["No trained run was given."],
    }
    page = Page(render_report(replace(make(), audit=audit)))
    text = " ".join(" ".join(page.text).split())
    assert audit["headline"] in text
    assert "Later records altered 56 600 rows 1" in text
    assert f"{HOSTILE} bars, altered, left out 3 T002 2016-01-08 \u22121.5 null" in text
    assert "Look back only." in text
    assert "2016-01-08 a half-day" in text
    assert "No trained run was given." in text
    assert "audit" not in sections(Page(render_report(make())))
