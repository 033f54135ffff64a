"""Frames as plain text."""

import polars as pl


def show(frame: pl.DataFrame, title: str) -> None:
    """Print a whole frame under a title."""
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=160,
        fmt_str_lengths=100,
        float_precision=3,
        tbl_formatting="NOTHING",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
    ):
        print(f"{title}:\n{frame}")
