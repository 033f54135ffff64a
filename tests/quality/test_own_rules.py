"""Users' own rules, and the page that documents all of them."""

from pathlib import Path

import polars as pl
import pytest
from made_market import NOW, Market, day

from code_blocks import blocks
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError
from stocktrend.quality import FOUND, RULES, check, load_rules, rule
from stocktrend.reporting.quality import headline

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"
HEAD = "import polars as pl\nimport stocktrend as st\nfrom stocktrend.quality import spans\n"


def loaded(root: Path, text: str) -> Settings:
    (root / "my_checks.py").write_text(text)
    return Settings(checks=("my_checks.py",))


def test_the_documented_rule_finds_what_it_says(tmp_path: Path) -> None:
    (text,) = (b.code for b in blocks(PAGE.read_text("utf-8")) if "@st.rule" in b.code)
    (own,) = load_rules(loaded(tmp_path, text), tmp_path)
    market = Market()
    market.scale[3, 100:110] /= 100
    market.volumes[3, 100:110] *= 100
    report = check(market.records(), Settings(), NOW, rules=[own])
    (found,) = (f for f in report.findings if f.rule == "penny_stock")
    assert (found.subject, found.first, found.last, found.rows) == ("T03", day(100), day(109), 10)
    assert found.severity == "warning"
    assert found.remedy == "Leave penny stocks out of the universe."
    assert report.rules[-1].meaning == "Closes under a dollar."


def test_an_own_error_of_bars_counts_as_corrupt() -> None:
    @rule(table="bars", severity="error", remedy="Drop it.")
    def first_day(bars: pl.DataFrame, given: object) -> pl.DataFrame:
        """The first bar of T01."""
        one = bars.filter(pl.col("ticker") == "T01").head(1)
        return one.select(
            pl.col("ticker").alias("subject"),
            pl.col("session").alias("first"),
            pl.col("session").alias("last"),
            pl.lit(1).alias("rows"),
            pl.lit("not its own").alias("detail"),
        )

    report = check(Market().records(), Settings(), NOW, rules=[first_day])
    assert report.corrupt().rows() == [("T01", day(0), day(0), "first_day", "not its own")]
    assert report.corrupt_records() == 1


def test_the_page_does_not_say_that_an_error_of_another_table_is_left_out() -> None:
    @rule(table="universe", severity="error", remedy="Mend it.")
    def wrong(universe: pl.DataFrame, given: object) -> pl.DataFrame:
        """Two records, of no day."""
        return pl.DataFrame([("T01", None, None, 2, "wrong")], schema=FOUND, orient="row")

    report = check(Market().records(), Settings(), NOW, rules=[wrong])
    assert headline(report) == "2 records in error, and still read."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "    return bars.select('nothing')",
            r"rule 'bad' \(my_checks.py, line 4\).*raised Column",
        ),
        ("    return bars.head(3)", r"rule 'bad' \(my_checks.py, line 4\).*however: \['ticker'"),
        ("    return 3", r"rule 'bad' \(my_checks.py, line 4\).*however: int"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_its_name_file_and_line(
    body: str, message: str, tmp_path: Path
) -> None:
    head = '@st.rule(table="bars", severity="note", remedy="None.")\n'
    text = f'{HEAD}{head}def bad(bars, given):\n    """Never right."""\n{body}\n'
    own = load_rules(loaded(tmp_path, text), tmp_path)
    with pytest.raises(DataError, match=message):
        check(Market(tickers=5).records(), Settings(), NOW, rules=own)


def test_a_rule_cannot_change_what_the_next_one_sees() -> None:
    @rule(table="bars", severity="note", remedy="None.")
    def vandal(bars: pl.DataFrame, given: object) -> pl.DataFrame:
        """Nothing."""
        bars.insert_column(0, pl.Series("session_of_mine", [0]).new_from_index(0, bars.height))
        bars.drop_in_place("close")
        return pl.DataFrame(schema=FOUND)

    records = Market().records()
    plain = check(records, Settings(), NOW)
    beside = check(records, Settings(), NOW, rules=[vandal])
    assert beside.findings == plain.findings
    assert beside.tables[0].to_dict() == plain.tables[0].to_dict()


def test_files_that_are_missing_fail_or_define_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"checks must name readable files, however .*gone\.py"):
        load_rules(Settings(checks=("gone.py",)), tmp_path)
    with pytest.raises(ConfigError, match=r"my_checks\.py, line 2: ZeroDivisionError"):
        load_rules(loaded(tmp_path, "x = 1\nx / 0\n"), tmp_path)
    with pytest.raises(ConfigError, match=r"my_checks\.py defines none"):
        load_rules(loaded(tmp_path, "x = 1\n"), tmp_path)
    with pytest.raises(ValueError, match=r"checks must be Python files, however: 'my_checks'"):
        Settings(checks=("my_checks",))


def test_a_rule_must_be_complete_and_have_a_name_of_its_own() -> None:
    with pytest.raises(ConfigError) as refused:

        @rule(table="prices", severity="bad", remedy="")  # type: ignore[arg-type]
        def broken(bars: pl.DataFrame, given: object) -> pl.DataFrame:
            return bars

    assert len(refused.value.problems) == 3

    @rule(table="bars", severity="note", remedy="None.", name="two_series")
    def other(bars: pl.DataFrame, given: object) -> pl.DataFrame:
        """Anything."""
        return bars

    with pytest.raises(ConfigError, match="several are named 'two_series'"):
        check(Market(tickers=5).records(), Settings(), NOW, rules=[other])


def test_the_page_lists_every_rule_with_severity_and_remedy() -> None:
    listed = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert listed == [
        f"| `{r.name}` | {r.table} | {r.severity} | {r.meaning} | {r.remedy} |" for r in RULES
    ]
