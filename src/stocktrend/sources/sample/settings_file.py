"""The ``stocktrend.yaml`` that goes with the sample: every source, its origin and its licence."""

from collections.abc import Mapping

_TEXT = """\
# Settings of the packaged sample: five real stocks, 2000-03-01 to 2013-03-01.
# Whatever is not set here has its default: `stocktrend config` prints all of it.

exchange: XNYS
frequency: weekly        # or daily
horizons: [7, 30]        # days

sources:
  # Daily bars of Quandl WIKI Prices, from bokeh_sampledata {bokeh_sampledata}. Public domain by its
  # publisher's notice of 2015. Prices and volume are put into shares of the last day by the splits
  # of AAPL (2:1 on 2000-06-21 and 2005-02-28) and MSFT (2:1 on 2003-02-18); the adjusted close has
  # the dividends too. GOOG is Google before its split of 2014. The five were picked long
  # afterwards, among companies that did well.
  prices:
    - path: raw/prices/*.csv

  # Decisions of the Federal Open Market Committee on its target for the federal funds rate, by
  # its public statements, which are in the public domain. Known at their release time. Without
  # the texts of the statements there is no stance; without a daily index no uncertainty.
  policy:
    - kind: fomc
      path: raw/policy/fomc.csv

  # Core consumer prices of the Bureau of Labor Statistics (public domain), FRED's CPILFESL, from
  # arch {arch} (NCSA licence), as revised by the end of 2018. Counted as known after the longest
  # lag ever seen.
  macro:
    - kind: series
      path: raw/macro/CPILFESL.csv
      series: CPILFESL
      revised: true
      release: {{rule: lag, days: 60}}

  # The sample has no news: files in raw/news (ticker, timestamp, text) would be read.
"""


def settings_text(versions: Mapping[str, str]) -> str:
    """The file's text; ``versions`` are those of the packages with the data."""
    return _TEXT.format(**versions)
