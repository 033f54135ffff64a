"""Statements of a rate-setting committee whose words are as hawkish or dovish as its stance."""

import math
from typing import Final

import numpy as np

# (hawkish, dovish) wordings of one point; a statement makes every point once, in one of the two.
_POINTS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        (
            "economic activity has been expanding at a strong pace",
            "economic growth has picked up and remains robust",
        ),
        (
            "the pace of economic growth has slowed",
            "economic activity has weakened since the last meeting",
        ),
    ),
    (
        (
            "The labor market has tightened further and job gains have been strong.",
            "Labor market conditions remain very tight, and wage pressures are rising.",
        ),
        (
            "Job gains have slowed and the unemployment rate has moved up.",
            "The labor market has softened, with rising unemployment and considerable slack.",
        ),
    ),
    (
        (
            "Household spending has been rising rapidly.",
            "Household demand has strengthened and business investment is solid.",
        ),
        (
            "Household spending has declined and business investment remains weak.",
            "Consumer demand has softened further.",
        ),
    ),
    (
        (
            "Inflation remains elevated and is running above 2 percent.",
            "Inflation has increased further above the Committee's 2 percent objective.",
        ),
        (
            "Inflation has declined and is running below 2 percent.",
            "Inflation pressures remain subdued, with inflation below the 2 percent objective.",
        ),
    ),
    (
        (
            "Measures of inflation expectations have risen.",
            "Price pressures have broadened, and inflation expectations have moved higher.",
        ),
        (
            "Measures of inflation expectations have fallen.",
            "Price pressures are muted, and inflation expectations have moved lower.",
        ),
    ),
    (
        (
            "The Committee judges that upside risks to inflation predominate.",
            "The Committee remains highly attentive to upside inflation risks.",
        ),
        (
            "The Committee judges that downside risks to economic growth predominate.",
            "The Committee sees significant downside risks to the economic outlook.",
        ),
    ),
    (
        (
            "The Committee expects that further increases in the target range will be appropriate.",
            "The Committee anticipates that additional policy firming will be warranted.",
        ),
        (
            "The Committee expects that further reductions in the target range may be appropriate.",
            "The Committee is prepared to provide additional policy accommodation.",
        ),
    ),
    (
        (
            "A restrictive stance of monetary policy is needed to return inflation to target.",
            "Policy accommodation is being removed, as tighter policy is needed to contain prices.",
        ),
        (
            "An accommodative stance of monetary policy is needed to support the recovery.",
            "Monetary policy will remain accommodative to support the economy and employment.",
        ),
    ),
    (
        (
            "The Committee is strongly committed to bringing inflation down.",
            "The Committee is resolved to prevent an overheating of the economy.",
        ),
        (
            "The Committee will act as needed to support growth and employment.",
            "The Committee can be patient and will ease further if conditions deteriorate.",
        ),
    ),
    (
        (
            "The Committee will continue to reduce its holdings of securities.",
            "The Committee will accelerate the tightening of its balance sheet.",
        ),
        (
            "The Committee will increase its purchases of securities to ease financial conditions.",
            "The Committee will expand its asset purchases to provide further stimulus.",
        ),
    ),
)
_NEUTRAL: Final = (
    "The Committee seeks to foster maximum employment and price stability over the longer run.",
    "This assessment will take into account a wide range of information, including readings on "
    "financial and international developments.",
    "The Committee will carefully assess incoming data and the evolving outlook.",
)
_DECISION: Final = (
    "decided to {verb} the target range for the federal funds rate {to} {low} to {high} percent."
)
_VERBS: Final = {25: ("raise", "to"), 0: ("maintain", "at"), -25: ("lower", "to")}


def hawkish_share(stance: float) -> float:
    """Share of the points that a statement words hawkishly: the normal distribution of stance."""
    return 0.5 * math.erfc(-stance / math.sqrt(2))


def statement(stance: float, change: int, low: float, month: str, rng: np.random.Generator) -> str:
    """The text of one statement.

    Args:
        stance: Latent state of unit variance, hawkish above 0.
        change: Of the target, in basis points: -25, 0 or 25.
        low: Lower end of the target range after it, percent.
        month: Name of the month of the meeting before.
        rng: Chooses which points are worded how, not how many.
    """
    hawkish = round(hawkish_share(stance) * len(_POINTS))
    sides = np.zeros(len(_POINTS), dtype=np.int64)
    sides[rng.permutation(len(_POINTS))[hawkish:]] = 1
    said = [point[side][int(rng.integers(2))] for point, side in zip(_POINTS, sides, strict=True)]
    verb, to = _VERBS[change]
    decision = _DECISION.format(verb=verb, to=to, low=in_eighths(low), high=in_eighths(low + 0.25))
    return "\n\n".join(
        (
            f"Information received since the Committee met in {month} indicates that "
            f"{said[0]}. " + " ".join(said[1:5]),
            f"{_NEUTRAL[0]} {said[5]}",
            f"In view of these conditions, the Committee {decision} {said[6]} {said[7]}",
            f"{_NEUTRAL[2]} {said[8]} {said[9]} {_NEUTRAL[1]}",
        )
    )


def in_eighths(rate: float) -> str:
    """A rate as such statements write it: 2.25 is ``2-1/4``, 0.5 is ``1/2``."""
    whole, quarter = divmod(round(rate * 4), 4)
    fraction = ("", "1/4", "1/2", "3/4")[quarter]
    if not fraction:
        return str(whole)
    return f"{whole}-{fraction}" if whole else fraction
