"""The command line of the examples."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stocktrend.errors import StocktrendError


def run(
    first: Callable[..., tuple],
    further: Mapping[int, Callable],
    output: Path,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run the examples that the command line asks for.

    Args:
        first: Example 1, which gives model, trainer and test loader.
        further: The others by number; they take model and test loader.
        output: Default folder of the pages.
        arguments: Of the command line; None takes those of the process.
    """
    parser = _parser(output)
    asked = parser.parse_args(arguments)
    chosen = asked.examples or list(further)
    unknown = sorted(set(chosen) - {1, *further})
    if unknown:
        parser.error(f"examples have the numbers 1 to {max(further)}, however: {unknown}")
    if asked.epochs < 1:
        parser.error(f"--epochs must be at least 1, however: {asked.epochs}")
    try:
        print("Example 1: basic training")
        model, _, test_loader = first(
            asked.data_root, epochs=asked.epochs, seed=asked.seed, output=asked.output
        )
        for number in sorted(set(chosen) - {1}):
            example = further[number]
            print(f"\nExample {number}: {example.__name__.split('_', 2)[2].replace('_', ' ')}")
            example(model, test_loader, output=asked.output)
    except StocktrendError as error:
        parser.exit(2, f"Error: {error}\n")


def _parser(output: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train a dual-tower model and look at what it learnt. Example 1 (training) "
        "always runs, as the others need its model: 2 predictions, 3 interpretation, "
        "4 importance of news, policy and macro, 5 metrics.",
        epilog="Without --data-root a market with a strong planted response is simulated: what "
        "is found there says nothing about real markets.",
    )
    parser.add_argument(
        "examples",
        nargs="*",
        type=int,
        metavar="N",
        help="which examples, 1 to 5 (default: all)",
    )
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="folder with your raw/; one without it gets a simulated market "
        "(default: a temporary folder)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=output,
        metavar="DIR",
        help="where the pages and checkpoints go (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs", type=int, default=15, metavar="N", help="at most (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="of the simulated market and the model (default: %(default)s)",
    )
    return parser
