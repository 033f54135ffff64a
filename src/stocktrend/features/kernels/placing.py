"""Moving one history's features to the rows that a caller asked for."""

from stocktrend.features.kernels.compiled import Array, Integers, compiled

NOT_WANTED = -1


@compiled
def scatter(features: Array, target: Integers, result: Array) -> None:
    """Copy column i of ``features`` to column ``target[i]`` of ``result``, where it is wanted."""
    for feature in range(len(features)):
        for i in range(len(target)):
            if target[i] != NOT_WANTED:
                result[feature, target[i]] = features[feature, i]
