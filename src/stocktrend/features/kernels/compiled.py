"""How kernels are compiled, and the tolerance that they share."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Kernel = TypeVar("Kernel", bound=Callable[..., object])

NEGLIGIBLE = 1e-12
"""Share of its level below which a difference is rounding and not information."""


_numba: Any = numba.config  # filled from the environment, so no type checker knows its names


def _cache_folder() -> Path:
    """Where machine code is kept: a folder named after the sources of all kernels.

    Numba notices that a kernel's own file has changed, but not that of a function it calls; a
    stale kernel would go on computing yesterday's formula.
    """
    here = Path(__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))
    base = Path(_numba.CACHE_DIR) if _numba.CACHE_DIR else here / "__pycache__"
    return base / f"stocktrend-kernels-{hashlib.sha256(sources).hexdigest()[:16]}"


_CACHE_FOLDER = str(_cache_folder())


def compiled(function: Kernel) -> Kernel:
    """Compile on first call, keep the machine code on disk, release the GIL while it runs.

    Fast maths stays off: reordered sums would make a value depend on where its window lies in
    the array. The numpy error model leaves out a zero test at each division, which would keep
    loops from using vector instructions; kernels test their denominators themselves.

    Where the folder cannot be written, numba takes the user's cache folder, and where that
    cannot be either, every process compiles for itself.
    """
    folder_before = _numba.CACHE_DIR
    _numba.CACHE_DIR = _CACHE_FOLDER
    try:
        kernel = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        kernel = numba.njit(nogil=True, error_model="numpy")(function)
    finally:
        _numba.CACHE_DIR = folder_before
    return cast(Kernel, kernel)


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
