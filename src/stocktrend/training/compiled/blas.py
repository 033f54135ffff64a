"""One thread for each matrix product while members train: they are too small to be shared out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

_LOCK = Lock()
_held: list[ExitStack] = []
_users = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold the BLAS libraries of this process at one thread until the last user leaves."""
    # Compiled products take scipy's BLAS and load it at the first of them: too late to be held.
    from scipy.linalg import cython_blas  # noqa: F401
    from threadpoolctl import threadpool_limits

    global _users
    with _LOCK:
        if not _users:
            stack = ExitStack()
            stack.enter_context(threadpool_limits(1, user_api="blas"))
            _held.append(stack)
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if not _users:
                _held.pop().close()
