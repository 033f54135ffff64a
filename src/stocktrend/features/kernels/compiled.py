"""How kernels are compiled, and the tolerance that they share."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Kernel = TypeVar("Kernel", bound=Callable[..., object])

NEGLIGIBLE = 1e-12
"""Share of its level below which a difference is rounding and not information."""


def compiled(function: Kernel) -> Kernel:
    """Compile on first call, keep the machine code on disk, release the GIL while it runs.

    Fast maths stays off: reordered sums would make a value depend on where its window lies in
    the array. The numpy error model leaves out a zero test at each division, which would keep
    loops from using vector instructions; kernels test their denominators themselves.
    """
    return cast(Kernel, numba.njit(nogil=True, cache=True, error_model="numpy")(function))


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
