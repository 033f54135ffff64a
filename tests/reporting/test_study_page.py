"""The page of a study shows what was judged, figure by figure, and nothing that is not there."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from pages import Page, sections, words
from studied import CONTENDERS, HORIZONS, HOSTILE, Made, make_study, study_contents

from stocktrend.evaluation.portfolio import DAYS_A_YEAR, Cohorts
from stocktrend.evaluation.results import Evaluation
from stocktrend.evaluation.study import judge
from stocktrend.reporting import ReportContents, render_report
from stocktrend.reporting.book import added_up

MINUS = "\u2212"


@pytest.fixture(scope="module")
def made() -> Made:
    return make_study()


@pytest.fixture(scope="module")
def contents(made: Made) -> ReportContents:
    return study_contents(made)


@pytest.fixture(scope="module")
def charts(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.scripts["report-data"])["charts"]
    return found


@pytest.fixture(scope="module")
def stored(made: Made) -> dict[str, Any]:
    """The evaluation as ``metrics.json`` has it."""
    found: dict[str, Any] = json.loads(json.dumps(made.evaluation.to_dict()))
    return found


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in figure["data"] if t.get("name") == name)
    return found


def test_it_has_the_sections_of_a_study_and_none_of_a_run(page: Page) -> None:
    judged = ["skill", "controls", "calibration", "book", "groups", "disagreement"]
    assert sections(page) == [*judged, "folds", "settings"]


def test_verdict_warning_and_what_is_not_shown_to_help_come_before_the_sections(
    page: Page, stored: dict[str, Any]
) -> None:
    text = words(page)
    start = text.index("Skill over time")
    said = [stored["headline"], *(stored["horizons"][f"{h}d"]["verdict"] for h in HORIZONS)]
    for sentence in (*said, "The universe holds no company that failed."):
        assert text.index(sentence.replace("-", MINUS)[:70]) < start
    unhelpful = [
        c["sentence"]
        for h in HORIZONS
        for c in stored["horizons"][f"{h}d"]["comparisons"]
        if c["control"] == "shuffled_context" and not c["difference"]["low"] > 0
    ]
    shown = text[:start].count("no evidence that the context helps at")
    assert shown == sum("no evidence" in sentence for sentence in unhelpful)


def test_the_count_of_variants_and_their_p_value_are_shown(
    page: Page, stored: dict[str, Any]
) -> None:
    tried = stored["horizons"]["7d"]["tried"]
    p = "< 0.001" if tried["p_chance"] < 0.001 else f"{tried['p_chance']:.3f}"
    assert f"7 days 1 1 this study {p}" in words(page)


def test_every_contender_has_every_metric_of_metrics_json(
    page: Page, stored: dict[str, Any]
) -> None:
    text = words(page)
    for horizon in HORIZONS:
        found = stored["horizons"][f"{horizon}d"]
        for metric, digits in (("rank_ic", 3), ("mse", 4), ("brier", 4), ("coverage", 3)):
            for figures in (found["model"], *found["controls"].values()):
                estimate = figures[metric]
                if estimate["value"] is not None:
                    low, high = (
                        "" if estimate[end] is None else f"{estimate[end]:.{digits}f}"
                        for end in ("low", "high")
                    )
                    shown = f"{estimate['value']:.{digits}f} {low} to {high}".replace("-", MINUS)
                    assert shown in text


def test_the_forest_of_differences_has_three_entries(
    charts: dict[str, Any], stored: dict[str, Any]
) -> None:
    found = stored["horizons"]["7d"]
    figure = charts["differences-7"]
    compared = [c for c in found["comparisons"] if c["metric"] == "rank_ic"]
    assert len(compared) == len(CONTENDERS) - 2  # the constant ranks nothing
    for name, comparisons in (
        ("close", found["comparisons"]),
        ("next open", found["entries"]["next_open"]["comparisons"]),
        ("next close", found["entries"]["next_close"]["comparisons"]),
    ):
        values = [c["difference"]["value"] for c in comparisons if c["metric"] == "rank_ic"]
        assert trace(figure, name)["x"] == values
        lows = [c["difference"]["low"] for c in comparisons if c["metric"] == "rank_ic"]
        reach = trace(figure, name)["error_x"]["arrayminus"]
        assert np.subtract(values, reach) == pytest.approx(lows)


def test_the_sum_of_rank_ics_ends_at_their_mean_times_their_number(
    charts: dict[str, Any], stored: dict[str, Any]
) -> None:
    found = stored["horizons"]["30d"]
    for name, mean in (
        ("Dual tower", found["model"]["rank_ic"]["value"]),
        ("LightGBM", found["controls"]["lightgbm"]["rank_ic"]["value"]),
    ):
        total = trace(charts["cumulative-30"], name)["y"][-1]
        assert total == pytest.approx(mean * found["dates"], abs=1e-4)


def test_folds_are_bars_with_the_means_of_their_own_dates(
    charts: dict[str, Any], made: Made
) -> None:
    bars = trace(charts["folds-7"], "Dual tower")
    assert bars["x"] == ["fold 1", "fold 2", "fold 3"]
    ics = made.evaluation.horizons[7].rank_ics
    values = np.array(list(ics.values()))
    assert bars["y"] == pytest.approx([part.mean() for part in np.split(values, 3)])


def test_the_rolling_mean_is_of_a_year_of_dates(charts: dict[str, Any], made: Made) -> None:
    values = np.array(list(made.evaluation.horizons[7].rank_ics.values()))
    line = trace(charts["rolling-7"], "Dual tower")
    means = np.convolve(values, np.ones(52) / 52, mode="valid")
    assert line["y"] == pytest.approx(means, abs=1e-4)
    assert line["x"][-1] == "2017-04-14"


def test_reliability_is_that_of_the_judgement(
    charts: dict[str, Any], stored: dict[str, Any]
) -> None:
    parts = stored["horizons"]["7d"]["reliability"]["dual_tower"]["parts"]
    points = trace(charts["reliability-7"], "Dual tower")
    assert points["x"] == [part["probability"] for part in parts]
    assert points["y"] == [part["rose"]["value"] for part in parts]


def test_coverage_is_counted_by_year_and_third_of_volatility(
    charts: dict[str, Any], made: Made
) -> None:
    rows = made.predictions.filter(pl.col("model") == "dual_tower").join(
        made.outcomes, on=["ticker", "as_of"]
    )
    inside = (pl.col("target_7d") >= pl.col("low_7d")) & (pl.col("target_7d") <= pl.col("high_7d"))
    points = trace(charts["coverage"], "7 days")
    shown = dict(zip(points["text"], points["x"], strict=True))
    assert list(shown) == [
        *("All rows", "2015", "2016", "2017"),
        *("Low volatility", "Middle volatility", "High volatility"),
    ]
    of_2016 = rows.filter(pl.col("as_of").dt.year() == 2016).select(inside.mean()).item()
    wild = rows.filter(pl.col("volatility_bucket") == "high").select(inside.mean()).item()
    assert shown["2016"] == pytest.approx(of_2016)
    assert shown["High volatility"] == pytest.approx(wild)


def test_coverage_on_the_page_is_that_of_metrics_json(
    page: Page, charts: dict[str, Any], stored: dict[str, Any], html: str, contents: ReportContents
) -> None:
    covered = stored["horizons"]["30d"]["coverage"]
    assert covered.keys() == set(CONTENDERS)
    points = trace(charts["coverage"], "30 days")
    assert points["x"] == [group["coverage"] for group in covered["dual_tower"]]
    of_all = covered["lightgbm"][0]
    shown = (of_all[name] for name in ("coverage", "below", "above"))
    assert f"30 days LightGBM {' '.join(f'{share:.1%}' for share in shown)}" in words(page)
    again = replace(contents, evaluation=Evaluation.from_dict(stored))
    assert render_report(again) == html


def test_the_book_added_up_grows_by_its_return_a_year(
    charts: dict[str, Any], stored: dict[str, Any], made: Made
) -> None:
    books = stored["horizons"]["7d"]["portfolios"]["dual_tower"]
    days = made.outcomes["as_of"].unique().sort()
    years = (days[-1] - days[0]).days / DAYS_A_YEAR * len(days) / (len(days) - 1)
    for name, book, figure in (
        ("gross, close", books[0], "gross"),
        ("net, close", books[0], "net"),
        ("net, next close", books[2], "net"),
    ):
        total = trace(charts["earned-7"], name)["y"][-1]
        assert total == pytest.approx(book[figure]["value"] * years, abs=1e-4)


def test_a_book_of_one_date_is_its_spread() -> None:
    names = {"ticker": list("ABCDEFGHIJ"), "score": range(10), "gain": range(10)}
    rows = pl.DataFrame(names).with_columns(as_of=pl.date(2020, 1, 3))
    earned = added_up(Cohorts.of(rows, 7, score="score", gain="gain"), 7, costs_bp=0.0)
    assert earned.gross == earned.net == (8.0,)


def test_a_book_of_dates_further_apart_than_its_horizon_adds_each_return_once() -> None:
    names = {"ticker": list("ABCDEFGHIJ"), "score": range(10), "gain": range(10)}
    weeks = [pl.DataFrame(names).with_columns(as_of=pl.date(2020, 1, day)) for day in (3, 10, 17)]
    cohorts = Cohorts.of(pl.concat(weeks), 1, score="score", gain="gain")
    assert added_up(cohorts, 1, costs_bp=0.0).gross == (8.0, 16.0, 24.0)


def test_one_day_ahead_is_a_day_on_the_page(made: Made, contents: ReportContents) -> None:
    tables = [
        part.select(pl.all().name.map(lambda name: name.replace("_7d", "_1d")))
        for part in (made.predictions, made.outcomes)
    ]
    evaluation = judge(*tables, (1, 30), seed=1)
    parts = {"predictions": pl.DataFrame(), "tested": tables[0], "outcomes": tables[1]}
    found = replace(contents, horizons=(1, 30), evaluation=evaluation, **parts)
    html = render_report(found)
    assert "1 and 30 days ahead" in html
    assert "Mean return over 1 day by group" in html
    assert '"name":"1 day"' in html
    assert "1 days" not in html.replace("31 days", "")


def test_groups_have_the_skill_of_the_judgement(
    page: Page, charts: dict[str, Any], stored: dict[str, Any]
) -> None:
    buckets = stored["horizons"]["7d"]["buckets"]["dual_tower"]
    points = trace(charts["buckets-7"], "Dual tower")
    assert points["x"] == [b["rank_ic"]["value"] for b in buckets]
    assert points["text"][:3] == ["2015", "2016", "2017"]
    assert HOSTILE in page.text
    assert not [tag for tag, _ in page.tags if tag == "b"]
    assert not re.search("<b>", json.dumps(charts))


def test_errors_are_shown_by_the_spread_of_the_members(charts: dict[str, Any]) -> None:
    points = charts["disagreement-7"]["data"][0]
    assert points["x"] == sorted(points["x"])
    assert points["y"][-1] > 1.5 * points["y"][0]  # spread was planted where noise is


def test_folds_are_listed_with_their_dates(page: Page, made: Made) -> None:
    text = words(page)
    for fold in made.folds:
        assert f"{fold.number} {fold.train} {fold.validation} {fold.test}" in text


def test_settings_tried_are_counted_for_each_contender(page: Page) -> None:
    assert "chose among on validation rows: Dual tower 1, Ridge 6." in words(page)


def test_without_members_folds_returns_and_groups_their_sections_are_left_out(
    made: Made, contents: ReportContents
) -> None:
    bare = replace(
        contents,
        folds=(),
        tested=made.predictions.drop("spread_7d", "spread_30d"),
        evaluation=replace(
            made.evaluation,
            horizons={
                h: replace(found, portfolios={}, buckets={}, entries={}, tried=None)
                for h, found in made.evaluation.horizons.items()
            },
        ),
    )
    assert sections(Page(render_report(bare))) == ["skill", "controls", "calibration", "settings"]


def test_the_same_study_gives_the_same_bytes_but_for_the_date(
    contents: ReportContents, html: str
) -> None:
    again = render_report(study_contents(make_study()))
    assert again == html
    later = render_report(replace(contents, created=contents.created.replace(year=2031)))
    assert later == html.replace("Report made 2026", "Report made 2031")


def test_the_page_is_below_2_megabytes_beside_plotly(page: Page, html: str) -> None:
    plotly = max(len(text.encode()) for text in page.scripts.values())
    assert len(html.encode()) - plotly < 2_000_000
