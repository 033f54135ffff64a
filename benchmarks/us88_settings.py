"""Settings that read the real data in its own layouts, for benchmarks and tests.

The paths are absolute, so that a data root elsewhere needs no copy of the files.
"""

from datetime import date
from pathlib import Path

import yaml

from stocktrend.config import (
    BarsFile,
    Calendar,
    ExecutiveOrdersFile,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    NewsFile,
    SeriesFile,
    Settings,
    Sources,
)
from stocktrend.source_settings import MacroSource, PolicySource

DAILY = ("DFF", "DGS10", "DGS2", "BAA10Y", "VIXCLS")


def data_root(root: Path, settings: Settings) -> Path:
    """A folder as a data root of these settings, made where it is missing."""
    root.mkdir(parents=True, exist_ok=True)
    content = settings.model_dump(mode="json", exclude_none=True)
    (root / "stocktrend.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return root


def us88_settings(data: Path) -> Settings:
    """88 stocks with posts, macro with vintages, policy. ``data``: the folder of real data."""
    data = data.resolve()
    return Settings(
        sources=Sources(
            prices=(BarsFile(path=f"{data}/us88/prices/*.csv"),),
            news=(
                NewsFile(
                    path=f"{data}/us88/news/*.jsonl.zst",
                    start=date(2014, 1, 1),
                    end=date(2016, 3, 31),
                ),
            ),
            policy=policy_sources(data),
            macro=macro_sources(data),
        )
    )


def policy_sources(data: Path) -> tuple[PolicySource, ...]:
    """Rate decisions, executive orders and the policy uncertainty index."""
    return (
        FomcFile(path=f"{data}/policy/fomc.csv"),
        ExecutiveOrdersFile(path=f"{data}/policy/executive_orders.csv"),
        IndexFile(path=f"{data}/policy/epu_daily.csv", name="epu"),
    )


def macro_sources(data: Path) -> tuple[MacroSource, ...]:
    """FRED-MD vintages and GDP estimates; core CPI as it stands; daily rates and VIX."""

    def calendar(release: str, longest_lag_days: int) -> Calendar:
        path = f"{data}/macro/release_dates.csv"
        return Calendar(path=path, release=release, longest_lag_days=longest_lag_days)

    jobs = calendar("EMPSIT", 81)
    vintages = FredMdFile(
        path=f"{data}/macro/vintages/fred_md_deltas.parquet",
        series={
            "CPIAUCSL": "CPIAUCSL",
            "UNRATE": "UNRATE",
            "PAYEMS": "PAYEMS",
            "INDPRO": "INDPRO",
            "UMCSENT": "UMCSENTx",
        },
        calendars={"CPIAUCSL": calendar("CPI", 60), "UNRATE": jobs, "PAYEMS": jobs},
    )
    return (
        vintages,
        GdpEstimatesFile(path=f"{data}/macro/vintages/gdpc1_first_second_third.csv"),
        SeriesFile(path=f"{data}/macro/CPILFESL.csv", release=calendar("CPI", 60)),
        *(SeriesFile(path=f"{data}/macro/{series}.csv") for series in DAILY),
    )
