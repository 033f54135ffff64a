"""What an audit found, as frozen objects and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final, Self

from stocktrend.auditing.comparing import ROWS, Difference

OTHER_TICKERS: Final = "bars of other tickers"
SEVERAL: Final = "several tables together"
RESCALED: Final = "splits and dividends"
REMEDIES: Final = {
    "bars": (
        "read bars with known_at <= as_of only: no centred window, no shift(-n), no filling from "
        "later values, no statistic over all dates"
    ),
    OTHER_TICKERS: "keep tickers apart: .over('ticker') on each shift and window",
    "news": "compare known_at with as_of as times, in UTC: known_at <= as_of, not dates",
    "policy": "compare known_at with as_of as times, in UTC: known_at <= as_of, not dates",
    "macro": "choose the version of a value after filtering known_at <= as_of, and by known_at",
    "universe": "take membership by known_at <= as_of, not by the day on which it begins",
    SEVERAL: "read records with known_at <= as_of only",
    RESCALED: "use ratios of one ticker's prices, never a price's level",
}
ROW_REMEDY: Final = (
    "decide by records with known_at <= as_of which rows there are: not by who is still there later"
)


@dataclass(frozen=True)
class Finding:
    """Something of the past that changed with the future.

    Attributes:
        what: The feature, ``rows``, or the part of the training, such as ``scaler``.
        changes: Which kinds of change it answers to.
        source: The table, or the step, that it comes from.
        rows: Rows that differ, at the moment of the example.
        moment: What was known until then stayed the same.
        ticker, as_of: An example.
        before, after: Its values without and with the change.
        remedy: What to do.
        follows: Features, or ``rows``, whose own findings explain this one.
    """

    what: str
    changes: tuple[str, ...]
    source: str
    rows: int
    moment: str
    ticker: str
    as_of: str
    before: str
    after: str
    remedy: str
    follows: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        return (
            f"{self.what} of {self.ticker} on {self.as_of[:10]} must not depend on what became "
            f"known after {self.moment[:16]}, however: {self.before} became {self.after} with "
            f"{self._cause}. Remedy: {self.remedy}"
        )

    @property
    def _cause(self) -> str:
        kinds = " and ".join(self.changes)
        if self.source == RESCALED:
            return f"prices rescaled as by a later {kinds}"
        return f"{self.source} {kinds}"

    @classmethod
    def of(
        cls,
        difference: Difference,
        changes: tuple[str, ...],
        source: str,
        moment: object,
        remedy: str | None = None,
        follows: tuple[str, ...] = (),
    ) -> Self:
        """A difference between two panels, with its cause."""
        row = difference.name == ROWS
        if follows:
            remedy = f"mend {', '.join(follows)} first: this follows from there"
        chosen = remedy or (ROW_REMEDY if row else REMEDIES.get(source, REMEDIES[SEVERAL]))
        return cls(
            difference.name,
            changes,
            source,
            difference.rows,
            str(moment),
            difference.ticker,
            str(difference.as_of),
            difference.before,
            difference.after,
            chosen,
            follows,
        )


@dataclass(frozen=True)
class Check:
    """One kind of change and what was looked at.

    Attributes:
        name: What was changed.
        tested: How many of ``unit`` were compared.
        unit: Such as ``rows``.
        findings: How many findings answer to it.
    """

    name: str
    tested: int
    unit: str
    findings: int


@dataclass(frozen=True, repr=False)
class AuditReport:
    """The result of an audit.

    Attributes:
        run: The trained run that was audited, or None.
        seed: Of the choice of samples and of the changes.
        samples: Pairs (ticker, as_of) after whose ``as_of`` everything was changed.
        tickers: How many tickers they are of.
        dates: Each date with the reason for which it was chosen.
        features: How many columns were compared, of how many rows.
        rows: See there.
        own: Those of the columns that are features of a user's own.
        checks: What was changed, each kind.
        findings: What changed with it; what only follows from another comes last.
        notes: What was not audited, and why; in what settings and run differ.
    """

    run: str | None
    seed: int
    samples: int
    tickers: int
    dates: Mapping[str, str]
    features: int
    rows: int
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        over = f"{self.samples:,} samples of {self.tickers} tickers on {len(self.dates)} dates"
        if self.clean:
            return f"No look-ahead found in {over}."
        names = list(
            dict.fromkeys(finding.what for finding in self.findings if not finding.follows)
        )
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return f"Look-ahead found in {shown}, in {over}."

    @property
    def judged(self) -> str:
        """What was audited, by name."""
        own = f", {', '.join(self.own)} among them" if self.own else ""
        training = "no trained run" if self.run is None else f"the training of run {self.run}"
        return f"Audited: {self.features} columns as the settings give them now{own}; {training}."

    @property
    def lines(self) -> list[str]:
        """Findings and notes in sentences; what follows from another finding is only listed."""
        shown = [finding.sentence for finding in self.findings if not finding.follows]
        following: dict[tuple[str, ...], list[str]] = {}
        for finding in self.findings:
            if finding.follows:
                following.setdefault(finding.follows, []).append(finding.what)
        for causes, names in following.items():
            listed = ", ".join(dict.fromkeys(names))
            shown.append(f"Follows from {', '.join(causes)}, to be mended first: {listed}")
        return [*shown, *self.notes]

    def __repr__(self) -> str:
        return f"AuditReport({self.headline!r})"

    def __str__(self) -> str:
        return "\n".join([self.headline, self.judged, *self.lines])

    def _repr_html_(self) -> str:
        first, *rest = (escape(line) for line in str(self).splitlines())
        return f"<p><b>{first}</b></p>" + "".join(f"<p>{line}</p>" for line in rest)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``audit.json``."""
        found = [{**asdict(finding), "sentence": finding.sentence} for finding in self.findings]
        summary = {"headline": self.headline, "judged": self.judged, "clean": self.clean}
        return {**summary, **asdict(self), "findings": found}
