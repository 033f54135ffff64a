"""A run with users' own features: trained, judged, read back, used again, refused when changed."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from code_blocks import blocks
from stocktrend.catalog import CONTEXT_FEATURES, STOCK_FEATURES
from stocktrend.cli.program import execute
from stocktrend.errors import ConfigError, ModelError
from stocktrend.features.own import own_features
from stocktrend.workflow.rebuilding import rebuild

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
EXAMPLE = next(b.code for b in blocks(PAGE.read_text("utf-8")) if b.language == "python")
OWN = ["gap_5", "news_3d"]
QUICK = st.Settings(
    preset="cross_sectional",
    recipe={"members": 1, "epochs": 2, "batch_size": 64},
    features=("my_features.py",),
)


@pytest.fixture(scope="module")
def finished(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, st.Run]:
    root = Path(shutil.copytree(built_market, tmp_path_factory.mktemp("own") / "market"))
    (root / "my_features.py").write_text(EXAMPLE)
    return root, st.train(root, settings=QUICK)


def test_each_tower_reads_its_own_features_behind_ours(finished: tuple[Path, st.Run]) -> None:
    _, run = finished
    assert run.forecaster.inputs.stock == (*STOCK_FEATURES, "gap_5")
    assert run.forecaster.inputs.context == (*CONTEXT_FEATURES, "news_3d")
    [model] = run.forecaster.ensemble.members
    assert (model.shape.context_dim, model.shape.stock_dim) == (26, 63)


def test_the_scores_depend_on_each_own_feature(finished: tuple[Path, st.Run]) -> None:
    _, run = finished
    rows = run.panel.filter(pl.col("as_of") == pl.col("as_of").max())
    scores = run.predict(rows)["score_7d"]
    for name in OWN:
        ranks = pl.Series(np.arange(rows.height, dtype=float))
        assert (run.predict(rows.with_columns(ranks.alias(name)))["score_7d"] != scores).any()
        with pytest.raises(st.DataError, match=f"missing: {name}"):
            run.predict(rows.drop(name))


def test_a_run_read_back_predicts_and_is_judged_the_same(finished: tuple[Path, st.Run]) -> None:
    root, run = finished
    loaded = st.load_run(root)
    assert loaded.forecaster.inputs == run.forecaster.inputs
    rows = run.panel.filter(pl.col("as_of") == pl.col("as_of").max())
    assert_frame_equal(loaded.predict(rows), run.predict(rows), check_exact=True)
    assert st.evaluate(loaded).evaluation == run.evaluation
    day = rows["as_of"][0].date()
    predicted = st.predict(root, as_of=day)
    names = ["ticker", *OWN]
    assert_frame_equal(
        predicted.select(names), rows.select(names), check_exact=True, check_row_order=False
    )
    scores = ["ticker", "score_7d"]
    assert_frame_equal(
        predicted.select(scores), run.predict(rows).select(scores), check_row_order=False
    )


def test_a_run_is_rebuilt_with_its_own_features(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    again = rebuild(root)
    assert again.same
    assert again.reasons == ()
    (root / "my_features.py").write_text(EXAMPLE.replace("gap.tail(5)", "gap.tail(4)"))
    other = rebuild(root)
    assert not other.same
    assert other.reasons == ("my_features.py: changed since the run",)


def test_the_report_lists_own_features_as_a_group(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    page = st.report(finished[1], tmp_path / "page.html").read_text()
    assert "own (2)" in page
    assert all(name in page for name in OWN)


def test_a_changed_file_is_refused_wherever_the_run_needs_it(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    (root / "my_features.py").write_text(EXAMPLE + "\n# another thought\n")
    run = st.load_run(root)
    for use in (lambda: st.predict(root), lambda: st.evaluate(run)):
        with pytest.raises(ModelError, match=r"my_features.py has changed since. Put it back"):
            use()
    (root / "my_features.py").unlink()
    with pytest.raises(ConfigError, match=r"my_features\.py: No such file"):
        st.predict(root)


def test_another_tower_is_another_run(finished: tuple[Path, st.Run], tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    (root / "my_features.py").write_text(EXAMPLE.replace(', tower="context"', ""))
    run = st.train(root, settings=QUICK)
    assert run.id != finished[1].id
    assert run.forecaster.inputs.stock[-2:] == tuple(OWN)
    assert_frame_equal(run.panel.select(OWN), finished[1].panel.select(OWN), check_exact=True)


def test_weights_of_other_features_are_refused(
    finished: tuple[Path, st.Run], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    file = root / "runs" / finished[1].id / "model" / "ensemble.json"
    content = json.loads(file.read_text())
    for fields in ("mean", "std", "missing"):
        content["scaler"][fields].pop("gap_5", None)
    file.write_text(json.dumps(content))
    with pytest.raises(
        ModelError, match=r"names, 26 and 62, however its weights are for 26 and 63"
    ):
        st.load_run(root)


def test_the_commands_take_the_features_that_a_setting_names(
    finished: tuple[Path, st.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    build = ["build", "--data-root", str(root), "--json", "--set", "features=my_features.py"]
    assert execute(build) == 0
    assert json.loads(capsys.readouterr().out)["build"]["coverage"]["own"]["columns"] == 2
    (root / "my_features.py").write_text(EXAMPLE.replace(".log1p()", ".log2p()"))
    assert execute(build) == 2
    said = capsys.readouterr().err
    assert "feature 'news_3d'" in said
    line = EXAMPLE[: EXAMPLE.index(".log1p()")].count("\n") + 1
    assert f"AttributeError (my_features.py, line {line})" in said
    assert "Traceback" not in said


def test_features_are_named_by_a_data_roots_settings_and_given_with_a_panel(
    finished: tuple[Path, st.Run],
) -> None:
    root, run = finished
    own = st.load_features(QUICK, root)
    with pytest.raises(ConfigError, match="name their file in its settings"):
        st.train(root, settings=QUICK, features=own)
    with pytest.raises(ConfigError, match="none were given"):
        st.train(run.panel, settings=QUICK)
    alone = st.train(run.panel.drop("split"), settings=QUICK, features=own)
    assert alone.predictions.drop("split").equals(run.predictions.drop("split"))


@st.feature(inputs=(), window=timedelta(0))
def coin(rows: pl.DataFrame) -> pl.Series:
    """A number that nothing else tells, known at as_of: digits of a hash of the row's name."""
    key = pl.concat_str(pl.col("ticker"), pl.col("session").cast(pl.String))
    return rows.select((key.hash(seed=3) % 1000) / 500.0 - 1.0).to_series()


