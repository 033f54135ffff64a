"""What stands in for the library yfinance in tests: the ticker says what it is to do."""

import os
import sys
import time
from pathlib import Path

import pandas as pd


class YFException(Exception):  # noqa: N818
    pass


class YFTickerMissingError(YFException):
    pass


class YFTzMissingError(YFTickerMissingError):
    pass


class YFRateLimitError(YFException):
    pass


class exceptions:  # noqa: N801
    YFException = YFException


def good() -> pd.DataFrame:
    days = pd.DatetimeIndex(["2024-03-04", "2024-03-05", "2024-03-06"], name="Date")
    frame = {
        "Open": [101.0, 102.0, 103.0],
        "High": [103.0, 104.0, 105.0],
        "Low": [100.0, 101.0, 102.0],
        "Close": [102.0, 103.0, 104.1],
        "Adj Close": [101.5, 102.5, 104.1],
        "Volume": [80, 90, 100],
    }
    return pd.DataFrame(frame, index=days.tz_localize("America/New_York"))


class Ticker:
    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def history(self, start: str, **settings: object) -> object:
        assert settings == {"interval": "1d", "auto_adjust": False, "actions": False}
        assert start == "2024-01-01"
        return getattr(self, f"do_{self.symbol.lower().replace('-', '_')}")()

    def do_good(self) -> pd.DataFrame:
        return good()

    def do_brk_b(self) -> pd.DataFrame:
        return good()

    def do_hangs(self) -> None:
        time.sleep(600)

    def do_eats(self) -> object:
        return [b"x" * 2**20 for _ in range(2**20)]

    def do_prints(self) -> pd.DataFrame:
        sys.stdout.write("1 of 1 completed")
        os.write(1, b'{"columns": "none"}\n')
        return good()

    def do_raises(self) -> None:
        raise RuntimeError("'NoneType' object is not subscriptable\nTraceback ...")

    def do_limited(self) -> None:
        raise YFRateLimitError("Too Many Requests. Rate limited. Try after a while.")

    def do_unknown(self) -> None:
        raise YFTzMissingError("$UNKNOWN: possibly delisted; no timezone found")

    def do_offline(self) -> None:
        raise ConnectionError("Failed to perform, curl: (6) Could not resolve host: yahoo.com")

    def do_once(self) -> pd.DataFrame:
        told = Path(os.environ["ONCE"])
        if told.exists():
            return good()
        told.touch()
        raise ConnectionError("Connection reset by peer")

    def do_empty(self) -> pd.DataFrame:
        return good().head(0)

    def do_none(self) -> None:
        return None

    def do_levels(self) -> pd.DataFrame:
        frame = good()
        frame.columns = pd.MultiIndex.from_product([frame.columns, ["LEVELS"]])
        return frame

    def do_turned(self) -> pd.DataFrame:
        frame = good()
        frame.columns = pd.MultiIndex.from_product([["TURNED"], frame.columns])
        return frame

    def do_renamed(self) -> pd.DataFrame:
        return good().rename(columns={"Adj Close": "Adjusted"})

    def do_nans(self) -> pd.DataFrame:
        frame = good()
        frame.iloc[1] = float("nan")
        return frame

    def do_dies(self) -> None:
        os.kill(os.getpid(), 9)

    def do_exits(self) -> None:
        os._exit(3)

    def do_endless(self) -> pd.DataFrame:
        return pd.concat([good()] * 20_000)

    def do_keys(self) -> None:
        kept = [name for name in os.environ if name.endswith("_API_KEY")]
        raise RuntimeError(f"keys: {kept}")
