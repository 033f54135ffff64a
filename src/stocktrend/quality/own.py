"""A user's own rules, from the files that the settings name."""

from pathlib import Path

import polars as pl

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError
from stocktrend.own_code import definitions
from stocktrend.quality.findings import Finding, Given, Rule


def load_rules(settings: Settings, root: Path | str) -> tuple[Rule, ...]:
    """The own rules of a data root, in the order of ``settings.checks`` and of their files.

    Runs those files, with all rights of the program: name none that you have not read.

    Raises:
        ConfigError: a file is missing, fails or defines no rule.
    """
    found: list[Rule] = []
    for entry in settings.checks:
        rules = definitions(Path(root) / entry, Rule, "checks")
        if not rules:
            raise ConfigError(
                f"checks must name files with rules, however {entry} defines none. "
                "Put @stocktrend.rule(...) above a function"
            )
        found += rules
    return tuple(found)


def apply_own(rule: Rule, records: pl.DataFrame, given: Given) -> list[Finding]:
    """What a user's own rule finds.

    Raises:
        DataError: the rule raised an error or returned something else; names file and rule.
    """
    try:
        return rule.apply(records.clone(), given)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"rule {rule.name!r} ({rule.place}) must return what it finds, however it raised "
            f"{type(error).__name__}: {error}. Mend the function"
        ) from error
