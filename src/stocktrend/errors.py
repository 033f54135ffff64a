"""The project's exception tree.

Every message states the rule, the value found and the remedy. The command line turns any
``StocktrendError`` into one message and exit code 2, without a traceback.
"""

import sys
from collections.abc import Sequence


class StocktrendError(Exception):
    """Base of every error that stocktrend raises on purpose."""


class ConfigError(StocktrendError):
    """One or more settings are wrong.

    All problems are collected before the error is raised, so that a user mends them in one go.
    """

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class SourceError(StocktrendError):
    """A source file is missing, unreadable or not in the layout that its settings declare."""


class LakeError(StocktrendError):
    """The lake is missing, empty, locked or of another schema."""


class DataError(StocktrendError):
    """A frame handed to stocktrend lacks columns, rows or types that the step needs."""


class NoRowsError(DataError):
    """No row of a panel is left, or there are no bars to make one of."""


class ModelError(StocktrendError):
    """Shapes, devices or checkpoints that do not fit the model."""


def install(extra: str) -> str:
    """The remedy where libraries of an extra are missing: for the Python that lacks them."""
    return f"Install it: {sys.executable} -m pip install 'stocktrend[{extra}]'"