def test_a_planted_own_feature_is_found_by_model_and_ridge(finished: tuple[Path, st.Run]) -> None:
    panel = finished[1].panel.drop("split", *OWN)
    rows = panel.with_columns(previous_as_of="as_of", session=pl.col("as_of").dt.date())
    values = own_features([coin], rows, lambda _: pl.DataFrame())
    noise = pl.Series(np.random.default_rng(0).normal(0, 0.01, panel.height))
    planted = panel.join(values, on=["ticker", "as_of"], how="left", maintain_order="left")
    planted = planted.with_columns(return_7d=0.03 * pl.col("coin") + noise)
    planted = planted.with_columns(target_7d=(10 * pl.col("return_7d")).tanh())
    settings = st.Settings(preset="cross_sectional", recipe={"members": 1}, horizons=(7,))
    without = st.train(planted, settings=settings)
    given = st.train(planted, settings=settings, features=[coin])
    assert without.metrics["7d"].rank_ic.low < 0 < 0.6 < given.metrics["7d"].rank_ic.value
    assert given.metrics["7d"].rank_ic.low > without.metrics["7d"].rank_ic.high
    ridges = [run.evaluation.horizons[7].controls["ridge"].rank_ic for run in (given, without)]
    assert ridges[0].low > max(0.6, ridges[1].high)
