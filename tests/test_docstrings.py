"""Every example in a docstring gives what it says."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import stocktrend

MODULES = [
    module.name
    for module in pkgutil.walk_packages(stocktrend.__path__, "stocktrend.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["stocktrend", *MODULES])
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = sum(len(test.examples) for n in MODULES for test in finder.find(import_module(n)))
    assert examples > 20
