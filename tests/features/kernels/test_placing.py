"""Which column of a history goes to which row of the result."""

import numpy as np

from stocktrend.features.kernels.placing import NOT_WANTED, scatter


def test_wanted_columns_move_to_their_rows_and_all_else_stays() -> None:
    features = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    result = np.zeros((2, 3))
    scatter(features, np.array([2, NOT_WANTED, 0, NOT_WANTED]), result)
    assert result.tolist() == [[3.0, 0.0, 1.0], [7.0, 0.0, 5.0]]
