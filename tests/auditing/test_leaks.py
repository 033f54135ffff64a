"""The audit names every planted leak with its source, and nothing on the honest pipeline."""

import polars as pl
import pytest

from leaks import CLASSIC, HONEST, SUBTLER, Leak, found, toy_training, with_features
from stocktrend.auditing import AuditReport, Steps, examine
from stocktrend.config import Settings
from stocktrend.lake import Tables
from stocktrend.panel import build_panel

LEAKS = CLASSIC + SUBTLER
FEATURES = [leak for leak in LEAKS if leak.feature is not None]
STEPS = [leak for leak in LEAKS if leak.feature is None]


@pytest.fixture(scope="module")
def of_features(records: Tables, chosen: Settings) -> AuditReport:
    """One audit of all leaky features together, and of honest ones beside them."""
    return examine(records, chosen, steps=with_features(FEATURES), samples=40, seed=1)


@pytest.fixture(scope="module")
def panel(records: Tables, chosen: Settings) -> pl.DataFrame:
    return build_panel(records, chosen)


@pytest.mark.parametrize("leak", FEATURES, ids=lambda leak: leak.name)
def test_a_leaky_feature_is_named_with_its_source(leak: Leak, of_features: AuditReport) -> None:
    assert found(leak, of_features)


def test_honest_features_beside_leaky_ones_are_not_named(of_features: AuditReport) -> None:
    assert {finding.what for finding in of_features.findings} == {leak.what for leak in FEATURES}
    assert not {own.name for own in HONEST} & {f.what for f in of_features.findings}


@pytest.mark.parametrize("leak", STEPS, ids=lambda leak: leak.name)
def test_a_leaky_step_is_named(
    leak: Leak, records: Tables, chosen: Settings, panel: pl.DataFrame
) -> None:
    trained = toy_training(panel, chosen) if leak.training else None
    assert leak.steps is not None
    steps = leak.steps(Steps())
    report = examine(records, chosen, steps=steps, trained=trained, samples=40, seed=1)
    assert found(leak, report)
    assert "Look-ahead found in" in report.headline


def test_the_honest_pipeline_has_no_finding(
    records: Tables, chosen: Settings, panel: pl.DataFrame
) -> None:
    trained = toy_training(panel, chosen)
    report = examine(records, chosen, trained=trained, samples=40, seed=2)
    assert report.findings == ()
    assert report.clean
    assert [check.findings for check in report.checks] == [0] * 8
    assert all(check.tested > 200 for check in report.checks)
    assert report.samples >= 40
