"""Findings as sentences that a person can read."""

from collections.abc import Mapping, Sequence

from stocktrend.evaluation.bootstrap import MIN_BLOCKS, Estimate
from stocktrend.evaluation.metrics import LOWER_IS_BETTER
from stocktrend.evaluation.results import Comparison, HorizonEvaluation, Outcome, outcome_of

METRIC_WORDS: Mapping[str, str] = {
    "mse": "MSE",
    "mae": "MAE",
    "correlation": "correlation",
    "direction_accuracy": "direction accuracy",
    "f1": "F1",
    "rank_ic": "rank IC",
}
CONTROL_WORDS: Mapping[str, str] = {
    "constant": "the constant",
    "always_up": "always up",
    "momentum": "momentum",
    "reversal": "reversal",
    "ridge": "ridge",
}


def comparison_sentence(control: str, metric: str, difference: Estimate, horizon: int) -> str:
    """The model against one control, for example "beats ridge by 0.021 rank IC at 7 days [...]"."""
    other, unit, at = CONTROL_WORDS[control], METRIC_WORDS[metric], f"at {horizon} days"
    if difference.value is None:
        return f"the model and {other} cannot be compared {at}: {unit} is not defined for both"
    size = f"{abs(difference.value):.{decimals(metric)}f} {unit}"
    signed = f"{'-' if difference.value < 0 else '+'}{size}"
    between = interval(difference, metric)
    match outcome_of(difference):
        case "better":
            return f"beats {other} by {size} {at} {between}"
        case "worse":
            return f"does worse than {other} by {size} {at} {between}"
        case "unclear":
            return f"no evidence that the model beats {other} {at}: {signed} {between}"
        case _:
            return f"too few dates to compare the model with {other} {at}: {signed}"


def interval(estimate: Estimate, metric: str) -> str:
    """The bounds in brackets; errors differ in the fourth decimal, so they get four."""
    if estimate.low is None or estimate.high is None:
        return "[no interval]"
    digits = decimals(metric)
    return f"[{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def decimals(metric: str) -> int:
    return 4 if metric in LOWER_IS_BETTER else 3


def horizon_verdict(
    horizon: int,
    judged_by: str,
    skill: Estimate,
    comparisons: Sequence[Comparison],
    *,
    dates: int,
    block: int,
) -> str:
    """One sentence: skill or none, then what the model beats and what not."""
    at = f"At {horizon} days"
    if dates == 0:
        return f"{at} nothing can be judged: no test row has both a score and a known outcome yet."
    unit = METRIC_WORDS[judged_by]
    if skill.value is None:
        return f"{at} nothing can be judged: scores or outcomes of the test rows do not vary."
    figure = f"{unit} {skill.value:.3f}"
    outcome = outcome_of(skill)
    if outcome == "undefined":
        return (
            f"{at} nothing can be judged: {figure} comes from {dates} test "
            f"{'date' if dates == 1 else 'dates'}, and an interval of that horizon needs at least "
            f"{MIN_BLOCKS * block}."
        )
    figure += f" {interval(skill, judged_by)} over {dates} dates"
    if judged_by == "correlation":
        figure += ", too few tickers a date to rank"
    claim = {
        "better": f"{at} the scores tell winners from losers better than chance ({figure})",
        "worse": f"{at} the scores point the wrong way ({figure})",
        "unclear": f"{at} no skill was found ({figure}, which leaves room for 0)",
    }[outcome]
    return f"{claim}; {_against_controls(comparisons, judged_by)}."


def _against_controls(comparisons: Sequence[Comparison], judged_by: str) -> str:
    parts = []
    for outcome, words in (
        ("better", "they beat"),
        ("worse", "they do worse than"),
        ("unclear", "no evidence that they beat"),
    ):
        chosen = [c for c in reversed(comparisons) if c.outcome == outcome]
        named = [_named(c, judged_by) for c in chosen]
        if named:
            parts.append(f"{words} {_join(named)}")
    return "; ".join(parts) if parts else "no control could be compared"


def _named(comparison: Comparison, judged_by: str) -> str:
    """With the difference for those judged like the model, with the metric's name for others."""
    control, metric = CONTROL_WORDS[comparison.control], comparison.metric
    if metric != judged_by:
        return f"{control} in {METRIC_WORDS[metric]}"
    value = comparison.difference.value or 0.0
    return f"{control} ({value:+.{decimals(metric)}f} {interval(comparison.difference, metric)})"


def headline(horizons: Sequence[HorizonEvaluation]) -> str:
    """The whole evaluation in a sentence, the bad news included."""
    groups: dict[Outcome, list[str]] = {"better": [], "unclear": [], "worse": [], "undefined": []}
    for found in horizons:
        groups[found.skill].append(str(found.horizon))
    none = "none found" if groups["better"] else "no skill found"
    words = {
        "better": "skill found",
        "unclear": none,
        "worse": "scores that point the wrong way",
        "undefined": "too little to judge",
    }
    parts = [f"{words[outcome]} at {_join(days)} days" for outcome, days in groups.items() if days]
    unbeaten = [
        f"{_join(names, 'or')} at {found.horizon} days"
        for found in horizons
        if found.skill == "better" and (names := _unbeaten(found))
    ]
    if unbeaten:
        parts.append(f"not shown to exceed {', nor '.join(unbeaten)}")
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:] + "."


def _unbeaten(found: HorizonEvaluation) -> list[str]:
    """Controls with skill of the same kind that the model was not shown to beat."""
    return [
        CONTROL_WORDS[c.control]
        for c in found.comparisons
        if c.metric == found.judged_by and c.outcome in ("worse", "unclear")
    ]


def _join(words: Sequence[str], last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
