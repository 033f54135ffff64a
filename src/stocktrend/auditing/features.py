"""Do features of the past change with the future?

At each moment of the sample

1. all records known later are deleted, altered and told anew, and new ones invented;
2. all records known later are left out;

and once all prices are rescaled as later splits and dividends do. Rows up to the moment are
computed again by the same steps and compared with the first ones bit for bit, or for the rescaled
prices within rounding. Where something differs, one table at a time is changed, and then one kind
of change at a time, to name the cause.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from stocktrend.auditing.changes import RESCALINGS, Fate, cut, rescaled, rewritten
from stocktrend.auditing.comparing import KEY, Difference, differences
from stocktrend.auditing.findings import OTHER_TICKERS, RESCALED, SEVERAL, Finding
from stocktrend.auditing.sample import Sample
from stocktrend.auditing.steps import Steps
from stocktrend.config import Settings
from stocktrend.errors import DataError, NoRowsError
from stocktrend.lake import Tables
from stocktrend.progress import Progress, silent
from stocktrend.sessions import as_of_grid, sessions
from stocktrend.targets import label_columns, outcome_columns

DELAYS: Final = (0.0, 0.0, 1 / 86_400, 1 / 24, 5 / 24, 14 / 24, 1.0, 3.0, 20.0)
"""Days until invented records are known: within the day for joins by date and slips of the time
zone, days for windows that look ahead."""


@dataclass(frozen=True)
class Kind:
    """A kind of change, whatever the moment; see ``Fate``."""

    dropped: float
    changed: float
    told: int
    latest: int

    def fate(self, seed: int, moment: datetime, place: int) -> Fate:
        """What happens to one table after a moment."""
        stream = np.random.SeedSequence([seed, int(moment.timestamp()), place])
        drawn = int(stream.generate_state(1)[0])
        return Fate(self.dropped, self.changed, self.told, DELAYS, drawn, self.latest)


ALL_KINDS: Final = Kind(dropped=0.3, changed=0.7, told=200, latest=3)
KINDS: Final = {
    "altered": Kind(dropped=0.0, changed=1.0, told=0, latest=0),
    "deleted": Kind(dropped=1.0, changed=0.0, told=0, latest=0),
    "invented": Kind(dropped=0.0, changed=0.0, told=200, latest=3),
}
CUT: Final = "left out"
LARGEST_LOG: Final = 3.0
ROUNDING: Final = 1e-9
"""The law of scale invariance: times max(abs(a), abs(b), 1)."""

Change = Callable[[Tables], Tables]


@dataclass(frozen=True)
class Audited:
    """What features are audited on.

    Attributes:
        records: All records of the sampled tickers, and of the market.
        panel: The rows that they give.
        names: Columns that are compared.
    """

    records: Tables
    settings: Settings
    steps: Steps
    panel: pl.DataFrame
    names: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, records: Tables, settings: Settings, steps: Steps, seed: int) -> "Audited":
        """Compute the rows once, as production does."""
        panel = steps.panel(records, settings)
        labels = {
            name for h in settings.horizons for name in (*label_columns(h), *outcome_columns(h))
        }
        names = tuple(n for n in panel.columns if n not in KEY and n not in labels)
        return cls(records, settings, steps, panel, names, seed)

    def moments(self, sample: Sample) -> list[datetime]:
        """The ``as_of`` of the sampled dates: the panel's own, the grid's where it has no row."""
        settings = self.settings
        grid = as_of_grid(settings.frequency, settings.start, settings.end, settings.exchange)
        times = pl.concat([self.panel.select("as_of"), grid.select("as_of")]).unique()
        days = sessions(settings.exchange).select("session", as_of=pl.col("close"))
        # A decision at the open is of the session that closes next.
        times = times.sort("as_of").join_asof(days, on="as_of", strategy="nearest")
        ours = times.join(self.panel.select("as_of").unique(), on="as_of", how="semi")
        first = pl.concat([ours, times]).unique("session", keep="first", maintain_order=True)
        chosen: list[datetime] = (
            first.filter(pl.col("session").is_in(list(sample.dates))).sort("as_of")["as_of"]
        ).to_list()
        return chosen

    def moved(self, moment: datetime, change: Change) -> list[Difference]:
        """What differs in the rows up to a moment when the records are changed."""
        before = self.panel.filter(pl.col("as_of") <= moment)
        if before.is_empty():
            return []
        after = self.changed(moment, change).filter(pl.col("as_of") <= moment)
        return differences(before, after, self.names)

    def changed(self, moment: datetime, change: Change) -> pl.DataFrame:
        """The rows that changed records give; none where they give none.

        Raises:
            DataError: a step, such as a user's own feature, fails on them.
        """
        try:
            return self.steps.panel(change(self.records), self.settings)
        except NoRowsError:
            return self.panel.clear()
        except DataError as error:
            raise DataError(
                "every step must cope with any records that become known later, revisions of "
                f"earlier ones too, however with other records after {moment:%Y-%m-%d}: {error}"
            ) from error

    def future(self, moment: datetime, kind: Kind, tables: Sequence[str]) -> Change:
        """Another future of some tables."""
        fates = {
            table: kind.fate(self.seed, moment, place)
            for place, table in enumerate(sorted(self.records.tables))
            if table in tables
        }
        return lambda records: rewritten(records, moment, fates)

    def every_other(self, change: Change) -> Change:
        """A change of bars confined to every other ticker."""
        bars = self.records.tables["bars"]
        half = bars["ticker"].unique().sort().gather_every(2).implode()
        kept = bars.filter(~pl.col("ticker").is_in(half))

        def confined(records: Tables) -> Tables:
            some = bars.filter(pl.col("ticker").is_in(half))
            changed = change(replace(records, tables={**records.tables, "bars": some}))
            both = pl.concat([changed.tables["bars"], kept])
            return replace(changed, tables={**changed.tables, "bars": both})

        return confined


def audit_features(
    audited: Audited, moments: Sequence[datetime], progress: Progress = silent
) -> list[Finding]:
    """Change everything that is known after each moment, and rescale prices.

    Returns:
        One finding a column and source; the rows of a panel count as a column.
    """
    findings: list[Finding] = []
    left_out: set[str] = set()
    tables = sorted(audited.records.tables)
    steps = 2 * len(moments) + 1
    for number, moment in enumerate(moments):
        progress("audit features", 2 * number, steps, "changes")
        found = audited.moved(moment, audited.future(moment, ALL_KINDS, tables))
        new = _new(found, findings, set(KINDS))
        if new:
            findings += _traced(audited, moment, new)
        progress("audit features", 2 * number + 1, steps, "changes")
        found = audited.moved(moment, lambda records, m=moment: cut(records, m))  # type: ignore[misc]
        left_out |= {difference.name for difference in found}
        new = _new(found, findings, {*KINDS, CUT})
        if new:
            findings += _traced_cut(audited, moment, new)
    progress("audit features", steps - 1, steps, "changes")
    findings = [_with_cut(finding, left_out) for finding in findings] + _rescaled(audited)
    progress("audit features", steps, steps, "changes")
    return findings


def _new(
    found: Sequence[Difference], findings: Sequence[Finding], kinds: set[str]
) -> list[Difference]:
    """Differences whose column has no finding of these kinds yet."""
    known = {finding.what for finding in findings if kinds & set(finding.changes)}
    return [difference for difference in found if difference.name not in known]


def _with_cut(finding: Finding, left_out: set[str]) -> Finding:
    """The finding, with the kind of change that was not traced because it was known by others."""
    if finding.what not in left_out or CUT in finding.changes:
        return finding
    return replace(finding, changes=(*finding.changes, CUT))


def _traced(audited: Audited, moment: datetime, found: Sequence[Difference]) -> list[Finding]:
    """Name table and kind of change of each difference, by changing one at a time."""
    causes: dict[str, dict[str, list[str]]] = {difference.name: {} for difference in found}
    for table in sorted(audited.records.tables):
        alone = audited.future(moment, ALL_KINDS, (table,))
        moved = causes.keys() & {d.name for d in audited.moved(moment, alone)}
        if not moved:
            continue
        kinds = {
            kind: {d.name for d in audited.moved(moment, audited.future(moment, how, (table,)))}
            for kind, how in KINDS.items()
        }
        others = _from_others(audited, moment, alone) if table == "bars" else set()
        for name in moved:
            source = OTHER_TICKERS if name in others else table
            causes[name][source] = [kind for kind, names in kinds.items() if name in names]
    return _findings(found, causes, moment, tuple(KINDS))


def _traced_cut(audited: Audited, moment: datetime, found: Sequence[Difference]) -> list[Finding]:
    causes: dict[str, dict[str, list[str]]] = {difference.name: {} for difference in found}
    for table in sorted(audited.records.tables):

        def alone(records: Tables, table: str = table) -> Tables:
            return cut(records, moment, (table,))

        moved = causes.keys() & {d.name for d in audited.moved(moment, alone)}
        others = _from_others(audited, moment, alone) if table == "bars" and moved else set()
        for name in moved:
            causes[name][OTHER_TICKERS if name in others else table] = [CUT]
    return _findings(found, causes, moment, (CUT,))


def _from_others(audited: Audited, moment: datetime, change: Change) -> set[str]:
    """Columns that move in rows of tickers whose own bars stay."""
    bars = audited.records.tables["bars"]
    half = bars["ticker"].unique().sort().gather_every(2).implode()
    theirs = ~pl.col("ticker").is_in(half) & (pl.col("as_of") <= moment)
    after = audited.changed(moment, audited.every_other(change))
    found = differences(audited.panel.filter(theirs), after.filter(theirs), audited.names)
    return {difference.name for difference in found}


def _findings(
    found: Sequence[Difference],
    causes: dict[str, dict[str, list[str]]],
    moment: datetime,
    kinds: tuple[str, ...],
) -> list[Finding]:
    return [
        Finding.of(difference, tuple(changes) or kinds, source, moment)
        for difference in found
        for source, changes in (causes[difference.name] or {SEVERAL: []}).items()
    ]


def _rescaled(audited: Audited) -> list[Finding]:
    """Every column but the close, with all prices as a later split and dividend leave them."""
    names = [name for name in audited.names if name != "close"]
    both = _rescaled_differences(audited, names, tuple(RESCALINGS))
    if not both:
        return []
    alone = {
        kind: {d.name for d in _rescaled_differences(audited, names, (kind,))}
        for kind in RESCALINGS
    }
    last = audited.panel["as_of"].max()
    return [
        Finding.of(
            difference,
            tuple(kind for kind in RESCALINGS if difference.name in alone[kind])
            or ("split and dividend",),
            RESCALED,
            last,
        )
        for difference in both
    ]


def _rescaled_differences(
    audited: Audited, names: Sequence[str], kinds: Sequence[str]
) -> list[Difference]:
    rng = np.random.default_rng(audited.seed)
    bars = audited.records.tables["bars"]
    tickers = bars["ticker"].unique().sort().to_list()
    for kind in kinds:
        logs = rng.uniform(0.5, LARGEST_LOG, len(tickers)) * rng.choice([-1.0, 1.0], len(tickers))
        bars = rescaled(bars, dict(zip(tickers, logs, strict=True)), RESCALINGS[kind])
    records = replace(audited.records, tables={**audited.records.tables, "bars": bars})
    after = audited.steps.panel(records, audited.settings)
    return differences(audited.panel, after, names, rounding=ROUNDING)
