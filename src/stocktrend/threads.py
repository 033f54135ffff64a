"""How many cores there are, and one thread for each sum and each matrix product.

Networks here are too small for their layers to be shared out, and sums of several threads are
rounded otherwise on another machine.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

_LOCK = Lock()
_held: list[ExitStack] = []
_users = 0


def available_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch at one thread in this thread, and in those that it starts meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
