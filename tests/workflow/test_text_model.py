"""News scored by a model of the user's own: panel, run, and what is refused when it changed."""

import shutil
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import stocktrend as st
from features.text.tiny_model import make_model
from stocktrend.config import TextScoring
from stocktrend.errors import ConfigError, ModelError
from stocktrend.features.text import ModelScorer, load_scorer
from stocktrend.lake import Lake
from stocktrend.panel import build_panel
from stocktrend.workflow.rebuilding import rebuild

QUICK = st.Settings(
    preset="cross_sectional",
    recipe={"members": 1, "epochs": 1, "batch_size": 64},
    text=TextScoring(model="models/tiny"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, st.Run]:
    root = tmp_path_factory.mktemp("text") / "market"
    dates = {"start": date(2016, 1, 1), "end": date(2017, 6, 30)}
    st.simulate(root, market="strong", tickers=3, seed=11, **dates)
    st.ingest(root, retrieved_at=datetime(2017, 7, 1, tzinfo=UTC))
    make_model(root / "models" / "tiny")
    return root, st.train(root, settings=QUICK)


@pytest.fixture
def changed(finished: tuple[Path, st.Run], tmp_path: Path) -> Path:
    """A copy of the finished root with another model in the folder."""
    root = Path(shutil.copytree(finished[0], tmp_path / "market"))
    shutil.rmtree(root / "models" / "tiny")
    make_model(root / "models" / "tiny", seed=1)
    return root


def kept_scores(root: Path) -> dict[str, int]:
    """Texts in each file of scores."""
    counts = {}
    for file in sorted((root / "scored").glob("*.sqlite")):
        with sqlite3.connect(file) as database:
            [(counts[file.name],)] = database.execute("SELECT count(*) FROM scores")
    return counts


def test_the_features_of_news_are_means_of_the_models_scores(
    finished: tuple[Path, st.Run],
) -> None:
    root, run = finished
    row = (
        run.panel.filter(pl.col("news_count") > np.log(2.5))
        .sort("as_of", "ticker")
        .row(-1, named=True)
    )
    items = (
        Lake(root / "lake")
        .history("news")
        .filter(
            pl.col("ticker").is_in([row["ticker"], "*"])
            & (pl.col("known_at") <= row["as_of"])
            & (pl.col("known_at") > row["as_of"] - pl.duration(hours=168))
            & ~pl.col("is_repost")
            & (pl.col("lang").is_null() | pl.col("lang").is_in(["en", "und"]))
        )
    )
    texts = items.unique("id")["text"].unique()
    scores = ModelScorer(root / "models" / "tiny").score(texts.to_list())
    assert round(np.expm1(row["news_count"])) == len(texts)
    assert row["news_sentiment"] == pytest.approx(scores.mean(), abs=1e-12)


def test_each_distinct_text_is_scored_once_over_all_steps(finished: tuple[Path, st.Run]) -> None:
    root, _ = finished
    before = kept_scores(root)
    distinct = Lake(root / "lake").history("news")["text"].n_unique()
    assert 0 < sum(before.values()) <= distinct
    shutil.rmtree(root / "panel")
    assert st.build_panel(root, settings=QUICK).height
    st.predict(root)
    assert kept_scores(root) == before


def test_the_panel_follows_the_model_and_the_lexicon_is_the_default(changed: Path) -> None:
    other = st.build_panel(changed, settings=QUICK)
    lexicon = st.build_panel(changed, settings=QUICK.model_copy(update={"text": TextScoring()}))
    shutil.rmtree(changed / "models" / "tiny")
    make_model(changed / "models" / "tiny")
    first = st.build_panel(changed, settings=QUICK)
    sentiments = [panel["news_sentiment"] for panel in (first, other, lexicon)]
    assert not sentiments[0].equals(sentiments[1])
    assert not sentiments[0].equals(sentiments[2])
    assert first["news_count"].equals(lexicon["news_count"])
    assert len(kept_scores(changed)) == 2


def test_a_run_is_used_with_the_model_that_it_was_trained_with_or_not_at_all(
    finished: tuple[Path, st.Run], changed: Path
) -> None:
    root, run = finished
    assert list(run.files) == ["models/tiny"]
    day = run.panel["as_of"].max()
    rows = run.panel.filter(pl.col("as_of") == day)
    assert st.predict(root)["news_sentiment"].sort().equals(rows["news_sentiment"].sort())
    read = st.load_run(changed)
    for use in (
        lambda: st.predict(changed),
        lambda: st.evaluate(read),
        lambda: st.audit(changed, settings=QUICK),
    ):
        with pytest.raises(ModelError, match="models/tiny has changed since"):
            use()
    shutil.rmtree(changed / "models")
    with pytest.raises(ConfigError, match=r"text\.model"):
        st.predict(changed)


def test_a_rebuild_gives_the_same_bytes_even_where_no_score_was_kept(
    finished: tuple[Path, st.Run], changed: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(finished[0], tmp_path / "same"))
    shutil.rmtree(root / "scored")
    assert rebuild(root).same
    other = rebuild(changed)
    assert other.reasons == ("models/tiny: changed since the run",)
    assert not other.same


def test_an_audit_of_other_settings_takes_the_models_scores_for_the_run(
    finished: tuple[Path, st.Run],
) -> None:
    root, run = finished
    found = st.audit(root, settings=QUICK.model_copy(update={"text": TextScoring()}), samples=5)
    assert found.clean, found
    assert any(f"Run {run.id} was trained with text model='models/tiny'" in n for n in found.notes)


def test_a_panel_of_records_alone_asks_for_the_scorer(finished: tuple[Path, st.Run]) -> None:
    root, _ = finished
    lake = Lake(root / "lake")
    with pytest.raises(ConfigError, match=r"Pass scorer=load_scorer"):
        build_panel(lake, QUICK)
    panel = build_panel(lake, QUICK, scorer=load_scorer(QUICK, root))
    assert panel["news_sentiment"].equals(st.build_panel(root, settings=QUICK)["news_sentiment"])
