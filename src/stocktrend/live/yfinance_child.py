"""The process in which the library yfinance runs: a line of JSON in, a line of JSON out.

``python -m stocktrend.live.yfinance_child SECONDS BYTES``: a question that takes longer, or needs
more memory, ends the process. What the library prints goes to the error stream, so that no answer
is mixed with it. An exception that is not expected of it ends the process, and its answer is the
``last``.
"""

import faulthandler
import json
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TextIO

Table = dict[str, Any]


def main(arguments: Sequence[str]) -> None:
    """Answer questions until there are no more."""
    seconds, memory = float(arguments[0]), int(arguments[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _limit(memory)

    def tell(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        _say(answers, {**failure(error), "last": True})

    sys.excepthook = tell
    for line in sys.stdin:
        faulthandler.dump_traceback_later(seconds, exit=True)
        _say(answers, bars(**json.loads(line)))
        faulthandler.cancel_dump_traceback_later()


def bars(symbol: str, start: str) -> Table:
    """Daily bars from a day on as columns and rows of text, or what went wrong."""
    import yfinance

    settings = getattr(getattr(yfinance, "config", None), "debug", None)
    if settings is not None:
        settings.hide_exceptions = False
    expected = getattr(getattr(yfinance, "exceptions", None), "YFException", OSError)
    try:
        frame = yfinance.Ticker(symbol).history(
            start=start, interval="1d", auto_adjust=False, actions=False
        )
    except (OSError, expected) as error:
        return failure(error)
    return table(frame)


def table(frame: Any) -> Table:
    """A pandas frame as text; of columns in levels, the level that names prices."""
    names = [_price_name(name) for name in frame.columns]
    days = [str(day)[:10] for day in frame.index]
    rows = frame.itertuples(index=False, name=None)
    return {
        "columns": ["Date", *names],
        "rows": [[day, *map(str, row)] for day, row in zip(days, rows, strict=True)],
    }


def _price_name(name: object) -> str:
    """Of ``("Close", "AAPL")``, whichever comes first, the part that is no ticker."""
    parts = [str(part) for part in name] if isinstance(name, tuple) else [str(name)]
    return next((part for part in parts if part != part.upper()), parts[0])


def failure(error: BaseException) -> Table:
    """An exception as text: the names of its classes, and its first line."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind is not object]
    return {"kinds": kinds, "said": str(error).strip().partition("\n")[0][:300]}


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # no such limit on this system
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _say(answers: TextIO, answer: Table) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
