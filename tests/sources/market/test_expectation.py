"""The closed form of the expected returns against paths drawn by other code."""

from datetime import date

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from stocktrend.sources.market.context import simulate_context
from stocktrend.sources.market.expectation import (
    decision_grid,
    expected_returns,
    measure_oracle,
)
from stocktrend.sources.market.process import ar1
from stocktrend.sources.market.response import (
    ACCUMULATION_PHI,
    ATTENTION_PHI,
    RISK_PHI,
    STANCE_PHI,
    TONE_PHI,
    Market,
    calibrate,
)
from stocktrend.sources.market.stocks import simulate_stocks

START, END = date(2018, 1, 1), date(2018, 12, 31)
PATHS = 60_000


def _walk(x: np.ndarray, phi: float, rng: np.random.Generator) -> np.ndarray:
    return phi * x + np.sqrt(1 - phi**2) * rng.standard_normal(x.shape)


@pytest.mark.parametrize("horizon", [7, 30])
@pytest.mark.parametrize("week", [8, 20])
def test_expected_return_agrees_with_the_mean_of_simulated_futures(horizon: int, week: int) -> None:
    response = calibrate("strong")
    context = simulate_context(START, END, seed=3)
    stocks = simulate_stocks(np.arange(3), context, response, seed=3)
    grid = decision_grid(context, START, END)
    truth = expected_returns(response, context, stocks, grid, horizon)[week]
    here = int(grid.row[week]) + context.first
    rng = np.random.default_rng(11)
    for ticker in range(3):
        row = int(grid.row[week])
        risk, stance, attention, accumulation, tone = (
            np.full(PATHS, value)
            for value in (
                context.risk[here],
                context.stance[here],
                stocks.attention[row, ticker],
                stocks.accumulation[row, ticker],
                stocks.tone[row, ticker],
            )
        )
        total = np.zeros(PATHS)
        for step in range(1, int(grid.reach[horizon][week]) + 1):
            total += (
                -response.risk * risk * attention
                - response.stance * stance * accumulation
                + response.tone * tone
            )
            before, held = risk, attention
            if context.is_meeting[here + step]:
                stance = _walk(stance, STANCE_PHI, rng)
            risk = _walk(risk, RISK_PHI, rng)
            attention = _walk(attention, ATTENTION_PHI, rng)
            accumulation = _walk(accumulation, ACCUMULATION_PHI, rng)
            tone = _walk(tone, TONE_PHI, rng)
            shock = risk - RISK_PHI * before
            total += response.news * response.risk * ATTENTION_PHI * held * shock
        error = 4 * total.std() / np.sqrt(PATHS)
        assert np.log1p(truth[ticker]) == pytest.approx(total.mean(), abs=error)
        # The simple return differs by the variance of the states' future, as the module says.
        assert abs(np.expm1(total).mean() - truth[ticker]) < error + 0.002


def test_target_sessions_are_those_of_the_calendar() -> None:
    context = simulate_context(START, END, seed=0)
    grid = decision_grid(context, START, END)
    as_of = [d.date() for d in grid.as_of]
    friday = as_of.index(date(2018, 3, 23))
    # A week later is Good Friday, so the target is Monday, 2 April: five sessions on.
    assert grid.reach[7][friday] == 5
    assert grid.reach[7][as_of.index(date(2018, 3, 16))] == 5
    # Thirty days after 16 March is a Sunday; 16 April is the 20th session after.
    assert grid.reach[30][as_of.index(date(2018, 3, 16))] == 20


@pytest.mark.parametrize(("market", "told"), [("none", False), ("realistic", True)])
def test_how_much_prices_move_can_be_told_but_in_the_market_none(
    market: Market, told: bool
) -> None:
    context = simulate_context(date(2010, 1, 1), date(2019, 12, 31), seed=2)
    stocks = simulate_stocks(np.arange(40), context, calibrate(market), seed=2)
    size = np.abs(stocks.growth - stocks.growth.mean())
    past = sliding_window_view(size, 60, axis=0).mean(axis=-1)
    vix = np.broadcast_to(context.vix[context.first :, None], size.shape)
    for known in (vix[59:], stocks.reach[59:], stocks.activity[59:], past):
        found = np.corrcoef(known[:-1].ravel(), size[60:].ravel())[0, 1]
        # As if the tickers of a date were one, which they nearly are for the volatility index.
        assert (abs(found) > 4 / np.sqrt(len(past))) == told


def test_latent_states_have_unit_variance_and_the_stated_decay() -> None:
    path = ar1(0.9, np.random.default_rng(0).standard_normal((4_000, 50)))
    assert path.std() == pytest.approx(1, abs=0.02)
    assert (path[5:] * path[:-5]).mean() == pytest.approx(0.9**5, abs=0.02)


def test_stance_changes_only_at_meetings() -> None:
    context = simulate_context(START, END, seed=0)
    moved = np.flatnonzero(np.diff(context.stance) != 0) + 1
    assert moved.tolist() == np.flatnonzero(context.is_meeting)[-len(moved) :].tolist()
    in_2018 = context.days[context.is_meeting & (context.days >= np.datetime64("2018-01-01"))]
    assert len(in_2018) == 8


def test_oracle_of_a_perfect_truth_is_one_and_of_a_constant_truth_is_unknown() -> None:
    realised = np.random.default_rng(0).standard_normal((10, 20))
    realised[3, 4:] = np.nan
    perfect = measure_oracle(7, realised.copy(), realised)
    assert perfect.correlation == pytest.approx(1)
    assert perfect.rank_ic == pytest.approx(1)
    assert perfect.rows == 10 * 20 - 16
    constant = measure_oracle(7, np.zeros_like(realised), realised)
    assert constant.correlation is None
    assert constant.rank_ic is None
