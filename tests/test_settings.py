"""Settings: every value's origin, and every problem in one message."""

from datetime import date, time
from pathlib import Path

import pytest

from stocktrend.errors import ConfigError
from stocktrend.settings import Effective, load_settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    prices = tmp_path / "raw" / "prices"
    prices.mkdir(parents=True)
    (prices / "AAA.csv").write_text("Date,Close\n")
    (tmp_path / "raw" / "fomc.csv").write_text("date\n")
    return tmp_path


def load(root: Path, yaml: str, **given: object) -> Effective:
    (root / "stocktrend.yaml").write_text(yaml)
    return load_settings(root, **given)  # type: ignore[arg-type]


def problems(root: Path, yaml: str, **given: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(root, yaml, **given)
    return caught.value.problems


def the_problem(root: Path, yaml: str, **given: object) -> str:
    found = problems(root, yaml, **given)
    assert len(found) == 1, found
    return found[0]


def test_without_a_file_everything_is_a_default(tmp_path: Path) -> None:
    effective = load_settings(tmp_path)
    assert effective.settings.horizons == (7, 30)
    assert set(effective.origins.values()) == {"default"}
    assert effective.file is None


def test_arguments_win_over_environment_over_file_over_preset_over_default(root: Path) -> None:
    yaml = "preset: cross_sectional\nseed: 1\nthreads: 2\nrecipe:\n  epochs: 3\n  members: 4\n"
    effective = load(
        root,
        yaml,
        environ={"STOCKTREND_RECIPE__EPOCHS": "5", "STOCKTREND_SEED": "2"},
        overrides={"seed": 7, "start": None},
    )
    rows = {name: (value, origin) for name, value, origin in effective.rows()}
    assert rows["seed"] == (7, "argument")
    assert rows["recipe.epochs"] == (5, "environment STOCKTREND_RECIPE__EPOCHS")
    assert rows["recipe.members"] == (4, "stocktrend.yaml:6")
    assert rows["threads"] == (2, "stocktrend.yaml:3")
    assert rows["recipe.batch_size"] == (512, "preset cross_sectional")
    assert rows["frequency"] == ("weekly", "default")
    assert effective.settings.recipe_for(40)[1].epochs == 5


def test_the_automatic_preset_shows_both_values_until_the_universe_is_known(root: Path) -> None:
    effective = load(root, "seed: 1\n")
    unknown = {name: (value, origin) for name, value, origin in effective.rows()}
    small = {name: (value, origin) for name, value, origin in effective.rows(tickers=29)}
    large = {name: (value, origin) for name, value, origin in effective.rows(tickers=30)}
    assert unknown["recipe.members"] == ("1; 32 from 30 tickers", "preset auto")
    assert small["recipe.members"] == (1, "preset original")
    assert large["recipe.members"] == (32, "preset cross_sectional")


def test_all_problems_come_in_one_error(root: Path) -> None:
    found = problems(
        root,
        "sead: 3\nseed: abc\nrecipe:\n  epoch: 5\n  members: 0\n"
        "sources:\n  prices:\n    - path: raw/prces/*.csv\n  policy:\n    - path: raw/fomc.csv\n",
        environ={"STOCKTREND_HORIZONS": "0,7"},
    )
    expected = {
        "sead": "Did you mean `seed`?",
        "seed": "must be a valid integer, however: 'abc' (stocktrend.yaml:2)",
        "horizons.0": "however: 0 (environment STOCKTREND_HORIZONS)",
        "recipe.epoch": "Did you mean `epochs`?",
        "recipe.members": "must be greater than or equal to 1, however: 0 (stocktrend.yaml:5)",
        "sources.prices.0.path": "'raw/prces/*.csv' matches none (stocktrend.yaml:8)",
        "sources.policy.0.kind": "Add one of fomc, executive_orders, index",
    }
    assert len(found) == len(expected)
    for name, part in expected.items():
        assert any(text.startswith(name + " ") and part in text for text in found), (name, found)


@pytest.mark.parametrize(
    ("yaml", "part"),
    [
        ("preset: orignal\n", "Did you mean 'original'?"),
        ("epochs: 5\n", "Did you mean `recipe.epochs`?"),
        ("exchange: XNYC\n", "Did you mean XNYS?"),
        ("start: 2020-02-30\n", "start must be a valid date"),
        (
            "start: 2015\n",
            "start must be a valid date, however: 2015 (stocktrend.yaml:1). Write it",
        ),
        (
            "sources: {prices: raw/prices}\n",
            "sources.prices must be a list of sources, each with its path, however: 'raw/prices' "
            "(stocktrend.yaml:1). Write a list: `[{path: ...}]`",
        ),
        ("sources: {macro: raw}\n", "Write a list: `[{kind: ..., path: ...}]`"),
        ("sources: {prices: [raw/prices]}\n", "prices.0 must be a group of settings"),
        (
            "sources: {prices: [{kind: tingo}]}\n",
            "sources.prices.0.kind must be 'bars', 'yfinance', 'tiingo', 'stooq', however: "
            "'tingo' (stocktrend.yaml:1). Did you mean 'tiingo'?",
        ),
        ("tickers: {a: 1}\n", "tickers must be a list, however: {'a': 1}"),
        (
            "sources:\n  price:\n    - path: raw/prices\n",
            "sources.price is not a setting (stocktrend.yaml:2). Did you mean `prices`?",
        ),
        ("sorces:\n  prices:\n", "sorces is not a setting (stocktrend.yaml:1)"),
        ("tickers: [AAA, 7]\n", "tickers.1 must be a valid string, however: 7"),
        ("seed: 1\nseed: 2\n", "stocktrend.yaml:2 must set `seed` once"),
        (
            "split: {train: 0.9, validation: 0.1}\n",
            "split.train + split.validation must be below 1",
        ),
        ("start: 2020-01-02\nend: 2020-01-01\n", "start must not be after end"),
        ("seed: -1\n", "seed must be greater than or equal to 0, however: -1"),
        ("horizons: [7, 7]\n", "horizons must be one or more distinct days, however: [7, 7]"),
        ("horizons: []\n", "horizons must be one or more distinct days, however: []"),
        ("tickers: []\n", "tickers must name one or more"),
        ("seed: [1\n", "must be valid YAML"),
        ("- seed\n", "must hold settings as `name: value` lines, however: a list"),
        ("seed: &a [*a]\n", "must not contain itself"),
        ("split: 3\n", "Write its settings below it"),
        (
            "sources:\n  macro:\n    - kind: serie\n      path: raw/fomc.csv\n",
            "Did you mean 'series'?",
        ),
        ("recipe:\n  dropout: 0.2\n", "recipe.dropout is not a setting (stocktrend.yaml:2)"),
        (
            "sources:\n  policy:\n    - kind: index\n      path: raw/fomc.csv\n"
            "      release: {rule: lag, day: 3}\n",
            "sources.policy.0.release.days is required",
        ),
    ],
)
def test_a_problem_says_what_to_do(root: Path, yaml: str, part: str) -> None:
    assert any(part in text for text in problems(root, yaml))


def test_a_problem_names_the_strongest_place_of_a_value(root: Path) -> None:
    given = {"STOCKTREND_SEED": "x", "STOCKTREND_SPLIT__TRIAN": "1"}
    found = problems(root, "seed: y\nsplit:\n  train: 0.5\n", environ=given)
    assert any("'x' (environment STOCKTREND_SEED)" in text for text in found)
    assert any("split.trian is not a setting (environment STOCKTREND_S" in text for text in found)


def test_every_wrong_number_of_a_list_is_told_once(root: Path) -> None:
    found = problems(root, "horizons: [0, -3]\n")
    assert [text.split(" must ")[0] for text in found] == ["horizons.0", "horizons.1"]


def test_a_misspelt_environment_variable_is_a_problem(root: Path) -> None:
    assert "Did you mean `seed`?" in the_problem(root, "", environ={"STOCKTREND_SEDD": "1"})


def test_a_named_file_that_is_missing_is_a_problem(root: Path) -> None:
    with pytest.raises(ConfigError, match="must be readable"):
        load_settings(root, file=root / "other.yaml")


def test_a_file_that_is_not_utf8_is_a_problem(root: Path) -> None:
    (root / "stocktrend.yaml").write_bytes(b"exchange: \xff\n")
    with pytest.raises(ConfigError, match="must be UTF-8"):
        load_settings(root)


def test_yaml_reads_tickers_times_and_exponents_as_people_mean_them(root: Path) -> None:
    settings = load(
        root,
        "tickers: [ON, NO, YES, TRUE]\nrecipe: {stock_lr: 1e-3, epochs: 010}\n"
        "sources:\n  policy:\n    - kind: index\n      path: raw/fomc.csv\n"
        "      release: {rule: next_business_day, at: 10:30}\n",
    ).settings
    assert settings.tickers == ("ON", "NO", "YES", "TRUE")
    recipe = settings.recipe_for(2)[1]
    assert (recipe.stock_lr, recipe.epochs) == (0.001, 10)
    assert settings.sources.policy is not None
    release = settings.sources.policy[0].release  # type: ignore[union-attr]
    assert release.at == time(10, 30)  # type: ignore[union-attr]


def test_an_empty_section_counts_as_not_given(root: Path) -> None:
    settings = load(root, "recipe:\nsplit:\nsources:\nseed: 4\n").settings
    assert (settings.recipe, settings.seed) == ({}, 4)


def test_one_ticker_needs_no_list(root: Path) -> None:
    assert load(root, "", environ={"STOCKTREND_TICKERS": "AAA"}).settings.tickers == ("AAA",)


def test_the_variable_that_places_test_data_is_no_setting(root: Path) -> None:
    assert load(root, "", environ={"STOCKTREND_TEST_DATA": "x"}).settings.seed == 0


def test_dates_are_dates(root: Path) -> None:
    settings = load(root, "start: 2020-01-02\nend: '2021-03-04'\n").settings
    assert (settings.start, settings.end) == (date(2020, 1, 2), date(2021, 3, 4))


def test_files_of_later_steps_are_not_asked_for(root: Path) -> None:
    (root / "stocktrend.yaml").write_text("sources: {prices: [{path: gone.csv}]}\n")
    assert load_settings(root, check_files=False).settings.sources.prices is not None


@pytest.mark.parametrize("place", ["tickers: {}", "seed: {}", "recipe: {}", "{}"])
@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/new:os.system",
        "!!python/object/apply:subprocess.check_output",
    ],
)
def test_a_tag_of_python_is_refused_and_nothing_runs(root: Path, place: str, tag: str) -> None:
    mark = root / "it-ran"
    found = problems(root, place.format(f"{tag} [touch {mark}]"))
    assert any("stocktrend.yaml:1" in line and "python/object" in line for line in found)
    assert not mark.exists()


