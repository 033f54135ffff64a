"""The market ``planted`` against paths and places drawn by other code."""

from datetime import date

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from stocktrend.sources.market.context import Context, simulate_context
from stocktrend.sources.market.expectation import (
    Grid,
    decision_grid,
    expected_returns,
    measure_oracle,
    realised_returns,
)
from stocktrend.sources.market.response import (
    ATTENTION_PHI,
    QUIET,
    RISK_PHI,
    STANCE_PHI,
    WEEK,
    calibrate,
    joint_variance,
    setting_of,
)
from stocktrend.sources.market.stocks import Stocks, simulate_stocks

PATHS = 60_000
RESPONSE = calibrate("planted")


def _market(start: date, end: date, tickers: int, seed: int) -> tuple[Context, Stocks, Grid]:
    context = simulate_context(start, end, seed)
    stocks = simulate_stocks(np.arange(tickers), context, RESPONSE, seed)
    return context, stocks, decision_grid(context, start, end)


def _place(x: np.ndarray) -> np.ndarray:
    return 2 * norm.cdf(x) - 1


def _walk(x: np.ndarray, phi: float, rng: np.random.Generator) -> np.ndarray:
    return phi * x + np.sqrt(1 - phi**2) * rng.standard_normal(x.shape)


@pytest.mark.parametrize("horizon", [7, 30])
def test_expected_return_agrees_with_the_mean_of_simulated_futures(horizon: int) -> None:
    context, stocks, grid = _market(date(2018, 1, 1), date(2018, 12, 31), 3, seed=3)
    week, rng = 20, np.random.default_rng(11)
    truth = expected_returns(RESPONSE, context, stocks, grid, horizon)[week]
    row = int(grid.row[week])
    here = row + context.first
    for ticker in range(3):
        risk, stance, attention, accumulation = (
            np.full(PATHS, value)
            for value in (
                context.risk[here],
                context.stance[here],
                stocks.attention[row, ticker],
                stocks.accumulation[row, ticker],
            )
        )
        total = np.zeros(PATHS)
        for step in range(1, int(grid.reach[horizon][week]) + 1):
            market = RESPONSE.risk * _place(risk) + RESPONSE.stance * _place(stance)
            total -= market * (_place(attention) + QUIET) * _place(accumulation)
            if context.is_meeting[here + step]:
                stance = _walk(stance, STANCE_PHI, rng)
            risk = _walk(risk, RISK_PHI, rng)
            attention = _walk(attention, ATTENTION_PHI, rng)
            accumulation = _walk(accumulation, RESPONSE.accumulation_phi, rng)
        assert np.log1p(truth[ticker]) == pytest.approx(
            total.mean(), abs=4 * total.std() / np.sqrt(PATHS)
        )


@pytest.mark.parametrize("phi", [RISK_PHI, 1.0])
def test_variance_of_a_joint_term_over_a_week_is_that_of_drawn_states(phi: float) -> None:
    rng = np.random.default_rng(2)
    states = rng.standard_normal((3, 100_000))
    decays = (phi, ATTENTION_PHI, RESPONSE.accumulation_phi)
    # The mean place of a state that decays for some steps, by quadrature over its future.
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    week = np.zeros(states.shape[1])
    for step in range(WEEK):
        places = [
            sum(
                w * _place(decay**step * x + np.sqrt(1 - decay ** (2 * step)) * node)
                for node, w in zip(nodes, weights / weights.sum(), strict=True)
            )
            for x, decay in zip(states, decays, strict=True)
        ]
        week += places[0] * (places[1] + QUIET) * places[2]
    assert joint_variance(phi, RESPONSE.accumulation_phi) == pytest.approx(week.var(), rel=0.03)


def test_the_truth_correlates_with_the_outcomes_by_about_a_third() -> None:
    found = []
    for seed in (1, 2, 3):
        context, stocks, grid = _market(date(1995, 1, 1), date(2019, 12, 31), 24, seed)
        expected = expected_returns(RESPONSE, context, stocks, grid, 7)
        found.append(measure_oracle(7, expected, realised_returns(stocks, grid, 7)))
        assert found[-1].expected_deviation == pytest.approx(
            setting_of("planted").deviation, rel=0.15
        )
    assert np.mean([oracle.correlation for oracle in found]) == pytest.approx(0.32, abs=0.025)


def test_neither_a_state_nor_a_past_return_tells_much_of_the_truth() -> None:
    context, stocks, grid = _market(date(1995, 1, 1), date(2019, 12, 31), 24, seed=1)
    expected = expected_returns(RESPONSE, context, stocks, grid, 7)[5:].ravel()
    row = grid.row[5:]
    level = np.cumsum(stocks.growth, axis=0)
    alone = {
        "attention": stocks.attention[row],
        "accumulation": stocks.accumulation[row],
        "tone": stocks.tone[row],
        "a week": level[row] - level[row - 5],
        "a month": level[row] - level[row - 20],
    }
    for name, values in alone.items():
        assert abs(spearmanr(expected, values.ravel()).statistic) < 0.12, name
