"""Compiling kernels where nothing can be kept on disk, and the tolerance for rounding."""

import math

import numba

from stocktrend.features.kernels.compiled import change, compiled, log_change


def test_a_kernel_that_cannot_be_cached_is_compiled_all_the_same() -> None:
    namespace: dict[str, object] = {}
    # Code without a file has no cache folder, as an install on a read-only disk has none.
    exec("def twice(x):\n    return 2 * x", namespace)
    folder_before = numba.config.CACHE_DIR
    assert compiled(namespace["twice"])(3) == 6  # type: ignore[operator,type-var]
    assert folder_before == numba.config.CACHE_DIR


def test_changes_of_rounding_are_exactly_zero_and_others_are_kept() -> None:
    rounded = 0.1 + 0.2
    assert rounded != 0.3
    assert change(rounded, 0.3) == log_change(rounded, 0.3) == 0.0
    assert change(1.01, 1.0) == 1.01 - 1.0
    assert log_change(2.0, 1.0) == math.log(2.0)


def test_rounding_is_measured_against_the_level_and_the_bound_itself_is_rounding() -> None:
    for level in (1e-6, 1.0, 1e6):
        for share, kept in ((5e-13, False), (4e-12, True)):
            for now in (level * (1 + share), level * (1 - share)):
                assert (change(now, level) != 0.0) == kept
                assert (log_change(now, level) != 0.0) == kept
    # A part in 1e12 of 1e12 is 1.
    assert change(1e12 + 1, 1e12) == log_change(1e12 + 1, 1e12) == 0.0
    assert change(1e12 - 1, 1e12) == log_change(1e12 - 1, 1e12) == 0.0
    assert change(1e12 + 2, 1e12) == 2.0
