"""The market as files: the same again, parsed by plain readers, and the truth judged by them."""

import csv
import json
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stocktrend.config import Settings
from stocktrend.errors import ConfigError
from stocktrend.sources.market import SimulatedMarket, simulate

SMALL = {"tickers": 5, "start": date(2018, 1, 1), "end": date(2018, 6, 29)}


def _raw(market: SimulatedMarket, kind: str) -> list[Path]:
    return sorted((market.root / "raw" / kind).iterdir())


def _contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def _adjusted(path: Path) -> dict[date, float]:
    """Valid adjusted closes of a price file, by plain csv."""
    with path.open(newline="") as file:
        return {
            date.fromisoformat(row["Date"]): float(row["Adj Close"])
            for row in csv.DictReader(file)
            if row["Close"] != "null"
        }


def _outcomes(market: SimulatedMarket, horizon: int) -> dict[tuple[str, date], float]:
    """Realised returns from the files alone, after the definition of the targets."""
    outcomes = {}
    for path in _raw(market, "prices"):
        closes = _adjusted(path)
        days = sorted(closes)
        for day in days:
            i = bisect_left(days, day + timedelta(days=horizon))
            if i < bisect_right(days, day + timedelta(days=horizon + 7)):
                outcomes[path.stem, day] = closes[days[i]] / closes[day] - 1
    return outcomes


def _slope(truth: pl.DataFrame, market: SimulatedMarket, horizon: int) -> tuple[float, float]:
    """Slope of realised on expected returns and its error, clustered by non-overlapping months."""
    outcomes = _outcomes(market, horizon)
    rows = [
        (t.year * 100 + t.month, e, outcomes[key])
        for ticker, t, e in truth.select("ticker", "as_of", f"expected_return_{horizon}d").rows()
        if (key := (ticker, t.date())) in outcomes
    ]
    x, y = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    scores: dict[int, float] = defaultdict(float)
    for (month, _, _), score in zip(rows, x * (y - slope * x), strict=True):
        scores[month] += score
    return slope, math.sqrt(sum(s * s for s in scores.values())) / float(x @ x)


