"""A plain reading of the 62 formulas, one bar at a time, with 40 decimal digits.

Nothing here is fast or shared with the code under test: windows are lists, a formula is a line, and
what is undefined raises. Rounding cannot decide anything: prices enter as the exact values of their
floats, and what is equal but for rounding differs by far less than 1e-12 of its level.
"""

from decimal import Context, Decimal, localcontext

import polars as pl
from plain_windows import (
    NEGLIGIBLE,
    ONE,
    TWO,
    YEAR,
    ZERO,
    Formula,
    Number,
    Series,
    UndefinedError,
    before,
    defined,
    ema,
    last,
    mature,
    mean,
    moment,
    positive,
    ratio,
    sign,
    std,
    wilder,
)

NUMBERS = ("open", "high", "low", "close", "adj_close", "volume")
DIGITS = Context(prec=40)


class Reading:
    """One history: ``at(t)`` reads the features of its bar t."""

    def __init__(self, bars: pl.DataFrame) -> None:
        with localcontext(DIGITS):
            self._read_bars(bars)
            self._add_series()

    def at(self, t: int) -> dict[str, Number]:
        """The 62 features of a bar, None where undefined."""
        with localcontext(DIGITS):
            return {name: defined(f, [t])[0] for name, f in self.formulas().items()}

    def _read_bars(self, bars: pl.DataFrame) -> None:
        raw = {name: [Decimal(value) for value in bars[name]] for name in NUMBERS}
        self.count = len(raw["close"])
        self.bars = range(self.count)
        c = self.c = raw["adj_close"]
        factor = [c[t] / raw["close"][t] for t in self.bars]
        self.o = [raw["open"][t] * factor[t] for t in self.bars]
        self.h = [max(raw["high"][t] * factor[t], self.o[t], c[t]) for t in self.bars]
        self.l = [min(raw["low"][t] * factor[t], self.o[t], c[t]) for t in self.bars]
        self.v = raw["volume"]
        self.dollars = [raw["close"][t] * self.v[t] for t in self.bars]
        self.typical = [(self.h[t] + self.l[t] + c[t]) / 3 for t in self.bars]

    def _add_series(self) -> None:
        h, l, c, v = self.h, self.l, self.c, self.v  # noqa: E741
        later = range(1, self.count)
        self.r: Series = [None, *((c[t] / c[t - 1]).ln() for t in later)]
        self.signs = [0, *(sign(c[t], c[t - 1]) for t in later)]
        self.gains: Series = [None, *(max(c[t] - c[t - 1], ZERO) for t in later)]
        self.losses: Series = [None, *(max(c[t - 1] - c[t], ZERO) for t in later)]
        self.true_range: Series = [
            None, *(max(h[t], c[t - 1]) - min(l[t], c[t - 1]) for t in later)
        ]  # fmt: skip
        self.force = ema([None, *((c[t] - c[t - 1]) * v[t] for t in later)], 13)
        self.ema = {n: ema(list(c), n) for n in (12, 26)}
        pairs = zip(self.ema[12], self.ema[26], strict=True)
        self.line: Series = [None if b is None or a is None else a - b for a, b in pairs]
        self.signal = ema(self.line, 9)
        self.volatility_5 = defined(lambda t: self.volatility(t, 5), self.bars)
        self.log_volume = defined(self.floored_log_volume, self.bars)
        steps = zip(self.log_volume, [None, *self.log_volume], strict=False)
        self.volume_steps: Series = [None if None in step else step[0] - step[1] for step in steps]
        self.raw_k = defined(self.place_in_range, self.bars)
        self.slow_k = defined(lambda t: mean(last(self.raw_k, t, 3)), self.bars)
        self.place = defined(self.place_in_bar, self.bars)
        self.adx, self.plus_di, self.minus_di = self.directional(14)

    # --- parts that several formulas share ---------------------------------------------------

    def floored_log_volume(self, t: int) -> Decimal:
        """ln(max(V, mean_60(V) / 1000))."""
        average = positive(mean(last(self.v, t, 60)))
        return max(self.v[t], average / 1000).ln()

    def volume_ratio(self, t: int, n: int) -> Decimal:
        average = positive(mean(last(self.v, t, n)))
        return (max(self.v[t], average / 1000) / average).ln()

    def volatility(self, t: int, n: int) -> Decimal:
        return std(last(self.r, t, n)) * YEAR.sqrt()

    def place_in_range(self, t: int) -> Decimal:
        """The raw K of the stochastic over 14 bars."""
        lowest, highest = min(last(self.l, t, 14)), max(last(self.h, t, 14))
        return 100 * ratio(self.c[t] - lowest, highest - lowest, self.c[t])

    def place_in_bar(self, t: int) -> Decimal:
        high, low, close = self.h[t], self.l[t], self.c[t]
        return ratio((close - low) - (high - close), high - low, close) * self.v[t]

    def directional(self, n: int) -> tuple[Series, Series, Series]:
        """Wilder's sums begin with n - 1 bars; the first ADX is the mean of n indices."""
        adx: Series = [None] * self.count
        plus_di, minus_di = adx.copy(), adx.copy()
        plus = minus = ranges = average = ZERO
        for t in range(1, self.count):
            up, down = self.h[t] - self.h[t - 1], self.l[t - 1] - self.l[t]
            level = NEGLIGIBLE * self.c[t]
            decay = 1 - ONE / n if t >= n else ONE
            plus = plus * decay + (up if up > level and up - down > level else ZERO)
            minus = minus * decay + (down if down > level and down - up > level else ZERO)
            ranges = ranges * decay + (self.true_range[t] or ZERO)
            if t < n or ranges <= n * level:
                continue
            plus_di[t], minus_di[t] = 100 * plus / ranges, 100 * minus / ranges
            if plus + minus <= NEGLIGIBLE * ranges:
                continue
            index = 100 * abs(plus - minus) / (plus + minus)
            average = average + index / n if t < 2 * n else average + (index - average) / n
            adx[t] = average
        return adx, plus_di, minus_di

    # --- the formulas, by the groups of the catalogue ------------------------------------------

    def formulas(self) -> dict[str, Formula]:
        return {
            **self.bar_formulas(),
            **self.technical_formulas(),
            **self.return_formulas(),
            **self.volume_formulas(),
        }

    def bar_formulas(self) -> dict[str, Formula]:
        return {
            "stock_open": lambda t: (self.o[t] / before(self.c, t)).ln(),
            "stock_high": lambda t: (self.h[t] / before(self.c, t)).ln(),
            "stock_low": lambda t: (self.l[t] / before(self.c, t)).ln(),
            "stock_close": lambda t: (self.c[t] / mean(last(self.c, t, 252))).ln(),
            "stock_volume": lambda t: self.volume_ratio(t, 252),
        }

    def technical_formulas(self) -> dict[str, Formula]:
        sma = {f"stock_sma_ratio_{n}": self.sma_ratio(n) for n in (5, 20, 50, 200)}
        rsi = {f"stock_rsi_{n}": self.rsi(n) for n in (7, 14, 28)}
        return {
            **sma,
            "stock_ema_ratio_12": lambda t: self.c[t] / mature(self.ema[12], t, 60) - 1,
            "stock_ema_ratio_26": lambda t: self.c[t] / mature(self.ema[26], t, 130) - 1,
            "stock_macd": lambda t: mature(self.line, t, 130) / self.c[t],
            "stock_macd_signal": lambda t: mature(self.signal, t, 130) / self.c[t],
            **rsi,
            "stock_stoch_k_14": lambda t: mature(self.slow_k, t, 0),
            "stock_stoch_d_3": lambda t: mean(last(self.slow_k, t, 3)),
            "stock_cci_20": self.cci,
            "stock_adx_14": lambda t: mature(self.adx, t, 70),
            "stock_plus_di_14": lambda t: mature(self.plus_di, t, 70),
            "stock_minus_di_14": lambda t: mature(self.minus_di, t, 70),
            "stock_aroon_osc_25": self.aroon,
            "stock_bb_percent_b_20": self.percent_b,
            "stock_bb_width_20": lambda t: (
                4 * std(last(self.c, t, 20), 0) / mean(last(self.c, t, 20))
            ),
            "stock_high_252_ratio": lambda t: self.c[t] / max(last(self.h, t, 252)) - 1,
            "stock_low_252_ratio": lambda t: self.c[t] / min(last(self.l, t, 252)) - 1,
        }

    def sma_ratio(self, n: int) -> Formula:
        return lambda t: self.c[t] / mean(last(self.c, t, n)) - 1

    def rsi(self, n: int) -> Formula:
        gains, losses = wilder(self.gains, n), wilder(self.losses, n)

        def formula(t: int) -> Decimal:
            gain, loss = mature(gains, t, 5 * n), mature(losses, t, 5 * n)
            return 100 * ratio(gain, gain + loss, self.c[t])

        return formula

    def cci(self, t: int) -> Decimal:
        window = last(self.typical, t, 20)
        deviation = mean([abs(value - mean(window)) for value in window])
        return ratio(self.typical[t] - mean(window), deviation, mean(window)) / Decimal("0.015")

    def aroon(self, t: int) -> Decimal:
        high, low = last(self.h, t, 26), last(self.l, t, 26)
        top, bottom = max(high) * (1 - NEGLIGIBLE), min(low) * (1 + NEGLIGIBLE)
        since_high = min(25 - i for i, value in enumerate(high) if value >= top)
        since_low = min(25 - i for i, value in enumerate(low) if value <= bottom)
        return Decimal(100) * (since_low - since_high) / 25

    def percent_b(self, t: int) -> Decimal:
        window = last(self.c, t, 20)
        half = 2 * std(window, 0)
        return ratio(self.c[t] - (mean(window) - half), 2 * half, mean(window))

    def return_formulas(self) -> dict[str, Formula]:
        returns = {f"stock_return_{n}d": self.log_return(n) for n in (1, 5, 20, 60, 252)}
        stds = {f"stock_volatility_{n}": self.std_of(n) for n in (5, 10, 20, 60, 252)}
        return {
            **returns,
            **stds,
            "stock_parkinson_20": lambda t: (
                YEAR * mean([x**2 for x in self.logs(self.h, self.l, t)]) / (4 * TWO.ln())
            ).sqrt(),
            "stock_garman_klass_20": lambda t: (YEAR * max(self.garman_klass(t), ZERO)).sqrt(),
            "stock_rogers_satchell_20": lambda t: (YEAR * self.rogers_satchell(t)).sqrt(),
            "stock_yang_zhang_20": self.yang_zhang,
            "stock_natr_14": lambda t: 100 * mature(wilder(self.true_range, 14), t, 70) / self.c[t],
            "stock_downside_volatility_20": lambda t: (
                YEAR * mean([min(x, ZERO) ** 2 for x in last(self.r, t, 20)])
            ).sqrt(),
            "stock_volatility_of_volatility_60": lambda t: std(last(self.volatility_5, t, 60)),
            "stock_return_skew_60": self.skew,
            "stock_drawdown_60": self.drawdown,
        }

    def log_return(self, n: int) -> Formula:
        return lambda t: (self.c[t] / last(self.c, t, n + 1)[0]).ln()

    def std_of(self, n: int) -> Formula:
        return lambda t: self.volatility(t, n)

    def logs(self, above: list[Decimal], below: list[Decimal], t: int) -> list[Decimal]:
        pairs = zip(last(above, t, 20), last(below, t, 20), strict=True)
        return [(a / b).ln() for a, b in pairs]

    def garman_klass(self, t: int) -> Decimal:
        ranges, bodies = self.logs(self.h, self.l, t), self.logs(self.c, self.o, t)
        both = zip(ranges, bodies, strict=True)
        return mean([x**2 / 2 - (2 * TWO.ln() - 1) * y**2 for x, y in both])

    def rogers_satchell(self, t: int) -> Decimal:
        names = (self.h, self.c), (self.h, self.o), (self.l, self.c), (self.l, self.o)
        parts = zip(*(self.logs(a, b, t) for a, b in names), strict=True)
        return max(mean([a * b + c * d for a, b, c, d in parts]), ZERO)

    def yang_zhang(self, t: int) -> Decimal:
        if t < 20:
            raise UndefinedError
        k = Decimal("0.34") / (Decimal("1.34") + Decimal(21) / 19)
        overnight = [(self.o[i] / self.c[i - 1]).ln() for i in range(t - 19, t + 1)]
        body = self.logs(self.c, self.o, t)
        drift_free = self.rogers_satchell(t)
        variance = std(overnight) ** 2 + k * std(body) ** 2 + (1 - k) * drift_free
        return (YEAR * variance).sqrt()

    def skew(self, t: int) -> Decimal:
        n, window = 60, last(self.r, t, 60)
        deviation = positive(std(window, 0), NEGLIGIBLE)
        return moment(window, 3) / deviation**3 * Decimal(n * (n - 1)).sqrt() / (n - 2)

    def drawdown(self, t: int) -> Decimal:
        window = last(self.c, t, 60)
        return min(value / max(window[: i + 1]) - 1 for i, value in enumerate(window))

    def volume_formulas(self) -> dict[str, Formula]:
        ratios = {f"stock_volume_ratio_{n}": self.volume_ratio_of(n) for n in (5, 20, 60)}
        paid = {f"stock_vwap_ratio_{n}": self.vwap_ratio(n) for n in (5, 20)}
        return {
            **ratios,
            **paid,
            "stock_dollar_volume_20": lambda t: positive(mean(last(self.dollars, t, 20))).ln(),
            "stock_amihud_20": self.amihud,
            "stock_obv_slope_20": self.obv_slope,
            "stock_mfi_14": self.money_flow,
            "stock_cmf_20": lambda t: (
                sum(last(self.place, t, 20)) / positive(sum(last(self.v, t, 20)))
            ),
            "stock_force_index_13": lambda t: (
                mature(self.force, t, 65) / self.c[t] / positive(mean(last(self.v, t, 252)))
            ),
            "stock_up_volume_share_20": self.up_share,
            "stock_volume_cv_20": lambda t: (
                std(last(self.v, t, 20)) / positive(mean(last(self.v, t, 20)))
            ),
            "stock_price_volume_corr_20": self.correlation,
            "stock_volume_trend_20_60": lambda t: (
                mean(last(self.v, t, 20)) / positive(mean(last(self.v, t, 60))) - 1
            ),
            "stock_volume_zscore_60": lambda t: ratio(
                self.v[t] - mean(last(self.v, t, 60)),
                std(last(self.v, t, 60)),
                mean(last(self.v, t, 60)),
            ),
        }

    def volume_ratio_of(self, n: int) -> Formula:
        return lambda t: self.volume_ratio(t, n)

    def vwap_ratio(self, n: int) -> Formula:
        def formula(t: int) -> Decimal:
            volume = last(self.v, t, n)
            paid = sum(p * v for p, v in zip(last(self.typical, t, n), volume, strict=True))
            return self.c[t] / (paid / positive(sum(volume))) - 1

        return formula

    def amihud(self, t: int) -> Decimal:
        pairs = zip(last(self.r, t, 20), last(self.dollars, t, 20), strict=True)
        impact = [abs(r) / dollars for r, dollars in pairs if dollars > 0]
        if not impact:
            raise UndefinedError
        return (1 + 10**9 * mean(impact)).ln()

    def obv_slope(self, t: int) -> Decimal:
        volume = last(self.v, t, 20)
        level, balance = ZERO, []
        for i in range(t - 19, t + 1):
            level += self.signs[i] * self.v[i]
            balance.append(level)
        at = [Decimal(i) - Decimal("9.5") for i in range(20)]
        slope = sum(x * y for x, y in zip(at, balance, strict=True)) / sum(x * x for x in at)
        return slope / positive(mean(volume))

    def money_flow(self, t: int) -> Decimal:
        last(self.r, t, 14)
        rising = falling = ZERO
        for i in range(t - 13, t + 1):
            flow = self.typical[i] * self.v[i]
            direction = sign(self.typical[i], self.typical[i - 1])
            rising += flow if direction > 0 else ZERO
            falling += flow if direction < 0 else ZERO
        return 100 * rising / positive(rising + falling)

    def up_share(self, t: int) -> Decimal:
        last(self.r, t, 20)
        up = sum(self.v[i] for i in range(t - 19, t + 1) if self.signs[i] > 0)
        return up / positive(sum(last(self.v, t, 20)))

    def correlation(self, t: int) -> Decimal:
        x, y = last(self.r, t, 20), last(self.volume_steps, t, 20)
        below = positive(std(x, 0), NEGLIGIBLE) * positive(std(y, 0), NEGLIGIBLE)
        pairs = zip(x, y, strict=True)
        return mean([(a - mean(x)) * (b - mean(y)) for a, b in pairs]) / below
