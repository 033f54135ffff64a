"""The ``stocktrend.yaml`` that goes with a simulated market: every source and release rule."""

from datetime import date

_TEXT = """\
# Settings of a simulated market ({market}, {tickers} tickers, seed {seed}).
# Whatever is not set here has its default: `stocktrend config` prints all of it.

exchange: XNYS
frequency: weekly        # or daily
horizons: [7, 30]        # days
seed: {seed}

sources:
  # One CSV a ticker, Yahoo's columns. A bar is known at its session's close.
  prices:
    - path: raw/prices/*.csv

  # One JSON line an item, known at its timestamp. Inside start..end silence is a fact.
  news:
    - path: raw/news/*.jsonl
      start: {start}
      end: {end}

  # Who was in the universe: a ticker joins on start_date, end_date is the first day out.
  universe:
    - path: raw/universe/membership.csv

  # Statements are known at their release time, the index at 10:00 of the next business day.
  policy:
    - kind: fomc
      path: raw/policy/fomc.csv
    - kind: index
      path: raw/policy/epu_daily.csv
      series: USEPUINDXD

  # Values are known at 23:59 New York of their release date; a period that the calendar lacks
  # falls back to the longest lag ever seen. Nothing is revised in this market.
  macro:
{macro}"""

_CALENDAR = {
    "CPIAUCSL": ("CPI", 60),
    "CPILFESL": ("CPI", 60),
    "UNRATE": ("EMPSIT", 81),
    "PAYEMS": ("EMPSIT", 81),
    "GDPC1": ("GDP_advance", 176),
}
_LAG = {"INDPRO": 60, "UMCSENT": 31}
_DAILY = ("DFF", "DGS10", "DGS2", "BAA10Y", "VIXCLS")


def settings_text(*, market: str, tickers: int, start: date, end: date, seed: int) -> str:
    """The file's text."""
    rules = {
        name: f"{{rule: calendar, path: raw/macro/release_dates.csv, release: {release}, "
        f"longest_lag_days: {days}}}"
        for name, (release, days) in _CALENDAR.items()
    }
    rules |= {name: f"{{rule: lag, days: {days}}}" for name, days in _LAG.items()}
    rules |= dict.fromkeys(_DAILY, '{rule: next_business_day, at: "10:00"}')
    macro = "".join(
        f"    - kind: series\n      path: raw/macro/{name}.csv\n      series: {name}\n"
        f"      revised: false\n      release: {rule}\n"
        for name, rule in rules.items()
    )
    return _TEXT.format(
        market=market, tickers=tickers, start=start, end=end, seed=seed, macro=macro
    )
