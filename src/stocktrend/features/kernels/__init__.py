"""Compiled formulas over one history: a ticker's bars between two restarts.

Every kernel takes arrays of one history, oldest bar first, and writes its features into arrays
that hold NaN beforehand; it leaves NaN where a feature is undefined. The value of a bar reads that
bar and earlier ones, in an order of operations that does not depend on how many bars follow, so a
history cut short gives the same bits.

Results are written in loops: numba takes 1.5 s more to compile the first ``out[:] = values``.
"""
