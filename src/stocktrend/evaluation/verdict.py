"""Findings as sentences that a person can read."""

from collections.abc import Iterable, Mapping, Sequence

from stocktrend.evaluation.bootstrap import MIN_BLOCKS, Estimate
from stocktrend.evaluation.metrics import LOWER_IS_BETTER
from stocktrend.evaluation.results import (
    MAIN,
    Comparison,
    EntryEvaluation,
    HorizonEvaluation,
    Outcome,
    outcome_of,
)
from stocktrend.evaluation.significance import LEVEL, Tried

METRIC_WORDS: Mapping[str, str] = {
    "rank_ic": "rank IC",
    "icir": "ICIR",
    "correlation": "correlation",
    "demeaned_correlation": "correlation within dates",
    "mse": "MSE",
    "mae": "MAE",
    "r2": "R² against zero",
    "direction_accuracy": "direction accuracy",
    "direction_gain": "direction gain on always up",
    "median_accuracy": "accuracy against the median",
    "f1": "F1",
    "mcc": "MCC",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "coverage": "coverage",
    "width": "width of intervals",
}
CONTENDER_WORDS: Mapping[str, str] = {
    "dual_tower": "the dual tower",
    "constant": "the constant",
    "always_up": "always up",
    "momentum": "momentum",
    "reversal": "reversal",
    "ridge": "ridge",
    "lightgbm": "LightGBM",
    "mlp": "the plain network",
    "stock_tower": "the stock tower alone",
    "context_tower": "the context tower alone",
    "additive": "the additive model",
    "shuffled_context": "the model on shuffled context",
    "blend": "the blend",
}
PARTS_OF_THE_MODEL: Mapping[str, str] = {
    "stock_tower": "the context tower",
    "context_tower": "the stock tower",
    "additive": "the product of the towers",
    "shuffled_context": "the context",
}
"""Contenders that are the model without one of its parts: the difference is what the part adds."""

ENTRY_WORDS: Mapping[str, str] = {"next_open": "the next open", "next_close": "the next close"}
_FIRST_NAMED = ("lightgbm", "ridge")
_NAMED_WITH_FIGURES = 5


def in_days(*horizons: int) -> str:
    """Horizons as sentences call them.

    >>> in_days(1), in_days(7, 30)
    ('1 day', '7 and 30 days')
    """
    return f"{_join([str(h) for h in horizons])} {'day' if horizons == (1,) else 'days'}"


def words(contender: str) -> str:
    """A contender as sentences call it."""
    return CONTENDER_WORDS.get(contender, contender.replace("_", " "))


def comparison_sentence(
    control: str,
    metric: str,
    difference: Estimate,
    horizon: int,
    *,
    contender: str | None = None,
) -> str:
    """One contender against another, for example "beats ridge by 0.021 rank IC at 7 days [...]".

    ``contender`` is None for the main model.
    """
    other, unit, at = words(control), METRIC_WORDS[metric], f"at {in_days(horizon)}"
    one = "the model" if contender is None else words(contender)
    if difference.value is None:
        return f"{one} and {other} cannot be compared {at}: {unit} is not defined for both"
    size = f"{abs(difference.value):.{decimals(metric)}f} {unit}"
    signed = f"{'-' if difference.value < 0 else '+'}{size}"
    between = interval(difference, metric)
    outcome = outcome_of(difference)
    subject = "" if contender is None else f"{one} "
    part = PARTS_OF_THE_MODEL.get(control) if contender in (None, MAIN) else None
    if part is not None and outcome != "undefined":
        return {
            "better": f"{part} helps by {size} {at} {between}",
            "worse": f"{part} does harm by {size} {at} {between}",
            "unclear": f"no evidence that {part} helps {at}: {signed} {between}",
        }[outcome]
    match outcome:
        case "better":
            return f"{subject}beats {other} by {size} {at} {between}"
        case "worse":
            return f"{subject}does worse than {other} by {size} {at} {between}"
        case "unclear":
            return f"no evidence that {one} beats {other} {at}: {signed} {between}"
        case _:
            return f"too few dates to compare {one} with {other} {at}: {signed}"


def interval(estimate: Estimate, metric: str) -> str:
    """The bounds in brackets; errors differ in the fourth decimal, so they get four."""
    if estimate.low is None or estimate.high is None:
        return "[no interval]"
    digits = decimals(metric)
    return f"[{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def decimals(metric: str) -> int:
    return 4 if metric in LOWER_IS_BETTER or metric == "r2" else 3


def horizon_verdict(found: HorizonEvaluation) -> str:
    """One sentence: skill or none, what it beats, what later entries and many tries leave."""
    at, skill = f"At {in_days(found.horizon)}", getattr(found.model, found.judged_by)
    if found.dates == 0:
        return f"{at} nothing can be judged: no test row has both a score and a known outcome yet."
    if skill.value is None:
        return f"{at} nothing can be judged: scores or outcomes of the test rows do not vary."
    figure = f"{METRIC_WORDS[found.judged_by]} {skill.value:.3f}"
    if found.skill == "undefined":
        return (
            f"{at} nothing can be judged: {figure} comes from {found.dates} test "
            f"{'date' if found.dates == 1 else 'dates'}, and an interval of that horizon needs at "
            f"least {MIN_BLOCKS * found.block}."
        )
    figure += f" {interval(skill, found.judged_by)} over {found.dates} dates"
    if found.judged_by == "correlation":
        figure += ", too few tickers a date to rank"
    claim = {
        "better": f"{at} the scores tell winners from losers better than chance ({figure})",
        "worse": f"{at} the scores point the wrong way ({figure})",
        "unclear": f"{at} no skill was found ({figure}, which leaves room for 0)",
    }[found.skill]
    parts = [claim, _against_controls(found.comparisons, found.judged_by)]
    parts += _of_the_context(found.comparisons)
    if found.skill == "better":
        parts += _later(found.entries.values(), found.judged_by)
    parts += _after_tries(found.tried)
    return f"{'; '.join(parts)}."


