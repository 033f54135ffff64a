"""``simulate``: from a seed to a data root full of raw files, and the truth about them.

1. Draw the market as a whole: states, calendar, factor (``context``).
2. Draw tickers in blocks, so that memory does not grow with their number (``stocks``).
3. Write what a user would have: prices, news, policy, macro, the universe, settings.
4. Write what a user never has: the expected return of each row and what knowing it is worth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.progress import Progress, silent
from stocktrend.sources.made_root import MadeRoot, RawFiles
from stocktrend.sources.market.bars import bar_files
from stocktrend.sources.market.context import Context, simulate_context
from stocktrend.sources.market.expectation import Oracle, decision_grid
from stocktrend.sources.market.macro import simulate_macro
from stocktrend.sources.market.names import ticker_symbol
from stocktrend.sources.market.news import market_news, news_files
from stocktrend.sources.market.order import Order, parse_dates
from stocktrend.sources.market.policy import simulate_policy
from stocktrend.sources.market.response import PREMIUM, Market, calibrate
from stocktrend.sources.market.settings_file import settings_text
from stocktrend.sources.market.stocks import Stocks, simulate_stocks
from stocktrend.sources.market.truth import Truth

BLOCK: Final = 64
TRUTH: Final = "truth.json"
MARKET_NEWS: Final = "_market.jsonl"


@dataclass(frozen=True)
class SimulatedMarket:
    """What ``simulate`` wrote, and how well the truth itself predicts.

    Attributes:
        root: The data root.
        order: Market, tickers, dates and seed.
        files: Files written, by kind (``prices``, ``news``, ``policy``, ``macro``, ``universe``).
        rows: Records in them, by kind.
        oracle: Figures of the truth by horizon in days.
        premium: Expected log growth a session that every ticker has and the truth leaves out.
    """

    root: Path
    order: Order
    files: dict[str, int]
    rows: dict[str, int]
    oracle: dict[int, Oracle]
    premium: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the place."""
        return {
            "order": self.order.to_dict(),
            "files": self.files,
            "rows": self.rows,
            "premium_per_session": self.premium,
            "oracle": {f"{h}d": oracle.to_dict() for h, oracle in self.oracle.items()},
        }


def simulate(
    root: Path | str,
    *,
    market: Market = "realistic",
    tickers: int = 40,
    start: date | str = date(2014, 1, 1),
    end: date | str = date(2019, 12, 31),
    seed: int = 0,
    progress: Progress = silent,
) -> SimulatedMarket:
    """Writes a simulated market in the layout of a user's own files, and the truth about it.

    Args:
        root: Data root: a new or empty folder, or one with an earlier simulated market.
        market: ``strong`` (an oracle's 7-day correlation is about 0.86), ``realistic`` (0.05),
            ``planted`` (0.32, all of it in the product of three states) or ``none`` (nothing to be
            found: returns are independent of all that can be known).
        tickers: Companies; some are listed late, some leave early.
        start, end: First and last day of prices and news, dates or texts such as "2014-01-01";
            macro and policy begin three years before.
        seed: Any non-negative integer. Same arguments: same files, byte for byte.
        progress: Told of each ticker written.

    Returns:
        Counts and the oracle's figures, also in ``<root>/truth.json``. ``<root>/truth.parquet``
        has ``ticker``, ``as_of`` (UTC close of each week's last session) and, for 7 and 30 days,
        ``expected_return_{h}d``: the expectation of the return as the targets define it, given
        the latent states as read by ``as_of``, in excess of the constant premium.

    Raises:
        ConfigError: an argument is out of range, or the folder holds data that is not simulated
            or a lake built from another market; all problems at once.
    """
    root = Path(root)
    start, end = parse_dates(start, end)
    order = Order(market, tickers, start, end, seed)
    made = MadeRoot(root, "a simulated market", TRUTH, order.to_dict())
    raw = made.prepare(order.problems())
    context = simulate_context(start, end, seed)
    _write_market_wide(context, seed, raw)
    truth = Truth(decision_grid(context, start, end), tickers)
    response = calibrate(market)
    spells: list[str] = []
    for numbers in _blocks(tickers):
        stocks = simulate_stocks(numbers, context, response, seed)
        truth.add(numbers, stocks, context, response)
        spells += _spells(numbers, stocks, context)
        for number in _write_block(numbers, stocks, context, seed, raw):
            progress("simulate", number + 1, tickers, "tickers")
    text = "\n".join(["ticker,start_date,end_date", *spells, ""])
    raw.write("universe", "membership.csv", text, len(spells))
    truth.write(root / "truth.parquet")
    result = SimulatedMarket(root, order, raw.files, raw.rows, truth.oracle(), PREMIUM)
    settings = settings_text(market=market, tickers=tickers, start=start, end=end, seed=seed)
    made.finish(raw, settings, result.to_dict())
    return result


def _write_market_wide(context: Context, seed: int, raw: RawFiles) -> None:
    policy = simulate_policy(context, seed)
    macro = simulate_macro(context, policy, seed)
    raw.write("policy", "fomc.csv", policy.fomc.write_csv(), policy.fomc.height)
    raw.write("policy", "epu_daily.csv", policy.uncertainty.write_csv(), policy.uncertainty.height)
    for name, frame in macro.series.items():
        raw.write("macro", f"{name}.csv", frame.write_csv(), frame.height)
    raw.write("macro", "release_dates.csv", macro.releases.write_csv(), macro.releases.height)
    text, items = market_news(context, seed)
    raw.write("news", MARKET_NEWS, text, items)


def _blocks(tickers: int) -> Iterator[NDArray[np.int64]]:
    for begin in range(0, tickers, BLOCK):
        yield np.arange(begin, min(begin + BLOCK, tickers), dtype=np.int64)


def _spells(numbers: NDArray[np.int64], stocks: Stocks, context: Context) -> Iterator[str]:
    """Each ticker as a member from its first bar until the session after its last."""
    days = [str(day) for day in context.days[context.first :]]
    lives = zip(numbers.tolist(), stocks.traits.first, stocks.traits.last, strict=True)
    for number, first, last in lives:
        end = days[last + 1] if last + 1 < len(days) else ""
        yield f"{ticker_symbol(number)},{days[first]},{end}"


def _write_block(
    numbers: NDArray[np.int64], stocks: Stocks, context: Context, seed: int, raw: RawFiles
) -> Iterator[int]:
    """Writes each ticker's bars and news, and yields its number."""
    days = context.days[context.first :]
    bars = bar_files(numbers, stocks, days, seed)
    news = news_files(numbers, stocks, days, seed)
    for number, (bar_text, bar_rows), (news_text, items) in zip(
        numbers.tolist(), bars, news, strict=True
    ):
        symbol = ticker_symbol(number)
        raw.write("prices", f"{symbol}.csv", bar_text, bar_rows)
        if items:
            raw.write("news", f"{symbol}.jsonl", news_text, items)
        yield number