def test_same_order_gives_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        simulate(tmp_path / name, market="strong", seed=7, **SMALL)
    simulate(tmp_path / "c", market="strong", seed=8, **SMALL)
    a, b, c = (_contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a["raw/policy/fomc.csv"] != c["raw/policy/fomc.csv"]


def test_simulating_again_into_the_same_folder_leaves_no_file_of_the_earlier_market(
    tmp_path: Path,
) -> None:
    simulate(tmp_path, market="strong", seed=7, **SMALL)
    simulate(tmp_path, market="none", seed=7, **(SMALL | {"tickers": 2}))
    assert len(list((tmp_path / "raw" / "prices").iterdir())) == 2


@pytest.mark.parametrize("horizon", [7, 30])
def test_truth_is_unbiased(strong: SimulatedMarket, horizon: int) -> None:
    truth = pl.read_parquet(strong.root / "truth.parquet")
    slope, error = _slope(truth, strong, horizon)
    assert error < 0.15
    assert abs(slope - 1) < 3 * error


def test_oracle_of_the_strong_market_is_as_strong_as_designed(strong: SimulatedMarket) -> None:
    correlation = strong.oracle[7].correlation
    assert correlation is not None
    assert 0.75 < correlation < 0.95
    assert json.loads((strong.root / "truth.json").read_text()) == strong.to_dict()


def test_oracle_agrees_with_the_files(strong: SimulatedMarket) -> None:
    outcomes = _outcomes(strong, 7)
    truth = pl.read_parquet(strong.root / "truth.parquet")
    pairs = [
        (e, outcomes[key])
        for ticker, t, e in truth.select("ticker", "as_of", "expected_return_7d").rows()
        if (key := (ticker, t.date())) in outcomes
    ]
    assert strong.oracle[7].rows == len(pairs)
    # Prices in the files are rounded to cents.
    found = np.corrcoef(np.array(pairs).T)[0, 1]
    assert strong.oracle[7].correlation == pytest.approx(found, abs=0.003)


def test_without_a_response_the_truth_is_zero_and_the_states_predict_nothing(
    none: SimulatedMarket, strong: SimulatedMarket
) -> None:
    truth = pl.read_parquet(none.root / "truth.parquet")
    assert truth["expected_return_7d"].abs().max() == 0
    assert truth["expected_return_30d"].abs().max() == 0
    assert none.oracle[7].correlation is None
    # One seed, one set of states: what the strong market's truth says must not come true here.
    slope, error = _slope(pl.read_parquet(strong.root / "truth.parquet"), none, 7)
    assert abs(slope) < 3 * error


def test_prices_parse_and_show_splits_dividends_and_the_intended_defects(
    strong: SimulatedMarket,
) -> None:
    broken = {"null": 0, "unparsable": 0, "high below low": 0}
    dividends = lengths = 0
    for path in _raw(strong, "prices"):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
        lengths += len(rows)
        for row in rows:
            if row["Open"] == "null":
                broken["null"] += 1
                continue
            if ";" in row["Open"]:
                broken["unparsable"] += 1
                continue
            o, h, low, c, a = (float(row[k]) for k in ("Open", "High", "Low", "Close", "Adj Close"))
            if h < low:
                broken["high below low"] += 1
                continue
            assert low <= min(o, c) <= max(o, c) <= h
            assert 0 < a <= c + 1e-6
            assert int(row["Volume"]) >= 0
        dividends += a == c and float(rows[0]["Adj Close"]) < float(rows[0]["Close"])
    # Tickers 2 and 43 have a null bar, 5 and 46 a high below the low, 8 and 49 a typing error.
    assert broken == {"null": 2, "unparsable": 2, "high below low": 2}
    assert lengths == strong.rows["prices"]
    assert dividends > 20


def test_some_tickers_are_listed_late_and_some_leave_early(strong: SimulatedMarket) -> None:
    spans = [sorted(_adjusted(path)) for path in _raw(strong, "prices")]
    assert sum(days[0] > date(2014, 3, 1) for days in spans) == 7
    assert sum(days[-1] < date(2018, 11, 1) for days in spans) == 5
    truth = pl.read_parquet(strong.root / "truth.parquet")
    assert truth["as_of"].dt.date().min() == date(2014, 1, 3)
    for path in _raw(strong, "prices"):
        days = set(_adjusted(path))
        rows = truth.filter(pl.col("ticker") == path.stem)["as_of"].dt.date().to_list()
        assert set(rows) <= days


def test_news_parse_and_carry_the_noise_of_real_feeds(strong: SimulatedMarket) -> None:
    items, broken = [], 0
    for path in _raw(strong, "news"):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                items.append(json.loads(line))
            except json.JSONDecodeError:
                broken += 1
    assert broken == 2
    assert len(items) + broken == strong.rows["news"]
    assert {i["source"] for i in items} == {"newswire", "dailybrief", "marketpost"}
    assert {"en", "de", "es", "fr", "ja"} == {i["lang"] for i in items}
    assert "*" in {i["ticker"] for i in items}
    assert len(strong.files) == 5
    # One ticker in 37 has no news at all.
    assert strong.files["news"] == 60 - 2 + 1
    reposts = [i for i in items if i["is_retweet"]]
    assert 0.03 < len(reposts) / len(items) < 0.07
    assert len({(i["ticker"], i["id"]) for i in items}) < len(items)
    times = [datetime.fromisoformat(i["timestamp"]) for i in items]
    assert min(times) >= datetime(2014, 1, 2, 11, tzinfo=UTC)
    assert max(times) < datetime(2019, 1, 2, tzinfo=UTC)


def test_statements_come_at_two_in_the_afternoon_on_sessions_and_follow_the_rate(
    strong: SimulatedMarket,
) -> None:
    with (strong.root / "raw/policy/fomc.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    verbs = {25: "decided to raise", 0: "decided to maintain", -25: "decided to lower"}
    low = 2.0
    for row in rows:
        assert row["release_time_et_convention"] == "14:00"
        assert verbs[int(row["change_bp"])] in row["statement"]
        low += int(row["change_bp"]) / 100
        assert float(row["target_low"]) == low >= 0
        assert date.fromisoformat(row["date"]).weekday() in (2, 3)
    assert len(rows) >= 8 * 5


def test_every_period_is_released_after_it_has_ended(strong: SimulatedMarket) -> None:
    with (strong.root / "raw/macro/release_dates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["release"] for r in rows} == {
        "CPI", "EMPSIT", "GDP_advance", "GDP_second", "GDP_third",
    }  # fmt: skip
    longest = {"CPI": 60, "EMPSIT": 81, "GDP_advance": 176, "GDP_second": 300, "GDP_third": 300}
    for row in rows:
        label, out = (date.fromisoformat(row[k]) for k in ("ref_period", "release_date"))
        shortest = (
            89 if row["release"].startswith("GDP") else 28
        )  # a February whose jobs report is out on 1 March
        assert shortest <= (out - label).days <= longest[row["release"]]
        assert out.weekday() < 5


def test_macro_series_parse_and_the_settings_are_valid(strong: SimulatedMarket) -> None:
    import yaml

    settings = Settings.model_validate(
        yaml.safe_load((strong.root / "stocktrend.yaml").read_text(encoding="utf-8"))
    )
    assert settings.sources.macro is not None
    assert len(settings.sources.macro) == 12
    for source in settings.sources.macro:
        with (strong.root / source.path).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert all(math.isfinite(float(r["value"])) for r in rows)
        days = [date.fromisoformat(r["date"]) for r in rows]
        assert days == sorted(set(days))
        assert days[0] < date(2011, 3, 1)


def test_a_folder_with_own_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "raw" / "prices" / "MINE.csv"
    own.parent.mkdir(parents=True)
    own.write_text("Date,Close\n")
    with pytest.raises(ConfigError, match="a folder of its own"):
        simulate(tmp_path, **SMALL)
    assert own.read_text() == "Date,Close\n"


def test_a_lake_of_another_market_is_refused(tmp_path: Path) -> None:
    simulate(tmp_path, seed=1, **SMALL)
    (tmp_path / "lake").mkdir()
    simulate(tmp_path, seed=1, **SMALL)
    with pytest.raises(ConfigError, match="must not mix"):
        simulate(tmp_path, seed=2, **SMALL)


def test_all_wrong_arguments_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        simulate(
            tmp_path,
            market="lively",  # type: ignore[arg-type]
            tickers=0,
            start=date(2019, 1, 1),
            end=date(2018, 1, 1),
            seed=-1,
        )
    assert len(caught.value.problems) == 4
    assert not (tmp_path / "raw").exists()


def test_dates_may_be_texts(tmp_path: Path) -> None:
    made = simulate(tmp_path, tickers=1, start="2018-01-01", end="2018-03-29")
    assert made.order.end == date(2018, 3, 29)
    with pytest.raises(ConfigError) as caught:
        simulate(tmp_path, start="soon", end="later")
    assert len(caught.value.problems) == 2