def test_a_tagged_scalar_is_refused_too(root: Path) -> None:
    assert "python/name:os.system" in the_problem(root, "seed: !!python/name:os.system ''")


@pytest.mark.parametrize(("first", "more"), [("[x, x]", "[{}]"), ("{k: x}", "{{<<: [{}]}}")])
def test_aliases_of_aliases_are_counted_and_never_written_out(
    root: Path, first: str, more: str
) -> None:
    nine = [more.format(", ".join([f"*a{n}"] * 9)) for n in range(39)]
    lines = [f"a{n}: &a{n} {content}" for n, content in enumerate([first, *nine])]
    found = the_problem(root, "\n".join(lines))
    assert "stocktrend.yaml must hold at most 100,000 values" in found
    assert "Write it without aliases" in found


def test_an_alias_or_two_are_welcome(root: Path) -> None:
    yaml = "tickers: &t [AAA, BBB]\nsplit: &s {train: 0.6}\n"
    assert load(root, yaml).settings.tickers == ("AAA", "BBB")
    assert load(root, "horizons: [&h 7, 30]\nseed: *h\n").settings.seed == 7


@pytest.mark.parametrize("yaml", ["a: " + "[" * 5_000 + "]" * 5_000, "a: " + "{b: " * 5_000])
def test_settings_without_a_bottom_are_refused(root: Path, yaml: str) -> None:
    assert "stocktrend.yaml" in the_problem(root, yaml)


def test_a_number_of_many_digits_is_told_and_not_computed(root: Path) -> None:
    assert "seed" in the_problem(root, f"seed: {'9' * 1_000_000}")
