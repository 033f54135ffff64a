"""Settings of the S&P 500 on the real data, for benchmarks and tests.

``us88_settings.data_root(folder, sp500_settings(data))`` makes a data root of them.
"""

from pathlib import Path

from stocktrend.config import BarsFile, MembershipFile, Settings, Sources
from us88_settings import macro_sources, policy_sources


def sp500_settings(data: Path) -> Settings:
    """Members of the S&P 500, 2005 to 2014, each while it was in. ``data``: the real data."""
    data = data.resolve()
    return Settings(
        sources=Sources(
            prices=(BarsFile(path=f"{data}/sp500/prices_2005_2014.parquet"),),
            news=(),
            policy=policy_sources(data),
            macro=macro_sources(data),
            universe=(MembershipFile(path=f"{data}/sp500/membership.csv"),),
        )
    )
