"""How loops over numbers are compiled to machine code."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.misc.appdirs import AppDirs

Kernel = TypeVar("Kernel", bound=Callable[..., object])

_numba: Any = numba.config  # filled from the environment, so no type checker knows its names


def compiler(folder: Path) -> Callable[[Kernel], Kernel]:
    """A decorator for the kernels of a folder.

    It compiles on first call, keeps the machine code on disk and releases the GIL while it runs.
    Fast maths stays off: reordered sums would make a value depend on where it lies in the array.
    The numpy error model leaves out a zero test at each division, which would keep loops from
    using vector instructions; kernels test their denominators themselves.

    Where the folder cannot be written, the machine code lies in numba's cache folder of the user,
    and where that cannot be either, every process compiles for itself.

    Args:
        folder: Machine code is kept under a name made of all its sources: numba notices that a
            kernel's own file has changed, but not that of a function it calls; a stale kernel
            would go on computing yesterday's formula. What kernels take from other folders they
            take as arguments, for the same reason.
    """
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    name = f"stocktrend-kernels-{hashlib.sha256(sources).hexdigest()[:16]}"
    of_user = AppDirs("numba", False).user_cache_dir  # type: ignore[no-untyped-call]
    bases = [_numba.CACHE_DIR or folder / "__pycache__", of_user]
    kept = next((Path(base) / name for base in bases if _is_writable(Path(base) / name)), None)

    def compiled(function: Kernel) -> Kernel:
        before = _numba.CACHE_DIR
        _numba.CACHE_DIR = str(kept)
        try:
            kernel = numba.njit(nogil=True, cache=kept is not None, error_model="numpy")(function)
        except RuntimeError:
            kernel = numba.njit(nogil=True, error_model="numpy")(function)
        finally:
            _numba.CACHE_DIR = before
        return cast(Kernel, kernel)

    return compiled


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
