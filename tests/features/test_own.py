"""Users' own features: the documented example against literal records, its laws, and errors."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from code_blocks import blocks
from stocktrend.catalog import FEATURES
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError
from stocktrend.features.own import own_features
from stocktrend.lake import Tables
from stocktrend.panel import build_panel
from stocktrend.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
EXAMPLE = next(b.code for b in blocks(PAGE.read_text("utf-8")) if b.language == "python")
SETTINGS = Settings(features=("my_features.py",))
DAY = timedelta(days=1)
FRIDAY = datetime(2016, 3, 4, 21, tzinfo=UTC)


@pytest.fixture
def example(tmp_path: Path) -> tuple[st.Feature, ...]:
    """The features of the documented file."""
    (tmp_path / "my_features.py").write_text(EXAMPLE)
    return st.load_features(SETTINGS, tmp_path)


@pytest.fixture(scope="module")
def records(built_market: Path) -> Tables:
    return Tables.of(st.Lake(built_market / "lake"))


def bars(ticker: str, moments: Sequence[datetime], opens: Sequence[float]) -> pl.DataFrame:
    """Bars that close at 100 with an adjusted close of 50."""
    return pl.DataFrame(
        {
            "ticker": ticker,
            "event_time": moments,
            "known_at": moments,
            "session": [m.date() for m in moments],
            "open": opens,
            "close": 100.0,
            "adj_close": 50.0,
        }
    )


def rows_at(*moments: datetime, ticker: str = "A") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": ticker,
            "as_of": moments,
            "previous_as_of": [m - 7 * DAY for m in moments],
            "session": [m.date() for m in moments],
        }
    )


def column(own: st.Feature, rows: pl.DataFrame, table: pl.DataFrame) -> list[float | None]:
    return own_features([own], rows, lambda _: table)[own.name].to_list()


def test_the_gap_of_the_example_is_the_mean_of_five_logs(example: tuple[st.Feature, ...]) -> None:
    days = [FRIDAY - n * DAY for n in (9, 8, 7, 4, 3, 2, 1, 0)]
    table = bars("A", days, [100, 100, 100, 101, 102, 103, 104, 105])
    expected = sum(math.log(price / 100) for price in (101, 102, 103, 104, 105)) / 5
    assert column(example[0], rows_at(FRIDAY), table) == [pytest.approx(expected, abs=1e-15)]
    assert column(example[0], rows_at(FRIDAY - 3 * DAY), table) == [None]  # 5 bars have 4 gaps


def test_the_gap_of_the_example_takes_the_version_known_then(
    example: tuple[st.Feature, ...],
) -> None:
    days = [FRIDAY - n * DAY for n in range(6, -1, -1)]
    table = bars("A", days, [100.0] * 7)
    revision = table.tail(1).with_columns(open=pl.lit(110.0), known_at=pl.lit(FRIDAY + DAY))
    found = column(example[0], rows_at(FRIDAY, FRIDAY + 2 * DAY), pl.concat([table, revision]))
    assert found == [0.0, pytest.approx(math.log(1.1) / 5, abs=1e-15)]


def test_the_news_of_the_example_are_those_of_72_hours(example: tuple[st.Feature, ...]) -> None:
    before = FRIDAY - 3 * DAY
    news = pl.DataFrame(
        {
            "ticker": ["A", "A", "A", "A", "*", "B"],
            "known_at": [before, before + DAY, before + 2 * DAY, FRIDAY + DAY, FRIDAY, FRIDAY],
            "id": ["too old", "x", "x", "too new", "of the market", "of another"],
        }
    )
    assert column(example[1], rows_at(FRIDAY), news) == [pytest.approx(math.log(3))]
    assert column(example[1], rows_at(FRIDAY - 30 * DAY), news) == [0.0]


def test_own_columns_follow_the_87_and_change_none_of_them(
    example: tuple[st.Feature, ...], records: Tables
) -> None:
    plain = build_panel(records, Settings())
    panel = build_panel(records, SETTINGS, features=example)
    names = panel.columns
    assert names[4:91] == list(FEATURES)
    assert names[91:94] == ["gap_5", "news_3d", "return_7d"]
    assert panel.drop("gap_5", "news_3d").equals(plain)
    assert panel["gap_5"].null_count() == 0
    assert panel["news_3d"].n_unique() > 5


@pytest.fixture(scope="module")
def moment(records: Tables) -> datetime:
    times = build_panel(records, Settings())["as_of"].unique().sort()
    return times[len(times) // 2]


def own_columns(panel: pl.DataFrame) -> pl.DataFrame:
    return panel.select("ticker", "as_of", "gap_5", "news_3d")


def test_records_known_later_change_no_row_of_the_example(
    example: tuple[st.Feature, ...], records: Tables, moment: datetime
) -> None:
    whole = own_columns(build_panel(records, SETTINGS, features=example))
    before = whole.filter(pl.col("as_of") <= moment)
    cut = build_panel(records.known_by(moment), SETTINGS, features=example)
    assert own_columns(cut).equals(before)
    later = pl.col("known_at") > moment
    spoiled = {
        "bars": pl.col("open") * pl.when(later).then(3.0).otherwise(1.0),
        "news": pl.when(later).then(pl.lit("same")).otherwise(pl.col("id")).alias("id"),
    }
    other = Tables({t: f.with_columns(spoiled.get(t, [])) for t, f in records.tables.items()})
    panel = own_columns(build_panel(other, SETTINGS, features=example))
    assert panel.filter(pl.col("as_of") <= moment).equals(before)
    assert not panel.equals(whole)


def test_records_known_before_the_window_change_no_row_of_the_example(
    example: tuple[st.Feature, ...], records: Tables, moment: datetime
) -> None:
    rows = build_panel(records, SETTINGS, features=example).filter(pl.col("as_of") == moment)
    grid = rows.select("ticker", "as_of", previous_as_of="as_of", session=pl.col("as_of").dt.date())
    for own in example:
        [table] = own.inputs

        def without(age: timedelta, table: str = table) -> pl.DataFrame:
            return records.history(table).filter(pl.col("known_at") > moment - age)

        full = own_features([own], grid, lambda t: records.history(t))
        assert full[own.name].to_list() == rows.sort("ticker")[own.name].to_list()
        assert own_features([own], grid, lambda _, own=own: without(own.window)).equals(full)
        assert not own_features([own], grid, lambda _: without(timedelta(0))).equals(full)


def test_a_function_gets_sorted_rows_and_every_version_of_what_it_asks_for() -> None:
    asked = {}

    @st.feature(inputs=("bars", "policy"), window=DAY, name="told")
    def own(rows: pl.DataFrame, **records: pl.DataFrame) -> pl.Series:
        asked.update(records, rows=rows)
        return pl.Series(range(len(rows)))

    tables = {name: pl.DataFrame({"version": [1, 2]}) for name in ("bars", "news", "policy")}
    rows = pl.concat([rows_at(FRIDAY, FRIDAY - DAY, ticker=name) for name in "BA"])
    found = own_features([own], rows, tables.__getitem__)
    assert asked["rows"].equals(rows.sort("ticker", "as_of"))
    assert {name: len(asked[name]) for name in asked if name != "rows"} == {"bars": 2, "policy": 2}
    assert found["ticker"].to_list() == ["A", "A", "B", "B"]
    assert found["told"].to_list() == [0.0, 1.0, 2.0, 3.0]


def test_a_function_that_changes_its_frames_changes_no_others() -> None:
    def greedy(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
        bars.insert_column(0, pl.Series("mine", [1.0] * len(bars)))
        rows.insert_column(0, pl.Series("mine", [1.0] * len(rows)))
        return rows["mine"]

    pair = [st.Feature(name, ("bars",), DAY, greedy) for name in ("first", "second")]
    table = bars("A", [FRIDAY], [1.0])
    assert own_features(pair, rows_at(FRIDAY), lambda _: table)["second"].to_list() == [1.0]


def test_known_by_hides_later_records_also_from_a_function_that_looks(
    records: Tables, moment: datetime
) -> None:
    @st.feature(inputs=("bars",), window=DAY)
    def bars_in_sight(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
        return pl.Series([len(bars)] * len(rows))

    days = {"start": moment.date(), "end": moment.date(), "features": [bars_in_sight]}
    known = (records.history("bars")["known_at"] <= moment).sum()
    now = build_panel(records, Settings(), known_by=moment, **days)  # type: ignore[arg-type]
    later = build_panel(records, Settings(), **days)  # type: ignore[arg-type]
    assert now["bars_in_sight"].unique().to_list() == [known]
    assert later["bars_in_sight"].unique().to_list() == [records.history("bars").height]


@pytest.mark.parametrize("table", ["bars", "news", "policy", "macro"])
def test_known_records_are_those_of_a_plain_join_and_filter(records: Tables, table: str) -> None:
    frame = records.history(table)
    window = timedelta(days=10)
    times = frame["known_at"].gather_every(max(1, len(frame) // 15))
    moments = pl.DataFrame({"as_of": [*times, times[-1] + DAY / 2]}).unique()
    tickers = records.history("bars").select("ticker").unique()
    rows = moments.join(tickers, how="cross")
    if "ticker" in frame.columns:
        market = frame.filter(pl.col("ticker") == "*").drop("ticker").join(tickers, how="cross")
        frame = pl.concat([frame, market], how="diagonal")
        joined = rows.join(frame, on="ticker")
    else:
        joined = rows.join(frame, how="cross")
    age = pl.col("as_of") - pl.col("known_at")
    expected = joined.filter(age >= timedelta(0), age < window)
    found = st.known_records(
        rows.sample(fraction=1.0, shuffle=True, seed=1), records.history(table), window
    )
    assert found.height > 20
    assert found.sort(found.columns).equals(expected.select(found.columns).sort(found.columns))


@pytest.mark.parametrize(
    "name", ["close", "adj_close", "n_bars", "session", "target_7d", "return_7d_next_open"]
)
def test_the_name_of_a_column_that_rows_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="name must be new"):
        st.Feature(name, ("bars",), DAY, len)


def test_a_name_input_window_and_tower_are_refused_together() -> None:
    with pytest.raises(ConfigError) as caught:
        st.Feature("news_count", ("bar",), -DAY, len, "both")  # type: ignore[arg-type]
    rules = ("name must be new", "inputs must be", "window must be", "tower must be")
    assert len(caught.value.problems) == len(rules)
    for rule, problem in zip(rules, caught.value.problems, strict=True):
        assert rule in problem


@pytest.mark.parametrize("name", ["ticker", "close", "target_90d", "stock_close", "Gap", "5_gap"])
def test_a_name_of_the_panel_or_of_another_shape_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s)name.*{name}"):
        st.Feature(name, (), DAY, len)


def test_two_features_of_one_name_are_refused(example: tuple[st.Feature, ...]) -> None:
    with pytest.raises(ConfigError, match="several are named 'gap_5'"):
        own_features([*example, example[0]], rows_at(FRIDAY), lambda _: pl.DataFrame())


BROKEN = {
    "return rows['as_of']": "numbers, however: Datetime",
    "return rows['session'].dt.day().head(1)": "one value a row, however: 1 values for 2 rows",
    "return rows": "a polars Series, however: DataFrame",
    "return pl.Series([0.0, float('inf')])": "1 are infinite, the first of A on 2016-03-11",
    "return rows['price']": r"ColumnNotFoundError \(my_features.py, line 6\)",
    "return 1 / 0": r"ZeroDivisionError \(my_features.py, line 6\): division by zero",
}


@pytest.mark.parametrize("body", BROKEN)
def test_a_function_that_fails_is_named_with_its_file_and_cause(body: str, tmp_path: Path) -> None:
    head = "import polars as pl\nfrom datetime import timedelta\nimport stocktrend as st\n"
    made = f"@st.feature(inputs=(), window=timedelta(1))\ndef broken(rows):\n    {body}\n"
    (tmp_path / "my_features.py").write_text(head + made)
    found = st.load_features(SETTINGS, tmp_path)
    with pytest.raises(DataError, match=BROKEN[body]) as caught:
        own_features(found, rows_at(FRIDAY, FRIDAY + 7 * DAY), lambda _: pl.DataFrame())
    assert "feature 'broken'" in str(caught.value)
    assert "my_features.py" in str(caught.value)


def test_a_file_that_fails_is_named_with_line_and_cause(tmp_path: Path) -> None:
    (tmp_path / "my_features.py").write_text("import stocktrend\nimport no_such_package\n")
    with pytest.raises(
        ConfigError, match=r"my_features.py, line 2: ModuleNotFoundError: No module"
    ):
        st.load_features(SETTINGS, tmp_path)
    (tmp_path / "my_features.py").write_text("def broken(:\n")
    with pytest.raises(ConfigError, match="SyntaxError"):
        st.load_features(SETTINGS, tmp_path)


def test_one_feature_of_a_file_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "my_features.py").write_text(EXAMPLE)
    settings = Settings(features=("my_features.py:news_3d",))
    assert [own.name for own in st.load_features(settings, tmp_path)] == ["news_3d"]
    with pytest.raises(ConfigError, match="defines gap_5, news_3d"):
        st.load_features(Settings(features=("my_features.py:gap_7",)), tmp_path)
    with pytest.raises(ConfigError, match="several are named 'gap_5'"):
        st.load_features(Settings(features=("my_features.py", "my_features.py:gap_5")), tmp_path)


def test_a_missing_file_of_features_is_reported_with_the_other_settings(tmp_path: Path) -> None:
    (tmp_path / "my_features.py").write_text(EXAMPLE)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, overrides={"features": ["my_feature.py", "notes.txt"], "seed": -1})
    assert len(caught.value.problems) == 3
    assert "Did you mean 'my_features.py'?" in " ".join(caught.value.problems)
    with pytest.raises(ConfigError, match="relative to the data root"):
        st.load_features(Settings(features=("gone.py",)), tmp_path)


def test_a_panel_without_the_features_that_the_settings_name_is_refused(records: Tables) -> None:
    with pytest.raises(ConfigError, match="none were given"):
        build_panel(records, SETTINGS)


def test_the_stored_panel_is_made_anew_when_the_file_changes(market: Path) -> None:
    (market / "my_features.py").write_text(EXAMPLE)
    first = st.build_panel(market, settings=SETTINGS, start=date(2017, 1, 1))
    stored = market / "panel" / "weekly.parquet"
    made = stored.stat().st_mtime_ns
    assert st.build_panel(market, settings=SETTINGS, start=date(2017, 1, 1)).equals(first)
    assert stored.stat().st_mtime_ns == made
    (market / "my_features.py").write_text(
        EXAMPLE.replace("return n.fill_null(0).log1p()", "return n")
    )
    changed = st.build_panel(market, settings=SETTINGS, start=date(2017, 1, 1))
    assert changed["gap_5"].equals(first["gap_5"])
    assert not changed["news_3d"].equals(first["news_3d"])
