"""The program: what becomes of errors and of Ctrl-C.

Exit codes: 0 done; 1 `update` or `ingest --source` where a source failed and the others are done,
or a defect of stocktrend, with its traceback; 2 something that the user can mend, in one message
without a traceback; 3 `check` found corrupt records, `audit` look-ahead, or `rebuild` another
result; 130 stopped with Ctrl-C.
"""

import json
import os
import sys
from collections.abc import Sequence

import typer

from stocktrend.cli import audit, check, commands, compare, evaluate, init, lake, live
from stocktrend.cli.app import app
from stocktrend.cli.display import visible
from stocktrend.errors import ConfigError, StocktrendError

STOPPED = 130
COMMANDS = (commands, init, live, evaluate, compare, check, lake, audit)
"""Modules whose commands register with ``app`` as they are imported."""


def main() -> None:
    """Entry point of ``stocktrend``."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = app(args=list(arguments), prog_name="stocktrend", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = STOPPED
    except BrokenPipeError:
        # The reader of our output is gone (`stocktrend config | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConfigError as error:
        return _refuse(error.problems, arguments)
    except StocktrendError as error:
        return _refuse(str(error).splitlines() or [type(error).__name__], arguments)
    except typer.TyperException as error:
        return _refuse([_usage(error)], arguments)
    except OSError as error:
        if error.filename is None:
            raise
        return _refuse([_file_problem(error)], arguments)
    if code == STOPPED:
        print(  # noqa: T201
            "Stopped. What was finished is kept: the same command goes on from there.",
            file=sys.stderr,
        )
    return code if isinstance(code, int) else 0


def _usage(error: typer.TyperException) -> str:
    message = error.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else '.'} See `stocktrend --help`"


def _file_problem(error: OSError) -> str:
    return (
        f"{error.filename} must be a place that can be read and written, "
        f"however: {error.strerror}. Check its path, its permissions and the space left"
    )


def _refuse(problems: Sequence[str], arguments: Sequence[str]) -> int:
    if len(problems) == 1:
        text = f"Error: {problems[0]}"
    else:
        lines = [f"  {number}. {problem}" for number, problem in enumerate(problems, 1)]
        text = "\n".join([f"Error: {len(problems)} problems", *lines])
    print(visible(text), file=sys.stderr)  # noqa: T201
    if "--json" in arguments:
        print(json.dumps({"error": list(problems)}, indent=2))  # noqa: T201
    return 2