def _against_controls(comparisons: Sequence[Comparison], judged_by: str) -> str:
    controls = [c for c in comparisons if c.control not in (*PARTS_OF_THE_MODEL, "blend")]
    first = [c for name in _FIRST_NAMED for c in controls if c.control == name]
    ordered = first + [c for c in reversed(controls) if c not in first]
    parts = []
    for outcome, verb in (
        ("better", "they beat"),
        ("worse", "they do worse than"),
        ("unclear", "no evidence that they beat"),
    ):
        named = [
            _named(c, judged_by, figures=c in ordered[:_NAMED_WITH_FIGURES])
            for c in ordered
            if c.outcome == outcome
        ]
        if named:
            parts.append(f"{verb} {_join(named)}")
    return "; ".join(parts) if parts else "no control could be compared"


def _named(comparison: Comparison, judged_by: str, *, figures: bool) -> str:
    """With the difference for those judged like the model, with the metric's name for others."""
    control, metric = words(comparison.control), comparison.metric
    if metric != judged_by:
        return f"{control} in {METRIC_WORDS[metric]}"
    if not figures:
        return control
    value = comparison.difference.value or 0.0
    return f"{control} ({value:+.{decimals(metric)}f} {interval(comparison.difference, metric)})"


def _of_the_context(comparisons: Sequence[Comparison]) -> list[str]:
    """What the context adds, where the model was also judged on shuffled context."""
    said = {"better": "the context helps", "worse": "the context does harm"}
    return [
        f"{said.get(c.outcome, 'no evidence that the context helps')} "
        f"({c.difference.value:+.{decimals(c.metric)}f} {interval(c.difference, c.metric)})"
        for c in comparisons
        if c.control == "shuffled_context" and c.difference.value is not None
    ]


def _later(entries: Iterable[EntryEvaluation], judged_by: str) -> list[str]:
    """Whether the skill at the close is still there for those who buy later."""
    parts = []
    for found in entries:
        figure: Estimate = getattr(found.model, judged_by)
        if figure.value is None or found.skill == "undefined":
            continue
        left = {"better": "is still there", "worse": "points the wrong way"}
        parts.append(
            f"for an entry at {ENTRY_WORDS[found.entry]} it "
            f"{left.get(found.skill, 'is no longer shown')} "
            f"({figure.value:.3f} {interval(figure, judged_by)})"
        )
    return parts


def _after_tries(tried: Tried | None) -> list[str]:
    """Whether the best of all that was tried is more than chance makes of so many tries."""
    if tried is None:
        return []
    one = tried.count == 1
    variants = "the one variant" if one else f"the best of {tried.count} variants"
    if tried.tested not in (0, tried.count):
        variants += f", {tried.tested} of them on these dates,"
    if tried.p_chance is None:
        return [f"too few dates to tell {variants} tried on these data from chance"]
    found = "no more than chance would give" if tried.by_chance else "more than chance would give"
    sentence = f"{variants} tried on these data shows {found} (p {_p(tried.p_chance)})"
    if tried.reference is None or tried.p_reference is None:
        return [sentence]
    shown = "is shown" if tried.p_reference <= LEVEL else "is not shown"
    return [
        f"{sentence} and {shown} to exceed {words(tried.reference)} (p {_p(tried.p_reference)})"
    ]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def headline(horizons: Sequence[HorizonEvaluation]) -> str:
    """The whole evaluation in a sentence, the bad news included."""
    groups: dict[Outcome, list[int]] = {"better": [], "unclear": [], "worse": [], "undefined": []}
    for found in horizons:
        groups[found.skill].append(found.horizon)
    none = "none found" if groups["better"] else "no skill found"
    claims = {
        "better": "skill found",
        "unclear": none,
        "worse": "scores that point the wrong way",
        "undefined": "too little to judge",
    }
    parts = [f"{claims[outcome]} at {in_days(*days)}" for outcome, days in groups.items() if days]
    skilled = [found for found in horizons if found.skill == "better"]
    unbeaten = [
        f"{_join(names, 'or')} at {in_days(found.horizon)}"
        for found in skilled
        if (names := _unbeaten(found))
    ]
    if unbeaten:
        parts.append(f"not shown to exceed {', nor '.join(unbeaten)}")
    for entry, moment in ENTRY_WORDS.items():
        gone = [
            found.horizon
            for found in skilled
            if entry in found.entries and found.entries[entry].skill in ("unclear", "worse")
        ]
        if gone:
            parts.append(f"no longer shown for an entry at {moment} at {in_days(*gone)}")
    explained = [f for f in skilled if f.tried is not None and f.tried.by_chance]
    parts += [
        f"no more than the best of {f.tried.count} variants shows by chance at {in_days(f.horizon)}"
        for f in explained
        if f.tried is not None
    ]
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:] + "."


def _unbeaten(found: HorizonEvaluation) -> list[str]:
    """Controls with skill of the same kind that the model was not shown to beat."""
    return [
        words(c.control)
        for c in found.comparisons
        if c.metric == found.judged_by
        and c.control not in (*PARTS_OF_THE_MODEL, "blend")
        and c.outcome in ("worse", "unclear")
    ]


def _join(named: Sequence[str], last: str = "and") -> str:
    if len(named) < 2:
        return "".join(named)
    return f"{', '.join(named[:-1])} {last} {named[-1]}"
