"""How kernels are compiled, and the tolerance that they share."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stocktrend.compilation import compiler

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

NEGLIGIBLE = 1e-12
"""Share of its level below which a difference is rounding and not information."""

compiled = compiler(Path(__file__).parent)


@compiled
def change(now: float, before: float) -> float:
    """``now - before``, exactly 0 where that is rounding.

    Equal prices differ in their last bits once a later dividend has rescaled them; a sign taken
    from those bits would flip.
    """
    difference = now - before
    return 0.0 if abs(difference) <= NEGLIGIBLE * before else difference


@compiled
def log_change(now: float, before: float) -> float:
    """``ln(now / before)``, exactly 0 where the change is rounding."""
    return 0.0 if abs(now - before) <= NEGLIGIBLE * before else float(np.log(now / before))
