"""Windows, averages and denominators of a plain reading: lists of decimals, undefined raises."""

from collections.abc import Callable, Sequence
from decimal import Decimal

Number = Decimal | None
Series = list[Number]

Formula = Callable[[int], Decimal]

ZERO, ONE, TWO, YEAR = Decimal(0), Decimal(1), Decimal(2), Decimal(252)
NEGLIGIBLE = Decimal("1e-12")


class UndefinedError(Exception):
    """A window is not filled, or there is nothing to divide by."""


def last(x: Sequence[Number], t: int, n: int) -> list[Decimal]:
    """The n values up to t."""
    values = x[t - n + 1 : t + 1] if t >= n - 1 else []
    if len(values) < n or None in values:
        raise UndefinedError
    return [value for value in values if value is not None]


def mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def moment(values: Sequence[Decimal], power: int) -> Decimal:
    """Mean power of the deviations from the mean."""
    centre = mean(values)
    return mean([(value - centre) ** power for value in values])


def std(values: Sequence[Decimal], ddof: int = 1) -> Decimal:
    return (moment(values, 2) * len(values) / (len(values) - ddof)).sqrt()


def ratio(above: Decimal, below: Decimal, level: Decimal) -> Decimal:
    """``above / below``, undefined where the denominator is negligible beside its level."""
    if below <= NEGLIGIBLE * level:
        raise UndefinedError
    return above / below


def sign(now: Decimal, before: Decimal) -> int:
    """Of a change: 0 where it is rounding."""
    change = now - before
    return 0 if abs(change) <= NEGLIGIBLE * before else (1 if change > 0 else -1)


def positive(value: Decimal, above: Decimal = ZERO) -> Decimal:
    """The value of a denominator, undefined unless it is above 0 (or what is negligible)."""
    if value <= above:
        raise UndefinedError
    return value


def before(x: Sequence[Decimal], t: int) -> Decimal:
    return last(x, t, 2)[0]


def mature(x: Series, t: int, bars: int) -> Decimal:
    """A value of a recursive average, undefined before a number of bars."""
    if t + 1 < bars:
        raise UndefinedError
    return last(x, t, 1)[0]


def defined(formula: Formula, bars: Sequence[int]) -> Series:
    """A formula at some bars, None where it is undefined."""
    values: Series = []
    for t in bars:
        try:
            values.append(formula(t))
        except UndefinedError:
            values.append(None)
    return values


def smoothed(x: Series, n: int, weight: Decimal) -> Series:
    """A recursive average: the mean of the first n values, then each new one by its weight."""
    first = next((t for t, value in enumerate(x) if value is not None), len(x))
    result: Series = [None] * len(x)
    if len(x) < first + n:
        return result
    average = mean(last(x, first + n - 1, n))
    for t in range(first + n - 1, len(x)):
        if t >= first + n:
            (value,) = last(x, t, 1)
            average += (value - average) * weight
        result[t] = average
    return result


def ema(x: Series, n: int) -> Series:
    return smoothed(x, n, Decimal(2) / (n + 1))


def wilder(x: Series, n: int) -> Series:
    return smoothed(x, n, Decimal(1) / n)
