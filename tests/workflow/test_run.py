"""From raw files to a report, taken over after a stop, and the same again from the lake."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.catalog import FEATURES
from stocktrend.errors import ConfigError, DataError, LakeError, ModelError
from stocktrend.lake.lock import only_writer

MOMENT = datetime(2017, 7, 1, tzinfo=UTC)
QUICK = st.Settings(
    preset="cross_sectional", recipe={"members": 3, "epochs": 2, "batch_size": 64}, seed=5
)


@pytest.fixture(scope="module")
def finished(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, st.Run]:
    root = Path(shutil.copytree(built_market, tmp_path_factory.mktemp("run") / "market"))
    return root, st.run(root, settings=QUICK, retrieved_at=MOMENT)


def test_a_run_leaves_its_files(finished: tuple[Path, st.Run]) -> None:
    root, run = finished
    folder = root / "runs" / run.id
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "metrics.json", "predictions.parquet", "config.yaml", "model"} <= names
    predictions = pl.read_parquet(folder / "predictions.parquet")
    kinds = ("score", "pos_prob", "neg_prob", "low", "high", "call")
    scores = [f"{kind}_{h}d" for h in (7, 30) for kind in kinds]
    assert predictions.columns[:3] == ["ticker", "as_of", "split"]
    assert set(scores) | {"target_7d", "target_30d"} <= set(predictions.columns)
    assert predictions["score_7d"].is_between(-1, 1).all()
    total = predictions["pos_prob_7d"] + predictions["neg_prob_7d"]
    assert ((total - 1).abs() < 1e-9).all()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["lake_versions"] == st.Lake(root / "lake").versions()


def test_the_same_call_again_gives_the_same_scores(
    finished: tuple[Path, st.Run], market: Path
) -> None:
    again = st.run(market, settings=QUICK, retrieved_at=MOMENT)
    assert again.id == finished[1].id
    assert_frame_equal(again.predictions, finished[1].predictions, check_exact=True)


def test_predict_gives_the_rows_of_the_panel_bit_for_bit(finished: tuple[Path, st.Run]) -> None:
    root, run = finished
    day = date(2017, 4, 13)  # Thursday: Good Friday was closed
    moment = datetime(2017, 4, 13, 20, tzinfo=UTC)
    panel = st.build_panel(root, settings=QUICK, retrieved_at=MOMENT)
    rows = panel.filter(pl.col("as_of") == moment)
    out = st.predict(root, as_of=day)
    columns = ["ticker", "as_of", "close", *FEATURES]
    assert rows.height == 8
    assert_frame_equal(
        out.select(columns), rows.select(columns), check_exact=True, check_row_order=False
    )
    assert out["target_7d"].null_count() == out.height
    kept = run.predictions.filter(pl.col("as_of") == moment)
    scores = ["ticker", "score_7d", "pos_prob_7d", "low_7d", "high_7d", "call_7d", "neg_prob_30d"]
    assert_frame_equal(
        out.select(scores), kept.select(scores), abs_tol=1e-6, rel_tol=0, check_row_order=False
    )


def test_the_interval_of_a_date_is_that_of_the_outcomes_known_then(
    finished: tuple[Path, st.Run],
) -> None:
    root, run = finished
    path = run.forecaster.intervals.horizons[7]
    bounds = [step for step in path if step.since is not None]
    assert len(bounds) > 5
    moment = bounds[3].since
    assert moment is not None
    out = st.predict(root, as_of=moment.date()).sort("ticker")
    kept = run.predictions.filter(pl.col("as_of") == moment).sort("ticker")
    ends = ["low_7d", "high_7d"]
    assert_frame_equal(out.select(ends), kept.select(ends), abs_tol=1e-5, rel_tol=0)
    straddles = (out["low_7d"] <= 0) & (out["high_7d"] >= 0)
    assert ((out["call_7d"] == "no call") == straddles).all()


def test_a_run_without_intervals_is_refused_with_the_remedy(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    shutil.copytree(finished[0] / "runs", tmp_path / "runs")
    file = tmp_path / "runs" / finished[1].id / "model" / "calibration.json"
    content = json.loads(file.read_text())
    del content["intervals"]
    file.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"older stocktrend\. Run `stocktrend train` again"):
        st.load_run(tmp_path)


def test_the_setting_coverage_makes_intervals_narrower(market: Path) -> None:
    panel = st.build_panel(market, settings=QUICK, retrieved_at=MOMENT)
    quick = st.Settings(recipe={"epochs": 1, "members": 1}, preset="original", seed=1)
    wide, narrow = (
        st.train(panel, settings=quick.model_copy(update={"coverage": coverage}), horizons=(7,))
        for coverage in (0.9, 0.6)
    )
    width = pl.col("high_7d") - pl.col("low_7d")
    assert (narrow.predictions.select(width) < wide.predictions.select(width)).to_series().all()
    assert wide.evaluation is not None
    assert narrow.evaluation is not None
    before, after = (
        judged.horizons[7].controls["ridge"].width.value or 0.0
        for judged in (wide.evaluation, narrow.evaluation)
    )
    assert 0 < after < 0.8 * before  # controls are to hold as many as the model


def test_predicting_two_tickers_ranks_them_among_all(finished: tuple[Path, st.Run]) -> None:
    root, _ = finished
    whole = st.predict(root)
    pair = whole["ticker"].sort()[:2].to_list()
    two = st.predict(root, tickers=pair)
    assert_frame_equal(
        two, whole.filter(pl.col("ticker").is_in(pair)), check_exact=True, check_row_order=False
    )


def test_a_day_within_a_week_is_scored_from_the_week_that_ends_on_it(
    finished: tuple[Path, st.Run],
) -> None:
    root, run = finished
    daily = QUICK.model_copy(update={"frequency": "daily"})
    panel = st.build_panel(root, settings=daily, retrieved_at=MOMENT)
    rows = panel.filter(pl.col("as_of") == datetime(2017, 4, 11, 20, tzinfo=UTC))
    out = st.predict(root, as_of=date(2017, 4, 11))
    assert rows.height == 8
    for theirs, columns in ((rows, FEATURES), (run.predict(rows), ("score_7d", "pos_prob_30d"))):
        names = ["ticker", *columns]
        assert_frame_equal(
            out.select(names), theirs.select(names), check_exact=True, check_row_order=False
        )


def test_the_newest_session_is_scored_once_most_tickers_have_it(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    lake = st.Lake(root / "lake")
    bars = lake.read("bars")
    last = bars["session"].max()
    assert isinstance(last, date)
    assert last.weekday() == 4
    assert st.predict(root)["as_of"].dt.date().unique().to_list() == [last]
    monday = timedelta(days=3)
    new = bars.filter(pl.col("session") == last).with_columns(
        pl.col("session") + monday,
        pl.col("event_time", "known_at") + monday - timedelta(hours=3),  # before the Fourth
    )
    few = new.sort("ticker").head(new.height // 2 - 1)
    lake.upsert("bars", few, MOMENT + timedelta(days=30))
    assert st.predict(root)["as_of"].dt.date().unique().to_list() == [last]
    lake.upsert("bars", new, MOMENT + timedelta(days=31))
    scores = st.predict(root)
    assert scores["as_of"].dt.date().unique().to_list() == [last + monday]
    assert scores.height == new.height


def test_a_day_without_a_session_is_refused_with_the_nearest(
    finished: tuple[Path, st.Run],
) -> None:
    with pytest.raises(DataError, match="2017-04-13"):
        st.predict(finished[0], as_of=date(2017, 4, 16))


def test_unknown_tickers_are_refused_all_at_once(finished: tuple[Path, st.Run]) -> None:
    with pytest.raises(DataError, match=r"(?s)'NONE1'.*'NONE2'"):
        st.predict(finished[0], tickers=["NONE1", "NONE2"])


def test_a_ticker_in_other_letters_is_suggested(finished: tuple[Path, st.Run]) -> None:
    ticker = str(st.predict(finished[0])["ticker"][0])
    with pytest.raises(DataError, match=rf"'{ticker.lower()}' has none: did you mean .*{ticker}"):
        st.predict(finished[0], tickers=[ticker.lower()])


def test_a_loaded_run_predicts_and_reports_as_the_trained_one(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root, run = finished
    loaded = st.load_run(root)
    assert loaded.id == run.id
    assert loaded.verdicts == run.verdicts
    rows = run.panel.filter(pl.col("as_of") == pl.col("as_of").max())
    assert_frame_equal(loaded.predict(rows), run.predict(rows), check_exact=True)
    page = st.report(loaded, tmp_path / "page.html", created=MOMENT)
    assert run.id in page.read_text()


def test_an_unknown_run_is_refused_with_the_known_ones(finished: tuple[Path, st.Run]) -> None:
    with pytest.raises(ConfigError, match=finished[1].id):
        st.load_run(finished[0], "nothing")


def test_a_stopped_training_goes_on_and_ends_with_the_same_scores(
    finished: tuple[Path, st.Run], market: Path
) -> None:
    def stop_in_the_second_member(step: str, done: int, total: int | None, unit: str) -> None:
        if step.startswith("train") and total and done > total * 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        st.run(market, settings=QUICK, retrieved_at=MOMENT, progress=stop_in_the_second_member)
    with pytest.raises(ConfigError):
        st.load_run(market)
    members = sorted((market / "runs").glob("*/model/member_*.safetensors"))
    assert len(members) == 1
    shares: list[float] = []

    def note_training(step: str, done: int, total: int | None, unit: str) -> None:
        if step.startswith("train") and total:
            shares.append(done / total)

    again = st.run(market, settings=QUICK, retrieved_at=MOMENT, progress=note_training)
    assert min(shares) > 1 / 3
    assert_frame_equal(again.predictions, finished[1].predictions, check_exact=True)


def test_two_programs_cannot_train_one_run_at_once(finished: tuple[Path, st.Run]) -> None:
    root, run = finished
    assert run.folder is not None
    with (
        only_writer(run.folder),
        pytest.raises(ModelError, match=f"One program at a time may write to run {run.id}"),
    ):
        st.train(root, settings=QUICK)


def test_two_programs_cannot_make_one_panel_at_once(market: Path) -> None:
    other = QUICK.model_copy(update={"horizons": (7,)})
    with (
        only_writer(market / "panel"),
        pytest.raises(LakeError, match="One program at a time may write to the panel"),
    ):
        st.build_panel(market, settings=other, retrieved_at=MOMENT)


def test_a_panel_alone_can_be_trained_on(finished: tuple[Path, st.Run]) -> None:
    root, _ = finished
    panel = st.build_panel(root, settings=QUICK, retrieved_at=MOMENT)
    quick = st.Settings(recipe={"epochs": 1, "members": 1})
    run = st.train(panel, settings=quick, preset="original", horizons=(7,), seed=1)
    assert run.folder is None
    assert run.metrics["7d"].rank_ic.value is not None
    assert list(run.verdicts) == ["7d"]


def test_a_lake_made_anew_from_other_files_gives_another_panel(market: Path) -> None:
    before = st.build_panel(market, settings=QUICK, retrieved_at=MOMENT)
    shutil.rmtree(market / "lake")
    for file in (market / "raw" / "prices").glob("*.csv"):
        header, *rows = file.read_text().splitlines()
        file.write_text("\n".join([header, *rows[100:]]) + "\n")
    after = st.build_panel(market, settings=QUICK, retrieved_at=MOMENT)
    assert after["as_of"].min() > before["as_of"].min()


def test_a_run_is_judged_on_its_own_dates_whatever_was_ingested_since(market: Path) -> None:
    """Older bars move the split back: training dates must not pass for test dates."""
    files = {file: file.read_text() for file in (market / "raw" / "prices").glob("*.csv")}
    shutil.rmtree(market / "lake")
    for file, text in files.items():
        header, *rows = text.splitlines()
        file.write_text("\n".join([header, *rows[200:]]) + "\n")
    run = st.run(market, settings=QUICK, retrieved_at=MOMENT)
    for file, text in files.items():
        file.write_text(text)
    st.ingest(market, settings=QUICK, retrieved_at=MOMENT)
    again = st.evaluate(st.load_run(market))
    assert again.metrics == run.metrics
    assert again.panel["as_of"].min() == run.panel["as_of"].min()


def test_a_run_whose_lake_is_gone_is_not_judged_on_another(market: Path) -> None:
    st.run(market, settings=QUICK, retrieved_at=MOMENT)
    shutil.rmtree(market / "lake")
    for file in (market / "raw" / "prices").glob("*.csv"):
        header, *rows = file.read_text().splitlines()
        file.write_text("\n".join([header, *rows[100:]]) + "\n")
    st.ingest(market, settings=QUICK, retrieved_at=MOMENT)
    with pytest.raises(ModelError, match="train"):
        st.evaluate(st.load_run(market))


def test_the_same_files_in_two_data_roots_give_one_run(market: Path, tmp_path: Path) -> None:
    shutil.copytree(market / "raw", tmp_path / "other" / "raw")
    ids = {
        st.run(root, settings=QUICK, retrieved_at=MOMENT).id
        for root in (market, tmp_path / "other")
    }
    assert len(ids) == 1


def test_a_run_shows_its_id_and_what_was_found(finished: tuple[Path, st.Run]) -> None:
    _, run = finished
    assert run.evaluation is not None
    for shown in (repr(run), run._repr_html_()):
        assert run.id in shown
        assert run.evaluation.headline in shown
        assert len(shown) < 2000


def test_a_wrong_recipe_in_given_settings_is_a_settings_problem(market: Path) -> None:
    with pytest.raises(ConfigError, match=r"recipe\.epoch is not a setting .*`epochs`"):
        st.train(market, settings=st.Settings(recipe={"epoch": 1}))


@pytest.mark.parametrize("wrong", [{"preset": "bogus"}, {"seed": -1}, {"horizons": (7, 7)}])
def test_wrong_arguments_beside_given_settings_are_told_before_anything_runs(
    wrong: dict[str, object], market: Path
) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must"):
        st.train(market, settings=QUICK, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["config.yaml", "origin.json", "predictions.parquet"])
@pytest.mark.parametrize("content", [None, b"{", b"[1]"])
def test_a_damaged_run_is_refused_with_its_folder(
    finished: tuple[Path, st.Run], tmp_path: Path, name: str, content: bytes | None
) -> None:
    run = Path(shutil.copytree(finished[0] / "runs", tmp_path / "runs")) / finished[1].id
    (run / name).unlink()
    if content is not None:
        (run / name).write_bytes(content)
    with pytest.raises(ModelError, match=finished[1].id):
        st.load_run(tmp_path)


@pytest.mark.parametrize("name", ["weekly.parquet", "weekly.json"])
def test_a_damaged_panel_is_computed_again(market: Path, name: str) -> None:
    before = st.build_panel(market, settings=QUICK, retrieved_at=MOMENT)
    (market / "panel" / name).write_bytes(b"\xff{")
    assert_frame_equal(st.build_panel(market, settings=QUICK, retrieved_at=MOMENT), before)


@pytest.mark.parametrize("name", ["../../etc", "..", ".", "/etc", "x/../y", "", "a\x00b"])
def test_a_run_is_named_and_never_a_place(finished: tuple[Path, st.Run], name: str) -> None:
    with pytest.raises(ConfigError, match="run must be one of"):
        st.load_run(finished[0], name)


def test_settings_of_a_run_that_name_code_are_refused_and_nothing_runs(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    file = root / "runs" / finished[1].id / "config.yaml"
    mark = tmp_path / "it-ran"
    file.write_text(file.read_text() + f"tickers: !!python/object/apply:os.system [touch {mark}]\n")
    with pytest.raises(ModelError, match=r"tag:yaml\.org,2002:python/object/apply"):
        st.load_run(root)
    assert not mark.exists()
