"""The log of what was tried on a data root: one file a judgement, one count a variant."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from planted import planted_panel
from stocktrend.config import Settings
from stocktrend.errors import ModelError
from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.recipe import Recipe
from stocktrend.workflow.places import trials_folder
from stocktrend.workflow.trials import judge_and_log, lend_trials, trials_of

OUTCOMES = planted_panel(60, 10).select("ticker", "as_of", "target_7d")


def judged(
    root: Path | None, name: str, *, seed: int = 0, dates: int = 60, **settings: object
) -> HorizonEvaluation:
    score = np.random.default_rng(seed).normal(size=len(OUTCOMES))
    table = OUTCOMES.select(
        pl.lit("dual_tower").alias("model"), "ticker", "as_of", score_7d=pl.Series(score)
    )
    found = judge_and_log(
        table.head(dates * 10),
        OUTCOMES.head(dates * 10),
        Settings.model_validate(
            {"horizons": (7,), "seed": seed, "threads": 1 + seed % 2, **settings}
        ),
        Recipe(),
        name=name,
        root=root,
        files={},
        seed=0,
    )
    return found.horizons[7]


def count(found: HorizonEvaluation) -> int | None:
    return None if found.tried is None else found.tried.count


def test_each_variant_counts_once_however_often_it_is_judged(tmp_path: Path) -> None:
    assert count(judged(tmp_path, "a")) == 1
    assert count(judged(tmp_path, "a")) == 1
    assert count(judged(tmp_path, "b", seed=1)) == 2
    assert count(judged(tmp_path, "a on newer records", dates=50)) == 2
    assert count(judged(tmp_path, "c", seed=2)) == 3
    assert [trial.name for trial in trials_of(tmp_path)] == ["a", "a on newer records", "b", "c"]


def test_what_does_not_change_the_model_makes_no_other_variant(tmp_path: Path) -> None:
    judged(tmp_path, "a")
    few = {"controls": ["ridge"]}
    assert count(judged(tmp_path, "fewer controls", walk_forward=few)) == 1
    assert count(judged(tmp_path, "narrower intervals", coverage=0.8)) == 1
    assert count(judged(tmp_path, "retrained twice as often", walk_forward={"every": "6mo"})) == 2
    assert count(judged(tmp_path, "both", walk_forward=few | {"every": "6mo"})) == 2


def test_a_trial_keeps_its_settings_and_the_rank_ics_of_the_judgement(tmp_path: Path) -> None:
    found = judged(tmp_path, "a")
    (trial,) = trials_of(tmp_path)
    assert trial.rank_ics[7] == found.rank_ics
    assert found.model.rank_ic.value == pytest.approx(np.mean(list(trial.rank_ics[7].values())))
    kept = json.loads((trials_folder(tmp_path) / "a.json").read_text())
    assert kept["settings"]["seed"] == 0
    assert "threads" not in kept["settings"]


def test_without_a_data_root_nothing_is_counted() -> None:
    assert judged(None, "a").tried is None


def test_a_damaged_log_is_refused_with_its_file(tmp_path: Path) -> None:
    judged(tmp_path, "a")
    (trials_folder(tmp_path) / "b.json").write_text("{")
    with pytest.raises(ModelError, match=r"b\.json"):
        judged(tmp_path, "a")


def test_the_trials_of_a_judgement_can_be_lent_to_another_root(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = judged(here, "a")
    judged(here, "b", seed=1)
    assert first.tried is not None
    lend_trials(here, [*first.tried.trials, "gone"], there)
    assert [trial.name for trial in trials_of(there)] == ["a"]
    assert judged(there, "a").tried == first.tried
