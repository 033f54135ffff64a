"""The command line: thin commands over the door. Importing it loads no data or model library."""

from stocktrend.cli.program import main

__all__ = ["main"]
