"""What the benchmarks of skill print of a study: figures with their 95% intervals."""

from collections.abc import Iterable, Mapping, Sequence

import stocktrend as st
from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.results import Comparison, EntryEvaluation, HorizonEvaluation
from stocktrend.targets import ENTRIES

RANKING = ("icir", "demeaned_correlation", "correlation", "median_accuracy")
SIZE = ("r2", "mse", "direction_accuracy", "direction_gain", "mcc", "coverage")
BOOK = ("gross", "net", "sharpe", "net_sharpe", "turnover", "break_even_bp")


def show(title: str, study: st.Study) -> None:
    """All contenders of a study: ranking from each entry, size and direction, books, differences.

    ``stocktrend.evaluation.metrics`` defines the metrics, ``stocktrend.evaluation.portfolio`` the
    book: the top group of a date's scores less the bottom one.
    """
    tested = f"{study.folds[0].test.first} to {study.folds[-1].test.last}"
    members = study.recipe.members
    print(f"\n## {title}\n\n{tested}, {len(study.folds)} folds, {members} members, {study.preset}")
    for found in study.evaluation.horizons.values():
        print(f"\n### {found.horizon} days: {found.rows:,} rows on {found.dates} dates\n")
        ranking(found)
        table(("score in units of the target", *SIZE), figures(contenders(found), SIZE))
        books(found)
        differences(found)
        print(f"\n{found.verdict}")
    print("\n".join([f"\n{study.evaluation.headline}", *study.warnings]), flush=True)


def ranking(found: HorizonEvaluation) -> None:
    """How well each contender orders the stocks of a date, for each entry."""
    rows = []
    for name, metrics in contenders(found).items():
        later = (
            contenders(found.entries[entry])[name].rank_ic if entry in found.entries else None
            for entry in ENTRIES[1:]
        )
        entries = [cell(one) for one in (metrics.rank_ic, *later)]
        rows.append((name, *entries, *(cell(getattr(metrics, metric)) for metric in RANKING)))
    table(("ranking", *(f"rank IC, {entry}" for entry in ENTRIES), *RANKING), rows)


def books(found: HorizonEvaluation) -> None:
    """What each ranking would have earned; costs are those of the settings."""
    rows = [
        (name, book.entry, *(cell(getattr(book, figure)) for figure in BOOK))
        for name, of_entries in found.portfolios.items()
        for book in of_entries
    ]
    table(("book", "entry", *BOOK), rows)


def differences(found: HorizonEvaluation) -> None:
    """The model less each control, and pairs of controls, paired by date, for each entry."""
    later = {
        (entry, one.control): one
        for entry, of_entry in found.entries.items()
        for one in of_entry.comparisons
    }
    rows = [
        (
            f"{one.contender} - {one.control}",
            one.metric,
            difference(one),
            *(difference(later.get((entry, one.control))) for entry in ENTRIES[1:]),
        )
        for one in found.comparisons
    ]
    nothing = ("",) * len(ENTRIES[1:])
    rows += [
        (f"{one.contender} - {one.control}", one.metric, difference(one), *nothing)
        for one in found.pairs
    ]
    table(("paired difference, above 0 favours the first", "of", *ENTRIES), rows)


def contenders(found: HorizonEvaluation | EntryEvaluation) -> dict[str, Metrics]:
    """Figures by contender, the model first."""
    return {"dual_tower": found.model, **found.controls}


def figures(of: Mapping[str, Metrics], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of a table of metrics."""
    return [
        (who, *(cell(getattr(metrics, name), 4) for name in names)) for who, metrics in of.items()
    ]


def difference(one: Comparison | None) -> str:
    return "-" if one is None else cell(one.difference, 4)


def cell(estimate: st.Estimate | None, digits: int = 3) -> str:
    """A figure with its interval.

    >>> cell(st.Estimate(0.0213, -0.004, 0.05))
    '0.021 [-0.004, 0.050]'
    """
    if estimate is None or estimate.value is None:
        return "-"
    value = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n", flush=True)
